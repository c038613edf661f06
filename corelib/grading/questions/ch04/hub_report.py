"""Errors at hubs and at the periphery, raw, normalised, and beside a closed form: chapter 4, exercise 6."""

import math
from collections.abc import Callable

import networkx as nx
import numpy as np
import torch

from corelib.causal import hub_curve_single, stratified_mse
from corelib.grading.compare import Close, Raises
from corelib.grading.question import Attempt, Case, Diagnosis, Question
from corelib.grading.questions._recognise import answers_as

Report = dict[str, np.ndarray]
Strata = dict[str, np.ndarray]
STRATA = ("all", "periphery", "hubs")


def _oracle(tau_hat: np.ndarray, tau: np.ndarray, degree: np.ndarray, test: np.ndarray) -> Report:
    rows = {name: [] for name in STRATA}
    for arrays in zip(tau_hat, tau, degree, test, strict=True):
        estimate, truth, own_degree, mask = map(torch.from_numpy, arrays)
        curve = hub_curve_single(own_degree[mask])
        for name, found in stratified_mse(estimate, truth, own_degree, mask).items():
            low, high = found.degrees
            inside = (own_degree[mask] >= low) & (own_degree[mask] <= high)
            rows[name].append([found.mse, found.normalised, float(curve[inside].mean())])
    return _averaged(rows)


def _by_hand() -> tuple:
    tau_hat = np.array([[2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 9.0]])
    tau = np.array([[4.0, 2.0, 2.0, 0.0, 2.0, 1.0, 0.0]])
    test = np.array([[True] * 6 + [False]])
    return tau_hat, tau, np.array([[1, 2, 2, 2, 5, 5, 3]]), test


def _influenced(rng: np.random.Generator, degree: np.ndarray, test_nodes: int, *, noise: float = 0.2) -> tuple:
    """One neighbour of d decides, with 1/sqrt(d) of the weight; the estimate is a mean of neighbours with the same."""
    degree = np.array(degree, dtype=np.int64)
    test = rng.permuted(np.arange(degree.shape[1]) < np.full((len(degree), 1), test_nodes), axis=1)
    decides = rng.normal(size=degree.shape)
    mean = decides / degree + rng.normal(size=degree.shape) * np.sqrt((degree - 1) / degree**2)
    level = rng.normal() / np.sqrt(degree)  # what a hub has in common with no leaf
    tau, tau_hat = level + decides / np.sqrt(degree), level + mean / np.sqrt(degree)
    return tau_hat + noise * rng.normal(size=degree.shape), tau, degree, test


def _scale_free(rng: np.random.Generator, seeds: int, n: int, m: int = 2) -> np.ndarray:
    graphs = [nx.barabasi_albert_graph(n, m, seed=int(rng.integers(2**31))) for _ in range(seeds)]
    return np.stack([rng.permutation([d for _, d in graph.degree]) for graph in graphs])


def _cases(rng: np.random.Generator) -> list[Case]:
    tied = np.stack([rng.permutation(np.repeat([2, 3, 4, 9], [10, 30, 14, 6])) for _ in range(2)])
    far = _influenced(rng, _scale_free(rng, 3, 80), 60)
    far[0][~far[3]] += rng.normal(0, 100, (~far[3]).sum())
    grown = np.stack([rng.permutation(scale * np.arange(1, 41) // 4 + 1) for scale in (1, 3, 6)])
    uneven = _influenced(rng, _scale_free(rng, 4, 60), 40)
    uneven[0][-1], uneven[1][-1] = 6 * uneven[0][-1], 5 * uneven[1][-1]  # in the last seed all is larger
    alone = _influenced(rng, _scale_free(rng, 2, 40), 30)
    alone[2][1, np.flatnonzero(alone[3][1])[0]] = 0
    equal = _influenced(rng, np.full((1, 30), 4), 20)
    return [
        Case("the example by hand", _by_hand()),
        Case("one scale-free graph, 200 nodes", _influenced(rng, _scale_free(rng, 1, 200), 120)),
        Case("five graphs, another one for each seed", _influenced(rng, _scale_free(rng, 5, 80), 50)),
        Case("half of the nodes have the median degree", _influenced(rng, tied, 60)),
        Case("41 test nodes", _influenced(rng, _scale_free(rng, 2, 60, m=3), 41)),
        Case("graphs of very different density", _influenced(rng, grown, 40)),
        Case("effects of the last seed are five times larger", uneven),
        Case("effects of training nodes are far off", far),
        Case("a test node has no neighbour", alone, Raises("ValueError", ("degree",))),
        Case("all nodes have one degree", equal, Raises("ValueError", ("degree",))),
    ]


def _count(share: float, n: int) -> int:
    return max(1, math.ceil(share * n - 1e-9))


def _with_ties(degree: np.ndarray) -> Strata:
    low, high = np.sort(degree)[_count(0.5, len(degree)) - 1], np.sort(degree)[-_count(0.1, len(degree))]
    return _cut(degree <= low, degree >= high)


def _cut(periphery: np.ndarray, hubs: np.ndarray) -> Strata:
    return {"all": np.ones(len(periphery), dtype=bool), "periphery": periphery, "hubs": hubs}


def _row(tau_hat: np.ndarray, tau: np.ndarray, degree: np.ndarray, whole: np.ndarray) -> list[float]:
    if not len(tau):  # a wrong stratum may hold no node, or a single one
        return [math.nan] * 3
    mse = ((tau_hat - tau) ** 2).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return [mse, mse / tau.var(), (1 - 1 / degree).mean()]


def _averaged(rows: dict[str, list[list[float]]]) -> Report:
    return {name: np.mean(found, axis=0) for name, found in rows.items()}


def _report(
    *, strata: Callable[[np.ndarray], Strata] = _with_ties, row: Callable[..., list[float]] = _row, masked: bool = True
) -> Callable[..., Report]:
    """A report with strata or a row of one's choice; the row is also given the effects of all test nodes."""

    def report(tau_hat, tau, degree, test):
        rows = {name: [] for name in STRATA}
        for *values, mask in zip(tau_hat, tau, degree, test, strict=True):
            estimate, truth, own = (v[mask] for v in values) if masked else values
            for name, inside in strata(own).items():
                empty = [math.nan] * 3
                rows[name].append(row(estimate[inside], truth[inside], own[inside], truth) if inside.any() else empty)
        return _averaged(rows)

    return report


def _strict(degree: np.ndarray) -> Strata:
    cuts = _with_ties(degree)
    return _cut(degree < degree[cuts["periphery"]].max(), degree > degree[cuts["hubs"]].min())


def _low_strict(degree: np.ndarray) -> Strata:
    cuts = _with_ties(degree)
    return _cut(degree < degree[cuts["periphery"]].max(), cuts["hubs"])


def _high_strict(degree: np.ndarray) -> Strata:
    cuts = _with_ties(degree)
    return _cut(cuts["periphery"], degree > degree[cuts["hubs"]].min())


def _by_order(kind: str | None, *, reverse: bool = False) -> Callable[[np.ndarray], Strata]:
    """So many nodes exactly; which of those that tie is left to the sort."""

    def strata(degree: np.ndarray) -> Strata:
        n = len(degree)
        order, down = np.argsort(degree, kind=kind), np.argsort(-degree, kind=kind)
        nodes = np.arange(n)
        hubs = down[: _count(0.1, n)] if reverse else order[n - _count(0.1, n) :]
        return _cut(np.isin(nodes, order[: _count(0.5, n)]), np.isin(nodes, hubs))

    return strata


def _swapped(degree: np.ndarray) -> Strata:
    cuts = _with_ties(degree)
    return _cut(cuts["hubs"], cuts["periphery"])


def _first_seed_cuts(tau_hat, tau, degree, test):
    """The cuts of the first graph, for all graphs."""
    first = degree[0][test[0]]
    cuts = _with_ties(first)
    low, high = first[cuts["periphery"]].max(), first[cuts["hubs"]].min()
    return _report(strata=lambda own: _cut(own <= low, own >= high))(tau_hat, tau, degree, test)


def _first_seed_nodes(tau_hat, tau, degree, test):
    """The nodes of the first graph's strata, for all graphs."""
    cuts, rows = _with_ties(degree[0][test[0]]), {name: [] for name in STRATA}
    members = {name: np.flatnonzero(test[0])[inside] for name, inside in cuts.items()}
    for estimate, truth, own in zip(tau_hat, tau, degree, strict=True):
        for name, nodes in members.items():
            rows[name].append(_row(estimate[nodes], truth[nodes], own[nodes], truth))
    return _averaged(rows)


def _first_seed_only(*arrays):
    return _report()(*(array[:1] for array in arrays))


def _cuts_of_all_nodes(tau_hat, tau, degree, test):
    rows = {name: [] for name in STRATA}
    for estimate, truth, own, mask in zip(tau_hat, tau, degree, test, strict=True):
        for name, inside in _with_ties(own).items():
            inside &= mask
            rows[name].append(_row(estimate[inside], truth[inside], own[inside], truth[mask]))
    return _averaged(rows)


def _pooled(tau_hat, tau, degree, test):
    return _report()(*(array[test][None] for array in (tau_hat, tau, degree)), np.ones((1, test.sum()), dtype=bool))


def _ratio_of_means(*arrays):
    means = _report(row=lambda estimate, truth, own, whole: [*_row(estimate, truth, own, whole), truth.var()])(*arrays)
    return {name: np.array([mse, mse / variance, curve]) for name, (mse, _, curve, variance) in means.items()}


def _divided_by(spread: Callable[[np.ndarray, np.ndarray], float]) -> Callable[..., Report]:
    """Normalised by something else than the stratum's variance: a function of its effects and of all effects."""

    def row(tau_hat, tau, degree, whole):
        mse, _, curve = _row(tau_hat, tau, degree, whole)
        return [mse, mse / spread(tau, whole) if len(tau) > 1 else math.nan, curve]

    return _report(row=row)


def _with_curve(curve: Callable[[np.ndarray], float]) -> Callable[..., Report]:
    return _report(row=lambda estimate, truth, own, whole: [*_row(estimate, truth, own, whole)[:2], curve(own)])


def _rooted(tau_hat, tau, degree, whole):
    mse, share, curve = _row(tau_hat, tau, degree, whole)
    return [math.sqrt(mse), math.sqrt(share), curve]


def _raw_only(attempt: Attempt) -> bool:
    """Both columns hold the raw error, or there is one column for both; whatever else is wrong."""
    value = attempt.value
    if not isinstance(value, dict) or value.keys() != attempt.expected.keys():
        return False
    rows, right = ([np.asarray(report[name]) for name in STRATA] for report in (value, attempt.expected))
    if all(row.shape == (2,) for row in rows):
        return np.allclose([row[0] for row in rows], [row[0] for row in right], rtol=1e-6)
    return all(row.shape == (3,) and math.isclose(row[0], row[1], rel_tol=1e-9) for row in rows)


def _unchecked(attempt: Attempt) -> bool:
    return isinstance(attempt.case.expect, Raises) and attempt.error != "ValueError"


QUESTION = Question(
    name="ch04.hub_report",
    title="Report on hubs",
    entry="hub_report",
    points=3,
    cases=_cases,
    oracle=_oracle,
    compare=Close(rtol=1e-9, atol=1e-12),
    diagnoses=(
        Diagnosis(
            "raw_only",
            "Your report has the raw error only. Effects at hubs vary less, so their raw error is small even if nothing"
            " was learned there; divide by the variance of tau in the same stratum, and the conclusion may flip.",
            _raw_only,
        ),
        answers_as(
            "first_seed_strata",
            "You took the strata of the first seed's graph for all seeds. Each seed drew another graph, with other hubs"
            " and another median degree: cut each row of degree by itself.",
            _first_seed_cuts,
            _first_seed_nodes,
        ),
        answers_as(
            "first_seed_only",
            "You reported on the first seed. One graph has few hubs, and luck decides about few: report on every seed,"
            " then take the mean.",
            _first_seed_only,
        ),
        answers_as(
            "ties_dropped",
            "Nodes that tie with the last one of a stratum are missing. Many nodes share the median degree, and which"
            " of them come first in the array says nothing: find the degree at the cut, then take <= and >=.",
            _report(strata=_strict),
            _report(strata=_low_strict),
            _report(strata=_high_strict),
            *(_report(strata=_by_order(kind, reverse=reverse)) for kind in (None, "stable") for reverse in (0, 1)),
        ),
        answers_as(
            "overall_variance",
            "You divided by the variance over all test nodes. That is one number for all strata, so the comparison is"
            " still the raw one. Each stratum has a variance of its own.",
            _divided_by(lambda own, whole: whole.var()),
        ),
        answers_as(
            "variance_of_the_sample",
            "Your variance has the divisor N - 1. It stands for what the best constant would leave on these very nodes,"
            " so the divisor is N: np.var as it is.",
            _divided_by(lambda own, whole: own.var(ddof=1)),
        ),
        answers_as(
            "second_moment",
            "You divided by the mean of tau^2. A stratum's mean effect is easy to guess; what is hard is how effects"
            " vary around it: divide by the variance.",
            _divided_by(lambda own, whole: (own**2).mean()),
        ),
        answers_as(
            "standard_deviation",
            "You divided a squared error by a standard deviation, so a unit is left. Divide by the variance.",
            _divided_by(lambda own, whole: own.std()),
        ),
        answers_as(
            "training_nodes_scored",
            "You scored all nodes. A flexible model has small errors where it was fitted: select the nodes of test"
            " first, and cut the strata among them.",
            _report(masked=False),
        ),
        answers_as(
            "cuts_of_all_nodes",
            "You cut the strata among all nodes and scored those in test. Half and tenth are of the nodes scored:"
            " select test first, then cut.",
            _cuts_of_all_nodes,
        ),
        answers_as(
            "seeds_pooled",
            "You put the nodes of all seeds into one heap. Graphs differ in degree and in variance, so the heap's hubs"
            " come from the densest graph: make one report a seed, then take the mean.",
            _pooled,
        ),
        answers_as(
            "ratio_of_means",
            "You divided the mean error by the mean variance. A seed with large effects then counts more than the"
            " others: divide within each seed, and take the mean of the shares.",
            _ratio_of_means,
        ),
        answers_as(
            "curve_at_mean_degree",
            "Your curve is taken at the stratum's mean degree. The mean of 1 - 1/d is not 1 - 1/(mean of d): a curve"
            " first, then the mean over the stratum's nodes.",
            _with_curve(lambda own: 1 - 1 / own.mean()),
            _with_curve(lambda own: 1 - 1 / np.median(own)),
        ),
        answers_as(
            "curve_inverted",
            "Your curve is 1/d: what a mean of d neighbours gets right about one of them. What it leaves is 1 - 1/d.",
            _with_curve(lambda own: (1 / own).mean()),
        ),
        answers_as(
            "strata_swapped",
            "Hubs and periphery are swapped: hubs are the tenth with the highest degrees.",
            _report(strata=_swapped),
        ),
        answers_as(
            "root",
            "You reported a root. Errors here stay squared, in units of y squared, to be compared with a variance.",
            _report(row=_rooted),
        ),
        Diagnosis(
            "no_checks",
            "Bad input is not refused. Raise a ValueError that names degree if a test node has no neighbour, or if in"
            " some seed a node would be both hub and periphery.",
            _unchecked,
        ),
    ),
)
