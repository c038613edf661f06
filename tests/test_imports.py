"""Importing the library is light: no Jupyter, no matplotlib, no triton; and the import contracts hold."""

import subprocess
import sys

import pytest

PACKAGES = (
    "corelib.causal",
    "corelib.koopman",
    "corelib.information",
    "corelib.information.study",
    "corelib.training",
    "corelib.datasets",
    "corelib.notebook",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_pulls_in_neither_jupyter_nor_matplotlib_nor_triton(package):
    heavy = ("IPython", "ipywidgets", "nbformat", "nbclient", "jupyter_client", "matplotlib", "triton", "numba")
    script = f"import sys, {package}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_library_works_where_triton_is_absent():
    script = (
        "import sys\n"
        "sys.modules['triton'] = None\n"
        "import torch\n"
        "from corelib.information import KernelDensity\n"
        "from corelib.training import MLPEnsemble\n"
        "h = torch.arange(4.0).view(1, 4, 1)\n"
        "print(round(KernelDensity(1e-3, 'fixed').estimate(h, torch.arange(4)).ixt_bits.item(), 6))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2.0"
