"""One operator from many short windows: chapter 5, exercise 6."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman.operators import koopman_least_squares

# Normal equations square a condition number of a few hundred at most: about ten digits are left.
_TOLERANCE = Close(rtol=1e-7, atol=1e-8)


def _oracle(z: np.ndarray, ridge: float) -> np.ndarray:
    z = torch.from_numpy(z.copy())
    return koopman_least_squares(z[:, :-1], z[:, 1:], ridge=ridge).numpy()


def _windows(rng: np.random.Generator, windows: int, times: int, K: np.ndarray, noise: float) -> np.ndarray:
    z = [rng.normal(size=(windows, len(K)))]
    for _ in range(times - 1):
        z.append(z[-1] @ K.T + noise * rng.normal(size=z[0].shape))
    return np.stack(z, axis=1)


def _cases(rng: np.random.Generator) -> list[Case]:
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    hand = np.stack([np.array([[1.0, 0.0]]) @ np.linalg.matrix_power(turn, t).T for t in range(3)], axis=1)
    (left, _), (right, _) = (np.linalg.qr(rng.normal(size=(4, 4))) for _ in range(2))
    mixing = left @ np.diag([2.0, 1.5, 1.0, 0.5]) @ right
    modes = mixing @ np.diag([0.99, 0.9, 0.7, 0.5]) @ np.linalg.inv(mixing)
    skewed = 0.5 * np.eye(5) + 0.4 * np.triu(rng.normal(size=(5, 5)), 1)
    usual = _windows(rng, 12, 6, skewed, 0.3)
    return [
        Case("the example by hand: a quarter turn", (hand, 0.0)),
        Case("the same with ridge 1", (hand, 1.0)),
        Case("latents that do not move, 4 times in 12 dimensions", (_windows(rng, 40, 4, np.eye(12), 0.0), 0.0)),
        Case("four modes, windows of 4 times, no noise", (_windows(rng, 50, 4, modes, 0.0), 0.0)),
        Case("12 windows, noise, ridge 0.1", (usual, 0.1)),
        Case("the same with ridge 20", (usual, 20.0)),
        Case("latents with an offset", (usual + rng.normal(size=5), 0.1)),
        Case("one window", (_windows(rng, 1, 30, skewed, 0.5), 0.1)),
        Case("windows of two times, fewer pairs than dimensions", (_windows(rng, 3, 2, np.eye(6), 0.2), 0.1)),
        Case("a ridge below 0", (usual, -0.1), Raises("ValueError", ("ridge",))),
        Case("windows of one time", (usual[:, :1], 0.1), Raises("ValueError", ("z",))),
    ]


def _solve(a: np.ndarray, b: np.ndarray, ridge: float) -> np.ndarray:
    """K of least norm, for b = a K^T."""
    if ridge == 0:
        return np.linalg.lstsq(a, b, rcond=None)[0].T
    return np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ b).T


def _pairs(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = z.shape[-1]
    return z[:, :-1].reshape(-1, d), z[:, 1:].reshape(-1, d)


def _window_average(z: np.ndarray, ridge: float) -> np.ndarray:
    return np.mean([_solve(window[:-1], window[1:], ridge) for window in z], axis=0)


def _across_windows(z: np.ndarray, ridge: float) -> np.ndarray:
    flat = z.reshape(-1, z.shape[-1])
    return _solve(flat[:-1], flat[1:], ridge)


def _first_window(z: np.ndarray, ridge: float) -> np.ndarray:
    return _solve(z[0, :-1], z[0, 1:], ridge)


def _backward(z: np.ndarray, ridge: float) -> np.ndarray:
    before, after = _pairs(z)
    return _solve(after, before, ridge)


def _centred(z: np.ndarray, ridge: float) -> np.ndarray:
    before, after = _pairs(z)
    return _solve(before - before.mean(0), after - after.mean(0), ridge)


def _ridge(changed: Callable[[float, np.ndarray], float]) -> Callable[..., np.ndarray]:
    return lambda z, ridge: _solve(*_pairs(z), changed(ridge, z))


QUESTION = Question(
    name="ch05.pooled_operator",
    title="One operator from all windows",
    entry="pooled_operator",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "window_average",
            "You fitted an operator in each window and averaged. A window of T pairs in d > T dimensions sees T"
            " directions and maps the others to 0, so the average shrinks, down to T/d of the truth. Sum the Gram"
            " matrices over windows, then solve once.",
            _window_average,
        ),
        answers_as(
            "first_window",
            "You used the first window alone. All windows show the same K: pool their pairs.",
            _first_window,
        ),
        answers_as(
            "across_windows",
            "You paired the last latent of a window with the first of the next. Cut before you flatten: z[:, :-1] and"
            " z[:, 1:].",
            _across_windows,
        ),
        answers_as(
            "transposed",
            "You returned the transpose of K. The solve gives W in z_+ = z_- W with latents as rows; in z_+ = K z_-,"
            " with latents as columns, K is W.T.",
            lambda z, ridge: _oracle(z, ridge).T,
        ),
        answers_as(
            "backward",
            "Your operator leads from the later latents to the earlier ones.",
            _backward,
        ),
        answers_as(
            "averaged_gram",
            "You averaged the Gram matrix before adding the ridge, which then counts as many times as there are pairs"
            " or windows. Here it is added to the sum.",
            _ridge(lambda ridge, z: ridge * z.shape[0] * (z.shape[1] - 1)),
            _ridge(lambda ridge, z: ridge * z.shape[0]),
            _ridge(lambda ridge, z: ridge * (z.shape[1] - 1)),
        ),
        answers_as(
            "ridge_squared",
            "You squared the ridge. It is added as it is to the diagonal of the Gram matrix.",
            _ridge(lambda ridge, z: ridge**2),
        ),
        answers_as(
            "ridge_left_out",
            "The ridge is missing: add it to the diagonal of the Gram matrix.",
            _ridge(lambda ridge, z: 0.0),
        ),
        answers_as(
            "centred",
            "You subtracted means. z_+ = K z_- has no constant; an offset belongs to the latents that K has to map.",
            _centred,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names ridge if it is below 0, and one that names z unless it has"
            " three axes and at least two times.",
            lambda attempt: accepts("ridge")(attempt) or accepts("z")(attempt),
        ),
    ),
)
