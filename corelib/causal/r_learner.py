"""The R-learner on a network: effects from what is left of outcome and treatment once both have been predicted."""

from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from corelib.causal.data import NetworkCausalData
from corelib.causal.diagnostics import r_score
from corelib.causal.final_stages import NetworkEffect
from corelib.causal.folds import NodeFolds
from corelib.causal.nuisances import Nuisances, cross_fit


def residuals(data: NetworkCausalData, nuisances: Nuisances) -> tuple[Tensor, Tensor]:
    """What the nuisances leave of outcome and treatment.

    Args:
        data: outcomes and treatments of n nodes.
        nuisances: predictions for the same nodes.

    Returns:
        ``y - m_hat``, units of the outcome, and ``t - e_hat``, in (-1, 1) and nowhere 0; float64, shape ``(n,)`` each.

    Raises:
        ValueError: nuisances of another number of nodes.

    Source: Robinson (1988).
    """
    if nuisances.m_hat.shape != data.y.shape:
        raise ValueError(f"nuisances are of {len(nuisances.m_hat)} nodes; expected {len(data.y)}, as the data has")
    return data.y - nuisances.m_hat, data.t - nuisances.e_hat


class GraphRLearner(BaseEstimator):
    """Effects on a network from end to end: cross-fitted nuisances, residuals, final stage.

    Args:
        nuisance: kind of the networks that predict outcome and treatment: ``"mlp"``, ``"gcn"``, ``"sage"``, ``"gat"``.
        final: the same for the final stage, or a final stage (left as it is; a clone is fitted).
        folds: folds of the nuisances: a rule, or the fold of each node.
        seed: seed of all initial weights, >= 0, but for a final stage that was given.

    Attributes:
        nuisances_: :class:`~corelib.causal.nuisances.Nuisances` of the nodes it was fitted to.
        final_: the fitted final stage.
        data_: the data it was fitted to.

    Source: Sairam et al. (2025), the Graph R-Learner; Nie and Wager (2021); chapter 4, lesson 2.
    """

    def __init__(
        self,
        nuisance: str = "sage",
        final: str | BaseEstimator = "sage",
        *,
        folds: NodeFolds | Tensor = NodeFolds(),  # noqa: B008, it is frozen
        seed: int = 0,
    ):
        self.nuisance = nuisance
        self.final = final
        self.folds = folds
        self.seed = seed

    def fit(self, data: NetworkCausalData, nuisances: Nuisances | None = None) -> "GraphRLearner":
        """Learn from the training nodes.

        Args:
            data: features, graph, treatments, outcomes and training nodes.
            nuisances: what several final stages are to share, or what another model predicts; networks of the kind
                ``nuisance`` are cross-fitted when not given.

        Raises:
            ValueError: a fold with one arm only, nuisances that do not fit, settings out of range.
            FloatingPointError: training diverged.
        """
        if nuisances is None:
            nuisances = cross_fit(data, kind=self.nuisance, folds=self.folds, seed=self.seed)
        final = NetworkEffect(self.final, seed=self.seed) if isinstance(self.final, str) else clone(self.final)
        self.final_ = final.fit(data, *residuals(data, nuisances))
        self.nuisances_, self.data_ = nuisances, data
        return self

    def effect(self, data: NetworkCausalData | None = None) -> Tensor:
        """The effect at every node, float64, shape ``(n,)``, units of the outcome; of the data fitted to by default."""
        check_is_fitted(self)
        return self.final_.effect(self.data_ if data is None else data)

    def score(self, mask: Tensor | None = None) -> float:
        """The R-score at nodes of the data fitted to: below 0, one constant effect would have done better.

        Args:
            mask: nodes to score, bool, shape ``(n,)``; the data's held-out nodes when not given.

        Returns:
            The score, at most 1, as :func:`~corelib.causal.diagnostics.r_score` has it.

        Raises:
            ValueError: a mask of another shape, or no node to score.
        """
        check_is_fitted(self)
        mask = self.data_.test_mask if mask is None else mask
        return r_score(*residuals(self.data_, self.nuisances_), self.effect(), mask)
