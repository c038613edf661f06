"""Watch the layers of any ``torch.nn.Module`` on fixed inputs, by forward hooks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ActivityProbe:
    """Reads the activity of a module's layers; together with a plane recorder it needs three lines.

    >>> probe = ActivityProbe(net, x)
    >>> recorder = PlaneRecorder(y, {"EBAB": AdaptiveBins()}, layers=probe.names)
    >>> recorder(epoch, probe())  # in the training loop

    Args:
        module: any module whose forward takes ``x``.
        x: inputs to look at, first axis the samples.
        layers: names of submodules as in ``module.named_modules()``; every leaf module when not given.

    Raises:
        ValueError: a name that the module lacks, or a layer whose output is not a floating-point tensor with one row
            a sample.
    """

    def __init__(self, module: nn.Module, x: Tensor, layers: Sequence[str] | None = None):
        known = dict(module.named_modules())
        if layers is None:
            layers = [name for name, part in known.items() if name and not list(part.children())]
        missing = [name for name in layers if name not in known]
        if missing or not layers:
            raise ValueError(f"layers holds {missing or 'nothing'}; expected names among {[n for n in known if n]}")
        self.module, self.x, self.names = module, x, list(layers)
        self._seen: dict[str, Tensor] = {}
        self._watching = False  # the module also runs on training batches; those are none of our business
        self._hooks = [known[name].register_forward_hook(self._keep(name)) for name in self.names]

    def __call__(self) -> list[Tensor]:
        """Run the module once in evaluation mode, without gradients, and leave its mode as it was.

        Returns:
            One tensor ``(1, N, D)`` a layer, detached; outputs with more axes are flattened.
        """
        self._seen.clear()
        modes = [(part, part.training) for part in self.module.modules()]
        self.module.eval()
        self._watching = True
        try:
            with torch.no_grad():
                self.module(self.x)
        finally:
            self._watching = False
            for part, training in modes:
                part.training = training
        silent = [name for name in self.names if name not in self._seen]
        if silent:
            raise ValueError(f"layers {silent} gave no output in this forward pass; leave them out of layers")
        activity = [self._seen[name] for name in self.names]
        self._seen.clear()
        return activity

    def close(self) -> None:
        """Remove the hooks from the module."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def __enter__(self) -> "ActivityProbe":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _keep(self, name: str):
        def hook(part: nn.Module, inputs: tuple, output: Tensor) -> None:
            if not self._watching:
                return
            if not isinstance(output, Tensor) or not output.is_floating_point() or len(output) != len(self.x):
                raise ValueError(f"layer {name!r} gives {type(output).__name__}; expected floats, one row a sample")
            self._seen[name] = output.detach().flatten(1)[None].clone()

        return hook
