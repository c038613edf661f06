"""Every question of the course, found by name: ``"ch03.ebab_edges"`` is the module of that name in ``questions``."""

import importlib
import pkgutil
import re

from corelib.grading.question import Question


def find_question(name: str) -> Question:
    """The question called ``name``.

    Args:
        name: chapter and short name, ``"ch03.ebab_edges"``.

    Returns:
        The :class:`Question`.

    Raises:
        ValueError: there is no such question; the message lists the chapter's questions, or the chapters.
    """
    if not isinstance(name, str) or name not in question_names():
        chapter = str(name).partition(".")[0]
        near = [known for known in question_names() if known.startswith(f"{chapter}.")] or question_names()
        raise ValueError(f"name is {name!r}; expected one of {', '.join(near)}")
    return importlib.import_module(f"corelib.grading.questions.{name}").QUESTION


def question_names(chapter: str | None = None) -> list[str]:
    """Names of all questions in the order of chapter and name, without importing any.

    Args:
        chapter: only those of this chapter, ``"ch03"``.

    Raises:
        ValueError: there is no such chapter, or it has no questions.
    """
    package = importlib.import_module("corelib.grading.questions")
    names = []
    for folder in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        if re.fullmatch(r"ch\d\d", folder.name) and folder.ispkg:
            inner = importlib.import_module(f"corelib.grading.questions.{folder.name}")
            short = sorted(m.name for m in pkgutil.iter_modules(inner.__path__) if not m.name.startswith("_"))
            names += [f"{folder.name}.{name}" for name in short]
    if chapter is None:
        return names
    found = [name for name in names if name.startswith(f"{chapter}.")]
    if not found:
        known = ", ".join(sorted({name.partition(".")[0] for name in names}))
        raise ValueError(f"chapter is {chapter!r}; expected one of {known}")
    return found
