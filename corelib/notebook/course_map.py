"""The map of the course, read from the lessons themselves: nobody has to keep a list in step."""

import json
import os
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from corelib.notebook.files import require_course_root

_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s|$)")
_ABBREVIATION = re.compile(r"(?:\bal|\be\.g|\bi\.e|\bvs|\bcf|\bFig|\bSec|\bEq|\bDr|\b[A-Z])\.$")


@dataclass(frozen=True)
class Lesson:
    """One notebook: its level-1 title, the first sentence after it, and its path inside ``course/``."""

    title: str
    summary: str
    path: str


@dataclass(frozen=True)
class Chapter:
    """One folder of lessons: ``"ch03_adaptive_estimators"`` is chapter 3, "Adaptive estimators"."""

    number: int
    title: str
    lessons: tuple[Lesson, ...]


@dataclass(frozen=True)
class CourseMap:
    """Chapters and lessons, shown as a list with links.

    Attributes:
        chapters: in order of their number.
        base: path from the reader's folder to ``course/``, ``"."`` for a notebook that lies there.
    """

    chapters: tuple[Chapter, ...]
    base: str = "."

    def link(self, lesson: Lesson) -> str:
        """Relative path from the reader's folder to a lesson."""
        return lesson.path if self.base == "." else f"{self.base}/{lesson.path}"

    def __repr__(self) -> str:
        if not self.chapters:
            return "The course has no lessons yet."
        lines = []
        for chapter in self.chapters:
            lines.append(f"Chapter {chapter.number}: {chapter.title}")
            for lesson in chapter.lessons:
                lines.append(f"  {lesson.title} ({self.link(lesson)})")
                lines += [f"    {lesson.summary}"] if lesson.summary else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        if not self.chapters:
            return f"<p>{escape(repr(self))}</p>"
        return "".join(
            f"<p><b>Chapter {chapter.number}: {escape(chapter.title)}</b></p>"
            f"<ul>{''.join(map(self._item, chapter.lessons))}</ul>"
            for chapter in self.chapters
        )

    def _item(self, lesson: Lesson) -> str:
        link = f'<a href="{escape(quote(self.link(lesson)))}">{escape(lesson.title)}</a>'
        return f"<li>{link}<br>{escape(lesson.summary)}</li>" if lesson.summary else f"<li>{link}</li>"


def course_map() -> CourseMap:
    """Read ``course/ch*/*.ipynb``.

    Returns:
        The map, with links relative to the current folder when that lies in the course, else to ``course/``.

    Raises:
        FileNotFoundError: not inside a copy of the course.
        ValueError: a lesson is not a notebook or has no level-1 title; the message names it.
    """
    course = require_course_root() / "course"
    chapters = []
    for folder in sorted(course.glob("ch*")):
        named = re.fullmatch(r"ch(\d+)_(.+)", folder.name)
        if named and folder.is_dir():
            lessons = tuple(_read(path, course) for path in sorted(folder.glob("*.ipynb")))
            title = named[2].replace("_", " ")
            chapters.append(Chapter(int(named[1]), title[:1].upper() + title[1:], lessons))
    here = Path.cwd().resolve()
    base = Path(os.path.relpath(course, here)).as_posix() if here.is_relative_to(course.parent) else "."
    return CourseMap(tuple(chapter for chapter in chapters if chapter.lessons), base)


def first_sentence(text: str) -> str:
    """The first sentence of Markdown text, without its markup.

    Args:
        text: Markdown; a blank line ends a sentence too.
    """
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    paragraph = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)
    paragraph = re.sub(r"\*\*|`|(?<!\w)[*_]|[*_](?!\w)|^[>#\-\s]+", "", paragraph)
    for end in _SENTENCE_END.finditer(paragraph):
        if not _ABBREVIATION.search(paragraph[: end.end()]):
            return paragraph[: end.end()]
    return paragraph


def _read(path: Path, course: Path) -> Lesson:
    name = path.relative_to(course).as_posix()
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        markdown = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"course/{name} is not a notebook: {error}") from error
    found = re.search(r"^# +(.+?)\s*$", "\n\n".join(markdown), re.M)
    if found is None:
        raise ValueError(f"course/{name} has no level-1 title; expected a Markdown line '# Title'")
    return Lesson(found[1], first_sentence("\n\n".join(markdown)[found.end() :]), name)
