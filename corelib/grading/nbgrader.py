"""The course's exercises as an nbgrader 0.9 course, from the same source as our own exercises.

nbgrader makes the learner's notebook itself: it replaces the region between ``### BEGIN SOLUTION`` and
``### END SOLUTION``, cuts the hidden tests out, and grades by whether a test cell raises. The tests are our checks.
Cells keep our tags too, so that ``python -m corelib.grading grade`` reads what nbgrader has collected.

Only JSON and text are written here; nbgrader itself need not be installed.
"""

import hashlib
import re
from pathlib import Path

from corelib.grading.catalogue import find_question
from corelib.grading.exercise import BEGIN, END, SourceError, learner_cells, notebook_text, solution_region
from corelib.notebook.files import write_atomically
from corelib.notebook.normalise import KERNELSPEC

COURSE_ID = "bottleneck_course"
BEGIN_REGION, END_REGION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
# nbgrader acts on lines that hold these words, in any cell.
_RESERVED = re.compile("(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)")
_LINK_OUTSIDE = re.compile(r"!?\[([^\]]*)\]\(\.\./[^)]*\)")

_TEST = f"""\
# Graded: a right answer passes without a word, any other raises an error.
import contextlib
import io

from corelib.grading import check

with contextlib.redirect_stderr(io.StringIO()):  # nbgrader would take a mere warning for a failure
    check("{{name}}", {{entry}}).require()
    {BEGIN_HIDDEN}
    check("{{name}}", {{entry}}, seed={{seed}}).require()
    {END_HIDDEN}"""

_CONFIG = f"""\
# Settings of nbgrader for this course. Run its commands in this folder.
c = get_config()  # noqa: F821 (nbgrader provides it)
c.CourseDirectory.course_id = "{COURSE_ID}"
c.Application.log_level = "WARN"
c.Execute.timeout = 180  # seconds a cell; some cells draw a figure from a study
"""

_README = """\
# Exercises for nbgrader 0.9

The kernel that runs the notebooks needs the course's library: `pip install -e .` in the course's folder. Each folder of
`source/` is an assignment. In this folder:

```
nbgrader generate_assignment {assignment}
nbgrader release_assignment {assignment}
nbgrader collect {assignment}
nbgrader autograde {assignment}
nbgrader export
```

`source/` holds the answers and the hidden tests; learners get what `release/` holds. The hidden tests were drawn with
seed {seed}: `python -m corelib.grading nbgrader DIR --seed {seed}` writes the same course again. nbgrader's feedback
pages show the hidden tests, so take another seed for the next course.

nbgrader runs its tests in the process that has run the answers. An answer that means to cheat can change the tests
there, and it can do what you can do on your machine. For grades that count, let nbgrader collect and let the course's
own grader, which runs every answer apart, grade:

```
python -m corelib.grading grade submitted --questions {chapter} --csv own_grades.csv
```
"""


def export(root: Path, folder: Path, seed: int) -> list[Path]:
    """Write an nbgrader course.

    Args:
        root: the folder that holds ``solutions/``.
        folder: where the course goes: a new or an empty folder.
        seed: the hidden tests follow from it, and from nothing else.

    Returns:
        The files that were written.

    Raises:
        SourceError: a source is broken; nothing is written then.
        ValueError: ``folder`` is a file or not empty, ``seed`` is negative, or there is nothing to export; nothing is
            written then.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected an integer >= 0")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and not an empty folder; nothing was written. Name a new folder")
    sources = sorted((root / "solutions").glob("ch*/*.ipynb"))
    if not sources:
        raise ValueError(f"{root / 'solutions'} holds no exercises; expected chNN_slug/exMM_slug.ipynb")
    first = sources[0].parent.name
    readme = _README.format(assignment=first, chapter=first.partition("_")[0], seed=seed)
    files = {"nbgrader_config.py": _CONFIG, "README.md": readme}
    for source in sources:
        place = source.relative_to(root / "solutions").as_posix()
        files[f"source/{place}"] = source_notebook(source.read_text(encoding="utf-8"), f"solutions/{place}", seed)
    for name, text in files.items():
        write_atomically(folder / name, text)
    return [folder / name for name in files]


def source_notebook(text: str, source: str, seed: int) -> str:
    """The instructor's notebook of an nbgrader assignment.

    Args:
        text: content of the solution notebook.
        source: its path in the repository, for messages.
        seed: see :func:`export`.

    Returns:
        Content of a notebook with cell metadata of nbgrader's schema 3. Each question has a solution cell, and after
        its check a locked test cell that is worth the question's points.

    Raises:
        SourceError: as :func:`corelib.grading.exercise.exercise_notebook`; or a question has no check after its answer;
            or a text holds words that nbgrader would act on.
        ValueError: there is no such question.
    """
    cells, awaited = [], {}
    for cell in learner_cells(text, source, _with_region):
        code = "".join(cell["source"])
        question = _question(cell)
        _require_marks(code, 2 if question else 0, f"{source}, {cell['id']}")
        cells.append(cell)
        if question:
            cell["metadata"]["nbgrader"] = _metadata(cell["id"], solution=True)
            awaited[question] = f"test-{cell['id'].removeprefix('ex-')}"
        elif cell["cell_type"] == "markdown":
            cell["source"] = _LINK_OUTSIDE.sub(r"\1", code).splitlines(keepends=True)
        else:
            for name in [name for name in awaited if _checks(code, name)]:
                cells.append(_test_cell(name, awaited.pop(name), seed))
    if awaited:
        raise SourceError(f"{source} has no cell after the answer that says check({next(iter(awaited))!r}, ...)")
    metadata = {"kernelspec": dict(KERNELSPEC), "language_info": {"name": "python"}}
    return notebook_text({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def hidden_seed(question: str, seed: int) -> int:
    """The seed of a question's hidden tests: those of one question, once known, tell nothing about another's."""
    return int.from_bytes(hashlib.sha256(f"{seed} {question}".encode()).digest()[:6])


def _with_region(source: str, where: str) -> str:
    lines, begin, end = solution_region(source, where)
    lines[begin] = lines[begin].replace(BEGIN, BEGIN_REGION)
    lines[end] = lines[end].replace(END, END_REGION)
    return "\n".join(lines)


def _test_cell(name: str, cell_id: str, seed: int) -> dict:
    question = find_question(name)
    text = _TEST.format(name=name, entry=question.entry, seed=hidden_seed(name, seed))
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"nbgrader": _metadata(cell_id, grade=True, locked=True, points=question.points)},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }


def _metadata(grade_id: str, **changes: object) -> dict:
    same = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return {**same, "grade_id": grade_id, **changes}


def _question(cell: dict) -> str:
    tags = cell["metadata"].get("tags", ())
    return next((tag.removeprefix("ex:") for tag in tags if tag.startswith("ex:")), "")


def _checks(code: str, question: str) -> bool:
    return re.search(rf"\bcheck\(\s*[\"']{re.escape(question)}[\"']", code) is not None


def _require_marks(text: str, n: int, where: str) -> None:
    """Refuse what nbgrader would cut out of a text without a word: an answer has its one region, others have none."""
    found = _RESERVED.findall(text)
    if len(found) != n:
        raise SourceError(
            f"{where} says {', '.join(sorted(set(found)))!r}, which is a mark of nbgrader's; say it otherwise"
        )
