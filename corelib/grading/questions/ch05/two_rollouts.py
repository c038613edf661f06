"""Two ways to roll a forecast out: chapter 5, exercise 6."""

from collections.abc import Callable

import numpy as np

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

Model = dict[str, np.ndarray]
Pair = tuple[np.ndarray, np.ndarray]

# A dozen steps of a map that squares its input and is far from chaos.
_TOLERANCE = Close(rtol=1e-8, atol=1e-10)


def _encode(x: np.ndarray, model: Model) -> np.ndarray:
    return np.concatenate([x, x**2], axis=-1) @ model["encoder"].T


def _decode(z: np.ndarray, model: Model) -> np.ndarray:
    return z @ model["decoder"].T


def _latent(x: np.ndarray, K: np.ndarray, model: Model) -> np.ndarray:
    """Latents K^h z_0, h = 1 to T; one row each."""
    z = _encode(x[0], model)
    return np.array([np.linalg.matrix_power(K, h) @ z for h in range(1, len(x))])


def _oracle(x: np.ndarray, K: np.ndarray, model: Model) -> Pair:
    again = [x[0]]
    for _ in x[1:]:
        again.append(_decode(K @ _encode(again[-1], model), model))
    return _decode(_latent(x, K, model), model), np.array(again[1:])


def _draw(rng: np.random.Generator, n: int, steps: int, *, decoder_error: float = 0.02, coupling: float = 0.4) -> tuple:
    """States (steps + 1, n), K and a model whose latents are a mixture of x and x^2."""
    left, right = (np.linalg.qr(rng.normal(size=(2 * n, 2 * n)))[0] for _ in range(2))
    encoder = left @ np.diag(rng.uniform(0.7, 1.4, size=2 * n)) @ right
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0] * rng.uniform(0.8, 0.95)
    step = np.zeros((2 * n, 2 * n))
    step[:n, :n], step[:n, n:] = turn, coupling * rng.normal(size=(n, n)) / n
    step[n:, n:] = 0.7 * np.eye(n) + 0.1 * rng.normal(size=(n, n)) / n
    inverse = np.linalg.inv(encoder)
    decoder = inverse[:n] + decoder_error * rng.normal(size=(n, 2 * n))
    x = rng.uniform(-0.8, 0.8, size=(1, n))
    for _ in range(steps):
        x = np.concatenate([x, x[-1:] @ turn.T + 0.1 * rng.normal(size=(1, n))])
    return x, encoder @ step @ inverse, {"encoder": encoder, "decoder": decoder}


def _cases(rng: np.random.Generator) -> list[Case]:
    hand = (
        np.array([[2.0], [1.0], [3.0]]),
        np.array([[0.5, 0.25], [0.0, 0.5]]),
        {"encoder": np.eye(2), "decoder": np.array([[1.0, 0.0]])},
    )
    usual, unknown = _draw(rng, 2, 12), _draw(rng, 3, 8)
    unknown[0][1:] = np.nan
    x, K, model = usual
    return [
        Case("the example by hand", hand),
        Case("2 states, 4 latents, 12 steps", usual),
        Case("one step: both forecasts agree", _draw(rng, 2, 1)),
        Case("the future is unknown: NaN after the start", unknown),
        Case("a poor decoder", _draw(rng, 2, 6, decoder_error=0.15)),
        Case("states and squares hardly coupled", _draw(rng, 2, 10, coupling=0.05)),
        Case("one state", _draw(rng, 1, 9)),
        Case("four states", _draw(rng, 4, 7)),
        Case("no step to forecast", (x[:1], K, model), Raises("ValueError", ("x",))),
        Case("K of the states instead of the latents", (x, K[:2, :2], model), Raises("ValueError", ("K",))),
    ]


def _forced(x: np.ndarray, K: np.ndarray, model: Model) -> np.ndarray:
    return _decode(_encode(x[:-1], model) @ K.T, model)


def _from_start(x: np.ndarray, K: np.ndarray, model: Model) -> Pair:
    """Forecasts that begin with the start itself; as many rows as states."""
    latent, again = _oracle(x, K, model)
    return np.concatenate([x[:1], latent]), np.concatenate([x[:1], again])


def _from_decoded_start(x: np.ndarray, K: np.ndarray, model: Model) -> Pair:
    latent, again = _oracle(x, K, model)
    return np.concatenate([_decode(_encode(x[:1], model), model), latent]), np.concatenate([x[:1], again])


def _late(rule: Callable[..., Pair], stop: int | None) -> Callable[..., Pair]:
    return lambda *arguments: tuple(part[:stop] for part in rule(*arguments))


def _power_of_entries(x: np.ndarray, K: np.ndarray, model: Model) -> np.ndarray:
    z = _encode(x[0], model)
    return _decode(np.array([K**h @ z for h in range(1, len(x))]), model)


QUESTION = Question(
    name="ch05.two_rollouts",
    title="Stay in the latent, or come back each step",
    entry="two_rollouts",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "teacher_forcing",
            "You encoded the true state at every step. That is a row of one-step forecasts, which looks good for nearly"
            " any K. A rollout knows x[0] and nothing after it: encode your own last forecast.",
            lambda *a: (_oracle(*a)[0], _forced(*a)),
            lambda *a: (_forced(*a), _forced(*a)),
            lambda *a: (_forced(*a), _oracle(*a)[1]),
        ),
        answers_as(
            "transposed",
            "You applied K transposed. For one latent it is K @ z; for rows of latents z @ K.T.",
            lambda x, K, model: _oracle(x, K.T, model),
            lambda x, K, model: (_oracle(x, K.T, model)[0], _oracle(x, K, model)[1]),
            lambda x, K, model: (_oracle(x, K, model)[0], _oracle(x, K.T, model)[1]),
        ),
        answers_as(
            "latent_twice",
            "Both forecasts stay in the latent. The second goes back to a state and encodes it again after every step.",
            lambda *a: (_oracle(*a)[0], _oracle(*a)[0]),
        ),
        answers_as(
            "reencoded_twice",
            "Both forecasts go through states. The first encodes x[0] once and applies K to the latents from then on.",
            lambda *a: (_oracle(*a)[1], _oracle(*a)[1]),
        ),
        answers_as(
            "swapped",
            "Both forecasts are there, in the other order: the latent one comes first.",
            lambda *a: _oracle(*a)[::-1],
        ),
        answers_as(
            "start_included",
            "Your forecasts begin with the start. Row h - 1 is the forecast of x[h], the first row that of x[1].",
            _from_start,
            _late(_from_start, -1),
            _from_decoded_start,
            _late(_from_decoded_start, -1),
        ),
        answers_as(
            "not_decoded",
            "You returned latents. Decode them: forecasts are states, n numbers each.",
            lambda x, K, model: (_latent(x, K, model), _oracle(x, K, model)[1]),
            lambda x, K, model: (_latent(x, K, model), _encode(_oracle(x, K, model)[1], model)),
        ),
        answers_as(
            "powers_of_entries",
            "K**h raises every entry to the power h. Apply the matrix h times, or use np.linalg.matrix_power.",
            lambda *a: (_power_of_entries(*a), _oracle(*a)[1]),
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused as asked. Raise a ValueError that names x unless it has at least two rows, and"
            " one that names K unless it is (d, d), d the size of the latents.",
            lambda attempt: (
                accepts("x")(attempt)
                or accepts("K")(attempt)
                or (isinstance(attempt.case.expect, Raises) and attempt.error == "ValueError")
            ),
        ),
    ),
)
