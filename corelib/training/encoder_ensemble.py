"""E stochastic encoders of one shape, each with a linear classifier on its code, held in one matrix of parameters.

An encoder is two separate networks, one for the mean of the code and one for its standard deviation. Row e of the
matrix is model e, so gradient norms, weight decay and posteriors of single models are operations on rows.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from corelib.information.encoder import GaussianCodes
from corelib.training.ensemble import seeded_generator


class StochasticEncoderEnsemble:
    """Classifiers of a noisy code: z = mean(x) + std(x) * noise, then one linear layer.

    Both networks have ReLU between their layers; the layer that gives the mean has no activation, the one that gives
    the standard deviation a softplus. Weights and biases start as those of ``nn.Linear``: uniform within
    1 / sqrt(fan-in). Model e depends on ``seeds[e]`` alone, so it is the same in any ensemble.

    Args:
        sizes: widths ``(d_in, h_1, ..., L, C)``: both networks run from d_in to L, the classifier from L to C.
        seeds: E numbers >= 0, one a model. Models of one seed share initial weights and noise of training.
        std_floor: least standard deviation of a code, > 0. Far below 1e-3 squares of z / std outgrow single precision.
        dtype: floating-point type.
        device: where to keep the parameters.

    Attributes:
        parameters: ``(E, P)``. Columns run layer by layer (mean weight, mean bias, std weight, std bias), classifier
            last.

    Raises:
        ValueError: fewer than three sizes or a size < 1, no seed or a negative one, ``std_floor`` not finite and > 0.

    Source: Kawaguchi et al. (2023), toy experiments of the released code, where the floor is 1e-10.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seeds: Sequence[int],
        *,
        std_floor: float = 1e-3,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        if len(sizes) < 3 or min(sizes) < 1:
            raise ValueError(f"sizes is {tuple(sizes)}; expected at least (inputs, code, classes), each >= 1")
        if len(seeds) == 0 or min(seeds) < 0:
            raise ValueError(f"seeds is {list(seeds)}; expected at least one integer, each >= 0")
        if not 0 < std_floor < math.inf:
            raise ValueError(f"std_floor is {std_floor}; expected a finite number > 0")
        self.sizes, self.seeds, self.std_floor = tuple(map(int, sizes)), tuple(map(int, seeds)), std_floor
        bounds = torch.cat([torch.full((math.prod(s),), fan_in**-0.5).double() for s, fan_in in self._shapes()])
        rows = [self._uniform(seed, len(bounds)) * bounds for seed in self.seeds]
        self.parameters = torch.stack(rows).to(device=device, dtype=dtype)

    @property
    def n_models(self) -> int:
        """E."""
        return len(self.seeds)

    @property
    def mean_weights(self) -> list[Tensor]:
        """Weights of the networks of the mean, ``(E, out, in)`` a layer: views of ``parameters``, like the others."""
        return self._views()[0:-2:4]

    @property
    def mean_biases(self) -> list[Tensor]:
        """Biases of the networks of the mean, ``(E, out)`` a layer."""
        return self._views()[1:-2:4]

    @property
    def std_weights(self) -> list[Tensor]:
        """Weights of the networks of the standard deviation, ``(E, out, in)`` a layer."""
        return self._views()[2:-2:4]

    @property
    def std_biases(self) -> list[Tensor]:
        """Biases of the networks of the standard deviation, ``(E, out)`` a layer."""
        return self._views()[3:-2:4]

    @property
    def classifier_weight(self) -> Tensor:
        """Weights of the classifiers, ``(E, C, L)``."""
        return self._views()[-2]

    @property
    def classifier_bias(self) -> Tensor:
        """Biases of the classifiers, ``(E, C)``."""
        return self._views()[-1]

    def encoder_columns(self, layers: int | None = None) -> slice:
        """Columns of ``parameters`` that hold the first layers of both networks; all of them when not told.

        Args:
            layers: how many layers, 1 .. len(sizes) - 2.

        Raises:
            ValueError: a number of layers that the encoder has not.
        """
        depth = len(self.sizes) - 2
        layers = depth if layers is None else layers
        if not 1 <= layers <= depth:
            raise ValueError(f"layers is {layers}; expected an integer in 1 .. {depth}")
        return slice(sum(math.prod(shape) for shape, _ in self._shapes()[: 4 * layers]))

    def inputs(self, x: Tensor) -> Tensor:
        """Inputs as every model sees them, ``(E, N, d_in)``, in the type and on the device of the parameters.

        Args:
            x: shape ``(N, d_in)`` for all models alike or ``(E, N, d_in)``.

        Raises:
            ValueError: another shape, no sample, NaN or infinite values.
        """
        width = self.sizes[0]
        if x.ndim not in (2, 3) or x.shape[-1] != width or x.shape[:-2] not in ((), (self.n_models,)) or not len(x):
            expected = f"(N, {width}) or ({self.n_models}, N, {width}), N >= 1"
            raise ValueError(f"x has shape {tuple(x.shape)}; expected {expected}")
        if not torch.isfinite(x).all():
            raise ValueError("x holds NaN or infinite values; expected finite inputs")
        return x.to(self.parameters).expand(self.n_models, *x.shape[-2:])

    def encode(self, x: Tensor) -> GaussianCodes:
        """Codes p(z|x) of every model, mean and std ``(E, N, L)``.

        Args:
            x: inputs, shape ``(N, d_in)`` for all models alike or ``(E, N, d_in)``.

        Raises:
            ValueError: inputs of another shape, NaN or infinite.
            FloatingPointError: codes of a model are not finite, because its parameters are too large or not finite.
        """
        return self._encode(x, self._views())

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, GaussianCodes, Tensor]:
        """Scores for one draw of the code.

        Args:
            x: inputs, ``(N, d_in)`` or ``(E, N, d_in)``.
            noise: standard normal numbers, ``(N, L)`` for all models alike or ``(E, N, L)``.

        Returns:
            Class scores ``(E, N, C)``; the codes; the draw z ``(E, N, L)``.

        Raises:
            ValueError: inputs or noise of another shape, inputs NaN or infinite.
            FloatingPointError: codes of a model are not finite.
        """
        views = self._views()
        codes = self._encode(x, views)
        if noise.shape not in (codes.mean.shape, codes.mean.shape[1:]):
            raise ValueError(f"noise has shape {tuple(noise.shape)}; expected {tuple(codes.mean.shape)}, E optional")
        z = codes.mean + codes.std * noise.to(codes.mean)
        return _multilayer(z, views[-2:-1], views[-1:]), codes, z

    def select(self, models: Sequence[int]) -> "StochasticEncoderEnsemble":
        """An independent copy of some of the models, in the order given."""
        other = object.__new__(StochasticEncoderEnsemble)
        other.sizes, other.std_floor = self.sizes, self.std_floor
        other.seeds = tuple(self.seeds[m] for m in models)
        other.parameters = self.parameters[list(models)]  # indexing with a list copies
        return other

    def _encode(self, x: Tensor, views: list[Tensor]) -> GaussianCodes:
        x = self.inputs(x)
        mean, raw_std = (_multilayer(x, views[i:-2:4], views[i + 1 : -2 : 4]) for i in (0, 2))
        std = F.softplus(raw_std).clamp_min(self.std_floor)
        try:
            return GaussianCodes(mean, std)
        except ValueError:  # with finite inputs and a floor, only parameters can be the cause: say whose
            bad = (~torch.isfinite(mean + std)).flatten(1).any(1).nonzero().flatten().tolist()
            raise FloatingPointError(f"the codes of models {bad} are not finite; their parameters diverged") from None

    def _shapes(self) -> list[tuple[tuple[int, ...], int]]:
        """Shape and fan-in of each tensor of one model, in the order of the columns."""
        *encoder, classes = self.sizes
        layers = [layer for layer in zip(encoder[1:], encoder[:-1], strict=True) for _ in ("mean", "std")]
        layers.append((classes, encoder[-1]))
        return [(shape, layer[1]) for layer in layers for shape in (layer, layer[:1])]

    def _views(self) -> list[Tensor]:
        shapes = [shape for shape, _ in self._shapes()]
        # One split: its gradient is one concatenation, where slices would each add a matrix of zeros.
        parts = self.parameters.split([math.prod(shape) for shape in shapes], dim=1)
        return [part.view(self.n_models, *shape) for part, shape in zip(parts, shapes, strict=True)]

    @staticmethod
    def _uniform(seed: int, n: int) -> Tensor:
        """Numbers between -1 and 1 from the seed's first stream; training draws from its others."""
        return 2 * torch.rand(n, generator=seeded_generator(seed, 0), dtype=torch.float64) - 1


def _multilayer(h: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Linear layers with ReLU between them, all models in one product a layer."""
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        h = torch.baddbmm(bias.unsqueeze(1), h.relu() if layer else h, weight.transpose(1, 2))
    return h
