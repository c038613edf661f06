"""The published comparison of R-learners on networks, rerun seed by seed, with controls on the same residuals.

Not a timing: the table that lesson 1 of chapter 4 shows beside its live run of two seeds. Every seed costs seconds to
half a minute; rows are kept as they come, so that an interrupted run goes on where it was.

    OMP_NUM_THREADS=1 python -m benchmarks.published_r_learner [--only ba]
"""

import argparse
import csv
from pathlib import Path

import numpy as np
import torch

from corelib.causal import (
    LinearEffect,
    PublishedGrid,
    cate_mse,
    constant_effect,
    gcn_operator,
    published_grid,
    r_score,
)

RESULTS = Path(__file__).parent / "results" / "published_r_learner.csv"
COLUMNS = ("config", "seed", "metric", "method", "value")
CONFIGS = {  # graph, effect, seeds
    "BA": ("ba", "simple_h", 30),
    "BA, interaction": ("ba", "interaction", 10),
    "BA, local effect": ("ba", "local_x", 10),
    "SBM": ("sbm", "simple_h", 10),
    "ER": ("er", "simple_h", 10),
    "Cora": ("cora", "simple_h", 2),
}
NUISANCES = {"mlp": "MLP nuisances", "gcn": "GNN nuisances"}


def measures(grid: PublishedGrid) -> dict[tuple[str, str], float]:
    """Errors of the published methods and of controls, R-scores, and what the effect itself does.

    Args:
        grid: one seed of the published comparison.

    Returns:
        Values by metric and method: ``"mse"``; ``"r_score"`` on the residuals of GNN nuisances at the fitted nodes;
        ``"effect"`` (its variance and mean square); ``"correlation"`` with the GCN operator's row sums.
    """
    data, tau = grid.data, grid.data.tau
    effects = dict(grid.effects)
    for kind, name in NUISANCES.items():
        left = grid.residuals[kind]
        effects[f"constant, {name}"] = torch.full_like(tau, constant_effect(*left).item())
        effects[f"linear with intercept, {name}"] = LinearEffect(0, alpha=0.1).fit(data, *left).effect(data)
    found = {("mse", name): cate_mse(effect, tau) for name, effect in effects.items()}
    found |= {("r_score", name): r_score(*grid.residuals["gcn"], effect) for name, effect in effects.items()}
    found["r_score", "true effect"] = r_score(*grid.residuals["gcn"], tau)
    found["effect", "variance"] = tau.var(correction=0).item()
    found["effect", "mean square"] = tau.square().mean().item()
    row_sums = gcn_operator(data.edge_index, len(tau)) @ torch.ones(len(tau), dtype=torch.float64)
    found["correlation", "Graph R-Learner"] = float(np.corrcoef(row_sums, grid.effects["Graph R-Learner"])[0, 1])
    return found


def main() -> None:
    """Run what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CONFIGS, help="one configuration")
    chosen = parser.parse_args().only
    new = not RESULTS.exists()
    with RESULTS.open("a+", newline="", encoding="utf-8") as file:
        file.seek(0)
        done = set() if new else {(row["config"], int(row["seed"])) for row in csv.DictReader(file)}
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        for config, (graph, effect, seeds) in CONFIGS.items():
            for seed in range(seeds):
                if (config, seed) in done or chosen not in (None, config):
                    continue
                found = measures(published_grid(seed, graph, effect))
                writer.writerows((config, seed, *key, f"{value:.5g}") for key, value in found.items())
                file.flush()
                print(config, seed, {name: round(v, 3) for (metric, name), v in found.items() if metric == "mse"})


if __name__ == "__main__":
    main()
