"""One effect for all nodes, from residuals: chapter 4, exercise 1."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.causal import constant_effect
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch04._study import Study, draw_study

# Sums of a few hundred products whose terms largely cancel.
_TOLERANCE = Close(rtol=1e-9, atol=1e-10)


def _oracle(y: np.ndarray, t: np.ndarray, m_hat: np.ndarray, e_hat: np.ndarray, train: np.ndarray) -> float:
    return constant_effect(*map(torch.from_numpy, (y - m_hat, t - e_hat, train.copy()))).item()


def _arguments(study: Study, **changed: np.ndarray) -> tuple:
    return tuple(changed.get(name, getattr(study, name)) for name in ("y", "t", "m_hat", "e_hat", "train"))


def _cases(rng: np.random.Generator) -> list[Case]:
    study, small = draw_study(rng, 80, 3), draw_study(rng, 13, 2, mean_effect=-1.5)
    large = draw_study(rng, 301, 4, mean_effect=float(rng.uniform(0.5, 4.0)))
    off = float(rng.uniform(3.0, 6.0))
    unknown = np.where(study.train, study.y, np.nan)
    tiny = large.e_hat.copy()
    tiny[large.t == 0] *= 0.02  # untreated nodes that hardly could have been treated
    hand = (np.array([3.0, 1.0, 5.0]), np.array([1.0, 0.0, 1.0]), np.full(3, 2.0), np.array([0.5, 0.5, 0.2]))
    nobody = np.zeros_like(study.train)
    certain = np.where(study.train, study.t, study.e_hat)
    return [
        Case("the example by hand", (*hand, np.ones(3, dtype=bool))),
        Case("three of ten nodes are held out", _arguments(study)),
        Case("held-out nodes have no outcome, y is NaN there", _arguments(study, y=unknown)),
        Case("a negative effect, 13 nodes", _arguments(small)),
        Case("every m_hat is too low by the same amount", _arguments(study, m_hat=study.m_hat - off)),
        Case(
            "nuisances that know nothing: m_hat 0, e_hat 1/2",
            _arguments(large, m_hat=0 * large.y, e_hat=0 * large.y + 0.5),
        ),
        Case("untreated nodes with propensities near 0: ratios explode", _arguments(large, e_hat=tiny)),
        Case("one training node", _arguments(small, train=np.arange(13) == int(rng.integers(13)))),
        Case("no training node", _arguments(study, train=nobody), Raises("ValueError", ("train",))),
        Case(
            "t equals e_hat at all training nodes", _arguments(study, e_hat=certain), Raises("ValueError", ("e_hat",))
        ),
    ]


def _mistaken(value: Callable[..., float], *, everyone: bool = False) -> Callable[..., float]:
    """``value(y, t, y_residual, t_residual)`` at the training nodes, or at all of them."""

    def wrong(y, t, m_hat, e_hat, train):
        used = np.ones_like(train) if everyone else train
        return float(value(y[used], t[used], (y - m_hat)[used], (t - e_hat)[used]))

    return wrong


def _centred_slope(a: np.ndarray, b: np.ndarray) -> float:
    return (a - a.mean()) @ (b - b.mean()) / ((b - b.mean()) @ (b - b.mean()))


QUESTION = Question(
    name="ch04.constant_effect",
    title="One number for all nodes",
    entry="constant_effect",
    points=2,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "held_out_used",
            "You summed over all nodes. Only training nodes count: the others are there to score on. Index with train"
            " first; multiplying by it leaves a NaN a NaN.",
            _mistaken(lambda y, t, v, u: u @ v / (u @ u), everyone=True),
        ),
        answers_as(
            "outcome_intercept",
            "You fitted a line with an intercept for the outcome. The R-loss has none: at t − e_hat = 0 it expects"
            " y − m_hat = 0. The line goes through the origin, Σ v u / Σ u², nothing centred.",
            _mistaken(lambda y, t, v, u: _centred_slope(v, u)),
        ),
        answers_as(
            "unweighted_ratio",
            "You averaged the ratios v/u. A node with a small u says little about the effect and has a wild ratio:"
            " each ratio has to count with weight u². Then the division cancels, Σ v u / Σ u².",
            _mistaken(lambda y, t, v, u: (v / u).mean()),
        ),
        answers_as(
            "weights_once",
            "You weighted the ratios by |u|, the sum of v·sign(u) over that of |u|. Squared loss gives weight u².",
            _mistaken(lambda y, t, v, u: (v * np.sign(u)).sum() / np.abs(u).sum()),
        ),
        answers_as(
            "ratio_of_sums",
            "You divided the sum of v by that of u. Treated nodes have u > 0 and untreated ones u < 0, so the sums"
            " cancel. Multiply by u before summing: Σ v u / Σ u².",
            _mistaken(lambda y, t, v, u: v.sum() / u.sum()),
        ),
        answers_as(
            "raw_outcome",
            "You used the outcome itself. Subtract m_hat first: else all that moves the outcome besides the treatment"
            " is noise in the sum, or bias.",
            _mistaken(lambda y, t, v, u: y @ u / (u @ u)),
        ),
        answers_as(
            "raw_treatment",
            "You used the treatment itself, 0 or 1. Subtract e_hat first: an untreated node says something, too, and"
            " nodes that were likely treated anyway say less.",
            _mistaken(lambda y, t, v, u: v @ t / (t @ t)),
        ),
        answers_as(
            "raw_both",
            "Neither m_hat nor e_hat is in your sum. Work with the residuals y − m_hat and t − e_hat.",
            _mistaken(lambda y, t, v, u: y @ t / (t @ t)),
        ),
        answers_as(
            "difference_of_means",
            "You compared the mean outcomes of the two arms. Treated nodes are others than untreated ones; that is what"
            " the nuisances are for. Work with the residuals y − m_hat and t − e_hat.",
            _mistaken(lambda y, t, v, u: y[t == 1].mean() - y[t == 0].mean()),
            _mistaken(lambda y, t, v, u: v[t == 1].mean() - v[t == 0].mean()),
        ),
        answers_as(
            "mean_for_sum",
            "The denominator is missing, or has another number of terms than the numerator. Both are sums over the same"
            " training nodes: Σ v u / Σ u².",
            _mistaken(lambda y, t, v, u: (v * u).mean()),
            _mistaken(lambda y, t, v, u: v @ u),
            _mistaken(lambda y, t, v, u: (v * u).mean() / (u @ u)),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names train if it selects no node, and one that names e_hat if"
            " t − e_hat is 0 at every training node.",
            lambda attempt: accepts("train")(attempt) or accepts("e_hat")(attempt),
        ),
    ),
)
