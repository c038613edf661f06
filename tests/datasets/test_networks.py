"""Real networks: the constants they are known by, simple undirected graphs, errors that say what to do."""

import importlib.util
import re
import sys
from collections import Counter

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from corelib.datasets.networks import GraphData, cora, karate, minnesota, pubmed, pubmed_file, svd_features
from corelib.datasets.networks import undirected_edges as undirected

pytestmark = pytest.mark.ch04


@pytest.fixture(scope="module")
def papers():
    return cora()


def pieces(data):
    adjacency = csr_matrix((np.ones(2 * data.n_edges), data.edge_index.numpy()), (len(data), len(data)))
    return sorted(Counter(connected_components(adjacency)[1].tolist()).values(), reverse=True)


def degrees(data):
    return torch.bincount(data.edge_index[0], minlength=len(data))


# The sets themselves.


def test_karate_has_the_edges_and_sides_of_zachary():
    data = karate()
    assert (len(data), data.n_edges, data.x.shape) == (34, 78, (34, 0))
    assert torch.bincount(data.y).tolist() == [17, 17] and data.y[0] == 0 and data.y[33] == 1
    assert degrees(data).max() == 17 and pieces(data) == [34]
    assert repr(data) == "GraphData(karate club: 34 nodes with 0 features, 78 edges, 2 classes)"


def test_cora_has_the_constants_it_is_known_by(papers):
    assert papers.x.shape == (2708, 1433) and papers.x.sum() == 49216 and set(papers.x.unique().tolist()) == {0, 1}
    assert papers.n_edges == 5278 and degrees(papers).max() == 168 and degrees(papers).min() == 1
    assert torch.bincount(papers.y).tolist() == [298, 418, 818, 426, 217, 180, 351]
    assert list(papers.classes) == sorted(papers.classes) and len(pieces(papers)) == 78
    assert papers.x.sum(1).min() == 1 and (papers.x.sum(0) == 0).sum() == 1  # a word that no paper uses


def test_papers_of_cora_cite_their_own_subject(papers):
    a, b = papers.edge_index
    shuffled = papers.y[torch.randperm(len(papers), generator=torch.Generator().manual_seed(0))]
    assert (papers.y[a] == papers.y[b]).double().mean() > 0.8 > 0.25 > (shuffled[a] == shuffled[b]).double().mean()


def test_minnesota_is_a_sparse_plane_map_with_one_stray_road():
    data = minnesota()
    assert (len(data), data.n_edges, data.y, data.classes) == (2642, 3303, None, ())
    assert degrees(data).max() == 5 and pieces(data) == [2640, 2]
    assert (data.x[:, 0] > -98).all() and (data.x[:, 0] < -89).all()
    assert (data.x[:, 1] > 43).all() and (data.x[:, 1] < 50).all()
    a, b = data.x[data.edge_index]
    assert (a - b).norm(dim=1).median() < 0.1 < (data.x - data.x.flip(0)).norm(dim=1).median()  # roads are short


@pytest.mark.skipif(not pubmed_file().exists(), reason="PubMed has not been rebuilt on this machine")
def test_pubmed_has_the_constants_it_is_known_by():
    data = pubmed()
    assert data.x.shape == (19717, 500) and (data.x != 0).sum() == 988031 and data.n_edges == 44324
    assert torch.bincount(data.y).tolist() == [4103, 7739, 7875]
    a, b = data.edge_index
    assert (data.y[a] == data.y[b]).double().mean() > 0.75  # falls to a third when the test rows stay shuffled


# What a GraphData refuses, and how edges are put in order.


def test_edges_are_sorted_doubled_and_cleaned():
    pairs = torch.tensor([[2, 1, 0, 2, 0], [0, 0, 1, 2, 2]])
    assert undirected(pairs, 4).tolist() == [[0, 0, 1, 2], [1, 2, 0, 0]]
    assert undirected(torch.empty(2, 0, dtype=torch.int64), 3).shape == (2, 0)
    assert undirected(torch.empty(2, 0, dtype=torch.int64), 0).shape == (2, 0)


@given(st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_edges_are_networkx_s_whatever_the_order(n, seed):
    pairs = np.random.default_rng(seed).integers(0, n, (2, 3 * n))
    graph = nx.Graph((a, b) for a, b in pairs.T.tolist() if a != b)
    expected = sorted([e for e in graph.edges] + [(b, a) for a, b in graph.edges])
    assert undirected(torch.from_numpy(pairs), n).T.tolist() == [list(edge) for edge in expected]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (torch.tensor([[0, 3], [1, 1]]), r"names nodes 0 .. 3; expected 0 .. 2"),
        (torch.tensor([[0, -1], [1, 1]]), r"names nodes -1 .. 1; expected 0 .. 2"),
        (torch.tensor([[0.0], [1.0]]), r"dtype torch.float32; expected \(2, m\) int64"),
        (torch.tensor([[0, 1, 2]]), r"shape \(1, 3\)"),
    ],
)
def test_impossible_edges_are_refused(pairs, message):
    with pytest.raises(ValueError, match=message):
        undirected(pairs, 3)


X, Y = torch.zeros(3, 1, dtype=torch.float64), torch.tensor([0, 1, 0])
PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


@pytest.mark.parametrize(
    ("x", "edge_index", "y", "classes", "message"),
    [
        (X.float(), PATH, Y, ("a", "b"), "x has shape"),
        (X * torch.nan, PATH, Y, ("a", "b"), "x holds NaN"),
        (X, PATH[:, :3], Y, ("a", "b"), "lacks a direction"),
        (X, PATH.flip(1), Y, ("a", "b"), "not sorted"),
        (X, PATH[:, [0, 0, 1, 1]], Y, ("a", "b"), "duplicates"),
        (X, torch.tensor([[0, 1, 1], [1, 0, 1]]), Y, ("a", "b"), "loops"),
        (X, PATH + 1, Y, ("a", "b"), "expected 0 .. 2"),
        (X, PATH, None, ("a", "b"), "one is given without the other"),
        (X, PATH, Y, (), "one is given without the other"),
        (X, PATH, Y[:2], ("a", "b"), "y has shape (2,)"),
        (X, PATH, Y, ("a", "b", "c"), "other classes than 0 .. 2"),
    ],
)
def test_graph_data_refuses_what_is_not_a_simple_labelled_graph(x, edge_index, y, classes, message):
    assert GraphData("path", X, PATH, Y, ("a", "b"), "made up").n_edges == 2
    with pytest.raises(ValueError, match=re.escape(message)):
        GraphData("path", x, edge_index, y, classes, "made up")


# Covariates out of words.


def test_covariates_are_standard_before_the_rotation_and_keep_their_total_variance(papers):
    first, second = svd_features(papers.x, seed=0), svd_features(papers.x, seed=1)
    assert first.shape == (2708, 8) and first.dtype == torch.float64
    for z in (first, second):
        torch.testing.assert_close(z.mean(0), torch.zeros(8).double(), atol=1e-10, rtol=0)
        assert z.var(0, correction=0).sum().item() == pytest.approx(8, abs=1e-9)
    rotation = torch.linalg.lstsq(first, second).solution  # one cloud, turned
    torch.testing.assert_close(first @ rotation, second, atol=1e-9, rtol=0)
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(8).double(), atol=1e-9, rtol=0)
    assert not torch.allclose(first, second) and torch.equal(first, svd_features(papers.x, seed=0))


def test_covariates_span_the_leading_singular_directions():
    x = torch.randn(40, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1
    u = torch.linalg.svd(x, full_matrices=False)[0][:, :3]
    expected = u - u.mean(0)
    z = svd_features(x, 3, seed=5)
    torch.testing.assert_close(expected @ torch.linalg.lstsq(expected, z).solution, z, atol=1e-9, rtol=0)


def test_neighbours_in_cora_have_similar_covariates(papers):
    z, (a, b) = svd_features(papers.x, seed=3), papers.edge_index
    mean = torch.zeros_like(z).index_add_(0, a, z[b]) / degrees(papers)[:, None]
    correlations = [torch.corrcoef(torch.stack([z[:, j], mean[:, j]]))[0, 1].item() for j in range(8)]
    assert min(correlations) > 0.2 and max(correlations) < 0.7


def test_one_covariate_needs_no_rotation():
    x = torch.rand(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    z = svd_features(x, 1, seed=0)
    assert z.shape == (30, 1) and z.std(correction=0).item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "k", "message"),
    [
        (torch.rand(9, 4), 4, r"k is 4; expected an integer in 1 .. 3"),
        (torch.rand(9, 4), 0, r"k is 0; expected"),
        (torch.rand(9), 1, r"x has shape \(9,\)"),
        (torch.full((9, 4), torch.nan), 2, "finite"),
        (torch.arange(9.0)[:, None] * torch.ones(1, 4), 2, "does not vary in 1 of the 2"),
    ],
)
def test_covariates_that_do_not_exist_are_refused(x, k, message):
    with pytest.raises(ValueError, match=message):
        svd_features(x, k, seed=0)


def test_without_pygsp_the_error_holds_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps pygsp"):
        minnesota()


def test_reading_minnesota_does_not_import_pygsp():
    minnesota()
    assert "pygsp" not in sys.modules
