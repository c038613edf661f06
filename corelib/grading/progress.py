"""Where a learner stands over the whole course: every question with its last verdict, as a table and as a picture."""

from dataclasses import dataclass
from html import escape
from itertools import groupby

from corelib.grading.catalogue import find_question, question_names
from corelib.grading.judge import PASS, TODO
from corelib.grading.report import LOOK
from corelib.grading.standing import Standing, standings

_CELL, _GAP, _LABEL, _TALLY = 34, 4, 56, 110  # pixels of the picture


@dataclass(frozen=True)
class Step:
    """One question on the way.

    Attributes:
        name: the question.
        title: what it asks, in a few words.
        status: last verdict, "pass", "fail" or "todo"; "todo" too where none was asked for.
        points: points of that verdict.
        max: points possible.
    """

    name: str
    title: str
    status: str
    points: int
    max: int

    @property
    def chapter(self) -> str:
        """``"ch03"``."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Progress:
    """All steps of the course in order; shows itself as text, or as a picture with a table in a notebook."""

    steps: tuple[Step, ...]

    @property
    def points(self) -> int:
        """Points reached so far."""
        return sum(step.points for step in self.steps)

    @property
    def max(self) -> int:
        """Points of the whole course."""
        return sum(step.max for step in self.steps)

    def chapters(self) -> dict[str, list[Step]]:
        """Steps by chapter, in order."""
        return {chapter: list(steps) for chapter, steps in groupby(self.steps, key=lambda step: step.chapter)}

    def __str__(self) -> str:
        width = max((len(step.name) for step in self.steps), default=0)
        lines = [self._headline()]
        for step in self.steps:
            sign = LOOK[step.status][0]
            lines.append(f"  {sign} {step.name:<{width}}  {step.points} of {step.max}  {step.status}  {step.title}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left">{_badge(step.status)}</td>'
            f'<td style="text-align:left">{escape(step.name)}</td>'
            f'<td style="text-align:right">{step.points} of {step.max}</td>'
            f'<td style="text-align:left">{escape(step.title)}</td></tr>'
            for step in self.steps
        )
        head = "".join(f'<th style="text-align:left">{name}</th>' for name in ("", "question", "points", "asks for"))
        return f"<p><b>{escape(self._headline())}</b></p>{self.picture()}<table><tr>{head}</tr>{rows}</table>"

    def picture(self) -> str:
        """An SVG drawing: a row a chapter, a field a question, as wide as it has points."""
        chapters = self.chapters()
        most = max((sum(step.max for step in steps) for steps in chapters.values()), default=0)
        width, height = _LABEL + most * _CELL + _TALLY, len(chapters) * (_CELL + _GAP)
        rows = "".join(_row(name, steps, i * (_CELL + _GAP)) for i, (name, steps) in enumerate(chapters.items()))
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'style="max-width:100%;height:auto" role="img" aria-label="{escape(self._headline())}" '
            f'font-family="sans-serif" font-size="14">{rows}</svg>'
        )

    def _headline(self) -> str:
        solved = sum(step.status == PASS for step in self.steps)
        return f"{solved} of {len(self.steps)} questions solved, {self.points} of {self.max} points"


def progress() -> Progress:
    """Where you stand: the last verdict of each question's check, over the whole course.

    Returns:
        A :class:`Progress`. Verdicts of earlier sessions count when this runs in ``work/``, where
        ``python -m corelib.grading start`` puts your copies.
    """
    known = standings()
    steps = []
    for name in question_names():
        question, standing = find_question(name), known.get(name, Standing(TODO, 0))
        points = min(standing.points, question.points)  # an old verdict may be of a question with more points
        steps.append(Step(name, question.title, standing.status, points, question.points))
    return Progress(tuple(steps))


def _row(chapter: str, steps: list[Step], top: int) -> str:
    middle, left = top + _CELL / 2 + 5, _LABEL
    parts = [f'<text x="0" y="{middle}" fill="currentColor">{escape(chapter)}</text>']
    for step in steps:
        sign, ground, ink = LOOK[step.status]
        width = step.max * _CELL - _GAP
        parts.append(
            f"<g><title>{escape(f'{step.name}: {step.status}')}</title>"
            f'<rect x="{left}" y="{top}" width="{width}" height="{_CELL}" rx="4" fill="{ground}" stroke="{ink}"/>'
            f'<text x="{left + width / 2}" y="{middle}" fill="{ink}" text-anchor="middle">{sign}</text></g>'
        )
        left += step.max * _CELL
    tally = f"{sum(step.points for step in steps)} of {sum(step.max for step in steps)} points"
    parts.append(f'<text x="{left + 8}" y="{middle}" fill="currentColor">{tally}</text>')
    return "".join(parts)


def _badge(status: str) -> str:
    sign, ground, ink = LOOK[status]
    return f'<span style="background:{ground};color:{ink};padding:1px 6px;border-radius:3px">{sign} {status}</span>'
