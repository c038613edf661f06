"""The server for answers: what it does for honest ones, how it ends, and what happens when it cannot do its work."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from corelib.grading import Case, Limits, Question, Raises
from corelib.grading.isolation import PROCESS, SANDBOX, Isolation, choose_isolation, find_bubblewrap
from corelib.grading.judge import draw_exam, judge
from corelib.grading.worker import Worker, WorkerError, clean

ROOT = Path(__file__).resolve().parents[2]
KINDS = pytest.mark.parametrize("kind", [SANDBOX, PROCESS])
RIGHT = "def total(h):\n    return float(h.sum())\n"


def question(cases, seconds=5.0, memory_mb=512):
    return Question(
        name="ch03.total",
        title="A sum",
        entry="total",
        points=1,
        cases=lambda rng: cases,
        oracle=lambda h: float(h.sum()),
        limits=Limits(seconds, memory_mb),
    )


SMALL = draw_exam(question([Case("ones", (np.ones(3),)), Case("text", ("no array",), Raises("TypeError"))]))


def verdict_on(worker, *sources, exam=SMALL):
    reply = worker.run([(f"cell {i}", source) for i, source in enumerate(sources, start=1)], exam)
    return judge(exam, reply.outcomes, reply.stopped)


def gone(process, within=5.0):
    """Whether a process ends in time; one that only waits to be collected has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="module", params=[SANDBOX, PROCESS])
def worker(request):
    with Worker(choose_isolation((ROOT,), request.param)) as started:
        yield started


def test_cells_run_in_order_and_an_error_that_is_asked_for_is_right(worker):
    code = "def total(h):\n    if isinstance(h, str):\n        raise TypeError(h)\n    return np.add(OFFSET, h).sum()\n"
    assert verdict_on(worker, "import numpy as np", "OFFSET = 0", code).status == "pass"
    assert "NameError" in str(verdict_on(worker, "import numpy as np", code).failures[0].message)


def test_an_error_says_where_it_was_raised(worker):
    (failure, *_) = verdict_on(worker, "import math", "def total(h):\n    x = 1\n    return x / 0\n").failures
    assert failure.message == "it raised ZeroDivisionError: division by zero (cell 2, line 3)"
    assert "SyntaxError in cell 2, line 2" in verdict_on(worker, "", "def total(h):\n    return (\n").message


def test_a_set_up_cell_may_import_what_is_not_there_but_not_the_course(worker):
    honest = "def total(h):\n    if isinstance(h, str):\n        raise TypeError\n    return float(h.sum())\n"
    setup = "import no_such_package\nimport numpy as np\n"
    assert verdict_on(worker, setup, honest).status == "pass"
    assert "no_such_package" in verdict_on(worker, setup + honest).message  # in the answer's own cell
    assert "ModuleNotFoundError" in verdict_on(worker, "__import__('no_such_package')", honest).message
    assert "corelib cannot be imported" in verdict_on(worker, "import corelib", honest).message


def test_an_untouched_exercise_is_asked_once(worker):
    reply = worker.run([("cell", "def total(h):\n    raise NotImplementedError\n")], SMALL)
    assert [outcome.error for outcome in reply.outcomes] == ["NotImplementedError"]


def test_nothing_that_one_answer_did_is_there_for_the_next(worker):
    spoil = (
        "import sys, numpy\nnumpy.spoilt = sys.spoilt = True\nsys.modules['child.values'].encode = None\ntotal = 1\n"
    )
    assert verdict_on(worker, spoil).status == "fail"
    fresh = "import sys, numpy\nassert not hasattr(numpy, 'spoilt') and not hasattr(sys, 'spoilt')\n"
    honest = "def total(h):\n    if isinstance(h, str):\n        raise TypeError\n    return float(h.sum())\n"
    assert verdict_on(worker, fresh + honest).status == "pass"


def test_large_inputs_and_values_go_through(worker):
    big = draw_exam(question([Case("twenty megabytes", (np.ones(2_500_000),))]))
    assert verdict_on(worker, RIGHT, exam=big).status == "pass"
    copied = Question("ch03.copy", "A copy", "copy", 1, big.question.cases, lambda h: h, limits=Limits(5.0, 512))
    assert verdict_on(worker, "def copy(h):\n    return h.copy()\n", exam=draw_exam(copied)).status == "pass"


def test_memory_is_measured_where_a_case_limits_it(worker):
    limited = draw_exam(question([Case("a megabyte", (np.ones(125_000),), peak_mb=0.5)]))
    assert verdict_on(worker, RIGHT, exam=limited).status == "pass"
    (failure,) = verdict_on(worker, "def total(h):\n    return float((h + 0.0).sum())\n", exam=limited).failures
    assert failure.message == "it held 1 MB at once; expected at most 0 MB"


def test_time_counts_for_the_answer_alone(worker):
    reply = worker.run([("cell", "import time\ndef total(h):\n    time.sleep(0.2)\n    return 0.0\n")], SMALL)
    assert 0.4 <= reply.seconds < 2.0


def test_threads_of_the_grader_have_a_server_each():
    found = {}

    def grade(name):
        with Worker(choose_isolation((ROOT,))) as own:
            found[name] = [verdict_on(own, RIGHT.replace("sum", "max" if name == "max" else "sum")).n_cases, own]

    threads = [threading.Thread(target=grade, args=(name,)) for name in ("sum", "max")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: cases for name, (cases, _) in found.items()} == {"sum": 2, "max": 2}


@KINDS
def test_a_server_that_died_is_replaced(kind):
    with Worker(choose_isolation((ROOT,), kind)) as own:
        before = own._process.pid
        os.killpg(before, signal.SIGKILL)
        own._process.wait()
        verdict_on(own, RIGHT)
        assert own._process.pid != before
        assert verdict_on(own, RIGHT).n_cases == 2


@KINDS
def test_a_server_that_dies_at_work_costs_its_answer_and_no_other(kind):
    with Worker(choose_isolation((ROOT,), kind)) as own:
        family = _below(own._process.pid)  # with what stands between it and the grader
        threading.Timer(0.5, lambda: [os.kill(process, signal.SIGKILL) for process in reversed(family)]).start()
        reply = own.run([("cell", "while True: pass")], SMALL)
        assert "it took down its server" in reply.stopped
        assert verdict_on(own, RIGHT).failures[0].case.label == "text"


@KINDS
def test_a_grader_that_is_killed_takes_its_server_and_the_answer_along(kind):
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "from corelib.grading.isolation import choose_isolation\n"
        "from corelib.grading.judge import draw_exam\n"
        "from corelib.grading import Case, Limits, Question\n"
        "from corelib.grading.worker import Worker\n"
        "question = Question('ch03.x', '', 'f', 1, lambda rng: [Case('a')], lambda: 0, limits=Limits(60.0))\n"
        "worker = Worker(choose_isolation((), sys.argv[2]))\nworker.start()\n"
        "print(worker._process.pid, flush=True)\n"
        "worker.run([('cell', 'while True: pass')], draw_exam(question))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(ROOT), kind], stdout=subprocess.PIPE, text=True) as grader:
        server = int(grader.stdout.readline())
        deadline = time.monotonic() + 20
        while len(family := _below(server)) < (3 if kind == SANDBOX else 2) and time.monotonic() < deadline:
            time.sleep(0.02)  # bubblewrap, server, answer
        grader.send_signal(signal.SIGKILL)
    assert len(family) >= 2 and all(gone(process) for process in family)


def _below(process):
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(found for child in children for found in _below(int(child)))]


def test_closing_twice_is_fine_and_a_closed_worker_starts_again():
    own = Worker(choose_isolation((ROOT,), PROCESS))
    own.close()
    assert verdict_on(own, RIGHT).n_cases == 2
    process = own._process.pid
    own.close()
    own.close()
    assert gone(process)


@KINDS
def test_a_server_that_cannot_start_says_why(kind):
    with pytest.raises(WorkerError, match=r"(?s)did not start.*No module named 'no_such_module'"):
        Worker(choose_isolation((ROOT,), kind), ("no_such_module",)).start()


class RootWithoutOthers(Isolation):
    """A user namespace in which only root exists, as in some containers."""

    def command(self, preload):
        alone = [find_bubblewrap(), "--unshare-user", "--uid", "0", "--gid", "0", "--dev-bind", "/", "/"]
        return [*alone, *super().command(preload)]


def test_answers_that_cannot_be_confined_stop_the_grader_and_get_no_marks():
    with (
        Worker(RootWithoutOthers(PROCESS, (ROOT,))) as own,
        pytest.raises(WorkerError, match="cannot be confined here: PermissionError: could not become another user"),
    ):
        own.run([("cell", RIGHT)], SMALL)


SURVIVORS = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from corelib.grading.child import limits
limits.guard_parent()
user = int(sys.argv[2]) or None
for _ in range(3):
    if os.fork() == 0:
        if user:
            os.setresuid(user, user, user)
        for _ in range(3):  # out of the group, out of the session, away from the parent
            os.setsid() if os.getpid() != os.getsid(0) else None
            if os.fork():
                os._exit(0)
        time.sleep(60)
        os._exit(0)
time.sleep(0.3)
before = limits._children()
limits.kill_orphans(user, False)
print(len(before), len(limits._children()))
"""
USERS = [0, 1_999_999_999] if os.geteuid() == 0 else [0]  # only root can be others


@pytest.mark.parametrize("user", USERS)
def test_survivors_that_left_group_session_and_parent_are_found(user):
    done = subprocess.run([sys.executable, "-c", SURVIVORS, str(ROOT), str(user)], capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    assert before >= 3 and after == 0, done.stderr


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("plain é 名", "plain é 名"),
        ("\x1b[31mred\x1b[0m", " [31mred [0m"),
        ("a\r\nb\tc\0", "a  b c "),
        ("\ud800half", "?half"),
        ("\u202eright to left", " right to left"),
        ("x" * 600, "x" * 500),
        (10**400, "1" + "0" * 400),
    ],
)
def test_what_an_answer_says_is_made_safe_to_print(text, cleaned):
    assert clean(text) == cleaned
