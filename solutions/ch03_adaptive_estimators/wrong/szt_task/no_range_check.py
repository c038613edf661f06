"""Wrong: rows that do not exist get a pattern."""

import numpy as np

GOLDEN = (1 + 5**0.5) / 2
VERTICES = np.array(
    [
        (GOLDEN, 0, 1),
        (GOLDEN, 0, -1),
        (0, 1, -GOLDEN),
        (1, GOLDEN, 0),
        (0, -1, -GOLDEN),
        (0, -1, GOLDEN),
        (-1, -GOLDEN, 0),
        (-GOLDEN, 0, 1),
        (-1, GOLDEN, 0),
        (-GOLDEN, 0, -1),
        (0, 1, GOLDEN),
        (1, -GOLDEN, 0),
    ]
)


def szt_task(rows):
    """Patterns and labels of the rows."""
    # wrong: the thirteenth bit of 4096 is dropped, and -1 becomes twelve ones
    x = rows[:, None] >> np.arange(11, -1, -1) & 1
    dots = VERTICES @ VERTICES.T
    neighbours, antipodes = np.isclose(dots, GOLDEN), np.isclose(dots, -GOLDEN - 2)
    k = x.sum(axis=1)
    a = ((x @ neighbours) * x).sum(axis=1) // 2
    c = ((x @ antipodes) * x).sum(axis=1) // 2
    y = 114 * k - 11 * k**2 + 24 * a - 12 * c >= 430
    return x, y.astype(np.int64)
