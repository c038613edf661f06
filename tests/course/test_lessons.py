"""The rules every lesson keeps, present and future."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "course").rglob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.parent.name.startswith("ch")]


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def source(path, kind="code"):
    return "\n".join("".join(cell["source"]) for cell in cells(path, kind))


def test_there_are_lessons_to_check():
    assert len(LESSONS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_no_notebook_installs_downloads_or_knows_a_machine(path):
    found = re.findall(r"pip install|!\w+|sys\.path|/home/|/tmp/|urlopen|requests\.", source(path))
    assert found == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_cell_ids_are_unique_and_one_title_stands_first(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    titles = re.findall(r"^# .+$", source(path, "markdown"), re.M)
    assert len(titles) == 1 and "".join(notebook["cells"][0]["source"]).startswith(titles[0])


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.name)
def test_a_lesson_ends_with_a_verified_ledger_and_has_a_strictly_checked_cell(path):
    code = source(path)
    assert "Ledger(" in code and "ledger.verify()" in code and "profile()" in code
    assert any("nbval-check-output" in cell["metadata"].get("tags", []) for cell in cells(path, "code"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.name)
def test_links_between_lessons_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", source(path, "markdown")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
