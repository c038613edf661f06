"""The ledger of the whole course: every recorded run gathered into one table in README.md."""

from pathlib import Path

from corelib.notebook.claims import quantity
from corelib.notebook.files import write_atomically
from corelib.notebook.ledger_view import summary
from corelib.notebook.results import RecordedRun, load_run

BEGIN, END = "<!-- ledger:begin -->", "<!-- ledger:end -->"
_RANK = {"gpu": 0, "laptop": 1, "quick": 2}


def results_table(root: Path) -> str:
    """All recorded claims as Markdown, each from its largest recorded run.

    Args:
        root: the folder that holds ``course/``.

    Returns:
        Sections by ledger, each with a table and a line about the run; a sentence when nothing is recorded.

    Raises:
        ResultsError: a file in ``course/results`` is broken.
    """
    runs = [run for path in sorted((root / "course" / "results").glob("*.json")) if (run := load_run(path))]
    if not runs:
        return "No run is recorded yet."
    parts, words = [], []
    for ledger in sorted({run.ledger for run in runs}):
        own = sorted((run for run in runs if run.ledger == ledger), key=lambda run: _RANK[run.profile])
        rows = _largest(own)
        words += [row["verdict"] for _, row in rows]
        parts.append(_section(own, rows))
    return "\n\n".join([f"{summary(words)}.", *parts])


def update_readme(root: Path, *, check: bool = False) -> bool:
    """Put the table between the markers in README.md.

    Args:
        root: the folder that holds ``README.md`` and ``course/``.
        check: only compare, write nothing.

    Returns:
        Whether the file was up to date before.

    Raises:
        FileNotFoundError: there is no README.md.
        ValueError: the markers are missing, doubled or in the wrong order.
        ResultsError: a recorded run is broken.
    """
    readme = root / "README.md"
    if not readme.is_file():
        raise FileNotFoundError("README.md is missing; the ledger goes between its ledger:begin and ledger:end markers")
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md needs one {BEGIN} and, after it, one {END}")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    fresh = f"{head}{BEGIN}\n{results_table(root)}\n{END}{tail}"
    if fresh != text and not check:
        write_atomically(readme, fresh)
    return fresh == text


def _largest(runs: list[RecordedRun]) -> list[tuple[RecordedRun, dict]]:
    """Each claim once, in the order of the largest run that has it."""
    rows: dict[str, tuple[RecordedRun, dict]] = {}
    for run in runs:
        for row in run.rows:
            rows.setdefault(row["key"], (run, row))
    return list(rows.values())


def _section(runs: list[RecordedRun], rows: list[tuple[RecordedRun, dict]]) -> str:
    lines = [f"**{_cell(runs[0].ledger)}** {_cell(runs[0].title)}".rstrip(), ""]
    lines += ["| claim | place | paper | recorded run | criterion | verdict |", "| --- | --- | --- | --- | --- | --- |"]
    for run, row in rows:
        verdict = f"**{row['verdict']}**: {_cell(row['reason'])}"
        paper, value = (_cell(quantity(row[name], row["unit"])) for name in ("paper", "value"))
        cells = (_cell(row["claim"]), _cell(row["place"]), paper, f"{value} ({run.profile})")
        lines.append(f"| {' | '.join(cells)} | {_cell(row['criterion'] or '—')} | {verdict} |")
    used = [run for run in runs if any(run is other for other, _ in rows)]
    return "\n".join([*lines, "", *(f"<sub>{_provenance(run)}</sub>" for run in used)])


def _provenance(run: RecordedRun) -> str:
    hardware = run.machine.get("gpu") or f"{run.machine.get('cpu')}, {run.machine.get('cores')} cores"
    return (
        f"{run.profile} run of {_cell(run.date)}: {_cell(hardware)}, torch {_cell(run.versions.get('torch'))}, "
        f"seed {run.seed}, {run.wall_seconds:.0f} s."
    )


def _cell(text: object) -> str:
    """Text that can neither end a table cell nor become HTML or one of the markers."""
    plain = " ".join(str(text).split())
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
