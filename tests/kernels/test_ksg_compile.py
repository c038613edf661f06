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

cases = [
    (number, kernel, constants)
    for number in ("fp32", "fp64")
    for kernel, constants in (
        (ksg_neighbors_kernel, {}),
        (ksg_neighbors_kernel, {"dx": 1, "dy": 1, "k": 1}),
        (marginal_counts_kernel, {"STRICT": True}),
        (marginal_counts_kernel, {"STRICT": False, "d": 1}),
    )
]
for number, kernel, constants in cases:
    constants = constants | BLOCKS
    kinds = dict.fromkeys(("n", "d", "dx", "dy", "k"), "i32") | dict.fromkeys(constants, "constexpr")
    kinds["count_ptr"] = "*i64"
    signature = {argument: kinds.get(argument, "*" + number) for argument in kernel.arg_names}
    places = {(kernel.arg_names.index(argument),): value for argument, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    ptx = triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "k.ptx")
        open(path, "w").write(ptx)
        command = [nvidia.ptxas.path, "-v", "--gpu-name=sm_90a", path, "-o", path + ".o"]
        done = subprocess.run(command, capture_output=True, text=True)
    print(json.dumps({"number": number, "ptx": ptx, "report": done.stdout + done.stderr, "status": done.returncode}))
"""


def test_the_kernels_compile_for_sm_90_without_spills_or_fused_arithmetic():
    """Numbers of columns are arguments, not constants, so this code serves every width; Triton itself folds in a 1."""
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", COMPILE], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    built = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(built) == 8
    for kernel in built:
        assert kernel["status"] == 0, kernel["report"]
        assert "0 bytes spill stores, 0 bytes spill loads" in kernel["report"], kernel["report"]
        # Every floating-point instruction there is: a product, fused or not, would round in a way of its own.
        used = set(re.findall(rf"\s([a-z]+)[a-z.]*\.f{kernel['number'][2:]}\s", kernel["ptx"]))
        assert {"sub", "abs"} <= used <= {"sub", "abs", "max", "min", "setp", "selp"}, used
