"""Wrong: a value below the first edge gets bin 0."""

import numpy as np


def digitize(h, edges):
    """Bin of each value."""
    # wrong: such a value says that the edges belong to another layer
    return np.maximum(np.digitize(h, edges) - 1, 0)
