"""``claim``, the ledger, and the test that a written lesson is done with its claims."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from course_lib import claims, session
from course_lib.claims import claim, ledger
from course_lib.language import use_language


@pytest.fixture(autouse=True)
def lesson_three(monkeypatch):
    monkeypatch.setattr(session, "_lesson", 3)
    monkeypatch.setattr(claims, "_measured", {})
    yield
    use_language("en")


def test_a_claim_that_holds_prints_one_line_in_the_sessions_language(capsys):
    claim("3.8", holds=True, measured="variance 64 → 1")
    use_language("ru")
    claim("3.8", holds=True, measured="variance 64 → 1")
    english, russian = capsys.readouterr().out.splitlines()
    assert english == "[3.8] corrected in part · variance 64 → 1"
    assert re.fullmatch(r"\[3\.8\] [а-яё ]+ · variance 64 → 1", russian)
    assert claims.LINE.fullmatch(english)["verdict"] == "corrected in part"


@pytest.mark.parametrize("truth", [np.bool_(True), torch.tensor(True), np.array([True])])
def test_the_truth_may_come_from_any_library(truth):
    claim("3.8", holds=truth, measured="1")


@pytest.mark.parametrize("untruth", [False, np.bool_(False), torch.tensor(False)])
def test_a_claim_that_does_not_hold_raises_and_prints_nothing(untruth, capsys):
    with pytest.raises(AssertionError, match="claim 3.8 does not hold: 7 of 9"):
        claim("3.8", holds=untruth, measured="7 of 9")
    assert capsys.readouterr().out == ""
    assert claims._measured == {}


@pytest.mark.parametrize("no_truth", [1, "yes", [True], [False], None, torch.tensor(1.0)])
def test_what_is_no_truth_value_is_refused(no_truth, capsys):
    with pytest.raises(TypeError, match="True or False"):
        claim("3.8", holds=no_truth, measured="1")
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        claim("3.8", holds=torch.tensor([True, True]), measured="1")
    assert capsys.readouterr().out == ""


def test_an_unknown_id_is_refused():
    with pytest.raises(KeyError, match="3.99"):
        claim("3.99", holds=True, measured="1")


def test_a_claim_of_another_lesson_or_of_none_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="executed in lesson 8, this is lesson 3"):
        claim("0.2", holds=True, measured="1")
    monkeypatch.setattr(session, "_lesson", None)
    with pytest.raises(ValueError, match="executed in lesson 3"):
        claim("3.8", holds=True, measured="1")


def test_a_row_that_is_explained_cannot_be_executed():
    explained = next(row for row in claims.rows() if row.verdict == "explained")
    with pytest.raises(ValueError, match="explained in prose"):
        claim(explained.id, holds=True, measured="1")


@pytest.mark.parametrize("measured", ["", "  ", "two\nlines", "12 ms", "took 3 seconds", "0.5s"])
def test_a_measurement_is_one_line_without_durations(measured):
    with pytest.raises(ValueError):
        claim("3.8", holds=True, measured=measured)


def test_the_ledger_shows_every_row_of_the_lesson_and_what_was_measured(capsys):
    claim("3.8", holds=True, measured="variance 64 → 1")
    claim("3.8", holds=True, measured="variance 64 → 1")  # the cell is run again
    claim("3.8", holds=True, measured="entropy 0.1")
    capsys.readouterr()
    for lang in ("en", "ru"):
        use_language(lang)
        ledger(3)
        lines = capsys.readouterr().out.splitlines()
        rows = claims.of_lesson(3)
        assert [line.split(" · ")[0] for line in lines] == [row.id for row in rows]
        shown = dict(zip((row.id for row in rows), lines, strict=True))
        assert shown["3.8"].endswith(" · variance 64 → 1; entropy 0.1")
        for row in rows:
            assert row.statement[lang] in shown[row.id] and claims.verdict_word(row.verdict) in shown[row.id]


def test_the_ledgers_other_lesson_is_named(capsys):
    ledger(0)
    assert "executed in lesson 08" in next(x for x in capsys.readouterr().out.splitlines() if x.startswith("0.2 "))


def test_every_verdict_has_its_word_in_both_languages():
    for lang in ("en", "ru"):
        use_language(lang)
        words = [claims.verdict_word(verdict) for verdict in claims.VERDICTS]
        assert len(set(words)) == len(words) and not any("·" in word for word in words)


GOOD = {
    "id": "3.8",
    "lesson": 3,
    "executed_in": 3,
    "verdict": "refined",
    "statement": {"en": "a", "ru": "б"},
    "finding": {"en": "", "ru": ""},
}


@pytest.mark.parametrize(
    "change,says",
    [
        ({"verdict": "sure"}, "unknown verdict"),
        ({"lesson": 4}, "LESSON.NUMBER"),
        ({"id": "three"}, "LESSON.NUMBER"),
        ({"statement": {"en": "a"}}, "languages"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_spoiled_table_is_refused(change, says, tmp_path, monkeypatch):
    def table(*entries):
        lines = []
        for entry in entries:
            lines.append("[[claim]]")
            for key, value in entry.items():
                pairs = [(f"{key}.{k}", v) for k, v in value.items()] if isinstance(value, dict) else [(key, value)]
                lines += [f"{k} = {json.dumps(v)}" for k, v in pairs]
        (tmp_path / "claims.toml").write_text("\n".join(lines), encoding="utf-8")
        claims.rows.cache_clear()
        return claims.rows()

    monkeypatch.setattr(claims.resources, "files", lambda package: tmp_path)
    try:
        assert len(table(GOOD)) == 1
        with pytest.raises(ValueError, match=says):
            table({**GOOD, **change})
        with pytest.raises(ValueError, match="3.8 more than once"):
            table(GOOD, GOOD)
    finally:
        monkeypatch.undo()
        claims.rows.cache_clear()


# ------------------------------------------------------------------------------------------------ a lesson that is done


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A notebook that prints all claims of a lesson of three rows."""
    texts = {"statement": {"en": "a", "ru": "б"}, "finding": {"en": "c", "ru": "в"}}
    table = (
        claims.Row("3.1", 3, 3, "explained", **texts),
        claims.Row("3.2", 3, 3, "confirmed", **texts),
        claims.Row("3.3", 3, 8, "refined", **texts),
        claims.Row("2.1", 2, 3, "corrected in part", **texts),
    )
    monkeypatch.setattr(claims, "rows", lambda: table)

    def write(*lines):
        outputs = [{"output_type": "stream", "name": "stdout", "text": [f"{line}\n" for line in lines]}]
        path = tmp_path / "lesson.ipynb"
        path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}), encoding="utf-8")
        return path

    return write


def test_a_lesson_that_executes_its_claims_is_done(lesson):
    path = lesson("[3.2] confirmed · 1", "and more", "[2.1] corrected in part · 2")
    assert claims.unfinished(3, path, "en") == []
    assert claims.printed(path) == {"3.2": ["1"], "2.1": ["2"]}


@pytest.mark.parametrize(
    "lines,says",
    [
        (["[3.2] confirmed · 1"], "claim 2.1 belongs to lesson 3"),
        (["[3.2] refined · 1", "[2.1] corrected in part · 2"], "the table says 'confirmed'"),
        (["[3.2] confirmed · 1", "[2.1] corrected in part · 2", "[3.3] refined · 3"], "3.3, which is not of lesson 3"),
        (["[3.2] confirmed · 1", "[2.1] corrected in part · 2", "[3.1] explained · 3"], "3.1, which is not"),
        (["text [3.2] confirmed · 1", "[2.1] corrected in part · 2"], "claim 3.2 belongs"),
    ],
)
def test_a_lesson_that_leaves_a_claim_out_is_not(lesson, lines, says):
    assert says in " ".join(claims.unfinished(3, lesson(*lines), "en"))


def test_the_verdict_is_compared_in_the_notebooks_language(lesson):
    path = lesson("[3.2] confirmed · 1", "[2.1] corrected in part · 2")
    assert len(claims.unfinished(3, path, "ru")) == 2


def test_a_written_lesson_has_its_findings(lesson, monkeypatch):
    path = lesson("[3.2] confirmed · 1", "[2.1] corrected in part · 2")
    claims.rows()[0].finding["ru"] = ""
    assert "claim 3.1 has no finding" in claims.unfinished(3, path, "en")[0]
