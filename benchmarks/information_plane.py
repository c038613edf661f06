"""Time the information plane against its peers: one run, one thread, medians of interleaved repeats.

Peers are re-implemented here from their descriptions: the released EBAB code path (a loop over all inputs), the dense
NumPy KDE, scikit-learn's KernelDensity, a loop over networks, and vmap(grad). Every timed result is checked against
ours before it counts. Run it with one thread:

    OMP_NUM_THREADS=1 python -m benchmarks.information_plane [--quick]
"""

import argparse
import math
import multiprocessing
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.neighbors import KernelDensity as SklearnKernelDensity
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks.table import row, show, target, write
from corelib.datasets import szt_task, train_test_split
from corelib.information import binned_information, ebab_edges, kde_information
from corelib.information.study import SZT_HIDDEN, StudySettings, run_study
from corelib.training import Adam, MLPEnsemble
from corelib.training.gradients import fused_gradients

RESULTS = Path(__file__).parent / "results" / "information_plane.csv"
LN2 = math.log(2)


def released_edges(values: np.ndarray, n_bins: int, floor: float) -> np.ndarray:
    """Edges of one layer at one epoch, as the released code makes them (its rounding mended)."""
    unique = np.unique(values)
    unique = unique[unique != floor]
    inner = [unique[k * len(unique) // n_bins] for k in range(n_bins)]
    return np.array([floor, *inner, unique[-1]])


def released_plane(h: np.ndarray, x_codes: np.ndarray, y: np.ndarray, n_bins: int, floor: float, loop: bool):
    """I(X;T), I(Y;T) in bits of one layer at one epoch; ``loop`` adds H(T|X) over all distinct inputs."""

    def entropy(rows):
        _, counts = np.unique(rows, return_counts=True)
        p = counts / counts.sum()
        return -(p * np.log2(p)).sum()

    bins = np.digitize(h, released_edges(h.ravel(), n_bins, floor)) - 1
    rows = np.ascontiguousarray(bins).view(np.dtype((np.void, bins.dtype.itemsize * bins.shape[1]))).ravel()
    total = entropy(rows)
    given_x = 0.0
    if loop:
        given_x = sum(entropy(rows[x_codes == code]) / len(x_codes) for code in range(len(x_codes)))
    given_y = sum((y == label).mean() * entropy(rows[y == label]) for label in np.unique(y))
    return total - given_x, total - given_y


def dense_kde(h: np.ndarray, noise_variance: float) -> float:
    """Upper bound on I(X;T), bits, with the N x N matrix in float32."""
    squares = (h**2).sum(1, keepdims=True)
    distance = squares + squares.T - 2 * h @ h.T
    return float(-(logsumexp(-distance / np.float32(2 * noise_variance), axis=1) - np.log(len(h))).mean() / LN2)


def sklearn_kde(h: np.ndarray, noise_variance: float) -> float:
    """Upper bound on I(X;T), bits, from scikit-learn's density at the samples."""
    density = SklearnKernelDensity(bandwidth=math.sqrt(noise_variance)).fit(h).score_samples(h)
    d = h.shape[1]
    noise_entropy = d / 2 * math.log(2 * math.pi * math.e * noise_variance)
    return float((d / 2 - density.mean() - noise_entropy) / LN2)


def interleaved(calls: dict, repeats: int) -> dict[str, list[float]]:
    """Milliseconds of each call, taken in turn so that a drift of the machine meets all alike."""
    times = {name: [] for name in calls}
    for _ in range(repeats + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - began) * 1e3)
    return {name: values[1:] for name, values in times.items()}  # the first round warms up


def bench_binning(quick: bool) -> tuple[dict, dict]:
    """Milliseconds a layer-epoch; layers and epochs of real ReLU networks."""
    task, kept = szt_task(), {}
    run_study(task, StudySettings("relu", n_models=4, epochs=60, lr=8e-3, snapshots=6), keep=kept, progress=False)
    batch = [torch.cat([layers[i] for layers in kept.values()]) for i in range(5)]  # (R, 4096, D) for each layer
    x_codes, y = np.arange(4096), task.y.numpy()
    single = [h[-1].numpy() for h in batch]
    n_problems = sum(len(h) for h in batch)

    def ours():
        return [binned_information(h, task.y, ebab_edges(h, 30, floor=0.0)) for h in batch]

    for h, found in zip(single, ours(), strict=True):
        peer = released_plane(h, x_codes, y, 30, 0.0, loop=True)
        assert abs(peer[0] - found.ixt_bits[-1].item()) < 1e-12 and abs(peer[1] - found.iyt_bits[-1].item()) < 1e-12
    calls = {
        "ours (batched)": ours,
        "released (loop over x)": lambda: [released_plane(h, x_codes, y, 30, 0.0, loop=True) for h in single],
        "released without its loop": lambda: [released_plane(h, x_codes, y, 30, 0.0, loop=False) for h in single],
    }
    times = interleaved(calls, 3 if quick else 7)
    each = {name: (n_problems if name.startswith("ours") else len(single)) for name in calls}
    times = {name: [t / each[name] for t in values] for name, values in times.items()}
    return times, {"released (loop over x)": 20.0, "released without its loop": 1.0}


def bench_kde(quick: bool) -> tuple[dict, dict]:
    """Milliseconds for one layer of 4096 samples and 10 units: ours gives both bounds and class sums."""
    task, kept = szt_task(), {}
    run_study(task, StudySettings("tanh", n_models=1, epochs=60, lr=8e-3, snapshots=2), keep=kept, progress=False)
    h = kept[60][0]
    array = h[0].numpy().copy()
    found = kde_information(h, task.y, 1e-3).ixt_upper.item() / LN2
    assert abs(dense_kde(array, 1e-3) - found) < 1e-5 and abs(sklearn_kde(array, 1e-3) - found) < 1e-5
    calls = {
        "ours (streaming, both bounds)": lambda: kde_information(h, task.y, 1e-3),
        "dense NumPy (upper bound)": lambda: dense_kde(array, 1e-3),
        "scikit-learn (upper bound)": lambda: sklearn_kde(array, 1e-3),
    }
    return interleaved(calls, 5 if quick else 11), {"dense NumPy (upper bound)": 6.0, "scikit-learn (upper bound)": 5.0}


def bench_training(quick: bool) -> tuple[dict, dict]:
    """Milliseconds a step of 50 networks, batch 512, Adam."""
    task, split = szt_task(), train_test_split(4096)
    index = split.train[:512]
    x, y = task.x[index], task.y[index]
    columns, onehot = x.T.contiguous(), nn.functional.one_hot(y, 2).T.float().contiguous()
    sizes = (12, *SZT_HIDDEN, 2)
    ensemble = MLPEnsemble(50, sizes, "tanh")
    nets = [_as_module(ensemble, m) for m in range(50)]
    optimisers = [torch.optim.Adam(net.parameters(), lr=4e-4) for net in nets]
    stacked, _ = stack_module_state([_as_module(ensemble, m) for m in range(50)])
    stacked = {name: value.detach().clone().requires_grad_() for name, value in stacked.items()}
    stacked_adam = torch.optim.Adam(stacked.values(), lr=4e-4, foreach=True)
    skeleton = _as_module(ensemble, 0)
    gradient, adam = torch.empty_like(ensemble.parameters), Adam(ensemble.parameters, 4e-4)

    def ours():
        fused_gradients(ensemble, columns, onehot, 0.0, gradient)
        adam.step(gradient)

    def loop():
        for net, optimiser in zip(nets, optimisers, strict=True):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimiser.step()

    def loss(parameters):
        return nn.functional.cross_entropy(functional_call(skeleton, parameters, (x,)), y)

    def vmapped():
        for name, value in vmap(grad(loss))(stacked).items():
            stacked[name].grad = value
        stacked_adam.step()

    calls = {"ours (fused)": ours, "loop over networks": loop, "vmap(grad), foreach Adam": vmapped}
    times = interleaved(calls, 10 if quick else 30)
    for m in (0, 49):  # all three took the same steps from the same weights
        torch.testing.assert_close(ensemble.weights[0][m], nets[m][0].weight.data, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(ensemble.weights[0][m], stacked["0.weight"].data[m], rtol=1e-3, atol=1e-4)
    return times, {"loop over networks": 8.0, "vmap(grad), foreach Adam": 2.0}


def _as_module(ensemble: MLPEnsemble, m: int) -> nn.Sequential:
    layers = []
    for weight, bias in zip(ensemble.weights, ensemble.biases, strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[1])
        linear.weight.data.copy_(weight[m])
        linear.bias.data.copy_(bias[m])
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _peak_growth(n: int, queue) -> None:
    torch.set_num_threads(1)
    h = torch.randn(1, n, 10, generator=torch.Generator().manual_seed(0))
    y = torch.arange(n) % 2
    kde_information(h[:, :2048], y[:2048], 1e-3)  # libraries load their code on the first call
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
    before = _status_kb("VmRSS")
    kde_information(h, y, 1e-3)
    queue.put((_status_kb("VmHWM") - before) / 1024)


def _status_kb(name: str) -> int:
    """A line of /proc/self/status in kB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def peak_memory(n: int) -> float:
    """MB by which the peak resident size of a fresh process grows in one call with ``n`` samples."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_peak_growth, args=(n, queue))
    process.start()
    growth = queue.get()
    process.join()
    return growth


def rows_of(op: str, times: dict, targets: dict) -> list[dict]:
    """Result rows: a time for every provider, a ratio to ours for every peer."""
    ours = statistics.median(next(iter(times.values())))
    rows = []
    for provider, values in times.items():
        rows.append(row(op, provider, "time", "ms", values, x=("N", 4096)))
        if provider in targets:
            ratios = [value / ours for value in values]
            config = target(f"{targets[provider]:g}x", statistics.median(ratios) >= targets[provider])
            rows.append(row(op, provider, "ratio to ours", "x", ratios, config=config, x=("N", 4096)))
    return rows


def main() -> None:
    """Run all of it, print the table, and write it to benchmarks/results."""
    parser = argparse.ArgumentParser(description="Time the information plane against its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, and keep the results file as it is")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    rows = rows_of("EBAB plane, a layer-epoch", *bench_binning(quick))
    rows += rows_of("KDE of a layer", *bench_kde(quick))
    rows += rows_of("training step, 50 networks", *bench_training(quick))
    growth, n = peak_memory(20_000), ("N", 20_000)
    met = target("< 64 MB", growth < 64)
    rows.append(row("KDE of a layer", "ours", "peak memory growth", "MB", growth, config=met, x=n))
    show(rows)
    if not quick:
        write(RESULTS, rows)


if __name__ == "__main__":
    main()
