"""Wrong: the label asks for six lamps or more and looks at nothing else."""

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
    x = rows[:, None] >> np.arange(11, -1, -1) & 1
    # wrong: how the lamps stand to each other does not enter
    return x, (x.sum(axis=1) >= 6).astype(np.int64)
