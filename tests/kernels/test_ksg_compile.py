"""Without a GPU the kernels still compile for Hopper: no spills, and no arithmetic that could move a distance."""

import json
import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ch02
COMPILE = """
import json, os, subprocess, sys, tempfile
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.knobs import nvidia
from kernels.ksg.kernel import BLOCKS, ksg_neighbors_kernel, marginal_counts_kernel

number, d = sys.argv[1], int(sys.argv[2])
cases = {
    "neighbors": (ksg_neighbors_kernel, {"DX": d, "DY": d}, {"k": "i32"}),
    "counts": (marginal_counts_kernel, {"D": d, "STRICT": True}, {"count_ptr": "*i64"}),
}
for name, (kernel, constants, kinds) in cases.items():
    constants |= BLOCKS
    kinds |= {"n": "i32"} | dict.fromkeys(constants, "constexpr")
    signature = {argument: kinds.get(argument, "*" + number) for argument in kernel.arg_names}
    places = {(kernel.arg_names.index(argument),): value for argument, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    ptx = triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "k.ptx")
        open(path, "w").write(ptx)
        command = [nvidia.ptxas.path, "-v", "--gpu-name=sm_90a", path, "-o", path + ".o"]
        done = subprocess.run(command, capture_output=True, text=True)
    print(json.dumps({"name": name, "ptx": ptx, "report": done.stdout + done.stderr, "status": done.returncode}))
"""


@pytest.mark.parametrize("d", [1, 4, 10])
@pytest.mark.parametrize("number", ["fp32", "fp64"])
def test_the_kernels_compile_for_sm_90_without_spills_or_fused_arithmetic(number, d):
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, number, str(d)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = [json.loads(line) for line in done.stdout.splitlines()[-2:]]
    assert [kernel["name"] for kernel in built] == ["neighbors", "counts"]
    for kernel in built:
        assert kernel["status"] == 0, kernel["report"]
        assert "0 bytes spill stores, 0 bytes spill loads" in kernel["report"], kernel["report"]
        # Every floating-point instruction there is: a product, fused or not, would round in a way of its own.
        used = set(re.findall(rf"\s([a-z]+)[a-z.]*\.f{number[2:]}\s", kernel["ptx"]))
        assert "sub" in used and "abs" in used
        assert used <= {"sub", "abs", "max", "min", "setp"}, used
