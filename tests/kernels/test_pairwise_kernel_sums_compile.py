"""Without a GPU the kernel still compiles for Hopper: no spills, and the exponential is the hardware's."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ch03
COMPILE = """
import json, sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from kernels.pairwise_kernel_sums.kernel import block_sizes, pairwise_kernel_sums_kernel as kernel

constants = block_sizes(int(sys.argv[1]))
signature = {"x_ptr": "*fp32", "norm_ptr": "*fp32", "label_ptr": "*i32", "out_ptr": "*fp32", "n": "i32"}
signature |= {name: "constexpr" for name in constants}
places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
source = ASTSource(fn=kernel, signature=signature, constexprs=places)
built = triton.compile(source, target=GPUTarget("cuda", 90, 32))
ptx = built.asm["ptx"]
print(json.dumps({"ptx": ptx, "shared": built.metadata.shared, "constants": constants}))
"""
ASSEMBLE = """
import subprocess, sys, tempfile, os, triton, glob
folder = os.path.join(os.path.dirname(triton.__file__), "backends", "nvidia", "bin")
ptxas = sorted(glob.glob(os.path.join(folder, "ptxas*")))[0]
with tempfile.TemporaryDirectory() as t:
    open(t + "/k.ptx", "w").write(sys.stdin.read())
    command = [ptxas, "-v", "--gpu-name=sm_90a", t + "/k.ptx", "-o", t + "/k.o"]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    sys.exit(done.returncode)
"""


def run(code, *arguments, stdin=None):
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, input=stdin
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("d", [3, 10, 16, 33, 784])
def test_the_kernel_compiles_for_sm_90_without_spills(d):
    built = json.loads(run(COMPILE, str(d)).splitlines()[-1])
    report = run(ASSEMBLE, stdin=built["ptx"])
    assert "0 bytes spill stores, 0 bytes spill loads" in report, report
    assert built["ptx"].count("ex2.approx") > 0
    # One exponential a pair serves both kernels: a tile of M x N pairs over 128 threads.
    per_thread = built["constants"]["BLOCK_M"] * built["constants"]["BLOCK_N"] // 128
    assert built["ptx"].count("ex2.approx") == per_thread
    assert "sqrt" not in built["ptx"] and "div." not in built["ptx"]
