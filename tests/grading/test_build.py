"""Building exercises: up to date or named as stale, never over anybody's work; a learner's copy is left alone."""

import re
import shutil
from pathlib import Path

import pytest

from corelib.grading.__main__ import main
from corelib.grading.build import OccupiedError, build, plan_build, start
from corelib.grading.exercise import SourceError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of the sources with nothing built yet."""
    for path in (ROOT / "solutions").glob("ch*/*.ipynb"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / "course").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    return tmp_path


def states(course):
    return {change.state for change in plan_build(course)}


def one(course):
    return sorted((course / "exercises").glob("ch*/*.ipynb"))[0]


def test_the_committed_exercises_are_those_of_the_committed_solutions():
    assert states(ROOT) == {"current"}


def test_building_makes_everything_and_then_nothing(course, capsys):
    assert states(course) == {"missing"}
    assert main(["build", "--check"]) == 1 and "is missing" in capsys.readouterr().err
    assert len(build(course)) == len(list((course / "solutions").glob("ch*/*.ipynb")))
    assert states(course) == {"current"} and build(course) == []
    assert main(["build", "--check"]) == 0


def test_an_edited_source_makes_its_exercise_stale_and_building_mends_it(course, capsys):
    build(course)
    source = course / "solutions" / one(course).relative_to(course / "exercises")
    source.write_text(source.read_text().replace("Chapter ", "Unit "))
    assert main(["build", "--check"]) == 1
    assert f"{one(course).relative_to(course)} is stale" in capsys.readouterr().err
    assert main(["build"]) == 0 and "Unit " in one(course).read_text()


def test_work_in_an_exercise_is_never_overwritten(course, capsys):
    build(course)
    mine = one(course).read_text().replace("raise NotImplementedError", "return 42  # hours of work")
    one(course).write_text(mine)
    other = sorted((course / "exercises").glob("ch*/*.ipynb"))[1]
    other.unlink()
    with pytest.raises(OccupiedError, match=r"somebody may have worked in it\. Nothing was written"):
        build(course)
    assert one(course).read_text() == mine and not other.exists()
    assert main(["build"]) == 1 and "Move it into work/" in capsys.readouterr().err


def test_an_exercise_without_a_source_goes_unless_somebody_worked_in_it(course):
    build(course)
    orphan = one(course).with_name("ex99_gone.ipynb")
    shutil.copy(one(course), orphan)
    assert "orphan" in states(course)
    build(course)
    assert not orphan.exists()
    orphan.write_text("my notes")
    with pytest.raises(OccupiedError, match="ex99_gone"):
        build(course)
    assert orphan.read_text() == "my notes"


def test_questions_and_sources_match_one_to_one(course):
    one_source = sorted((course / "solutions").glob("ch*/*.ipynb"))[0]
    text = one_source.read_text()
    copy = one_source.with_name("ex98_copy.ipynb")
    copy.write_text(text)
    with pytest.raises(SourceError, match="expected one source"):
        plan_build(course)
    copy.write_text(re.sub(r"ex:(ch\d+)\.", r"ex:\1.no_such_", text))
    with pytest.raises(SourceError, match=r"'ch\d+\.no_such_.*', which is not a question"):
        plan_build(course)


def test_starting_copies_once_and_says_so_when_a_copy_is_there(course, capsys):
    build(course)
    assert main(["start", "ch03"]) == 0
    assert "is ready for you" in capsys.readouterr().out
    copied, kept = start(course, "ch03")
    assert copied == [] and len(kept) >= 1
    kept[0].write_text("my answer")
    kept[1].unlink()
    assert main(["start", "ch03"]) == 0
    said = capsys.readouterr().out
    assert "is there already; it was left as it is" in said and said.count("is ready for you") == 1
    assert kept[0].read_text() == "my answer"


def test_an_unknown_chapter_is_refused_with_those_there_are(course, capsys):
    build(course)
    assert main(["start", "ch99"]) == 1
    said = capsys.readouterr().err
    assert "chapter is 'ch99'; expected one of" in said and "ch03" in said
