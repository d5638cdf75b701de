"""Bad input: every row of the table of what comes in and what comes out, through the whole compiler.

For an error: exit status 1, the code at its line, and the old package untouched. For a warning: a package is written.
"""

from __future__ import annotations

import gc
import os
import time

import pytest
from card_tools import FIXTURES, NOW, PNG

from course_lib.cards.notes import compile_notes

GOOD = "before\n?\nfine ^card-before\n\n"

ERRORS = {
    "path-up": ("q\n?\n![[../../etc/x.png]]\n", "PICTURE_PATH", 7),
    "path-absolute": ("q\n?\n![x](/etc/x.png)\n", "PICTURE_PATH", 7),
    "active-svg": ("q\n?\n![[active.svg]]\n", "ACTIVE_SVG", 7),
    "unterminated-math": ("q\n?\n$$\na\n", "MATH_OPEN", 7),
    "unterminated-fence": ("q\n?\n```python\na\n", "FENCE_OPEN", 7),
    "broken-tex": ("q\n?\ntext\n$\\frac{a$\n", "TEX", 8),
    "duplicate-id": ("q\n?\na ^card-before\n", "DUPLICATE_ID", 5),
    "empty-question": ("?\na\n", "EMPTY_QUESTION", 5),
    "empty-answer": ("q\n?\n", "EMPTY_ANSWER", 6),
    "blank-after-separator": ("q\n?\n\nanswer\n", "EMPTY_ANSWER", 6),
    "deep-list": ("q\n?\n" + "".join("\t" * n + "- a\n" for n in range(200)), "TOO_DEEP", 7),
}

WARNINGS = {
    "script": ("q\n?\n<script>alert(1)</script> <p onclick=x>y</p>\n", []),
    "javascript-link": ("q\n?\n[x](javascript:alert(1))\n", []),
    "data-picture": ("q\n?\n![x](data:image/png;base64,AA==)\n", ["REMOTE_PICTURE"]),
    "missing-picture": ("q\n?\n![[none.png]]\n", ["MISSING_PICTURE"]),
    "remote-picture": ("q\n?\n![x](https://a.example/x.png)\n", ["REMOTE_PICTURE"]),
    "pdf": ("q\n?\n![[talk.pdf]]\n", ["EMBED_TYPE"]),
    "mp3": ("q\n?\n![[talk.mp3]]\n", ["EMBED_TYPE"]),
    "iframe": ('q\n?\n<iframe src="https://a.example"></iframe><style>*{}</style>\n', []),
    "stray-text": ("stray\n\nq\n?\na\n", ["STRAY_TEXT"]),
    "prose-after": ("q\n?\na\n\nprose\n", []),
    "control": ("q\x1f\x00\u202e\n?\na\n", ["CONTROL_CHARACTERS"]),
    "brackets": ("q\n?\n" + "[" * 20_000 + "\n", []),
}


def compiled(folder, data: bytes, **options):
    (folder / "ok.png").write_bytes(PNG)
    (folder / "active.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>')
    (folder / "note.md").write_bytes(data)
    return compile_notes([folder / "note.md"], folder / "out.apkg", lang="en", now=NOW, **options)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_names_its_line_and_leaves_the_old_package_alone(tmp_path, name):
    text, code, line = ERRORS[name]
    (tmp_path / "out.apkg").write_bytes(b"the old one")
    report = compiled(tmp_path, (GOOD + text).encode())
    assert (code, line) in [(issue.code, issue.line) for issue in report.errors], report.lines()
    assert report.exit_code == 1 and (tmp_path / "out.apkg").read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["active.svg", "note.md", "ok.png", "out.apkg"]


@pytest.mark.parametrize("name", WARNINGS)
def test_a_warning_lets_the_package_be_written(tmp_path, name):
    text, codes = WARNINGS[name]
    report = compiled(tmp_path, (GOOD + text).encode())
    assert report.codes() == codes and report.exit_code == 0 and (tmp_path / "out.apkg").exists()


@pytest.mark.parametrize("name", ["data-picture", "missing-picture", "remote-picture", "pdf", "mp3"])
def test_strict_makes_a_placeholder_an_error(tmp_path, name):
    report = compiled(tmp_path, (GOOD + WARNINGS[name][0]).encode(), strict=True)
    assert report.exit_code == 1 and not (tmp_path / "out.apkg").exists()


def test_a_symlink_out_of_the_root_is_an_error(tmp_path):
    (tmp_path / "vault").mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    os.symlink(tmp_path / "secret.png", tmp_path / "vault" / "x.png")
    report = compiled(tmp_path / "vault", (GOOD + "q\n?\n![[x.png]]\n").encode())
    assert report.codes() == ["PICTURE_PATH"] and not (tmp_path / "vault" / "out.apkg").exists()


@pytest.mark.parametrize(
    "data", [(GOOD + "ещё").encode("cp1251"), (GOOD + "ещё").encode("utf-16")], ids=["cp1251", "utf-16"]
)
def test_other_encodings_are_refused_without_guessing(tmp_path, data):
    report = compiled(tmp_path, data)
    assert report.exit_code == 1 and "UTF-8" in report.issues[0].message


def test_mojibake_is_repaired_or_refused(tmp_path):
    twin = (FIXTURES / "learner_note_macroman.md").read_bytes()
    report = compiled(tmp_path, twin)
    assert report.exit_code == 0 and report.codes()[0] == "MOJIBAKE" and report.cards == 12
    repaired = (tmp_path / "out.apkg").read_bytes()
    compiled(tmp_path, (FIXTURES / "learner_note.md").read_bytes())
    assert (tmp_path / "out.apkg").read_bytes() == repaired
    assert compiled(tmp_path, twin, repair=False).exit_code == 1


def test_a_file_over_two_megabytes_is_refused(tmp_path):
    report = compiled(tmp_path, GOOD.encode() + b"a" * 2_000_000)
    assert report.codes() == ["TOO_BIG"] and report.exit_code == 1


@pytest.mark.parametrize("name", ["deep-list", "brackets"])
def test_hostile_input_is_done_with_within_a_second(tmp_path, name):
    text = {**ERRORS, **WARNINGS}[name][0]
    gc.collect()
    gc.freeze()  # what other tests have left is not walked through while this one is timed
    start = time.process_time()
    compiled(tmp_path, (GOOD + text).encode())
    taken = time.process_time() - start
    gc.unfreeze()
    assert taken < 1


def test_no_cards_is_exit_status_2_and_no_file(tmp_path):
    report = compiled(tmp_path, b"Only prose.\n\nWhat now?\n")
    assert report.codes() == ["NO_CARDS"] and report.exit_code == 2 and not (tmp_path / "out.apkg").exists()


def test_a_question_that_shows_nothing_is_empty(tmp_path):
    report = compiled(tmp_path, (GOOD + "x\n?\n%%\n\nq\n?\n[[a|b]]<!-- c -->\n").encode())
    assert report.exit_code == 0
    report = compiled(tmp_path, (GOOD + "&nbsp;\n?\na\n").encode())
    assert "EMPTY_QUESTION" in report.codes() and report.exit_code == 1


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends_give_the_same_package(tmp_path, newline):
    text = (FIXTURES / "learner_note.md").read_text("utf-8")
    compiled(tmp_path, text.encode())
    clean = (tmp_path / "out.apkg").read_bytes()
    (tmp_path / "🃏-nlp-метрики.lock.json").unlink()
    compiled(tmp_path, b"\xef\xbb\xbf" + text.replace("\n", newline).replace("?" + newline, "?  " + newline).encode())
    assert (tmp_path / "out.apkg").read_bytes() == clean


def test_two_hundred_cards_build_in_about_a_second(tmp_path):
    card = "{n}. Why is question {n} here, $x_{n}$?\n?\n- Because $$\\frac{{a}}{{b}}$$\n- `code` **and** more\n\n"
    text = "".join(card.format(n=n) for n in range(200))
    start = time.process_time()
    assert compiled(tmp_path, text.encode()).exit_code == 0
    assert time.process_time() - start < 4, "a guard against a slip of an order of magnitude, not a benchmark"
