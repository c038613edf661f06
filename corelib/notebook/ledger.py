"""The claims ledger at the end of a lesson: what the paper says, what this run found, and the verdict that follows.

A claim that does not replicate is a result. Only a claim that the course asserts and this run contradicts is an error.
"""

import datetime
import time
from pathlib import Path

from corelib.notebook import ledger_view
from corelib.notebook.claims import DIFFERS, HOLDS, Claim, as_number, make_criterion, quantity
from corelib.notebook.files import require_course_root
from corelib.notebook.profile import Profile
from corelib.notebook.profile import profile as current_profile
from corelib.notebook.results import (
    RecordedRun,
    check_ledger_id,
    machine,
    recorded_runs,
    results_path,
    save_run,
    versions,
)


class LedgerError(AssertionError):
    """A claim that the course asserts did not hold in this run."""


class Ledger:
    """Claims of one lesson with their computed verdicts.

    Args:
        ledger_id: names the recorded file, for example ``"ch03-01"``.
        title: heading of the table.
        profile: a Profile or its name; what ``COURSE_PROFILE`` asks for by default.
        seed: the seed of the run, kept with the recorded values.

    Raises:
        ValueError: the id cannot name a file, or the profile is unknown.
    """

    def __init__(self, ledger_id: str, *, title: str = "", profile: Profile | str | None = None, seed: int = 0):
        self.id = check_ledger_id(ledger_id)
        self.title = title
        self.profile = Profile(profile) if isinstance(profile, str) else profile or current_profile()
        self.seed = int(seed)
        self._started = time.monotonic()
        self._rows: dict[str, Claim] = {}

    @property
    def rows(self) -> tuple[Claim, ...]:
        """The claims in the order they were added."""
        return tuple(self._rows.values())

    def add(
        self,
        key: str,
        *,
        claim: str,
        place: str,
        paper: str | float | None = None,
        value: float | None = None,
        unit: str = "",
        at_least: float | None = None,
        at_most: float | None = None,
        near: tuple[float, float] | None = None,
        between: tuple[float, float] | None = None,
        says: str = HOLDS,
        not_testable: str | None = None,
        reason: str = "",
    ) -> Claim:
        """Add a claim, or replace it when its cell is run again.

        Args:
            key: short name, unique in this ledger.
            claim: what the paper says, in one sentence.
            place: section, figure or table where it says so.
            paper: the paper's value, a number or words; None when it gives none.
            value: this run's value, in ``unit``; NaN never meets a criterion.
            unit: unit of the numbers.
            at_least: criterion ``value >= at_least``.
            at_most: criterion ``value <= at_most``.
            near: criterion ``|value - near[0]| <= near[1]``.
            between: criterion ``between[0] <= value <= between[1]``.
            says: what the course asserts about the claim, ``"holds"`` or ``"differs"``.
            not_testable: why this run cannot test it; a value and a criterion may then be left out.
            reason: one sentence that explains the outcome; required unless ``not_testable`` gives it.

        Returns:
            The row, with its verdict.

        Raises:
            ValueError: not exactly one criterion, no value, no reason, an unknown ``says``, or a key used twice.
            TypeError: a value or bound is not one number.
        """
        for name, text in {"key": key, "claim": claim, "place": place}.items():
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} is {text!r}; expected text")
        if says not in (HOLDS, DIFFERS):
            raise ValueError(f"claim {key!r}: says is {says!r}; expected 'holds' or 'differs'")
        if key in self._rows and self._rows[key].claim != claim:
            raise ValueError(f"key {key!r} names two claims; expected one key a claim")
        criterion = make_criterion(at_least=at_least, at_most=at_most, near=near, between=between, unit=unit)
        if not_testable is not None and not not_testable.strip():
            raise ValueError(f"claim {key!r}: not_testable is empty; expected the reason, or None")
        if not_testable is None and (criterion is None or value is None or not reason.strip()):
            lacking = "reason" if not reason.strip() else "value" if value is None else "criterion"
            raise ValueError(f"claim {key!r} has no {lacking}; expected one, or not_testable='why'")
        self._rows[key] = Claim(
            key=key,
            claim=claim,
            place=place,
            paper=paper if paper is None or isinstance(paper, str) else as_number("paper", paper),
            value=None if value is None else as_number("value", value),
            unit=unit,
            criterion=criterion,
            says=says,
            reason=" ".join(part.strip() for part in (not_testable, reason) if part and part.strip()),
            testable=not_testable is None,
        )
        return self._rows[key]

    def verify(self) -> None:
        """Raise when this run contradicts the course; a claim the course reports as differing never raises.

        Raises:
            LedgerError: a row with ``says="holds"`` has the verdict ``differs``; names claim, value and criterion.
        """
        broken = [row for row in self.rows if row.contradicts_course]
        if broken:
            lines = (
                f"{row.key}: {row.claim} (value {row.value_text}, expected {row.criterion.text})" for row in broken
            )
            raise LedgerError(
                f"ledger {self.id}: the course says these hold, this run differs\n  " + "\n  ".join(lines)
            )

    def record(self, *, force: bool = False, wall_seconds: float | None = None) -> Path:
        """Keep this run in ``course/results/<id>.<profile>.json``.

        Args:
            force: allow the quick profile, which is not a full-scale run.
            wall_seconds: wall time of the run, seconds; the time since this ledger was made by default.

        Returns:
            The file that was written.

        Raises:
            ValueError: the profile is quick, or the ledger has no claims.
            FileNotFoundError: not inside a copy of the course.
        """
        if self.profile.name == "quick" and not force:
            raise ValueError("profile is 'quick'; expected 'laptop' or 'gpu' for a recorded run (or force=True)")
        if not self._rows:
            raise ValueError(f"ledger {self.id} has no claims; expected at least one")
        seconds = time.monotonic() - self._started if wall_seconds is None else as_number("wall_seconds", wall_seconds)
        run = RecordedRun(
            ledger=self.id,
            title=self.title,
            profile=self.profile.name,
            seed=self.seed,
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            wall_seconds=round(seconds, 1),
            machine=machine(),
            versions=versions(),
            rows=tuple(_as_dict(row) for row in self.rows),
        )
        path = results_path(require_course_root(), self.id, self.profile.name)
        save_run(run, path)
        return path

    def cells(self) -> list[dict[str, str]]:
        """The table as text, one dict a row with the keys of ``ledger_view.COLUMNS`` plus ``"word"``."""
        runs = recorded_runs(self.id)
        return [
            {
                "claim": row.claim,
                "place": row.place,
                "paper": quantity(row.paper, row.unit),
                "recorded": _recorded_text(runs, row.key),
                "this run": row.value_text,
                "criterion": row.criterion.text if row.criterion else "—",
                "verdict": f"{row.verdict}: {row.reason} {row.note}".rstrip(),
                "word": row.verdict,
            }
            for row in self.rows
        ]

    def _heading(self) -> str:
        return f"{self.title or self.id} (profile {self.profile.name}, seed {self.seed})"

    def __repr__(self) -> str:
        return ledger_view.as_text(self._heading(), self.cells())

    def _repr_html_(self) -> str:
        return ledger_view.as_html(self._heading(), self.cells())


def _as_dict(row: Claim) -> dict:
    return {
        "key": row.key,
        "claim": row.claim,
        "place": row.place,
        "paper": row.paper,
        "value": row.value,
        "unit": row.unit,
        "criterion": row.criterion.text if row.criterion else "",
        "verdict": row.verdict,
        "says": row.says,
        "reason": row.reason,
    }


def _recorded_text(runs: list[RecordedRun], key: str) -> str:
    for run in runs:
        row = run.row(key)
        if row is not None:
            return f"{quantity(row['value'], row['unit'])} ({run.profile}: {row['verdict']})"
    return "—"
