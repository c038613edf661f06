"""How a value is judged. A comparison explains in one sentence what is wrong with a value, or says nothing.

Values are plain (see ``corelib.grading.child.values``). Types, shapes and dtypes are judged before numbers, NaN and
infinity before tolerances. Tolerances come from the arithmetic: a closed form in float64 is good to about nine digits,
a float32 sum of n terms to ``4 n eps32``, a Monte Carlo estimate to a few of its standard errors.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from corelib.grading.child.values import PlainTensor, plain


class Comparison(Protocol):
    """Judges a value against the expected one."""

    def explain(self, expected: Any, value: Any) -> str:
        """What is wrong, in one sentence; an empty string when nothing is."""
        ...


@dataclass(frozen=True)
class Close:
    """Same structure, type, dtype and shape, and every number within ``atol + rtol |expected|``.

    Attributes:
        rtol: relative tolerance; 1e-9 suits closed forms in float64.
        atol: absolute tolerance, in the unit of the value; what rounding leaves where the truth is 0.
    """

    rtol: float = 1e-9
    atol: float = 1e-12

    def explain(self, expected: Any, value: Any) -> str:
        """What is wrong, in one sentence; an empty string when nothing is."""
        return _explain(plain(expected), plain(value), "", self._numbers)

    def _numbers(self, expected: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, str]:
        bound = self.atol + self.rtol * np.abs(expected)
        return np.abs(value - expected) > bound, f"tolerance {self.rtol:g} relative, {self.atol:g} absolute"


@dataclass(frozen=True)
class Exact:
    """Same structure, type, dtype and shape, and equal in every element."""

    def explain(self, expected: Any, value: Any) -> str:
        """What is wrong, in one sentence; an empty string when nothing is."""
        return _explain(plain(expected), plain(value), "", lambda a, b: (a != b, "these must be equal"))


@dataclass(frozen=True)
class Property:
    """A property that right values have, where there is more than one right value.

    Attributes:
        holds: ``holds(expected, value)`` returns what is wrong with the value, or an empty string. An error that it
            raises counts as wrong.
    """

    holds: Callable[[Any, Any], str]

    def explain(self, expected: Any, value: Any) -> str:
        """What is wrong, in one sentence; an empty string when nothing is."""
        try:
            return self.holds(expected, plain(value))
        except Exception as error:
            return f"it does not have the form that was asked for ({type(error).__name__}: {error})"


@dataclass(frozen=True)
class Raises:
    """The call has to raise.

    Attributes:
        error: name of the exception's type, ``"ValueError"``.
        mentions: whole words that the message has to hold, in any case and number: the argument that is wrong, say.
    """

    error: str = "ValueError"
    mentions: tuple[str, ...] = ()

    def explain_error(self, error: str, message: str) -> str:
        """What is wrong with an error that was raised; an empty string when nothing is."""
        if error != self.error:
            return f"it raised {error}; expected {self.error}"
        missing = [word for word in self.mentions if not _says(message, word)]
        return f"its {error} does not mention {', '.join(missing)}" if missing else ""


def _says(message: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", message, re.IGNORECASE) is not None


def float32_sum(n: int) -> Close:
    """Tolerance for a sum or mean of n float32 terms of one sign: relative ``4 n eps32``, absolute the same."""
    bound = 4 * n * float(np.finfo(np.float32).eps)
    return Close(rtol=bound, atol=bound)


def monte_carlo(stderr: float, n_errors: float = 5.0) -> Close:
    """Tolerance of ``n_errors`` standard errors for an estimate by sampling."""
    return Close(rtol=0.0, atol=n_errors * stderr)


def _explain(expected: Any, value: Any, where: str, numbers: Callable) -> str:
    at = f" at {where}" if where else ""
    if _kind(expected) != _kind(value):
        return f"you returned {a(_kind(value))}{at}; expected {a(_kind(expected))}"
    if isinstance(expected, dict):
        if expected.keys() != value.keys():
            return f"keys are {sorted(map(str, value))}{at}; expected {sorted(map(str, expected))}"
        parts = ((expected[key], value[key], f"{where}[{key!r}]") for key in expected)
    elif isinstance(expected, tuple | list):
        if len(expected) != len(value):
            return f"there are {len(value)} parts{at}; expected {len(expected)}"
        parts = ((e, v, f"{where}[{i}]") for i, (e, v) in enumerate(zip(expected, value, strict=True)))
    else:
        return _explain_leaf(expected, value, at, numbers)
    return next((found for part in parts if (found := _explain(*part, numbers))), "")


def _explain_leaf(expected: Any, value: Any, at: str, numbers: Callable) -> str:
    if expected is None or isinstance(expected, str):
        return "" if expected == value else f"you returned {value!r}{at}; expected {expected!r}"
    wanted, found = _dtype(expected), _dtype(value)
    # 0 is a fine way to write 0.0; an integer beyond all floats is not.
    whole = isinstance(expected, float) and isinstance(value, int) and value.bit_length() < 1024
    if wanted != found and not whole:
        return f"dtype is {found}{at}; expected {wanted}"
    expected, value = _array(expected), _array(float(value) if whole else value)
    if expected.shape != value.shape:
        return f"shape is {value.shape}{at}; expected {expected.shape}"
    if value.dtype.kind in "fc" and not np.isfinite(value[np.isfinite(expected)]).all():
        bad = int((~np.isfinite(value)).sum())
        which = f"{bad} of {value.size} numbers{at} are" if value.size > 1 else f"the number{at} is"
        return f"{which} NaN or infinite; expected finite ones"
    if value.dtype.kind not in "fc":
        wrong, rule = np.asarray(value != expected), "these must be equal"
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            wrong, rule = numbers(expected, value)
        wrong = np.where(np.isfinite(expected), wrong, ~((value == expected) | (np.isnan(value) & np.isnan(expected))))
    if not wrong.any():
        return ""
    first = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    share = f"{int(wrong.sum())} of {wrong.size} numbers{at} differ: " if wrong.size > 1 else ""
    place = f"element {tuple(map(int, first))} is " if wrong.ndim else f"the number{at} is "
    return f"{share}{place}{_number(value[first])}; expected {_number(expected[first])} ({rule})"


def _number(number: Any) -> str:
    return f"{number:.10g}" if isinstance(number, np.inexact) else str(number)


def _kind(value: Any) -> str:
    if isinstance(value, PlainTensor):
        return "torch tensor"
    if isinstance(value, np.ndarray):
        return "numpy array" if value.ndim else "number"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float | complex) else type(value).__name__


def a(noun: str) -> str:
    """The noun with its article; None as it is."""
    if noun == "NoneType":
        return "None"
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _dtype(value: Any) -> str:
    """Dtype of an array; of a number only its kind, and any integers are integers."""
    if isinstance(value, PlainTensor):
        return value.dtype
    array = np.asarray(value)
    return {"i": "integer", "u": "integer"}.get(array.dtype.kind, array.dtype.name)


def _array(value: Any) -> np.ndarray:
    return value.array if isinstance(value, PlainTensor) else np.asarray(value)
