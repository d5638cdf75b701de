"""Each static rule finds the fault that it is for, planted in the small lesson, and finds nothing in the clean one."""

from __future__ import annotations

import base64
import copy
import io
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from PIL import Image

from course_lib import notebook_pairs as pairs
from course_lib import notebook_rules as rules


def cell(nb, name):
    return next(c for c in nb.cells if c.id == name)


def edit(name, old, new):
    def plant(nb):
        assert old in cell(nb, name).source
        cell(nb, name).source = cell(nb, name).source.replace(old, new)

    return plant


def code(source):
    return lambda nb: cell(nb, "numbers").update(source=source)


def prints(text, name="stdout"):
    return lambda nb: cell(nb, "numbers").outputs.append(new_output("stream", name=name, text=text))


def prose(text):
    return lambda nb: nb.cells.append(new_markdown_cell(text, id="extra-text"))


def transparent(nb):
    image = Image.new("RGBA", (4, 4), (255, 255, 255, 0))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    cell(nb, "picture").outputs[0].data["image/png"] = base64.b64encode(buffer.getvalue()).decode("ascii")


def with_output(mime, content):
    return lambda nb: cell(nb, "numbers").outputs.append(new_output("display_data", {mime: content}))


def tagged(*tags):
    return lambda nb: cell(nb, "numbers").metadata.update(tags=list(tags))


PLANTED = [
    (rules.canonical_form, lambda nb: nb.metadata.update(author="someone"), "canonical"),
    (rules.canonical_form, lambda nb: cell(nb, "numbers").metadata.update(execution={"iopub": "now"}), "canonical"),
    (rules.canonical_form, lambda nb: nb.metadata.kernelspec.update(name="my-env"), "canonical"),
    (rules.canonical_form, with_output(rules.WIDGET, "{}"), "canonical"),
    (rules.canonical_form, lambda nb: cell(nb, "numbers").update(outputs=[{"output_type": "nonsense"}]), "not a valid"),
    (rules.executed_in_order, lambda nb: cell(nb, "numbers").update(execution_count=None), "numbers: .*None"),
    (rules.executed_in_order, lambda nb: cell(nb, "claim").update(execution_count=9), "claim: .*9"),
    (rules.outputs_belong_to_the_code, edit("numbers", "10", "11"), "code changed"),
    (rules.outputs_belong_to_the_code, tagged("exercise"), "code changed"),
    (rules.outputs_belong_to_the_code, lambda nb: nb.cells.append(new_code_cell("1")), "code changed"),
    (rules.allowed_tags, tagged("nbval-skip"), "unknown tag"),
    (rules.allowed_tags, tagged(rules.TIMING_TAG), "second timing cell"),
    (rules.allowed_tags, edit("timing", "#", ""), "why"),
    (rules.named_cells, lambda nb: cell(nb, "numbers").update(id="a1b2c3d4"), "a1b2c3d4"),
    (rules.named_cells, lambda nb: cell(nb, "numbers").update(id="Numbers_1"), "Numbers_1"),
    (rules.named_cells, lambda nb: cell(nb, "numbers").update(id="claim"), "2 times"),
    (rules.forbidden_words, code("# NBVAL_IGNORE_OUTPUT\nx = 1"), "marker"),
    (rules.forbidden_words, code("%time f()"), "time"),
    (rules.forbidden_words, code("t = time.perf_counter()"), "measured time"),
    (rules.forbidden_words, code("import timeit"), "measured time"),
    (rules.forbidden_words, code("clear_output(wait=True)"), "replaces"),
    (rules.forbidden_words, code("interact(f, x=3)"), "Output widgets"),
    (rules.forbidden_words, code("box = widgets.Output()"), "Output widgets"),
    (rules.forbidden_words, code("for x in tqdm(range(3)):\n    pass"), "progress"),
    (rules.forbidden_words, code("nn.Dropout(0.1)"), "CPUs"),
    (rules.forbidden_words, code("layer(x, dropout_p=0.1)"), "CPUs"),
    (rules.forbidden_words, code("torch.multinomial(p, 1)"), "CPUs"),
    (rules.forbidden_words, code("!ls"), "shell"),
    (rules.forbidden_words, code("%matplotlib inline"), "shell"),
    (rules.forbidden_words, code("%%bash\nls"), "shell"),
    (rules.forbidden_words, code("name = input('?')"), "input"),
    (rules.forbidden_words, code("BertModel.from_pretrained('x')"), "offline"),
    (rules.forbidden_words, code("print(torch.__version__)"), "version"),
    (rules.lasting_outputs, prints("UserWarning: x", name="stderr"), "stderr"),
    (rules.lasting_outputs, prints("<object at 0x7f3a2b1c>"), "address"),
    (rules.lasting_outputs, prints("/home/someone/file.txt"), "path"),
    (rules.lasting_outputs, prints("C:\\Users"), "path"),
    (rules.lasting_outputs, prints(str(rules._HERE)), "path"),
    (rules.lasting_outputs, prints("0.123456"), "four decimals"),
    (rules.lasting_outputs, prints("2026-01-02"), "date"),
    (rules.lasting_outputs, prints("at 12:34:56"), "date or a time"),
    (rules.lasting_outputs, prints("2.13.0+cpu"), "version"),
    (rules.lasting_outputs, prints("took 3 ms"), "duration"),
    (rules.lasting_outputs, with_output("text/markdown", "took 3 seconds"), "duration"),
    (rules.lasting_outputs, prints("\x1b[31mred"), "colours"),
    (rules.lasting_outputs, lambda nb: cell(nb, "expected-error").metadata.clear(), "ended with ValueError"),
    (rules.pictures_can_be_compared, with_output("image/svg+xml", "<svg/>"), "PNG"),
    (rules.pictures_can_be_compared, lambda nb: cell(nb, "picture").outputs[0].metadata.clear(), "alt text"),
    (rules.pictures_can_be_compared, transparent, "transparent"),
    (rules.numbers_in_the_prose_were_printed, prose("It prints `0.5001`."), "0.5001"),
    (rules.numbers_in_the_prose_were_printed, prose("It prints `.5`, `500` and `0.500`."), "`500`"),
    (rules.numbers_in_the_prose_were_printed, prose("It prints `0.500`."), "`0.500`"),
    (rules.modest_sizes, prints("x" * 20_001), "stdout|text of"),
    (rules.modest_sizes, with_output("text/html", "x" * 60_001), "text/html"),
    (rules.modest_sizes, lambda nb: nb.cells.append(new_markdown_cell("x" * 3_000_000)), "the notebook has"),
    (rules.computing_cells_show_something, lambda nb: cell(nb, "numbers").update(outputs=[]), "numbers"),
]


@pytest.mark.parametrize("rule,plant,says", PLANTED, ids=[f"{n}-{r.__name__}" for n, (r, _, _) in enumerate(PLANTED)])
def test_a_planted_fault_is_found(nb, rule, plant, says):
    assert rule(nb) == []
    plant(nb)
    found = rule(nb)
    assert found and re.search(says, " ".join(found)), found


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, _, _ in PLANTED} == set(rules.RULES)


def test_a_picture_of_another_matplotlib_is_found(nb):
    version = re.search(r"version([\d.]+)", rules.drawn_by(nb)["picture"])[1].rstrip(".")
    assert rules.pictures_of_the_locked_matplotlib(nb, version) == []
    assert rules.pictures_of_the_locked_matplotlib(nb, "0.9")
    cell(nb, "picture").outputs[0].data["image/png"] = _anonymous_picture()
    assert rules.pictures_of_the_locked_matplotlib(nb, version)


def _anonymous_picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def test_a_definition_may_be_silent(nb):
    for quiet in (
        "import math",
        "def f():\n    return g()",
        "class A:\n    x = f()",
        "K = [1, 2]",
        '"""text"""',
        "start(lesson=3)",
    ):
        cell(nb, "numbers").update(source=quiet, outputs=[])
        assert rules.computing_cells_show_something(nb) == []


# ---------------------------------------------------------------------------------------- the two languages of a lesson

WORDINGS = [
    ("formulas", "the root $\\sqrt{d_k}$", "корень $\\sqrt{d}$"),
    ("formulas", "$$a = b$$", "текст"),
    ("code in backticks", "call `softmax`", "вызовите `sofmax`"),
    ("code blocks", "```python\nf(1)\n```", "```python\nf(2)\n```"),
    ("links", "[a](b.md)", "[а](c.md)"),
    ("links", '<a href="https://a.b/c">x</a>', "х"),
    ("links", "![alt](one.png)", "![подпись](two.png)"),
    ("numbers", "it is 0.25", "это 0,26"),
    ("numbers", "1,797 pictures", "1707 картинок"),
    ("headings", "## Head", "### Заголовок"),
    ("headings", "|a|b|\n|-|-|\n|1|2|", "|а|б|\n|-|-|"),
    ("headings", "<details>x</details>", "х"),
]


@pytest.mark.parametrize("what,en,ru", WORDINGS)
def test_wordings_that_differ(what, en, ru):
    found = pairs.wording_problems("id", en, ru)
    assert len(found) == 1 and what in found[0]


@pytest.mark.parametrize(
    "en,ru",
    [
        ("[a](../x/README.md) [b](ru/03.ipynb)", "[а](../../x/README.ru.md) [б](../03.ipynb)"),
        ("1,797 pictures, 0.25 of them", "1797 картинок, 0,25 из них"),
        ("1,797 pictures", "1\u202f797 картинок"),
        ("two of 5", "2 из пяти"),
        ("$x \\text{ if even}$", "$x \\text{ если чётно}$"),
        ("```python\nf(1)  # one\n```", "```python\nf(1)  # раз\n```"),
        ("first `a`, then $b$", "сначала $b$, потом `a`"),
        ("it prints `[3.2] confirmed`", "он печатает `[3.2] подтверждено`"),
    ],
)
def test_wordings_that_agree(en, ru):
    assert pairs.wording_problems("id", en, ru) == []


def swap_code(nb):
    cell(nb, "numbers").source += "\nNone"


PAIRS = [
    (swap_code, "numbers: the code differs"),
    (lambda nb: nb.cells.pop(), "the same cells"),
    (tagged("exercise"), "numbers: tags"),
    (prints("77\n"), "numbers: numbers printed"),
    (lambda nb: cell(nb, "numbers").outputs.pop(), "numbers: kinds"),
    (lambda nb: cell(nb, "claim").outputs[0].update(text="[3.9] подтверждено · 2 weights of 0.5001\n"), "0.5001"),
    (lambda nb: cell(nb, "two-views").outputs[0].data.update({"text/markdown": "**два** из 30"}), "two-views: numbers"),
    (lambda nb: cell(nb, "picture").outputs[0].data.update({"image/png": _anonymous_picture()}), "pixels"),
    (lambda nb: cell(nb, "views").update(source="## Views\n\nTwo views of one thing."), "no Russian"),
    (lambda nb: cell(nb, "title").update(source="# Урок"), "title: formulas"),
]


@pytest.mark.parametrize("plant,says", PAIRS)
def test_a_difference_of_the_pair_is_found(built, plant, says):
    en, ru = rules.read(built.notebook()), rules.read(built.notebook("ru"))
    assert pairs.pair_problems(en, ru) == []
    plant(ru)
    found = pairs.pair_problems(en, ru)
    assert found and re.search(says, " ".join(found)), found


def test_the_timing_cells_of_a_pair_may_differ(built):
    en, ru = rules.read(built.notebook()), rules.read(built.notebook("ru"))
    assert cell(en, "timing").outputs[0].text != cell(ru, "timing").outputs[0].text
    assert pairs.pair_problems(en, ru) == []


def test_only_the_start_line_is_turned_into_russian():
    source = 'start(lesson=3)\nprint("start(lesson=3)")'
    assert pairs.russian(source) == 'start(lesson=3, lang="ru")\nprint("start(lesson=3)")'
    assert pairs.english(pairs.russian(source)) == source


def test_rules_leave_the_notebook_alone(nb):
    before = copy.deepcopy(nb)
    rules.problems(nb)
    assert nb == before
