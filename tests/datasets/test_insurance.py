"""The insurance experiment: what was drawn for whom, no missing values, groups as graphs."""

import importlib.util

import pytest
import torch

from corelib.datasets.insurance import group_edges, insurance

pytestmark = pytest.mark.ch04


@pytest.fixture(scope="module")
def farmers():
    return insurance()


def spread_within(values, group):
    return max((values[group == g].max() - values[group == g].min()).item() for g in group.unique())


def test_households_without_a_missing_value_stay(farmers):
    assert len(farmers) == 1378 and farmers.n_dropped == 32 and farmers.x.shape == (1378, 7)
    assert repr(farmers) == "InsuranceData(1378 households, 44 villages, 166 hamlets, 32 incomplete ones left out)"
    columns = (farmers.x, farmers.t, farmers.y, farmers.default, farmers.prior_takeup)
    assert all(torch.isfinite(c).all() and c.dtype == torch.float64 and len(c) == 1378 for c in columns)


def test_columns_hold_what_their_names_say(farmers):
    low, high = farmers.x.min(0).values, farmers.x.max(0).values
    ranges = dict(zip(farmers.features, zip(low.tolist(), high.tolist(), strict=True), strict=True))
    assert ranges["male"] == ranges["literate"] == ranges["risk aversion"] == (0, 1)
    assert ranges["expected disaster"] == (0, 100) and ranges["household size"] == (1, 19)
    assert ranges["age"][0] >= 18 and ranges["age"][1] <= 86 and ranges["rice area"][1] == 650
    assert all(set(c.tolist()) == {0.0, 1.0} for c in (farmers.t, farmers.y, farmers.default))
    assert farmers.prior_takeup.min() >= 0 and farmers.prior_takeup.max() <= 1
    assert farmers.x[0].tolist() == [62, 2, 10, 30, 1, 0, 0]  # the first line of the source


def test_hamlets_share_the_default_and_the_prior_takeup_but_not_the_session(farmers):
    assert spread_within(farmers.default, farmers.hamlet) == 0 == spread_within(farmers.prior_takeup, farmers.hamlet)
    assert spread_within(farmers.default, farmers.village) == 1 == spread_within(farmers.t, farmers.hamlet)
    assert spread_within(farmers.village.double(), farmers.hamlet) == 0
    assert farmers.village.unique().tolist() == list(range(44)) and farmers.hamlet.unique().tolist() == list(range(166))


def test_sessions_were_drawn_at_random_and_defaults_moved_what_neighbours_bought(farmers):
    assert 0.45 < farmers.t.mean() < 0.55
    pairs = torch.column_stack([farmers.t, farmers.x, farmers.prior_takeup, farmers.default]).T
    assert torch.corrcoef(pairs)[0, 1:].abs().max() < 4 / len(farmers) ** 0.5  # four standard errors
    with_default = farmers.prior_takeup[farmers.default == 1].mean()
    assert with_default - farmers.prior_takeup[farmers.default == 0].mean() > 0.1


def test_groups_become_cliques():
    edges = group_edges(torch.tensor([7, 2, 7, 7, 5]))
    assert edges.T.tolist() == [[0, 2], [0, 3], [2, 0], [2, 3], [3, 0], [3, 2]]
    assert group_edges(torch.empty(0, dtype=torch.int64)).shape == (2, 0)
    assert group_edges(torch.arange(4)).shape == (2, 0)


def test_hamlets_are_smaller_graphs_inside_villages(farmers):
    hamlets, villages = group_edges(farmers.hamlet), group_edges(farmers.village)
    for edges, group in ((hamlets, farmers.hamlet), (villages, farmers.village)):
        sizes = torch.bincount(group)
        assert edges.shape[1] == (sizes * (sizes - 1)).sum() and torch.equal(group[edges[0]], group[edges[1]])
    inside = set(map(tuple, villages.T.tolist()))
    assert set(map(tuple, hamlets.T.tolist())) < inside


@pytest.mark.parametrize("group", [torch.zeros(3), torch.zeros(3, 1, dtype=torch.int64)])
def test_groups_of_another_kind_are_refused(group):
    with pytest.raises(ValueError, match=r"expected \(n,\) int64"):
        group_edges(group)


def test_without_causaldata_or_its_file_the_error_holds_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install --no-deps causaldata"):
        insurance()
    empty = importlib.machinery.ModuleSpec("causaldata", None, is_package=True)
    empty.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: empty)
    with pytest.raises(FileNotFoundError, match=r"without social_insure/Cai_2015\.csv"):
        insurance()
