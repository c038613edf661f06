"""Questions are found by name, and a name that is none gets an answer that helps."""

from pathlib import Path

import pytest

from corelib.grading import find_question, question_names, questions


def test_names_are_those_of_the_questions():
    assert all(find_question(name).name == name for name in question_names())
    assert question_names("ch03") == [name for name in question_names() if name.startswith("ch03.")]


def test_every_module_of_a_chapter_is_listed_once():
    for folder in (Path(questions.__file__).parent).glob("ch*"):
        modules = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
        assert modules == sorted(name.partition(".")[2] for name in question_names(folder.name))


@pytest.mark.parametrize("name", ["ch03.no_such", "ch03", "", "os.path", "ch03.ebab_edges.x", "ch03._layers", None])
def test_an_unknown_name_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match=r"expected one of .*ch03\."):
        find_question(name)


def test_an_unknown_chapter_is_refused():
    with pytest.raises(ValueError, match=r"chapter is 'ch99'; expected one of .*ch03"):
        question_names("ch99")
