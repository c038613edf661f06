"""Which back end searches: chosen from what is installed and from the dimension, as measured.

| back end | what | best for |
| --- | --- | --- |
| "numba" | compiled blocks with bounding boxes, or plain vectors in many dimensions | everything, where installed |
| "tree" | KD-trees of SciPy and scikit-learn | up to 8 dimensions |
| "torch" | brute force in blocks | more than 8 dimensions |
| "triton" | brute force on a GPU, float64 | large N on a GPU |

Distances in the max-norm are single subtractions, so that all back ends agree bit for bit and counts as integers.
"""

import importlib.util

from corelib.information.samples import require_option

BACKENDS = ("auto", "numba", "tree", "torch", "triton")
MOST_TREE_DIMENSIONS = 8


def resolve(backend: str, d: int) -> str:
    """The back end that "auto" stands for, or the one asked for.

    Args:
        backend: one of :data:`BACKENDS`.
        d: dimension of the space searched.

    Raises:
        ValueError: unknown back end.
        ModuleNotFoundError: numba was asked for where it is not installed.
    """
    require_option("backend", backend, BACKENDS)
    has_numba = importlib.util.find_spec("numba") is not None
    if backend == "numba" and not has_numba:
        raise ModuleNotFoundError(
            "backend is 'numba', but numba is not installed; use backend='auto', or install it: "
            'pip install "bottleneck-course[fast]"'
        )
    if backend != "auto":
        return backend
    if has_numba:
        return "numba"
    return "tree" if d <= MOST_TREE_DIMENSIONS else "torch"
