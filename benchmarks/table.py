"""Result rows in long form, printed and written the same way by every benchmark."""

import csv
import datetime
import platform
import statistics
from pathlib import Path

import numpy as np
import torch

from corelib.notebook.results import machine


def row(
    op: str,
    provider: str,
    metric: str,
    unit: str,
    values: list[float] | float,
    *,
    config: str = "",
    mode: str = "cpu, one thread",
    x: tuple[str, float] = ("N", 1),
) -> dict:
    """One row: median and 20th and 80th percentile of some measured values, with the machine and the date.

    Args:
        op: what was done.
        provider: who did it.
        metric: what was measured, "time" say.
        unit: its unit.
        values: one or several measurements.
        config: remarks; whether a target was met.
        mode: how it ran.
        x: name and value of the size it was done at.
    """
    values = np.atleast_1d(np.asarray(values, dtype=float))
    low, high = np.quantile(values, [0.2, 0.8])
    info = machine()
    return {
        "op": op,
        "provider": provider,
        "mode": mode,
        "metric": metric,
        "unit": unit,
        "x_name": x[0],
        "x_value": x[1],
        "median": f"{statistics.median(values):.4g}",
        "p20": f"{low:.4g}",
        "p80": f"{high:.4g}",
        "config": config,
        "cpu": info["cpu"],
        "gpu_name": info["gpu"] or "",
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def target(wanted: str, met: bool) -> str:
    """A target and whether it was met, for ``config``: "target 20x: met"."""
    return f"target {wanted}: {'met' if met else 'missed'}"


def show(rows: list[dict]) -> None:
    """Print rows as a table."""
    for found in rows:
        value = f"{found['median']:>8} {found['unit']}"
        print(f"{found['op']:28s} {found['provider']:32s} {found['metric']:22s} {value:18s} {found['config']}")


def write(path: Path, rows: list[dict]) -> None:
    """Write rows as CSV; the file is replaced."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
