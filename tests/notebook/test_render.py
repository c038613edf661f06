"""Rendering runs a notebook for real, normalises it, repeats byte for byte, and refuses what is broken."""

import json

import nbformat
import pytest

from corelib.notebook import RenderError, check_notebook, course_map, render_notebook
from corelib.notebook.__main__ import main
from corelib.notebook.course_map import first_sentence
from corelib.notebook.normalise import is_progress


def notebook(path, *sources):
    cells = [nbformat.v4.new_markdown_cell("# A title\n\nThe first sentence, by X et al. (2020). The second.", id="m")]
    cells += [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[-1]["metadata"]["execution"] = {"shell.execute_reply": "now"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_renders_and_renders_again_to_the_same_bytes(tmp_path):
    path = notebook(
        tmp_path / "ok.ipynb",
        "import os\nprint(os.environ['COURSE_PROFILE'])",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "from tqdm.auto import trange\nfor _ in trange(3): pass\nprint('done')",
    )
    assert render_notebook(path)
    first = path.read_bytes()
    content = json.loads(first)
    assert "".join(content["cells"][1]["outputs"][0]["text"]) == "quick\n"
    assert [cell["id"] for cell in content["cells"]] == ["m", "c0", "c1", "c2"]
    assert "image/png" in content["cells"][2]["outputs"][-1]["data"]
    assert b"execute_reply" not in first and b"stderr" not in first
    check_notebook(path)
    assert not render_notebook(path) and path.read_bytes() == first


@pytest.mark.parametrize(
    "source, word",
    [
        ("1 / 0", "cell 2: ZeroDivisionError"),
        ("import warnings; warnings.warn('careful')", "cell 2 wrote to stderr"),
        ("print('x' * 400_000)", "cell 2: an output of"),
    ],
)
def test_what_is_broken_is_refused_and_the_file_left_alone(tmp_path, source, word):
    path = notebook(tmp_path / "bad.ipynb", source)
    before = path.read_bytes()
    with pytest.raises(RenderError, match=word):
        render_notebook(path)
    assert path.read_bytes() == before


def test_the_check_wants_outputs_and_the_committed_form(tmp_path, capsys):
    path = notebook(tmp_path / "raw.ipynb", "1 + 1")
    with pytest.raises(RenderError, match="was not run from top to bottom"):
        check_notebook(path)
    assert main(["render", "--check", str(path)]) == 1
    assert "refused: raw.ipynb" in capsys.readouterr().err
    assert main(["render", "--check", str(tmp_path / "none.ipynb")]) == 1


@pytest.mark.parametrize(
    "text, bar", [("epochs:  40%|####      | 4/10 [00:01<00:02, 3.1it/s]", True), ("Error: 3", False)]
)
def test_progress_bars_are_told_from_messages(text, bar):
    assert is_progress(text) is bar


def test_the_map_is_read_from_the_notebooks(tmp_path, monkeypatch):
    chapter = tmp_path / "course" / "ch07_hard_ware"
    chapter.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    notebook(chapter / "01_a.ipynb", "1")
    found = course_map()
    assert [(c.number, c.title) for c in found.chapters] == [(7, "Hard ware")]
    assert found.chapters[0].lessons[0].summary == "The first sentence, by X et al. (2020)."
    assert 'href="ch07_hard_ware/01_a.ipynb"' in found._repr_html_()
    (chapter / "02_b.ipynb").write_text("{}")
    with pytest.raises(ValueError, match=r"02_b.ipynb is not a notebook"):
        course_map()


def test_a_sentence_ends_where_it_ends():
    assert first_sentence("**Does** `it` [end](x)? Yes.") == "Does it end?"
