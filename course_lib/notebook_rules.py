"""What a committed notebook must be: its one canonical form, the comparison of its outputs, and the static rules.

Three users: the builder (:mod:`course_lib.lessons`) writes the canonical form, the root ``conftest.py`` makes
``pytest --nbval`` as strict as :func:`difference`, and ``tests/notebooks`` applies :data:`RULES`, which need no kernel
(:mod:`course_lib.notebook_pairs` compares a lesson's two languages). A rule takes a notebook and returns its problems, each a sentence that
begins with the cell's id; no problem, an empty list.
"""

from __future__ import annotations

import ast
import base64
import difflib
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"
TIMING_TAG = "nbval-ignore-output"
#: ``bug-hunt`` marks the exercise whose stub is a wrong answer instead of a missing one.
TAGS = frozenset({"exercise", "bug-hunt", "raises-exception", TIMING_TAG})
#: How far a picture may be from the committed one: root mean square over all pixels, in grey levels of 255. Other
#: instruction sets move a few anti-aliased pixels; a stroke, a shifted curve or a changed digit is far above it.
RMS_LIMIT = 1.0
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
#: Bytes: a whole notebook, and one output by kind. A notebook is opened over slow links and rendered by GitHub.
SIZE_LIMITS = {"notebook": 3_000_000, "image/png": 300_000, "text/html": 60_000, "text": 20_000}


# ------------------------------------------------------------------------------------------------- the canonical form


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    """The code cells, in order."""
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags."""
    return list(cell.metadata.get("tags", []))


def code_hash(nb: NotebookNode) -> str:
    """A hash of all code and of the tags that steer its execution: outputs belong to this code and no other."""
    parts = (f"{cell.source}\0{' '.join(sorted(tags(cell)))}" for cell in code_cells(nb))
    return hashlib.sha256("\1".join(parts).encode("utf-8")).hexdigest()[:16]


def canonical(nb: NotebookNode) -> NotebookNode:
    """The notebook in the one form that is committed (changed in place): nothing that differs from run to run.

    Cells keep their tags only; counts run from 1; widget views go, whose ids are random and useless without their
    kernel; so do the tracebacks of expected errors, which hold paths.
    """
    for count, cell in enumerate(code_cells(nb), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if "data" in output:
                output.data.pop(WIDGET, None)
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
    for cell in nb.cells:
        cell.metadata = NotebookNode({"tags": sorted(tags(cell))} if tags(cell) else {})
        cell.pop("attachments", None)
    course = {k: v for k, v in nb.metadata.get("course", {}).items() if k in ("lesson", "lang")}
    nb.metadata = nbformat.from_dict(
        {
            "kernelspec": KERNELSPEC,
            "language_info": {"name": "python"},
            "course": {**course, "code": code_hash(nb)},
        }
    )
    nb.nbformat, nb.nbformat_minor = 4, 5
    return nb


def written(nb: NotebookNode) -> str:
    """The text of the notebook's file."""
    return nbformat.writes(nb) + "\n"


def read(path: Path) -> NotebookNode:
    """A notebook from its file."""
    return nbformat.read(path, as_version=4)


# -------------------------------------------------------------------------------------------- comparing two outputs


def kinds(outputs: Sequence[NotebookNode]) -> list[tuple]:
    """The kind of every output, in order: ``("stream", name)``, ``("error", class)`` or ``(type, MIME types)``.

    A cell's stream counts once, where it first appears: the kernel may deliver one stream in several pieces.
    """
    found: list[tuple] = []
    for output in outputs:
        if output.output_type == "stream":
            kind: tuple = ("stream", output.name)
            if kind in found:
                continue
        elif output.output_type == "error":
            kind = ("error", output.ename)
        else:
            kind = (output.output_type, *sorted(set(output.data) - {WIDGET}))
        found.append(kind)
    return found


def picture(png: str) -> tuple[str, Any]:
    """A base64 PNG as ``(the program that drew it, array [height, width, 4] of grey levels)``."""
    import numpy as np
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(png)))
    return image.info.get("Software", ""), np.asarray(image.convert("RGBA"), dtype=float)


def difference(committed: Sequence[NotebookNode], fresh: Sequence[NotebookNode]) -> str | None:
    """What ``pytest --nbval`` itself does not compare: kinds and order of outputs, their metadata, and pictures.

    Pictures are compared only when the same version of matplotlib drew both, as another one may move fonts; a static
    rule pins the version of the committed ones.

    Returns:
        The first difference in words, or None.
    """
    if kinds(committed) != kinds(fresh):
        return f"the kinds of outputs differ\n  committed {kinds(committed)}\n  fresh     {kinds(fresh)}"
    rich = [[output for output in outputs if "data" in output] for outputs in (committed, fresh)]
    for n, (old, new) in enumerate(zip(*rich, strict=True)):
        if dict(old.get("metadata") or {}) != dict(new.get("metadata") or {}):
            return f"output {n}: the metadata differ\n  committed {old.metadata}\n  fresh     {new.metadata}"
        if "image/jpeg" in old.data:
            return f"output {n}: a JPEG cannot be compared: draw a PNG"
        if "image/png" in old.data:
            (drawn_by, before), (now_by, after) = picture(old.data["image/png"]), picture(new.data["image/png"])
            if "Matplotlib" in drawn_by and "Matplotlib" in now_by and drawn_by != now_by:
                continue
            if before.shape != after.shape:
                return f"output {n}: the picture's size differs: {before.shape[1::-1]} and {after.shape[1::-1]}"
            rms = float(((before - after)[..., :3] ** 2).mean() ** 0.5)
            if rms > RMS_LIMIT:
                return f"output {n}: the picture differs: rms {rms:.2f} of 255, allowed {RMS_LIMIT}"
    return None


def not_as_built(nb: NotebookNode, cell: NotebookNode) -> str | None:
    """Why the stored outputs of a cell cannot be trusted whatever they say: not run in order, or of other code."""
    position = 1 + [id(c) for c in code_cells(nb)].index(id(cell))
    if cell.execution_count != position:
        return f"the cell's execution count is {cell.execution_count}, its place is {position}: run `course build`"
    if nb.metadata.get("course", {}).get("code") != code_hash(nb):
        return "the notebook's code changed after its outputs were made: run `course build`"
    return None


def rendered(outputs: Sequence[NotebookNode]) -> list[str]:
    """Outputs as lines that a person can compare; a picture is one line with its size and a hash."""
    lines: list[str] = []
    for output in outputs:
        if output.output_type == "stream":
            lines += [f"({output.name})"] * (output.name != "stdout") + output.text.splitlines()
        elif output.output_type == "error":
            lines.append(f"{output.ename}: {output.evalue}")
        for mime, content in sorted(output.get("data", {}).items()):
            if mime.startswith("image/"):
                raw = content.encode("utf-8")
                lines.append(f"<{mime}, {len(raw):,} bytes, {hashlib.sha256(raw).hexdigest()[:12]}>")
            elif mime != WIDGET:
                lines += [f"<{mime}>"] * (mime != "text/plain") + str(content).splitlines()
    return lines


def readable_difference(committed: Sequence[NotebookNode], fresh: Sequence[NotebookNode]) -> str:
    """A unified diff of what a person sees in two lists of outputs; long lines in pieces, so that the change shows."""
    pieces = [
        [line[at : at + 200] for line in rendered(outputs) for at in range(0, max(len(line), 1), 200)]
        for outputs in (committed, fresh)
    ]
    return "\n".join(difflib.unified_diff(*pieces, "committed", "fresh", lineterm="", n=1))


# --------------------------------------------------------------------------------------------------- the static rules


def text_of(output: NotebookNode) -> str:
    """What a reader reads of an output: streams, errors, plain text and Markdown; not HTML, not pictures."""
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return "\n".join(str(output.data[mime]) for mime in ("text/plain", "text/markdown") if mime in output.data)


def canonical_form(nb: NotebookNode) -> list[str]:
    """The notebook validates, and is in the form that the builder writes."""
    try:
        nbformat.validate(nb)
    except nbformat.ValidationError as error:
        return [f"not a valid notebook: {str(error).splitlines()[0]}"]
    if written(canonical(nbformat.from_dict(nb))) != written(nb):
        return ["not in canonical form: run `course build` instead of saving from an editor"]
    return []


def executed_in_order(nb: NotebookNode) -> list[str]:
    """Every code cell was run, from top to bottom, in one session."""
    return [
        f"{cell.id}: execution count {cell.execution_count}, expected {count}"
        for count, cell in enumerate(code_cells(nb), start=1)
        if cell.execution_count != count
    ]


def outputs_belong_to_the_code(nb: NotebookNode) -> list[str]:
    """No code changed after the outputs were made."""
    known = nb.metadata.get("course", {}).get("code")
    return [] if known == code_hash(nb) else ["the code changed after its outputs were made: run `course build`"]


def allowed_tags(nb: NotebookNode) -> list[str]:
    """Tags are those of :data:`TAGS`; one timing cell at most, with its reason in a comment."""
    found = [f"{cell.id}: unknown tag {tag!r}" for cell in nb.cells for tag in tags(cell) if tag not in TAGS]
    timing = [cell for cell in nb.cells if TIMING_TAG in tags(cell)]
    found += [f"{cell.id}: a second timing cell; a lesson has one at most" for cell in timing[1:]]
    found += [f"{c.id}: say in a comment why this output is not compared" for c in timing if "#" not in c.source]
    return found


def named_cells(nb: NotebookNode) -> list[str]:
    """Every id is made of words and stands once: cards, tests and links point at ids."""
    found = []
    for cell in nb.cells:
        words = re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", cell.id) and 3 <= len(cell.id) <= 40
        if not words or re.fullmatch(r"[0-9a-f]{8}", cell.id):
            found.append(f"{cell.id}: an id is words in lower case joined by hyphens, 3 to 40 characters")
    counts = Counter(cell.id for cell in nb.cells)
    return found + [f"{name}: the id stands {n} times" for name, n in counts.items() if n > 1]


FORBIDDEN = {
    r"\bNBVAL_|\bPYTEST_VALIDATE_": "a marker that takes the cell out of validation",
    r"%%?time\b|\btimeit\b|\bperf_counter|\btime\.time\(": "a measured time, which belongs in the timing cell",
    r"\bclear_output\b|\bupdate_display\b": "an output that replaces another is not compared",
    r"\binteract(ive|ive_output|_manual)?\(|\bwidgets\.Output\(": "Output widgets show nothing without a kernel",
    r"\btqdm\b|\bProgress\(": "a progress bar",
    r"\bDropout\(|dropout(_p)?\s*=\s*0*\.0*[1-9]|\bbernoulli\b|\bmultinomial\b|\.exponential_\(": (
        "a random stream that differs between CPUs"
    ),
    r"^\s*(!|%(?!%)|%%)": "shell commands and magics",
    r"\binput\(": "input() waits for ever in a test",
    r"\burlopen\b|\brequests\.(get|post)\b|\bfrom_pretrained\(\s*[\"']": "a download: the lessons run offline",
    r"\bdatetime\.now\b|\bdate\.today\b|\bgethostname\b|\bgetpass\b|__version__": "a date, a host or a version",
}


def forbidden_words(nb: NotebookNode) -> list[str]:
    """The code uses nothing of :data:`FORBIDDEN`; the timing cell may measure time."""
    found = []
    for cell in code_cells(nb):
        for pattern, why in FORBIDDEN.items():
            if "timeit" in pattern and TIMING_TAG in tags(cell):
                continue
            match = re.search(pattern, cell.source, re.MULTILINE)
            if match:
                found.append(f"{cell.id}: {match[0].strip()!r}: {why}")
    return found


_CHANGING = {
    r"0x[0-9a-fA-F]{6,}": "an address",
    r"(?<![\w.])/(?:home|tmp|Users|root|usr|var|opt|private|mnt)/|[A-Z]:\\": "a path",
    r"\d\.\d{5,}": "more than four decimals",
    r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b": "a date or a time",
    r"\+cpu\b|\+cu\d+|\b[Vv]ersion \d|\bPython \d": "a version",
    r"\d\s?(?:ms|µs|seconds?|it/s|секунд)\b": "a duration",
    r"\x1b\[": "terminal colours",
}


_HERE = Path(__file__).resolve().parents[1]


def lasting_outputs(nb: NotebookNode) -> list[str]:
    """Outputs hold nothing that changes with the machine, the day or the version; no warnings; only expected errors."""
    found = []
    for cell in code_cells(nb):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                found.append(f"{cell.id}: stderr: {output.text.strip().splitlines()[-1:]}")
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                found.append(f"{cell.id}: the cell ended with {output.ename}")
            if TIMING_TAG in tags(cell):
                continue
            for pattern, what in (*_CHANGING.items(), (re.escape(str(_HERE)), "a path")):
                match = re.search(pattern, text_of(output))
                if match:
                    found.append(f"{cell.id}: {what}: {match[0]!r}")
    return found


def pictures_can_be_compared(nb: NotebookNode) -> list[str]:
    """Pictures are opaque PNGs with alt text: GitHub drops SVG, a dark theme swallows a transparent ground."""
    found = []
    for cell in code_cells(nb):
        for output in cell.outputs:
            for mime in output.get("data", {}):
                if mime.startswith("image/") and mime != "image/png":
                    found.append(f"{cell.id}: {mime}: pictures are PNGs")
            if "image/png" not in output.get("data", {}):
                continue
            if not str(output.metadata.get("image/png", {}).get("alt", "")).strip():
                found.append(f"{cell.id}: a picture without alt text: use course_lib.figures.show")
            if (picture(output.data["image/png"])[1][..., 3] < 255).any():
                found.append(f"{cell.id}: a picture with a transparent ground")
    return found


def drawn_by(nb: NotebookNode) -> dict[str, str]:
    """The program that drew the pictures of each cell, from the PNG's own Software field: ``{cell id: program}``."""
    return {
        cell.id: picture(output.data["image/png"])[0]
        for cell in code_cells(nb)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    }


def pictures_of_the_locked_matplotlib(nb: NotebookNode, version: str) -> list[str]:
    """Every picture was drawn by the matplotlib of requirements.lock: others are not compared at all."""
    return [
        f"{name}: drawn by {program or 'an unknown program'}, the lock has {version}"
        for name, program in drawn_by(nb).items()
        if not program.startswith(f"Matplotlib version{version},")
    ]


FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


def numbers_in_the_prose_were_printed(nb: NotebookNode) -> list[str]:
    """A number in backticks is a quotation: it stands, written the same, in an output of the notebook."""
    printed = "\n".join(
        text_of(output) + "\n" + str(output.get("data", {}).get("text/html", ""))
        for cell in code_cells(nb)
        for output in cell.outputs
    )
    found = []
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        for _, quoted in CODE.findall(FENCE.sub("", cell.source)):
            if not re.fullmatch(r"[-−]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?%?", quoted):
                continue
            if not re.search(rf"(?<![\w.]){re.escape(quoted)}(?!\w|\.\d)", printed):
                found.append(f"{cell.id}: `{quoted}` is quoted, but no output prints it")
    return found


def modest_sizes(nb: NotebookNode) -> list[str]:
    """The notebook and each of its outputs keep within :data:`SIZE_LIMITS`."""
    found = []
    size = len(written(nb).encode("utf-8"))
    if size > SIZE_LIMITS["notebook"]:
        found.append(f"the notebook has {size:,} bytes, allowed {SIZE_LIMITS['notebook']:,}")
    for cell in code_cells(nb):
        for output in cell.outputs:
            contents = {"text": output.text} if output.output_type == "stream" else output.get("data", {})
            for mime, content in contents.items():
                limit = SIZE_LIMITS.get(mime, SIZE_LIMITS["text"])
                size = len(str(content).encode("utf-8"))
                if size > limit:
                    found.append(f"{cell.id}: {mime} of {size:,} bytes, allowed {limit:,}")
    return found


def _only_defines(source: str) -> bool:
    """Whether running a cell computes nothing worth seeing: imports, definitions, plain values, start(…)."""
    quiet = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for node in ast.parse(source).body:
        if isinstance(node, quiet):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "start":
            continue
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and not any(isinstance(n, ast.Call) for n in ast.walk(node)):
            continue
        return False
    return True


def computing_cells_show_something(nb: NotebookNode) -> list[str]:
    """A cell that computes shows a result: what prints nothing is compared with nothing."""
    return [
        f"{cell.id}: computes and shows nothing, so no change of its result would be noticed"
        for cell in code_cells(nb)
        if not cell.outputs and not _only_defines(cell.source)
    ]


Rule = Callable[[NotebookNode], list[str]]
#: The rules for one notebook, whatever its language.
RULES: tuple[Rule, ...] = (
    canonical_form,
    executed_in_order,
    outputs_belong_to_the_code,
    allowed_tags,
    named_cells,
    forbidden_words,
    lasting_outputs,
    pictures_can_be_compared,
    numbers_in_the_prose_were_printed,
    modest_sizes,
    computing_cells_show_something,
)


def problems(nb: NotebookNode) -> list[str]:
    """All that is wrong with one notebook, by :data:`RULES`."""
    return [problem for rule in RULES for problem in rule(nb)]
