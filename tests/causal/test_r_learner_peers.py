"""The R-learner gives what EconML's and CausalML's give when all share folds and nuisance models."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold

from corelib.causal.final_stages import LinearEffect, WeightedEffect, neighbourhood_features
from corelib.causal.nuisances import Nuisances, cross_fit_sklearn
from corelib.causal.r_learner import GraphRLearner
from corelib.causal.simulation import simulate_network_cate

pytestmark = [
    pytest.mark.ch04,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SPLIT = StratifiedKFold(5, shuffle=True, random_state=3)


@pytest.fixture(scope="module")
def data():
    """All nodes are for training, since the peers know no held-out ones."""
    drawn = simulate_network_cate("ba", 300, seed=5)
    return replace(drawn, train_mask=torch.ones(300, dtype=torch.bool), test_mask=torch.zeros(300, dtype=torch.bool))


def shared_folds(data, features):
    splits = list(SPLIT.split(features, data.t))
    fold = torch.empty(len(data.t), dtype=torch.int64)
    for k, (_, test) in enumerate(splits):
        fold[test] = k
    return splits, fold


def our_effect(data, final, features, fold, e=None):
    found = cross_fit_sklearn(data, LinearRegression(), LogisticRegression(), features, folds=fold, clip=(0, 1))
    if e is not None:
        found = Nuisances(found.m_hat, e, fold)
    return GraphRLearner(final=final).fit(data, found)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("hops", [0, 2])
def test_the_linear_effect_is_econmls_linear_dml(data, hops, intercept):
    dml = pytest.importorskip("econml.dml", reason="econml is an optional peer: make peers")
    features = neighbourhood_features(data, hops).numpy()
    splits, fold = shared_folds(data, features)
    peer = dml.LinearDML(
        model_y=LinearRegression(),
        model_t=LogisticRegression(),
        discrete_treatment=True,
        fit_cate_intercept=intercept,
        cv=splits,
    )
    peer.fit(data.y.numpy(), data.t.numpy().astype(int), X=features, inference=None)
    ours = our_effect(data, LinearEffect(hops, intercept=intercept, alpha=0.0), features, fold)
    np.testing.assert_allclose(ours.final_.coef_, peer.coef_.ravel(), rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.effect(), peer.effect(features).ravel(), rtol=0, atol=1e-8)


def test_the_weighted_effect_is_econmls_non_parametric_dml(data):
    dml = pytest.importorskip("econml.dml", reason="econml is an optional peer: make peers")
    features = data.x.numpy()
    splits, fold = shared_folds(data, features)
    regressor = HistGradientBoostingRegressor(max_iter=20, early_stopping=False)
    peer = dml.NonParamDML(
        model_y=LinearRegression(),
        model_t=LogisticRegression(),
        model_final=regressor,
        discrete_treatment=True,
        cv=splits,
    )
    peer.fit(data.y.numpy(), data.t.numpy().astype(int), X=features)
    ours = our_effect(data, WeightedEffect(regressor), features, fold)
    np.testing.assert_allclose(ours.effect(), peer.effect(features).ravel(), rtol=0, atol=1e-8)


REGRESSORS = [LinearRegression(), HistGradientBoostingRegressor(max_iter=20, early_stopping=False)]


@pytest.mark.parametrize("regressor", REGRESSORS, ids=["linear", "boosting"])
def test_the_weighted_effect_is_causalmls_r_learner(data, regressor):
    meta = pytest.importorskip("causalml.inference.meta", reason="causalml is an optional peer: make peers")
    features = data.x.numpy()
    _, fold = shared_folds(data, features)
    peer = meta.BaseRRegressor(outcome_learner=LinearRegression(), effect_learner=regressor, n_fold=5, random_state=3)
    peer.cv_n_jobs = 1  # no processes for five small regressions
    peer.fit(features, data.t.numpy().astype(int), data.y.numpy(), p=data.e.numpy(), verbose=False)
    ours = our_effect(data, WeightedEffect(regressor), features, fold, e=data.e)
    np.testing.assert_allclose(ours.effect(), peer.predict(features).ravel(), rtol=0, atol=1e-8)
