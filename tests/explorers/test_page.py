"""The frame of every explorer: what stands in a notebook, and how it behaves in a page."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from explorers_03 import BOTH, TOKENS, qkv_steps

from course_lib.explorers import page as frame
from course_lib.explorers.page import DARK, Explorer, picture, rounded, table
from course_lib.figures.style import COLOURS, contrast
from course_lib.language import LANGUAGES, use_language

PACKAGE = Path(frame.__file__).parent
HOSTILE = ["</script><b>", "\"a\" & 'b'", "<!-- <script>", "{token}"]


@pytest.fixture(params=BOTH)
def explorer(request):
    return BOTH[request.param]()


@pytest.fixture(params=LANGUAGES)
def language(request):
    use_language(request.param)
    yield request.param
    use_language("en")


def made(**changes):
    """A small explorer, of the kind whose script is the shortest."""
    options = {"data": {}, "label": "l", "summary": "s", "static": "<table></table>"} | changes
    return Explorer("saturation", **options)


# --------------------------------------------------------------------------------------------------- in a notebook


class Parts(HTMLParser):
    """The elements of a block of HTML: ``(tag, attributes, text)`` in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes), ""))

    def handle_data(self, data):
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def named(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


def test_the_block_is_what_the_rules_ask_for(explorer):
    parts = Parts(explorer._repr_html_())
    tag, root, _ = parts.found[0]
    assert tag == "div" and "tx-explorer" in root["class"]
    assert {"data-on", "data-view"} <= set(root) and root["role"] == "region" and root["aria-label"]
    (data, _), (script, code) = parts.named("script")
    assert data == {"type": "application/json"} and script == {}
    assert code.startswith('(()=>{"use strict";') and code.rstrip().endswith("})();")
    order = [name for name, *_ in parts.found]
    assert order.index("table") < order.index("script"), "the static form comes first"
    assert len(explorer._repr_html_().encode()) <= 60_000
    assert len(code.encode()) <= 8_192 + 60  # the wrapper and the id


def test_the_block_asks_for_nothing_and_names_no_address(explorer):
    text = explorer._repr_html_().replace('"http://www.w3.org/"', "")  # the namespaces of HTML and SVG
    assert not re.findall(
        r"https?:|//[a-z]+\.|\b(?:fetch|require|import|XMLHttpRequest|eval|setInterval)\b *\(|@import|url\(|localStorage",
        text,
    )


def test_the_bytes_do_not_depend_on_the_process():
    code = (
        "import hashlib, explorers_03 as e; from course_lib.language import use_language\n"
        "for lang in ('en', 'ru'):\n"
        "  use_language(lang)\n"
        "  for make in e.BOTH.values(): print(hashlib.sha256(make()._repr_html_().encode()).hexdigest())"
    )
    environment = {"PYTHONHASHSEED": "77", "PYTHONPATH": str(PACKAGE.parents[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = []
    for lang in LANGUAGES:
        use_language(lang)
        here += [hashlib.sha256(make()._repr_html_().encode()).hexdigest() for make in BOTH.values()]
    use_language("en")
    assert done.stdout.split() == here
    assert len(set(here)) == 4


def test_importing_the_package_imports_no_torch():
    code = "import sys, course_lib.explorers, course_lib.explorers.page; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


def test_an_unknown_explorer_is_an_attribute_error():
    import course_lib.explorers

    with pytest.raises(AttributeError, match="explore_nothing"):
        _ = course_lib.explorers.explore_nothing


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": ["a"] * 33}, "33 tokens"),
        ({"data": {"a": "ж" * 40_000}}, "bytes, allowed 60,000"),
        ({"data": {"a": float("nan")}}, "cannot show nan"),
        ({"data": {"a": [float("inf")]}}, "cannot show inf"),
    ],
)
def test_limits(changes, message):
    with pytest.raises(ValueError, match=message):
        made(**changes)


def test_the_limit_of_the_script(monkeypatch):
    monkeypatch.setattr(frame, "MAX_SCRIPT_BYTES", 3_000)
    with pytest.raises(ValueError, match="the script has"):
        made()


def test_data_are_rounded():
    assert rounded({"a": (1 / 3, -0.00001, 2.0), "b": [True, None, "x", 3]}) == {
        "a": [0.3333, 0, 2],
        "b": [True, None, "x", 3],
    }
    assert str(rounded(-0.00001)) == "0"
    with pytest.raises(TypeError, match="set"):
        rounded({"a": {1}})


def test_hostile_tokens_stay_text():
    import torch

    from course_lib.explorers import explore_qkv_steps

    ones = torch.ones(4, 2, dtype=torch.float64)
    explorer = explore_qkv_steps(HOSTILE, ones, ones.T[:, :3], ones.T[:, :3], ones.T[:, :3])
    parts = Parts(explorer._repr_html_())
    (_, data), (_, _) = parts.named("script")
    assert json.loads(data)["tokens"] == HOSTILE and "<" not in data
    assert not parts.named("b")
    assert [text for attributes, text in parts.named("th") if attributes == {"scope": "row"}][:4] == HOSTILE
    assert 'alt="a &quot;&lt;"' in picture(b"", 'a "<', 10)
    assert "<i>" not in table("<i>", ["<i>"], [["<i>", "<i>"]])


def test_ids_tell_explorers_and_languages_apart(explorer):
    ids = {explorer.id, qkv_steps(["a", "b", "c"]).id}
    use_language("ru")
    try:
        ids |= {make().id for make in BOTH.values()}
    finally:
        use_language("en")
    assert len(ids) == 4


# ----------------------------------------------------------------------------------------------- scripts and styles


def test_squeezing_keeps_literals_and_signs():
    code = 'const a = 1 - -1 ;\n  const b = "x  =  y" + `${ c } ;  }`;\nd = e.replace(/ +; /g, " , ");\n'
    assert frame._squeezed(code) == 'const a=1 - -1;const b="x  =  y"+`${ c } ;  }`;d=e.replace(/ +; /g," , ");\n'


def test_a_script_holds_only_what_it_uses():
    for kind in BOTH:
        code, own = frame.script(kind), (PACKAGE / f"{kind}.js").read_text("utf-8")
        shared = re.findall(r"^const (\w+) = ", (PACKAGE / "page.js").read_text("utf-8"), re.MULTILINE)
        present = {name for name in shared if re.search(rf"\bconst {name}=", code)}
        assert {name for name in shared if re.search(rf"\b{name}\(", own)} <= present
        assert "explore" in present and "select" not in present
        assert "//" not in code.replace("http://", "")


def palette(kind: str) -> list[dict[str, str]]:
    """The colours of the light and of the dark ground, read from the style sheet itself."""
    light, dark, _ = re.findall(r"\{((?:--tx-\w+:#\w+;)+)color-scheme", frame.style(kind))
    return [dict(re.findall(r"--tx-(\w+):(#\w+)", block)) for block in (light, dark)]


def mixed(ink: str, ground: str, share: float) -> str:
    """What ``color-mix(in srgb, ink share, ground)`` gives."""
    pairs = zip(*((int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (ink, ground)), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02X}" for a, b in pairs)


def test_text_can_be_read_on_every_ground():
    light, dark = palette("qkv_steps")
    assert light == {name: colour for name, colour in COLOURS.items() if name in DARK} and dark == DARK
    assert set(DARK) == set(COLOURS) - {"ink", "ground"}
    # The panels of page.css are the ground with 5 % of the ink.
    assert "--tx-panel: color-mix(in srgb,var(--tx-ink) 5%,var(--tx-ground))" in frame.style("qkv_steps")
    # JupyterLab's two themes, VS Code's dark ones, Chromium's dark Canvas.
    for colours, ink, grounds in (
        (light, "#000000", ["#FFFFFF"]),
        (dark, "#FFFFFF", ["#111111", "#1E1E1E", "#1F1F1F", "#121212"]),
    ):
        for ground in grounds:
            for name, colour in colours.items():
                assert contrast(colour, ground) >= 4.5, (name, ground)
            assert contrast(colours["neutral"], mixed(ink, ground, 0.05)) >= 4.5


def test_the_style_names_no_colour_but_the_palette():
    for name in ("page", *BOTH):
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b", (PACKAGE / f"{name}.css").read_text("utf-8"))
        assert set(found) <= {"#fff"}, (name, found)  # the ground of pictures


# ---------------------------------------------------------------------------------------------------------- the texts


@pytest.mark.parametrize(("name", "kind"), [("qkv", "qkv_steps"), ("saturation", "saturation")])
def test_texts_have_the_same_fields_in_both_languages_and_are_all_used(name, kind):
    texts = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers.toml").read_text("utf-8"))
    python, script = ((PACKAGE / f"{kind}.{end}").read_text("utf-8") for end in ("py", "js"))
    own = {key: text for key, text in texts.items() if key.startswith(f"explorer.{name}.")}
    assert len(own) >= 20
    for key, text in own.items():
        fields = [sorted(set(re.findall(r"\{(\w+)\}", text[lang]))) for lang in LANGUAGES]
        assert fields[0] == fields[1], key
        word = key.removeprefix(f"explorer.{name}.").removeprefix("ui.")
        numbered = re.sub(r"\d+$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".{name}.{word}"]
        uses += [f'words["{numbered}" +', f"words[`{numbered}$"] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key


# ----------------------------------------------------------------------------------------------------- in a browser


def test_it_comes_to_life_and_leaves_nothing_behind(bare, explorer):
    shown = bare(explorer)
    assert shown.root.get_attribute("data-on") == "1" and shown.view and shown.said
    assert shown.root.locator(".tx-static").count() == 0
    assert shown.root.locator("[aria-live]").count() == 1
    left = shown.page.evaluate(
        """() => { const empty = document.body.appendChild(document.createElement("iframe")), known = new Set(Object.getOwnPropertyNames(empty.contentWindow));
        return Object.getOwnPropertyNames(window).filter(name => !known.has(name) && !/^\\d+$|playwright|pw_/i.test(name)); }"""
    )
    assert left == []


def test_it_can_be_shown_twice(bare, explorer):
    shown = bare(explorer._repr_html_() * 2)
    roots = shown.page.locator(".tx-explorer")
    assert [roots.nth(i).get_attribute("data-on") for i in range(2)] == ["1", "1"]
    assert roots.nth(1).locator(".tx-said").count() == 1
    roots.nth(1).locator("[role=radiogroup] button").first.click()
    assert roots.nth(0).get_attribute("data-view") == first_view(explorer, bare)


def first_view(explorer, bare) -> str:
    """The state in which an explorer begins."""
    return bare(explorer).view


def test_without_a_script_the_table_is_seen(bare, explorer):
    shown = bare(explorer, script=False)
    assert shown.root.locator("table").is_visible()
    assert shown.root.locator("button").count() == 0
    assert shown.contrasts() == []


def test_letters_stay_inside_and_shortcuts_pass(bare, explorer):
    shown = bare(explorer)
    shown.page.evaluate(
        "() => { window.heard = []; document.addEventListener('keydown', e => window.heard.push(e.key)); }"
    )
    controls = shown.root.locator("[tabindex='0'], input, select, button:not([tabindex])")
    assert controls.count() >= 4
    for control in controls.all():
        if not control.is_visible() or control.is_disabled():
            continue
        for key in ("a", "d", "x", "1", "Enter", "Escape"):
            control.focus()
            control.dispatch_event("keydown", {"key": key, "bubbles": True})
    assert shown.page.evaluate("window.heard") == []
    first = shown.root.locator("[tabindex='0']").first
    for options in (
        {"key": "Tab"},
        {"key": "Enter", "shiftKey": True},
        {"key": "s", "ctrlKey": True},
        {"key": "s", "metaKey": True},
    ):
        first.dispatch_event("keydown", options | {"bubbles": True})
    assert shown.page.evaluate("window.heard") == ["Tab", "Enter", "s", "s"]


def test_an_explorer_further_down_does_not_change_the_look(bare):
    """Every block brings the shared style; an explorer's own rules must win wherever they stand."""
    look = """() => [...document.querySelectorAll(".tx-qkv_steps td, .tx-qkv_steps th, .tx-qkv_steps button, .tx-qkv_steps p")]
      .map(e => { const s = getComputedStyle(e); return [s.padding, s.border, s.margin, s.textAlign, s.minHeight, s.backgroundColor].join(); })"""
    one, other = (BOTH[kind]()._repr_html_() for kind in ("qkv_steps", "saturation"))
    alone = bare(one).page.evaluate(look)
    assert len(alone) > 40
    assert bare(one + other).page.evaluate(look) == alone
    assert bare(other + one).page.evaluate(look) == alone


def test_a_failing_script_leaves_the_table(bare):
    """A table is better than half an explorer: the static form goes last."""
    shown = bare(made(data={"frame": "", "words": {}}, static=table("c", ["a"], [["b"]])))
    assert shown.root.locator(".tx-static").is_visible() and len(shown.errors) == 1
    shown.errors.clear()


def test_tokens_are_limited_to_what_a_screen_holds():
    assert made(tokens=TOKENS * 10).kind == "saturation"
