"""``python -m corelib.grading``: build the exercises, start on a chapter, grade submissions, export to nbgrader."""

import argparse
import secrets
import sys
from pathlib import Path

from tqdm import tqdm

from corelib.grading import build as building
from corelib.grading import outputs
from corelib.grading.catalogue import find_question, question_names
from corelib.grading.grade import Journal, grade_all
from corelib.grading.isolation import PROCESS, SANDBOX, choose_isolation
from corelib.notebook.files import find_course_root, require_course_root, write_atomically


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name; ``sys.argv`` by default.

    Returns:
        Exit status: 0 when the command did its work, whatever the scores; 1 when something was refused or is stale.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("interrupted; what is graded is kept when --json was given: run the same command again", file=sys.stderr)
        return 1
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corelib.grading", description="Exercises: build, start, grade.")
    commands = parser.add_subparsers(required=True)
    build = commands.add_parser("build", help="write exercises/ from solutions/")
    build.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    build.set_defaults(run=_build)
    start = commands.add_parser("start", help="copy a chapter's exercises into work/, where you write your answers")
    start.add_argument("chapter", help="for example ch03")
    start.set_defaults(run=_start)
    grade = commands.add_parser("grade", help="grade notebooks, scripts, or folders of submissions")
    _add_grade_options(grade)
    grade.set_defaults(run=_grade)
    nbgrader = commands.add_parser("nbgrader", help="export the exercises as an nbgrader course")
    nbgrader.add_argument("folder", type=Path, help="a new folder for the course")
    nbgrader.add_argument("--seed", type=int, help="seed of the hidden tests; drawn at random when not given")
    nbgrader.set_defaults(run=_nbgrader)
    return parser


def _add_grade_options(grade: argparse.ArgumentParser) -> None:
    grade.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a submission, or a folder of submissions")
    grade.add_argument("--questions", nargs="+", metavar="NAME", help="chapters or questions; those of ch03, say")
    grade.add_argument("--seed", type=int, help="seed of the hidden tests; drawn at random when not given")
    grade.add_argument("--json", type=Path, metavar="FILE", help="write grades; also lets a killed run go on")
    grade.add_argument("--csv", type=Path, metavar="FILE", help="write learner, question, points, max for a gradebook")
    grade.add_argument("--html", type=Path, metavar="DIR", help="write a feedback page a learner")
    grade.add_argument("--jobs", type=int, default=2, metavar="N", help="submissions at once (default 2)")
    where = grade.add_mutually_exclusive_group()
    where.add_argument("--sandbox", action="store_const", const=SANDBOX, dest="kind", help="refuse to go on without it")
    where.add_argument("--no-sandbox", action="store_const", const=PROCESS, dest="kind", help="for code you trust")


def _build(options: argparse.Namespace) -> int:
    root = require_course_root()
    if not options.check:
        for change in building.build(root):
            print(f"{change.path.relative_to(root)}: {'removed' if change.state == 'orphan' else 'written'}")
        print("exercises are up to date")
        return 0
    stale = [change for change in building.plan_build(root) if change.state != "current"]
    for change in stale:
        print(f"{change.path.relative_to(root)} is {change.state}", file=sys.stderr)
    if stale:
        print("run: python -m corelib.grading build", file=sys.stderr)
    return 1 if stale else 0


def _start(options: argparse.Namespace) -> int:
    root = require_course_root()
    copied, kept = building.start(root, options.chapter)
    for path in kept:
        print(f"{path.relative_to(root)} is there already; it was left as it is")
    for path in copied:
        print(f"{path.relative_to(root)} is ready for you")
    return 0


def _grade(options: argparse.Namespace) -> int:
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}; expected at least 1")
    questions = [find_question(name) for name in _asked(options.questions)]
    hidden = [path for path in (find_course_root(), *options.paths) if path is not None]
    isolation = choose_isolation(tuple(path if path.is_dir() else path.parent for path in hidden), options.kind)
    if isolation.warning:
        print(f"WARNING: {isolation.warning}", file=sys.stderr)
    journal = Journal(options.json.with_name(f".{options.json.name}.journal") if options.json else None)
    complete = False
    try:
        seed = _seed(options.seed, journal)
        grades = _grade_with_bar(options, questions, isolation, seed, journal)
        _write(options, grades, seed, isolation.kind, {question.name: question.points for question in questions})
        complete = True
    finally:
        journal.close(complete=complete)
    return 0


def _grade_with_bar(options, questions, isolation, seed: int, journal: Journal) -> list:
    bar = tqdm(unit="submission", disable=None)

    def on_start(n_submissions: int, n_known: int) -> None:
        bar.reset(total=n_submissions)
        if n_known:
            tqdm.write(f"{n_known} of {n_submissions} were graded by an earlier run and are kept", file=sys.stderr)

    grades = []
    with bar:
        for grade in grade_all(
            options.paths, questions, isolation, seed=seed, jobs=options.jobs, journal=journal, on_start=on_start
        ):
            grades.append(grade)
            bar.update()
    return sorted(grades, key=lambda grade: grade.learner)


def _write(options, grades: list, seed: int, isolation: str, points: dict[str, int]) -> None:
    if options.json:
        text = outputs.json_text(grades, seed=seed, isolation=isolation, questions=points)
        write_atomically(options.json, text)
    if options.csv:
        write_atomically(options.csv, outputs.csv_text(grades))
    if options.html:
        outputs.write_pages(options.html, grades)
    print(outputs.summary(grades))
    print(f"seed {seed}: give it again with --seed to repeat these hidden tests")


def _asked(names: list[str] | None) -> list[str]:
    """Questions named one by one or by chapter; all of the course when none is named."""
    if not names:
        return question_names()
    return list(dict.fromkeys(q for name in names for q in ([name] if "." in name else question_names(name))))


def _seed(given: int | None, journal: Journal) -> int:
    """The seed that was given, or that of the run that was interrupted, or a new one that nobody can guess."""
    if given is None:
        earlier = journal.seed()
        return secrets.randbits(32) if earlier is None else earlier
    if given < 0:
        raise ValueError(f"--seed is {given}; expected an integer >= 0")
    return given


def _nbgrader(options: argparse.Namespace) -> int:
    from corelib.grading.nbgrader import export

    seed = _seed(options.seed, Journal(None))
    for path in export(require_course_root(), options.folder, seed):
        print(path)
    print(f"seed {seed}: give it again with --seed to write the same hidden tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
