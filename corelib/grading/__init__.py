"""Graded exercises: instant checks for learners, isolated grading for instructors, one source for both.

In a notebook: ``check("ch03.ebab_edges", ebab_edges)`` and ``progress()``. On the command line:
``python -m corelib.grading build | start | grade | nbgrader``.
"""

from corelib.grading.catalogue import find_question, question_names
from corelib.grading.check import check
from corelib.grading.compare import Close, Exact, Property, Raises, float32_sum, monte_carlo
from corelib.grading.progress import Progress, progress
from corelib.grading.question import Attempt, Case, Diagnosis, Limits, Question, answers_like
from corelib.grading.report import Report

__all__ = [
    "Attempt",
    "Case",
    "Close",
    "Diagnosis",
    "Exact",
    "Limits",
    "Progress",
    "Property",
    "Question",
    "Raises",
    "Report",
    "answers_like",
    "check",
    "find_question",
    "float32_sum",
    "monte_carlo",
    "progress",
    "question_names",
]
