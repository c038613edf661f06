"""The objective of a Koopman autoencoder, put together: chapter 5, exercise 6."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as

Weights = dict[str, float]

# A difference of sums of a few hundred squares.
_TOLERANCE = Close(rtol=1e-9, atol=1e-10)


def _oracle(x, decoded, forecast, z, K, infonce: float, entropy: float, weights: Weights) -> float:
    x, decoded, forecast, z, K = (torch.from_numpy(part.copy()) for part in (x, decoded, forecast, z, K))
    mse = torch.nn.functional.mse_loss
    reconstruction = mse(forecast, x[:, 1:]) + weights["identity"] * mse(decoded, x)
    structure = mse(torch.einsum("ij,btj->bti", K, z[:, :-1]), z[:, 1:])
    spread = weights["beta"] * structure + weights["alpha"] * infonce - weights["gamma"] * entropy
    return (reconstruction + spread).item()


def _draw(rng: np.random.Generator, windows: int, times: int, n: int, d: int) -> tuple:
    """States, decoded latents, decoded predictions, latents and K, no two of them alike."""
    x, z = rng.normal(size=(windows, times, n)), rng.normal(size=(windows, times, d))
    decoded = x + 0.3 * rng.normal(size=x.shape)
    forecast = x[:, 1:] + 0.5 * rng.normal(size=(windows, times - 1, n))
    return x, decoded, forecast, z, rng.normal(size=(d, d)) / np.sqrt(d)


def _cases(rng: np.random.Generator) -> list[Case]:
    def call(arrays: tuple, *, infonce: float | None = None, entropy: float | None = None, **weights: float) -> tuple:
        infonce = float(rng.uniform(0.3, 1.5)) if infonce is None else infonce
        entropy = float(rng.uniform(0.2, 1.3)) if entropy is None else entropy
        return (*arrays, infonce, entropy, {"identity": 0.0, "alpha": 0.0, "beta": 0.0, "gamma": 0.0, **weights})

    hand = (
        np.array([[[1.0], [2.0], [4.0]]]),
        np.array([[[1.0], [2.0], [1.0]]]),
        np.array([[[3.0], [4.0]]]),
        np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]]]),
        np.array([[0.0, 0.0], [1.0, 0.0]]),
    )
    usual, wide, single = _draw(rng, 6, 5, 3, 4), _draw(rng, 3, 8, 20, 2), _draw(rng, 1, 2, 1, 1)
    drawn = {name: float(rng.uniform(0.2, 2.0)) for name in ("identity", "alpha", "beta", "gamma")}
    return [
        Case("the example by hand", call(hand, infonce=0.5, entropy=0.6, identity=0.1, alpha=2.0, beta=0.5, gamma=1.0)),
        Case("the error of forecasts alone", call(usual)),
        Case("with the identity", call(usual, identity=drawn["identity"])),
        Case("with the structure", call(usual, beta=drawn["beta"])),
        Case("with coherence", call(usual, alpha=drawn["alpha"])),
        Case("with spread", call(usual, gamma=drawn["gamma"])),
        Case("all five terms", call(usual, **drawn)),
        Case("20 states, 2 latents, all five terms", call(wide, **drawn)),
        Case("one step of one number", call(single, **drawn)),
        Case("a reward above everything else: the total is negative", call(usual, entropy=1.3, gamma=50.0)),
        Case("gamma below 0", call(usual, gamma=-0.1), Raises("ValueError", ("gamma",))),
    ]


def _mean_square(error: np.ndarray) -> float:
    return float((error**2).mean())


def _mistaken(
    *,
    error: Callable[[np.ndarray], float] = _mean_square,
    target: slice = slice(1, None),
    step: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda z, K: z @ K.T,
    structure: float = 1.0,
    infonce: float = 1.0,
    spread: Callable[[float], float] = lambda entropy: -entropy,
    forward: Callable[[Weights], float] = lambda weights: 1.0,
    identity: Callable[[Weights], float] = lambda weights: weights["identity"],
) -> Callable[..., float]:
    """The total with one thing changed."""

    def wrong(x, decoded, forecast, z, K, nce, entropy, weights):
        total = forward(weights) * error(forecast - x[:, target])
        total += identity(weights) * error(decoded - x)
        total += structure * weights["beta"] * error(z[:, 1:] - step(z[:, :-1], K))
        return total + infonce * weights["alpha"] * nce + weights["gamma"] * spread(entropy)

    return wrong


def _swapped(x, decoded, forecast, z, K, nce, entropy, weights):
    right = _mistaken()
    return right(
        x, decoded, forecast, z, K, nce, entropy, weights | {"alpha": weights["beta"], "beta": weights["alpha"]}
    )


QUESTION = Question(
    name="ch05.koopman_loss",
    title="Five terms, one sign",
    entry="koopman_loss",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "entropy_added",
            "You added gamma S. What is added to a loss gets smaller by training: you would pay the latents for"
            " collapsing. Spread is rewarded, so it is subtracted.",
            _mistaken(spread=lambda entropy: entropy),
        ),
        answers_as(
            "entropy_left_out",
            "The entropy is missing: - gamma S.",
            _mistaken(spread=lambda entropy: 0.0),
        ),
        answers_as(
            "dimension_for_entropy",
            "You rewarded the effective dimension e^S. The objective has S itself, in nats.",
            _mistaken(spread=lambda entropy: -np.exp(entropy)),
        ),
        answers_as(
            "infonce_subtracted",
            "You subtracted the InfoNCE term. It is a loss already, low when neighbours are recognised: add it. (The"
            " information itself would be subtracted.)",
            _mistaken(infonce=-1.0),
        ),
        answers_as(
            "not_shifted",
            "You compared forecasts with the states that they start from. The forecast at t is decode(K z_t), and meant"
            " for x at t + 1: x[:, 1:].",
            _mistaken(target=slice(None, -1)),
        ),
        answers_as(
            "transposed",
            "Your structure term applies K transposed. With latents as rows, K z is z @ K.T.",
            _mistaken(step=lambda z, K: z @ K),
        ),
        answers_as(
            "k_ignored",
            "Your structure term asks that the latents stand still. It compares z at t + 1 with K z at t.",
            _mistaken(step=lambda z, K: z),
        ),
        answers_as(
            "structure_left_out",
            "The structure term is missing: beta times the mean square of z_{t+1} - K z_t.",
            _mistaken(structure=0.0),
        ),
        answers_as(
            "summed",
            "Your errors are sums, over entries or over everything. Here each is a mean over all entries, windows and"
            " times, so that weights mean the same for any size.",
            _mistaken(error=lambda error: float((error**2).sum())),
            _mistaken(error=lambda error: float((error**2).sum(-1).mean())),
            _mistaken(error=lambda error: float((error**2).sum((1, 2)).mean())),
            _mistaken(error=lambda error: float((error**2).mean((0, 2)).sum())),
        ),
        answers_as(
            "root",
            "You took roots. The terms are mean squares.",
            _mistaken(error=lambda error: float(np.sqrt(_mean_square(error)))),
            _mistaken(error=lambda error: float(np.linalg.norm(error, axis=-1).mean())),
        ),
        answers_as(
            "absolute",
            "You took absolute errors. The terms are mean squares.",
            _mistaken(error=lambda error: float(np.abs(error).mean())),
        ),
        answers_as(
            "identity_weight",
            "The weight of the identity is not where it belongs: it stands before the error of decoded latents, and the"
            " error of forecasts has weight 1.",
            _mistaken(identity=lambda weights: 1.0),
            _mistaken(forward=lambda weights: weights["identity"], identity=lambda weights: 1.0),
            _mistaken(forward=lambda weights: weights["identity"]),
        ),
        answers_as(
            "alpha_and_beta_swapped",
            "alpha and beta are swapped. alpha weighs InfoNCE, beta the structure.",
            _swapped,
        ),
        answers_as(
            "negated",
            "That is the objective turned round, to be maximised. A loss is minimised: errors count upwards.",
            lambda *arguments: -_oracle(*arguments),
        ),
        Diagnosis(
            "no_checks",
            "A negative gamma passes, and turns the reward into a penalty without a word. Raise a ValueError that names"
            " gamma.",
            accepts("gamma"),
        ),
    ),
)
