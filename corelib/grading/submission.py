"""Find what learners handed in and take the answers out of it, trusting neither names nor contents.

Only the cell of a question and the set-up cells count. Nothing is run or compiled here: that is for the worker.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from corelib.grading.exercise import Cell, SourceError, read_cells
from corelib.grading.question import Question

_KINDS = (".ipynb", ".py")
_MOST_BYTES = 20 << 20  # of one file; a notebook with figures has a few megabytes
_MOST_CODE = 50_000  # characters of one cell or script
_MOST_BYTES_IN_ALL = 100 << 20  # of one submission
_MOST_FILES = 500
_MOST_LEVELS = 20  # of folders in folders


@dataclass(frozen=True)
class Submission:
    """Where one learner's work lies.

    Attributes:
        learner: name of the learner: of the folder, or of the file without its ending; what cannot be printed in it
            is spelled out.
        files: notebooks and scripts.
        problems: what was passed over, and why.
    """

    learner: str
    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What one learner answered.

    Attributes:
        cells: question to the cells that answer it, pairs of name and source, set-up cells first.
        problems: what could not be read, and why.
        digest: of all the code, to know it again.
    """

    cells: dict[str, list[tuple[str, str]]]
    problems: tuple[str, ...]
    digest: str


def find_submissions(paths: Iterable[Path]) -> list[Submission]:
    """The submissions that paths stand for.

    A file is a submission. So is a folder that holds notebooks or scripts, with all that lies below it. Any other
    folder holds submissions: each folder in it is one.

    Args:
        paths: files and folders.

    Returns:
        Submissions in order of the learners' names.

    Raises:
        FileNotFoundError: a path does not exist, or is neither a folder nor a notebook nor a script.
        ValueError: two submissions have one name.
    """
    found: list[Submission] = []
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
            alone = any(p.suffix in _KINDS and not p.is_dir() for p in path.iterdir()) or not folders
            found += [_of_folder(folder) for folder in ([path] if alone else folders)]
        elif path.is_file() and path.suffix in _KINDS:
            found.append(Submission(_printable(path.stem), (path,)))
        else:
            raise FileNotFoundError(f"{path} is not a notebook, a script or a folder")
    names = [submission.learner for submission in found]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"more than one submission is called {', '.join(doubled)}; give each a name of its own")
    return sorted(found, key=lambda submission: submission.learner)


def read_answers(submission: Submission, questions: list[Question]) -> Answers:
    """The answers in a submission.

    Args:
        submission: where it lies.
        questions: what was asked.

    Returns:
        :class:`Answers`. A file that cannot be read is a problem in it, never an error.
    """
    cells: dict[str, list[tuple[str, str]]] = {}
    homes: dict[str, Path] = {}
    problems = list(submission.problems)
    size = 0
    for path in submission.files:
        try:
            size += min(path.lstat().st_size, _MOST_BYTES)
            if size > _MOST_BYTES_IN_ALL:
                raise ValueError(f"not read, with {_MOST_BYTES_IN_ALL >> 20} MB before it")
            found = _read_file(path, questions)
        except (OSError, ValueError) as error:
            problems.append(f"{path.name}: {error}")
            continue
        for question, answer in found.items():
            if question in homes:
                problems.append(
                    f"{question} is answered in {homes[question].name} and in {path.name}; the first counts. "
                    "(If these files are of different learners, name the files instead of their folder.)"
                )
            else:
                cells[question], homes[question] = answer, path
    code = repr(sorted(cells.items())) + repr(problems)
    return Answers(cells, tuple(problems), hashlib.sha256(code.encode("utf-8", "replace")).hexdigest())


def _of_folder(folder: Path) -> Submission:
    files, problems = [], []
    if folder.is_symlink():
        return Submission(_printable(folder.name), (), (f"{folder.name} is a link; links are not followed",))
    for here, folders, names in os.walk(folder):  # does not follow links
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if folders and len(Path(here).parts) - len(folder.parts) >= _MOST_LEVELS:
            problems.append(f"only the first {_MOST_LEVELS} levels of folders were read")
            folders.clear()
        files += [Path(here) / name for name in sorted(names) if Path(name).suffix in _KINDS and name[0] != "."]
        if len(files) > _MOST_FILES:
            problems.append(f"only the first {_MOST_FILES} files were read")
            break
    if not files:
        problems.append("no notebook and no script")
    return Submission(_printable(folder.name), tuple(files[:_MOST_FILES]), tuple(problems))


def _printable(name: str) -> str:
    """A name with bytes that are no text, line ends and terminal commands spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _read_file(path: Path, questions: list[Question]) -> dict[str, list[tuple[str, str]]]:
    text = _read_text(path)
    if path.suffix == ".py":
        defined = [question for question in questions if _defines(text, question.entry)]
        if defined and len(text) > _MOST_CODE:
            raise ValueError(f"the script has {len(text)} characters; at most {_MOST_CODE} are read")
        return {question.name: [(path.name, text)] for question in defined}
    try:
        cells = read_cells(text, path.name)
    except SourceError as error:
        raise ValueError(str(error)[:300]) from None
    return _of_notebook(path.name, cells, questions)


def _read_text(path: Path) -> str:
    """A regular file's text: a link could point at somebody else's work, a pipe would never end."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise OSError(f"a link, or not readable ({error.strerror})") from None
    with open(file, "rb") as stream:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("not a regular file")
        if found.st_size > _MOST_BYTES:
            raise ValueError(f"{found.st_size >> 20} MB; at most {_MOST_BYTES >> 20} are read")
        return stream.read(_MOST_BYTES).decode("utf-8", "replace")


def _of_notebook(name: str, cells: list[Cell], questions: list[Question]) -> dict[str, list[tuple[str, str]]]:
    code = [(f"{name}, cell {i}", cell) for i, cell in enumerate(cells, start=1) if cell.kind == "code"]
    setup = [(where, cell.source) for where, cell in code if "setup" in cell.tags]
    found = {}
    for question in questions:
        answer = [(where, cell.source) for where, cell in code if f"ex:{question.name}" in cell.tags]
        if not answer:  # some editors lose tags: then the cell that defines the function
            answer = [(where, cell.source) for where, cell in code if _defines(cell.source, question.entry)]
        if not answer:
            continue
        if sum(len(source) for _, source in setup + answer) > _MOST_CODE:
            raise ValueError(f"the answer to {question.name} is longer than {_MOST_CODE} characters")
        found[question.name] = setup + answer
    return found


def _defines(source: str, function: str) -> bool:
    return re.search(rf"^def {re.escape(function)}\s*\(", source, re.M) is not None
