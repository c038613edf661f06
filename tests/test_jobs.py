"""Jobs: order, names, errors, and one thread each. Other processes are tested with the study of chapter 1."""

from functools import partial

import joblib
import pytest
import torch

from corelib.jobs import run_jobs


def square(x):
    return x * x


def fail():
    raise ArithmeticError("a job went wrong")


@pytest.fixture
def two_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_results_come_by_name_in_the_order_of_the_calls(n_jobs):
    calls = {("job", i): partial(square, i) for i in (3, 1, 2, 0)}
    with joblib.parallel_config(backend="threading"):
        found = run_jobs(calls, n_jobs=n_jobs, progress=False)
    assert list(found.items()) == [(("job", i), i * i) for i in (3, 1, 2, 0)]


def test_a_job_has_one_thread_and_the_caller_gets_its_own_back(two_threads):
    found = run_jobs({"threads": torch.get_num_threads}, progress=False)
    assert found == {"threads": 1} and torch.get_num_threads() == 2


def test_an_error_in_a_job_reaches_the_caller_and_leaves_the_threads_alone(two_threads):
    with pytest.raises(ArithmeticError, match="a job went wrong"):
        run_jobs({"good": partial(square, 2), "bad": fail}, progress=False)
    assert torch.get_num_threads() == 2


def test_no_calls_give_no_results():
    assert run_jobs({}, progress=False) == {}


def test_a_bar_over_the_jobs_is_shown_unless_refused(capsys):
    run_jobs({i: partial(square, i) for i in range(3)})
    assert "0/3" in capsys.readouterr().err
    run_jobs({i: partial(square, i) for i in range(3)}, progress=False)
    assert capsys.readouterr().err == ""
