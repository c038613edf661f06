"""A network with word features as one small file: edges once, words sparse, and a hash of what it holds."""

import contextlib
import hashlib
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

CORA = Path(__file__).parent / "cora.npz"
CORA_SHA256 = "0ea0ddc5a458e9a38aff7e0dd42ea94f3ca8efe07b09e8cca94054319fc8f4b0"
PUBMED_SHA256 = "0cccc132bd38e4a64ec0442b6f3507ff47d29ea4e6e2faa0d9e6e3e3a42e4809"


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """What a file holds.

    Attributes:
        edges: the two ends of each undirected edge, the smaller first, in order; int64, shape ``(E, 2)``.
        words: one row a node, float32, sparse, shape ``(n, d)``, without stored zeros.
        labels: uint8, shape ``(n,)``.
    """

    edges: np.ndarray
    words: csr_matrix
    labels: np.ndarray

    def sha256(self) -> str:
        """Hash of the content, the same whatever compressed the file."""
        content = hashlib.sha256(repr(self.words.shape).encode())
        for array, kind in (
            (self.edges, "<i8"),
            (self.words.indptr, "<i8"),
            (self.words.indices, "<i8"),
            (self.words.data, "<f4"),
            (self.labels, "u1"),
        ):
            content.update(np.ascontiguousarray(array, dtype=kind).tobytes())
        return content.hexdigest()

    def check(self, expected: str, name: str) -> None:
        """Raise ValueError unless the content has the hash ``expected``."""
        if (found := self.sha256()) != expected:
            raise ValueError(f"{name} has content of SHA-256 {found}; expected {expected}")

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; node and word numbers must fit 16 bits."""
        if max(self.words.shape) > 1 << 16:
            raise ValueError(f"words has shape {self.words.shape}; expected at most 65536 nodes and words")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(
                    file,
                    edges=self.edges.T.astype(np.uint16),
                    words=self.words.indices.astype(np.uint16),
                    counts=np.diff(self.words.indptr).astype(np.uint16),
                    # Words that are there or not need no 4 bytes each.
                    values=self.words.data.astype(np.uint8) if (self.words.data == 1).all() else self.words.data,
                    labels=self.labels,
                    n_words=self.words.shape[1],
                )
            os.chmod(name, 0o644)  # temporary files are private, data are not
            os.replace(name, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(name)


def read_network(path: Path) -> StoredNetwork:
    """The network in a file that :meth:`StoredNetwork.write` wrote; nothing is unpickled.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read as a network.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            starts = np.concatenate([[0], np.cumsum(stored["counts"], dtype=np.int64)])
            parts = stored["values"].astype(np.float32), stored["words"].astype(np.int64), starts
            words = csr_matrix(parts, (len(starts) - 1, int(stored["n_words"])))
            return StoredNetwork(stored["edges"].T.astype(np.int64), words, stored["labels"])
    except (ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a stored network: {error}") from error
