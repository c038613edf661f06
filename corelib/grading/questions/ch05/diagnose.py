"""Which of three runs is broken, and how: chapter 5, exercise 6."""

from collections.abc import Callable
from functools import partial
from itertools import permutations

import numpy as np
import torch

from corelib.grading.compare import Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.koopman.operators import koopman_least_squares
from corelib.koopman.spectra import entropy_from_spectrum, von_neumann_entropy

Run = dict[str, np.ndarray]
Found = dict[str, int]

_RIDGE = 0.1
_WINDOWS, _TIMES, _D = 60, 6, 8  # five pairs in a window, in eight dimensions: windows cannot see all of K
_ORDERS = tuple(permutations(("correct", "entropy_sign", "averaged")))


def _fit(z: np.ndarray, *, ridge: float = _RIDGE, pooling: str = "all") -> np.ndarray:
    z = torch.from_numpy(z.copy())
    return koopman_least_squares(z[:, :-1], z[:, 1:], ridge=ridge, pooling=pooling).numpy()


def _misfit(run: Run, ridge: float = _RIDGE) -> float:
    pooled = _fit(run["z"], ridge=ridge)
    return float(np.linalg.norm(run["K"] - pooled) / np.linalg.norm(pooled))


def _entropy(run: Run, *, center: bool = True) -> float:
    return von_neumann_entropy(torch.from_numpy(run["z"].copy()), center=center).item()


def _named(averaged: int, entropy_sign: int) -> Found:
    return {"correct": 3 - averaged - entropy_sign, "entropy_sign": entropy_sign, "averaged": averaged}


def _oracle(runs: list[Run]) -> Found:
    return _named(int(np.argmax([_misfit(run) for run in runs])), int(np.argmin([_entropy(run) for run in runs])))


def _states(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    """Windows of a noisy linear system of eight modes, each of variance 1; ``sizes`` are the moduli of its eigenvalues.

    Modes come in pairs that turn together; two of one size make a pair.
    """
    step = np.zeros((_D, _D))
    for i in range(0, _D, 2):
        angle = rng.uniform(0.2, 1.2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        step[i : i + 2, i : i + 2] = sizes[i // 2] * turn
    noise = np.repeat(np.sqrt(1 - sizes**2), 2)
    x = [rng.normal(size=(_WINDOWS, _D))]
    for _ in range(_TIMES - 1):
        x.append(x[-1] @ step.T + noise * rng.normal(size=x[0].shape))
    return np.stack(x, axis=1)


def _run(rng: np.random.Generator, x: np.ndarray, scales: np.ndarray, pooling: str, constant: float) -> Run:
    """Latents that hold each pair of modes at a scale of its own and, if asked for, a last one that never changes."""
    z = x * np.repeat(scales, 2)
    if constant:
        z[..., -1] = constant
    z = z @ np.linalg.qr(rng.normal(size=(_D, _D)))[0]
    return {"z": z, "K": _fit(z, pooling=pooling)}


def _three(
    rng: np.random.Generator,
    order: tuple[str, ...],
    *,
    kept: int = 0,
    second: float = 1e-3,
    even: str = "correct",
    units: tuple[float, float, float] = (1.0, 1.0, 1.0),
    constant: str = "",
) -> tuple[list[Run]]:
    """Three runs of one system. ``kept`` is the pair of modes that is left after collapse, 0 the slowest.

    Args:
        rng: source of everything random.
        order: what is wrong with each run.
        kept: the pair of modes that survives where the entropy has the wrong sign.
        second: size of the next pair there, relative to it; the ridge hides what is as small as the others.
        even: the run whose latents are spread most evenly, "correct" or "averaged".
        units: scale of the latents of the correct run, that with the wrong sign, that with the averaged operator.
        constant: the run with a latent that never changes.
    """
    x = _states(rng, np.array([0.98, 0.9, 0.7, 0.5]) - rng.uniform(0, 0.03, size=4))
    collapsed = np.full(4, 1e-3)
    collapsed[kept], collapsed[(kept + 1) % 4] = 1.0, second
    scales = {"correct": np.array([1.6, 1.2, 0.9, 0.7]), "averaged": np.array([1.6, 1.2, 0.9, 0.7])}
    scales[even] = np.array([1.1, 1.0, 1.0, 0.9])
    scales["entropy_sign"] = collapsed
    unit = dict(zip(("correct", "entropy_sign", "averaged"), units, strict=True))
    return (
        [
            _run(
                rng,
                x,
                unit[name] * scales[name],
                "window_mean" if name == "averaged" else "all",
                30.0 if name == constant else 0.0,
            )
            for name in order
        ],
    )


def _cases(rng: np.random.Generator) -> list[Case]:
    orders = [_ORDERS[i] for i in (*rng.permutation(6), *rng.permutation(6))]
    bad = _three(rng, orders[8])[0][:2]
    return [
        Case("three runs in some order", _three(rng, orders[0])),
        Case("another order, collapsed less far", _three(rng, orders[1], second=0.1)),
        Case("the averaged one is spread most evenly", _three(rng, orders[2], even="averaged")),
        Case("collapsed to fast modes", _three(rng, orders[3], kept=3, units=(1.0, 5.0, 1.0))),
        Case("latents in different units", _three(rng, orders[4], units=(0.5, 20.0, 5.0))),
        Case("a latent of the correct run is constant", _three(rng, orders[5], constant="correct")),
        Case("a latent of the averaged run is constant", _three(rng, orders[6], constant="averaged", second=0.1)),
        Case("collapsed to modes of middle speed", _three(rng, orders[7], kept=2, even="averaged")),
        Case("two runs", (bad,), Raises("ValueError", ("runs",))),
    ]


def _one_step(run: Run, *, relative: bool = False) -> float:
    z = run["z"]
    error = ((z[:, 1:] - z[:, :-1] @ run["K"].T) ** 2).mean()
    return float(error / z[:, 1:].var((0, 1)).mean()) if relative else float(error)


def _by(
    misfit: Callable[[Run], float] = _misfit, spread: Callable[[Run], float] = _entropy
) -> tuple[Callable[[list[Run]], Found], ...]:
    """Largest misfit is averaged, smallest spread has the wrong sign; each apart, or one among what the other left."""

    def wrong(runs: list[Run], first: str) -> Found:
        doubts, spreads = np.array([misfit(run) for run in runs]), np.array([spread(run) for run in runs])
        if first == "averaged":
            spreads[np.argmax(doubts)] = np.inf
        if first == "entropy_sign":
            doubts[np.argmin(spreads)] = -np.inf
        return _named(int(np.argmax(doubts)), int(np.argmin(spreads)))

    return tuple(partial(wrong, first=first) for first in ("neither", "averaged", "entropy_sign"))


def _trusting(relative: bool, rest: str) -> Callable[[list[Run]], Found]:
    """The run with the smallest one-step error is taken for the correct one."""

    def wrong(runs: list[Run]) -> Found:
        errors = [_one_step(run, relative=relative) for run in runs]
        correct = int(np.argmin(errors))
        doubts = {"error": errors, "misfit": list(map(_misfit, runs)), "spread": list(map(_entropy, runs))}[rest]
        doubts[correct] = -np.inf
        averaged = int(np.argmax(doubts))
        return _named(averaged, 3 - correct - averaged)

    return wrong


def _largest_spread(runs: list[Run]) -> Found:
    by_spread = np.argsort(list(map(_entropy, runs)))
    return _named(int(by_spread[1]), int(by_spread[0]))


def _mean_modulus(run: Run) -> float:
    return -float(np.abs(np.linalg.eigvals(run["K"])).mean())


def _radius(run: Run) -> float:
    return -float(np.abs(np.linalg.eigvals(run["K"])).max())


def _eigenvalue_entropy(run: Run) -> float:
    return entropy_from_spectrum(torch.from_numpy(np.abs(np.linalg.eigvals(run["K"])))).item()


def _trace(run: Run) -> float:
    return float(run["z"].var((0, 1)).sum())


QUESTION = Question(
    name="ch05.diagnose",
    title="Which one is broken",
    entry="diagnose",
    points=3,
    cases=_cases,
    oracle=_oracle,
    # Those that few cases show come first: a mistake seen everywhere would otherwise pass for them as well.
    diagnoses=(
        answers_as(
            "not_centred",
            "Your spread has the mean in it. A latent that never changes then outweighs all others. Subtract the mean"
            " first.",
            *_by(spread=lambda run: _entropy(run, center=False)),
        ),
        answers_as(
            "not_normalised",
            "You took the variance for the spread. It changes with the unit of the latents, and says nothing of how"
            " many directions they fill: divide the eigenvalues by their sum, and take the entropy.",
            *_by(spread=_trace),
        ),
        answers_as(
            "largest_spread",
            "You took the run with the largest spread for the correct one. Spread rules out the wrong sign and nothing"
            " else: an averaged operator may belong to latents that fill all directions.",
            _largest_spread,
        ),
        answers_as(
            "eigenvalues_alone",
            "You judged the operator by its eigenvalues. Small ones have two causes here: an average over windows"
            " shrinks all of K, and the ridge flattens directions in which collapsed latents hardly move. Fit K anew to"
            " the latents and compare.",
            *_by(misfit=_mean_modulus),
            *_by(misfit=_radius),
            *_by(spread=_eigenvalue_entropy),
        ),
        answers_as(
            "no_refit_ridge",
            "You fitted K anew without the ridge. Where latents hardly move, the ridge decides: the runs used RIDGE, so"
            " your fit has to, or the collapsed run looks as if its operator were wrong.",
            *_by(misfit=lambda run: _misfit(run, 0.0)),
        ),
        answers_as(
            "trusts_one_step",
            "You took the run with the smallest one-step error for the correct one. A collapsed latent is easy to"
            " predict one step ahead, because little is left to predict. Look at the spread and at the operator.",
            *(_trusting(relative, rest) for relative in (True, False) for rest in ("error", "misfit", "spread")),
        ),
        answers_as(
            "spread_reversed",
            "You blamed the sign for the large spread. A loss that adds gamma S makes S small: the run with the"
            " collapsed latents has the wrong sign.",
            *_by(spread=lambda run: -_entropy(run)),
        ),
        answers_as(
            "swapped",
            "You found both faults and exchanged their names. An averaged operator differs from the pooled fit to its"
            " own latents; the wrong sign shows in a small entropy.",
            lambda runs: _named(_oracle(runs)["entropy_sign"], _oracle(runs)["averaged"]),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names runs unless there are three.",
            lambda attempt: accepts("runs")(attempt) or attempt.error == "IndexError",
        ),
    ),
)
