"""The map of the course: every lesson is on it once, every link leads to a file, and the shapes along it fit together."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from explorer_checks import assert_bytes_hang_on_the_language_alone, assert_style_names_no_colour

from course_lib.explorers import Explorer, course_map, explore_course_map
from course_lib.language import LANGUAGES, catalogue, use_language
from course_lib.lessons import LESSONS, PRIMER, ROOT

PARTS = [one.notebook().name for one in (PRIMER, *LESSONS)]
"""What the map leads to, in its order."""


def made(kind: str = "course_map", lang: str = "en", here: int = 0) -> Explorer:
    use_language(lang)
    try:
        return explore_course_map(here)
    finally:
        use_language("en")


class Links(HTMLParser):
    """The targets of the links in a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.targets.append(dict(attrs)["href"])


def missing(explorer: Explorer, lang: str) -> list[str]:
    """Targets of the map that are not beside the notebooks of the language, and lessons that it does not lead to."""
    folder = LESSONS[0].notebook(lang).parent
    targets = Links(explorer.static).targets
    lost = [target for target in dict.fromkeys(targets) if not (folder / target).is_file()]
    return lost + [name for name in PARTS if targets.count(name) != 1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_link_leads_to_a_notebook_and_no_lesson_is_missing(lang):
    assert missing(made(lang=lang), lang) == []


def test_a_broken_link_and_a_missing_lesson_are_found():
    explorer = made()
    explorer.static = explorer.static.replace("03_attention", "03_atention")
    assert set(missing(explorer, "en")) >= {"03_atention.ipynb", "03_attention.ipynb"}
    explorer = made()
    explorer.static = explorer.static.replace("07_decoder", "06_encoder_block")
    assert {"07_decoder.ipynb", "06_encoder_block.ipynb"} <= set(missing(explorer, "en"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_a_script_there_is_a_table_of_links_with_titles_questions_and_shapes(bare, lang):
    explorer = made(lang=lang)
    shown = bare(explorer, script=False)
    rows = shown.root.locator("tbody tr").all()
    assert [row.locator("a").get_attribute("href") for row in rows] == PARTS
    for lesson, row in zip(LESSONS, rows[1:], strict=True):
        head, question, flow = row.locator("th, td").all_inner_texts()
        assert head == f"{lesson.number:02d} · {lesson.title[lang]}"
        assert question == catalogue()[f"explorer.course_map.question{lesson.number}"][lang]
        plain = flow.replace(_said("text", lang), "{text}").replace(_said("ids", lang), "{ids}")
        assert plain == course_map.FLOWS[lesson.number]


def _said(word: str, lang: str) -> str:
    return catalogue()[f"explorer.course_map.{word}"][lang]


def test_the_shapes_along_the_road_fit_together():
    """What leaves a part is what the next one on the road takes in."""
    flows = [flow.split(" → ") for flow in course_map.FLOWS]
    for before, after in ((2, 1), (1, 5), (5, 6), (6, 7), (6, 8)):
        assert flows[after][0].startswith(flows[before][-1]), (before, after)
    # Heads lie within the block and attention within the heads.
    assert flows[4][0] == flows[4][-1] == flows[6][0] == flows[6][-1] and flows[4][1] == f"H × {flows[3][-1]}"
    assert flows[7][-1] == flows[8][-1] == "(T, n_vocab)"


# ----------------------------------------------------------------------------------------------------- the live form


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_buttons_walk_through_primer_and_lessons(bare, lang):
    explorer = made(lang=lang)
    shown = bare(explorer)
    parts = shown.root.locator(".tx-part")
    assert [part.get_attribute("href") for part in parts.all()] == PARTS
    assert shown.view == "1"
    back, forward = (shown.root.locator(f"[data-ref={ref}]") for ref in ("back", "next"))
    for at in (2, 3, 4, 5, 6, 7, 8, 9, 0, 1):
        forward.click()
        assert shown.view == str(at) and shown.said == explorer.data["said"][at]
        assert [part.get_attribute("href") for part in shown.root.locator(".tx-now").all()] == [PARTS[at]]
    back.click()
    back.click()
    assert shown.view == "9"


def test_focus_chooses_a_part_and_the_mouse_shows_one(bare):
    shown = bare(made())
    parts = shown.root.locator(".tx-part")
    said = made().data["said"]
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Tab")
    assert shown.view == "2" and shown.said == said[2]
    parts.nth(4).hover()
    assert shown.said == said[4] and shown.view == "2"
    shown.page.mouse.move(1, 1)
    assert shown.said == said[2]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("here", [0, 4, 8])
def test_no_part_hides_another_and_every_word_fits(bare, lang, here):
    """Each link is what a click on its words meets; words stay within their part; nothing is written over them."""
    shown = bare(made(lang=lang, here=here))
    found = shown.page.evaluate(
        """() => {
          const words = [...document.querySelectorAll(".tx-part b, .tx-part small, .tx-shape, .tx-ffn")];
          const boxes = words.map(w => { const r = document.createRange(); r.selectNodeContents(w); return r.getBoundingClientRect(); });
          const bad = [];
          words.forEach((word, i) => {
            const b = boxes[i], part = word.closest(".tx-part");
            if (part) {
              const p = part.getBoundingClientRect();
              if (b.left < p.left || b.right > p.right || b.top < p.top || b.bottom > p.bottom) bad.push("leaves: " + word.textContent);
              const met = document.elementFromPoint((b.left + b.right) / 2, (b.top + b.bottom) / 2);
              if (met.closest("a") !== part) bad.push("covered: " + word.textContent);
            }
            words.forEach((other, j) => {
              const o = boxes[j];
              if (j > i && b.left < o.right && o.left < b.right && b.top < o.bottom - 1 && o.top < b.bottom - 1) bad.push(word.textContent + " on " + other.textContent);
            });
          });
          return bad;
        }"""
    )
    assert found == []


def test_the_lesson_that_shows_the_map_is_marked_and_others_are_refused(bare):
    shown = bare(made(here=4))
    assert shown.view == "5"
    assert shown.root.locator("[aria-current=page]").get_attribute("href") == "04_multi_head.ipynb"
    assert "you are here" in shown.root.locator("[aria-current=page]").inner_text()
    assert shown.root.locator(".tx-behind").count() == 4
    for wrong in (-1, 9):
        with pytest.raises(ValueError, match="numbered 0 to 8"):
            explore_course_map(wrong)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900])
def test_it_can_be_read_in_both_themes_and_fits_a_phone(bare, theme, width):
    shown = bare(made(lang="ru", here=3), theme=theme, width=width)
    assert shown.contrasts() == [] and shown.overflow() == []


def test_bytes_and_texts():
    assert_bytes_hang_on_the_language_alone("test_course_map", made, ["course_map"])
    assert_style_names_no_colour("course_map")
    python = (ROOT / "course_lib" / "explorers" / "course_map.py").read_text("utf-8")
    own = {k: v for k, v in catalogue().items() if k.startswith("explorer.course_map.")}
    assert len(own) >= 20
    for key, wording in own.items():
        fields = [sorted(re.findall(r"\{\w+(?::\w+)?\}", wording[lang])) for lang in LANGUAGES]
        assert fields[0] == fields[1], key
        word = re.sub(r"(?<=question)\d$", "", key.removeprefix("explorer.course_map."))
        assert f'"{word}"' in python or f"course_map.{word}{{" in python, key
