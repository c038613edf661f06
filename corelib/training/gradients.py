"""The gradient of every model's loss, in two ways that agree: as a learner reads it, and as it runs fast.

Loss of model m: mean cross-entropy over the batch plus l2 * sum over hidden layers of ||W||_F^2 / 2; the output
layer's weights and all biases are left out of the penalty. Both functions fill one flat buffer that is laid out like
``ensemble.parameters``.
"""

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn import functional as F

from corelib.training.ensemble import MLPEnsemble


def func_gradients(ensemble: MLPEnsemble, x: Tensor, onehot: Tensor, l2: float, out: Tensor) -> None:
    """Gradients by automatic differentiation: write the loss of one model, let vmap run it for all.

    Args:
        ensemble: the models.
        x: inputs as columns, ``(in, n)``.
        onehot: targets as columns, ``(C, n)``.
        l2: penalty on hidden weights.
        out: flat buffer to fill.
    """
    n_layers = len(ensemble.weights)

    def loss(weights: list[Tensor], biases: list[Tensor], slopes: list[Tensor]) -> Tensor:
        h = z = x
        for layer in range(n_layers):
            if layer > 0:
                h = ensemble.activation.fn(z, *slopes[layer - 1 : layer])
            z = weights[layer] @ h + biases[layer][:, None]
        cross_entropy = -(onehot * F.log_softmax(z, dim=0)).sum(0).mean()
        return cross_entropy + l2 / 2 * sum((w**2).sum() for w in weights[:-1])

    parameters = (ensemble.weights, ensemble.biases, ensemble.slopes)
    gradients = vmap(grad(loss, argnums=(0, 1, 2)))(*parameters)
    found = [*gradients[0], *gradients[1], *gradients[2]]
    for target, gradient in zip(ensemble._views(out), found, strict=True):
        target.copy_(gradient)


def fused_gradients(ensemble: MLPEnsemble, x: Tensor, onehot: Tensor, l2: float, out: Tensor) -> None:
    """The same gradients by hand: one backward sweep in batched products for all models.

    With delta = dLoss/dz of a layer, (M, D, n): dLoss/dW = delta a^T, dLoss/db = the sum of delta over the batch, and
    one layer down delta <- (W^T delta) * f'(z). At the output, softmax and cross-entropy give delta = (p - y) / n.

    Args:
        ensemble: the models.
        x: inputs as columns, ``(in, n)``.
        onehot: targets as columns, ``(C, n)``.
        l2: penalty on hidden weights.
        out: flat buffer to fill.
    """
    n_layers = len(ensemble.weights)
    views = ensemble._views(out)
    weight_grads, bias_grads, slope_grads = views[:n_layers], views[n_layers : 2 * n_layers], views[2 * n_layers :]
    pre, inputs = ensemble.forward(x)
    delta = pre[-1].softmax(1).sub_(onehot).div_(x.shape[1])
    for layer in reversed(range(n_layers)):
        torch.sum(delta, 2, out=bias_grads[layer])
        if layer == 0:  # the inputs are shared, so this is one product for all models
            torch.mm(delta.flatten(0, 1), x.T, out=weight_grads[0].view(-1, x.shape[0]))
            break
        torch.bmm(delta, inputs[layer].transpose(1, 2), out=weight_grads[layer])
        upstream = torch.bmm(ensemble.weights[layer].transpose(1, 2), delta)
        z, slope = pre[layer - 1], ensemble.slopes[layer - 1 : layer]
        if slope:  # h = slope * z where z <= 0, so dh/dslope is z there
            slope_grads[layer - 1].copy_((upstream * z.clamp(max=0)).sum((1, 2), keepdim=True))
        delta = upstream.mul_(ensemble.activation.derivative(z, inputs[layer], *slope))
    if l2:
        for gradient, weight in zip(weight_grads[:-1], ensemble.weights[:-1], strict=True):
            gradient.add_(weight, alpha=l2)
