"""Chapter 4: graph networks at once against one by one; R-learners on a network against peers; growth with the graph.

``training``: ten SAGE networks, 100 steps of Adam on 800 nodes; the peers are PyTorch Geometric modules with the same
initial weights, trained one after the other, and must end at the same outputs (checked in double precision).
``effects``: the corrected simulation on preferential attachment, fitted to 70 % of the nodes, scored on the rest; peers
see a node's own features (blind) or its neighbours' means too. ``growth``: the Graph R-learner from 10^3 to 10^5 nodes,
each in a process of its own.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.causal training [--quick]    # or growth
    OMP_NUM_THREADS=1 .venv-peers/bin/python -m benchmarks.causal effects    # make peers sets it up

A peer that is not installed is named and left out; its rows in the results stay as they are.
"""

import argparse
import csv
import itertools
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
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

RESULTS = Path(__file__).parent / "results" / "causal.csv"
OURS, LOOP, SPARSE = "corelib, all at once", "PyG, one by one", "PyG on a sparse matrix, one by one"
LR, DECAY = 1e-2, 3e-2
SEES = {"blind": 0, "neighbour features": 2}  # hops whose means a peer is handed
# Shallow and slow: scikit-learn's defaults follow the noise of this target too far in a boosted final stage.
SHALLOW = {"max_iter": 60, "learning_rate": 0.05, "max_depth": 3, "min_samples_leaf": 20}
BOOSTING, PROPENSITY = HistGradientBoostingRegressor(**SHALLOW), HistGradientBoostingClassifier(**SHALLOW)
SIZES = {1_000: 3, 10_000: 3, 100_000: 1}  # nodes to repeats

Learner = Callable[[NetworkCausalData, int], Tensor]  # data and seed to the effect at every node
Peer = Callable[[np.ndarray, NetworkCausalData, int], np.ndarray]  # features, data and seed to the same


def train_alone(network: nn.Module, x: Tensor, graph: Tensor, y: Tensor, mask: Tensor, epochs: int) -> None:
    """Train one module in place, as one would write it for itself."""
    adam = torch.optim.Adam(network.parameters(), lr=LR, weight_decay=DECAY)
    for _ in range(epochs):
        adam.zero_grad()
        nn.functional.mse_loss(network(x, graph)[mask], y[mask]).backward()
        adam.step()


def train_all(n_networks: int, epochs: int, n: int, dtype: torch.dtype) -> dict[str, tuple[float, Tensor]]:
    """CPU seconds and final outputs ``(M, n)`` of ours and of both peers, from the same initial weights."""
    data = simulate_network_cate("ba", n, seed=0)
    fold = NodeFolds(n_networks).assign(data.edge_index, data.train_mask, data.t)
    masks = torch.stack([data.train_mask & (fold != m) for m in range(n_networks)])
    x, y, edge_index = data.x.to(dtype), ((data.y - data.y.mean()) / data.y.std()).to(dtype), data.edge_index
    adjacency = torch.sparse_coo_tensor(edge_index, torch.ones(edge_index.shape[1], dtype=dtype), (n, n))
    batched = BatchedNetworks(n_networks, x.shape[1], seed=0, dtype=dtype)
    found = {}
    for name, graph in ((LOOP, edge_index), (SPARSE, adjacency.to_sparse_csr())):
        separate = batched.separate()
        began = time.process_time()
        for network, mask in zip(separate.networks, masks, strict=True):
            train_alone(network, x, graph, y, mask, epochs)
        found[name] = time.process_time() - began, separate(x, edge_index).detach()
    began = time.process_time()
    train_networks(batched, x, edge_index, lambda f: (f - y) ** 2, masks, epochs=epochs, lr=LR, weight_decay=DECAY)
    return {OURS: (time.process_time() - began, batched(x, edge_index).detach())} | found


def training(n_networks: int = 10, epochs: int = 100, n: int = 800, repeats: int = 7) -> list[dict]:
    """CPU seconds of all networks, taken in turn so that a drift of the machine meets all alike."""
    op, size = f"{n_networks} SAGE networks, {n} nodes", ("epochs", epochs)
    # Adam divides by small numbers: in single precision even the two peers part ways. Double shows the same algorithm,
    # and loads the modules, which are not what is timed.
    _require_same_outputs({name: f for name, (_, f) in train_all(n_networks, epochs, n, torch.float64).items()})
    runs = [train_all(n_networks, epochs, n, torch.float32) for _ in range(repeats)]
    seconds = {name: [run[name][0] for run in runs] for name in (OURS, LOOP, SPARSE)}
    rows = [row(op, name, "CPU time", "s", values, x=size) for name, values in seconds.items()]
    for name in (LOOP, SPARSE):
        ratios = [theirs / ours for theirs, ours in zip(seconds[name], seconds[OURS], strict=True)]
        met = target("5x", float(np.median(ratios)) >= 5)
        rows.append(row(op, name, "ratio to ours", "x", ratios, config=met, x=size))
    return rows


def _require_same_outputs(outputs: dict[str, Tensor]) -> None:
    for name, theirs in outputs.items():
        distance = ((theirs - outputs[OURS]).norm(dim=1) / outputs[OURS].norm(dim=1)).max().item()
        if not distance < 1e-5:
            raise AssertionError(f"networks trained by {name} end elsewhere: relative distance {distance:.2g}")


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


def effects(n: int = 800, seeds: Sequence[int] = range(10)) -> list[dict]:
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
        remark = f"mean {np.mean(errors):.2f} over {len(errors)} draws"
        rows.append(row(op, name, "error", "squared", errors, config=remark, x=size))
        rows.append(row(op, name, "CPU time", "s", seconds, x=size))
    return rows


def fit_once(n: int) -> tuple[float, float, float]:
    """CPU seconds of one fit of the Graph R-learner, those of them in the system, and the peak memory in MB."""
    torch.set_num_threads(1)
    our_learner("sage")(simulate_network_cate("ba", 200, seed=9), 9)
    data = simulate_network_cate("ba", n, seed=0)
    began = os.times()
    GraphRLearner().fit(data)
    ended = os.times()
    user, system = ended.user - began.user, ended.system - began.system
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return user + system, system, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def growth(sizes: Mapping[int, int] = SIZES) -> list[dict]:
    """Time and peak memory against the number of nodes, and the exponent of each step in size."""
    op, name, rows, medians = "fit on a BA graph", "corelib Graph R-learner", [], []
    context = multiprocessing.get_context("spawn")  # each size has its own peak
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for n, repeats in sizes.items():
            seconds, system, peaks = zip(*pool.map(fit_once, [n] * repeats), strict=True)
            size, remark, pages = ("nodes", n), "5 folds, 100 + 150 epochs", "pages that malloc gave back each step"
            rows.append(row(op, name, "CPU time", "s", seconds, config=remark, x=size))
            rows.append(row(op, name, "of it, system", "s", system, config=pages, x=size))
            rows.append(row(op, name, "peak memory", "MB", peaks, config="of the whole process", x=size))
            medians.append(float(np.median(seconds)))
    exponents = np.diff(np.log(medians)) / np.diff(np.log(list(sizes)))
    for exponent, (low, high) in zip(exponents, itertools.pairwise(sizes), strict=True):
        rows.append(row(op, name, "exponent of time", "", exponent, config=f"from {low:,} nodes", x=("nodes", high)))
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
QUICK = {"training": {"repeats": 1}, "effects": {"seeds": range(2)}, "growth": {"sizes": {1_000: 1, 10_000: 1}}}


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part only")
    parser.add_argument("--quick", action="store_true", help="less of everything, and leave the recorded file alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for category in (FutureWarning, ConvergenceWarning):  # the peers': of scikit-learn, of CausalML's own propensities
        warnings.filterwarnings("ignore", category=category)
    warnings.filterwarnings("ignore", message="Sparse")  # torch's, about its compressed rows
    for part in [arguments.part] if arguments.part else PARTS:
        rows = PARTS[part](**QUICK[part] if arguments.quick else {})
        show(rows)
        if not arguments.quick:
            write(RESULTS, keep(RESULTS, rows))


if __name__ == "__main__":
    main()
