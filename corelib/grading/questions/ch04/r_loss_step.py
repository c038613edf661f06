"""One step down the R-loss from the constant effect: chapter 4, exercise 4."""

from collections.abc import Callable

import numpy as np
import torch

from corelib.causal import constant_effect, r_loss
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch04._study import Study, dense_mean_operator, draw_study

Step = tuple[np.ndarray, np.ndarray]

# Sums of a hundred products in float64, some of which cancel.
_TOLERANCE = Close(rtol=1e-9, atol=1e-10)


def _oracle(
    w: np.ndarray,
    features: np.ndarray,
    y: np.ndarray,
    t: np.ndarray,
    m_hat: np.ndarray,
    e_hat: np.ndarray,
    train: np.ndarray,
    lr: float,
    weight_decay: float,
) -> Step:
    v, u, mask = map(torch.from_numpy, (y - m_hat, t - e_hat, train.copy()))
    phi, weights = torch.from_numpy(features.copy()), torch.from_numpy(w.copy()).requires_grad_()
    c = constant_effect(v, u, mask)
    size = u[mask].square().mean()
    s = (r_loss(v, u, c, mask) / size).sqrt()
    loss = r_loss((v - c * u) / s, u, phi @ weights, mask) / size + 0.5 * weight_decay * weights.square().sum()
    (slope,) = torch.autograd.grad(loss, weights)
    weights = weights.detach() - lr * slope
    return weights.numpy(), (c + s * (phi @ weights)).numpy()


def _cases(rng: np.random.Generator) -> list[Case]:
    def call(study: Study, w: np.ndarray, lr: float, decay: float, **changed: np.ndarray) -> tuple:
        values = {**vars(study), **changed}
        features = dense_mean_operator(study.edge_index, len(study.t)) @ study.x
        return (w, features, *(values[k] for k in ("y", "t", "m_hat", "e_hat", "train")), lr, decay)

    study, small = draw_study(rng, 70, 3), draw_study(rng, 11, 2, mean_effect=-1.5)
    large = draw_study(rng, 200, 5)
    w, lr, decay = 0.5 * rng.normal(size=3), float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.05, 0.2))
    hand = (
        np.array([1.0, 0.5, 3.0, 1.0]),
        np.array([1.0, 0, 1, 0]),
        np.ones(4),
        np.full(4, 0.5),
        np.ones(4, dtype=bool),
    )
    path = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    unknown = np.where(study.train, study.y, np.nan)
    sure = study.e_hat.copy()
    sure[rng.choice(np.flatnonzero(study.train))] = 1.0
    return [
        Case("the example by hand", (np.zeros(1), path, *hand, 0.1, 0.0)),
        Case("from the constant effect: w is 0", call(study, np.zeros(3), lr, decay)),
        Case("from other weights, no decay", call(study, w, lr, 0.0)),
        Case("from other weights, with decay", call(study, w, lr, decay)),
        Case("200 nodes, strong decay", call(large, rng.normal(size=5), lr, 2.0)),
        Case("held-out nodes have no outcome, y is NaN there", call(study, w, lr, decay, y=unknown)),
        Case(
            "all outcomes a hundred times as large: w is the same",
            call(study, w, lr, decay, y=100 * study.y, m_hat=100 * study.m_hat),
        ),
        Case("11 nodes, a negative effect", call(small, rng.normal(size=2), lr, decay)),
        Case("a learning rate of 0: the effects at w", call(study, w, 0.0, decay)),
        Case(
            "a propensity of 1 at a training node",
            call(study, w, lr, decay, e_hat=sure),
            Raises("ValueError", ("e_hat",)),
        ),
        Case("negative decay", call(study, w, lr, -0.1), Raises("ValueError", ("weight_decay",))),
    ]


# What a mistake may change: the slope of the loss, made of φ (n, d), R/s, u and g (n,), all at the nodes that count.
Slope = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _slope(phi: np.ndarray, r: np.ndarray, u: np.ndarray, g: np.ndarray) -> np.ndarray:
    return -2 * phi.T @ (u * (r - u * g)) / (u @ u)


def _ratio_slope(phi: np.ndarray, r: np.ndarray, u: np.ndarray, g: np.ndarray) -> np.ndarray:
    return -2 * phi.T @ (r / u - g) / len(u)


def _mistaken(
    *,
    slope: Slope = _slope,
    residual: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda t, e: t - e,
    outcome: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda y, m: y - m,
    start: Callable[[np.ndarray, np.ndarray], float] = lambda v, u: v @ u / (u @ u),
    scale: Callable[[np.ndarray, np.ndarray], float] = lambda r, u: float(np.sqrt(r @ r / (u @ u))),
    decay: float = 1.0,
    sign: float = -1.0,
    everyone: bool = False,
    held_out: bool = False,
    before: bool = False,
    added: bool = True,
) -> Callable[..., Step]:
    """The step, right or with one thing changed; ``decay`` multiplies the pull of the weight decay."""

    def wrong(w, features, y, t, m_hat, e_hat, train, lr, weight_decay):
        used = np.ones_like(train) if everyone else ~train if held_out else train
        v, u = outcome(y, m_hat)[used], residual(t, e_hat)[used]
        c = start(v, u)
        s = scale(v - c * u, u)
        pull = slope(features[used], (v - c * u) / s, u, features[used] @ w) + decay * weight_decay * w
        after = w + sign * lr * pull
        g = features @ (w if before else after)
        return after, c + s * g if added else g

    return wrong


QUESTION = Question(
    name="ch04.r_loss_step",
    title="A step down the R-loss",
    entry="r_loss_step",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "plain_treatment",
            "You used the treatment itself where its residual t − e_hat belongs. Untreated nodes then drop out, and the"
            " confounding comes back.",
            _mistaken(residual=lambda t, e: t),
        ),
        answers_as(
            "ratio_unweighted",
            "Your loss is the squared error of the ratio v/u, all nodes alike. The R-loss weights that by u²:"
            " (R/s − ug)² = u²(R/(s u) − g)². Do not divide by u.",
            _mistaken(slope=_ratio_slope),
            _mistaken(
                slope=_ratio_slope,
                start=lambda v, u: (v / u).mean(),
                scale=lambda r, u: float(np.sqrt(np.mean((r / u) ** 2))),
            ),
        ),
        answers_as(
            "held_out_fitted",
            "Held-out nodes take part, in the loss or in c and s. All three are over training nodes only; the effect is"
            " then read off at all nodes.",
            _mistaken(everyone=True),
            _mistaken(held_out=True),
        ),
        answers_as(
            "sum_for_mean",
            "Your loss is the plain sum of the squares. Divide by Σ u²: weight_decay is relative to a loss that is 1 at"
            " the constant effect. Against your sum the same decay is next to nothing, and lr is many times too large.",
            _mistaken(slope=lambda phi, r, u, g: _slope(phi, r, u, g) * (u @ u)),
        ),
        answers_as(
            "divided_by_nodes",
            "You divided the squares by the number of nodes. The loss here is divided by Σ u², so that it is 1 at the"
            " constant effect; u² is about 0.2, so yours is a fifth of it, and the decay counts five times too much.",
            _mistaken(slope=lambda phi, r, u, g: _slope(phi, r, u, g) * (u @ u) / len(u)),
        ),
        answers_as(
            "no_constant",
            "Your effects start from 0. Start from the constant effect c = Σ v u / Σ u²: fit what it leaves,"
            " R = v − c u, and return c + s g.",
            _mistaken(start=lambda v, u: 0.0),
            _mistaken(start=lambda v, u: 0.0, scale=lambda r, u: 1.0),
        ),
        answers_as(
            "constant_not_added",
            "You returned g. The effect is c + s g, in units of the outcome.",
            _mistaken(added=False),
        ),
        answers_as(
            "scale_left_out",
            "s is missing, or is not √(ΣR²/Σu²). Without it the step depends on the unit of the outcome.",
            _mistaken(scale=lambda r, u: 1.0),
            _mistaken(scale=lambda r, u: float(np.sqrt(np.mean(r**2)))),
            _mistaken(scale=lambda r, u: float(np.std(r))),
            _mistaken(scale=lambda r, u: float(r @ r / (u @ u))),
        ),
        answers_as(
            "decay_forgotten",
            "The weight decay is not in your step. Its gradient is weight_decay · w.",
            _mistaken(decay=0.0),
        ),
        answers_as(
            "decay_doubled",
            "Your decay pulls twice as hard: the penalty is (λ/2)|w|², its gradient λ w.",
            _mistaken(decay=2.0),
        ),
        answers_as(
            "decay_sign",
            "Your decay pushes the weights away from 0. Its gradient λ w is added to that of the loss, and the step"
            " goes against both.",
            _mistaken(decay=-1.0),
        ),
        answers_as(
            "two_lost",
            "The 2 of the square's derivative is missing.",
            _mistaken(slope=lambda phi, r, u, g: 0.5 * _slope(phi, r, u, g)),
        ),
        answers_as(
            "chain_rule",
            "Your gradient lacks the inner derivative: that of R/s − u(φ·w) by w is −uφ, so u appears once more.",
            _mistaken(slope=lambda phi, r, u, g: -2 * phi.T @ (r - u * g) / (u @ u)),
        ),
        answers_as(
            "start_of_descent",
            "Your gradient is that at w = 0. The error of a node is R/s − u (φ·w), with the w that you were given.",
            _mistaken(slope=lambda phi, r, u, g: _slope(phi, r, u, 0 * g)),
        ),
        answers_as(
            "uphill",
            "Your step climbs. Go against the gradient: subtract lr times it. (The inner derivative −uφ has a minus.)",
            _mistaken(sign=1.0),
            _mistaken(slope=lambda phi, r, u, g: -_slope(phi, r, u, g)),
        ),
        answers_as(
            "effect_before",
            "Your effects are those before the step. Compute them with the new w.",
            _mistaken(before=True),
        ),
        answers_as(
            "raw_outcome",
            "You fitted the outcome itself. Subtract m_hat first.",
            _mistaken(outcome=lambda y, m: y),
        ),
        Diagnosis(
            "changes_w",
            "Your step changed the w that it was given. Make a new array: w = w − …, and not w −= ….",
            lambda attempt: attempt.mutated,
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names e_hat unless it is strictly between 0 and 1 at every"
            " training node, and one that names weight_decay if it is below 0.",
            lambda attempt: accepts("e_hat")(attempt) or accepts("weight_decay")(attempt),
        ),
    ),
)
