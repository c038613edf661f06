"""Koopman autoencoders: an encoder and a decoder around one matrix K with z_{t+1} = K z_t.

Two models with one interface. :class:`KoopmanAE` is deterministic and can solve for K in every batch;
:class:`KoopmanVAE` has a Gaussian encoder and trains K and the noise of the transition. Called on windows, both
return a :class:`KoopmanPass`: what :class:`corelib.koopman.information_loss.InformationLoss` needs. States are flat
vectors of n numbers.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from corelib.information.samples import require_option
from corelib.koopman.gaussian import gaussian_transition_kl
from corelib.koopman.operators import koopman_least_squares, require_count, require_ridge, rollout

FITS = {"least_squares": "all", "window_mean": "window_mean"}  # name of an operator's fit to how windows are pooled


class KoopmanPass(NamedTuple):
    """What a model makes of windows.

    Attributes:
        latents: shape ``(B, T, d)``; sampled ones for a variational model.
        forward: error of the decoded prediction, decode(K z_t) against x_{t+1}; scalar.
        identity: error of the decoded latent, decode(z_t) against x_t; scalar.
        structure: distance of z_{t+1} from K z_t; scalar.
    """

    latents: Tensor
    forward: Tensor
    identity: Tensor
    structure: Tensor


class KoopmanAE(nn.Module):
    """A deterministic Koopman autoencoder. Its errors are mean squares over all entries.

    Args:
        encoder: maps states ``(..., n)`` to latents ``(..., d)``.
        decoder: maps latents back.
        d: size of the latents, >= 1.
        operator: "least_squares" solves for K in every batch with all pairs pooled, without gradient; "window_mean"
            averages one solution per window, which reproduces the authors' released code and shrinks K; "parameter"
            trains K like any other weight.
        ridge: penalty of the solve, see :func:`~corelib.koopman.operators.koopman_least_squares`.

    Raises:
        ValueError: ``d < 1``, an unknown operator, or ``ridge < 0``; in use, an encoder that gives other than d
            numbers, or windows of another shape.
        TypeError: ``d`` not an integer.

    Source: Cheng et al. (2026), arXiv:2510.13025, algorithm 2; the solves are those of the released code.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, d: int, *, operator: str = "least_squares", ridge: float = 0.1
    ):
        super().__init__()
        require_count("d", d)
        require_ridge(ridge)
        require_option("operator", operator, (*FITS, "parameter"))
        self.encoder, self.decoder, self.operator, self.ridge = encoder, decoder, operator, ridge
        start = 0.95 * torch.eye(d)  # stable, and close to "nothing changes"
        if operator == "parameter":
            self.K = nn.Parameter(start)
        else:
            self.register_buffer("K", start)

    def encode(self, x: Tensor) -> Tensor:
        """Latents ``(..., d)`` of states ``(..., n)``."""
        z = self.encoder(x)
        _require_size(z, len(self.K), "d")
        return z

    def decode(self, z: Tensor) -> Tensor:
        """States ``(..., n)`` of latents ``(..., d)``."""
        return self.decoder(z)

    def forward(self, windows: Tensor, generator: torch.Generator | None = None) -> KoopmanPass:
        """Errors on windows ``(B, T, n)``, T >= 2; while training, K is solved for anew. ``generator`` is not used."""
        require_windows(windows)
        z = self.encode(windows)
        k = self._solve(z) if self.training and self.operator in FITS else self.K
        predicted = z[:, :-1] @ k.T
        return KoopmanPass(
            z,
            F.mse_loss(self.decode(predicted), windows[:, 1:]),
            F.mse_loss(self.decode(z), windows),
            F.mse_loss(predicted, z[:, 1:]),
        )

    @torch.no_grad()
    def fit_operator(self, windows: Tensor) -> None:
        """Store the K of all windows ``(B, T, n)``, encoded as at evaluation; a trained K stays as it is."""
        require_windows(windows)
        if self.operator in FITS:
            self.eval()
            self.K.copy_(self._solve(self.encode(windows)))

    def _solve(self, z: Tensor) -> Tensor:
        return koopman_least_squares(z[:, :-1], z[:, 1:], ridge=self.ridge, pooling=FITS[self.operator])


class KoopmanVAE(nn.Module):
    """A variational Koopman autoencoder: Gaussian encoder with diagonal covariance, Gaussian linear transition.

    Its errors are negative log-likelihoods, *summed* over the n entries of a state, in nats, and KL divergences.

    Args:
        encoder: maps states ``(..., n)`` to means and log variances, ``(..., 2 d)``.
        decoder: maps latents to states, or to logits for the Bernoulli likelihood.
        d: size of the latents, >= 1.
        likelihood: "bernoulli" for states in [0, 1], "gaussian" with variance one, up to its constant.

    Raises:
        ValueError: ``d < 1`` or an unknown likelihood; in use, an encoder that gives other than 2 d numbers, windows of
            another shape, or values outside [0, 1] for "bernoulli".
        TypeError: ``d`` not an integer.

    Source: Cheng et al. (2026), arXiv:2510.13025, equation 9 and algorithm 1.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, d: int, *, likelihood: str = "bernoulli"):
        super().__init__()
        require_count("d", d)
        require_option("likelihood", likelihood, ("bernoulli", "gaussian"))
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.K = nn.Parameter(0.95 * torch.eye(d))
        self.log_sigma2 = nn.Parameter(torch.zeros(d))

    def encode(self, x: Tensor) -> Tensor:
        """Means of the latents, ``(..., d)``, of states ``(..., n)``."""
        return self._posterior(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Mean states ``(..., n)`` of latents ``(..., d)``."""
        out = self.decoder(z)
        return out.sigmoid() if self.likelihood == "bernoulli" else out

    def forward(self, windows: Tensor, generator: torch.Generator | None = None) -> KoopmanPass:
        """Errors on windows ``(B, T, n)``, T >= 2, with latents sampled once by ``generator``."""
        require_windows(windows)
        if self.likelihood == "bernoulli":
            _require_unit_interval(windows)
        mean, logvar = self._posterior(windows)
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
        z = mean + (0.5 * logvar).exp() * noise
        before = z[:, :-1]
        prior = 0.5 * (logvar.exp() + mean**2 - 1 - logvar).sum(-1)
        transition = gaussian_transition_kl(mean[:, 1:], logvar[:, 1:], before, self.K, self.log_sigma2)
        return KoopmanPass(
            z,
            self._surprise(before @ self.K.T, windows[:, 1:]),
            self._surprise(before, windows[:, :-1]) + prior[:, :-1].mean(),
            transition.mean(),
        )

    def fit_operator(self, windows: Tensor) -> None:
        """Nothing to do: K is a trained weight here. For one interface with :class:`KoopmanAE`."""

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log variances of the latents."""
        found = self.encoder(x)
        _require_size(found, 2 * len(self.K), "2 d")
        mean, logvar = found.chunk(2, dim=-1)
        return mean, logvar

    def _surprise(self, z: Tensor, x: Tensor) -> Tensor:
        """Mean over states of -ln p(x | z), nats."""
        out = self.decoder(z)
        if self.likelihood == "bernoulli":
            entries = F.binary_cross_entropy_with_logits(out, x, reduction="none")
        else:
            entries = 0.5 * (out - x) ** 2
        return entries.sum(-1).mean()


class ResidualEncoder(nn.Module):
    """A linear map plus a network, z = W x + network(x): starts as a projection and bends from there.

    With W the leading POD modes and the network's last layer near zero, training starts in the subspace of DMD.

    Args:
        weight: W, shape ``(d, n)``; trained.
        network: maps ``(..., n)`` to ``(..., d)``.

    Raises:
        ValueError: ``weight`` that is no finite matrix.
    """

    def __init__(self, weight: Tensor, network: nn.Module):
        super().__init__()
        if weight.ndim != 2 or not bool(torch.isfinite(weight).all()):
            raise ValueError(f"weight has shape {tuple(weight.shape)}; expected a finite matrix (d, n)")
        self.weight, self.network = nn.Parameter(weight.detach().clone()), network

    def forward(self, x: Tensor) -> Tensor:
        """Latents ``(..., d)`` of states ``(..., n)``."""
        return x @ self.weight.T + self.network(x)


def mlp(widths: Sequence[int], *, generator: torch.Generator) -> nn.Sequential:
    """Layers of the given widths with SiLU between them, initialised as torch does, by ``generator``.

    Args:
        widths: at least two, input first, each >= 1.
        generator: source of the initial weights.

    Returns:
        The network; the last layer is linear.

    Raises:
        ValueError: fewer than two widths, or a width below 1.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"widths is {list(widths)}; expected at least two, input and output, each >= 1")
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out)
        bound = fan_in**-0.5
        for weight in (linear.weight, linear.bias):
            nn.init.uniform_(weight, -bound, bound, generator=generator)
        layers += [linear, nn.SiLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def forecast(model: KoopmanAE | KoopmanVAE, x0: Tensor, steps: int, *, mode: str = "latent") -> Tensor:
    """States that a model predicts from a start.

    "latent" encodes once and applies K over and over: a sum of exponentials, which can never be chaotic.
    "reencode" decodes every step and encodes what it decoded, which brings a nonlinear model back onto its manifold,
    or off it.

    Args:
        model: a Koopman autoencoder.
        x0: states at the start, shape ``(..., n)``.
        steps: number of steps, >= 1.
        mode: "latent" or "reencode".

    Returns:
        Shape ``(..., steps, n)``; the start is not in it.

    Raises:
        ValueError: an unknown mode, ``steps < 1``, or a forecast that overflows.
        TypeError: ``steps`` not an integer.
    """
    require_option("mode", mode, ("latent", "reencode"))
    require_count("steps", steps)
    model.eval()
    if mode == "latent":
        return model.decode(rollout(model.K, model.encode(x0), steps))
    path = [x0]
    for _ in range(steps):
        path.append(model.decode(model.encode(path[-1]) @ model.K.T))
    states = torch.stack(path[1:], dim=-2)
    if not bool(torch.isfinite(states).all()):
        raise ValueError("the forecast overflows; expected fewer steps, or a model whose decoder keeps to its data")
    return states


def require_windows(windows: Tensor) -> None:
    """Refuse what is no batch of windows.

    Args:
        windows: expected in shape ``(B, T, n)``, none of them 0, T >= 2.

    Raises:
        ValueError: another shape.
    """
    if windows.ndim != 3 or windows.shape[1] < 2 or 0 in windows.shape:
        raise ValueError(f"windows has shape {tuple(windows.shape)}; expected (B, T, n) with T >= 2")


def _require_size(encoded: Tensor, size: int, name: str) -> None:
    if encoded.shape[-1] != size:
        raise ValueError(f"the encoder gives {encoded.shape[-1]} numbers; expected {name} = {size}")


def _require_unit_interval(windows: Tensor) -> None:
    low, high = (bound.item() for bound in windows.aminmax())
    if not 0 <= low <= high <= 1:
        raise ValueError(
            f"windows reaches from {low:g} to {high:g}; expected values in [0, 1], or likelihood='gaussian'"
        )
