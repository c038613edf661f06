"""Run lessons again and keep their outputs, or check that the committed ones are in order.

A notebook is written only when it ran without an error, without warnings, and within the size limits.
"""

import json
import os
from pathlib import Path

import corelib
from corelib.notebook.files import require, write_atomically
from corelib.notebook.normalise import normalise

MAX_OUTPUT_BYTES = 300_000
MAX_NOTEBOOK_BYTES = 1_500_000
CELL_SECONDS = 600


class RenderError(RuntimeError):
    """A notebook that must not be committed as it is."""


def find_notebooks(paths: list[Path]) -> list[Path]:
    """Notebooks named, or lying below the folders named.

    Args:
        paths: files or folders.

    Returns:
        Sorted paths without repeats and without checkpoints.

    Raises:
        FileNotFoundError: a path does not exist or is not a notebook.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found |= {p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts}
        elif path.suffix == ".ipynb" and path.is_file():
            found.add(path)
        else:
            raise FileNotFoundError(f"{path} is not a notebook or a folder")
    return sorted(found)


def render_notebook(path: Path) -> bool:
    """Run a notebook with the quick profile and store its normalised outputs.

    Args:
        path: the notebook; it runs in its own folder.

    Returns:
        Whether the file changed.

    Raises:
        RenderError: it failed, wrote to stderr, or is too large; the file is left as it was.
        ImportError: nbformat or nbclient is not installed.
    """
    before, notebook = _read(path)
    execute(notebook, path.parent, "quick")
    normalise(notebook)
    text = _write(notebook)
    _refuse(path, _problems(notebook, text))
    if text != before:
        write_atomically(path, text)
    return text != before


def run_notebook(path: Path, profile: str) -> None:
    """Run a notebook at another size for what it records; the file itself is left as it is.

    Args:
        path: the notebook.
        profile: value of ``COURSE_PROFILE``.

    Raises:
        RenderError: it failed.
    """
    _, notebook = _read(path)
    execute(notebook, path.parent, profile, cell_seconds=None)
    _refuse(path, [problem for problem in map(_error, notebook["cells"]) if problem])


def check_notebook(path: Path) -> None:
    """Check a committed notebook without running it.

    Args:
        path: the notebook.

    Raises:
        RenderError: it is not in its committed form, was not run from top to bottom, holds an error, or is too large.
        ImportError: nbformat is not installed.
    """
    text, notebook = _read(path)
    counts = [cell["execution_count"] for cell in notebook["cells"] if _is_code(cell)]
    problems = _problems(notebook, text)
    if counts != list(range(1, len(counts) + 1)):
        problems.append(f"was not run from top to bottom (execution counts {counts})")
    normalise(notebook)
    if not problems and _write(notebook) != text:
        problems.append("is not in its committed form")
    _refuse(path, problems)


def execute(notebook: dict, folder: Path, profile: str, cell_seconds: float | None = CELL_SECONDS) -> None:
    """Run every cell in a fresh kernel, in place; an error stays in the outputs.

    Args:
        notebook: an nbformat notebook.
        folder: where it runs.
        profile: value of ``COURSE_PROFILE``.
        cell_seconds: time limit of a cell, seconds; None for no limit.

    Raises:
        RenderError: the kernel died, a cell took too long, or the notebook cannot be run.
    """
    nbclient = require("nbclient")
    environment = {**os.environ, "COURSE_PROFILE": profile, "COURSE_WIDGETS": "0", "PYTHONHASHSEED": "0"}
    environment.setdefault("OMP_NUM_THREADS", "1")
    environment.pop("MPLBACKEND", None)  # the kernel's own backend puts figures into the notebook
    library = str(Path(corelib.__file__).resolve().parents[1])  # the kernel starts in the lesson's folder
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (library, os.environ.get("PYTHONPATH"))))
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=cell_seconds,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute(env=environment)
    except nbclient.exceptions.CellExecutionError:
        return  # the error output says more than the exception
    except (nbclient.exceptions.CellTimeoutError, nbclient.exceptions.DeadKernelError) as error:
        raise RenderError(f"could not be run: {error}") from error


def _read(path: Path) -> tuple[str, dict]:
    nbformat = require("nbformat")
    text = path.read_text(encoding="utf-8")
    try:
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    except Exception as error:  # nbformat raises many kinds
        raise RenderError(f"{path.name} is not a notebook: {error}") from error
    if (notebook.get("nbformat"), notebook.get("nbformat_minor", 0) >= 5) != (4, True):
        raise RenderError(f"{path.name} has an old notebook format; save it with a current Jupyter (4.5 or later)")
    nameless = [i for i, cell in enumerate(notebook["cells"], start=1) if not cell.get("id")]
    if nameless:
        raise RenderError(f"{path.name}: cell {nameless[0]} has no id; save it with a current Jupyter")
    return text, notebook


def _write(notebook: dict) -> str:
    return require("nbformat").writes(notebook) + "\n"


def _is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code" and bool(cell["source"].strip())


def _problems(notebook: dict, text: str) -> list[str]:
    """Everything that keeps a notebook from being committed, each problem in words."""
    problems = []
    for number, cell in enumerate(notebook["cells"], start=1):
        error = _error(cell)
        problems += [f"cell {number}: {error}"] if error else []
        for output in cell.get("outputs", []):
            size = len(json.dumps(output, ensure_ascii=False).encode())
            if size > MAX_OUTPUT_BYTES:
                problems.append(f"cell {number}: an output of {size} bytes; at most {MAX_OUTPUT_BYTES}")
            if output.get("name") == "stderr":
                problems.append(f"cell {number} wrote to stderr: {output['text'].strip()[:200]}")
    if len(text.encode()) > MAX_NOTEBOOK_BYTES:
        problems.append(f"{len(text.encode())} bytes; at most {MAX_NOTEBOOK_BYTES}")
    return problems


def _error(cell: dict) -> str:
    errors = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
    return f"{errors[0]['ename']}: {errors[0]['evalue']}" if errors else ""


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        raise RenderError(f"{path.name}: " + "; ".join(problems))
