"""The instant check in a notebook: call the learner's function, judge what comes back, never raise."""

import signal
import sys
import threading
import tracemalloc
import types
from collections.abc import Callable
from contextlib import contextmanager
from functools import lru_cache

from corelib.grading.catalogue import find_question
from corelib.grading.child.values import NotPlainError, decode, encode, plain
from corelib.grading.judge import CHECK_SEED, FAIL, Exam, Outcome, Verdict, draw_exam, judge
from corelib.grading.question import Question
from corelib.grading.report import Report
from corelib.grading.standing import remember

_MESSAGE = 400


def check(name: str, answer: Callable, *, seed: int = CHECK_SEED) -> Report:
    """Check an answer and say what is right or wrong with it.

    Args:
        name: the question, ``"ch03.ebab_edges"``.
        answer: the function that answers it.
        seed: seed of the cases; the grade draws others from the same generator.

    Returns:
        A :class:`Report` that shows itself, as text or HTML. Nothing that the answer does raises out of here, so that
        a notebook of untouched exercises runs to its end.
    """
    try:
        question = find_question(name)
    except ValueError as error:
        return Report.of_trouble(str(name), str(error))
    if not callable(answer):
        return Report.of_trouble(name, f"answer is a {type(answer).__name__}; expected the function {question.entry}")
    try:
        exam = _exam(question, seed)
        verdict = _judge_here(exam, answer)
    except Exception as error:  # a broken question is our fault, and still no reason to stop a notebook
        return Report.of_trouble(name, f"the check itself failed ({type(error).__name__}: {error})", question.title)
    report = Report.of_verdict(question, verdict, notes=_notes(question, answer))
    remember(name, verdict.status, verdict.points)
    return report


@lru_cache(maxsize=32)
def _exam(question: Question, seed: int) -> Exam:
    """The same cases each time a learner tries again; every call gets copies of them."""
    return draw_exam(question, seed)


def _judge_here(exam: Exam, answer: Callable) -> Verdict:
    outcomes: list[Outcome] = []
    try:
        with _time_limit(exam.question.limits.seconds):
            for case in exam.cases:
                outcomes.append(_call(answer, encode(case.args), measure=case.peak_mb is not None))
                if outcomes[-1].error == "NotImplementedError":
                    return judge(exam, [outcomes[-1]] * len(exam.cases))
    except _OutOfTime:
        return judge(exam, outcomes, f"it took longer than {exam.question.limits.seconds:g} s")
    except KeyboardInterrupt:
        return Verdict(FAIL, n_cases=len(exam.cases), message="it was interrupted")
    return judge(exam, outcomes)


def _call(answer: Callable, arguments: bytes, measure: bool) -> Outcome:
    """One call with arguments of its own, so that what it does to them harms nobody."""
    args, pristine = decode(arguments, tensors=True), encode(decode(arguments))
    began_here = measure and not tracemalloc.is_tracing()
    try:
        if began_here:
            tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0] if measure else 0
        if measure:
            tracemalloc.reset_peak()
        value = answer(*args)
        peak = (tracemalloc.get_traced_memory()[1] - before) / 1e6 if measure else None
        mutated = encode(args) != pristine
        return Outcome(value=plain(value), mutated=mutated, peak_mb=peak)
    except (_OutOfTime, KeyboardInterrupt):
        raise
    except NotPlainError as error:
        return Outcome(error="unusable answer", message=str(error)[:_MESSAGE])
    except BaseException as error:  # exit() in an answer must not end the notebook
        return Outcome(error=type(error).__name__, message=str(error)[:_MESSAGE], where=_where(error, answer))
    finally:
        if began_here:
            tracemalloc.stop()


def _where(error: BaseException, answer: Callable) -> str:
    """The innermost line of the learner's own code that an error went through."""
    where = ""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == own:
            where = f"line {trace.tb_lineno} of your cell"
        trace = trace.tb_next
    return where


# Functions that stand in the notebook before this module is imported are those of the set-up cell, which comes first.
_GIVEN = frozenset(
    name for name, value in vars(sys.modules["__main__"]).items() if isinstance(value, types.FunctionType)
)


def _notes(question: Question, answer: Callable) -> tuple[str, ...]:
    """What passes here and would not in the grade: the grader reads the question's own cell and the set-up cell."""
    code = getattr(answer, "__code__", None)
    if not isinstance(answer, types.FunctionType) or code is None:
        return ()
    notes = []
    if answer.__name__ != question.entry:
        notes.append(f"The grader looks for a function called {question.entry}; this one is {answer.__name__}.")
    for name in code.co_names:
        helper = answer.__globals__.get(name)
        if name not in _GIVEN and _in_another_cell(helper, answer):
            notes.append(
                f"{name} is defined in another cell. The grader reads the question's cell and the set-up cell only:"
                " move it into this cell."
            )
    return tuple(notes)


def _in_another_cell(helper: object, answer: types.FunctionType) -> bool:
    own = isinstance(helper, types.FunctionType) and helper.__module__ == answer.__module__ == "__main__"
    return own and helper.__code__.co_filename != answer.__code__.co_filename


class _OutOfTime(BaseException):
    """Not an Exception, so that an answer's ``except Exception`` does not swallow it."""


@contextmanager
def _time_limit(seconds: float):
    """Stop the block after some time, where the system can: in the main thread of a POSIX process."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_signal, _frame):
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # again, should the answer have swallowed the first one
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
