"""Run one answer: execute its cells, call its function with each case's arguments, send back what came of it.

This is the process that a learner's code takes over. Nothing it sends is believed beyond the values themselves.
"""

import ast
import importlib.abc
import linecache
import os
import struct
import sys
import tracemalloc
from collections.abc import Callable

from .values import NotPlainError, decode, encode, plain

#: What answers may not import: the library that already holds what they are to rebuild.
FORBIDDEN = ("corelib", "kernels", "solutions", "exercises", "course", "tests", "benchmarks")
_MESSAGE = 400


class ForbiddenImportError(ImportError):
    """An answer asked for the library whose work it is to do."""


class _Blocker(importlib.abc.MetaPathFinder):
    """Says in words why the course's own library is not there."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ForbiddenImportError(
                f"{name.partition('.')[0]} cannot be imported while grading; an answer stands on its own"
            )
        return None


def forbid_course() -> None:
    """Take the course out of what can be imported: its finders, its folders, and modules that are loaded already."""
    sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in getattr(f, "__module__", "") + repr(f)]
    sys.meta_path.insert(0, _Blocker())
    sys.path[:] = [p for p in sys.path if p and not os.path.isdir(os.path.join(p, "corelib", "grading"))]
    for name in [n for n in sys.modules if n.partition(".")[0] in FORBIDDEN]:
        del sys.modules[name]


def run_answer(job: dict, out: int) -> None:
    """Answer one job and write one frame for each case, after one for the loading of the cells.

    Args:
        job: ``cells`` (pairs of name and source), ``entry`` (the function to call), and ``cases`` (pairs of encoded
            arguments and whether to measure memory).
        out: file descriptor that the frames go to.
    """
    function, trouble = _load(job["cells"], job["entry"])
    _send(out, {"error": trouble})
    if function is None:
        return
    for arguments, measure in job["cases"]:
        found = _call(function, arguments, measure)
        _send(out, found)
        if found["error"] == "NotImplementedError":
            return  # an untouched exercise: the other calls would say the same


def _send(out: int, found: dict) -> None:
    data = encode(found)
    view = memoryview(struct.pack(">Q", len(data)) + data)
    while view:
        view = view[os.write(out, view) :]


def _load(cells: list, entry: str) -> tuple[Callable | None, str]:
    """The answer's function, or what kept it from being defined."""
    namespace = {"__name__": "__answer__"}
    for number, (name, source) in enumerate(cells, start=1):
        try:
            _run_cell(name, source, namespace, is_setup=number < len(cells))
        except SyntaxError as error:
            return None, f"SyntaxError in {name}, line {error.lineno}: {error.msg}"
        except BaseException as error:
            return None, f"{_describe(error)} when {name} was run"
    if not callable(namespace.get(entry)):
        return None, f"the answer's cell defines no function {entry}"
    return namespace[entry], ""


def _run_cell(name: str, source: str, namespace: dict, *, is_setup: bool) -> None:
    """Run a cell. A set-up cell may import what is not to be had here, a plotting library that wants a writable folder,
    say: an answer that does not use it is none the worse for it.
    """
    # Tools that read a function's source (torch, triton) find it here.
    linecache.cache[f"<{name}>"] = (len(source), None, source.splitlines(keepends=True), f"<{name}>")
    code = compile(source, f"<{name}>", "exec", ast.PyCF_ONLY_AST)
    for part in code.body if is_setup else [code]:
        module = ast.Module([part], []) if is_setup else part
        try:
            exec(compile(module, f"<{name}>", "exec"), namespace)
        except (ImportError, OSError) as error:
            optional = is_setup and isinstance(part, ast.Import | ast.ImportFrom)
            if isinstance(error, ForbiddenImportError) or not optional:
                raise


def _call(function: Callable, arguments: bytes, measure: bool) -> dict:
    found = {"value": None, "error": "", "message": "", "where": "", "mutated": False, "peak_mb": None}
    args = decode(arguments, tensors=True)
    if measure:
        tracemalloc.start()
    try:
        value = function(*args)
        if measure:
            found["peak_mb"] = tracemalloc.get_traced_memory()[1] / 1e6
            tracemalloc.stop()
        # Decoded twice, not copied: a copy that shares memory with a view would hide a change.
        found["mutated"] = encode(args) != encode(decode(arguments))
        found["value"] = plain(value)
    except NotPlainError as error:
        found |= {"error": "unusable answer", "message": str(error)[:_MESSAGE]}
    except BaseException as error:
        found |= {"error": _kind(error), "message": _message(error), "where": _where(error)}
    finally:
        tracemalloc.stop()
    return found


def _describe(error: BaseException) -> str:
    place = f" ({_where(error)})" if _where(error) else ""
    return f"{_kind(error)}: {_message(error)}{place}"


def _kind(error: BaseException) -> str:
    return "ImportError" if isinstance(error, ForbiddenImportError) else type(error).__name__[:80]


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MESSAGE]
    except BaseException:  # an error whose own text raises
        return ""


def _where(error: BaseException) -> str:
    """The innermost line of the answer's own cells that an error went through."""
    where, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith("<") and name in linecache.cache:
            where = f"{name.strip('<>')}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return where
