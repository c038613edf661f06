"""Nuisances without leaks on a graph: chapter 4, exercise 2."""

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.base import BaseEstimator

from corelib.causal import NetworkCausalData, cross_fit_sklearn, mean_operator
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import accepts, answers_as
from corelib.grading.questions.ch04._study import Study, draw_study

Predictions = tuple[np.ndarray, np.ndarray]

# Ridge and a few Newton steps on well-conditioned matrices.
_TOLERANCE = Close(rtol=1e-8, atol=1e-8)
_CLIP = (0.02, 0.98)


def predict_outcome(features: np.ndarray, target: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Ridge regression through the origin, of targets cut off at 2; as in the set-up cell of the exercise."""
    target = np.clip(target, -2.0, 2.0)
    gram = features.T @ features + np.eye(features.shape[1])
    return new @ np.linalg.solve(gram, features.T @ target)


def predict_treatment(features: np.ndarray, t: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Logistic regression with a penalty, ten Newton steps; as in the set-up cell of the exercise."""
    columns, w = np.column_stack([np.ones(len(features)), features]), np.zeros(features.shape[1] + 1)
    for _ in range(10):
        p = 1 / (1 + np.exp(-columns @ w))
        curvature = (columns.T * (p * (1 - p))) @ columns + np.eye(len(w))
        w = w + np.linalg.solve(curvature, columns.T @ (t - p) - w)
    return 1 / (1 + np.exp(-np.column_stack([np.ones(len(new)), new]) @ w))


class _Outcome(BaseEstimator):
    def fit(self, features: np.ndarray, y: np.ndarray) -> "_Outcome":
        self.features_, self.mean_, self.spread_ = features, y.mean(), y.std()
        self.target_ = (y - self.mean_) / self.spread_
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.mean_ + self.spread_ * predict_outcome(self.features_, self.target_, features)


class _Treatment(BaseEstimator):
    def fit(self, features: np.ndarray, t: np.ndarray) -> "_Treatment":
        self.features_, self.t_ = features, t
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        treated = predict_treatment(self.features_, self.t_, features)
        return np.stack([1 - treated, treated], 1)


def _oracle(
    x: np.ndarray, edge_index: np.ndarray, y: np.ndarray, t: np.ndarray, train: np.ndarray, fold: np.ndarray
) -> Predictions:
    known_y, known_t = np.where(train, y, 0.0), np.where(train, t, 0.0)
    x, edges, fold = (torch.from_numpy(v.copy()) for v in (x, edge_index, fold))
    data = NetworkCausalData(x, edges, known_t, known_y, train.copy(), ~train)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9]+ of [0-9]+ nodes have no neighbour")
        features = torch.cat([x, mean_operator(edges, len(x)) @ x], 1)
    found = cross_fit_sklearn(data, _Outcome(), _Treatment(), features, folds=fold, clip=_CLIP)
    return found.m_hat.numpy(), found.e_hat.numpy()


def _deal(rng: np.random.Generator, study: Study, folds: int) -> np.ndarray:
    """Folds in which training nodes of both arms occur."""
    fold = rng.integers(folds, size=len(study.t))
    for arm in (0.0, 1.0):
        nodes = rng.permutation(np.flatnonzero(study.train & (study.t == arm)))
        fold[nodes] = np.arange(len(nodes)) % folds
    return fold.astype(np.int64)


def _sized(rng: np.random.Generator, n: int, d: int, folds: int) -> tuple[Study, np.ndarray]:
    study = draw_study(rng, n, d)
    while min(np.bincount(study.t[study.train].astype(int), minlength=2)) < folds + 1:
        study = draw_study(rng, n, d)
    return study, _deal(rng, study, folds)


def _cases(rng: np.random.Generator) -> list[Case]:
    def call(study: Study, fold: np.ndarray, **changed: np.ndarray) -> tuple:
        values = {**vars(study), **changed}
        return (*(values[name] for name in ("x", "edge_index", "y", "t", "train")), fold)

    study, fold = _sized(rng, 90, 2, 3)
    small, two = _sized(rng, 24, 1, 2)
    many, five = _sized(rng, 120, 3, 5)
    decided = replace(many, x=3.0 * many.x, t=(many.x[:, 0] > 0).astype(np.float64))
    decided_five = _deal(rng, decided, 5)
    off = float(rng.uniform(20.0, 40.0))
    first = fold == 0
    y_moved, t_moved = np.where(first, study.y + 100.0, study.y), np.where(first, 1 - study.t, study.t)
    held_out = np.where(study.train, 0.0, 50.0)
    unknown = np.where(study.train, study.y, np.nan), np.where(study.train, study.t, np.nan)
    uneven = np.where((fold == 0) & (rng.random(90) < 0.5) & ~study.train, 2, fold)
    wild = study.y.copy()
    wild[np.flatnonzero(study.train)[:3]] *= 30.0
    lone = fold.copy()
    lone[study.train & (study.t == 1) & (fold == 1)] = 0
    half = study.t.copy()
    half[rng.choice(np.flatnonzero(study.train & (study.t == 0) & (fold == 0)))] = 0.5
    return [
        Case("three folds", call(study, fold)),
        Case(
            "outcomes + 100 and treatments flipped in fold 0: its predictions stay",
            call(study, fold, y=y_moved, t=t_moved),
        ),
        Case(
            "outcomes + 50 and treatments flipped at held-out nodes: nothing changes",
            call(study, fold, y=study.y + held_out, t=np.where(study.train, study.t, 1 - study.t)),
        ),
        Case(
            "held-out nodes have no outcome and no treatment, NaN there", call(study, fold, y=unknown[0], t=unknown[1])
        ),
        Case("outcomes far from 0", call(study, fold, y=study.y + off)),
        Case("three wild outcomes: the scale of y matters", call(study, uneven, y=wild)),
        Case("two folds of 24 nodes", call(small, two)),
        Case("five folds, and one feature decides who is treated", call(decided, decided_five)),
        Case("no edge at all", call(many, five, edge_index=np.zeros((2, 0), dtype=np.int64))),
        Case("no node is held out", call(small, _deal_all(rng, small, 2), train=np.ones(24, dtype=bool))),
        Case("a fold whose training nodes are all untreated", call(study, lone), Raises("ValueError", ("fold",))),
        Case("a treatment of 0.5", call(study, fold, t=half), Raises("ValueError", ("t",))),
    ]


def _deal_all(rng: np.random.Generator, study: Study, folds: int) -> np.ndarray:
    return _deal(rng, replace(study, train=np.ones_like(study.train)), folds)


def _means(values: np.ndarray, edge_index: np.ndarray) -> np.ndarray:
    total, degree = np.zeros((len(values), *values.shape[1:])), np.bincount(edge_index[0], minlength=len(values))
    np.add.at(total, edge_index[0], values[edge_index[1]])
    return total / np.maximum(degree, 1).reshape(-1, *[1] * (values.ndim - 1))


Masks = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _mistaken(
    *,
    fit: Masks = lambda train, own: train & ~own,
    measure: Masks | None = None,
    predict: Masks = lambda train, own: own,
    edges: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = lambda edge_index, fold, train: edge_index,
    extra: Callable[[np.ndarray, np.ndarray, np.ndarray], list[np.ndarray]] = lambda t, train, around: [],
    clip: tuple[float, float] = _CLIP,
    rescale: bool = True,
    ddof: int = 0,
    scaled: bool = True,
) -> Callable[..., Predictions]:
    """Cross-fitting, right or with one rule changed; ``measure`` says over which nodes y is standardised."""

    def wrong(x, edge_index, y, t, train, fold):
        kept = edges(edge_index, fold, train)
        features = np.column_stack([x, _means(x, kept), *extra(t, train, lambda v: _means(v, edge_index))])
        m_hat, e_hat = np.zeros(len(y)), np.zeros(len(y))
        for k in np.unique(fold):
            own = fold == k
            used, to = fit(train, own), predict(train, own)
            over = used if measure is None else measure(train, own)
            mean, spread = (y[over].mean(), y[over].std(ddof=ddof)) if scaled else (0.0, 1.0)
            found = predict_outcome(features[used], (y[used] - mean) / spread, features[to])
            m_hat[to] = mean + spread * found if rescale else found
            e_hat[to] = np.clip(predict_treatment(features[used], t[used], features[to]), *clip)
        return m_hat, e_hat

    return wrong


def _inside(edge_index: np.ndarray, fold: np.ndarray, train: np.ndarray) -> np.ndarray:
    return edge_index[:, fold[edge_index[0]] == fold[edge_index[1]]]


def _across(edge_index: np.ndarray, fold: np.ndarray, train: np.ndarray) -> np.ndarray:
    return edge_index[:, fold[edge_index[0]] != fold[edge_index[1]]]


def _among_training(edge_index: np.ndarray, fold: np.ndarray, train: np.ndarray) -> np.ndarray:
    return edge_index[:, train[edge_index[0]] & train[edge_index[1]]]


def _from_training(edge_index: np.ndarray, fold: np.ndarray, train: np.ndarray) -> np.ndarray:
    return edge_index[:, train[edge_index[1]]]


def _without_fold(x, edge_index, y, t, train, fold) -> Predictions:
    """In the fits of each fold, edges that touch the fold are gone; its nodes are predicted with all edges."""
    m_hat, e_hat, whole = np.zeros(len(y)), np.zeros(len(y)), np.column_stack([x, _means(x, edge_index)])
    for k in np.unique(fold):
        own = fold == k
        used = train & ~own
        outside = ~own[edge_index[0]] & ~own[edge_index[1]]
        features = np.column_stack([x, _means(x, edge_index[:, outside])])
        mean, spread = y[used].mean(), y[used].std()
        m_hat[own] = mean + spread * predict_outcome(features[used], (y[used] - mean) / spread, whole[own])
        e_hat[own] = np.clip(predict_treatment(features[used], t[used], whole[own]), *_CLIP)
    return m_hat, e_hat


def _averaged(x, edge_index, y, t, train, fold) -> Predictions:
    """Held-out nodes get the mean of all folds' predictions."""
    every = [_mistaken()(x, edge_index, y, t, train, np.where(train, fold, k)) for k in np.unique(fold)]
    return tuple(np.mean(parts, axis=0) for parts in zip(*every, strict=True))


def _leaves_held_out(attempt: Attempt) -> bool:
    """Training nodes are right, and held-out ones all have the same number or none."""
    train = attempt.case.args[4]
    (m_right, e_right), (m_hat, e_hat) = attempt.expected, attempt.value
    right = np.allclose(m_hat[train], m_right[train]) and np.allclose(e_hat[train], e_right[train])
    left = m_hat[~train]
    return right and len(left) > 1 and (np.isnan(left).all() or np.ptp(left) == 0)


QUESTION = Question(
    name="ch04.cross_fit_nodes",
    title="Predicted by models that never saw it",
    entry="cross_fit_nodes",
    points=4,
    cases=_cases,
    oracle=_oracle,
    compare=_TOLERANCE,
    diagnoses=(
        answers_as(
            "unmasked",
            "Your models learned from held-out nodes as well. Outcomes and treatments may be used at training nodes"
            " only: fit where train & (fold != k).",
            _mistaken(fit=lambda train, own: ~own),
        ),
        answers_as(
            "standardised_over_all",
            "Mean and standard deviation of y are taken over nodes that the fold's model must not see: add 100 to the"
            " outcomes of a fold and its own predictions move. Take them over the nodes of the fit,"
            " train & (fold != k), anew for each fold.",
            _mistaken(measure=lambda train, own: train),
            _mistaken(measure=lambda train, own: ~own),
            _mistaken(measure=lambda train, own: np.ones_like(train)),
        ),
        answers_as(
            "in_fold_model",
            "Nodes are predicted by models that learned from them. Fit without the fold, then predict the fold:"
            " features[own], where own is fold == k and no node of own was in the fit.",
            _mistaken(fit=lambda train, own: train),
            _mistaken(fit=lambda train, own: train & own),
            _mistaken(predict=lambda train, own: ~own),
            _mistaken(fit=lambda train, own: train & own, predict=lambda train, own: ~own),
            _mistaken(predict=lambda train, own: np.ones_like(own)),
        ),
        answers_as(
            "folds_over_edges",
            "You cut edges between folds, or to held-out nodes. Features of all nodes are known and leak nothing; what"
            " a fold withholds are its outcomes and treatments. Take the neighbours' means over the whole graph, once.",
            *(_mistaken(edges=kept) for kept in (_inside, _across, _among_training, _from_training)),
            _without_fold,
        ),
        answers_as(
            "held_out_t_as_feature",
            "Treatments are among your features, a node's own or its neighbours'. That lets in those of the fold and of"
            " held-out nodes, which a model must not see. Features are x and the neighbours' means of x, no more.",
            _mistaken(extra=lambda t, train, around: [around(t)]),
            _mistaken(extra=lambda t, train, around: [around(np.where(train, t, 0.0))]),
            _mistaken(extra=lambda t, train, around: [t]),
            _mistaken(extra=lambda t, train, around: [t, around(t)]),
        ),
        answers_as(
            "own_features_only",
            "Your models see a node's own features only. Put the neighbours' means beside them, [x, neighbour_means].",
            _mistaken(edges=lambda edge_index, fold, train: edge_index[:, :0]),
        ),
        Diagnosis(
            "held_out_left_out",
            "Held-out nodes have no prediction. They are never fitted, but the fold that they were given predicts them:"
            " all nodes with fold == k, training nodes or not.",
            _leaves_held_out,
        ),
        answers_as(
            "held_out_averaged",
            "Held-out nodes get the mean over all folds' models. The rule fixed here is that each has a fold, and the"
            " models of that fold predict it.",
            _averaged,
        ),
        answers_as(
            "not_standardised",
            "You handed the outcomes to predict_outcome as they are. Its regression goes through the origin and cuts"
            " targets off at ±2: give it (y − mean)/sd, and turn what comes back into units of y.",
            _mistaken(scaled=False),
        ),
        answers_as(
            "not_rescaled",
            "Your m_hat is in units of a standard deviation of y. Turn it back: mean + sd times the prediction, with"
            " the fold's own mean and sd.",
            _mistaken(rescale=False),
        ),
        answers_as(
            "sample_deviation",
            "Your standard deviation divides by n − 1. The question asks for np.std as it is, divisor n.",
            _mistaken(ddof=1),
        ),
        answers_as(
            "not_clipped",
            "Your propensities go below 0.02 or above 0.98. Clip them.",
            _mistaken(clip=(0.0, 1.0)),
        ),
        Diagnosis(
            "no_checks",
            "Bad input passes. Raise a ValueError that names fold if the training nodes of a fold are all treated or"
            " all untreated, and one that names t if it is neither 0 nor 1 at a training node.",
            lambda attempt: accepts("fold")(attempt) or accepts("t")(attempt),
        ),
    ),
)
