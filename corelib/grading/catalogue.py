"""Every question of the course, found by name: ``"ch03.ebab_edges"`` is the module of that name in ``questions``.

A chapter's package lists its questions in ``QUESTIONS``, in the order of its exercises.
"""

import importlib
import pkgutil

from corelib.grading import questions
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
    return importlib.import_module(f"{questions.__name__}.{name}").QUESTION


def question_names(chapter: str | None = None) -> list[str]:
    """Names of all questions, by chapter and in the order of its exercises, without importing any question.

    Args:
        chapter: only those of this chapter, ``"ch03"``.

    Raises:
        ValueError: there is no such chapter, or it has no questions.
    """
    chapters = sorted(module.name for module in pkgutil.iter_modules(questions.__path__) if module.ispkg)
    if chapter is not None:
        if chapter not in chapters:
            raise ValueError(f"chapter is {chapter!r}; expected one of {', '.join(chapters)}")
        chapters = [chapter]
    packages = [importlib.import_module(f"{questions.__name__}.{name}") for name in chapters]
    return [f"{name}.{short}" for name, package in zip(chapters, packages, strict=True) for short in package.QUESTIONS]
