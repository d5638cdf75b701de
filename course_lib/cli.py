"""The ``course`` command: a thin layer over functions that say what they do themselves.

Every module is imported by the command that needs it, so that ``course --help`` and ``course deck`` start without
torch. A command returns its exit status: 0 done, 1 something is wrong with the input or the course, 2 wrong usage.
"""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.bootstrap import ROOT

if TYPE_CHECKING:
    from course_lib.cards import Report
    from course_lib.cards.short_forms import ShortForms

app = typer.Typer(
    name="course",
    help="A course on transformers: lessons in JupyterLab, flashcards for Anki, and the proof that both are right.",
    epilog="COURSE_DEBUG=1 shows the traceback of an error.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Language(StrEnum):
    """The course's languages, as values of an option."""

    en = "en"
    ru = "ru"


Lessons = Annotated[
    list[str] | None, typer.Argument(metavar="LESSON", help="Numbers or names: `03`, `03_attention`, `primer`.")
]
Lang = Annotated[Language, typer.Option("--lang", help="The language.")]


def working_copy() -> Path:
    """The learner's copy of the lessons, which git ignores."""
    return ROOT / "work"


def shown(path: Path) -> str:
    """A path as one would type it here: relative to the current folder where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@app.command(rich_help_panel="Learning")
def lab(
    lang: Lang = Language.en,
    browser: Annotated[
        bool | None, typer.Option("--browser/--no-browser", help="Open a browser (by default if there is a screen).")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port of JupyterLab; another one if it is taken.")] = None,
) -> int:
    """Open the lessons in JupyterLab, in a working copy of your own.

    The copy stands in `work/`, which git ignores, with the Anki decks beside it. Lessons that you have not edited
    follow the clone; an edited one is never written over. Ctrl-C ends it.
    """
    from course_lib import lab as workplace

    work = working_copy()
    done = workplace.update(ROOT, work)
    for name in done.refreshed:
        print(f"updated: {name}")
    for name in done.kept:
        print(
            f"kept as you edited it: {name} (the lesson has changed; `course reset` gets the new one, and keeps yours)"
        )
    for one in Language:
        report = course_deck(one, work / "decks")
        if report.errors:  # no reason to keep a learner from the lessons
            print(f"no {one.value} deck: {report.errors[0]}", file=sys.stderr)
    first = next(workplace.notebooks(ROOT, [lang.value]))
    print(f"Your working copy: {shown(work)} · decks for Anki: {shown(work / 'decks')} · Ctrl-C ends JupyterLab")
    opens = workplace.has_screen() if browser is None else browser
    return workplace.start(work, first, browser=opens, port=port)


@app.command(rich_help_panel="Learning")
def reset(
    lesson: Annotated[
        str, typer.Argument(metavar="LESSON", help="Its number or name: `03`, `03_attention`, `primer`.")
    ],
    lang: Lang = Language.en,
) -> int:
    """Put a clean copy of a lesson into your working copy.

    The copy that you edited is kept in `work/backups`.
    """
    from course_lib import lab as workplace

    copy, backup = workplace.reset(lesson, root=ROOT, work=working_copy(), lang=lang.value)
    print(f"{shown(copy)} is as in the course again" + (f"; yours is {shown(backup)}" if backup else ""))
    return 0


@app.command(rich_help_panel="Learning")
def deck(
    notes: Annotated[
        list[Path] | None,
        typer.Argument(metavar="NOTE", help="Your own Obsidian notes; without any, the course's cards."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="The package to write.")] = None,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="The deck's language; for the course's cards both by default.")
    ] = None,
    attachments: Annotated[
        list[Path] | None,
        typer.Option("--attachments", metavar="DIR", help="A folder of pictures, besides the note's own."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="A picture that cannot be packed is an error.")] = False,
    no_repair: Annotated[
        bool, typer.Option("--no-repair", help="Refuse a note in a broken encoding instead of repairing it.")
    ] = False,
    write_ids: Annotated[
        bool, typer.Option("--write-ids", help="Write each card's id into the note; the note is backed up.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Read `question::answer` on one line too (`:::` for both directions).")
    ] = False,
    cloze: Annotated[
        bool, typer.Option("--cloze", help="Read highlighted text, `==so==`, as text to be filled in.")
    ] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Count the cards instead; the picture is `build/card-stats.png`.")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Stamp the changed cards of the course; for its authors.")
    ] = False,
) -> int:
    """Compile flashcards into a package for Anki.

    Without arguments: the course's two decks, `build/transformers-en.apkg` and `build/transformers-ru.apkg`. With a note:
    the cards in it (a question, a line `?`, the answer), as they are. A note's front matter may say `deck:`, `language:`,
    `inline: true` and `cloze: true` itself.

    Findings are printed as `file:line: level CODE message`. Exit status 0: written; 1: errors, nothing is written;
    2: wrong usage, or no card found.
    """
    from course_lib.cards import compile_notes, print_report
    from course_lib.cards.short_forms import DEFAULT_MARKS, ShortForms
    from course_lib.language import use_language

    if lang is not None:
        use_language(lang.value)
    if not notes and (attachments or no_repair or write_ids or inline or cloze):
        raise typer.BadParameter("--attachments, --no-repair, --write-ids, --inline and --cloze need a NOTE")
    forms = ShortForms(inline, DEFAULT_MARKS if cloze else ())
    if stats:
        if release or write_ids:
            raise typer.BadParameter("--stats writes no deck, so neither --release nor --write-ids go with it")
        return card_statistics(notes or [], output, lang, attachments or [], forms, repair=not no_repair)
    if notes:
        if release:
            raise typer.BadParameter("--release is for the course's own cards, without a NOTE")
        report = compile_notes(
            notes,
            output or Path(f"{notes[0].stem}.apkg"),
            lang=(lang or Language.en).value,
            attachments=attachments or [],
            strict=strict,
            repair=not no_repair,
            write_ids=write_ids,
            forms=forms,
        )
        return print_report(report)
    if output is not None and lang is None:
        raise typer.BadParameter("-o without a NOTE needs --lang: the course has two decks")
    worst = 0
    for one in Language if lang is None else (lang,):
        report = course_deck(one, ROOT / "build", output, release=release)
        worst = max(worst, print_report(report))
        if report.retired_search and report.output:
            print(f"cards that the course has dropped, to be found in Anki's browser: {report.retired_search}")
    return worst


def card_statistics(
    notes: list[Path],
    output: Path | None,
    lang: Language | None,
    attachments: list[Path],
    forms: ShortForms,
    *,
    repair: bool,
) -> int:
    """Print how many cards there are, and draw it; of the course if ``notes`` is empty."""
    from rich.console import Console

    from course_lib.cards import statistics
    from course_lib.figures import png

    status = 0
    if notes:
        groups, report = statistics.note_statistics(
            notes, attachments=attachments, repair=repair, forms=forms, language=(lang or Language.en).value
        )
        for line in report.lines():
            print(line)
        status = report.exit_code
    else:
        groups = statistics.course_statistics(ROOT, [one.value for one in (Language if lang is None else (lang,))])
    if not groups:
        return status
    statistics.print_statistics(groups, Console(highlight=False))
    picture = output or ROOT / "build" / "card-stats.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(png(statistics.figure(groups)))
    print(shown(picture.absolute()))
    return status


def course_deck(lang: Language, folder: Path, output: Path | None = None, *, release: bool = False) -> Report:
    """Compile the course's deck of one language into ``folder``, or into ``output``."""
    from course_lib.cards import compile_course

    # Files are named as one would type them here, which editors and terminals turn into links.
    root = Path(os.path.relpath(ROOT)) if Path.cwd().is_relative_to(ROOT) else ROOT
    if output is None:
        output = root / folder.relative_to(ROOT) / f"transformers-{lang.value}.apkg"
        output.parent.mkdir(parents=True, exist_ok=True)
    return compile_course(root, lang.value, output, update_lock=release)


@app.command(rich_help_panel="Learning")
def progress(
    lang: Lang = Language.en,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="The picture; by default `build/progress.png`.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete the record instead, after a question.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --forget: do not ask.")] = False,
) -> int:
    """Show what you have done: lessons run to their end, exercises solved, and which cards come next.

    Lessons record it as you run them, in a file of your own outside the course; nothing of it leaves this machine.
    COURSE_PROGRESS names another file, COURSE_PROGRESS=off keeps no record.
    """
    from course_lib import progress as journal
    from course_lib.language import say, use_language

    use_language(lang.value)
    if yes and not forget or forget and picture:
        raise typer.BadParameter("--yes goes with --forget, and --forget draws nothing")
    record = journal.load()
    if forget:
        there = record.path is not None and (record.path.exists() or record.broken)
        if there and (yes or typer.confirm(say("progress.forget.ask", path=record.path))):
            for path in journal.forget(record):
                print(say("progress.forget.done", path=path))
        else:
            print(say("progress.forget.kept"))
        return 0

    from rich.console import Console

    from course_lib.figures import png
    from course_lib.figures.progress import figure

    rows = journal.rows(record)
    journal.print_progress(rows, record, Console(highlight=False))
    picture = picture or ROOT / "build" / "progress.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(png(figure(rows)))
    print(shown(picture.absolute()))
    return 0


@app.command(rich_help_panel="Proving")
def claims(
    lessons: Lessons = None,
    lang: Lang = Language.en,
    page: Annotated[
        bool, typer.Option("--page", help="Write all of it into `docs`, in both languages; for the course's authors.")
    ] = False,
) -> int:
    """Show the ledger: what the lecture notes said, the verdict, and the figures that a lesson printed.

    The figures are read from the outputs of the notebooks; a row of a lesson that is not written yet is open.
    """
    if page:
        from course_lib import claims_page

        if lessons:
            raise typer.BadParameter("--page writes all lessons; leave LESSON out")
        print("\n".join(map(shown, claims_page.write(ROOT))))
        return 0

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from course_lib import claims as table_of_claims
    from course_lib.language import say, use_language
    from course_lib.lessons import LESSONS, find

    use_language(lang.value)
    chosen = [find(name) for name in lessons or ()] or list(LESSONS)
    printed: dict[str, list[str]] = {}
    for lesson in LESSONS:
        if lesson.notebook(lang.value).exists():
            printed |= table_of_claims.printed(lesson.notebook(lang.value))
    console = Console(highlight=False)
    executed = executable = 0
    for lesson in chosen:
        rows = [row for row in table_of_claims.rows() if row.lesson == lesson.number]
        if not rows:
            continue
        table = Table(title=f"{lesson.number:02d} {lesson.title[lang.value]}", title_justify="left", expand=True)
        table.add_column(no_wrap=True)
        for name, ratio in (("statement", 5), ("verdict", 2), ("found", 6)):
            table.add_column(say(f"ledger.head.{name}"), ratio=ratio, overflow="fold")
        for row in rows:
            figures = "; ".join(printed.get(row.id, ()))
            found = " · ".join(filter(None, [row.finding[lang.value], figures])) or "(open)"
            executable += row.executable
            executed += row.id in printed
            verdict = table_of_claims.verdict_word(row.verdict)
            table.add_row(row.id, escape(row.statement[lang.value]), escape(verdict), escape(found))
        console.print(table)
    console.print(f"{executed} of {executable} claims executed; the others wait for their lessons")
    return 0


@app.command(rich_help_panel="Proving")
def check(
    lessons: Lessons = None,
    lang: Lang = Language.en,
    both: Annotated[bool, typer.Option("--both", help="Both languages.")] = False,
) -> int:
    """Run lessons again and compare every output with the stored one (strict nbval).

    All written lessons by default. A difference is shown with the id of its cell; exit status 1 if there is one.
    """
    from course_lib import validation

    return validation.check(lessons or [], lang=None if both else lang.value)


@app.command(rich_help_panel="Proving", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the slow checks (the Russian notebooks, …).")] = False,
) -> int:
    """Run everything that must hold on every commit: code, cards, and every output of the English lessons.

    Further arguments go to pytest: `course test -k lock -x`.
    """
    import importlib.util

    if importlib.util.find_spec("nbval") is None:
        raise ModuleNotFoundError("nbval", name="nbval")
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if everything:
        notebooks += sorted((ROOT / "notebooks" / "ru").glob("*.ipynb"))
    # One more than processors: browsers and kernels leave theirs idle while they wait.
    workers = min(4, max(2, os.cpu_count() or 2) + 1)
    # The cells of a notebook, and the tests of a file, stay in one process.
    command = [sys.executable, "-m", "pytest", "tests", *(str(path.relative_to(ROOT)) for path in notebooks)]
    command += ["-n", str(workers), "--dist", "loadfile", *context.args]
    environment = dict(os.environ, COURSE_ALL="1") if everything else dict(os.environ)
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


@app.command(rich_help_panel="Writing")
def build(
    lessons: Lessons = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Measure the timing cells anew.")] = False,
) -> int:
    """Execute the sources of lessons into notebooks, English and Russian.

    All written lessons by default. What breaks a rule is listed; exit status 1 if something does.
    """
    from course_lib import lessons as all_lessons

    return all_lessons.build(lessons or [], refresh=refresh)


@app.command(rich_help_panel="Writing")
def measure(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Its name; without one, the names are listed.")
    ] = None,
) -> int:
    """Compute a recorded result again and store it.

    Recorded results are what does not fit into the minute that a lesson may take: several seeds, sizes, long training.
    """
    from course_lib import results

    if name is None:
        print("\n".join(results.names()) or "no recorded results yet")
    else:
        print(shown(results.measure(name)))
    return 0


@app.command(
    "contact-sheet",
    rich_help_panel="Writing",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def contact_sheet(context: typer.Context) -> int:
    """Show every card as Anki shows it on a phone, by day and by night: `build/contact-sheet-*.png`.

    Needs Chromium, and npm for MathJax. `--lang ru`: one language; `--note FILE`: a note instead of the course's cards.
    """
    return subprocess.run([sys.executable, str(ROOT / "tools" / "contact_sheet.py"), *context.args]).returncode


@app.command(rich_help_panel="Proving", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> int:
    """Measure the course's engines beside the field's libraries: speed by turns, in medians and ratios.

    All benchmarks by default, `course bench word2vec` one of them; `--quick` takes small jobs, `--rounds N` more turns.
    Figures are printed and nothing is judged; exit status 1 if one of ours did not run.
    """
    return subprocess.run([sys.executable, str(ROOT / "tests" / "benchmarks" / "run.py"), *context.args]).returncode


def main(arguments: list[str] | None = None) -> int:
    """Run the command. An error is one line on stderr.

    Returns:
        the exit status: that of the command; 1 after an error, 2 after wrong usage, 130 after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = app(arguments or ["--help"], prog_name="course", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # `course claims | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("COURSE_DEBUG"):
            raise
        print(f"course: {one_line(error)}", file=sys.stderr)
        return getattr(error, "exit_code", 1)


def one_line(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, ModuleNotFoundError):
        return f"the module {error.name} is not installed here: pip install -c requirements.lock -e '.[dev]'"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    # Errors of the command line know how to say it; str() of a KeyError would put its message in quotes.
    text = error.format_message() if hasattr(error, "format_message") else str(error.args[0] if error.args else "")
    return " ".join(text.replace("Value error, ", "").split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
