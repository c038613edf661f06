"""Adam and plain gradient descent on one flat buffer: a few vector operations a step, however many models."""

import torch
from torch import Tensor


class SGD:
    """Gradient descent, w <- w - lr g.

    Args:
        parameters: flat buffer, changed in place.
        lr: learning rate > 0.
    """

    def __init__(self, parameters: Tensor, lr: float):
        self.parameters, self.lr = parameters, _learning_rate(lr)

    def step(self, gradient: Tensor) -> None:
        """Move against ``gradient``, laid out like the parameters."""
        self.parameters.add_(gradient, alpha=-self.lr)


class Adam:
    """Adam with bias correction, as in Kingma and Ba (2015) and ``torch.optim.Adam``.

    Args:
        parameters: flat buffer, changed in place.
        lr: learning rate > 0.
        betas: decay of the two moments.
        eps: added to the root of the second moment.
    """

    def __init__(self, parameters: Tensor, lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.parameters, self.lr, self.betas, self.eps = parameters, _learning_rate(lr), betas, eps
        self.first = torch.zeros_like(parameters)
        self.second = torch.zeros_like(parameters)
        self.n_steps = 0

    def step(self, gradient: Tensor) -> None:
        """Move against ``gradient``, laid out like the parameters."""
        self.n_steps += 1
        beta1, beta2 = self.betas
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (self.second / (1 - beta2**self.n_steps)).sqrt_().add_(self.eps)
        self.parameters.addcdiv_(self.first, root, value=-self.lr / (1 - beta1**self.n_steps))


OPTIMIZERS = {"adam": Adam, "sgd": SGD}


def _learning_rate(lr: float) -> float:
    if not 0 < lr < float("inf"):
        raise ValueError(f"lr is {lr}; expected a finite number > 0")
    return lr
