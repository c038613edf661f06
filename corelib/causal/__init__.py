"""Effects of a treatment on the nodes of a network: R-learners and meta-learners, simulations, diagnostics."""

from corelib.causal.data import NetworkCausalData, split_nodes
from corelib.causal.diagnostics import PairedTest, StratumError, cate_mse, paired_tests, r_score, stratified_mse
from corelib.causal.final_stages import (
    ConstantEffect,
    LinearEffect,
    NetworkEffect,
    WeightedEffect,
    constant_effect,
    neighbourhood_features,
    r_loss,
)
from corelib.causal.folds import NodeFolds, check_folds
from corelib.causal.graphs import check_graph, degrees, gcn_operator, make_graph, mean_operator, propagate
from corelib.causal.meta_learners import NetworkSLearner, NetworkTLearner, treatment_contrast
from corelib.causal.network_modules import NetworkModule, SeparateNetworks
from corelib.causal.networks import BatchedNetworks, build_networks, train_networks
from corelib.causal.nuisances import Nuisances, cross_fit, cross_fit_sklearn
from corelib.causal.published import (
    PublishedGrid,
    published_global_flip_s_learner,
    published_grid,
    published_linear_no_intercept,
)
from corelib.causal.published_data import published_simulation
from corelib.causal.r_learner import GraphRLearner, residuals
from corelib.causal.simulation import blind_floor, r_bias, simulate_network_cate
from corelib.causal.squashing import balanced_forman, hub_curve_mismatch, hub_curve_single, influence, mismatch_slope
from corelib.causal.study import Comparison, closed_form_errors, compare_methods, error_table, hop_errors

__all__ = [
    "BatchedNetworks",
    "Comparison",
    "ConstantEffect",
    "GraphRLearner",
    "LinearEffect",
    "NetworkCausalData",
    "NetworkEffect",
    "NetworkModule",
    "NetworkSLearner",
    "NetworkTLearner",
    "NodeFolds",
    "Nuisances",
    "PairedTest",
    "PublishedGrid",
    "SeparateNetworks",
    "StratumError",
    "WeightedEffect",
    "balanced_forman",
    "blind_floor",
    "build_networks",
    "cate_mse",
    "check_folds",
    "check_graph",
    "closed_form_errors",
    "compare_methods",
    "constant_effect",
    "cross_fit",
    "cross_fit_sklearn",
    "degrees",
    "error_table",
    "gcn_operator",
    "hop_errors",
    "hub_curve_mismatch",
    "hub_curve_single",
    "influence",
    "make_graph",
    "mean_operator",
    "mismatch_slope",
    "neighbourhood_features",
    "paired_tests",
    "propagate",
    "published_global_flip_s_learner",
    "published_grid",
    "published_linear_no_intercept",
    "published_simulation",
    "r_bias",
    "r_loss",
    "r_score",
    "residuals",
    "simulate_network_cate",
    "split_nodes",
    "stratified_mse",
    "train_networks",
    "treatment_contrast",
]
