"""What a learner has done is recorded in a file of their own, whatever state it is in, and nowhere else."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from course_lib import cli, exercises, progress, session
from course_lib import notebook_rules as rules
from course_lib.cards.notebook import key_questions
from course_lib.figures.progress import figure
from course_lib.language import LANGUAGES, catalogue, language, use_language
from course_lib.lessons import LESSONS, NOTEBOOKS, PRIMER, kernel_environment
from course_lib.progress import State

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = [lesson for lesson in NOTEBOOKS if lesson.written]
SEVERAL = """
import sys
from course_lib import progress
sys.stdin.readline()  # until both are there
for number in range(200):
    progress.exercise_checked(f"exercise-{number}", "right")
    progress.exercise_checked(f"{sys.argv[1]}-{number}", "right")
"""


@pytest.fixture(autouse=True)
def language_restored():
    before = language()
    yield
    use_language(before)


@pytest.fixture
def journal(tmp_path, monkeypatch) -> Path:
    """The file that this test's record goes to; its folder does not exist yet."""
    path = tmp_path / "a folder" / "progress.jsonl"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    return path


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def facts(path: Path) -> list[tuple[str, str]]:
    return [(line["what"], line["name"]) for line in lines(path)]


def printed(record: progress.Record, rows: list[progress.Row] | None = None) -> list[str]:
    out = io.StringIO()
    progress.print_progress(progress.rows(record) if rows is None else rows, record, Console(file=out, width=110))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


# ------------------------------------------------------------------------------------------------------- what is recorded


def test_a_lesson_records_its_start_its_answers_and_its_end_and_prints_nothing_of_it(journal, capsys):
    session.start(3)
    assert capsys.readouterr() == ("", "")
    exercises.check("complexity", None)
    exercises.check("complexity", -1)
    exercises.check("complexity", exercises.reference("complexity"))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3 and all(line.startswith("[complexity] ") for line in said)
    key_questions(3)
    assert facts(journal) == [
        ("lesson-started", "03"),
        ("exercise-seen", "complexity"),
        ("exercise-tried", "complexity"),
        ("exercise-solved", "complexity"),
        ("lesson-ended", "03"),
    ]
    assert all(line.keys() == {"what", "name", "time"} for line in lines(journal))


def test_the_same_is_never_written_twice(journal):
    for _ in range(3):
        progress.lesson_started(3)
        progress.exercise_checked("bug-hunt", "wrong")
    assert facts(journal) == [("lesson-started", "03"), ("exercise-tried", "bug-hunt")]


def test_an_exercise_that_is_broken_again_stays_solved(journal):
    for status in exercises.Status.RIGHT, exercises.Status.WRONG, exercises.Status.TODO:
        progress.exercise_checked("bug-hunt", status)
    assert progress.load().exercise("bug-hunt") is State.DONE


def test_every_status_of_an_answer_has_a_name():
    assert list(progress.EXERCISE) == list(exercises.Status)


@pytest.mark.parametrize("lesson", WRITTEN, ids=lambda lesson: lesson.slug)
def test_the_exercises_of_a_lesson_are_those_of_its_notebook(lesson):
    cells = rules.read(lesson.notebook()).cells
    there = [cell.id.removeprefix("ex-") for cell in cells if "exercise" in rules.tags(cell)]
    assert there and progress.exercises(lesson) == there


@pytest.mark.parametrize("lesson", [x for x in LESSONS if x.written], ids=lambda lesson: lesson.slug)
def test_the_last_cell_of_a_lesson_is_the_one_that_records_its_end(lesson):
    last = [cell.source for cell in rules.code_cells(rules.read(lesson.notebook()))][-1]
    assert f"key_questions({lesson.number})" in last


def test_what_has_no_cards_ends_with_its_last_exercise(journal):
    if not PRIMER.written:
        pytest.skip("the primer is not written yet")
    session.start("primer")
    for name in progress.exercises(PRIMER)[:-1]:
        progress.exercise_checked(name, "right")
    assert progress.rows(progress.load())[0].state is State.BEGUN
    progress.exercise_checked(progress.exercises(PRIMER)[-1], "todo")
    row = progress.rows(progress.load())[0]
    assert row.lesson is PRIMER and row.state is State.DONE and len(row.unsolved) == 1


def test_what_has_cards_does_not_end_with_its_last_exercise(journal):
    progress.lesson_started(3)
    progress.exercise_checked("bug-hunt", "right")
    assert {row.lesson.number: row.state for row in progress.rows(progress.load())}[3] is State.BEGUN


# ------------------------------------------------------------------------------------------------------- where, and whether


def test_the_record_stands_where_the_platform_keeps_the_data_of_programs(monkeypatch, tmp_path):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    place = progress.place()
    assert place.name == "progress.jsonl" and place.parent.name == "transformers-course"
    assert not place.is_relative_to(ROOT)
    if sys.platform == "linux":
        assert place == tmp_path / ".local" / "share" / "transformers-course" / "progress.jsonl"


@pytest.mark.parametrize("named", ["", "off", " OFF "])
def test_switched_off_nothing_is_kept_and_the_command_says_so(named, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv(progress.VARIABLE, named)
    progress.lesson_started(3)
    assert progress.place() is None and list(tmp_path.iterdir()) == []
    assert cli.main(["progress", "--picture", str(tmp_path / "picture.png")]) == 0
    assert "No record is kept: COURSE_PROGRESS" in capsys.readouterr().out


def test_without_a_home_directory_nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as it does where no home is known
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for named in (None, "~/progress.jsonl"):
        monkeypatch.delenv(progress.VARIABLE, raising=False)
        if named:
            monkeypatch.setenv(progress.VARIABLE, named)
        progress.lesson_started(3)
        assert progress.load() == progress.Record(None)
    assert list(tmp_path.iterdir()) == [] and not list(ROOT.glob("~*"))


def test_a_relative_path_is_taken_from_the_clone_wherever_the_kernel_runs(monkeypatch, tmp_path):
    monkeypatch.setenv(progress.VARIABLE, "build/mine.jsonl")
    monkeypatch.chdir(tmp_path)
    assert progress.place() == ROOT / "build" / "mine.jsonl"


# ------------------------------------------------------------------------------------------------------- whatever state


def test_two_processes_that_write_at_once_lose_nothing(journal):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    started = [
        subprocess.Popen([sys.executable, "-c", SEVERAL, name], stdin=subprocess.PIPE, env=environment, cwd=ROOT)
        for name in ("one", "other")
    ]
    time.sleep(0.5)
    for process in started:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=120)
        assert process.returncode == 0
    found = progress.load()
    assert found.broken == ()
    for name in ("exercise", "one", "other"):
        assert all(found.exercise(f"{name}-{number}") is State.DONE for number in range(200)), name


def test_threads_that_find_a_broken_file_at_once_lose_nothing(journal):
    journal.parent.mkdir()
    for turn in range(20):
        journal.write_bytes(b'{"what": "lesson-started", "name": "03"}\nnot JSON\n{"what": "les')
        at_once = threading.Barrier(4)

        def write(number, at_once=at_once):
            at_once.wait()
            progress.exercise_checked(f"exercise-{number}", "right")

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [path.name for path in journal.parent.iterdir()] == [journal.name], "only the command moves files"
        found = progress.load()
        assert found.lesson("03") is State.BEGUN, turn
        assert all(found.exercise(f"exercise-{number}") is State.DONE for number in range(4)), turn
        assert [b"not JSON" in path.read_bytes() for path in found.broken] == [True], turn
        progress.forget(found)


def test_a_torn_last_line_is_passed_over_and_the_next_one_begins_below_it(journal):
    progress.lesson_started(3)
    journal.write_bytes(journal.read_bytes() + b'{"what": "lesson-en')
    assert progress.load().broken == (), "it may be on its way"
    progress.lesson_started(4)
    found = progress.load()
    assert (found.lesson("03"), found.lesson("04")) == (State.BEGUN, State.BEGUN)
    assert [path.read_bytes().count(b"lesson-en\n") for path in found.broken] == [1]
    assert facts(journal) == [("lesson-started", "03"), ("lesson-started", "04")]


def test_a_whole_last_line_without_its_end_counts(journal):
    progress.lesson_started(3)
    journal.write_bytes(journal.read_bytes().rstrip())
    progress.lesson_started(4)
    assert facts(journal) == [("lesson-started", "03"), ("lesson-started", "04")]


@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n\0\0\xff\n", b"[1, 2]\n", b"null\n", b"[" * 100_000 + b"\n", b"{]\nprose\n"],
    ids=["binary", "a list", "null", "too deep", "two lines"],
)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_broken_file_is_kept_aside_and_the_command_says_where(content, lang, journal, capsys, tmp_path):
    journal.parent.mkdir()
    journal.write_bytes(content)
    progress.lesson_started(3)
    for _ in range(2):
        assert cli.main(["progress", "--lang", lang, "--picture", str(tmp_path / "picture.png")]) == 0
        (aside,) = [path for path in journal.parent.iterdir() if path != journal]
        assert aside.name.endswith(".broken") and aside.read_bytes().startswith(content)
        said = capsys.readouterr().out.replace("\n", "")
        assert catalogue()["progress.broken"][lang].format(path=aside) in said
        assert facts(journal) == [("lesson-started", "03")]


def test_lines_of_a_newer_version_are_kept_and_passed_over(journal):
    newer = b'{"what": "card-learned", "name": "softmax", "grade": 4}\n{"what": 7, "name": ["x"]}\n{}\n'
    journal.parent.mkdir()
    journal.write_bytes(newer)
    progress.lesson_started(3)
    assert journal.read_bytes().startswith(newer)
    journal.write_bytes(journal.read_bytes() + b"not JSON\n")
    progress.lesson_ended(3)
    found = progress.load()
    assert found.lesson("03") is State.DONE and len(found.broken) == 1
    assert journal.read_bytes().startswith(newer), "they are carried over from a broken file too"


@pytest.mark.parametrize("obstacle", ["a file in place of the folder", "a folder in place of the file"])
def test_where_nothing_can_be_written_a_lesson_goes_on(obstacle, journal, capsys):
    if obstacle.startswith("a file"):
        journal.parent.write_text("")
    else:
        journal.mkdir(parents=True)
    session.start(3)
    exercises.check("complexity", None)
    key_questions(3)
    assert "[complexity]" in capsys.readouterr().out


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_folder_without_permission_stops_no_lesson_and_the_command_says_so(lang, journal, monkeypatch):
    progress.lesson_started(3)
    journal.write_bytes(journal.read_bytes() + b"not JSON\n")
    before = journal.read_bytes()

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied", str(journal))

    monkeypatch.setattr(progress, "_append", refused)  # root, which runs tests in a container, may write anywhere
    monkeypatch.setattr(progress.tempfile, "mkstemp", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    progress.lesson_ended(3)
    use_language(lang)
    found = progress.load()
    assert found.lesson("03") is State.BEGUN and journal.read_bytes() == before
    said = printed(found)
    assert catalogue()["progress.broken"][lang].format(path=journal) in said
    assert catalogue()["progress.unwritable"][lang].format(path=journal) in said


def test_an_error_of_any_kind_stops_no_lesson(journal, monkeypatch):
    def fails(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(progress, "place", fails)
    progress.lesson_started(3)


# ------------------------------------------------------------------------------------------ never when built, checked, tested


def test_the_kernels_that_build_and_check_keep_no_record():
    assert kernel_environment()[progress.VARIABLE] == "off"
    assert os.environ[progress.VARIABLE] == "off", "nor does this process"


@pytest.mark.parametrize("how", ["built", "checked"])
def test_a_notebook_that_is_built_or_checked_leaves_the_record_alone(how, journal, tmp_path, monkeypatch):
    """Both ways of running a notebook, with the setting and, as a planted fault, without it."""
    from nbformat.v4 import new_code_cell, new_notebook

    from course_lib import lessons

    code = "from course_lib import progress\nprogress.lesson_started(3)"

    def run() -> None:
        nb = new_notebook(cells=[new_code_cell(code, id="one")])
        if how == "built":
            lessons.execute(nb, tmp_path, label="a notebook")
            return
        nb.cells[0].execution_count = 1
        (tmp_path / "one.ipynb").write_text(rules.written(rules.canonical(nb)), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}"]
        command += ["-p", "conftest" if checked_by_course else "no:cacheprovider", "-p", "no:cacheprovider", "-q"]
        done = subprocess.run(
            [*command, str(tmp_path / "one.ipynb")], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    checked_by_course = True
    run()
    assert not journal.exists()
    checked_by_course = False
    without = {k: v for k, v in kernel_environment().items() if k != progress.VARIABLE}
    monkeypatch.setattr(lessons, "kernel_environment", lambda: without | {progress.VARIABLE: str(journal)})
    run()
    assert facts(journal) == [("lesson-started", "03")], "the fault was not noticed"


# ------------------------------------------------------------------------------------------------------- what is shown


def done_so_far() -> None:
    progress.lesson_started(1)
    progress.lesson_ended(1)
    progress.lesson_started(3)
    progress.exercise_checked("scaled-dot-product", "right")
    progress.exercise_checked("causal-mask", "right")
    progress.exercise_checked("bug-hunt", "wrong")
    progress.lesson_ended(3)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_table_says_what_was_done_and_what_comes_next(lang, journal):
    done_so_far()
    use_language(lang)
    found = progress.load()
    rows = {row.lesson.slug: row for row in progress.rows(found)}
    said = printed(found)
    three, four = rows["03_attention"], rows["04_multi_head"]
    end, none = (catalogue()[f"progress.run.{state}"][lang] for state in ("done", "none"))
    of = {"en": "of", "ru": "из"}[lang]
    assert f"{three.title} ● {end} ● ● ○ ○ ◐ 2 {of} 5 {len(three.cards)}" in said
    assert f"{four.title} ○ {none} ○ ○ ○ ○ ○ 0 {of} 5 {len(four.cards)}" in said
    texts = {name: catalogue()[f"progress.{name}"][lang] for name in ("unsolved", "next", "cards", "where")}
    assert texts["unsolved"].format(lesson=three.title, names="one-token, complexity, bug-hunt") in said
    assert not any(four.title in line and "split-heads" in line for line in said), "it was not begun"
    assert texts["next"].format(lesson=four.title) in said
    cards = texts["cards"].format(lesson=three.title, count=len(three.cards), deck=three.deck)
    at = said.index(" ".join(cards.split()))
    assert [line.split(":")[0] for line in said[at + 1 : at + 6]] == [card.id for card in three.cards[:5]]
    assert texts["where"].format(path=journal) in said


def test_the_next_lesson_is_the_one_begun_then_the_one_after_it_then_one_skipped(journal):
    def following() -> str | None:
        row = progress.next_row(progress.rows(progress.load()))
        return None if row is None else row.lesson.slug

    written = [lesson for lesson in LESSONS if lesson.written]
    assert following() == written[0].slug
    progress.lesson_started("primer")
    progress.lesson_started(4)
    assert following() == "04_multi_head"
    progress.lesson_ended(4)
    assert following() == "05_positions"
    progress.lesson_ended(8)
    assert following() == written[0].slug
    for lesson in written:
        progress.lesson_ended(lesson.number)
    assert following() is None


def test_the_next_cards_are_those_of_the_lesson_that_ended_last(journal):
    def ended() -> progress.Row | None:
        found = progress.load()
        return progress.last_ended(progress.rows(found), found)

    progress.lesson_started(2)
    assert ended() is None
    progress.lesson_ended(5)
    progress.lesson_ended(2)
    assert ended().lesson.number == 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_before_anything_is_done_the_command_says_how_to_begin(lang, journal):
    use_language(lang)
    said = printed(progress.load())
    assert catalogue()["progress.nothing"][lang] in said
    following = catalogue()["progress.next"][lang].split("{")[0]
    assert not any(line.startswith(following) for line in said)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_picture_shows_every_mark_without_colour_and_keeps_its_words_inside(lang, journal):
    done_so_far()
    use_language(lang)
    rows = progress.rows(progress.load())
    drawn = figure(rows)
    drawn.canvas.draw()
    axes = drawn.axes[0]
    marks = [line for line in axes.lines if line.get_gid()]
    fills = {line.get_gid(): line.get_fillstyle() for line in marks}
    for marker in "os":
        assert [fills[f"{marker} {state}"] for state in State] == ["none", "left", "full"]
    assert len(marks) == len(rows) + sum(len(row.exercises) for row in rows) + 6
    legend = 1
    assert sum(line.get_gid() == "s done" for line in marks) == 2 + legend
    assert sum(line.get_gid() == "s begun" for line in marks) == 1 + legend
    assert sum(line.get_gid() == "o done" for line in marks) == 2 + legend
    frame = drawn.bbox
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts if not text.get_text().isdigit()}
    assert {row.title for row in rows} <= set(boxes)
    for name, box in boxes.items():
        assert frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1, name
        others = [other for one, other in boxes.items() if one != name]
        assert not any(box.overlaps(other) for other in others), name


def test_the_command_draws_by_default_in_the_folder_that_git_ignores(journal, monkeypatch, tmp_path, capsys):
    done_so_far()
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    assert cli.main(["progress"]) == 0
    picture = tmp_path / "build" / "progress.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.strip().endswith("progress.png")


# ------------------------------------------------------------------------------------------------------- forgetting


def test_forget_asks_first(journal, monkeypatch, capsys):
    done_so_far()
    beside = journal.parent / "other.jsonl.broken"
    beside.write_text("not ours")
    aside = journal.parent / f"{journal.name}.x1.broken"
    aside.write_text("ours")
    asked = []
    monkeypatch.setattr("typer.confirm", lambda text: asked.append(text) or False)
    assert cli.main(["progress", "--forget"]) == 0
    assert journal.exists() and aside.exists() and str(journal) in asked[0]
    assert "nothing was deleted" in capsys.readouterr().out
    monkeypatch.setattr("typer.confirm", lambda text: True)
    assert cli.main(["progress", "--forget"]) == 0
    assert [path.name for path in journal.parent.iterdir()] == [beside.name]


def test_forget_with_yes_does_not_ask_and_may_find_nothing(journal, monkeypatch, capsys):
    done_so_far()
    monkeypatch.delattr("typer.confirm")
    assert cli.main(["progress", "--forget", "--yes"]) == 0
    assert not journal.exists() and str(journal) in capsys.readouterr().out
    assert cli.main(["progress", "--forget", "--yes"]) == 0
    assert "nothing was deleted" in capsys.readouterr().out
    progress.lesson_started(3)
    assert facts(journal) == [("lesson-started", "03")], "a running kernel begins anew"


@pytest.mark.parametrize("arguments", [["--yes"], ["--forget", "--picture", "x.png"]])
def test_options_that_do_not_go_together_are_wrong_usage(arguments, journal):
    done_so_far()
    assert cli.main(["progress", *arguments]) == 2 and journal.exists()


# ------------------------------------------------------------------------------------------------------- what it costs


def test_neither_recording_nor_the_command_imports_torch(journal, tmp_path):
    code = (
        "import sys; import course_lib, course_lib.exercises, course_lib.progress as p; p.lesson_started(3)\n"
        "print(sorted({'torch', 'matplotlib', 'rich', 'IPython'} & set(sys.modules)))\n"
        "from course_lib.cli import main; main(['progress', '--picture', sys.argv[1]]); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "p.png")], capture_output=True, text=True, cwd=ROOT
    )
    said = done.stdout.splitlines()
    assert said[0] == "[]" and said[-1] == "False", done.stdout + done.stderr
    assert facts(journal) == [("lesson-started", "03")]


def test_a_record_costs_less_than_the_blink_of_a_cell(journal):
    """With all that the course can record; the best of several, since other programs run here too."""
    names = [name for lesson in WRITTEN for name in progress.exercises(lesson)]
    for name in names:
        for status in exercises.Status:
            progress.exercise_checked(name, status)
    costs = []
    for number in range(20):
        before = time.perf_counter()
        progress.exercise_checked(f"new-{number}", "right")
        costs.append(time.perf_counter() - before)
    assert min(costs) < 0.005
