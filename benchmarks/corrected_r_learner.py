"""The corrected study of R-learners on networks at full scale: error of every method, graph by graph and seed by seed.

Not a timing: the table behind the ledger of chapter 4, lesson 2. Rows are kept as they come, so that an interrupted run
goes on where it was.

    OMP_NUM_THREADS=1 python -m benchmarks.corrected_r_learner [--only BA]
"""

import argparse
import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from corelib.causal import NetworkCausalData, compare_methods, simulate_network_cate
from corelib.causal.study import META_LEARNERS
from corelib.datasets.networks import cora, svd_features

RESULTS = Path(__file__).parent / "results" / "corrected_r_learner.csv"
COLUMNS = ("graph", "seed", "method", "mse", "r_score")
SEEDS = 30
T_LEARNER = {"T-learner": META_LEARNERS["T-learner"]}  # the S-learner takes n passes over the graph


def studies() -> dict[str, Callable[[int], NetworkCausalData]]:
    """For each graph the function that draws a study from a seed."""
    papers = cora()

    def on_cora(seed: int) -> NetworkCausalData:
        return simulate_network_cate(None, x=svd_features(papers.x, seed=seed), edge_index=papers.edge_index, seed=seed)

    drawn = {
        kind.upper(): lambda seed, kind=kind: simulate_network_cate(kind, seed=seed)
        for kind in ("ba", "sbm", "ws", "er")
    }
    return drawn | {"Cora": on_cora}


def show(rows: list[dict]) -> None:
    """Print mean and standard deviation over seeds of each method on each graph."""
    graphs, methods = (list(dict.fromkeys(row[key] for row in rows)) for key in ("graph", "method"))
    print(f"{'held-out error':28s}" + "".join(f"{graph:>16s}" for graph in graphs))
    for method in methods:
        cells = []
        for graph in graphs:
            errors = [float(row["mse"]) for row in rows if (row["graph"], row["method"]) == (graph, method)]
            cells.append(f"{np.mean(errors):9.2f} ± {np.std(errors, ddof=1):.2f}" if len(errors) > 1 else f"{'':16s}")
        print(f"{method:28s}" + "".join(f"{cell:>16s}" for cell in cells))


def main() -> None:
    """Run what is not there yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one graph")
    chosen = parser.parse_args().only
    warnings.filterwarnings("ignore", ".*have no neighbour")
    new = not RESULTS.exists()
    with RESULTS.open("a+", newline="", encoding="utf-8") as file:
        file.seek(0)
        done = set() if new else {(row["graph"], int(row["seed"])) for row in csv.DictReader(file)}
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        for graph, draw in studies().items():
            for seed in range(SEEDS):
                if (graph, seed) in done or chosen not in (None, graph):
                    continue
                found = compare_methods(draw(seed), meta_learners=T_LEARNER, seed=seed)
                writer.writerows(
                    (graph, seed, m, f"{e:.5g}", f"{found.r_scores[m]:.4g}") for m, e in found.errors.items()
                )
                writer.writerow((graph, seed, "variance of the effect", f"{found.variance:.5g}", ""))
                file.flush()
        file.seek(0)
        show(list(csv.DictReader(file)))


if __name__ == "__main__":
    main()
