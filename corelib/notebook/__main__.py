"""``python -m corelib.notebook``: render lessons, gather the ledger, print the map."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from corelib.notebook.collect import update_readme
from corelib.notebook.course_map import course_map
from corelib.notebook.files import require_course_root
from corelib.notebook.render import RenderError, check_notebook, find_notebooks, render_notebook, run_notebook


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name; ``sys.argv`` by default.

    Returns:
        Exit status: 0 when all is well, 1 when something was refused or is out of date.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corelib.notebook", description="Tools for the course's notebooks.")
    commands = parser.add_subparsers(required=True)
    render = commands.add_parser("render", help="run notebooks with the quick profile and keep their outputs")
    render.add_argument("--check", action="store_true", help="only check the committed notebooks, run nothing")
    render.set_defaults(run=_render)
    record = commands.add_parser("record", help="run notebooks at full scale, so that their ledgers record it")
    record.add_argument("--profile", choices=("laptop", "gpu"), default="laptop")
    record.set_defaults(run=_record)
    for command in (render, record):
        command.add_argument("paths", nargs="*", type=Path, help="notebooks or folders; the whole course by default")
    ledger = commands.add_parser("ledger", help="gather course/results into README.md")
    ledger.add_argument("--check", action="store_true", help="only say whether README.md is up to date")
    ledger.set_defaults(run=_ledger)
    commands.add_parser("map", help="print the chapters and lessons").set_defaults(run=_map)
    return parser


def _render(options: argparse.Namespace) -> int:
    if options.check:
        return _each(options.paths, lambda path: check_notebook(path) or "ok")
    return _each(options.paths, lambda path: "changed" if render_notebook(path) else "unchanged")


def _record(options: argparse.Namespace) -> int:
    return _each(options.paths, lambda path: run_notebook(path, options.profile) or "ran")


def _each(paths: list[Path], act: Callable[[Path], str]) -> int:
    """Do the same to every notebook, say how each went, and go on after a refusal."""
    refused = 0
    for path in find_notebooks(paths or [require_course_root() / "course"]):
        try:
            print(f"{path.name}: {act(path)}", flush=True)
        except RenderError as error:
            refused += 1
            print(f"refused: {error}", file=sys.stderr, flush=True)
    return 1 if refused else 0


def _ledger(options: argparse.Namespace) -> int:
    current = update_readme(require_course_root(), check=options.check)
    if options.check and not current:
        print("README.md is out of date: run python -m corelib.notebook ledger", file=sys.stderr)
        return 1
    print("README.md is up to date" if current else "README.md updated")
    return 0


def _map(_options: argparse.Namespace) -> int:
    print(course_map())
    return 0


if __name__ == "__main__":
    sys.exit(main())
