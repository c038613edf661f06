"""Verdicts follow from values; the course errs only when it asserts what this run contradicts."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corelib.notebook import Ledger, LedgerError, ResultsError, load_run, recorded_rows, results_table, update_readme
from corelib.notebook.results import results_path

finite = st.floats(-1e6, 1e6)


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setenv("COURSE_ROOT", str(tmp_path))
    return tmp_path


def row(**changes):
    return {"claim": "A claim", "place": "abstract", "value": 1.0, "at_least": 0.5, "reason": "Because."} | changes


def ledger_with(profile="laptop", **changes):
    ledger = Ledger("ch99-01", title="A | title", profile=profile, seed=4)
    ledger.add("key", **row(**changes))
    return ledger


@given(value=finite, bound=finite, tolerance=st.floats(0, 1e6))
def test_the_verdict_is_the_criterion_and_nothing_else(value, bound, tolerance):
    low, high = sorted((bound, bound + tolerance))
    expected = {
        "at_least": value >= bound,
        "at_most": value <= bound,
        "near": bound - tolerance <= value <= bound + tolerance,
        "between": low <= value <= high,
    }
    given_as = {"at_least": bound, "at_most": bound, "near": (bound, tolerance), "between": (low, high)}
    for name, holds in expected.items():
        ledger = Ledger("ch99-01", profile="quick")
        claim = ledger.add("key", **(row(value=value, at_least=None) | {name: given_as[name]}))
        assert claim.verdict == ("holds" if holds else "differs")


def test_nan_never_holds_and_what_cannot_be_tested_says_why(root):
    assert ledger_with(value=math.nan).rows[0].verdict == "differs"
    untested = ledger_with(value=None, at_least=None, reason="", not_testable="Needs a GPU.")
    assert untested.rows[0].verdict == "not testable here" and untested.rows[0].reason == "Needs a GPU."
    untested.verify()


def test_only_a_broken_assertion_of_the_course_raises(root):
    ledger_with().verify()
    ledger_with(value=0.0, says="differs").verify()
    assert ledger_with(says="differs").rows[0].note == "Now holds, although the course says it differs."
    with pytest.raises(LedgerError, match=r"key: A claim \(value 0, expected ≥ 0.5\)"):
        ledger_with(value=0.0).verify()


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"reason": ""}, "has no reason"),
        ({"value": None}, "has no value"),
        ({"at_least": None}, "has no criterion"),
        ({"at_most": 3.0}, "expected exactly one criterion"),
        ({"says": "maybe"}, "says is 'maybe'"),
        ({"claim": " "}, "claim is ' '"),
        ({"at_least": math.inf}, "expected finite"),
        ({"at_least": None, "near": (1.0, -1.0)}, "tolerance"),
        ({"at_least": None, "between": (2.0, 1.0)}, "low <= high"),
    ],
)
def test_a_row_that_could_not_be_judged_is_refused(changes, word):
    with pytest.raises(ValueError, match=word):
        ledger_with(**changes)
    with pytest.raises(TypeError, match="value is 'much'"):
        ledger_with(value="much")


def test_running_a_cell_again_replaces_its_row_but_a_key_never_names_two_claims(root):
    ledger = ledger_with()
    ledger.add("key", **row(value=2.0))
    assert len(ledger.rows) == 1 and ledger.rows[0].value == 2.0
    with pytest.raises(ValueError, match="names two claims"):
        ledger.add("key", **row(claim="Another"))


def test_rounding_never_contradicts_the_verdict(root):
    assert ledger_with(value=0.499999999).rows[0].value_text == "0.499999999"


def test_html_is_escaped_and_the_verdict_is_a_word(root):
    html = ledger_with(claim="<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "holds" in html


def test_a_recorded_run_comes_back_and_stands_in_the_table(root):
    path = ledger_with(value=0.75, unit="bits").record(wall_seconds=12.5)
    run = load_run(path)
    assert (run.seed, run.wall_seconds, run.row("key")["value"]) == (4, 12.5, 0.75)
    assert set(run.machine) == {"cpu", "cores", "platform", "gpu"} and "torch" in run.versions
    assert str(root) not in path.read_text()
    assert "0.75 bits (laptop: holds)" in ledger_with("quick").cells()[0]["recorded"]


def test_a_quick_run_is_not_recorded_and_a_missing_file_is_no_error(root):
    with pytest.raises(ValueError, match="profile is 'quick'"):
        ledger_with("quick").record()
    assert load_run(root / "nothing.json") is None
    assert ledger_with().cells()[0]["recorded"] == "—"


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99}'])
def test_a_broken_record_is_named(root, text):
    path = results_path(root, "ch99-01", "laptop")
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ResultsError, match=r"course/results/ch99-01\.laptop\.json"):
        load_run(path)


def test_nan_survives_the_file(root):
    path = ledger_with(value=math.nan).record()
    json.loads(path.read_text())
    assert math.isnan(load_run(path).row("key")["value"])


def test_the_readme_table_is_written_between_its_markers_once(root):
    readme = root / "README.md"
    with pytest.raises(FileNotFoundError, match=r"README\.md is missing"):
        update_readme(root)
    readme.write_text("no markers")
    with pytest.raises(ValueError, match=r"README\.md needs one"):
        update_readme(root)
    readme.write_text("before\n<!-- ledger:begin -->\n<!-- ledger:end -->\nafter\n")
    assert "No run is recorded yet." in results_table(root)
    ledger_with(claim="A | claim <!-- ledger:end -->").record()
    assert not update_readme(root, check=True) and "A \\| claim" not in readme.read_text()
    assert not update_readme(root)
    text = readme.read_text()
    assert "A \\| claim &lt;!-- ledger:end --&gt;" in text and text.startswith("before") and text.endswith("after\n")
    assert update_readme(root) and readme.read_text() == text


def test_recorded_rows_are_text_and_a_name_that_is_not_there_is_answered_with_those_that_are(root):
    folder = root / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "speed.csv").write_text("op,median\nsort,0.50\n", encoding="utf-8")
    assert recorded_rows("speed") == [{"op": "sort", "median": "0.50"}]
    with pytest.raises(FileNotFoundError, match="'sped'; expected one of speed"):
        recorded_rows("sped")
