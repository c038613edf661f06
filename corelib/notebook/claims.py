"""A claim, the criterion it is held to, and the verdict that follows. Verdicts are computed, never typed."""

import math
from dataclasses import dataclass

HOLDS, DIFFERS, NOT_TESTABLE = "holds", "differs", "not testable here"
VERDICTS = (HOLDS, DIFFERS, NOT_TESTABLE)


@dataclass(frozen=True)
class Criterion:
    """A closed interval that a value has to lie in.

    Attributes:
        low: smallest value that meets it; minus infinity when there is none.
        high: largest value that meets it; infinity when there is none.
        text: the criterion as a reader sees it.
    """

    low: float
    high: float
    text: str

    def met_by(self, value: float) -> bool:
        """Whether ``value`` lies in the interval; NaN never does."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Claim:
    """One row of a ledger.

    Attributes:
        key: short name, unique within the ledger.
        claim: what the paper says, in one sentence.
        place: where it says so.
        paper: the paper's value, as a number or in words; None when it gives none.
        value: this run's value; None when it was not measured.
        unit: unit of ``paper`` and ``value``.
        criterion: what the value is held to; None only when not testable.
        says: what the course asserts, ``"holds"`` or ``"differs"``.
        reason: why the verdict is what it is, or why the claim cannot be tested here.
        testable: whether this run can test it.
    """

    key: str
    claim: str
    place: str
    paper: str | float | None
    value: float | None
    unit: str
    criterion: Criterion | None
    says: str
    reason: str
    testable: bool = True

    @property
    def verdict(self) -> str:
        """``"holds"``, ``"differs"`` or ``"not testable here"``."""
        if not self.testable:
            return NOT_TESTABLE
        return HOLDS if self.criterion.met_by(self.value) else DIFFERS

    @property
    def contradicts_course(self) -> bool:
        """The course asserts that it holds, and it does not."""
        return self.says == HOLDS and self.verdict == DIFFERS

    @property
    def note(self) -> str:
        """A remark when verdict and the course's assertion disagree, else an empty string."""
        if self.contradicts_course:
            return "The course says it holds."
        return "Now holds, although the course says it differs." if self.says != self.verdict == HOLDS else ""

    @property
    def value_text(self) -> str:
        """The value rounded to four digits, or to as many as it takes not to contradict the verdict."""
        if self.value is None:
            return "—"
        for digits in range(4, 18):
            rounded = float(f"{self.value:.{digits}g}")
            if self.criterion is None or self.criterion.met_by(rounded) == self.criterion.met_by(self.value):
                break
        return quantity(self.value, self.unit, digits)


def quantity(value: str | float | None, unit: str = "", digits: int = 4) -> str:
    """A value with its unit, for a reader.

    Args:
        value: a number, text that is passed on, or None.
        unit: appended to a number.
        digits: significant digits.

    Returns:
        For example ``"0.6931 nats"``; an em dash for None.
    """
    if value is None:
        return "—"
    if isinstance(value, str):
        return value
    number = "NaN" if math.isnan(value) else f"{value:.{digits}g}"
    return f"{number} {unit}".rstrip()


def make_criterion(
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    near: tuple[float, float] | None = None,
    between: tuple[float, float] | None = None,
    unit: str = "",
) -> Criterion | None:
    """The one criterion among four that was given.

    Args:
        at_least: smallest value that meets it.
        at_most: largest value that meets it.
        near: ``(x, tolerance)``, meets it within ``[x - tolerance, x + tolerance]``.
        between: ``(low, high)``, both ends included.
        unit: appended to the criterion's text.

    Returns:
        The criterion, or None when none was given.

    Raises:
        ValueError: more than one was given, a bound is not finite, the tolerance is negative, or low exceeds high.
    """
    given = {"at_least": at_least, "at_most": at_most, "near": near, "between": between}
    given = {name: bound for name, bound in given.items() if bound is not None}
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} were given; expected exactly one criterion")
    if not given:
        return None
    (name, bound), *_ = given.items()
    if name in ("at_least", "at_most"):
        x = _finite(name, bound)
        sign, low, high = ("≥", x, math.inf) if name == "at_least" else ("≤", -math.inf, x)
        return Criterion(low, high, f"{sign} {quantity(x, unit, 10)}")
    if not isinstance(bound, tuple | list) or len(bound) != 2:
        raise ValueError(f"{name} is {bound!r}; expected two numbers")
    a, b = (_finite(name, x) for x in bound)
    if name == "near":
        if b < 0:
            raise ValueError(f"near has tolerance {b}; expected >= 0")
        return Criterion(a - b, a + b, f"{quantity(a, '', 10)} ± {quantity(b, unit, 10)}")
    if a > b:
        raise ValueError(f"between is ({a}, {b}); expected low <= high")
    return Criterion(a, b, f"{quantity(a, '', 10)} to {quantity(b, unit, 10)}")


def as_number(name: str, value: object) -> float:
    """``value`` as a float: a Python number, or a NumPy or torch scalar.

    Raises:
        TypeError: it is not one number.
    """
    if isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; expected a number")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:  # torch raises RuntimeError for more than one element
        raise TypeError(f"{name} is {value!r}; expected a number") from error


def _finite(name: str, value: object) -> float:
    number = as_number(name, value)
    if not math.isfinite(number):
        raise ValueError(f"{name} holds {number}; expected finite numbers")
    return number
