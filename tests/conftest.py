"""Settings for the whole suite: one thread, the Triton interpreter where there is no GPU, untimed examples."""

import os

import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is imported, so it must be set before

import pytest
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("course", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("course")


def pytest_collection_modifyitems(items):
    """Tests marked ``gpu`` are skipped where there is none; peers and rebuilt data have skips of their own."""
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
