"""Chapter 5: DMD and EDMD against PyDMD and deeptime; the lattice Boltzmann method against plain NumPy.

``dmd``: fourteen waves in noise, rank 14, every fit in a process of its own, whose peak memory is measured too. All fit
the same matrix: projected modes for ours and deeptime (``mode="standard"``), PyDMD as it comes; the eigenvalues must
agree to 1e-10. PyDMD also takes the condition number of the data, by another SVD, to warn of a large one. ``edmd``:
products up to degree 3 on Lorenz-63, in standard units and as it is. ``lattice``: million lattice updates a second of a
vortex street, the same fields after 200 steps. All are CPU times, for a machine with other work to do; where there is a
CUDA device, Triton joins, in float32 and wall time.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.koopman [dmd | edmd | lattice] [--quick]

Left out: pykoopman, whose dependencies do not go with ours; 10^5 snapshots of 10^4 states, 8 GB, of which the peers
make copies; and 10^4 of 10^4, where an SVD would take the peers about a quarter of an hour a fit.
"""

import argparse
import functools
import multiprocessing
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.causal import keep
from benchmarks.table import row, show, target
from benchmarks.table import write as write_rows
from corelib.koopman.dmd import dmd
from corelib.koopman.edmd import Monomials, edmd
from corelib.koopman.lattice_boltzmann import vortex_street
from corelib.koopman.systems import lorenz63, lorenz63_starts

RESULTS = Path(__file__).parent / "results" / "koopman.csv"
OURS, PYDMD, DEEPTIME, PLAIN = "corelib", "PyDMD", "deeptime", "plain NumPy"
RANK = 14
SIZES = ((1_000, 1_000), (10_000, 1_000), (100_000, 1_000), (1_000, 10_000), (3_000, 10_000))  # snapshots, states
GRIDS = ((128, 64), (256, 128), (512, 256))


def waves_in_noise(n_snapshots: int, n_states: int) -> Tensor:
    """A series of ``n_snapshots`` + 1 states: seven damped oscillations seen through as many planes, and noise."""
    generator = torch.Generator().manual_seed(0)
    times = torch.arange(n_snapshots + 1, dtype=torch.float64)[:, None]
    angles = torch.linspace(0.1, 2.5, RANK // 2, dtype=torch.float64) * times
    waves = torch.cat([angles.cos(), angles.sin()], dim=1) * (-times / n_snapshots).exp()
    places = torch.randn(RANK, n_states, generator=generator, dtype=torch.float64)
    noise = torch.randn(n_snapshots + 1, n_states, generator=generator, dtype=torch.float64)
    return noise.mul_(0.1).addmm_(waves, places)


def fit_dmd(provider: str, series: Tensor) -> np.ndarray:
    """Eigenvalues of rank 14 by one provider."""
    if provider == OURS:
        return dmd(series[:-1], series[1:], rank=RANK).eigenvalues.numpy()
    array = series.numpy()
    if provider == PYDMD:
        from pydmd import DMD

        return DMD(svd_rank=RANK).fit(array.T).eigs
    from deeptime.decomposition import DMD

    return DMD(mode="standard", rank=RANK).fit((array[:-1], array[1:])).fetch_model().eigenvalues


def fit_once(provider: str, n_snapshots: int, n_states: int) -> tuple[float, float, np.ndarray]:
    """CPU seconds of one fit, peak memory of this process in MB, and the eigenvalues."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=UserWarning, module="pydmd")  # of the condition number
    fit_dmd(provider, waves_in_noise(100, 50))  # libraries load their code on the first call
    series = waves_in_noise(n_snapshots, n_states)
    start = time.process_time()
    found = fit_dmd(provider, series)
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found


def require_same(ours: np.ndarray, theirs: np.ndarray, tolerance: float, what: str) -> None:
    """AssertionError unless each eigenvalue has its like, up to a share of the largest."""
    away = np.abs(np.asarray(ours)[:, None] - np.asarray(theirs))
    worst = max(away.min(0).max(), away.min(1).max()) / np.abs(ours).max()
    assert worst < tolerance, f"eigenvalues of {what} differ from ours by {worst:.1e}; expected {tolerance}"


def bench_dmd(sizes: Sequence[tuple[int, int]] = SIZES, repeats: int = 3) -> list[dict]:
    """CPU time and peak memory of DMD."""
    rows = []
    context = multiprocessing.get_context("spawn")  # each fit has its own peak
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for n_snapshots, n_states in sizes:
            rounds = repeats if min(n_snapshots, n_states) < 3_000 else 1  # the peers' SVD takes minutes
            found = {provider: [] for provider in (OURS, PYDMD, DEEPTIME)}
            for _ in range(rounds):  # in turn, so that a drift of the machine meets all alike
                for provider, runs in found.items():
                    runs.append(pool.submit(fit_once, provider, n_snapshots, n_states).result())
            for provider, runs in found.items():
                require_same(found[OURS][0][2], runs[0][2], 1e-10, provider)
            times = {provider: [run[0] for run in runs] for provider, runs in found.items()}
            op, size = f"DMD, {n_states} states", ("snapshots", n_snapshots)
            wanted = {PYDMD: 3.0 if n_snapshots > n_states else 1.0, DEEPTIME: 1.0}
            rows += rows_of(op, times, wanted, size)
            remark = f"of the whole process; the series takes {n_snapshots * n_states * 8 / 1e6:.0f}"
            for provider, runs in found.items():
                rows.append(row(op, provider, "peak memory", "MB", [run[1] for run in runs], config=remark, x=size))
    return rows


def lorenz_pairs(n: int, standard: bool) -> tuple[Tensor, Tensor]:
    """``n`` states of Lorenz-63, 0.02 apart on paths of 1000, and the states after them, in standard units or not."""
    paths = lorenz63(lorenz63_starts(n // 1000, rng=0), 1000)
    if standard:
        paths = (paths - paths.mean((0, 1))) / paths.std((0, 1))
    return paths[:, :-1].reshape(-1, 3), paths[:, 1:].reshape(-1, 3)


def bench_edmd(sizes: Sequence[int] = (10_000, 100_000), repeats: int = 15) -> list[dict]:
    """CPU time of EDMD with 20 monomials. deeptime fits no readout; ours does."""
    from deeptime.basis import Monomials as PeerMonomials
    from deeptime.decomposition import EDMD

    rows = []
    for standard in (True, False):
        op = f"EDMD, Lorenz-63 {'in standard units' if standard else 'as it is'}"
        for n in sizes:
            x, y = lorenz_pairs(n, standard)
            calls = {
                OURS: lambda x=x, y=y: edmd(x, y, Monomials(3, 3)).eigenvalues.numpy(),
                DEEPTIME: lambda x=x, y=y: EDMD(PeerMonomials(3, 3)).fit((x.numpy(), y.numpy())).model.eigenvalues,
            }
            # As it is, z^3 stands beside 1, and deeptime's squared singular values lose half of the digits.
            require_same(calls[OURS](), calls[DEEPTIME](), 1e-10 if standard else 1e-6, DEEPTIME)
            rows += rows_of(op, in_turn(calls, repeats), {DEEPTIME: 1.0 if standard else None}, ("snapshots", n))
    return rows


def numpy_street(n_steps: int, nx: int, ny: int, *, reynolds: float = 100.0, inflow: float = 0.15) -> np.ndarray:
    """Velocities ``(2, ny, nx)`` of :func:`vortex_street` in units of the inflow, written as one would in NumPy."""
    diameter = ny // 8
    c = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)])
    weights = np.array([4 / 9] + [1 / 9] * 4 + [1 / 36] * 4)[:, None, None]
    opposite = [0, 3, 4, 1, 2, 7, 8, 5, 6]
    y, x = np.mgrid[:ny, :nx]
    solid = (x - nx // 5) ** 2 + (y - ny // 2) ** 2 <= (diameter / 2) ** 2
    rate = 1 / (3 * inflow * diameter / reynolds + 0.5)

    def equilibrium(density, u):
        along = np.tensordot(c, u, 1)
        return weights * density * (1 + 3 * along + 4.5 * along**2 - 1.5 * (u**2).sum(0))

    across = 0.05 * np.sin(4 * np.pi * x / nx) * np.exp(-(((y - ny // 2) / diameter) ** 2))
    f = equilibrium(np.ones((ny, nx)), inflow * np.stack([np.ones((ny, nx)), across]) * ~solid)
    inlet = equilibrium(np.ones((1, 1)), np.array([inflow, 0.0])[:, None, None])[:, 0]
    from_solid = [np.roll(solid, (down, right), (0, 1)) & ~solid for right, down in c]
    for _ in range(n_steps):
        moved = np.stack([np.roll(f[i], (down, right), (0, 1)) for i, (right, down) in enumerate(c)])
        for i in range(9):
            moved[i][from_solid[i]] = f[opposite[i]][from_solid[i]]
        moved[:, solid] = f[:, solid]
        for i in np.flatnonzero(c[:, 0] < 0):
            moved[i, :, -1] = moved[i, :, -2]
        moved[:, :, 0] = inlet
        density = moved.sum(0)
        f = moved + rate * (equilibrium(density, np.tensordot(c.T, moved, 1) / density) - moved)
    return np.tensordot(c.T, f, 1) / f.sum(0) / inflow * ~solid


def our_street(backend: str, n_steps: int, nx: int, ny: int) -> np.ndarray:
    """The last velocities of :func:`vortex_street`, the only frame it takes."""
    found = vortex_street(n_steps, nx=nx, ny=ny, diameter=ny // 8, every=n_steps, pool=1, backend=backend)
    return found.velocity[-1].numpy()


def streets() -> dict[str, tuple[Callable[[int, int, int], np.ndarray], Callable[[], float], float]]:
    """How to compute a street, by which clock, and how near to NumPy's its fields must be."""
    found = {name: (functools.partial(our_street, name), time.process_time, 1e-10) for name in ("numba", "torch")}
    if torch.cuda.is_available():
        found["triton"] = functools.partial(our_street, "triton"), time.perf_counter, 1e-4
    return {f"corelib, {name}": street for name, street in found.items()} | {
        PLAIN: (numpy_street, time.process_time, 1e-15)
    }


def updates_per_second(street: Callable, clock: Callable[[], float], nx: int, ny: int, steps: int) -> float:
    """Million lattice updates a second, from the difference of two runs, so that the set-up is not counted."""
    seconds = []
    for n_steps in (steps // 5, steps // 5 + steps):
        start = clock()
        street(n_steps, nx, ny)
        seconds.append(clock() - start)
    return steps * nx * ny / (seconds[1] - seconds[0]) / 1e6


def bench_lattice(grids: Sequence[tuple[int, int]] = GRIDS, updates: int = 20_000_000, repeats: int = 5) -> list[dict]:
    """Million lattice updates a second; the default back end should be three times as fast as NumPy."""
    rows = []
    for nx, ny in grids:
        expected = numpy_street(200, nx, ny)
        for name, (street, _, tolerance) in streets().items():
            away = np.abs(street(200, nx, ny) - expected).max()
            assert away < tolerance, f"fields of {name} differ by {away:.1e} after 200 steps"
        rates = {name: [] for name in streets()}
        for _ in range(repeats):
            for name, (street, clock, _) in streets().items():
                rates[name].append(updates_per_second(street, clock, nx, ny, max(updates // (nx * ny), 20)))
        size, plain = ("cells", nx * ny), statistics.median(rates[PLAIN])
        for name, values in rates.items():
            mode = "gpu, wall time" if name.endswith("triton") else "cpu, one thread"
            rows.append(row("vortex street", name, "speed", "MLUPS", values, config=f"{nx} x {ny}", mode=mode, x=size))
            if name != PLAIN:
                ratios = [value / plain for value in values]
                met = target("3x", statistics.median(ratios) >= 3) if name.endswith("numba") else ""
                rows.append(row("vortex street", name, "ratio to NumPy", "x", ratios, config=met, mode=mode, x=size))
    return rows


def in_turn(calls: Mapping[str, Callable], repeats: int) -> dict[str, list[float]]:
    """CPU seconds of each call, taken in turn."""
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return times


def rows_of(op: str, times: Mapping[str, list[float]], wanted: Mapping[str, float | None], x: tuple) -> list[dict]:
    """CPU time of every provider, and each peer's ratio to our median."""
    ours, rows = statistics.median(times[OURS]), []
    for provider, values in times.items():
        rows.append(row(op, provider, "CPU time", "s", values, x=x))
        if provider in wanted:
            ratios, goal = [value / ours for value in values], wanted[provider]
            met = target(f"{goal:g}x", statistics.median(ratios) >= goal) if goal else "not to the same digits"
            rows.append(row(op, provider, "ratio to ours", "x", ratios, config=met, x=x))
    return rows


PARTS = {"dmd": bench_dmd, "edmd": bench_edmd, "lattice": bench_lattice}
QUICK = {
    "dmd": {"sizes": ((1_000, 1_000), (10_000, 1_000)), "repeats": 1},
    "edmd": {"repeats": 5},
    "lattice": {"grids": GRIDS[:2], "updates": 2_000_000, "repeats": 3},
}


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=PARTS, help="one part only")
    parser.add_argument("--quick", action="store_true", help="less of everything, and leave the recorded file alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for part in [arguments.part] if arguments.part else PARTS:
        rows = PARTS[part](**QUICK[part] if arguments.quick else {})
        show(rows)
        if not arguments.quick:
            write_rows(RESULTS, keep(RESULTS, rows))


if __name__ == "__main__":
    main()
