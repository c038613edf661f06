"""Mutual information by a critic: a network that scores pairs, trained to tell true pairs from pairs mixed at random.

Any critic T(x, y) gives a lower bound; a better one gives a larger bound. That holds for expectations: the estimate of
a bound from samples has a variance, which for Donsker-Varadhan and NWJ grows like e^I, and a bound on pairs that the
critic was trained on is no bound at all. Everything is in nats.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn

from corelib.information.estimate import MIEstimate
from corelib.information.samples import as_pair, require_option


def dv_bound(joint_scores: np.ndarray | Tensor, marginal_scores: np.ndarray | Tensor) -> Tensor:
    """Donsker and Varadhan's bound E_P[T] - ln E_Q[e^T], as MINE uses it; tight for T = ln p/(p p) + any constant.

    Args:
        joint_scores: T of true pairs, shape ``(N,)``.
        marginal_scores: T of pairs drawn independently of each other, shape ``(M,)``.

    Returns:
        A scalar, nats, differentiable; float64 for arrays. Of finite samples the logarithm is too small on average,
        so the value may exceed the information, and by far where that is beyond ln M.

    Raises:
        ValueError: scores that are not 1-D, empty, NaN or infinite.

    Source: Donsker and Varadhan (1983); Belghazi et al. (2018).
    """
    joint, marginal = _scores("joint_scores", joint_scores, 1), _scores("marginal_scores", marginal_scores, 1)
    return joint.mean() - _log_mean_exp(marginal)


def nwj_bound(joint_scores: np.ndarray | Tensor, marginal_scores: np.ndarray | Tensor) -> Tensor:
    """Nguyen, Wainwright and Jordan's bound E_P[T] - E_Q[e^(T - 1)]; tight for T = 1 + ln p/(p p).

    Args:
        joint_scores: T of true pairs, shape ``(N,)``.
        marginal_scores: T of pairs drawn independently of each other, shape ``(M,)``.

    Returns:
        A scalar, nats, differentiable; float64 for arrays. Without bias for a critic that has not seen the pairs;
        never above :func:`dv_bound` of the same scores.

    Raises:
        ValueError: scores that are not 1-D, empty, NaN or infinite.

    Source: Nguyen, Wainwright and Jordan (2010).
    """
    joint, marginal = _scores("joint_scores", joint_scores, 1), _scores("marginal_scores", marginal_scores, 1)
    return joint.mean() - torch.exp(marginal - 1).mean()


def infonce_bound(score_matrix: np.ndarray | Tensor) -> Tensor:
    """Information by picking the true partner among B: mean of T_ii - ln (1/B) sum_j e^(T_ij), at most ln B.

    Args:
        score_matrix: T(x_i, y_j) of B pairs, shape ``(B, B)``; true pairs on the diagonal.

    Returns:
        A scalar, nats, differentiable; float64 for arrays. Never above ln B: close to that it only says that B is
        too small.

    Raises:
        ValueError: scores that are not a square matrix, NaN or infinite.

    Source: van den Oord et al. (2018); Poole et al. (2019).
    """
    scores = _scores("score_matrix", score_matrix, 2)
    if scores.shape[0] != scores.shape[1]:
        raise ValueError(f"score_matrix has shape {tuple(scores.shape)}; expected (B, B)")
    return _infonce_terms(scores).mean()


@dataclass(frozen=True)
class CriticMI:
    """Mutual information by a critic trained on half of the pairs and judged on the other half.

    "dv" and "nwj" train one network on (x, y), its independent pairs being those of a batch with every y moved on by
    one. "infonce" needs the scores of all pairs of a batch, hence two networks, T(x, y) = f(x) g(y).

    Attributes:
        objective: the bound that is maximized, and reported: "dv", "nwj" or "infonce".
        hidden: width of both hidden layers of the networks, and of f and g.
        steps: updates by Adam.
        batch_size: pairs an update, >= 2; with "infonce" each pair meets all others, and ln ``batch_size`` is the
            ceiling of the estimate.
        lr: learning rate.
        seed: seed of the split, the initial weights and the minibatches.

    Raises:
        ValueError: an unknown objective, or a setting out of its range.
    """

    objective: str = "dv"
    hidden: int = 64
    steps: int = 1500
    batch_size: int = 256
    lr: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        require_option("objective", self.objective, tuple(_NAMES))
        for name, least in (("hidden", 1), ("steps", 0), ("batch_size", 2)):
            if not isinstance(value := getattr(self, name), int) or value < least:
                raise ValueError(f"{name} is {value!r}; expected an integer >= {least}")
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr is {self.lr}; expected a finite number > 0")

    def estimate(self, x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> MIEstimate:
        """Train on a random half of the pairs, evaluate on the rest.

        Args:
            x: shape ``(N, d_x)`` or ``(N,)``, N >= 4.
            y: shape ``(N, d_y)`` or ``(N,)``.

        Returns:
            A :class:`MIEstimate` with N, and ``local``, of the held-out pairs that were used, in random order
            ("infonce" uses whole batches). It may be negative. The standard error is for the choice of the held-out
            pairs, given the critic: neither how far the critic is from the best one, nor how it varies with the seed;
            and for "dv" and "nwj" beyond a few nats it is itself too small, as rare pairs decide.

        Raises:
            ValueError: samples as :func:`as_pair` refuses them.
            FloatingPointError: the bound is NaN or infinite, in training or after.
        """
        x, y = as_pair(x, y, min_samples=4)
        generator = Generator().manual_seed(self.seed)
        order = torch.randperm(len(x), generator=generator)
        train, held_out = order.tensor_split(2)
        x, y = (_standardized(side, train) for side in (x, y))
        with torch.random.fork_rng(devices=[]):  # initial weights can only be drawn from torch's global generator
            torch.manual_seed(self.seed)
            kind = _TableCritic if self.objective == "infonce" else _PairCritic
            critic = kind(x.shape[1], y.shape[1], self.hidden)
        self._train(critic, x[train], y[train], generator)
        with torch.no_grad():
            local, variance = self._judge(critic, x[held_out], y[held_out])
        if not torch.isfinite(local).all():
            raise FloatingPointError("the bound is not finite on the held-out pairs; try a smaller lr")
        return MIEstimate(local.mean().item(), math.sqrt(variance), len(local), str(self), local.numpy())

    __call__ = estimate

    def __str__(self) -> str:
        critic = f"critic {self.hidden}-{self.hidden}, {self.steps} steps of {self.batch_size}"
        return f"{_NAMES[self.objective]} bound, {critic}, held-out half"

    def _train(self, critic: nn.Module, x: Tensor, y: Tensor, generator: Generator) -> None:
        descent = torch.optim.Adam(critic.parameters(), lr=self.lr)
        for step in range(self.steps):
            batch = torch.randperm(len(x), generator=generator)[: self.batch_size]
            scores = critic(x[batch], y[batch])
            if self.objective == "infonce":
                bound = _infonce_terms(scores).mean()
            elif self.objective == "dv":
                bound = scores[0].mean() - _log_mean_exp(scores[1])
            else:
                bound = scores[0].mean() - torch.exp(scores[1] - 1).mean()
            if not torch.isfinite(bound):
                raise FloatingPointError(f"the bound is {bound.item()} at step {step}; try a smaller lr")
            descent.zero_grad()
            (-bound).backward()
            descent.step()

    def _judge(self, critic: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, float]:
        """Contributions of the held-out pairs, float64 ``(M,)``, and the variance of their mean."""
        if self.objective == "infonce":
            size = min(self.batch_size, len(x))
            whole = range(0, len(x) - size + 1, size)
            local = torch.cat([_infonce_terms(critic(x[i : i + size], y[i : i + size]).double()) for i in whole])
            return local, (local.var() / len(local)).item()
        joint, marginal = (scores.double() for scores in critic(x, y))
        if self.objective == "dv":
            offset = _log_mean_exp(marginal)
            penalty = torch.exp(marginal - offset)  # by the delta method, the error of ln m is that of m, over m
        else:
            penalty = torch.exp(marginal - 1)
            offset = penalty.mean()
        return joint - offset, ((joint.var() + penalty.var()) / len(joint)).item()


class _PairCritic(nn.Module):
    """T(x, y) by one network for both: scores of true pairs and of mixed ones."""

    def __init__(self, d_x: int, d_y: int, hidden: int):
        super().__init__()
        self.network = _two_hidden_layers(d_x + d_y, hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """``(B,)`` of the pairs as they are, ``(B,)`` with every y moved on by one, so that no pair stays."""
        mixed = torch.cat([x, y.roll(1, 0)], dim=1)
        return self.network(torch.cat([x, y], dim=1)).squeeze(1), self.network(mixed).squeeze(1)


class _TableCritic(nn.Module):
    """T(x, y) = f(x) g(y): a table of all B^2 pairs for the price of B."""

    def __init__(self, d_x: int, d_y: int, hidden: int):
        super().__init__()
        self.f, self.g = (_two_hidden_layers(d, hidden, hidden) for d in (d_x, d_y))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of every x with every y, ``(B, B)``."""
        return self.f(x) @ self.g(y).T


def _two_hidden_layers(inputs: int, hidden: int, outputs: int) -> nn.Module:
    layers = (nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    return nn.Sequential(*layers)


_NAMES = {"dv": "Donsker-Varadhan", "nwj": "NWJ", "infonce": "InfoNCE"}


def _log_mean_exp(scores: Tensor) -> Tensor:
    return torch.logsumexp(scores, 0) - math.log(len(scores))


def _infonce_terms(scores: Tensor) -> Tensor:
    return scores.diagonal() - torch.logsumexp(scores, dim=1) + math.log(len(scores))


def _standardized(samples: np.ndarray, train: Tensor) -> Tensor:
    """Columns of mean 0 and variance 1 over the training half, float32; a constant column becomes 0."""
    part = samples[train.numpy()]
    scale = part.std(axis=0)
    return torch.from_numpy((samples - part.mean(axis=0)) / np.where(scale > 0, scale, 1)).float()


def _scores(name: str, scores: np.ndarray | Tensor, ndim: int) -> Tensor:
    if not isinstance(scores, Tensor):
        scores = torch.from_numpy(np.asarray(scores, dtype=np.float64))
    if not scores.is_floating_point():
        scores = scores.double()
    if scores.ndim != ndim or 0 in scores.shape:
        raise ValueError(f"{name} has shape {tuple(scores.shape)}; expected {('(N,)', '(B, B)')[ndim - 1]}, not empty")
    if not torch.isfinite(scores).all():
        raise ValueError(f"{name} holds {int((~torch.isfinite(scores)).sum())} NaN or infinite values; expected none")
    return scores
