"""The street study of chapter 5 at full scale: three seeds of every model and of a sweep over the entropy's weight.

Not a timing: the table behind lesson 4. Rows are kept as they come, so that an interrupted run goes on where it was.

    OMP_NUM_THREADS=1 python -m benchmarks.koopman_street
"""

import csv
from pathlib import Path

import numpy as np
import torch

from corelib.koopman import (
    STREET_SETTINGS,
    InformationLoss,
    StreetData,
    StreetSetting,
    street_data,
    street_dmd_errors,
    street_flows,
    train_street,
)

RESULTS = Path(__file__).parent / "results" / "koopman_street.csv"
COLUMNS = ("model", "seed", "start", "forecast", "h5", "h20", "h50", "dimension")
SEEDS = 3
GAMMAS = (0.003, 0.01, 0.1, 0.3)  # 0 and 0.03 are among the named settings
RANKS = (64, 32)  # of dynamic mode decomposition


def settings() -> dict[str, StreetSetting]:
    """Every model that is trained, by name."""
    sweep = {f"entropy {gamma:g}": StreetSetting(loss=InformationLoss(gamma=gamma)) for gamma in GAMMAS}
    return dict(STREET_SETTINGS) | sweep


def rows_of(model: str, seed: int, forecast: str, errors: dict[str, np.ndarray], dimension: float) -> list[dict]:
    """One row for each kind of start: errors at 5, 20 and 50 steps, and the effective dimension of the latents."""
    horizons = {f"h{h}": h for h in (5, 20, 50)}
    return [
        {"model": model, "seed": seed, "start": kind, "forecast": forecast, "dimension": f"{dimension:.3f}"}
        | {column: f"{values[h - 1]:.4f}" for column, h in horizons.items()}
        for kind, values in errors.items()
    ]


def trained(data: StreetData, name: str, setting: StreetSetting, seed: int) -> list[dict]:
    """Rows of one training run."""
    run = train_street(data, setting, seed=seed, progress=False)
    return [
        found
        for mode, errors in run.errors.items()
        for found in rows_of(name, seed, mode, errors, run.effective_dimension)
    ]


def show(rows: list[dict]) -> None:
    """Print means over seeds, latent forecasts first."""
    print(f"{'':22s}{'':10s}{'transient 5/20/50':>24s}{'saturated 5/20/50':>24s}   dimension")
    for mode in ("latent", "reencode"):
        for model in dict.fromkeys(row["model"] for row in rows):
            of_model = [row for row in rows if (row["model"], row["forecast"]) == (model, mode)]
            if of_model:
                cells = []
                for kind in ("transient", "saturated"):
                    table = [[float(r[h]) for h in ("h5", "h20", "h50")] for r in of_model if r["start"] == kind]
                    cells.append("/".join(f"{value:.3f}" for value in np.mean(table, 0)))
                dimension = np.mean([float(row["dimension"]) for row in of_model])
                print(f"{model:22s}{mode:10s}{cells[0]:>24s}{cells[1]:>24s}{dimension:12.2f}")


def main() -> None:
    """Run what is not there yet, then print the table."""
    torch.set_num_threads(1)
    data = street_data(street_flows())
    new = not RESULTS.exists()
    with RESULTS.open("a+", newline="", encoding="utf-8") as file:
        file.seek(0)
        done = {(row["model"], row["seed"]) for row in csv.DictReader(file)}
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        for rank in RANKS:
            if (f"DMD {rank}", "0") not in done:
                writer.writerows(rows_of(f"DMD {rank}", 0, "latent", street_dmd_errors(data, rank), float("nan")))
        for name, setting in settings().items():
            for seed in range(SEEDS):
                if (name, str(seed)) not in done:
                    writer.writerows(trained(data, name, setting, seed))
                    file.flush()
        file.seek(0)
        show(list(csv.DictReader(file)))


if __name__ == "__main__":
    main()
