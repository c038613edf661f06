"""Grade submissions: one exam for all, each answer in a child of its own, every finished submission kept at once.

What is done is written to a journal before the next one counts, so that a run that was killed goes on where it was.
"""

import hashlib
import importlib
import json
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import joblib

from corelib.grading.isolation import Isolation
from corelib.grading.judge import FAIL, MISSING, TODO, Exam, Verdict, draw_exam, judge, raised
from corelib.grading.question import Question
from corelib.grading.submission import Submission, find_submissions, read_answers
from corelib.grading.worker import Worker, WorkerError, clean

SCHEMA = 1


@dataclass(frozen=True)
class Mark:
    """What one learner gets for one question.

    Attributes:
        question: its name.
        status: "pass", "fail", "todo" or "missing".
        points: points given.
        max: points possible.
        wrong: labels of the cases that failed; never their inputs.
        remarks: what the learner is told: the kind of failure, and the mistake's name in words.
        diagnosis: name of the recognised mistake, or an empty string.
        seconds: wall time of the answer.
    """

    question: str
    status: str
    points: int
    max: int
    wrong: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    diagnosis: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Grade:
    """What one learner gets.

    Attributes:
        learner: name.
        marks: one for each question that was asked.
        problems: what could not be read.
        digest: of the code that was graded.
    """

    learner: str
    marks: tuple[Mark, ...]
    problems: tuple[str, ...]
    digest: str

    @property
    def points(self) -> int:
        """Sum of all points given."""
        return sum(mark.points for mark in self.marks)

    @property
    def max(self) -> int:
        """Sum of all points possible."""
        return sum(mark.max for mark in self.marks)

    def as_dict(self) -> dict:
        """Plain data for JSON."""
        return {**asdict(self), "points": self.points, "max": self.max}


class Journal:
    """Grades on disk, one line each, kept until the run is complete.

    Args:
        path: file to keep them in; None to keep nothing.

    Raises:
        BlockingIOError: another grader writes to this journal.
    """

    def __init__(self, path: Path | None):
        self.path, self._file = path, None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        _lock(self._file, path)

    def seed(self) -> int | None:
        """The seed of the run that was interrupted; None when there was none."""
        return next((entry["seed"] for entry in self._entries()), None)

    def finished(self, key: str) -> dict[str, Grade]:
        """Grades of an earlier run with the same key (see :func:`run_key`), by learner."""
        entries = (entry for entry in self._entries() if entry["key"] == key)
        return {entry["grade"]["learner"]: _grade_from(entry["grade"]) for entry in entries}

    def add(self, grade: Grade, key: str, seed: int) -> None:
        """Keep one grade; it is on the disk when this returns."""
        if self._file is None:
            return
        self._file.write(json.dumps({"key": key, "seed": seed, "grade": asdict(grade)}).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self, *, complete: bool) -> None:
        """Let go of the file, and remove it when everything in it has been reported."""
        if self._file is None:
            return
        if complete:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def _entries(self) -> list[dict]:
        if self._file is None:
            return []
        self._file.seek(0)
        lines = [line for line in self._file if line.endswith(b"\n")]
        self._file.truncate(sum(map(len, lines)))  # the earlier run may have been killed while it wrote the last one
        return [json.loads(line) for line in lines]


def run_key(questions: list[Question], seed: int, isolation: Isolation) -> str:
    """What grades depend on besides the submission, as a short text: a journal with another key does not count."""
    parts = [f"{SCHEMA} {seed} {isolation.kind}"]
    for question in questions:
        module = importlib.import_module(f"corelib.grading.questions.{question.name}")
        parts.append(f"{question.name} {Path(module.__file__).read_text(encoding='utf-8')}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def grade_all(
    paths: list[Path],
    questions: list[Question],
    isolation: Isolation,
    *,
    seed: int,
    jobs: int = 2,
    journal: Journal | None = None,
    on_start: Callable[[int, int], None] | None = None,
) -> Iterator[Grade]:
    """Grade submissions, and yield each grade as it is there.

    Args:
        paths: as in :func:`corelib.grading.submission.find_submissions`.
        questions: what was asked; those that a submission does not answer are "missing" in it.
        isolation: where answers run.
        seed: seed of the hidden tests, the same for every learner.
        jobs: submissions at once.
        journal: where finished grades are kept; those in it that still fit their submission are not graded again.
        on_start: told how many submissions there are, and how many of them the journal holds already.

    Yields:
        One :class:`Grade` a submission; first those from the journal, then the others as they finish.

    Raises:
        FileNotFoundError, ValueError: as :func:`corelib.grading.submission.find_submissions`.
        WorkerError: no server for answers can be started at all.
    """
    submissions = find_submissions(paths)
    key = run_key(questions, seed, isolation)
    finished = journal.finished(key) if journal else {}
    known = {s.learner: finished[s.learner] for s in submissions if s.learner in finished}
    known = {s.learner: known[s.learner] for s in submissions if _still_fits(s, known, questions)}
    if on_start:
        on_start(len(submissions), len(known))
    yield from known.values()
    todo = [submission for submission in submissions if submission.learner not in known]
    if not todo:
        return
    exams = {question.name: draw_exam(question, seed) for question in questions}
    preload = tuple(sorted({module for question in questions for module in question.preload}))
    with ExitStack() as stack:
        pool: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        for _ in range(min(jobs, len(todo))):
            pool.put(stack.enter_context(Worker(isolation, preload)))
        parallel = joblib.Parallel(n_jobs=min(jobs, len(todo)), prefer="threads", return_as="generator_unordered")
        for grade in parallel(joblib.delayed(_with_worker)(pool, submission, exams) for submission in todo):
            if journal:
                journal.add(grade, key, seed)
            yield grade


def grade_submission(submission: Submission, exams: dict[str, Exam], worker: Worker) -> Grade:
    """Grade one submission.

    Args:
        submission: where it lies.
        exams: hidden tests by question.
        worker: runs the answers.

    Returns:
        A :class:`Grade`, whatever the submission holds.

    Raises:
        WorkerError: the worker cannot be started.
    """
    answers = read_answers(submission, [exam.question for exam in exams.values()])
    marks = []
    for name, exam in exams.items():
        if name in answers.cells:
            marks.append(_mark(answers.cells[name], exam, worker))
        else:
            remark = "No cell and no script that defines " + exam.question.entry + " was found."
            marks.append(Mark(name, MISSING, 0, exam.question.points, remarks=(remark,)))
    problems = tuple(clean(problem) for problem in answers.problems)
    return Grade(submission.learner, tuple(marks), problems, answers.digest)


def _with_worker(pool: "queue.SimpleQueue[Worker]", submission: Submission, exams: dict[str, Exam]) -> Grade:
    worker = pool.get()
    try:
        return grade_submission(submission, exams, worker)
    except WorkerError:
        raise
    except Exception as error:  # our own fault, and no reason to lose the other submissions
        problem = f"the grader itself failed on this submission ({type(error).__name__}: {clean(error)})"
        marks = tuple(Mark(name, FAIL, 0, exam.question.points) for name, exam in exams.items())
        return Grade(submission.learner, marks, (problem,), "")
    finally:
        pool.put(worker)


def _mark(cells: list[tuple[str, str]], exam: Exam, worker: Worker) -> Mark:
    reply = worker.run(cells, exam)
    outcomes = reply.outcomes
    if len(outcomes) == 1 and outcomes[0].error == "NotImplementedError":
        outcomes = outcomes * len(exam.cases)  # the worker stops at the first call of an untouched exercise
    verdict = judge(exam, outcomes, reply.stopped)
    return Mark(
        question=exam.question.name,
        status=verdict.status,
        points=verdict.points,
        max=exam.question.points,
        wrong=tuple(dict.fromkeys(failure.case.label for failure in verdict.failures)),
        remarks=_remarks(exam, verdict),
        diagnosis=verdict.diagnosis.name if verdict.diagnosis else "",
        seconds=round(reply.seconds, 3),
    )


def _remarks(exam: Exam, verdict: Verdict) -> tuple[str, ...]:
    """What a learner is told about a hidden test: what kind of thing went wrong, and no number that was in it."""
    if verdict.status == TODO:
        return ("Not written yet.",)
    remarks = [_sentence(verdict.message)] if verdict.message else []
    for failure in verdict.failures[:1]:
        outcome = failure.outcome
        if outcome.error:
            remarks.append(_sentence(raised(outcome, with_message=False)))
            if outcome.error == "NameError":
                remarks.append("Only the question's cell and the set-up cell are run: move what it needs into it.")
        elif outcome.mutated:
            remarks.append("It changed its inputs; work on copies.")
        else:
            remarks.append(f"Wrong for: {failure.case.label}.")
    if verdict.diagnosis:
        remarks.append(verdict.diagnosis.says)
    return tuple(remarks)


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _still_fits(submission: Submission, known: dict[str, Grade], questions: list[Question]) -> bool:
    grade = known.get(submission.learner)
    return grade is not None and read_answers(submission, questions).digest == grade.digest


def _grade_from(entry: dict) -> Grade:
    marks = []
    for mark in entry["marks"]:
        marks.append(Mark(**{**mark, "wrong": tuple(mark["wrong"]), "remarks": tuple(mark["remarks"])}))
    return Grade(entry["learner"], tuple(marks), tuple(entry["problems"]), entry["digest"])


def _lock(file: object, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise BlockingIOError(f"another grader is writing to {path}; wait for it, or give another --json") from error
