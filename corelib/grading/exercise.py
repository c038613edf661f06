"""From an instructor's notebook to a learner's: a pure function, so that one source makes the same file everywhere.

A cell's tags say what it is: ``setup`` (imports, run by the grader too), ``ex:<question>`` (the answer; the lines from
``# SOLUTION`` to ``# END SOLUTION`` go), ``hint:<question>`` (folded), ``solution-only`` (dropped). Others stay.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from corelib.notebook.normalise import KERNELSPEC

BEGIN, END = "# SOLUTION", "# END SOLUTION"
TODO_LINES = ("# Write your answer here in place of the next line.", "raise NotImplementedError")
STAMP = "bottleneck_course"


class SourceError(ValueError):
    """A notebook in ``solutions/`` that no exercise can be made from."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source notebook.

    Attributes:
        kind: "code" or "markdown".
        source: its text.
        tags: its tags.
    """

    kind: str
    source: str
    tags: tuple[str, ...]

    def tagged(self, prefix: str) -> str:
        """What follows ``prefix`` in the first tag that starts with it; an empty string when none does."""
        return next((tag.removeprefix(prefix) for tag in self.tags if tag.startswith(prefix)), "")


def read_cells(text: str, name: str) -> list[Cell]:
    """The cells of a notebook.

    Args:
        text: the file's content.
        name: the file's name, for messages.

    Returns:
        Its cells in order, raw ones left out.

    Raises:
        SourceError: the text is not a notebook of format 4.
    """
    try:
        notebook = json.loads(text)
        if notebook["nbformat"] != 4:
            raise ValueError(f"nbformat is {notebook['nbformat']}; expected 4")
        return [_cell(cell) for cell in notebook["cells"] if cell["cell_type"] in ("code", "markdown")]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{name} is not a notebook: {type(error).__name__}: {error}") from error


def exercise_notebook(text: str, source: str) -> str:
    """The exercise that a solution notebook makes.

    Args:
        text: content of the solution notebook.
        source: its path in the repository, ``"solutions/ch03_adaptive_estimators/ex01_....ipynb"``; kept in the stamp.

    Returns:
        Content of the exercise notebook: no outputs, ids from questions and positions, solution lines replaced, and a
        stamp by which :func:`is_untouched` knows it.

    Raises:
        SourceError: a solution region is missing, doubled or not closed, or a tag has no question.
    """
    return stamped(learner_cells(text, source, without_solution), source)


def learner_cells(text: str, source: str, answer: Callable[[str, str], str]) -> list[dict]:
    """The cells that a solution notebook makes, for a learner or for a system that makes the learner's notebook itself.

    Args:
        text: content of the solution notebook.
        source: its path in the repository, for messages.
        answer: what becomes of an answer cell; called with its text and, for messages, with its place.

    Returns:
        Cells of nbformat 4.5 without outputs: ids from questions and positions, tags kept, hints folded.

    Raises:
        SourceError: the text is not a notebook; and whatever ``answer`` raises.
    """
    cells, seen = [], Counter()
    for number, cell in enumerate(read_cells(text, source), start=1):
        if "solution-only" in cell.tags:
            continue
        question, hint = cell.tagged("ex:"), cell.tagged("hint:")
        if question:
            answered = answer(cell.source, f"{source}, cell {number}")
            cells.append(_notebook_cell(cell, _unique(f"ex-{question}", seen), answered))
        elif hint:
            cells.append(_notebook_cell(cell, _unique(f"hint-{hint}", seen), _folded(cell.source)))
        elif "setup" in cell.tags:
            cells.append(_notebook_cell(cell, _unique("setup", seen), cell.source))
        else:
            cells.append(_notebook_cell(cell, f"cell-{len(cells) + 1:02}", cell.source))
    return cells


def without_solution(source: str, where: str) -> str:
    """An answer cell with its solution lines replaced by a comment and ``raise NotImplementedError``.

    Args:
        source: text of the cell.
        where: file and cell, for messages.

    Raises:
        SourceError: there is not exactly one closed region.
    """
    lines, begin, end = solution_region(source, where)
    indent = lines[begin].partition(BEGIN)[0]
    return "\n".join([*lines[:begin], *(indent + line for line in TODO_LINES), *lines[end + 1 :]])


def solution_region(source: str, where: str) -> tuple[list[str], int, int]:
    """The lines of an answer cell, and the places of the two among them that mark the solution.

    Args:
        source: text of the cell.
        where: file and cell, for messages.

    Raises:
        SourceError: there is not exactly one closed region.
    """
    lines = source.split("\n")
    begins = [i for i, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [i for i, line in enumerate(lines) if line.strip() == END]
    if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
        raise SourceError(f"{where} has {len(begins)} '{BEGIN}' and {len(ends)} '{END}'; expected one region")
    return lines, begins[0], ends[0]


def stamped(cells: list[dict], source: str) -> str:
    """A notebook of the given cells that carries its source's path and a digest of itself."""
    stamp = {"source": source, "digest": _digest(cells)}
    metadata = {"kernelspec": dict(KERNELSPEC), "language_info": {"name": "python"}, STAMP: stamp}
    return notebook_text({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def notebook_text(notebook: dict) -> str:
    """A notebook as it is written to disk: sorted keys, one space of indentation, a final newline."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def is_untouched(text: str) -> bool:
    """Whether a notebook is generated text that nobody has changed since, by its stamp."""
    try:
        notebook = json.loads(text)
        return notebook["metadata"][STAMP]["digest"] == _digest(notebook["cells"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _cell(cell: dict) -> Cell:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    return Cell(cell["cell_type"], source, tuple(cell.get("metadata", {}).get("tags", ())))


def _notebook_cell(cell: Cell, cell_id: str, source: str) -> dict:
    made = {"cell_type": cell.kind, "id": cell_id, "metadata": {"tags": list(cell.tags)} if cell.tags else {}}
    made["source"] = source.splitlines(keepends=True)
    return made | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def _unique(name: str, seen: Counter) -> str:
    """A cell id: letters, digits, ``-`` and ``_`` only, with a number from the second of its name on."""
    cell_id = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:58]
    seen[cell_id] += 1
    return cell_id if seen[cell_id] == 1 else f"{cell_id}-{seen[cell_id]}"


def _folded(markdown: str) -> str:
    return f"<details><summary>Hint</summary>\n\n{markdown.strip()}\n\n</details>"


def _digest(cells: list[dict]) -> str:
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]
