"""Recorded runs: one JSON file a ledger and profile, with the machine, the versions, the seed and the time it took."""

import csv
import json
import math
import os
import platform
import re
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from corelib.notebook.claims import VERDICTS
from corelib.notebook.files import find_course_root, require_course_root, write_atomically
from corelib.notebook.profile import PROFILES, usable_cores

SCHEMA = 1
RECORDED_PROFILES = ("gpu", "laptop")  # the larger run speaks first
_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ROW_TEXT = ("key", "claim", "place", "unit", "criterion", "verdict", "says", "reason")


class ResultsError(ValueError):
    """A recorded run that cannot be read."""


@dataclass(frozen=True)
class RecordedRun:
    """One recorded run of a lesson.

    Attributes:
        ledger: the ledger's id, for example ``"ch03-01"``.
        title: the ledger's title.
        profile: ``"laptop"`` or ``"gpu"`` (``"quick"`` only when forced).
        seed: the seed of the run.
        date: UTC date, ``"YYYY-MM-DD"``.
        wall_seconds: wall time of the run, seconds.
        machine: cpu, cores, platform, gpu (None without one).
        versions: of python, torch, numpy and corelib.
        rows: one dict a claim with key, claim, place, paper, value, unit, criterion, verdict, says, reason.
    """

    ledger: str
    title: str
    profile: str
    seed: int
    date: str
    wall_seconds: float
    machine: dict
    versions: dict
    rows: tuple[dict, ...]

    def row(self, key: str) -> dict | None:
        """The row named ``key``, or None."""
        return next((row for row in self.rows if row["key"] == key), None)


def check_ledger_id(ledger: str) -> str:
    """``ledger`` itself, when it can name a file.

    Raises:
        ValueError: it holds anything but small letters, digits, ``-`` and ``_``.
    """
    if not isinstance(ledger, str) or not _ID.fullmatch(ledger):
        raise ValueError(f"ledger id is {ledger!r}; expected small letters, digits, '-' and '_', such as 'ch03-01'")
    return ledger


def results_path(root: Path, ledger: str, profile: str) -> Path:
    """Where the run of ``ledger`` under ``profile`` is kept."""
    return root / "course" / "results" / f"{check_ledger_id(ledger)}.{profile}.json"


def save_run(run: RecordedRun, path: Path) -> None:
    """Write a run, whole or not at all.

    Args:
        run: what to keep. NaN and infinities become text, since JSON has no word for them.
        path: the file.
    """
    content = {"schema": SCHEMA, **asdict(run)}
    content["rows"] = [{name: _plain(value) for name, value in row.items()} for row in run.rows]
    write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def load_run(path: Path) -> RecordedRun | None:
    """Read a run.

    Args:
        path: the file.

    Returns:
        The run, or None when there is no such file.

    Raises:
        ResultsError: the file is not a recorded run of the schema this library knows; the message names it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:  # broken JSON and broken UTF-8
        raise ResultsError(f"course/results/{path.name} is not readable JSON: {error}") from error
    problem = _problem(content)
    if problem:
        raise ResultsError(f"course/results/{path.name} is not a recorded run: {problem}")
    rows = tuple({**row, "value": _number(row["value"])} for row in content["rows"])
    return RecordedRun(**{**{name: content[name] for name in RecordedRun.__dataclass_fields__}, "rows": rows})


def recorded_runs(ledger: str) -> list[RecordedRun]:
    """The recorded full-scale runs of a ledger, the larger profile first; empty outside a copy of the course."""
    root = find_course_root()
    if root is None:
        return []
    runs = (load_run(results_path(root, ledger, profile)) for profile in RECORDED_PROFILES)
    return [run for run in runs if run is not None]


def recorded_rows(name: str) -> list[dict[str, str]]:
    """Rows of a recorded benchmark, for a lesson to show beside what it can run live.

    Args:
        name: a file of ``benchmarks/results`` without its ending.

    Returns:
        One dict a row, all values text.

    Raises:
        FileNotFoundError: no such file, or no copy of the course here.

    Source: none; bookkeeping.
    """
    folder = require_course_root() / "benchmarks" / "results"
    path = folder / f"{check_ledger_id(name)}.csv"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in folder.glob("*.csv")))
        raise FileNotFoundError(f"name is {name!r}; expected one of {names}")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def machine() -> dict:
    """What the run ran on: cpu model, usable cores, platform and GPU. No host name, no path."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "platform": f"{platform.system()} {platform.machine()}",
        "gpu": gpu,
    }


def versions() -> dict:
    """Versions of python, torch, numpy and corelib."""
    import numpy
    import torch

    import corelib

    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "corelib": getattr(corelib, "__version__", None) or metadata.version("bottleneck-course"),
    }


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if os.name == "posix" and cpuinfo.is_file():
        found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", cpuinfo.read_text(errors="replace"), re.M)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine() or "unknown"


def _problem(content: object) -> str:
    if not isinstance(content, dict):
        return f"it holds a {type(content).__name__}; expected an object"
    if content.get("schema") != SCHEMA:
        return f"schema is {content.get('schema')!r}; this library reads {SCHEMA}"
    missing = [name for name in RecordedRun.__dataclass_fields__ if name not in content]
    if missing:
        return f"{', '.join(missing)} missing"
    if content["profile"] not in PROFILES:
        return f"profile is {content['profile']!r}; expected one of {', '.join(PROFILES)}"
    for i, row in enumerate(content["rows"] if isinstance(content["rows"], list) else [None]):
        if not isinstance(row, dict) or not {"paper", "value"} <= row.keys():
            return f"row {i} has no paper or value"
        wrong = [name for name in _ROW_TEXT if not isinstance(row.get(name), str)]
        if wrong or row["verdict"] not in VERDICTS:
            return f"row {i} has a broken {', '.join(wrong) or 'verdict'}"
        try:
            _number(row["value"])
        except (TypeError, ValueError):
            return f"row {i} has value {row['value']!r}; expected a number"
    return ""


def _plain(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: object) -> float | None:
    return None if value is None else float(value)
