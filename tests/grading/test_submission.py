"""What learners hand in is found and read, whatever it is called, wherever it points, and however broken it is."""

import json
import os
import socket

import pytest

from corelib.grading import Question
from corelib.grading.grade import Grade, Mark
from corelib.grading.outputs import csv_text, json_text, summary, write_pages
from corelib.grading.submission import find_submissions, read_answers

QUESTIONS = [Question(f"ch03.{name}", "", name, 1, lambda rng: [], lambda: 0) for name in ("total", "mean")]
SCRIPT = "def total(h):\n    return h.sum()\n"


def notebook(*cells, **others):
    """A notebook of code cells, given as pairs of tags and source."""
    made = [{"cell_type": "code", "metadata": {"tags": tags}, "source": source} for tags, source in cells]
    return json.dumps({"nbformat": 4, "cells": made} | others)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.write_bytes if isinstance(content, bytes) else path.write_text)(content)
    return path


def read(path):
    """The answers of the one submission that a path stands for."""
    (submission,) = find_submissions([path])
    return read_answers(submission, QUESTIONS)


def test_a_folder_of_folders_is_a_submission_each(tmp_path):
    write(tmp_path / "bob" / "deep" / "ex.py", SCRIPT)
    write(tmp_path / "ada" / "a.ipynb", notebook((["ex:ch03.total"], SCRIPT)))
    write(tmp_path / "ada" / "b.py", "def mean(h):\n    return h.mean()\n")
    write(tmp_path / ".git" / "x.py", SCRIPT)
    write(tmp_path / "ada" / ".ipynb_checkpoints" / "a.py", "def mean(h):\n    return 0\n")
    write(tmp_path / "readme.txt", "not a submission")
    ada, bob = find_submissions([tmp_path])
    assert (ada.learner, [path.name for path in ada.files]) == ("ada", ["a.ipynb", "b.py"])
    assert (bob.learner, [path.name for path in bob.files]) == ("bob", ["ex.py"])
    assert set(read_answers(ada, QUESTIONS).cells) == {"ch03.total", "ch03.mean"}


def test_a_folder_with_a_notebook_in_it_is_one_submission(tmp_path):
    write(tmp_path / "ex.py", SCRIPT)
    write(tmp_path / "more" / "ex.py", SCRIPT)
    (submission,) = find_submissions([tmp_path])
    assert submission.learner == tmp_path.name and len(submission.files) == 2
    assert "ch03.total is answered in ex.py and in ex.py; the first counts" in read(tmp_path).problems[0]


def test_a_learner_whose_folder_is_called_like_a_file_does_not_make_one_submission_of_all(tmp_path):
    for name in ("ada", "mallory.py", "mallory.ipynb"):
        write(tmp_path / name / "ex.py", SCRIPT)
    assert [submission.learner for submission in find_submissions([tmp_path])] == ["ada", "mallory.ipynb", "mallory.py"]


def test_files_are_submissions_too_and_names_must_differ(tmp_path):
    one, other = write(tmp_path / "a" / "ada.py", SCRIPT), write(tmp_path / "b" / "ada.ipynb", notebook())
    assert [submission.learner for submission in find_submissions([one])] == ["ada"]
    with pytest.raises(ValueError, match="more than one submission is called ada"):
        find_submissions([one, other])


@pytest.mark.parametrize("name", ["missing", "notes.txt"])
def test_what_is_no_submission_at_all_is_named(name, tmp_path):
    write(tmp_path / "notes.txt", "")
    with pytest.raises(FileNotFoundError, match=f"{name} is not a notebook, a script or a folder"):
        find_submissions([tmp_path / name])


def test_only_set_up_and_answer_cells_are_taken(tmp_path):
    cells = [
        (["setup"], "import numpy as np"),
        ([], "raise SystemExit"),
        (["ex:ch03.total"], SCRIPT),
        (["ex:ch03.other"], "def other(h): ..."),
        (["setup"], "SCALE = 1"),
    ]
    path = write(tmp_path / "ada.ipynb", notebook(*cells))
    assert read(path).cells == {
        "ch03.total": [
            ("ada.ipynb, cell 1", "import numpy as np"),
            ("ada.ipynb, cell 5", "SCALE = 1"),
            ("ada.ipynb, cell 3", SCRIPT),
        ]
    }


def test_an_answer_is_found_by_its_function_where_an_editor_lost_the_tags(tmp_path):
    path = write(tmp_path / "ada.ipynb", notebook(([], "x = 1"), ([], "# mine\n" + SCRIPT)))
    assert [name for name, _ in read(path).cells["ch03.total"]] == ["ada.ipynb, cell 2"]


def test_nothing_is_run_while_it_is_read(tmp_path):
    path = write(tmp_path / "ada.py", f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n{SCRIPT}")
    assert "ch03.total" in read(path).cells and not (tmp_path / "ran").exists()


def test_the_digest_knows_the_code_and_what_could_not_be_read(tmp_path):
    path = write(tmp_path / "ada" / "ex.py", SCRIPT)
    before = read(path.parent).digest
    assert read(path.parent).digest == before
    broken = write(path.with_name("x.ipynb"), "{")
    assert read(path.parent).digest != before
    broken.unlink()
    path.write_text(SCRIPT + "\n")
    assert read(path.parent).digest != before


BROKEN = {
    "empty": b"",
    "no JSON": b"\x00\xff\xfe{",
    "another format": b'{"nbformat": 3, "worksheets": []}',
    "no cells": b'{"nbformat": 4}',
    "cells in cells": b'{"nbformat": 4, "cells": ' + b"[" * 100_000,
    "brackets": b"[" * 1_000_000,
    "a list of a million lists": b"[" + b"[]," * 1_000_000 + b"[]]",
    "cells that are numbers": b'{"nbformat": 4, "cells": [1, 2]}',
    "source that is a number": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}',
    "source that is a list of lists": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [[1]]}]}',
    "metadata that is a list": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "metadata": [1]}]}',
    "tags that are a number": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "metadata":{"tags":1}}]}',
    "a kind that is a dict": b'{"nbformat": 4, "cells": [{"cell_type": {}, "source": ""}, {"cell_type": []}, {}]}',
    "a number of a million digits": b'{"nbformat": ' + b"4" * 1_000_000 + b"}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_a_problem_and_the_rest_is_read(name, tmp_path):
    write(tmp_path / "ada" / "a.ipynb", BROKEN[name])
    write(tmp_path / "ada" / "b.py", SCRIPT)
    answers = read(tmp_path / "ada")
    assert answers.cells == {"ch03.total": [("b.py", SCRIPT)]}
    (problem,) = answers.problems
    assert problem.startswith("a.ipynb: a.ipynb is not a notebook") and len(problem) < 400


def test_tags_of_any_kind_do_no_harm(tmp_path):
    tags = [None, 1, ["setup"], {"a": []}, "ex:ch03.total"]
    path = write(tmp_path / "ada.ipynb", notebook((tags, SCRIPT), ("setup", "x = 1"), ({"setup": 1}, "y = 1")))
    assert read(path).cells["ch03.total"] == [("ada.ipynb, cell 3", "y = 1"), ("ada.ipynb, cell 1", SCRIPT)]


def test_bytes_that_are_no_text_and_halves_of_surrogates_are_read_as_far_as_they_go(tmp_path):
    answers = read(write(tmp_path / "ada.py", b"# \xff\xfe caf\xe9\n" + SCRIPT.encode()))
    assert answers.cells["ch03.total"][0][1].endswith(SCRIPT)
    path = write(tmp_path / "bob.ipynb", notebook((["ex:ch03.total"], f"# \ud800\n{SCRIPT}")))
    assert read(path).cells["ch03.total"][0][1] == f"# \ud800\n{SCRIPT}"


def test_links_pipes_sockets_devices_and_folders_are_passed_over(tmp_path, monkeypatch):
    secret = write(tmp_path / "bob" / "ex.py", SCRIPT)
    ada = tmp_path / "ada"
    write(ada / "real.py", "def mean(h):\n    return h.mean()\n")
    (ada / "link.py").symlink_to(secret)
    (ada / "zero.py").symlink_to("/dev/zero")
    (ada / "loop.py").symlink_to("loop.py")
    (ada / "folder").symlink_to(secret.parent, target_is_directory=True)
    (ada / "folder.ipynb").mkdir()
    os.mkfifo(ada / "pipe.ipynb")
    monkeypatch.chdir(ada)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as line:
        line.bind("socket.py")
    answers = read(ada)
    assert set(answers.cells) == {"ch03.mean"}
    assert [problem.partition(":")[0] for problem in answers.problems] == [
        *("link.py", "loop.py", "pipe.ipynb", "socket.py", "zero.py")
    ]


def test_a_learners_folder_that_is_a_link_is_not_followed(tmp_path):
    write(tmp_path / "in" / "ada" / "ex.py", SCRIPT)
    (tmp_path / "in" / "mallory").symlink_to("ada", target_is_directory=True)
    _, mallory = find_submissions([tmp_path / "in"])
    assert mallory.files == () and mallory.problems == ("mallory is a link; links are not followed",)


def test_files_of_any_size_are_refused_unread(tmp_path):
    path = write(tmp_path / "ada" / "ex.ipynb", "")
    os.truncate(path, 1 << 30)  # takes no room on the disk
    write(tmp_path / "ada" / "long.py", SCRIPT + "#" * 50_000)
    write(tmp_path / "ada" / "long.ipynb", notebook((["ex:ch03.mean"], "def mean(h): ..." + "#" * 50_000)))
    answers = read(tmp_path / "ada")
    assert answers.cells == {}
    assert answers.problems == (
        "ex.ipynb: 1024 MB; at most 20 are read",
        "long.ipynb: the answer to ch03.mean is longer than 50000 characters",
        "long.py: the script has 50033 characters; at most 50000 are read",
    )


def test_many_large_files_are_read_up_to_a_point(tmp_path):
    for i in range(20):
        path = write(tmp_path / "ada" / f"{i:02}.ipynb", "")
        os.truncate(path, 9 << 20)
    write(tmp_path / "ada" / "00.py", SCRIPT)
    answers = read(tmp_path / "ada")
    assert set(answers.cells) == {"ch03.total"}
    assert sum("not read, with 100 MB before it" in problem for problem in answers.problems) == 9


def test_thousands_of_files_and_of_levels_end(tmp_path):
    many = tmp_path / "in" / "many"
    many.mkdir(parents=True)
    for i in range(600):
        (many / f"{i:04}.py").touch()
    deep = tmp_path / "in" / "deep"
    write(deep / "ex.py", SCRIPT)
    here = os.open(deep, os.O_RDONLY)
    for _ in range(1500):  # deeper than a path can say and Python's recursion goes
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    try:
        found = {submission.learner: submission for submission in find_submissions([tmp_path / "in"])}
        assert len(found["many"].files) == 500 and "only the first 500 files" in found["many"].problems[0]
        assert len(found["deep"].files) == 1 and "only the first 20 levels" in found["deep"].problems[0]
    finally:
        _remove(deep)


def _remove(folder):
    """Remove a chain of folders from its top: the first one inside is moved out until none is left."""
    (folder / "ex.py").unlink()
    while (folder / "d").exists():
        (folder / "d").rename(folder.with_name("next"))
        folder.rmdir()
        folder.with_name("next").rename(folder)
    folder.rmdir()


def test_an_empty_folder_is_a_learner_who_handed_in_nothing(tmp_path):
    (tmp_path / "in" / "ada").mkdir(parents=True)
    assert read(tmp_path / "in").problems == ("no notebook and no script",)


NAMES = [
    *(b"ada", b"x\\..\\..\\y", b"<script>alert(1)<|script>", b"=cmd()", b"-rf", b"con", b"index"),
    *(b"bad-\xff\xfe", b"\x1b[31mred\x1b[0m", b"two\nlines", "名前".encode(), b"l" * 255, "語".encode() * 85),
    *(b" ", b"'", b'"', b"&amp;", b"%2e%2e", b"$(reboot)", b"ADA", b"~"),
]


def test_learners_may_be_called_anything(tmp_path):
    for name in NAMES:
        folder = os.path.join(os.fsencode(tmp_path), b"in", name)
        os.makedirs(folder)
        with open(os.path.join(folder, b"ex.py"), "w") as file:
            file.write(SCRIPT)
    submissions = find_submissions([tmp_path / "in"])
    learners = [submission.learner for submission in submissions]
    assert len(set(learners)) == len(NAMES) and all(name.isprintable() for name in learners)
    assert {"bad-\\udcff\\udcfe", "\\x1b[31mred\\x1b[0m", "two\\nlines", "名前"} <= set(learners)
    assert all("ch03.total" in read_answers(submission, QUESTIONS).cells for submission in submissions)

    grades = [Grade(learner, (Mark("ch03.total", "pass", 1, 1),), (), "") for learner in learners]
    assert summary(grades).count("\n") == len(NAMES)
    assert csv_text(grades).encode().count(b"\n") == len(NAMES) + 1 and "\n=" not in csv_text(grades)
    names = [g["learner"] for g in json.loads(json_text(grades, seed=1, isolation="sandbox", questions={}))["grades"]]
    assert names == learners
    write_pages(tmp_path / "html", grades)
    assert len(list((tmp_path / "html").iterdir())) == len(NAMES) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["html", "in"]
    assert "<script" not in (tmp_path / "html" / "index.html").read_text()
