"""Where the course lies on disk, whole-or-nothing writes, and optional packages imported late."""

import importlib
import os
import tempfile
from pathlib import Path
from types import ModuleType


def find_course_root(start: Path | None = None) -> Path | None:
    """The folder that holds both ``course/`` and ``pyproject.toml``.

    Args:
        start: folder to look from, upwards; the current folder by default. ``COURSE_ROOT`` wins over it when set.

    Returns:
        The folder, or None when the library runs outside a copy of the course.

    Raises:
        ValueError: ``COURSE_ROOT`` names a folder without ``course/``.
    """
    named = os.environ.get("COURSE_ROOT")
    if named:
        if not (Path(named) / "course").is_dir():
            raise ValueError(f"COURSE_ROOT is {named!r}; expected a folder that holds course/")
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "course").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    return None


def require_course_root() -> Path:
    """The course's folder, for work that cannot go on without it.

    Raises:
        FileNotFoundError: neither the current folder nor one above it holds the course, and ``COURSE_ROOT`` is not set.
    """
    root = find_course_root()
    if root is None:
        raise FileNotFoundError(
            "no folder with course/ and pyproject.toml here or above; run this inside the repository or set COURSE_ROOT"
        )
    return root


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` (UTF-8) so that a reader sees the old file or the new one, never a part.

    Args:
        path: file to write; its folder is created when missing.
        text: the whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644  # mkstemp would leave 0o600
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def require(module: str) -> ModuleType:
    """Import an optional package at the moment it is needed.

    Args:
        module: dotted name, for example ``"nbformat"``.

    Returns:
        The module.

    Raises:
        ImportError: it is not installed; the message holds the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f'{package} is not installed. Install it with: pip install "bottleneck-course[lab]"'
        ) from error
