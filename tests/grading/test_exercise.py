"""An exercise is a pure function of its solution: nothing of the answer is left, and changes to it are noticed."""

import json

import nbformat
import pytest

from corelib.grading.exercise import SourceError, exercise_notebook, is_untouched, read_cells, without_solution

ANSWER = '''def f(x):
    """Double x."""
    # SOLUTION
    secret = 2 * x
    return secret
    # END SOLUTION'''


def notebook(*cells):
    made = []
    for kind, tags, source in cells:
        cell = nbformat.v4.new_code_cell(source) if kind == "code" else nbformat.v4.new_markdown_cell(source)
        cell["metadata"] = {"tags": tags, "collapsed": True} if tags else {"editable": True}
        made.append(cell)
    return nbformat.writes(nbformat.v4.new_notebook(cells=made))


SOURCE = notebook(
    ("markdown", [], "# Title"),
    ("code", ["setup"], "import numpy as np"),
    ("markdown", ["solution-only"], "The secret is 2."),
    ("code", ["ex:ch03.f"], ANSWER),
    ("markdown", ["hint:ch03.f"], "**Hint.** Think of two."),
    ("markdown", ["hint:ch03.f"], "Think again."),
    ("code", [], 'check("ch03.f", f)'),
)
MADE = exercise_notebook(SOURCE, "solutions/ch03_x/ex01.ipynb")


def test_solution_lines_go_and_what_to_do_stays():
    cells = json.loads(MADE)["cells"]
    assert "secret" not in MADE
    answer = "".join(cells[2]["source"])
    assert answer.endswith("in place of the next line.\n    raise NotImplementedError")
    namespace = {}
    exec(answer, namespace)
    with pytest.raises(NotImplementedError):
        namespace["f"](1)


def test_ids_come_from_questions_and_positions_and_the_notebook_is_valid():
    cells = json.loads(MADE)["cells"]
    assert [cell["id"] for cell in cells] == [
        *("cell-01", "setup", "ex-ch03-f", "hint-ch03-f", "hint-ch03-f-2", "cell-06"),
    ]
    nbformat.validate(nbformat.reads(MADE, as_version=4))
    assert cells[2]["metadata"] == {"tags": ["ex:ch03.f"]} and cells[0]["metadata"] == {}
    assert "".join(cells[3]["source"]).startswith("<details><summary>Hint</summary>")


def test_the_same_source_makes_the_same_bytes_whatever_its_ids_and_outputs_are():
    changed = json.loads(SOURCE)
    for i, cell in enumerate(changed["cells"]):
        cell["id"] = f"other-{i}"
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "secret"}]
    assert exercise_notebook(json.dumps(changed), "solutions/ch03_x/ex01.ipynb") == MADE


def test_a_changed_exercise_is_known_by_its_stamp():
    assert is_untouched(MADE) and is_untouched(json.dumps(json.loads(MADE)))
    assert not is_untouched(MADE.replace("raise NotImplementedError", "return 2 * x"))
    assert not is_untouched(SOURCE) and not is_untouched("{}") and not is_untouched("no notebook")


@pytest.mark.parametrize("broken", ["", "# SOLUTION", "# END SOLUTION\n# SOLUTION", "# SOLUTION\n# END SOLUTION\n" * 2])
def test_a_region_that_is_not_one_closed_region_is_refused_with_its_place(broken):
    with pytest.raises(SourceError, match=r"ex01.ipynb, cell 3 has \d '# SOLUTION'"):
        without_solution(f"def f(x):\n{broken}", "ex01.ipynb, cell 3")


NO_NOTEBOOKS = ("", "[]", "{}", '{"nbformat": 3, "cells": []}', "[" * 100_000, '{"nbformat": 4, "cells": [1]}')


@pytest.mark.parametrize("text", NO_NOTEBOOKS, ids=lambda text: text[:12])
def test_what_is_no_notebook_is_refused_by_name(text):
    with pytest.raises(SourceError, match=r"x\.ipynb is not a notebook"):
        read_cells(text, "x.ipynb")
