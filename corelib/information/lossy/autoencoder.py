"""Compression by an autoencoder: a few smooth numbers a picture, from which the picture can be drawn again."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from corelib.information.samples import as_samples, require_option

Source = Callable[[int, np.random.Generator], np.ndarray]

_CHUNK = 2048  # samples that pass through the fitted network at once
_CHANNELS = (1, 4, 8, 8, 8, 8)  # of the convolutional encoder, stage by stage


class Autoencoder:
    """An encoder with few, bounded outputs, trained together with a decoder to lose as little as possible.

    The codes pass tanh and get a little noise in training: pictures that differ are kept apart in the code, smoothly.
    Training is reproducible for a seed on one machine and uses no global random state.

    Args:
        n_codes: numbers that a sample is compressed to, >= 1.
        hidden: width of the two hidden layers on each side of the code (``kind="mlp"``).
        steps: optimizer steps, >= 1; Adam with a one-cycle schedule.
        batch_size: samples a step, >= 2.
        lr: peak learning rate, > 0.
        code_noise: standard deviation of the noise on the codes in training, >= 0; codes lie in (-1, 1).
        input_noise: standard deviation of the noise on the input in training, >= 0, in units of the input; the paper's
            convolutional net has 0.1.
        kind: "mlp", or "conv" for square pictures whose side is a power of two from 2 to 32, as in the paper.
        seed: seed of the initial weights, the batches and the noise.

    Attributes:
        loss_history_: mean absolute error of the reconstruction at each step, shape ``(steps,)``, in the input's units.
        n_features_: D, the number of columns of the source.
        encoder_: the trained encoder, float64, in evaluation mode.
        decoder_: the trained decoder, likewise.

    Raises:
        ValueError: a hyper-parameter out of range.

    Source: Butakov et al. (2024), synthetic experiments.
    """

    def __init__(
        self,
        n_codes: int,
        *,
        hidden: int = 128,
        steps: int = 1500,
        batch_size: int = 256,
        lr: float = 3e-3,
        code_noise: float = 0.02,
        input_noise: float = 0.0,
        kind: str = "mlp",
        seed: int = 0,
    ):
        for name, value, least in (
            ("n_codes", n_codes, 1),
            ("hidden", hidden, 1),
            ("steps", steps, 1),
            ("batch_size", batch_size, 2),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}; expected an integer >= {least}")
        if not 0 < lr < math.inf:
            raise ValueError(f"lr is {lr}; expected a finite number > 0")
        for name, value in (("code_noise", code_noise), ("input_noise", input_noise)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} is {value}; expected a finite number >= 0")
        require_option("kind", kind, ("mlp", "conv"))
        self.n_codes, self.hidden, self.steps, self.batch_size, self.lr = n_codes, hidden, steps, batch_size, lr
        self.code_noise, self.input_noise, self.kind, self.seed = code_noise, input_noise, kind, seed

    def fit(self, source: np.ndarray | Tensor | Source, *, progress: bool = False) -> Self:
        """Train on samples, or on fresh ones for every step.

        Args:
            source: samples, shape ``(N, D)``, from which batches are drawn; or ``draw(batch_size, rng) -> (batch, D)``,
                for example :func:`corelib.information.known.image_source`.
            progress: show a progress bar.

        Returns:
            Itself.

        Raises:
            ValueError: NaN or infinite samples, samples of a shape that ``kind`` cannot take, or a loss that diverged.
        """
        draw = source if callable(source) else _batches_of(as_samples("source", source))
        rng = np.random.default_rng(self.seed)
        self.n_features_ = as_samples("source", draw(self.batch_size, rng)).shape[1]
        with torch.random.fork_rng(devices=[]):  # layers draw their weights from the global generator
            torch.random.default_generator.manual_seed(self.seed)
            build = _mlp if self.kind == "mlp" else _conv
            encoder, decoder = build(self.n_features_, self.n_codes, self.hidden)
        losses = self._train(encoder, decoder, lambda: draw(self.batch_size, rng), progress)
        if not np.isfinite(losses).all():
            raise ValueError(f"lr is {self.lr}, and the loss diverged; expected a smaller one, or finite samples")
        # In float32 the codes would lie on a lattice; in float64 neighbours stay apart however close they are.
        self.encoder_, self.decoder_ = encoder.double().eval(), decoder.double().eval()
        self.loss_history_ = losses
        return self

    def _train(self, encoder: nn.Module, decoder: nn.Module, draw: Callable, progress: bool) -> np.ndarray:
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=self.lr, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.lr, total_steps=self.steps)
        noise = torch.Generator().manual_seed(self.seed)
        losses = np.empty(self.steps)
        for step in tqdm(range(self.steps), desc="autoencoder", disable=not progress):
            batch = torch.from_numpy(np.asarray(draw(), dtype=np.float32))
            codes = encoder(_with_noise(batch, self.input_noise, noise))
            loss = (decoder(_with_noise(codes, self.code_noise, noise)) - batch).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses[step] = loss.item()
        return losses

    def transform(self, x: np.ndarray | Tensor) -> np.ndarray:
        """Codes of ``x (N, D)``, without noise, shape ``(N, n_codes)``, float64, in [-1, 1]."""
        self._require_fit()
        return _apply(self.encoder_, as_samples("x", x, min_samples=1), "x", self.n_features_)

    def inverse_transform(self, codes: np.ndarray | Tensor) -> np.ndarray:
        """Reconstructions, shape ``(N, D)``, of the given codes, shape ``(N, n_codes)``."""
        self._require_fit()
        return _apply(self.decoder_, as_samples("codes", codes, min_samples=1), "codes", self.n_codes)

    def _require_fit(self) -> None:
        if not hasattr(self, "encoder_"):
            raise ValueError("this Autoencoder is not fitted; call fit(source) first")

    def __str__(self) -> str:
        return f"{'convolutional ' if self.kind == 'conv' else ''}autoencoder to {self.n_codes}"


def _mlp(width: int, n_codes: int, hidden: int) -> tuple[nn.Module, nn.Module]:
    # Smooth activations: a kink of the encoder would be a jump in the density of the codes, and nearest-neighbour
    # estimates pay for those.
    def stack(*widths: int) -> list[nn.Module]:
        layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.GELU())]
        return layers[:-1]

    encoder = nn.Sequential(*stack(width, hidden, hidden, n_codes), nn.Tanh())
    return encoder, nn.Sequential(*stack(n_codes, hidden, hidden, width))


def _conv(width: int, n_codes: int, _hidden: int) -> tuple[nn.Module, nn.Module]:
    """Stages of convolution that halve the side until one pixel is left, and their mirror image."""
    size = math.isqrt(width)
    stages = size.bit_length() - 1
    if size * size != width or size != 2**stages or not 1 <= stages < len(_CHANNELS):
        raise ValueError(f"source has {width} columns; expected squares of a side of 2, 4, 8, 16 or 32 for kind 'conv'")

    def stage(before: int, after: int) -> list[nn.Module]:
        return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]

    down, up = [], []
    for before, after in pairwise(_CHANNELS[: stages + 1]):
        down += [*stage(before, after), nn.MaxPool2d(2)]
        up = [nn.Upsample(scale_factor=2), *stage(after, max(before, _CHANNELS[1])), *up]
    top = _CHANNELS[stages]
    encoder = nn.Sequential(nn.Unflatten(1, (1, size, size)), *down, nn.Flatten(), nn.Linear(top, n_codes), nn.Tanh())
    decoder = nn.Sequential(
        nn.Linear(n_codes, top),
        nn.Unflatten(1, (top, 1, 1)),
        *up,
        nn.Conv2d(_CHANNELS[1], 1, 3, padding=1),
        nn.Flatten(),
    )
    return encoder, decoder


def _apply(network: nn.Module, values: np.ndarray, name: str, width: int) -> np.ndarray:
    if values.shape[1] != width:
        raise ValueError(f"{name} has shape {values.shape}; expected (N, {width})")
    with torch.no_grad():
        return torch.cat([network(chunk) for chunk in torch.from_numpy(values).split(_CHUNK)]).numpy()


def _batches_of(samples: np.ndarray) -> Source:
    samples = samples.astype(np.float32)
    return lambda count, rng: samples[rng.integers(len(samples), size=count)]


def _with_noise(values: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    if sigma == 0:
        return values
    return values + sigma * torch.randn(values.shape, generator=generator)
