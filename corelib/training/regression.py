"""One network for regression with a bottleneck, and six things to train it for.

The encoder is d - 64 - 64 - 32, the code linear, and so is the decoder on it. Each objective is a prediction loss plus
beta times what is kept of the input:

- "mse": squared error, nothing else.
- "vib": squared error, KL from the code's law to a standard normal (variational bottleneck).
- "nib": squared error, upper bound on the information of a mixture of Gaussians (nonlinear bottleneck).
- "hsic": minus HSIC(t, y), HSIC(x, t) for the encoder; the decoder learns by squared error on a code it cannot change.
- "cs": conditional Cauchy-Schwarz divergence, normalised CS-QMI of x and t (CS-IB).
- "mse+qmi": squared error, normalised CS-QMI: what CS-IB's compression does alone.

All of them are judged alike, with one currency for what is kept and with the noise of "vib" and "nib" switched off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from corelib.datasets.container import Split
from corelib.information.cauchy_schwarz import conditional_cs_divergence, cs_qmi_normalized, hsic
from corelib.information.encoder import GaussianCodes, encoder_information
from corelib.information.samples import DegenerateSampleError

OBJECTIVES = ("mse", "vib", "nib", "hsic", "cs", "mse+qmi")
_NOISY = ("vib", "nib")
_STD_FLOOR = 1e-3  # keeps squares of code / std within single precision


class Regressor(nn.Module):
    """Inputs to code to prediction, with a Gaussian code or a code without noise.

    Args:
        inputs: d, number of inputs.
        hidden: widths of the encoder's hidden layers, with ReLU.
        code_size: k, width of the code.
        noisy: whether the code has a standard deviation, from a second head on the same hidden layers.
        seed: seed of the initial weights.

    Raises:
        ValueError: a width < 1, or no hidden layer.

    Source: Yu et al. (2024), CS-IB, released code, which has two heads and a decoder with a hidden layer.
    """

    def __init__(
        self, inputs: int, *, hidden: Sequence[int] = (64, 64), code_size: int = 32, noisy: bool = False, seed: int = 0
    ):
        super().__init__()
        widths = (inputs, *hidden)
        if len(hidden) == 0 or min(*widths, code_size) < 1:
            raise ValueError(f"widths are {(*widths, code_size)}; expected inputs, hidden, code, each >= 1")
        with torch.random.fork_rng(devices=[]):  # initial weights can only be drawn from torch's global generator
            torch.manual_seed(seed)
            layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
            self.trunk = nn.Sequential(*(module for pair in layers for module in pair))
            self.mean_head = nn.Linear(widths[-1], code_size)
            self.decoder = nn.Linear(code_size, 1)
            self.std_head = nn.Linear(widths[-1], code_size) if noisy else None  # last: the others start alike

    def encode(self, x: Tensor) -> Tensor:
        """Code without noise (its mean), shape ``(N, k)``, of inputs ``(N, d)``."""
        return self.mean_head(self.trunk(x))

    def gaussian_codes(self, x: Tensor) -> GaussianCodes:
        """Codes p(t|x) of inputs ``(N, d)``.

        Raises:
            ValueError: the regressor has no noise.
        """
        if self.std_head is None:
            raise ValueError("noisy is False; expected a regressor with noise, Regressor(..., noisy=True)")
        h = self.trunk(x)
        return GaussianCodes(self.mean_head(h), F.softplus(self.std_head(h)) + _STD_FLOOR)

    def forward(self, x: Tensor) -> Tensor:
        """Predictions without noise, shape ``(N, 1)``, of inputs ``(N, d)``."""
        return self.decoder(self.encode(x))


@dataclass(frozen=True, eq=False)
class RegressionRun:
    """A trained regressor and how it does on the test samples.

    Attributes:
        regressor: the network after the last epoch; no epoch is picked by its test error.
        losses: mean training loss of each epoch, shape ``(epochs,)``, in units of the objective.
        rmse: test error, in units of y: standard deviations of the target if it was standardised.
        qmi: normalised CS-QMI of test inputs and their codes at the bandwidth of training, no unit; 0 for a code that
            is constant at that bandwidth.
        qmi_rescaled: the same after scaling the code to the total variance of the inputs. A code that is only made
            smaller, to which any decoder can answer, lowers ``qmi`` and not this.
    """

    regressor: Regressor
    losses: np.ndarray
    rmse: float
    qmi: float
    qmi_rescaled: float


def train_regressor(
    x: Tensor,
    y: Tensor,
    split: Split,
    objective: str = "mse",
    beta: float = 0.0,
    *,
    seed: int = 0,
    epochs: int = 60,
    batch_size: int = 128,
    lr: float = 1e-3,
    bandwidth: float = 1.0,
) -> RegressionRun:
    """Train one regressor by Adam and judge it.

    Args:
        x: inputs, float32, shape ``(N, d)``; standardised, since one bandwidth serves every kernel.
        y: targets, float32, shape ``(N, 1)``; standardised.
        split: which samples to train and to test on, at least two of each.
        objective: one of OBJECTIVES, described at the top of this module.
        beta: weight of what is kept of the input, >= 0; 0 for "mse".
        seed: seed of the initial weights, of the order of the samples and of the noise. One seed gives all objectives
            the same initial weights and the same minibatches.
        epochs: passes over the training samples, reshuffled for each, >= 1.
        batch_size: most samples a step; minibatches are of equal size, up to one sample. At least 3, so that none is
            left with a single sample, which a kernel cannot compare with anything.
        lr: learning rate, > 0.
        bandwidth: s of every kernel, > 0, in units of x, y and code alike.

    Returns:
        A :class:`RegressionRun`.

    Raises:
        ValueError: arguments out of range, an unknown objective, or x or y of another shape or dtype or not finite; a
            code or prediction that overflowed in training, where an estimator meets it before the loss does.
        DegenerateSampleError: a code that became constant under "cs" or "mse+qmi": its information is then 0/0.
        FloatingPointError: the loss became NaN or infinite.

    Source: Yu et al. (2024), CS-IB; Alemi et al. (2017), VIB; Kolchinsky et al. (2019), NIB; Ma et al. (2020), HSIC.
    """
    _require_settings(objective, beta, epochs, batch_size, lr, bandwidth)
    _require_data(x, y, split)
    regressor = Regressor(x.shape[1], noisy=objective in _NOISY, seed=seed)
    adam = torch.optim.Adam(regressor.parameters(), lr=lr, fused=True)
    order, noise = Generator().manual_seed(seed), Generator().manual_seed(seed + 1)
    n_batches, losses = math.ceil(len(split.train) / batch_size), []
    for _ in range(epochs):
        total = 0.0
        for rows in split.train[torch.randperm(len(split.train), generator=order)].tensor_split(n_batches):
            loss = _loss(regressor, objective, beta, x[rows], y[rows], bandwidth, noise)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.item() * len(rows)
        losses.append(total / len(split.train))
        if not math.isfinite(total):
            raise FloatingPointError(f"the loss is not finite in epoch {len(losses)}; try a smaller lr or beta")
    return RegressionRun(regressor, np.array(losses), *_judge(regressor, x[split.test], y[split.test], bandwidth))


def fgsm_rmse(regressor: Regressor, x: Tensor, y: Tensor, epsilon: float) -> float:
    """Error after every input has moved by epsilon in the direction that raises its squared error (fast gradient sign).

    Args:
        regressor: a trained network; its noise is off.
        x: inputs, shape ``(N, d)``.
        y: targets, shape ``(N, 1)``.
        epsilon: size of the move in each coordinate, >= 0, in units of x.

    Returns:
        Root mean squared error in units of y; for ``epsilon = 0`` that of the unchanged inputs.

    Raises:
        ValueError: ``epsilon`` negative or not finite, or targets of another shape.

    Source: Goodfellow, Shlens and Szegedy (2015).
    """
    if not 0 <= epsilon < math.inf:
        raise ValueError(f"epsilon is {epsilon}; expected a finite number >= 0")
    if y.shape != (len(x), 1):
        raise ValueError(f"y has shape {tuple(y.shape)}; expected ({len(x)}, 1)")
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.mse_loss(regressor(x), y, reduction="sum"), x)
    with torch.no_grad():
        return F.mse_loss(regressor(x + epsilon * gradient.sign()), y).sqrt().item()


def _loss(
    regressor: Regressor, objective: str, beta: float, x: Tensor, y: Tensor, bandwidth: float, noise: Generator
) -> Tensor:
    codes = regressor.gaussian_codes(x) if objective in _NOISY else None
    t = regressor.encode(x) if codes is None else codes.sample(noise)
    if objective == "hsic":
        prediction = F.mse_loss(regressor.decoder(t.detach()), y) - hsic(t, y, bandwidth, bandwidth)
    elif objective == "cs":
        prediction = conditional_cs_divergence(x, y, regressor.decoder(t), bandwidth, bandwidth)
    else:
        prediction = F.mse_loss(regressor.decoder(t), y)
    return prediction + beta * _kept(objective, x, t, codes, bandwidth) if beta else prediction


def _kept(objective: str, x: Tensor, t: Tensor, codes: GaussianCodes | None, bandwidth: float) -> Tensor:
    """What the code keeps of the input, as the objective counts it."""
    if objective == "vib":
        return (0.5 * (codes.mean**2 + codes.std**2 - 1) - codes.std.log()).sum(1).mean()
    if objective == "nib":
        return encoder_information(codes, "kl_upper")
    if objective == "hsic":
        return hsic(x, t, bandwidth, bandwidth)
    return cs_qmi_normalized(x, t, bandwidth, bandwidth)


def _judge(regressor: Regressor, x: Tensor, y: Tensor, bandwidth: float) -> tuple[float, float, float]:
    with torch.no_grad():
        rmse = F.mse_loss(regressor(x), y).sqrt().item()
        t, x = regressor.encode(x).double(), x.double()
    variance = t.var(0).sum()
    rescaled = t * (x.var(0).sum() / variance).sqrt() if variance > 0 else t
    return rmse, _currency(x, t, bandwidth), _currency(x, rescaled, bandwidth)


def _currency(x: Tensor, t: Tensor, bandwidth: float) -> float:
    try:
        return cs_qmi_normalized(x, t, bandwidth, bandwidth).item()
    except DegenerateSampleError:  # 0/0: the code has collapsed, and what is constant keeps nothing
        return 0.0


def _require_settings(objective: str, beta: float, epochs: int, batch_size: int, lr: float, bandwidth: float) -> None:
    if objective not in OBJECTIVES:
        raise ValueError(f"objective is {objective!r}; expected one of {', '.join(OBJECTIVES)}")
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta is {beta}; expected a finite number >= 0")
    if objective == "mse" and beta:
        raise ValueError(f"beta is {beta}; expected 0, since 'mse' keeps no account of the input")
    if epochs < 1 or batch_size < 3:
        raise ValueError(f"epochs, batch_size are {epochs}, {batch_size}; expected >= 1, >= 3")
    for name, value in (("lr", lr), ("bandwidth", bandwidth)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value}; expected a finite number > 0")


def _require_data(x: Tensor, y: Tensor, split: Split) -> None:
    if x.ndim != 2 or x.dtype != torch.float32:
        raise ValueError(f"x has shape {tuple(x.shape)} and dtype {x.dtype}; expected (N, d) float32")
    if y.shape != (len(x), 1) or y.dtype != torch.float32:
        raise ValueError(f"y has shape {tuple(y.shape)} and dtype {y.dtype}; expected ({len(x)}, 1) float32")
    for name, values in (("x", x), ("y", y)):
        if not torch.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinite values; expected finite numbers")
    for name, part in (("train", split.train), ("test", split.test)):
        if len(part) < 2 or part.min() < 0 or part.max() >= len(x):
            raise ValueError(f"split.{name} has {len(part)} indices; expected at least two, all in 0 .. {len(x) - 1}")
