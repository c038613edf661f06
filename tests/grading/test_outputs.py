"""Reports that other programs and people read: valid, complete, and safe whatever a learner is called."""

import csv
import io
import json

from corelib.grading.grade import Grade, Mark
from corelib.grading.outputs import csv_text, json_text, summary, write_pages

MARKS = (
    Mark("ch03.a", "pass", 2, 2),
    Mark("ch03.b", "fail", 0, 3, ("half zeros",), ("Wrong for: half zeros.", "These are <nats>."), "nats"),
    Mark("ch03.c", "missing", 0, 1, remarks=("No cell was found.",)),
)
NAMES = ("ada", "../../etc", "<script>alert(1)</script>", "=cmd()", "ADA", "名前", "index")
GRADES = [Grade(name, MARKS, ("x.ipynb: a <link>",), "0") for name in NAMES]


def test_csv_has_the_columns_of_a_gradebook_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(csv_text(GRADES))))
    assert len(rows) == len(GRADES) * 3
    assert rows[0] == {"learner": "ada", "question": "ch03.a", "points": "2", "max": "2", "status": "pass"}
    assert not any(row["learner"].startswith("=") for row in rows)


def test_json_is_versioned_and_whole():
    content = json.loads(json_text(GRADES, seed=7, isolation="sandbox", questions={"ch03.a": 2}))
    assert (content["schema"], content["seed"], content["isolation"]) == (1, 7, "sandbox")
    assert [grade["learner"] for grade in content["grades"]] == list(NAMES)
    assert content["grades"][0]["points"] == 2 and content["grades"][0]["max"] == 6
    assert content["grades"][0]["marks"][1]["diagnosis"] == "nats"


def test_every_learner_has_a_page_inside_the_folder(tmp_path):
    folder = tmp_path / "html"
    write_pages(folder, GRADES)
    pages = sorted(path.name for path in folder.iterdir())
    assert len(pages) == len(NAMES) + 1 and "index.html" in pages
    assert sorted(path.name for path in tmp_path.iterdir()) == ["html"]
    lowered = [page.lower() for page in pages]
    assert len(set(lowered)) == len(lowered)  # some disks do not tell ADA from ada


def test_pages_escape_what_learners_write(tmp_path):
    write_pages(tmp_path, GRADES)
    for path in tmp_path.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "<script" not in text and "<nats>" not in text and "<link>" not in text
        assert "http://" not in text and "https://" not in text
    assert "These are &lt;nats&gt;." in (tmp_path / "ada.html").read_text()


def test_the_summary_names_points_and_problems():
    text = summary(GRADES)
    assert "2/6" in text and "ada: x.ipynb: a <link>" in text
    assert summary([]) == "no submissions"
