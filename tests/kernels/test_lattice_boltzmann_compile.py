"""Without a GPU the kernel still compiles for Hopper: no spills, few registers, divisions rounded to the nearest."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ch05
COMPILE = """
import json, os, re, subprocess, tempfile
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.knobs import nvidia
from kernels.lattice_boltzmann.kernel import BLOCK, stream_and_collide_kernel as kernel

for folded in ({}, {"ny": 1}):
    constants = {"BLOCK": BLOCK} | folded
    kinds = dict.fromkeys(("nx", "ny", "probe", "step"), "i32") | {"rate": "fp32", "solid_ptr": "*u8"}
    kinds |= dict.fromkeys(constants, "constexpr")
    signature = {argument: kinds.get(argument, "*fp32") for argument in kernel.arg_names}
    places = {(kernel.arg_names.index(argument),): value for argument, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    ptx = triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["ptx"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "k.ptx")
        open(path, "w").write(ptx)
        command = [nvidia.ptxas.path, "-v", "--gpu-name=sm_90a", path, "-o", path + ".o"]
        done = subprocess.run(command, capture_output=True, text=True)
    print(json.dumps({"ptx": ptx, "report": done.stdout + done.stderr, "status": done.returncode, "block": BLOCK}))
"""


@pytest.fixture(scope="module")
def built():
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, "-c", COMPILE], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == 2 and all(kernel["status"] == 0 for kernel in found), found
    return found


def test_the_kernel_compiles_for_sm_90_without_spills_in_40_registers(built):
    """With 40 registers 1536 threads fit on a multiprocessor, each waiting for nine populations: that hides memory."""
    for kernel in built:
        assert "0 bytes spill stores, 0 bytes spill loads" in kernel["report"], kernel["report"]
        assert int(kernel["report"].split("Used ")[1].split(" registers")[0]) <= 40, kernel["report"]


def test_a_cell_is_nine_populations_in_nine_out_and_no_table(built):
    for kernel in built:
        lines = [line.split() for line in kernel["ptx"].splitlines()]
        per_thread = kernel["block"] // 128
        stores = sum("st.global.b32" in line for line in lines)
        loads = sum("ld.global.b32" in line for line in lines)
        assert stores == 10 * per_thread  # the probe is one more, masked to one cell
        assert loads == 18 * per_thread  # from the neighbour or, in the first column, from the inlet
        assert not any(word.startswith("ld.global.b64") for line in lines for word in line)


def test_divisions_are_rounded_to_the_nearest(built):
    """An approximate 1/36 errs to one side, step after step."""
    for kernel in built:
        assert kernel["ptx"].count("div.rn.f32") == 3 * kernel["block"] // 128
        assert "div.full" not in kernel["ptx"] and "div.approx" not in kernel["ptx"] and "rcp" not in kernel["ptx"]
