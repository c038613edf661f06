"""Write ``exercises/`` from ``solutions/``, say what is stale, and give a learner a copy to work on."""

from dataclasses import dataclass
from pathlib import Path

from corelib.grading.catalogue import question_names
from corelib.grading.exercise import SourceError, exercise_notebook, is_untouched, read_cells
from corelib.notebook.files import write_atomically


@dataclass(frozen=True)
class Change:
    """What is to happen to one exercise.

    Attributes:
        path: the exercise.
        state: "current", "stale" (differs from its source), "missing", "orphan" (has no source), or "occupied" (it
            differs and somebody has worked in it).
        text: what it should hold; empty for an orphan.
    """

    path: Path
    state: str
    text: str = ""


class OccupiedError(RuntimeError):
    """A file that holds somebody's work stands where an exercise belongs."""


def plan_build(root: Path) -> list[Change]:
    """Compare ``exercises/`` with what ``solutions/`` makes.

    Args:
        root: the folder that holds both.

    Returns:
        One :class:`Change` an exercise, in order of path.

    Raises:
        SourceError: a source is broken, or sources and questions do not match one to one.
    """
    sources = sorted((root / "solutions").glob("ch*/*.ipynb"))
    _require_every_question(root, sources)
    changes = []
    for source in sources:
        text = exercise_notebook(source.read_text(encoding="utf-8"), source.relative_to(root).as_posix())
        target = root / "exercises" / source.relative_to(root / "solutions")
        changes.append(Change(target, _state(target, text), text))
    wanted = {change.path for change in changes}
    for path in sorted((root / "exercises").glob("ch*/*.ipynb")):
        if path not in wanted:
            changes.append(Change(path, "orphan" if is_untouched(path.read_text(encoding="utf-8")) else "occupied"))
    return changes


def build(root: Path) -> list[Change]:
    """Bring ``exercises/`` up to date.

    Args:
        root: the folder that holds ``solutions/`` and ``exercises/``.

    Returns:
        What was written or removed.

    Raises:
        SourceError: as :func:`plan_build`; nothing is written then.
        OccupiedError: a file that would change holds somebody's work; nothing is written then.
    """
    changes = [change for change in plan_build(root) if change.state != "current"]
    occupied = [change.path.relative_to(root).as_posix() for change in changes if change.state == "occupied"]
    if occupied:
        raise OccupiedError(
            f"{', '.join(occupied)}: not as it was generated, so somebody may have worked in it. Nothing was written. "
            "Move it into work/ (learners' copies belong there), or restore or remove it, and build again."
        )
    for change in changes:
        if change.state == "orphan":
            change.path.unlink()
        else:
            write_atomically(change.path, change.text)
    return changes


def start(root: Path, chapter: str) -> tuple[list[Path], list[Path]]:
    """Copy a chapter's exercises into ``work/``, where a learner writes. A file that is there already stays as it is.

    Args:
        root: the folder that holds ``exercises/``.
        chapter: ``"ch03"``, or the name of its folder.

    Returns:
        ``(copied, kept)``: files that were made, and files that were there already.

    Raises:
        ValueError: there are no exercises for this chapter.
    """
    available = sorted(path.name for path in (root / "exercises").glob("ch*") if path.is_dir())
    named = [name for name in available if chapter in (name, name.partition("_")[0])]
    if len(named) != 1:
        raise ValueError(f"chapter is {chapter!r}; expected one of {', '.join(n[:4] for n in available) or 'none yet'}")
    copied, kept = [], []
    for source in sorted((root / "exercises" / named[0]).glob("*.ipynb")):
        target = root / "work" / named[0] / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("x", encoding="utf-8") as file:  # "x" refuses where a file is, without a gap in between
                file.write(source.read_text(encoding="utf-8"))
            copied.append(target)
        except FileExistsError:
            kept.append(target)
    return copied, kept


def _state(target: Path, text: str) -> str:
    if not target.exists():
        return "missing"
    found = target.read_text(encoding="utf-8")
    if found == text:
        return "current"
    return "stale" if is_untouched(found) else "occupied"


def _require_every_question(root: Path, sources: list[Path]) -> None:
    """Each question stands in exactly one source, in its own chapter's folder, and each answer cell has a question."""
    places: dict[str, list[str]] = {name: [] for name in question_names()}
    for source in sources:
        name = source.relative_to(root).as_posix()
        for cell in read_cells(source.read_text(encoding="utf-8"), name):
            question, hint = cell.tagged("ex:"), cell.tagged("hint:")
            for found in filter(None, (question, hint)):
                if found not in places:
                    raise SourceError(f"{name} has a cell for {found!r}, which is not a question of the course")
            if question:
                places[question].append(name)
    for question, found in places.items():
        chapter = question.partition(".")[0]
        if len(found) != 1 or not found[0].startswith(f"solutions/{chapter}_"):
            raise SourceError(f"{question} stands in {found or 'no source'}; expected one source in {chapter}")
