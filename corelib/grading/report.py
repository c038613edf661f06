"""What a learner reads after a check: the verdict, the first case that went wrong, and the name of the mistake."""

import sys
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from corelib.grading.child.values import PlainTensor
from corelib.grading.compare import Raises
from corelib.grading.judge import FAIL, PASS, TODO, Failure, Verdict
from corelib.grading.question import Question

# Dark text on a pale ground of its own reads the same in a light and in a dark notebook; a word says it without colour.
LOOK = {PASS: ("✓", "#E3F3EA", "#00593F"), FAIL: ("✗", "#FBE9E2", "#8A3A00"), TODO: ("○", "#ECECEC", "#3C3C3C")}
_SHOWN, _NAMED = 8, 3


@dataclass(frozen=True)
class Report:
    """The result of a check.

    Attributes:
        name: the question.
        status: "pass", "fail" or "todo".
        title: the question in a few words.
        points: points this answer would get.
        max_points: points of the question.
        lines: pairs (what, text) to be read in order: what was given, expected, came back, a hint.
        notes: remarks about what the grader would see differently.
        diagnosis: name of the recognised mistake, or an empty string.
    """

    name: str
    status: str
    title: str = ""
    points: int = 0
    max_points: int = 0
    lines: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    diagnosis: str = ""

    @classmethod
    def of_verdict(cls, question: Question, verdict: Verdict, notes: tuple[str, ...] = ()) -> "Report":
        """The report on a verdict, with the inputs of the first failure."""
        return cls(
            name=question.name,
            status=verdict.status,
            title=question.title,
            points=verdict.points,
            max_points=question.points,
            lines=_lines(question, verdict),
            notes=notes if verdict.status != TODO else (),
            diagnosis=verdict.diagnosis.name if verdict.diagnosis else "",
        )

    @classmethod
    def of_trouble(cls, name: str, message: str, title: str = "") -> "Report":
        """The report where nothing could be judged."""
        return cls(name=name, status=FAIL, title=title, lines=(("problem", message),))

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASS

    def require(self) -> None:
        """Raise unless the answer is right, for graders that count raised errors (nbgrader).

        Raises:
            AssertionError: with the text of the report.
        """
        if not self.passed:
            raise AssertionError(str(self))

    @property
    def headline(self) -> str:
        """``"✗ ch03.ebab_edges: fail, 0 of 3 points"``."""
        points = f", {self.points} of {self.max_points} points" if self.max_points else ""
        return f"{LOOK[self.status][0]} {self.name}: {self.status}{points}"

    def __str__(self) -> str:
        width = max((len(what) for what, _ in self.lines), default=0)
        lines = [f"  {what:<{width}}  {text}" for what, text in self.lines]
        return "\n".join([self.headline, *lines, *(f"  note: {note}" for note in self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        _, ground, ink = LOOK[self.status]
        rows = "".join(
            '<tr style="background:none"><td style="text-align:left;vertical-align:top;padding:1px 12px 1px 0;'
            f'white-space:nowrap;color:{ink}"><b>{escape(what)}</b></td>'
            f'<td style="text-align:left;color:#1A1A1A;white-space:pre-wrap">{escape(text)}</td></tr>'
            for what, text in self.lines
        )
        notes = "".join(f'<div style="color:#1A1A1A"><i>{escape(note)}</i></div>' for note in self.notes)
        title = f" · {escape(self.title)}" if self.title else ""
        return (
            f'<div style="background:{ground};border-left:4px solid {ink};padding:8px 12px;color:{ink}">'
            f"<b>{escape(self.headline)}</b>{title}"
            f'<table style="border:none;margin:4px 0">{rows}</table>{notes}</div>'
        )


def _lines(question: Question, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    if verdict.status == PASS:
        return (("checked", f"all {verdict.n_cases} cases are right"),)
    if verdict.status == TODO:
        return (("next", f"write {question.entry} in the cell above, run it, then run this cell again"),)
    lines = [("problem", verdict.message)] if verdict.message else []
    if verdict.failures:
        lines += _failure_lines(question, verdict.failures[0])
        others = list(dict.fromkeys(failure.case.label for failure in verdict.failures[1:]))
        if others:
            more = f"; and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            lines.append(("also wrong", "; ".join(others[:_NAMED]) + more))
    if verdict.diagnosis:
        lines.append(("hint", verdict.diagnosis.says))
    return tuple(lines)


def _failure_lines(question: Question, failure: Failure) -> list[tuple[str, str]]:
    given = ", ".join(describe(argument) for argument in failure.case.args)
    outcome = failure.outcome
    lines = [("case", failure.case.label), ("given", f"{question.entry}({given})")]
    if isinstance(failure.expected, Raises):
        mentions = f" that mentions {', '.join(failure.expected.mentions)}" if failure.expected.mentions else ""
        lines.append(("expected", f"{failure.expected.error}{mentions}"))
    else:
        lines.append(("expected", describe(failure.expected)))
    lines.append(("came back", outcome.error or describe(outcome.value)))
    lines.append(("so", failure.message))
    return lines


def describe(value: Any) -> str:
    """A value in a line: small ones whole, large ones by shape, dtype and first numbers."""
    if isinstance(value, PlainTensor):
        return f"tensor {describe(value.array)}"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return f"tensor {describe(value.detach().cpu().numpy())}"
    if isinstance(value, np.ndarray):
        return _describe_array(value)
    if isinstance(value, tuple | list):
        left, right = "()" if isinstance(value, tuple) else "[]"
        more = ", …" if len(value) > _SHOWN else ""
        return f"{left}{', '.join(map(describe, value[:_SHOWN]))}{more}{right}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {describe(part)}" for key, part in list(value.items())[:_SHOWN]) + "}"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _describe_array(array: np.ndarray) -> str:
    if array.size <= _SHOWN:
        return f"array({np.array2string(array, separator=', ', precision=6)}, {array.dtype})".replace("\n", "")
    first = ", ".join(f"{x:.4g}" if array.dtype.kind == "f" else str(x) for x in array.ravel()[:4])
    return f"{array.dtype} array of shape {array.shape}: {first}, …"
