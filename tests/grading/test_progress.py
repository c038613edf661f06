"""A learner's standing: kept in work/, for the session elsewhere, and shown as a table and a picture."""

import xml.etree.ElementTree as ElementTree

import pytest

from corelib.grading import progress, question_names, standing
from corelib.grading.standing import remember, standings

FIRST = question_names()[0]


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A learner's folder below ``work/`` of an empty course, in a fresh session."""
    (tmp_path / "course").mkdir()
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "work" / "ch03_x"
    folder.mkdir(parents=True)
    monkeypatch.delenv("COURSE_ROOT", raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(standing, "_session", {})
    return folder


def test_verdicts_are_remembered_across_sessions(work, monkeypatch):
    remember(FIRST, "pass", 1)
    monkeypatch.setattr(standing, "_session", {})
    assert standings()[FIRST].status == "pass"
    remember(FIRST, "fail", 0)
    assert standings()[FIRST].status == "fail"


def test_outside_work_nothing_is_written(work, monkeypatch):
    monkeypatch.chdir(work.parents[1])
    remember(FIRST, "pass", 1)
    assert standings()[FIRST].status == "pass"
    assert not list(work.parent.rglob("*.json"))
    monkeypatch.setattr(standing, "_session", {})
    assert standings() == {}


def test_torn_and_foreign_files_are_no_verdicts(work):
    folder = work.parent / ".standing"
    folder.mkdir()
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"status": "won", "points": 9}'), ("d", '{"status": "pass"}')):
        (folder / f"{name}.json").write_text(text)
    assert standings() == {}


def test_a_folder_that_cannot_be_written_only_makes_it_forgetful(work):
    (work.parent / ".standing").write_text("in the way")
    remember(FIRST, "pass", 1)
    assert standings()[FIRST].status == "pass"


def test_progress_shows_every_question_in_text_table_and_picture(work):
    assert progress().points == 0 and "0 of" in str(progress())
    remember(FIRST, "pass", 1)
    found = progress()
    assert found.points == 1 and found.max == sum(step.max for step in found.steps)
    assert [step.name for step in found.steps] == question_names()
    html = found._repr_html_()
    for name in question_names():
        assert name in str(found) and name in html
    picture = ElementTree.fromstring(found.picture())
    fields = picture.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(fields) == len(question_names())
