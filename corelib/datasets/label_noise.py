"""Labels that are wrong on purpose."""

import torch

from corelib.datasets.container import Dataset


def flip_labels(dataset: Dataset, rate: float, seed: int) -> Dataset:
    """The same inputs; each label is replaced, with probability ``rate``, by one of the other classes at random.

    Raises:
        ValueError: a rate outside [0, 1], or labels that leave a class empty.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is {rate}; expected a number in [0, 1]")
    generator = torch.Generator().manual_seed(seed)
    flipped = torch.rand(len(dataset), generator=generator) < rate
    shift = torch.randint(1, dataset.n_classes, (len(dataset),), generator=generator)
    y = torch.where(flipped, (dataset.y + shift) % dataset.n_classes, dataset.y)
    name = f"{dataset.name}, {rate:.0%} of labels flipped" if rate else dataset.name
    return Dataset(name, dataset.x, y, dataset.n_classes, dataset.source)
