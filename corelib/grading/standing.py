"""Where a learner stands: the last verdict on each question, kept beside the learner's own notebooks.

Verdicts go into ``work/.standing/``, one small file a question, so that notebooks open side by side never write into
each other's. Outside ``work/`` they are kept for the running session only: trying a check in the exercises of the
course, in its solutions or in a test leaves no trace.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from corelib.grading.judge import FAIL, PASS, STATUSES, TODO
from corelib.notebook.files import find_course_root, write_atomically

_session: dict[str, "Standing"] = {}


@dataclass(frozen=True)
class Standing:
    """The last verdict on one question: its status and the points that it would get."""

    status: str
    points: int


def remember(name: str, status: str, points: int) -> None:
    """Keep the last verdict on a question; a disk that cannot be written to only makes it forgetful."""
    _session[name] = Standing(status, points)
    folder = _folder()
    if folder is None or status not in (PASS, FAIL, TODO):
        return
    try:
        write_atomically(folder / f"{name}.json", json.dumps({"status": status, "points": points}) + "\n")
    except OSError:
        return


def standings() -> dict[str, Standing]:
    """The last verdict on every question that has one, by name."""
    found = {}
    folder = _folder()
    for path in sorted(folder.glob("*.json")) if folder is not None else []:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["status"] in STATUSES:
                found[path.stem] = Standing(content["status"], int(content["points"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a torn or foreign file is no verdict
    return {**found, **_session}


def _folder() -> Path | None:
    """``work/.standing`` of the course, when the notebook runs below ``work/``."""
    try:
        root = find_course_root()
    except ValueError:
        return None
    if root is None or not Path.cwd().resolve().is_relative_to(root / "work"):
        return None
    return root / "work" / ".standing"
