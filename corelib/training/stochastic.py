"""Networks with noise inside: what makes the information between a layer and the input finite, and how to train them.

Every draw (noise, dropout, order of the minibatches) comes from a generator of its own, and looking at the network
uses another one than training does: otherwise the list of checkpoints would change what is trained.
"""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

_EVALUATION_BATCH = 1000


class GaussianNoise(nn.Module):
    """Gaussian noise as a layer; part of the network, so on in training *and* in evaluation.

    Args:
        sigma: standard deviation of the noise; in units of x ("additive"), or as a fraction of |x| ("relative").
        mode: "additive" for x + sigma z, z ~ N(0, 1), with which the information about x is finite; "relative" for
            x + sigma |x| z, which the paper's code draws: an activation of 0 gets no noise, and nothing is bounded.
        generator: where the draws come from. When not given, one of its own, seeded by one draw from torch's global
            generator, as initial weights are.

    Attributes:
        active: False switches the noise off.

    Raises:
        ValueError: ``sigma`` is negative or not finite, or the mode is unknown.

    Source: Goldfeld et al. (2019) for additive noise; Butakov et al. (2024), released code, for relative noise.
    """

    def __init__(self, sigma: float, mode: str = "additive", generator: Generator | None = None):
        super().__init__()
        if not 0 <= sigma < math.inf:
            raise ValueError(f"sigma is {sigma}; expected a finite number >= 0")
        if mode not in ("additive", "relative"):
            raise ValueError(f"mode is {mode!r}; expected 'additive' or 'relative'")
        self.sigma, self.mode, self.active = sigma, mode, True
        self.generator = generator or Generator().manual_seed(int(torch.randint(2**62, ()).item()))

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Noisy ``x``, of any shape; drawn from ``generator`` where one is given, else from the layer's own."""
        if not self.active:
            return x
        generator = generator or self.generator
        noise = torch.randn(x.shape, generator=generator, device=generator.device, dtype=x.dtype).to(x.device)
        return x + self.sigma * noise * (x.detach().abs() if self.mode == "relative" else 1)

    def extra_repr(self) -> str:
        """Settings, as ``print(module)`` shows them."""
        return f"sigma={self.sigma:g}, mode={self.mode!r}"


class NoisyDigitsNet(nn.Module):
    """The paper's classifier of 28 x 28 digits: three convolutions and two linear layers, noise before every layer.

    Args:
        sigma: noise, as in :class:`GaussianNoise`; 1e-3 of the signal in the paper's runs.
        mode: "relative" (the paper's code) or "additive".
        dropout: share of values dropped before each convolution in training.
        seed: seed of the initial weights, and of the noise and dropout of training.

    Attributes:
        sizes: numbers of activities of the five layers.
        generator: where noise and dropout of :meth:`forward` come from.

    Raises:
        ValueError: ``dropout`` outside [0, 1), or as :class:`GaussianNoise`.

    Source: Butakov et al. (2024), MNIST classifier of the released code.
    """

    sizes = (1352, 400, 32, 32, 10)

    def __init__(self, sigma: float = 1e-3, mode: str = "relative", dropout: float = 0.1, seed: int = 0):
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout is {dropout}; expected a number in [0, 1)")
        self.dropout = dropout
        self.generator = Generator().manual_seed(seed)
        self.noise = GaussianNoise(sigma, mode, self.generator)
        with torch.random.fork_rng(devices=[]):  # initial weights can only be drawn from torch's global generator
            torch.manual_seed(seed)
            self.convolutions = nn.ModuleList([nn.Conv2d(1, 8, 3), nn.Conv2d(8, 16, 3), nn.Conv2d(16, 32, 3)])
            self.linear = nn.ModuleList([nn.Linear(32, 32), nn.Linear(32, 10)])

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities of the ten classes, shape ``(N, 10)``, of images ``(N, 784)`` or ``(N, 1, 28, 28)``."""
        return self._activities(x, self.generator)[-1]

    def layers(self, x: Tensor, generator: Generator) -> list[Tensor]:
        """Look at every layer: noise on, dropout off, no gradients, and no draw from the generator of training.

        Args:
            x: images, shape ``(N, 784)`` or ``(N, 1, 28, 28)``.
            generator: where the noise of this look comes from.

        Returns:
            Five tensors ``(N, D)`` with D = 1352, 400, 32, 32, 10; the last holds log-probabilities.

        Raises:
            ValueError: images of another shape, or the generator that training draws from.
        """
        if generator is self.generator:
            raise ValueError("generator is the one that training draws from; expected another torch.Generator")
        mode = self.training
        self.eval()
        try:
            with torch.no_grad():
                # In parts: the first convolution of 5,000 images would be 108 MB at once.
                parts = [self._activities(part, generator) for part in x.split(_EVALUATION_BATCH)]
        finally:
            self.train(mode)
        return [torch.cat(layer) for layer in zip(*parts, strict=True)]

    def _activities(self, x: Tensor, generator: Generator) -> list[Tensor]:
        if tuple(x.shape[1:]) not in ((784,), (1, 28, 28)):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 784) or (N, 1, 28, 28)")
        h, activities = x.reshape(-1, 1, 28, 28), []
        for layer in self.convolutions:
            h = self.noise(self._drop(h, generator), generator)
            h = F.leaky_relu(F.max_pool2d(layer(h), 2))
            activities.append(h.flatten(1))
        hidden, output = self.linear
        activities.append(F.leaky_relu(hidden(self.noise(activities[-1], generator))))
        activities.append(F.log_softmax(output(self.noise(activities[-1], generator)), dim=1))
        return activities

    def _drop(self, h: Tensor, generator: Generator) -> Tensor:
        """Dropout as torch has it, which cannot draw from a generator."""
        if not self.training or self.dropout == 0:
            return h
        kept = torch.rand(h.shape, generator=generator, device=generator.device).to(h.device) >= self.dropout
        return h * kept / (1 - self.dropout)


def train_with_checkpoints(
    net: NoisyDigitsNet,
    x: Tensor,
    y: Tensor,
    steps: Iterable[int] = (0, 10, 20, 30, 40, 50, 60, 75, 90, 120, 160, 220),
    *,
    lr: float = 1e-3,
    batch_size: int = 128,
    seed: int = 0,
    callback: Callable[[int, NoisyDigitsNet, float], None] | None = None,
) -> np.ndarray:
    """Train with Adam, in place, and look at the network at given steps.

    The run depends on the last step only, not on the others, whatever the callback draws.

    Args:
        net: changed in place; left in training mode.
        x: training images, shape ``(N, 784)`` or ``(N, 1, 28, 28)``.
        y: labels, shape ``(N,)``, int64, in 0 .. 9.
        steps: strictly increasing numbers of updates, >= 0, after which to look; training ends at the last.
        lr: learning rate, > 0. The default is 100 times the paper's, for a run of seconds.
        batch_size: images an update; an epoch is a random order cut into batches, the last, smaller one left out.
        seed: seed of the order of the images, and of the noise of the losses.
        callback: called as ``callback(step, net, loss)`` at each checkpoint.

    Returns:
        Mean negative log-likelihood of all N images at the checkpoints, nats, noise on and dropout off; float64,
        shape ``(T,)``.

    Raises:
        ValueError: arguments that do not fit, or NaN or infinite images.
        FloatingPointError: the loss is NaN or infinite at a checkpoint.
    """
    steps = _require_fitting(x, y, steps, lr, batch_size)
    descent = torch.optim.Adam(net.parameters(), lr=lr)
    batches = _endless_batches(len(x), min(batch_size, len(x)), Generator().manual_seed(seed))
    losses = []
    for step in range(steps[-1] + 1):
        if step in steps:
            # The same noise at each checkpoint, so that losses differ by what was learned.
            loss = F.nll_loss(net.layers(x, Generator().manual_seed(seed))[-1], y).item()
            if not math.isfinite(loss):
                raise FloatingPointError(f"the loss is {loss} at step {step}; try a smaller lr")
            losses.append(loss)
            if callback is not None:
                state = net.generator.get_state()
                callback(step, net, loss)
                net.generator.set_state(state)  # a callback may have run the network itself
        if step < steps[-1]:
            net.train()
            batch = next(batches).to(x.device)
            descent.zero_grad()
            F.nll_loss(net(x[batch]), y[batch]).backward()
            descent.step()
    return np.array(losses)


def _endless_batches(n: int, batch_size: int, generator: Generator):
    while True:
        order = torch.randperm(n, generator=generator)
        yield from order[: n - n % batch_size].split(batch_size)


def _require_fitting(x: Tensor, y: Tensor, steps: Iterable[int], lr: float, batch_size: int) -> list[int]:
    steps = list(steps)
    if not steps or steps[0] < 0 or any(b <= a for a, b in pairwise(steps)):
        raise ValueError(f"steps is {steps}; expected strictly increasing integers >= 0")
    if not 0 < lr < math.inf:
        raise ValueError(f"lr is {lr}; expected a finite number > 0")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; expected an integer >= 1")
    if y.shape != x.shape[:1] or y.dtype != torch.int64 or len(y) == 0:
        raise ValueError(f"y has shape {tuple(y.shape)} and dtype {y.dtype}; expected ({len(x)},) int64, not empty")
    if y.min() < 0 or y.max() > 9:
        raise ValueError(f"y holds labels {y.min()} .. {y.max()}; expected 0 .. 9")
    if not torch.isfinite(x).all():
        raise ValueError("x holds NaN or infinite values; expected finite images")
    return steps
