"""Show the tested source of a function inside a lesson, so that the reader and the tests see the same code."""

import ast
import inspect
from dataclasses import dataclass
from html import escape
from pathlib import Path

from corelib.notebook.files import find_course_root, require

# A panel with its own ground reads the same in a light and in a dark notebook.
_PANEL = "background-color:#F8F8F8;color:#1A1A1A;padding:8px;border:1px solid #888888;overflow-x:auto;line-height:1.3"


@dataclass(frozen=True)
class Source:
    """Source code and where it comes from.

    Attributes:
        name: dotted name, for example ``"corelib.information.discrete.entropy"``.
        code: the source text.
        tests: one line that says which tests cover it.
    """

    name: str
    code: str
    tests: str

    def __repr__(self) -> str:
        return f"# {self.name}\n# {self.tests}\n{self.code}"

    def _repr_html_(self) -> str:
        highlight = require("pygments").highlight
        lexer = require("pygments.lexers").PythonLexer()
        formatter = require("pygments.formatters").HtmlFormatter(noclasses=True, nowrap=True, style="default")
        return (
            f"<div><code>{escape(self.name)}</code><br><small>{escape(self.tests)}</small>"
            f'<pre style="{_PANEL}">{highlight(self.code, lexer, formatter)}</pre></div>'
        )


def show_source(obj: object) -> Source:
    """The source of a function, class or method, ready to be displayed.

    Args:
        obj: anything ``inspect.getsource`` understands.

    Returns:
        The source with its dotted name and the tests that mention it.

    Raises:
        TypeError: ``obj`` has no Python source (a value, or code written in C).
    """
    plain = inspect.unwrap(obj) if callable(obj) else obj
    plain = plain.fget if isinstance(plain, property) else plain
    qualname = getattr(plain, "__qualname__", None)
    try:
        code = inspect.cleandoc("\n" + inspect.getsource(plain)) + "\n"
    except (TypeError, OSError) as error:
        raise TypeError(f"obj is {obj!r}; expected a function, class or method with Python source") from error
    if qualname is None:  # a module
        return Source(plain.__name__, code, "a whole module; its functions name their tests")
    return Source(f"{plain.__module__}.{qualname}", code, _coverage(plain.__module__, qualname))


def tests_of(name: str, package: str, folder: Path, owner: str | None = None) -> dict[str, list[str]]:
    """Test functions that mention a name.

    Args:
        name: the bare name of a function, class or method.
        package: only files that import something from this package count, since names repeat across packages.
        folder: where the tests are.
        owner: class of a method; the file has to mention it too.

    Returns:
        Path below ``folder`` to the names of the test functions, both sorted; files without any are left out.
    """
    found = {}
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if name not in text or (owner and owner not in text):
            continue  # parsing is the slow part
        try:
            tree = ast.parse(text)
        except SyntaxError:  # an unfinished test file must not break a lesson
            continue
        if not any(_below(module, package) for module in _imports(tree)) or (owner and owner not in _mentions(tree)):
            continue
        functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test"))
        tests = sorted(function.name for function in functions if name in _mentions(function))
        if tests:
            found[path.relative_to(folder).as_posix()] = tests
    return found


def _coverage(module: str, qualname: str) -> str:
    root = find_course_root()
    if root is None or not (root / "tests").is_dir():
        return "tests are not installed"
    *owners, name = qualname.replace(".<locals>", "").split(".")
    package = ".".join(module.split(".")[:2])  # tests may import from the subject's __init__
    found = tests_of(name, package, root / "tests", owners[-1] if owners else None)
    if not found:
        return "no test mentions it"
    files = ", ".join(f"{len(tests)} in tests/{path}" for path, tests in found.items())
    return f"tests that use it: {files}"


def _mentions(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    return {n.id for n in nodes if isinstance(n, ast.Name)} | {n.attr for n in nodes if isinstance(n, ast.Attribute)}


def _imports(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def _below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
