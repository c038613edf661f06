"""The permutation control: the same estimator where the truth is known to be 0."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from corelib.information.estimate import MIEstimate
from corelib.information.samples import require_option

CONTROLS = (None, "permute")


def with_control(
    estimate: Callable[[np.ndarray, np.ndarray], MIEstimate],
    x: np.ndarray,
    y: np.ndarray,
    control: str | None,
    seed: int,
) -> MIEstimate:
    """An estimate, and the same again after a random permutation of y when ``control`` is "permute".

    Args:
        estimate: the estimator.
        x: shape ``(N, d_x)``.
        y: shape ``(N, d_y)`` or labels ``(N,)``.
        control: None or "permute".
        seed: seed of the permutation.

    Raises:
        ValueError: an unknown control.
    """
    require_option("control", control, CONTROLS)
    found = estimate(x, y)
    if control is None:
        return found
    shuffled = np.random.default_rng(seed).permutation(len(y))
    return replace(found, permuted=estimate(x, y[shuffled]).value)
