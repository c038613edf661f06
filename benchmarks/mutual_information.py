"""Mutual information of two vectors against peers: CPU time and error on the same samples, one thread, one run.

The grid is d + d Gaussian dimensions with 2 nats (0.5 nats in 1 + 1), KSG with k = 3 wherever a peer has it. A peer
that has taken over five seconds at one size is not asked for a larger one, and its rows say so. Peers that are not
installed are left out and named:

    pip install npeet-plus infomeasure ennemi entropy-estimators
"""

import argparse
import importlib
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.table import row, show, target, write
from corelib.information import EstimatorWarning, kl_mi, ksg_mi
from corelib.information.known import FAMILIES, correlated_normal, swiss_roll

OURS = "corelib KSG1"
RESULTS = Path(__file__).parent / "results" / "mutual_information.csv"
DIMENSIONS = (1, 2, 4, 8, 10)
SIZES = (1_000, 10_000, 50_000, 100_000)
PATIENCE = 5.0  # CPU seconds, after which a peer is not asked for a larger N
TWICE_AS_FAST = {(1, 10_000), (1, 100_000), (10, 10_000)}
BARS = {1: 0.04, 2: 0.10, 4: 0.13}

Estimator = Callable[[np.ndarray, np.ndarray], float]


def ours(x: np.ndarray, y: np.ndarray) -> float:
    """KSG1 with our choice of back end."""
    return ksg_mi(x, y, 3).value


def peers() -> dict[str, tuple[Estimator, bool]]:
    """Installed peers: name to (estimator in nats, whether it takes more than 1 + 1 dimensions)."""
    makers = {
        "scikit-learn": _scikit_learn,
        "npeet-plus": _npeet_plus,
        "infomeasure": _infomeasure,
        "ennemi": _ennemi,
        "entropy-estimators": _entropy_estimators,
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ModuleNotFoundError:
            print(f"{name} is not installed and is left out")
    return found


def _scikit_learn() -> tuple[Estimator, bool]:
    from sklearn.feature_selection import mutual_info_regression

    return lambda x, y: float(mutual_info_regression(x, y[:, 0], n_neighbors=3)[0]), False


def _npeet_plus() -> tuple[Estimator, bool]:
    module = importlib.import_module("npeet_plus")
    return lambda x, y: float(module.mi(x, y, k=3, base=np.e)), True


def _infomeasure() -> tuple[Estimator, bool]:
    module = importlib.import_module("infomeasure")
    return lambda x, y: float(module.mutual_information(x, y, approach="ksg", k=3)), True


def _ennemi() -> tuple[Estimator, bool]:
    module = importlib.import_module("ennemi")
    return lambda x, y: float(module.estimate_mi(y[:, 0], x[:, 0], k=3)[0, 0]), False


def _entropy_estimators() -> tuple[Estimator, bool]:
    module = importlib.import_module("entropy_estimators.continuous")
    return lambda x, y: float(module.get_mi(x, y, k=3)), True


def cpu_seconds(estimator: Estimator, x: np.ndarray, y: np.ndarray) -> tuple[list[float], float]:
    """CPU seconds of up to seven repetitions, until they have taken four, and the estimate."""
    seconds = []
    while len(seconds) < 7 and sum(seconds) < 4:
        start = time.process_time()
        value = estimator(x, y)
        seconds.append(time.process_time() - start)
    return seconds, value


def speed(sizes: tuple[int, ...] = SIZES, dimensions: tuple[int, ...] = DIMENSIONS) -> list[dict]:
    """Every provider on every cell of the grid; the ratio is the best peer's time over ours."""
    providers = {OURS: (ours, True)} | peers()
    rows, slow = [], {}
    for d in dimensions:
        for n in sizes:
            truth = 0.5 if d == 1 else 2.0
            sample = correlated_normal(n, truth, d, d, rng=np.random.default_rng(n + d))
            best = {}
            for name, (estimator, any_dimension) in providers.items():
                if d > 1 and not any_dimension:
                    continue
                if name != OURS and slow.get((name, d), 0) > PATIENCE:
                    rows.append(_row(name, d, n, "time", "s", float("nan"), f"over {PATIENCE:g} s at a smaller N"))
                    continue
                if n == min(sizes):
                    estimator(sample.x, sample.y)  # imports and compilation are not timed
                seconds, value = cpu_seconds(estimator, sample.x, sample.y)
                slow[name, d], best[name] = min(seconds), min(seconds)
                rows.append(_row(name, d, n, "time", "s", seconds))
                rows.append(_row(name, d, n, "error", "nats", value - truth))
            rows += _ratios(best, d, n)
            show(rows[-1:])
    return rows


def _ratios(best: dict[str, float], d: int, n: int) -> list[dict]:
    mine = best.pop(OURS)
    if not best:
        return [_row("no peer in time", d, n, "ratio", "x", float("nan"), "every peer was too slow at a smaller N")]
    name = min(best, key=best.get)
    wanted = 2.0 if (d, n) in TWICE_AS_FAST else 1.0
    ratio = best[name] / mine
    return [_row(f"best peer: {name}", d, n, "ratio", "x", ratio, target(f"{wanted:g}x", ratio >= wanted))]


def accuracy(n: int = 5_000) -> list[dict]:
    """S-WKL on six families and six amounts of information, with the families where it is weak, and the swiss roll."""
    rows = []
    amounts = (0.5, 1, 2, 4, 6, 8)
    for d, bar in BARS.items():
        errors = {}
        for family, draw in FAMILIES.items():
            samples = [draw(n, mi, d, np.random.default_rng(0)) for mi in amounts]
            errors[family] = [kl_mi(s.x, s.y).value - s.mi for s in samples]
            rows.append(_row("corelib S-WKL", d, n, f"error, {family}", "nats", errors[family]))
        mean = float(np.abs(np.array(list(errors.values()))).mean())
        rows.append(_row("corelib S-WKL", d, n, "mean |error|", "nats", mean, target(f"<= {bar:g}", mean <= bar)))
    rolls = [swiss_roll(n, mi, rng=np.random.default_rng(0)) for mi in amounts]
    for name, estimator in (("corelib S-WKL", kl_mi), ("corelib KSG1", ksg_mi)):
        found = [estimator(s.x, s.y).value - s.mi for s in rolls]
        rows.append(_row(name, 1, n, "error, swiss roll (2 + 1)", "nats", found, "singular: no density in the plane"))
    return rows


def _row(provider: str, d: int, n: int, metric: str, unit: str, values, config: str = "") -> dict:
    return row(f"MI {d}+{d}", provider, metric, unit, values, config=config, x=("N", n))


def main() -> None:
    """Run and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, and leave the recorded file alone")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", EstimatorWarning)
    if arguments.quick:
        show(speed((1_000,), (1, 2)) + accuracy(1_000))
        return
    rows = speed() + accuracy()
    show(rows)
    write(RESULTS, rows)


if __name__ == "__main__":
    main()
