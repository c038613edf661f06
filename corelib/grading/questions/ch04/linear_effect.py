"""Effects linear in features, with an intercept for the effect: chapter 4, exercise 1."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.causal import LinearEffect, NetworkCausalData
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch04._study import Study, dense_mean_operator, draw_study

# Normal equations square the condition number, which features far from 0 make some 10^3.
_TOLERANCE = Close(rtol=1e-8, atol=1e-8)


def _oracle(
    y: np.ndarray,
    t: np.ndarray,
    m_hat: np.ndarray,
    e_hat: np.ndarray,
    features: np.ndarray,
    train: np.ndarray,
    alpha: float,
) -> np.ndarray:
    y_residual = np.where(train, y - m_hat, 0.0)
    held_out = ~train
    edges = torch.zeros((2, 0), dtype=torch.int64)
    # The class wants treatments of both arms; the residuals are all that it fits.
    arms = np.zeros(len(t))
    arms[np.flatnonzero(train)[0]] = 1.0
    data = NetworkCausalData(features.copy(), edges, arms, y_residual, train.copy(), held_out)
    stage = LinearEffect(0, alpha=alpha).fit(data, torch.from_numpy(y_residual), torch.from_numpy(t - e_hat))
    return stage.effect(data).numpy()


def _arguments(study: Study, features: np.ndarray, alpha: float, **changed: np.ndarray) -> tuple:
    y, t, m_hat, e_hat, train = (changed.get(k, getattr(study, k)) for k in ("y", "t", "m_hat", "e_hat", "train"))
    return y, t, m_hat, e_hat, features, train, alpha


def _cases(rng: np.random.Generator) -> list[Case]:
    study, small = draw_study(rng, 90, 3), draw_study(rng, 12, 2, mean_effect=-1.5)
    around = np.hstack([study.x, dense_mean_operator(study.edge_index, 90) @ study.x])
    alpha, off = float(rng.uniform(0.5, 3.0)), float(rng.uniform(3.0, 6.0))
    units = study.x * np.array([1000.0, 0.01, 1.0])
    wide = rng.normal(size=(12, 20))
    low = study.m_hat - off
    tiny = study.e_hat.copy()
    tiny[study.t == 0] *= 0.02
    hand = (np.array([1.0, 0.5, 3.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4), np.full(4, 0.5))
    hand_features = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    return [
        Case("the example by hand", (*hand, hand_features, np.ones(4, dtype=bool), 0.0)),
        Case("the example by hand with a penalty", (*hand, hand_features, np.ones(4, dtype=bool), 1.0)),
        Case("own features, no penalty", _arguments(study, study.x, 0.0)),
        Case("own features and neighbours' means, with a penalty", _arguments(study, around, alpha)),
        Case("a penalty so strong that one number is left", _arguments(study, study.x, 1e9)),
        Case("features in other units: the same effects as in your own", _arguments(study, units, 20 * alpha)),
        Case("features far from 0", _arguments(study, study.x + off, alpha)),
        Case(
            "held-out nodes have no outcome, y is NaN there",
            _arguments(study, study.x, alpha, y=np.where(study.train, study.y, np.nan)),
        ),
        Case("every m_hat is too low by the same amount", _arguments(study, study.x, alpha, m_hat=low)),
        Case("untreated nodes with propensities near 0: ratios explode", _arguments(study, study.x, alpha, e_hat=tiny)),
        Case("more features than training nodes", _arguments(small, wide, alpha)),
        Case("features of other nodes", _arguments(study, wide, alpha), Raises("ValueError", ("features",))),
        Case("a negative penalty", _arguments(study, study.x, -alpha), Raises("ValueError", ("alpha",))),
    ]


def _mistaken(
    *,
    design: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    effect: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    y_left: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda y, m: y - m,
    t_left: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda t, e: t - e,
    weight: Callable[[np.ndarray], np.ndarray] = np.ones_like,
    everyone: bool = False,
    scaled: str = "train",
    ddof: int = 0,
    centred: bool = True,
    penalised: bool = False,
    per_node: bool = False,
) -> Callable[..., np.ndarray]:
    """Ridge regression, right or with one thing changed.

    ``design(phi, t)`` makes the columns from features (n, d) and residuals (n,), the constant the last of d + 1;
    ``effect(phi, solution)`` reads the effect; ``weight`` multiplies rows of design and target.
    """
    design = design or (lambda phi, u: u[:, None] * _with_one(phi))
    effect = effect or (lambda phi, solution: _with_one(phi) @ solution)

    def wrong(y, t, m_hat, e_hat, features, train, alpha):
        used = np.ones_like(train) if everyone else train
        over = {"train": train, "all": np.ones_like(train)}.get(scaled)
        mean, scale = (0.0, 1.0) if over is None else (features[over].mean(0), features[over].std(0, ddof=ddof))
        phi = (features - mean * centred) / scale
        u, v = t_left(t, e_hat)[used], y_left(y, m_hat)[used]
        rows = weight(u)
        columns, target = rows[:, None] * design(phi[used], u), rows * v
        penalty = np.full(columns.shape[1], alpha * (len(v) if per_node else 1.0))
        if not penalised and columns.shape[1] > features.shape[1]:
            penalty[-1] = 0.0
        ridge = np.vstack([columns, np.diag(np.sqrt(penalty))])
        solution = np.linalg.lstsq(ridge, np.append(target, np.zeros(len(penalty))), rcond=None)[0]
        return effect(phi, solution)

    return wrong


def _with_one(phi: np.ndarray) -> np.ndarray:
    return np.column_stack([phi, np.ones(len(phi))])


def _outcome_design(phi: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.column_stack([u[:, None] * phi, np.ones(len(phi))])


def _ratio(weight: Callable[[np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    # A row of v = u (φ, 1)·w times sqrt(weight)/u is a row of the regression of v/u with that weight.
    return _mistaken(weight=lambda u: np.sqrt(weight(u)) / u)


_NO_INTERCEPT = {"design": lambda phi, u: u[:, None] * phi, "effect": lambda phi, w: phi @ w}

QUESTION = Question(
    name="ch04.linear_effect",
    title="Effects that follow features, around a constant",
    entry="linear_effect",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "outcome_intercept",
            "Your column of ones is not multiplied by t − e_hat: it is an intercept of the outcome, as in the released"
            " code, and the mean effect has no column to go to. The last column is u.",
            *(
                _mistaken(design=_outcome_design, centred=centred, effect=effect)
                for centred in (True, False)
                for effect in (None, lambda phi, w: phi @ w[:-1])
            ),
        ),
        answers_as(
            "no_intercept",
            "Your effect has no constant: at the mean of all features it is 0. With centred features that costs the"
            " square of the mean effect, whatever else is right. Add the column u.",
            *(_mistaken(**_NO_INTERCEPT, centred=centred) for centred in (True, False)),
        ),
        answers_as(
            "unweighted_ratio",
            "You regressed the ratios v/u and let all count the same. A node with a small u has a wild ratio and says"
            " little: the weight is u². Or do not divide at all: regress v on u·[φ, 1].",
            _ratio(np.ones_like),
        ),
        answers_as(
            "weights_once",
            "You weighted the squared error of the ratio v/u by |u|. The R-loss is (v − uτ)² = u²(v/u − τ)²: the weight"
            " is u². Or do not divide at all: regress v on u·[φ, 1].",
            _ratio(np.abs),
        ),
        answers_as(
            "raw_outcome",
            "You regressed the outcome itself. Subtract m_hat first: else all that moves the outcome besides the"
            " treatment ends up in the effect.",
            _mistaken(y_left=lambda y, m: y),
        ),
        answers_as(
            "raw_treatment",
            "You multiplied the features by the treatment itself, 0 or 1. Subtract e_hat first: untreated nodes have"
            " a residual, too.",
            _mistaken(t_left=lambda t, e: t),
        ),
        answers_as(
            "features_not_multiplied",
            "You regressed v on the features themselves: that predicts outcomes, not effects. Multiply each row of"
            " [φ, 1] by the node's u.",
            _mistaken(design=lambda phi, u: _with_one(phi)),
        ),
        answers_as(
            "held_out_used",
            "Your fit used all nodes. Only training nodes count, for the regression as for mean and standard deviation"
            " of the features; the effect is then read off at all nodes.",
            _mistaken(everyone=True),
            _mistaken(everyone=True, scaled="all"),
        ),
        answers_as(
            "scaled_over_all",
            "You scaled the features by their standard deviation over all nodes. Take it over the training nodes only:"
            " what is learned must not depend on whom you score.",
            _mistaken(scaled="all"),
        ),
        answers_as(
            "penalised_intercept",
            "Your penalty also shrinks the constant c. Only w costs: with a strong penalty the best constant effect has"
            " to remain, not 0.",
            *(_mistaken(penalised=True, centred=centred) for centred in (True, False)),
            _mistaken(penalised=True, scaled="none"),
        ),
        answers_as(
            "not_scaled",
            "You penalised the coefficients of unscaled features, so that a feature counts for more in other units."
            " Divide each column by its standard deviation over the training nodes first.",
            _mistaken(scaled="none"),
        ),
        answers_as(
            "sample_deviation",
            "Your standard deviation divides by n − 1. The question asks for np.std as it is, divisor n.",
            _mistaken(ddof=1),
        ),
        answers_as(
            "mean_loss",
            "You added alpha |w|² to the mean of the squares; alpha is relative to their sum here. Yours shrinks n"
            " times as much.",
            _mistaken(per_node=True),
        ),
        answers_as(
            "treatment_times_effect",
            "You returned u times the effect: what the regression predicts for v. The effect is φ·w + c.",
            lambda y, t, m_hat, e_hat, *rest: (t - e_hat) * _oracle(y, t, m_hat, e_hat, *rest),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names features unless it has a row for each node, and one that"
            " names alpha if it is below 0.",
            lambda attempt: accepts("features")(attempt) or accepts("alpha")(attempt),
        ),
    ),
)
