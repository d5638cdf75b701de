"""The ``course`` command: its help, its errors, its exit statuses; what it does is tested where it is done."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from course_lib import bootstrap, cards, claims, cli, lab, lessons, results, validation
from course_lib.cards.short_forms import DEFAULT_MARKS, ShortForms
from course_lib.language import language, use_language

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("lab", "deck", "contact-sheet", "check", "build", "claims", "reset", "measure", "bench", "test", "progress")

NOTE = """\
---
deck: Заметки
---
Что делает softmax?
?
Превращает числа в распределение.

Зачем делить на $\\sqrt{d_k}$?
?
Чтобы дисперсия была $1$.
"""


@pytest.fixture(autouse=True)
def language_restored():
    before = language()
    yield
    use_language(before)


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, 100 columns wide."""
    return subprocess.run(
        [sys.executable, "-m", "course_lib.cli", *map(str, arguments)],
        cwd=ROOT,
        env=dict(os.environ, COLUMNS="100", **environment),
        capture_output=True,
        text=True,
    )


def test_help_lists_every_command_with_a_sentence():
    answer = run("--help")
    assert answer.returncode == 0 and run().stdout == answer.stdout
    for command in COMMANDS:
        line = next(line for line in answer.stdout.splitlines() if line.startswith(f"│ {command} "))
        assert len(line.strip("│ ").split()) > 4, f"{command} is not described"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_options(command, capsys):
    assert cli.main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"course {command}" in text
    parameters = typer.main.get_command(cli.app).commands[command].params
    assert all(len(parameter.help.split()) > 1 for parameter in parameters if parameter.name != "help")


def test_the_usage_of_a_bare_machine_names_the_same_commands():
    named = [line.split()[0] for line in bootstrap.USAGE.splitlines() if line.startswith("  ")]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nonsense"], 2, "nonsense"),
        (["lab", "--lang", "fr"], 2, "'fr' is not one of 'en', 'ru'"),
        (["reset"], 2, "LESSON"),
        (["reset", "12"], 1, "no lesson '12'"),
        (["measure", "no-such-result"], 1, "no-such-result"),
        (["claims", "12"], 1, "no lesson '12'"),
        (["deck", "--strictly"], 2, "--strictly"),
        (["deck", "-o", "x.apkg"], 2, "--lang"),
        (["deck", "--write-ids"], 2, "NOTE"),
        (["deck", "README.md", "--release"], 2, "--release"),
    ],
)
def test_an_error_is_one_line_and_no_traceback(arguments, status, message):
    answer = run(*arguments)
    assert answer.returncode == status
    assert answer.stderr.startswith("course: ") and answer.stderr.count("\n") == 1, answer.stderr
    assert message in answer.stderr


@pytest.mark.parametrize("command", ["check", "build"])
def test_a_lesson_that_is_not_there_is_wrong_usage(command, capsys):
    assert cli.main([command, "12"]) == 2
    assert len(capsys.readouterr().out.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("first\nsecond"), "first second"),
        (KeyError("no such thing"), "no such thing"),
        (RuntimeError(), "RuntimeError"),
        (FileNotFoundError(2, "No such file", "a.md"), "a.md: No such file"),
        (ModuleNotFoundError("No module named 'nbval'", name="nbval"), "nbval is not installed"),
    ],
)
def test_whatever_is_raised_becomes_one_line(error, line, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    monkeypatch.delenv("COURSE_DEBUG", raising=False)
    monkeypatch.setattr(lab, "reset", fail)
    assert cli.main(["reset", "03"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("course: ") and said.count("\n") == 1 and line in said
    monkeypatch.setenv("COURSE_DEBUG", "1")
    with pytest.raises(type(error)):
        cli.main(["reset", "03"])


def test_ctrl_c_is_no_error_message(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "reset", interrupted)
    assert cli.main(["reset", "03"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("module", ["course_lib", "course_lib.cli", "course_lib.cards", "course_lib.claims"])
def test_no_torch_and_no_matplotlib_before_they_are_needed(module):
    probe = f"import sys, {module}; print(*sorted({{'torch', 'matplotlib', 'IPython'}} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_the_deck_needs_no_torch(tmp_path):
    note = tmp_path / "note.md"
    note.write_text(NOTE, encoding="utf-8")
    probe = (
        "import sys; sys.modules['torch'] = sys.modules['matplotlib'] = None  # an import would fail\n"
        "from course_lib.cli import main\n"
        "sys.exit(main(['deck', sys.argv[1], '-o', sys.argv[2]]))"
    )
    out = tmp_path / "deck.apkg"
    answer = subprocess.run([sys.executable, "-c", probe, note, out], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert out.stat().st_size > 0


# --- deck -------------------------------------------------------------------------------------------------------------


def test_a_note_becomes_a_package(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "заметка.md").write_text(NOTE, encoding="utf-8")
    assert cli.main(["deck", "заметка.md", "--lang", "ru"]) == 0
    assert (tmp_path / "заметка.apkg").exists()
    assert "заметка.apkg" in capsys.readouterr().out


def test_a_broken_note_leaves_the_old_package_alone(tmp_path, capsys):
    note, out = tmp_path / "note.md", tmp_path / "deck.apkg"
    out.write_bytes(b"as it was")
    note.write_text(NOTE.replace("\\sqrt{d_k}", "\\sqrt{d_k"), encoding="utf-8")
    assert cli.main(["deck", str(note), "-o", str(out)]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{note}:8: error TEX ")
    assert out.read_bytes() == b"as it was"


def test_no_card_and_no_file_are_wrong_usage(tmp_path, capsys):
    empty = tmp_path / "empty.md"
    empty.write_text("# Only prose\n", encoding="utf-8")
    assert cli.main(["deck", str(empty), "-o", str(tmp_path / "a.apkg")]) == 2
    assert cli.main(["deck", str(tmp_path / "none.md"), "-o", str(tmp_path / "b.apkg")]) == 2
    assert not list(tmp_path.glob("*.apkg"))


def test_the_options_reach_the_compiler(tmp_path, monkeypatch):
    seen = {}

    def compile_notes(notes, output, **options):
        seen.update(options, notes=notes, output=output)
        return cards.Report()

    monkeypatch.setattr(cards, "compile_notes", compile_notes)
    arguments = ["a.md", "b.md", "--lang", "ru", "--attachments", "x", "--strict", "--no-repair", "--write-ids"]
    arguments += ["--inline", "--cloze"]
    cli.main(["deck", *arguments])
    assert seen == {
        "notes": [Path("a.md"), Path("b.md")],
        "output": Path("a.apkg"),
        "lang": "ru",
        "attachments": [Path("x")],
        "strict": True,
        "repair": False,
        "write_ids": True,
        "forms": ShortForms(inline=True, cloze=DEFAULT_MARKS),
    }


def test_without_a_note_both_decks_are_compiled_and_the_worst_status_counts(tmp_path, monkeypatch):
    built = []

    def compile_course(root, lang, output, *, update_lock=False):
        built.append((lang, output, update_lock))
        report = cards.Report()
        if lang == "ru":
            report.add("NO_ID", "x.md", 1)
        return report

    monkeypatch.setattr(cards, "compile_course", compile_course)
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["deck"]) == 1
    folder = tmp_path / "build"
    assert built == [(lang, folder / f"transformers-{lang}.apkg", False) for lang in ("en", "ru")]
    built.clear()
    assert cli.main(["deck", "--lang", "en", "-o", "own.apkg", "--release"]) == 0
    assert built == [("en", Path("own.apkg"), True)]


# --- the other commands -----------------------------------------------------------------------------------------------


def test_check_and_build_pass_their_arguments_on(monkeypatch):
    seen = []
    monkeypatch.setattr(validation, "check", lambda names, lang: seen.append((names, lang)) or 1)
    monkeypatch.setattr(lessons, "build", lambda names, refresh: seen.append((names, refresh)) or 0)
    assert cli.main(["check", "03", "--lang", "ru"]) == 1
    assert cli.main(["check", "--both"]) == 1
    assert cli.main(["build", "03", "--refresh"]) == 0
    assert seen == [(["03"], "ru"), ([], None), (["03"], True)]


def test_measure_lists_and_measures(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(results, "names", lambda: ["one", "two"])
    monkeypatch.setattr(results, "measure", lambda name: tmp_path / f"{name}.json")
    assert cli.main(["measure"]) == 0
    assert capsys.readouterr().out.split() == ["one", "two"]
    assert cli.main(["measure", "one"]) == 0
    assert capsys.readouterr().out.strip().endswith("one.json")


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_claims_shows_every_row_and_counts_those_with_figures(lang, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    first, *others = claims.rows()
    table = (replace(first, finding={"en": "", "ru": ""}), *others)
    monkeypatch.setattr(claims, "rows", lambda: table)
    monkeypatch.setattr(claims, "printed", lambda path: {"3.8": ["variance 64"]})
    monkeypatch.setattr(lessons.Lesson, "notebook", lambda self, lang: ROOT / "pyproject.toml")  # exists: "written"
    assert cli.main(["claims", "--lang", lang]) == 0
    text = capsys.readouterr().out
    for row in claims.rows():
        assert row.id in text.split(), row.id
    assert "variance 64" in text and "(open)" in text and f"1 of {sum(row.executable for row in claims.rows())}" in text
    assert cli.main(["claims", "03", "--lang", lang]) == 0
    of_03 = capsys.readouterr().out.split()
    assert "3.14" in of_03 and "4.1" not in of_03


def test_the_language_of_lab_decides_the_first_lesson(tmp_path, monkeypatch, capsys):
    for folder in ("", "ru"):
        (tmp_path / "notebooks" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "notebooks" / folder / "03_attention.ipynb").write_text('{"cells": []}', encoding="utf-8")
    started = []
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    monkeypatch.setattr(lab, "start", lambda work, first, **how: started.append((work, first.as_posix(), how)) or 0)
    monkeypatch.setattr(lab, "has_screen", lambda: True)
    assert cli.main(["lab", "--lang", "ru"]) == 0
    assert cli.main(["lab", "--no-browser", "--port", "9999"]) == 0
    work = tmp_path / "work"
    assert started == [
        (work, "ru/03_attention.ipynb", {"browser": True, "port": None}),
        (work, "03_attention.ipynb", {"browser": False, "port": 9999}),
    ]
    assert (work / "03_attention.ipynb").exists()
    assert "no en deck" in capsys.readouterr().err, "a deck that fails is told, and does not keep anybody from a lesson"


def test_test_runs_one_pytest_session_over_tests_and_english_notebooks(monkeypatch):
    seen = []

    def call(command, cwd, env):
        seen.append((command[1:], cwd, env.get("COURSE_ALL")))
        return subprocess.CompletedProcess(command, 5)

    monkeypatch.delenv("COURSE_ALL", raising=False)
    monkeypatch.setattr(cli.subprocess, "run", call)
    assert cli.main(["test", "-k", "lock", "-x"]) == 5
    assert cli.main(["test", "--all"]) == 5
    (first, cwd, everything), (second, _, all_) = seen
    assert first[:3] == ["-m", "pytest", "tests"] and cwd == ROOT and first[-3:] == ["-k", "lock", "-x"]
    assert first[first.index("--dist") + 1] == "loadfile"
    assert not any("ru" in Path(part).parts for part in first) and everything is None
    assert all_ == "1"
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"notebooks/{path.name}" in first
    for path in (ROOT / "notebooks" / "ru").glob("*.ipynb"):
        assert f"notebooks/ru/{path.name}" in second
