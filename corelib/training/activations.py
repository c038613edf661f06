"""The activation functions of the compression debate, each with its derivative, initial gain and floor.

The derivative is written by hand, from z and h = f(z), because reusing h is what makes the fused training step fast;
the tests compare it with autograd. The *floor* is the value from which adaptive bins start (a bin of its own for the
zeros of a ReLU); ``None`` where the activation has no such value.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAK = 0.01
# The released code starts the bins of tanh and ELU just below -1, so that no activity is under the floor.
_BELOW_MINUS_ONE = -1.000001


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes:
        name: its name in :data:`ACTIVATIONS`.
        fn: h = fn(z); for an activation with a learnable slope h = fn(z, slope).
        derivative: dh/dz = derivative(z, h); with a slope derivative(z, h, slope).
        gain: initial weights have standard deviation gain / sqrt(fan-in).
        floor: smallest activity, where adaptive binning starts, or ``None``.
        initial_slope: starting value of the learnable slope, or ``None`` when there is none.
    """

    name: str
    fn: Callable[..., Tensor]
    derivative: Callable[..., Tensor]
    gain: float
    floor: float | None = None
    initial_slope: float | None = None

    @property
    def learns_slope(self) -> bool:
        """Whether a slope is trained along with the weights (PReLU)."""
        return self.initial_slope is not None


def _swish_derivative(z: Tensor, h: Tensor) -> Tensor:
    gate = torch.sigmoid(z)
    return gate + h * (1 - gate)


def _positive(z: Tensor) -> Tensor:
    return (z > 0).to(z.dtype)


_ALL = (
    Activation("tanh", torch.tanh, lambda z, h: 1 - h * h, 1, _BELOW_MINUS_ONE),
    Activation("relu", torch.relu, lambda z, h: _positive(z), 2, 0.0),
    Activation("elu", F.elu, lambda z, h: torch.where(z > 0, 1.0, h + 1), 2, _BELOW_MINUS_ONE),
    Activation("softplus", F.softplus, lambda z, h: torch.sigmoid(z), 2, 0.0),
    Activation("centered_softplus", lambda z: F.softplus(z) - math.log(2), lambda z, h: torch.sigmoid(z), 2),
    Activation("swish", F.silu, _swish_derivative, 2),
    Activation("abs", torch.abs, lambda z, h: torch.sign(z), 1),
    Activation(
        "prelu",
        lambda z, slope: torch.where(z > 0, z, slope * z),
        lambda z, h, slope: torch.where(z > 0, 1.0, slope),
        2,
        initial_slope=0.25,
    ),
    Activation("leaky_relu", lambda z: F.leaky_relu(z, _LEAK), lambda z, h: _LEAK + (1 - _LEAK) * _positive(z), 2),
    Activation("sigmoid", torch.sigmoid, lambda z, h: h * (1 - h), 1),
    Activation("softsign", F.softsign, lambda z, h: (1 - h.abs()) ** 2, 1),
    Activation("linear", lambda z: z, lambda z, h: torch.ones_like(z), 1),
    Activation("hardtanh", F.hardtanh, lambda z, h: (z.abs() < 1).to(z.dtype), 1),
)

#: Every activation by name. Gains: 1 for tanh and abs and 2 for the ReLU family, as in the released code of
#: Chelombiev et al. (2019); 1 for the ones that the code leaves out (sigmoid, softsign, linear, hardtanh).
ACTIVATIONS: dict[str, Activation] = {activation.name: activation for activation in _ALL}


def get_activation(name: str) -> Activation:
    """The activation called ``name``.

    Raises:
        ValueError: no activation has that name; the message lists those that exist.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation is {name!r}; expected one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
