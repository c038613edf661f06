"""Grades on paper: JSON for programs, CSV for gradebooks, a page a learner. None of them holds a hidden input."""

import csv
import io
import json
import re
from html import escape
from pathlib import Path

from corelib.grading.grade import SCHEMA, Grade, Mark
from corelib.grading.judge import FAIL, MISSING, PASS, TODO
from corelib.grading.report import LOOK
from corelib.notebook.files import write_atomically

CSV_COLUMNS = ("learner", "question", "points", "max", "status")
_LOOK = {**LOOK, MISSING: ("–", *LOOK[TODO][1:])}
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #c9c9c9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #111111; --line: #4a4a4a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 56rem;
       margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top;
       padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.mark { padding: .1rem .5rem; border-radius: .2rem; white-space: nowrap; } ul { margin: .2rem 0; padding-left: 1.2rem; }
a { color: inherit; }
"""


def json_text(grades: list[Grade], *, seed: int, isolation: str, questions: dict[str, int]) -> str:
    """All grades as JSON, versioned by ``schema``.

    Args:
        grades: in the order to be written.
        seed: seed of the hidden tests; with it a run can be repeated.
        isolation: "sandbox" or "process".
        questions: question to its points.
    """
    content = {
        "schema": SCHEMA,
        "seed": seed,
        "isolation": isolation,
        "questions": questions,
        "grades": [grade.as_dict() for grade in grades],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def csv_text(grades: list[Grade]) -> str:
    """All marks as CSV, one row a learner and question, with the columns that a gradebook imports."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for grade in grades:
        for mark in grade.marks:
            writer.writerow([_cell(grade.learner), mark.question, mark.points, mark.max, mark.status])
    return out.getvalue()


def write_pages(folder: Path, grades: list[Grade]) -> None:
    """A page a learner, and an index of them.

    Args:
        folder: where they go; made when missing. Pages of the same names are replaced.
        grades: what they show.
    """
    names = _page_names(grades)
    for grade in grades:
        write_atomically(folder / names[grade.learner], _page(grade))
    rows = "".join(
        f'<tr><td><a href="{names[grade.learner]}">{escape(grade.learner)}</a></td>'
        f'<td class="number">{grade.points} of {grade.max}</td><td>{"".join(map(_sign, grade.marks))}</td></tr>'
        for grade in grades
    )
    table = f'<table><tr><th>learner</th><th class="number">points</th><th>questions</th></tr>{rows}</table>'
    write_atomically(folder / "index.html", _html("Grades", f"<h1>Grades</h1>{table}"))


def summary(grades: list[Grade]) -> str:
    """A table of points for the terminal: one line a learner, then what could not be read."""
    if not grades:
        return "no submissions"
    questions = [mark.question for mark in grades[0].marks]
    width = max(len("learner"), *(len(grade.learner) for grade in grades))
    lines = [f"{'learner':<{width}}  {'points':>9}  " + "  ".join(questions)]
    for grade in grades:
        marks = "  ".join(f"{mark.status:<{len(mark.question)}}" for mark in grade.marks)
        lines.append(f"{grade.learner:<{width}}  {f'{grade.points}/{grade.max}':>9}  {marks}".rstrip())
    problems = [f"{grade.learner}: {problem}" for grade in grades for problem in grade.problems]
    return "\n".join([*lines, *(["", "Could not be read:", *problems] if problems else [])])


def _page(grade: Grade) -> str:
    rows = "".join(
        f'<tr><td>{escape(mark.question)}</td><td class="number">{mark.points} of {mark.max}</td>'
        f"<td>{_sign(mark)}</td><td>{_details(mark)}</td></tr>"
        for mark in grade.marks
    )
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in grade.problems)
    problems = f"<h2>Could not be read</h2><ul>{problems}</ul>" if problems else ""
    return _html(
        grade.learner,
        f"<h1>{escape(grade.learner)}: {grade.points} of {grade.max} points</h1>"
        f'<table><tr><th>question</th><th class="number">points</th><th>result</th><th>why</th></tr>{rows}</table>'
        f"{problems}",
    )


def _details(mark: Mark) -> str:
    if mark.status == PASS:
        return "All hidden cases are right."
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in mark.remarks)
    wrong = f"Wrong: {escape('; '.join(mark.wrong))}." if mark.wrong and mark.status == FAIL else ""
    return f"<ul>{remarks}</ul>{wrong}" if remarks else wrong


def _sign(mark: Mark) -> str:
    sign, ground, ink = _LOOK[mark.status]
    title = escape(f"{mark.question}: {mark.status}")
    return f'<span class="mark" title="{title}" style="background:{ground};color:{ink}">{sign} {mark.status}</span> '


def _html(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _page_names(grades: list[Grade]) -> dict[str, str]:
    """A file name for each learner: readable, safe, and no two alike."""
    names: dict[str, str] = {}
    for grade in grades:
        plain = re.sub(r"[^\w.-]", "_", grade.learner).strip(".") or "learner"
        plain = plain.encode()[:150].decode(errors="ignore")  # disks take 255 bytes
        name, number = plain, 1
        taken = {taken.lower() for taken in names.values()} | {"index.html"}
        while f"{name}.html".lower() in taken:
            number += 1
            name = f"{plain}-{number}"
        names[grade.learner] = f"{name}.html"
    return names


def _cell(text: str) -> str:
    """A name that a spreadsheet takes for text: a leading sign would make it a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
