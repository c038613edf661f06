"""M fully connected networks of one shape, held in stacked tensors so that one product moves all of them.

Weights of layer l have shape ``(M, out, in)``, biases ``(M, out)``. All parameters are views of one flat buffer, which
makes the optimiser a handful of operations. Inside, activity is kept as ``(M, D, N)``, the layout of the products.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from corelib.training.activations import Activation, get_activation


def seeded_generator(*key: int) -> torch.Generator:
    """A generator on the CPU that depends on all numbers of ``key``, each >= 0; keys of one length share no stream."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


class MLPEnsemble:
    """An ensemble of multilayer perceptrons with softmax output, differing in their random initial weights.

    Weights are drawn from a normal cut at two standard deviations, of standard deviation gain / sqrt(fan-in); biases
    are zero. Model m depends on ``(seed, m)`` alone, so it is the same in an ensemble of any size.

    Args:
        n_models: M.
        sizes: widths from the inputs to the classes, for example ``(12, 10, 7, 5, 4, 3, 2)``.
        activation: name of the hidden layers' activation.
        seed: seed of the initial weights, >= 0.
        dtype: floating-point type.
        device: where to keep the parameters.

    Attributes:
        weights: L tensors ``(M, out, in)``.
        biases: L tensors ``(M, out)``.
        slopes: for an activation that learns its slope, L - 1 tensors ``(M, 1, 1)``; else empty.
        parameters: the flat buffer that all of them are views of.

    Raises:
        ValueError: fewer than one model, fewer than two sizes or a size < 1, a negative seed, an unknown activation.

    Source: Chelombiev et al. (2019), released code, for the initialisation.
    """

    def __init__(
        self,
        n_models: int,
        sizes: Sequence[int],
        activation: str,
        *,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        if n_models < 1:
            raise ValueError(f"n_models is {n_models}; expected an integer >= 1")
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes is {tuple(sizes)}; expected at least two widths, each >= 1")
        if seed < 0:
            raise ValueError(f"seed is {seed}; expected an integer >= 0")
        self.activation: Activation = get_activation(activation)
        self._allocate(n_models, tuple(int(s) for s in sizes), dtype, device)
        for m in range(n_models):
            generator = seeded_generator(seed, m)
            for weight in self.weights:
                std = self.activation.gain / weight.shape[2] ** 0.5
                draw = torch.empty(weight.shape[1:], dtype=torch.float64)
                torch.nn.init.trunc_normal_(draw, std=std, a=-2 * std, b=2 * std, generator=generator)
                weight[m] = draw.to(weight)
        for slope in self.slopes:
            slope.fill_(self.activation.initial_slope)

    @property
    def layer_names(self) -> list[str]:
        """Names of the L layers, the last one "output"."""
        return [f"layer {i + 1}" for i in range(len(self.weights) - 1)] + ["output"]

    @property
    def floors(self) -> list[float | None]:
        """Where adaptive bins start in each layer; 0 for the softmax output."""
        return [self.activation.floor] * (len(self.weights) - 1) + [0.0]

    def logits(self, x: Tensor) -> Tensor:
        """Class scores before the softmax, ``(M, N, C)``, for inputs ``x (N, in)``."""
        return self.forward(self._inputs(x))[0][-1].transpose(1, 2)

    def activity(self, x: Tensor) -> list[Tensor]:
        """What every layer does: L tensors ``(M, N, D_l)``, the last of them softmax probabilities.

        Args:
            x: inputs, shape ``(N, in)``.

        Raises:
            ValueError: inputs of another width.
        """
        pre, hidden = self.forward(self._inputs(x))
        return [h.transpose(1, 2) for h in hidden[1:]] + [pre[-1].softmax(1).transpose(1, 2)]

    def forward(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Every layer's input and what went into its activation, as the backward pass needs them.

        Args:
            x: inputs as columns, shape ``(in, N)``.

        Returns:
            ``pre``: L tensors ``(M, D_l, N)`` before the activation, the last one the logits; ``inputs``: what each
            layer saw, ``x`` first, then L - 1 hidden activities ``(M, D_l, N)``.
        """
        pre, inputs = [], [x]
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer == 0:  # all models see the same x: one wide product instead of M small ones
                z = torch.mm(weight.flatten(0, 1), x).view(*weight.shape[:2], -1).add_(bias.unsqueeze(2))
            else:
                z = torch.baddbmm(bias.unsqueeze(2), weight, inputs[-1])
            pre.append(z)
            if layer < len(self.weights) - 1:
                inputs.append(self.activation.fn(z, *self.slopes[layer : layer + 1]))
        return pre, inputs

    def select(self, models: Sequence[int]) -> "MLPEnsemble":
        """An independent copy of some of the models, in the order given."""
        models = torch.as_tensor(models)
        other = object.__new__(MLPEnsemble)
        other.activation = self.activation
        sizes = (self.weights[0].shape[2], *(w.shape[1] for w in self.weights))
        other._allocate(len(models), sizes, self.parameters.dtype, self.parameters.device)
        for mine, theirs in zip(self._views(self.parameters), other._views(other.parameters), strict=True):
            theirs.copy_(mine[models.to(mine.device)])
        return other

    def _views(self, flat: Tensor) -> list[Tensor]:
        """Weights, biases and slopes, in that order, as views of a flat buffer."""
        parts = flat.split([int(np.prod(shape)) for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def _allocate(self, n_models: int, sizes: tuple[int, ...], dtype: torch.dtype, device) -> None:
        self.n_models = n_models
        n_layers = len(sizes) - 1
        self._shapes = [(n_models, sizes[i + 1], sizes[i]) for i in range(n_layers)]
        self._shapes += [(n_models, sizes[i + 1]) for i in range(n_layers)]
        if self.activation.learns_slope:
            self._shapes += [(n_models, 1, 1)] * (n_layers - 1)
        total = sum(int(np.prod(shape)) for shape in self._shapes)
        self.parameters = torch.zeros(total, dtype=dtype, device=device)
        views = self._views(self.parameters)
        self.weights, self.biases = views[:n_layers], views[n_layers : 2 * n_layers]
        self.slopes = views[2 * n_layers :]

    def _inputs(self, x: Tensor) -> Tensor:
        width = self.weights[0].shape[2]
        if x.ndim != 2 or x.shape[1] != width:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, {width})")
        return x.to(self.parameters).T.contiguous()
