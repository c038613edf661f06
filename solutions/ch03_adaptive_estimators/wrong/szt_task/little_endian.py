"""Wrong: the least significant bit comes first."""

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
    if ((rows < 0) | (rows > 4095)).any():
        raise ValueError(f"rows go from {rows.min()} to {rows.max()}; expected 0 to 4095")
    # wrong: column 0 is the least significant bit
    x = rows[:, None] >> np.arange(12) & 1
    dots = VERTICES @ VERTICES.T
    neighbours, antipodes = np.isclose(dots, GOLDEN), np.isclose(dots, -GOLDEN - 2)
    k = x.sum(axis=1)
    a = ((x @ neighbours) * x).sum(axis=1) // 2
    c = ((x @ antipodes) * x).sum(axis=1) // 2
    y = 114 * k - 11 * k**2 + 24 * a - 12 * c >= 430
    return x, y.astype(np.int64)
