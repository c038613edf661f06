"""Chapter 4: graph networks at once against one by one; R-learners on a network against peers; growth with the graph.

``training``: ten SAGE networks, 100 steps of Adam on 800 nodes; the peers are PyTorch Geometric modules with the same
initial weights, trained one after the other, and must end at the same outputs. ``effects``: the corrected simulation on
preferential attachment, fitted to 70 % of the nodes, scored on the rest; peers see a node's own features (blind) or its
neighbours' means too. ``growth``: the Graph R-learner from 10^3 to 10^5 nodes, each in a process of its own.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.causal training [--quick]    # or growth
    OMP_NUM_THREADS=1 .venv-peers/bin/python -m benchmarks.causal effects    # make peers sets it up

A peer that is not installed is named and left out; its rows in the results stay as they are.
"""

import argparse
import csv
import multiprocessing
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor, nn

from benchmarks.table import row, show, target, write
from corelib.causal import (
    BatchedNetworks,
    GraphRLearner,
    LinearEffect,
    NetworkCausalData,
    NodeFolds,
    cate_mse,
    neighbourhood_features,
    simulate_network_cate,
    train_networks,
)
from corelib.causal.study import BOOSTING

RESULTS = Path(__file__).parent / "results" / "causal.csv"
OURS, LOOP, SPARSE = "corelib, all at once", "PyG, one by one", "PyG on a sparse matrix, one by one"
LR, DECAY = 1e-2, 3e-2
SEES = {"blind": 0, "neighbour features": 2}  # hops whose means a peer is handed
# Peers get the settings that serve our own boosting best, not scikit-learn's defaults.
SETTINGS = ("max_iter", "learning_rate", "max_depth", "min_samples_leaf")
PROPENSITY = HistGradientBoostingClassifier(**{name: getattr(BOOSTING, name) for name in SETTINGS})
SIZES = (1_000, 10_000, 100_000)

Learner = Callable[[NetworkCausalData, int], Tensor]  # data and seed to the effect at every node
Peer = Callable[[np.ndarray, NetworkCausalData, int], np.ndarray]  # features, data and seed to the same


def train_alone(network: nn.Module, x: Tensor, graph: Tensor, y: Tensor, mask: Tensor, epochs: int) -> None:
    """Train one module in place, as one would write it for itself."""
    adam = torch.optim.Adam(network.parameters(), lr=LR, weight_decay=DECAY)
    for _ in range(epochs):
        adam.zero_grad()
        nn.functional.mse_loss(network(x, graph)[mask], y[mask]).backward()
        adam.step()


def training(n_networks: int = 10, epochs: int = 100, n: int = 800, repeats: int = 7) -> list[dict]:
    """CPU seconds of all networks, taken in turn so that a drift of the machine meets all alike."""
    data = simulate_network_cate("ba", n, seed=0)
    fold = NodeFolds(n_networks).assign(data.edge_index, data.train_mask, data.t)
    masks = torch.stack([data.train_mask & (fold != m) for m in range(n_networks)])
    x, y = data.x.float(), ((data.y - data.y.mean()) / data.y.std()).float()
    ones = torch.ones(data.edge_index.shape[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR")  # torch calls them a beta
        adjacency = torch.sparse_coo_tensor(data.edge_index, ones, (n, n)).to_sparse_csr()
    seconds = {OURS: [], LOOP: [], SPARSE: []}
    for repeat in range(-1, repeats):  # the first one, which loads modules, is not counted
        batched = BatchedNetworks(n_networks, x.shape[1], seed=0)
        modules = {LOOP: (data.edge_index, batched.separate()), SPARSE: (adjacency, batched.separate())}
        times = {}
        for name, (graph, separate) in modules.items():
            began = time.process_time()
            for network, mask in zip(separate.networks, masks, strict=True):
                train_alone(network, x, graph, y, mask, epochs)
            times[name] = time.process_time() - began
        began = time.process_time()
        train_networks(
            batched, x, data.edge_index, lambda f: (f - y) ** 2, masks, epochs=epochs, lr=LR, weight_decay=DECAY
        )
        times[OURS] = time.process_time() - began
        for name in seconds if repeat >= 0 else ():
            seconds[name].append(times[name])
    for _, separate in modules.values():
        _require_same_outputs(batched, separate, x, data.edge_index)
    return _training_rows(seconds, f"{n_networks} SAGE networks, {n} nodes", epochs)


def _require_same_outputs(ours: nn.Module, theirs: nn.Module, x: Tensor, edge_index: Tensor) -> None:
    with torch.no_grad():
        ours, theirs = ours(x, edge_index), theirs(x, edge_index)
    # Single precision along a hundred steps of Adam, which divides by small numbers: rounding grows.
    distance = ((ours - theirs).norm(dim=1) / ours.norm(dim=1)).max().item()
    if not distance < 0.01:
        raise AssertionError(f"a network ends at other outputs than its peer: relative distance {distance:.2g}")


def _training_rows(seconds: dict[str, list[float]], op: str, epochs: int) -> list[dict]:
    size = ("epochs", epochs)
    rows = [row(op, name, "CPU time", "s", values, x=size) for name, values in seconds.items()]
    for name in (LOOP, SPARSE):
        ratios = [theirs / ours for theirs, ours in zip(seconds[name], seconds[OURS], strict=True)]
        met = target("5x", float(np.median(ratios)) >= 5)
        rows.append(row(op, name, "ratio to ours", "x", ratios, config=met, x=size))
    return rows


def our_learner(final: str | LinearEffect) -> Learner:
    """A Graph R-learner with SAGE nuisances."""
    return lambda data, seed: GraphRLearner("sage", final, folds=NodeFolds(seed=seed), seed=seed).fit(data).effect()


def peers() -> dict[str, Peer]:
    """Installed peers by name."""
    found = {}
    for package, make in {"econml": _econml, "causalml": _causalml}.items():
        try:
            found |= make()
        except ModuleNotFoundError:
            print(f"{package} is not installed and is left out")
    return found


def _econml() -> dict[str, Peer]:
    from econml import dml

    shared = {"model_y": BOOSTING, "model_t": PROPENSITY, "discrete_treatment": True, "cv": 5}
    makers = {
        "EconML LinearDML": lambda seed: dml.LinearDML(**shared, random_state=seed),
        "EconML NonParamDML": lambda seed: dml.NonParamDML(**shared, model_final=BOOSTING, random_state=seed),
        "EconML CausalForestDML": lambda seed: dml.CausalForestDML(**shared, n_jobs=1, random_state=seed),
    }

    def peer(make: Callable) -> Peer:
        def effect(features: np.ndarray, data: NetworkCausalData, seed: int) -> np.ndarray:
            known = data.train_mask.numpy()
            y, t = data.y.numpy()[known], data.t.numpy()[known].astype(int)
            return make(seed).fit(y, t, X=features[known], inference=None).effect(features).ravel()

        return effect

    return {name: peer(make) for name, make in makers.items()}


def _causalml() -> dict[str, Peer]:
    from causalml.inference.meta import BaseRRegressor

    def effect(features: np.ndarray, data: NetworkCausalData, seed: int) -> np.ndarray:
        known = data.train_mask.numpy()
        learner = BaseRRegressor(learner=BOOSTING, n_fold=5, random_state=seed)
        learner.cv_n_jobs = 1
        learner.fit(features[known], data.t.numpy()[known].astype(int), data.y.numpy()[known], verbose=False)
        return learner.predict(features).ravel()

    return {"CausalML BaseRRegressor": effect}


def learners() -> dict[str, Learner]:
    """Ours, and every installed peer with and without the neighbours' features."""

    def seeing(peer: Peer, hops: int) -> Learner:
        return lambda data, seed: torch.from_numpy(peer(neighbourhood_features(data, hops).numpy(), data, seed))

    found = {
        "corelib Graph R-learner": our_learner("sage"),
        "corelib linear on graph features": our_learner(LinearEffect(2)),
    }
    for name, peer in peers().items():
        found |= {f"{name}, {sight}": seeing(peer, hops) for sight, hops in SEES.items()}
    return found


def effects(n: int = 800, seeds: Sequence[int] = (0, 1, 2)) -> list[dict]:
    """Error on held-out nodes and CPU time of every learner on the same draws."""
    draws = [simulate_network_cate("ba", n, seed=seed) for seed in seeds]
    op, size = "effects on a BA graph", ("nodes", n)
    spread = [data.tau[data.test_mask].var(correction=0).item() for data in draws]
    rows = [row(op, "best constant", "error", "squared", spread, config="variance of the effect", x=size)]
    for name, learner in learners().items():
        learner(simulate_network_cate("ba", 200, seed=9), 9)  # loads and compiles
        errors, seconds = [], []
        for seed, data in zip(seeds, draws, strict=True):
            began = time.process_time()
            found = learner(data, seed)
            seconds.append(time.process_time() - began)
            errors.append(cate_mse(found, data.tau, data.test_mask))
        remark = f"seeds {', '.join(map(str, seeds))}: " + ", ".join(f"{error:.2f}" for error in errors)
        rows.append(row(op, name, "error", "squared", errors, config=remark, x=size))
        rows.append(row(op, name, "CPU time", "s", seconds, x=size))
    return rows


def fit_once(n: int) -> tuple[float, float]:
    """CPU seconds of one fit of the Graph R-learner, and the process's peak memory in MB."""
    torch.set_num_threads(1)
    our_learner("sage")(simulate_network_cate("ba", 200, seed=9), 9)
    data = simulate_network_cate("ba", n, seed=0)
    began = time.process_time()
    GraphRLearner().fit(data)
    seconds = time.process_time() - began
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def growth(sizes: Sequence[int] = SIZES, repeats: int = 1) -> list[dict]:
    """Time and peak memory against the number of nodes, and the exponent of each step in size."""
    op, name, rows, medians = "fit on a BA graph", "corelib Graph R-learner", [], []
    context = multiprocessing.get_context("spawn")  # each size has its own peak
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for n in sizes:
            seconds, peaks = zip(*pool.map(fit_once, [n] * repeats), strict=True)
            rows.append(row(op, name, "CPU time", "s", seconds, config="5 folds, 100 + 150 epochs", x=("nodes", n)))
            rows.append(row(op, name, "peak memory", "MB", peaks, config="of the whole process", x=("nodes", n)))
            medians.append(float(np.median(seconds)))
    exponents = np.diff(np.log(medians)) / np.diff(np.log(sizes))
    for exponent, low, high in zip(exponents, sizes, sizes[1:], strict=False):
        rows.append(row(op, name, "exponent of time", "", exponent, config=f"from {low} to {high}", x=("nodes", high)))
    return rows


def keep(path: Path, rows: list[dict]) -> list[dict]:
    """The rows of a results file with those measured anew put in their place."""

    def key(found: dict) -> tuple:
        return found["op"], found["provider"], found["metric"], float(found["x_value"])

    stored = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            stored = list(csv.DictReader(file))
    merged = {key(found): found for found in stored} | {key(found): found for found in rows}
    return list(merged.values())


PARTS = {"training": training, "effects": effects, "growth": growth}
QUICK = {"training": {"repeats": 1}, "effects": {"seeds": (0,)}, "growth": {"sizes": SIZES[:2]}}


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part only")
    parser.add_argument("--quick", action="store_true", help="less of everything, and leave the recorded file alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=FutureWarning)  # of the peers, about scikit-learn
    for part in [arguments.part] if arguments.part else PARTS:
        rows = PARTS[part](**QUICK[part] if arguments.quick else {})
        show(rows)
        if not arguments.quick:
            write(RESULTS, keep(RESULTS, rows))


if __name__ == "__main__":
    main()
