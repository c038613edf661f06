"""The loss that shapes a Koopman representation by information: coherence, structure and spread, with reconstruction.

total = forward + identity_weight * identity + alpha * infonce + beta * structure - gamma * entropy

The entropy is rewarded. The authors' released code adds it instead, which shrinks the representation; that is here
too, under a name that says so.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from corelib.information.samples import require_option
from corelib.koopman.autoencoders import KoopmanPass
from corelib.koopman.contrastive import temporal_infonce
from corelib.koopman.operators import require_count
from corelib.koopman.spectra import von_neumann_entropy


class LossTerms(NamedTuple):
    """The parts of the loss, scalars before weighting, and their weighted sum.

    Attributes:
        forward: error of decoded predictions.
        identity: error of decoded latents.
        structure: distance of latents from K times the latents before.
        infonce: temporal InfoNCE loss, nats; 0 where ``alpha`` is 0, as it is not computed then.
        entropy: von Neumann entropy of the latents, nats.
        total: what is minimised.
    """

    forward: Tensor
    identity: Tensor
    structure: Tensor
    infonce: Tensor
    entropy: Tensor
    total: Tensor


@dataclass(frozen=True, kw_only=True)
class InformationLoss:
    """Weights and settings of the information Lagrangian; called on a model's pass, it returns :class:`LossTerms`.

    Args:
        alpha: weight of the temporal InfoNCE loss (coherence), >= 0.
        beta: weight of the structure term, >= 0.
        gamma: weight of the von Neumann entropy (spread), >= 0, in units of the forward error per nat: 0.01 to 0.1
            acts on errors per entry, about 10 on log-likelihoods summed over an image.
        identity_weight: weight of the plain reconstruction, >= 0.
        k: reach of the temporal neighbourhood, steps, >= 1.
        temperature: of InfoNCE, > 0.
        negatives: "window" or "batch", see :func:`~corelib.koopman.contrastive.temporal_infonce`.
        entropy: "rewarded" as the paper has it, or "penalised_as_released": the sign of the authors' released code,
            kept to show what it does.

    Raises:
        ValueError: a negative weight, or an option that is not known.

    Source: Cheng et al. (2026), arXiv:2510.13025, equations 8 and 9, algorithms 1 and 2.
    """

    alpha: float = 0.0
    beta: float = 0.0
    gamma: float = 0.0
    identity_weight: float = 1.0
    k: int = 3
    temperature: float = 0.1
    negatives: str = "window"
    entropy: str = "rewarded"

    def __post_init__(self):
        if self.gamma < 0:
            raise ValueError(f"gamma is {self.gamma}; the entropy is rewarded: pass a positive weight")
        for name in ("alpha", "beta", "gamma", "identity_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} is {getattr(self, name)}; expected a finite weight >= 0")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}; expected a finite number > 0")
        require_count("k", self.k)
        require_option("negatives", self.negatives, ("window", "batch"))
        require_option("entropy", self.entropy, ("rewarded", "penalised_as_released"))

    def __call__(self, found: KoopmanPass) -> LossTerms:
        """The terms of the loss for what a model made of a batch of windows."""
        z = found.latents
        infonce = torch.zeros((), dtype=z.dtype, device=z.device)
        if self.alpha > 0:
            infonce = temporal_infonce(z, k=self.k, temperature=self.temperature, negatives=self.negatives)
        # Without a weight the entropy is only watched; its gradient would be wasted time.
        entropy = von_neumann_entropy(z if self.gamma > 0 else z.detach()).to(z.dtype)
        sign = -1 if self.entropy == "rewarded" else 1
        total = found.forward + self.identity_weight * found.identity + self.beta * found.structure
        total = total + self.alpha * infonce + sign * self.gamma * entropy
        return LossTerms(found.forward, found.identity, found.structure, infonce, entropy, total)
