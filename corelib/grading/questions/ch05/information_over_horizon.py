"""What a latent state still knows n steps later: chapter 5, exercise 3."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman import linear_gaussian_mi

# A difference of two log determinants of order 1 to 10, where little information is left.
_TOLERANCE = Close(rtol=1e-8, atol=1e-10)


def _oracle(K: np.ndarray, C: np.ndarray, Sigma: np.ndarray, n_steps: int) -> np.ndarray:
    matrices = [torch.from_numpy(matrix.copy()) for matrix in (K, C, Sigma)]
    return np.array([linear_gaussian_mi(*matrices, n).item() for n in range(1, n_steps + 1)])


def _covariance(rng: np.random.Generator, size: int, scale: float) -> np.ndarray:
    root = rng.normal(size=(size, size))
    return scale * (root @ root.T / size + 0.3 * np.eye(size))


def _cases(rng: np.random.Generator) -> list[Case]:
    angle, a = rng.uniform(0.2, 1.0), rng.uniform(0.6, 0.9)
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s], [s, c]])
    shear = np.array([[a, 1.5], [0.0, 0.4]])
    mixing = rng.normal(size=(4, 4))
    mixing *= 0.9 / np.abs(np.linalg.eigvals(mixing)).max()
    C, Sigma = _covariance(rng, 4, 2.0), _covariance(rng, 4, 0.3)
    small, eye = _covariance(rng, 2, 0.2), np.eye(2)
    direction = rng.uniform(0.5, 1.5, size=(2, 1))
    one = np.ones((1, 1))
    return [
        Case("the example by hand: stationary, one latent", (one / 2, one, 0.75 * one, 2)),
        Case("one latent, not stationary", (a * one, rng.uniform(2, 3) * one, 0.2 * one, 6)),
        Case("three modes of their own", (np.diag([0.99, a, 0.5]), np.eye(3), 0.1 * np.eye(3), 8)),
        Case("a rotation: |λ| = 1, and still it fades", (rotation, eye, rng.uniform(0.02, 0.1) * eye, 8)),
        Case("a shear: K is not normal", (shear, eye, small, 6)),
        Case("four latents that mix, correlated noise", (mixing, C, Sigma, 5)),
        Case("a growing mode", (np.diag([1.3, a]), eye, small, 5)),
        Case("the earlier latent varies in one direction only", (shear, direction @ direction.T, small, 4)),
        Case("K forgets one direction at once", (np.diag([a, 0.0]) @ rotation, eye, small, 4)),
        Case("a single step", (mixing, C, Sigma, 1)),
        Case("K is not square", (np.ones((2, 3)), eye, small, 3), Raises("ValueError", ("K",))),
        Case("a direction without noise", (rotation, eye, np.diag([0.1, 0.0]), 3), Raises("ValueError", ("Sigma",))),
        Case("no step", (rotation, eye, small, 0), Raises("ValueError", ("n_steps",))),
    ]


Noise = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
Power = Callable[[np.ndarray, int], np.ndarray]
_power = np.linalg.matrix_power


def _noise(K: np.ndarray, Sigma: np.ndarray, n: int) -> np.ndarray:
    return sum(_power(K, i) @ Sigma @ _power(K, i).T for i in range(n))


def _log_ratio(S: np.ndarray, M: np.ndarray) -> float:
    return 0.5 * (np.linalg.slogdet(S)[1] - np.linalg.slogdet(M)[1])


def _mistaken(
    noise: Noise = _noise,
    power: Power = _power,
    value: Callable[[np.ndarray, np.ndarray], float] = lambda S, M: _log_ratio(S + M, M),
    signal: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda P, C: P @ C @ P.T,
) -> Callable[..., np.ndarray]:
    """The question's formula with one thing changed; ``value`` sees K^n C (K^n)^T and M_n."""

    def wrong(K: np.ndarray, C: np.ndarray, Sigma: np.ndarray, n_steps: int) -> np.ndarray:
        steps = range(1, n_steps + 1)
        with np.errstate(all="ignore"):  # some mistakes have no finite value for some cases
            return np.array([value(signal(power(K, n), C), noise(K, Sigma, n)) for n in steps])

    return wrong


def _noise_of_powers(powers: Callable[[int], range]) -> Noise:
    return lambda K, Sigma, n: sum(_power(K, i) @ Sigma @ _power(K, i).T for i in powers(n))


def _entrywise(K: np.ndarray, Sigma: np.ndarray, n: int) -> np.ndarray:
    return sum((K**i) @ Sigma @ (K**i).T for i in range(n))


def _later(first: int) -> Callable[..., np.ndarray]:
    def wrong(K: np.ndarray, C: np.ndarray, Sigma: np.ndarray, n_steps: int) -> np.ndarray:
        return _mistaken()(K, C, Sigma, n_steps + first)[first:]

    return wrong


def _is_constant(attempt: Attempt) -> bool:
    value, expected = attempt.value, attempt.expected
    return (
        value.shape == expected.shape
        and len(value) > 1
        and bool(np.isfinite(value).all() and np.allclose(value, value[0], rtol=1e-9, atol=0))
        and not np.allclose(expected, expected[0])
    )


QUESTION = Question(
    name="ch05.information_over_horizon",
    title="What is still known n steps later",
    entry="information_over_horizon",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "last_noise_only",
            "Your M_n is its last term, K^(n−1) Σ K^(n−1)ᵀ. Every step on the way adds noise of its own: sum over"
            " i = 0 … n−1.",
            _mistaken(_noise_of_powers(lambda n: range(n - 1, n))),
        ),
        answers_as(
            "noise_of_one_step",
            "Your noise is Σ at every horizon. After n steps n noises have come in, each carried on by K since: M_n"
            " sums K^i Σ (K^i)ᵀ over i = 0 … n−1.",
            _mistaken(_noise_of_powers(lambda n: range(1))),
        ),
        answers_as(
            "noise_not_carried",
            "Your M_n is n Σ, as if noise stayed as it came in. The one that came i steps ago has been through K i"
            " times: K^i Σ (K^i)ᵀ.",
            _mistaken(lambda K, Sigma, n: n * Sigma),
        ),
        answers_as(
            "same_power",
            "All terms of your M_n have the power K^n. The noise that came i steps ago has been through K i times, not"
            " n times: K^i, i = 0 … n−1.",
            _mistaken(lambda K, Sigma, n: n * _power(K, n) @ Sigma @ _power(K, n).T),
            _mistaken(lambda K, Sigma, n: _power(K, n) @ Sigma @ _power(K, n).T),
        ),
        answers_as(
            "noise_shifted",
            "Your sum for M_n is off by one. It runs over i = 0 … n−1: the newest noise has not been through K at all,"
            " and there are n of them.",
            _mistaken(_noise_of_powers(lambda n: range(1, n + 1))),
            _mistaken(_noise_of_powers(lambda n: range(n + 1))),
        ),
        answers_as(
            "half_missing",
            "Your values are twice the right ones: ½ is missing in front of the log determinants.",
            lambda *args: 2 * _oracle(*args),
        ),
        answers_as("bits", "These are bits. The question asks for nats.", lambda *args: _oracle(*args) / np.log(2)),
        answers_as(
            "cov_of_z_t",
            "You took C for the covariance of z_t. It is that of z_(t−n); z_t has Kⁿ C (Kⁿ)ᵀ + M_n. The two agree only"
            " in a stationary state.",
            _mistaken(signal=lambda P, C: C, value=_log_ratio),
            _mistaken(signal=lambda P, C: C),
        ),
        answers_as(
            "transposed",
            "Your K is transposed. Latents are columns, z_t = K z_(t−1) + noise, so a covariance becomes K C Kᵀ, with"
            " the transpose on the right.",
            lambda K, *args: _oracle(K.T, *args),
            _mistaken(power=lambda K, n: _power(K, n).T),
            _mistaken(lambda K, Sigma, n: _noise(K.T, Sigma, n)),
        ),
        answers_as(
            "powers_of_entries",
            "K**n takes powers of entries. n steps are the matrix power, np.linalg.matrix_power(K, n), or one"
            " multiplication after the other.",
            _mistaken(_entrywise, lambda K, n: K**n),
            _mistaken(power=lambda K, n: K**n),
            _mistaken(_entrywise),
        ),
        answers_as(
            "one_step_power",
            "Your signal went through K once at every horizon. After n steps it is Kⁿ C (Kⁿ)ᵀ.",
            _mistaken(power=lambda K, n: K),
        ),
        answers_as(
            "coordinates_apart",
            "You added up what each coordinate knows of itself. Coordinates share information and noise: take"
            " determinants of the whole matrices.",
            _mistaken(value=lambda S, M: 0.5 * np.log1p(np.diag(S) / np.diag(M)).sum()),
        ),
        answers_as(
            "noise_not_subtracted",
            "You returned ½ ln det of the covariance of z_t. Information is what knowing z_(t−n) takes away: subtract"
            " ½ ln det M_n.",
            _mistaken(value=lambda S, M: 0.5 * np.linalg.slogdet(S + M)[1]),
        ),
        answers_as(
            "horizon_shifted",
            "Your horizons are off by one. The first number belongs to n = 1, the last to n = n_steps.",
            _later(1),
        ),
        Diagnosis(
            "constant",
            "Your information does not fall with the horizon. Even a rotation, |λ| = 1, loses it: M_n grows with every"
            " step.",
            _is_constant,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names K unless it is square, Sigma unless it is positive"
            " definite, and n_steps if it is below 1. (A LinAlgError of numpy is another error.)",
            lambda attempt: (
                any(accepts(name)(attempt) for name in ("K", "Sigma", "n_steps"))
                or (isinstance(attempt.case.expect, Raises) and attempt.error == "LinAlgError")
            ),
        ),
    ),
)
