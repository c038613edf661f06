"""Which part of an R-learner matters: the same data, seed by seed, through several nuisances and final stages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from corelib.causal.data import NetworkCausalData
from corelib.causal.diagnostics import cate_mse, r_score
from corelib.causal.final_stages import (
    ConstantEffect,
    LinearEffect,
    NetworkEffect,
    WeightedEffect,
    neighbourhood_features,
)
from corelib.causal.folds import NodeFolds
from corelib.causal.meta_learners import NetworkSLearner, NetworkTLearner
from corelib.causal.nuisances import Nuisances, cross_fit, cross_fit_sklearn
from corelib.causal.r_learner import residuals

GRAPH_R_LEARNER = "Graph R-learner"
ORACLE = "oracle"  # nuisances that are the truth

#: Shallow and slow, as a target this noisy wants it: scikit-learn's defaults end worse than a constant.
BOOSTING = GradientBoostingRegressor(
    n_estimators=60, learning_rate=0.05, max_depth=3, min_samples_leaf=20, random_state=0
)

#: Kind of nuisances and final stage. Final stages before "GNN, blind nuisances" see a node's own features only.
METHODS: Mapping[str, tuple[str, BaseEstimator]] = {
    "constant": ("sage", ConstantEffect()),
    "linear, no intercept": ("sage", LinearEffect(0, intercept=False)),
    "linear": ("sage", LinearEffect(0)),
    "MLP": ("sage", NetworkEffect("mlp")),
    "boosting": ("sage", WeightedEffect(BOOSTING)),
    "GNN, blind nuisances": ("mlp", NetworkEffect("sage")),
    GRAPH_R_LEARNER: ("sage", NetworkEffect("sage")),
    "linear on graph features": ("sage", LinearEffect(2)),
}
BLIND = ("linear, no intercept", "linear", "MLP", "boosting")
META_LEARNERS: Mapping[str, BaseEstimator] = {
    "T-learner": NetworkTLearner("sage"),
    "S-learner": NetworkSLearner("sage"),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several methods on one draw, scored on the nodes held out.

    Attributes:
        effects: estimated effect at every node, units of the outcome, shape ``(n,)``.
        errors: mean squared error on held-out nodes, units of the outcome squared.
        r_scores: R-score on held-out nodes; all by the same nuisances, those named by ``judge``.
        variance: variance of the true effect on held-out nodes: what the best constant would leave.
    """

    effects: dict[str, Tensor]
    errors: dict[str, float]
    r_scores: dict[str, float]
    variance: float


def compare_methods(
    data: NetworkCausalData,
    methods: Mapping[str, tuple[str, BaseEstimator]] = METHODS,
    *,
    meta_learners: Mapping[str, BaseEstimator] | None = None,
    judge: str = "sage",
    seed: int = 0,
) -> Comparison:
    """Fit several final stages and meta-learners to one draw; final stages share their nuisances.

    Args:
        data: with a true effect, and nodes held out.
        methods: for each name the kind of nuisance networks (or ``"oracle"``, the truth) and the final stage.
        meta_learners: further estimators with ``fit(data)`` and ``effect()``.
        judge: kind of nuisances whose residuals give the R-scores.
        seed: seed of folds and of all initial weights.

    Returns:
        A :class:`Comparison`.

    Raises:
        ValueError: no true effect, no held-out nodes, no methods, or what the estimators refuse.

    Source: chapter 4, lesson 2.
    """
    if data.tau is None or not data.test_mask.any():
        raise ValueError("data has no tau or no held-out nodes; expected both, to score by")
    if not methods:
        raise ValueError("methods is empty; expected at least one")
    kinds = {judge} | {kind for kind, _ in methods.values()}
    left = {kind: residuals(data, _nuisances(data, kind, seed)) for kind in sorted(kinds)}
    effects = {
        name: _seeded(final, seed).fit(data, *left[kind]).effect(data) for name, (kind, final) in methods.items()
    }
    for name, learner in (meta_learners or {}).items():
        effects[name] = _seeded(learner, seed).fit(data).effect()
    held_out = data.test_mask
    return Comparison(
        effects=effects,
        errors={name: cate_mse(effect, data.tau, held_out) for name, effect in effects.items()},
        r_scores={name: r_score(*left[judge], effect, held_out) for name, effect in effects.items()},
        variance=data.tau[held_out].var(correction=0).item(),
    )


def error_table(
    draw: Callable[[int], NetworkCausalData],
    seeds: Iterable[int],
    methods: Mapping[str, tuple[str, BaseEstimator]] = METHODS,
    *,
    meta_learners: Mapping[str, BaseEstimator] | None = None,
) -> dict[str, list[float]]:
    """Held-out errors of every method, seed by seed: what :func:`~corelib.causal.diagnostics.paired_tests` takes.

    Args:
        draw: gives the data of a seed.
        seeds: seeds of draws, folds and weights.
        methods: as :func:`compare_methods`.
        meta_learners: as :func:`compare_methods`.

    Returns:
        For each method its mean squared errors, one a seed, and under ``"variance"`` what the best constant leaves.

    Raises:
        ValueError: as :func:`compare_methods`.

    Source: chapter 4, lesson 2.
    """
    table: dict[str, list[float]] = {}
    for seed in seeds:
        found = compare_methods(draw(seed), methods, meta_learners=meta_learners, seed=seed)
        for name, error in (found.errors | {"variance": found.variance}).items():
            table.setdefault(name, []).append(error)
    return table


def closed_form_errors(data: NetworkCausalData, *, hops: int = 2, seed: int = 0) -> dict[tuple[str, str], float]:
    """Graph or no graph, in nuisances and in the final stage: four R-learners without a network, in milliseconds.

    Nuisances are ridge and logistic regression, the final stage is linear; "graph" ones see neighbours' means too.

    Args:
        data: with a true effect, and nodes held out.
        hops: how far "graph" models see, >= 1.
        seed: seed of the folds.

    Returns:
        Held-out mean squared error for each pair ``(nuisance, final)`` of ``"blind"`` and ``"graph"``.

    Raises:
        ValueError: no true effect, or what the parts refuse.

    Source: chapter 4, lesson 2.
    """
    if data.tau is None:
        raise ValueError("data has no tau; expected true effects, to score by")
    reach = {"blind": 0, "graph": hops}
    errors = {}
    for nuisance, seen in reach.items():
        models = Ridge(1.0), LogisticRegression(max_iter=500)
        fitted = cross_fit_sklearn(data, *models, neighbourhood_features(data, seen), folds=NodeFolds(seed=seed))
        for final, hops_seen in reach.items():
            effect = LinearEffect(hops_seen).fit(data, *residuals(data, fitted)).effect(data)
            errors[nuisance, final] = cate_mse(effect, data.tau, data.test_mask)
    return errors


def hop_errors(draw: Callable[[int], NetworkCausalData], seeds: Sequence[int], *, hops: int = 3) -> np.ndarray:
    """Error of a linear final stage that sees 0, 1, ..., ``hops`` hops, given the true nuisances.

    Args:
        draw: gives the data of a seed, with tau, m and e.
        seeds: seeds to average over.
        hops: how far the last one sees, >= 0.

    Returns:
        Mean over seeds of the held-out mean squared error, shape ``(hops + 1,)``.

    Raises:
        ValueError: data without its truth, or what the parts refuse.

    Source: chapter 4, lesson 2.
    """
    errors = np.zeros((len(seeds), hops + 1))
    for row, seed in zip(errors, seeds, strict=True):
        data = draw(seed)
        left = residuals(data, _nuisances(data, ORACLE, seed))
        for seen in range(hops + 1):
            row[seen] = cate_mse(LinearEffect(seen).fit(data, *left).effect(data), data.tau, data.test_mask)
    return errors.mean(0)


def _nuisances(data: NetworkCausalData, kind: str, seed: int) -> Nuisances:
    if kind != ORACLE:
        return cross_fit(data, kind=kind, folds=NodeFolds(seed=seed), seed=seed)
    if data.m is None or data.e is None:
        raise ValueError("data has no m or no e; expected the true nuisances, which 'oracle' stands for")
    return Nuisances(data.m, data.e, torch.zeros(len(data.y), dtype=torch.int64))


def _seeded(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    own = clone(estimator)
    return own.set_params(seed=seed) if "seed" in own.get_params(deep=False) else own
