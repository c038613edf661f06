"""A real experiment on a network: rice farmers, an insurance, and what their friends were told before them."""

import csv
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corelib.datasets.files.locate import package_file
from corelib.datasets.networks import undirected_edges

_COLUMNS = {
    "age": "age",
    "agpop": "household size",
    "ricearea_2010": "rice area",
    "disaster_prob": "expected disaster",
    "male": "male",
    "risk_averse": "risk aversion",
    "literacy": "literate",
}


@dataclass(frozen=True, repr=False, eq=False)
class InsuranceData:
    """Households that decided whether to insure their rice, in villages where others had decided before them.

    Attributes:
        x: of each household, float64, shape ``(n, 7)``, in the units of the source; nothing is standardised.
        features: names of the seven. Rice area is in mu (1/15 hectare), expected disaster the chance in percent of one
            next year, risk aversion 0 .. 1; male (head of the household) and literate are 0 or 1.
        t: 1.0 where the household was invited to the intensive session, which explains how insurance works, 0.0 where
            to the simple one; float64, ``(n,)``. Drawn within hamlets, so it differs between neighbours.
        y: 1.0 where it bought the insurance, float64, ``(n,)``.
        default: 1.0 where one had the insurance unless one declined, 0.0 where one had to ask for it; float64,
            ``(n,)``. Drawn for each hamlet, so it is the same for all its households.
        prior_takeup: share that had bought in the hamlet before these households were asked, float64, ``(n,)``; the
            same for all households of a hamlet. ``default`` moves it, ``t`` cannot: it comes before.
        village: 0 .. 43, int64, ``(n,)``.
        hamlet: 0 .. 165, int64, ``(n,)``; each lies in one village.
        n_dropped: households of the source left out because a value is missing.
        source: where the data come from, and their licence.
    """

    x: Tensor
    features: tuple[str, ...]
    t: Tensor
    y: Tensor
    default: Tensor
    prior_takeup: Tensor
    village: Tensor
    hamlet: Tensor
    n_dropped: int
    source: str

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        places = f"{len(self.village.unique())} villages, {len(self.hamlet.unique())} hamlets"
        return f"InsuranceData({len(self)} households, {places}, {self.n_dropped} incomplete ones left out)"


def insurance() -> InsuranceData:
    """The second round of the insurance experiment of Cai, de Janvry and Sadoulet: real outcomes, no true effect known.

    The file says who lives where and not who knows whom; :func:`group_edges` makes neighbours of all households of a
    hamlet or village.

    Returns:
        An :class:`InsuranceData` of the 1,378 of 1,410 households without a missing value, in the order of the source.

    Raises:
        ModuleNotFoundError: causaldata is not installed; the message holds the command.
        FileNotFoundError: causaldata is installed without the file.

    Source: Cai, de Janvry and Sadoulet (2015), "Social networks and the decision to insure", American Economic Journal:
        Applied Economics 7(2), 81-108, as shipped in causaldata (MIT).
    """
    command = "pip install --no-deps causaldata"
    path = package_file("causaldata", "social_insure/Cai_2015.csv", needed_by="insurance", command=command)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    complete = [row for row in rows if "" not in row.values()]

    def numbers(name: str) -> Tensor:
        return torch.tensor([float(row[name]) for row in complete], dtype=torch.float64)

    def groups(name: str) -> Tensor:
        return torch.from_numpy(np.unique([row[name] for row in complete], return_inverse=True)[1].astype(np.int64))

    return InsuranceData(
        x=torch.stack([numbers(name) for name in _COLUMNS], dim=1),
        features=tuple(_COLUMNS.values()),
        t=numbers("intensive"),
        y=numbers("takeup_survey"),
        default=numbers("default"),
        prior_takeup=numbers("pre_takeup_rate"),
        village=groups("village"),
        hamlet=groups("address"),
        n_dropped=len(rows) - len(complete),
        source="Cai, de Janvry and Sadoulet (2015), from causaldata (MIT)",
    )


def group_edges(group: Tensor) -> Tensor:
    """A graph in which two nodes are neighbours where they belong to the same group.

    Args:
        group: group of each node, int64, shape ``(n,)``.

    Returns:
        ``edge_index``, int64, shape ``(2, 2E)``; a node alone in its group has no neighbour. Its size grows with the
        squares of the groups' sizes.

    Raises:
        ValueError: another shape or dtype.
    """
    if group.ndim != 1 or group.dtype != torch.int64:
        raise ValueError(f"group has shape {tuple(group.shape)} and dtype {group.dtype}; expected (n,) int64")
    pairs = [torch.cartesian_prod(members, members).T for members in _members(group)]
    return undirected_edges(torch.cat([torch.empty(2, 0, dtype=torch.int64), *pairs], dim=1), len(group))


def _members(group: Tensor) -> tuple[Tensor, ...]:
    sizes = torch.unique(group, return_counts=True)[1]
    return torch.split(torch.argsort(group, stable=True), sizes.tolist())
