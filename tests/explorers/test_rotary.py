"""Rotary positions: the page's numbers are those of course_lib.positions, and shifting does what the page says."""

from __future__ import annotations

import hashlib
import math
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from explorers_03 import randn

from course_lib.explorers import Explorer, explore_rotary, page, rotary
from course_lib.language import LANGUAGES, use_language
from course_lib.positions import frequencies, rotate, sinusoidal_table

PACKAGE = Path(rotary.__file__).parent
TEXTS = tomllib.loads((PACKAGE.parent / "catalogue" / "explorers_positions.toml").read_text("utf-8"))
SIZE, LONGEST = 8, 64


@pytest.fixture(autouse=True)
def english():
    use_language("en")
    yield
    use_language("en")


@cache
def vectors(size: int = SIZE, seed: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """A query and a key with the four decimals that the explorer keeps."""
    q, k = (randn(2, size, seed=seed) * 1e4).round() / 1e4
    return q, k


def shown_rotary(**options) -> Explorer:
    return explore_rotary(*vectors(), **options)


@cache
def moved(way: int, size: int = SIZE, longest: int = LONGEST, base: float = 10_000.0) -> tuple[torch.Tensor, ...]:
    """(T, d_k) each: the query and the key at every position, turned (way 0) or with the sinusoids added (way 1)."""
    both = (vector.expand(longest, size) for vector in vectors(size))
    return tuple(
        vector + sinusoidal_table(longest, size, base) if way else rotate(vector, base=base) for vector in both
    )


def terms(way: int, m: int, n: int, **options) -> torch.Tensor:
    """(d_k / 2,): what each pair of components adds to the score."""
    q, k = moved(way, **options)
    return (q[m] * k[n]).unflatten(-1, (-1, 2)).sum(-1)


def text(number: float) -> str:
    return f"{float(number):z.4f}".replace("-", "−")


def angle(way: int, m: int, n: int, pair: int) -> float:
    """Degrees between the pair's components of the query and of the key."""
    q, k = (vector[at, 2 * pair : 2 * pair + 2] for vector, at in zip(moved(way), (m, n), strict=True))
    return math.degrees(math.acos(max(-1, min(1, float(torch.cosine_similarity(q, k, dim=0))))))


# --------------------------------------------------------------------------------------------------- the static form


@pytest.mark.parametrize(
    ("size", "longest", "base"), [(8, 64, 10_000.0), (2, 2, 10_000.0), (16, 512, 500_000.0), (4, 7, 2.5)]
)
def test_the_table_is_what_the_engine_computes(size, longest, base):
    explorer = explore_rotary(*vectors(size), base=base, longest=longest)
    cells = re.findall(
        r'<th scope="row">([+−]?\d+)</th><td>(\d+), (\d+)</td><td>([^<]+)</td><td>([^<]+)</td>', explorer.static
    )
    assert len(cells) == explorer.static.count('<th scope="row">') >= 2
    groups: dict[str, list[tuple[str, str]]] = {}
    for distance, m, n, turned, added in cells:
        m, n = int(m), int(n)
        assert int(distance.replace("−", "-")) == m - n and 0 <= min(m, n) and max(m, n) < longest
        wanted = [text(terms(way, m, n, size=size, longest=longest, base=base).sum()) for way in (0, 1)]
        assert [turned, added] == wanted
        groups.setdefault(distance, []).append((turned, added))
    assert len(groups) == len({m - n for m, n in ((int(c[1]), int(c[2])) for c in cells)})
    for scores in groups.values():
        assert len({turned for turned, _ in scores}) == 1, "equal distances, equal scores"
    if (size, longest) == (8, 64):
        assert list(groups) == ["−3", "+3", "+16"] and all(len(scores) == 3 for scores in groups.values())
        assert all(len({added for _, added in scores}) == 3 for scores in groups.values())
        assert groups["−3"][0][0] != groups["+3"][0][0], "the sign of the distance counts"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_summary_is_one_line_with_the_scores(lang):
    use_language(lang)
    explorer = shown_rotary()
    for way in (0, 1):
        for m, n in ((12, 9), (63, 60)):
            assert text(terms(way, m, n).sum()) in repr(explorer)
    assert "m = 12, n = 9" in repr(explorer) and "m = 63, n = 60" in repr(explorer) and "\n" not in repr(explorer)
    assert bool(re.search("[а-я]", explorer.static)) == (lang == "ru")
    assert bool(re.search("[a-z]{4}", re.sub("<[^>]*>", "", explorer.static))) == (lang == "en")


# ------------------------------------------------------------------------------------------------- what is accepted


def test_tensors_arrays_and_lists_give_the_same_bytes():
    q, k = vectors()
    wanted = explore_rotary(q, k)._repr_html_()
    assert explore_rotary(q.numpy(), k.numpy())._repr_html_() == wanted
    assert explore_rotary(q.tolist(), tuple(k.tolist()))._repr_html_() == wanted
    assert explore_rotary(q.float(), k.clone().requires_grad_())._repr_html_() == wanted
    assert explore_rotary(q + 4e-5, k - 4e-5)._repr_html_() == wanted, "four decimals are kept"
    assert explore_rotary(q, k, base=10_000, longest=np.int64(64))._repr_html_() == wanted


@pytest.mark.parametrize(
    ("query", "key", "options", "message"),
    [
        ([1, 2, 3], [1, 2, 3], {}, "must be even, not 3"),
        ([], [], {}, "must be even, not 0"),
        ([1, 2], [1, 2, 3, 4], {}, "2 components and the key 4"),
        ([0] * 18, [0] * 18, {}, "size 18 do not fit a screen: 16 at most"),
        ([0, math.nan], [0, 0], {}, r"query\[1\] is not a finite number: nan"),
        ([0, 0], [-math.inf, 0], {}, r"key\[0\] is not a finite number: -inf"),
        ([0, 0], [0, -1001], {}, r"key\[1\] is too large to be shown: -1001"),
        (torch.ones(2, 2), [0, 0], {}, "the query must be one vector of d_k numbers"),
        ([0, 0], 3.0, {}, "the key must be one vector of d_k numbers"),
        ([0, 0], ["a", "b"], {}, "the key must be one vector of d_k numbers"),
        ([0, 0], [0, 0], {"longest": 1}, "from 2 to 512, not 1"),
        ([0, 0], [0, 0], {"longest": 513}, "from 2 to 512, not 513"),
        ([0, 0], [0, 0], {"longest": 8.5}, "whole number"),
        ([0, 0], [0, 0], {"longest": math.inf}, "whole number"),
        ([0, 0], [0, 0], {"base": 1}, "greater than 1"),
        ([0, 0], [0, 0], {"base": math.nan}, "greater than 1"),
        ([0, 0], [0, 0], {"base": 1e10}, "at most"),
    ],
)
def test_what_does_not_fit_is_refused(query, key, options, message):
    with pytest.raises(ValueError, match=message):
        explore_rotary(query, key, **options)


# ----------------------------------------------------------------------------------------------- the block of HTML


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_largest_block_is_within_the_limits(lang):
    use_language(lang)
    block = explore_rotary(-999.9999 * torch.ones(16), -999.9999 * torch.ones(16), longest=512)._repr_html_()
    assert 15_000 < len(block.encode()) <= 60_000
    assert len(page.script("rotary").encode()) <= 8_192
    assert block.index('<div class="tx-static">') < block.index("<script")
    assert not re.findall(r"https?://(?!www\.w3\.org)|\b(?:fetch|require|import|eval)\b *\(|@import|url\(", block)


def test_the_bytes_do_not_depend_on_the_process_but_on_the_language():
    code = (
        "import hashlib, test_rotary as t\n"
        "for lang in t.LANGUAGES:\n"
        "  t.use_language(lang)\n"
        "  print(hashlib.sha256(t.shown_rotary()._repr_html_().encode()).hexdigest())"
    )
    environment = {"PYTHONPATH": str(PACKAGE.parents[1]), "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, check=True
    )
    here = []
    for lang in LANGUAGES:
        use_language(lang)
        here.append(hashlib.sha256(shown_rotary()._repr_html_().encode()).hexdigest())
    assert done.stdout.split() == here and len(set(here)) == 2


def test_no_torch_is_imported():
    code = "import sys; from course_lib.explorers import explore_rotary; explore_rotary([1, 2], [3, 4]); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(PACKAGE.parents[1])}).returncode == 0


def test_a_title_stays_text(bare):
    explorer = shown_rotary(title="<b>{m}</script>")
    assert explorer.id != shown_rotary().id and "Shift both" not in explorer.static
    assert bare(explorer).root.locator(".tx-title").inner_text() == "<b>{m}</script>"


def test_texts_have_the_same_fields_in_both_languages_and_are_all_used():
    python, script = ((PACKAGE / f"rotary.{end}").read_text("utf-8") for end in ("py", "js"))
    assert len(TEXTS) >= 30
    for key, wording in TEXTS.items():
        fields = [sorted(set(re.findall(r"\{(\w+)\}", wording[lang]))) for lang in LANGUAGES]
        assert fields[0] == fields[1], key
        word = key.removeprefix("explorer.rotary.").removeprefix("ui.")
        numbered = re.sub(r"\d$", "", word)
        uses = [f"words.{word}", f'"{word}"', f".rotary.{word}"] + [f'words["{numbered}" +'] * (numbered != word)
        assert any(re.search(re.escape(use) + r"(?!\w)", python + script) for use in uses), key


def test_the_style_names_no_colour_but_the_palette():
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", (PACKAGE / "rotary.css").read_text("utf-8"))


# ----------------------------------------------------------------------------------------------------- in a browser


def answered(shown, guess: int = 0):
    shown.root.locator(".tx-ask button").nth(guess).click()
    return shown


def slide(shown, **positions: int) -> None:
    """Moves the sliders m and n."""
    for ref, at in positions.items():
        shown.root.locator(f"[data-ref={ref}]").evaluate(
            "(e, at) => { e.value = at; e.dispatchEvent(new Event('input', {bubbles: true})); }", at
        )


def shift(shown, by: int) -> None:
    shown.root.locator(f".tx-shift button[value='{by}']").click()


def way_of(shown, way: int) -> None:
    shown.root.locator("[data-ref=ways] button").nth(way).click()


def score(shown) -> float:
    """The score as the page computed it, before it is rounded to be shown."""
    return float(shown.root.locator("[data-ref=sides]").get_attribute("data-score"))


STATES = """cases => {
  const root = document.querySelector(".tx-explorer"), ref = name => root.querySelector(`[data-ref=${name}]`);
  return cases.map(([way, m, n, pair]) => {
    ref("ways").querySelectorAll("button")[way].click();
    for (const [name, at] of [["m", m], ["n", n]]) { ref(name).value = at; ref(name).dispatchEvent(new Event("input")); }
    ref("pair").selectedIndex = pair;
    ref("pair").dispatchEvent(new Event("change"));
    const arrows = [...ref("circle").querySelectorAll("g")].map(g => ({
      tip: ["x2", "y2"].map(name => +g.querySelector("line").getAttribute(name)),
      head: g.querySelector("path").getAttribute("transform"),
      ring: ["cx", "cy", "r"].map(name => +g.querySelector(".tx-ring").getAttribute(name)),
      zero: ["cx", "cy"].map(name => +g.querySelector(".tx-zero").getAttribute(name)),
      label: g.querySelector("text").textContent, role: g.getAttribute("class")}));
    return {view: root.dataset.view, score: +ref("sides").dataset.score, arrows,
      rows: [...ref("rows").children].map(row => ({cells: [...row.children].map(cell => cell.textContent), now: row.className})),
      sum: ref("sum").textContent, spelled: ref("spelled").textContent, caption: ref("caption").textContent,
      dot: ["cx", "cy"].map(name => +ref("curve").querySelector("circle").getAttribute(name)),
      band: ref("curve").querySelector("path").getAttribute("d"), extent: ref("extent").textContent,
      arc: root.querySelector(".tx-arc").getAttribute("d"), text: root.innerText};
  });
}"""

CASES = [(m, n, pair) for m, n in ((12, 9), (9, 12), (0, 0), (63, 0), (0, 63), (31, 30), (5, 40)) for pair in (0, 1, 3)]


@pytest.fixture(scope="module")
def states(plain):
    """The state of the page for every case in both ways, by (way, m, n, pair)."""
    opened = plain(shown_rotary())
    opened.locator(".tx-ask button").first.click()
    cases = [(way, *case) for way in (0, 1) for case in CASES]
    found = dict(zip(cases, opened.evaluate(STATES, cases), strict=True))
    return found


def test_scores_and_their_parts_are_the_engine_s(states):
    for (way, m, n, pair), state in states.items():
        parts = terms(way, m, n)
        assert state["view"] == f"{m}.{n}.{pair}.{way}.0"
        assert state["score"] == pytest.approx(float(parts.sum()), abs=1e-9)
        assert state["sum"] == text(parts.sum())
        assert [row["cells"][3] for row in state["rows"]] == [text(part) for part in parts]
        wanted = [f"{angle(way, m, n, i):.1f}" for i in range(SIZE // 2)]
        assert [float(row["cells"][2].rstrip("°")) for row in state["rows"]] == pytest.approx(
            [*map(float, wanted)], abs=0.051
        )
        assert [row["now"] for row in state["rows"]] == ["tx-now" if i == pair else "" for i in range(SIZE // 2)]
        (a, b), (c, d) = (v[at, 2 * pair : 2 * pair + 2] for v, at in zip(moved(way), (m, n), strict=True))
        bracketed = [f"({text(x)})" if x < 0 else text(x) for x in (a, c, b, d)]
        assert state["spelled"] == "Pair {}: {} · {} + {} · {} = {}".format(pair, *bracketed, text(parts[pair]))
        assert not any(word in state["text"] for word in ("undefined", "NaN", "Infinity", "{"))


def test_the_arrows_stand_where_the_pair_does(states):
    for (way, m, n, pair), state in states.items():
        arrows, at = state["arrows"], slice(2 * pair, 2 * pair + 2)
        assert [(arrow["label"], arrow["role"]) for arrow in arrows] == [("q", "tx-query"), ("k", "tx-key")]
        scales = []
        for arrow, vector, start, position in zip(arrows, moved(way), vectors(), (m, n), strict=True):
            tip, zero = vector[position, at], vector[0, at]
            scales.append(math.hypot(*arrow["tip"]) / float(tip.norm()))
            assert arrow["tip"] == pytest.approx([float(tip[0]) * scales[-1], -float(tip[1]) * scales[-1]], abs=1e-6)
            assert arrow["zero"] == pytest.approx([float(zero[0]) * scales[-1], -float(zero[1]) * scales[-1]], abs=1e-6)
            degrees = float(re.search(r"rotate\((.*)\)", arrow["head"])[1])
            assert degrees == pytest.approx(math.degrees(math.atan2(arrow["tip"][1], arrow["tip"][0])), abs=1e-6)
            # The tip moves around the origin, or at a distance of 1 around the vector without its position.
            centre = start[at] if way else torch.zeros(2)
            radius = 1 if way else float(start[at].norm())
            wanted = [float(centre[0]) * scales[-1], -float(centre[1]) * scales[-1], radius * scales[-1]]
            assert arrow["ring"] == pytest.approx(wanted, abs=1e-6)
        assert scales[0] == pytest.approx(scales[1]), "both arrows are drawn to one scale"
        assert all(math.hypot(*arrow["ring"][:2]) + arrow["ring"][2] <= 108.001 for arrow in arrows)
        assert f"Angle between them: {fixed_angle(state)}" in state["caption"]
        # The arc begins at the key's arrow and ends at the query's.
        ends = re.fullmatch(r"M(\S+) (\S+)A24 24 0 0 [01] (\S+) (\S+)", state["arc"]).groups()
        for (x, y), arrow in zip((ends[2:], ends[:2]), arrows, strict=True):
            assert math.atan2(float(y), float(x)) == pytest.approx(math.atan2(*reversed(arrow["tip"])), abs=1e-6)


def fixed_angle(state: dict) -> str:
    return next(row["cells"][2] for row in state["rows"] if row["now"])


def test_the_caption_names_the_angles(states):
    omega = frequencies(SIZE)
    for (way, m, n, pair), state in states.items():
        a, b = m * omega[pair], n * omega[pair]
        if way:
            assert f"= ({text(a.sin())}, {text(a.cos())}) is added to q" in state["caption"]
            assert f"= ({text(b.sin())}, {text(b.cos())}) to k" in state["caption"]
        else:
            assert f"= {text(a)} rad, k by" in state["caption"] and f"= {text(b)} rad. Angle" in state["caption"]


def test_the_curve_holds_every_score_and_the_dot_stands_at_the_distance(states):
    for way in (0, 1):
        q, k = moved(way)
        scores = q @ k.T
        by_distance = [scores.diagonal(-d) for d in range(1 - LONGEST, LONGEST)]
        ends = [[float(s.amin()) for s in by_distance], [float(s.amax()) for s in by_distance]]
        if not way:
            assert ends[0] == pytest.approx(ends[1])
        low, high = min(ends[0]), max(ends[1])
        for (case_way, m, n, _), state in states.items():
            if case_way != way:
                continue
            assert f"from {text(low)} to {text(high)}" in state["extent"] and state["extent"].endswith(text_int(m - n))
            x, y = state["dot"]
            assert x == pytest.approx(160 + 160 * (m - n) / (LONGEST - 1))
            assert y == pytest.approx(80 - 80 * (float(scores[m, n]) - low) / (high - low), abs=1e-6)
        numbers = [[float(c) for c in point.split()] for point in state_band(states, way)]
        there, back = numbers[: len(ends[0])], numbers[len(ends[0]) :][::-1]
        for points, wanted in ((there, ends[0]), (back, ends[1])):
            assert [p[1] for p in points] == pytest.approx(
                [80 - 80 * (s - low) / (high - low) for s in wanted], abs=1e-6
            )
            assert [p[0] for p in points] == pytest.approx(
                [160 + 160 * d / (LONGEST - 1) for d in range(1 - LONGEST, LONGEST)]
            )


def text_int(number: int) -> str:
    return str(number).replace("-", "−")


def state_band(states: dict, way: int) -> list[str]:
    return next(state["band"] for case, state in states.items() if case[0] == way).strip("MZ").split("L")


@pytest.mark.parametrize("by", [-8, -1, 1, 8])
def test_shifting_both_keeps_the_rotary_score_and_changes_the_added_one(bare, by):
    shown = answered(bare(shown_rotary()))
    for way in (0, 1):
        way_of(shown, way)
        for m, n in ((20, 17), (9, 33)):
            slide(shown, m=m, n=n)
            before = score(shown)
            shift(shown, by)
            after = score(shown)
            assert shown.view.startswith(f"{m + by}.{n + by}.0.{way}.")
            old, new = (float(terms(way, a, b).sum()) for a, b in ((m, n), (m + by, n + by)))
            assert [before, after] == pytest.approx([old, new], abs=1e-9)
            assert (abs(before - after) < 1e-9) == (way == 0)
            verdict = "another one" if way else "the same"
            assert shown.said.startswith(
                f"m = {m}, n = {n}: score {text(old)}. Shift both by {text_int(by)}: "
                f"m = {m + by}, n = {n + by}: score {text(new)}, {verdict}."
            )


def test_the_verdict_is_computed_and_not_assumed(bare):
    """Of two zero vectors only the sinusoids' own product is left, which depends on the distance alone."""
    shown = answered(bare(explore_rotary([0, 0], [0, 0])))
    way_of(shown, 1)
    shift(shown, 8)
    assert shown.said == "m = 12, n = 9: score −0.9900. Shift both by 8: m = 20, n = 17: score −0.9900, the same."
    way_of(shown, 0)
    assert shown.root.locator("[data-ref=rows] td").nth(1).inner_text() == "—", "no angle without arrows"


def test_the_question_comes_first(bare):
    shown = bare(shown_rotary())
    root, view = shown.root, shown.view
    assert view == "12.9.0.0." and "predicted" in shown.said
    hidden = root.locator(".tx-open")
    wanted = text(terms(0, 12, 9).sum())

    def uncovered() -> bool:
        return hidden.is_visible() or wanted in shown.page.locator("body").inner_text() or "score −" in shown.said

    assert not uncovered() and root.locator("[data-score]").count() == 0
    for press in (lambda: shift(shown, 8), lambda: way_of(shown, 1)):
        press()
        assert shown.view == view and not uncovered() and "First answer the question" in shown.said
        assert shown.page.evaluate("document.activeElement.closest('.tx-ask') !== null")
    # The same from the keyboard, where the row of buttons moves the focus itself.
    root.locator("[data-ref=ways] [tabindex='0']").focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.view == view and shown.page.evaluate("document.activeElement.closest('.tx-ask') !== null")
    assert root.locator("[data-ref=ways] [aria-checked=true]").inner_text().startswith("turn")
    slide(shown, m=13)
    assert shown.view == "13.9.0.0." and not uncovered(), "arrows may be moved before, the score stays hidden"
    slide(shown, m=12)
    answered(shown)
    assert shown.view == "12.9.0.0.0" and hidden.is_visible() and root.locator(".tx-ask").is_hidden()
    assert shown.said == f"m = 12, n = 9, m − n = 3: score {wanted}. Now shift both."
    assert shown.page.evaluate("document.activeElement.value") == "8"


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [
        (0, "the same. As you predicted: both"),
        (1, "the same. You predicted “yes, it changes”, but both"),
        (2, "the vectors”, but"),
    ],
)
def test_the_prediction_is_judged_once(bare, guess, verdict):
    shown = answered(bare(shown_rotary()), guess)
    assert "predicted" not in shown.said
    shift(shown, 8)
    assert verdict in shown.said
    shift(shown, -8)
    assert shown.said.endswith("the same.")
    slide(shown, m=3)
    assert shown.said == f"m = 3, n = 9, m − n = −6: score {text(terms(0, 3, 9).sum())}."


def enabled(shown) -> list[str]:
    return shown.root.locator(".tx-shift button:enabled").evaluate_all("all => all.map(e => e.value)")


def test_at_the_ends_the_buttons_are_disabled_and_keep_the_focus_inside(bare):
    shown = answered(bare(shown_rotary()))
    slide(shown, m=55, n=9)
    assert enabled(shown) == ["-8", "-1", "1", "8"]
    shown.root.locator(".tx-shift button[value='8']").focus()
    shown.page.keyboard.press("Enter")
    assert shown.view == "63.17.0.0.0" and enabled(shown) == ["-8", "-1"]
    assert shown.page.evaluate("document.activeElement.value") == "-1"
    slide(shown, m=1, n=60)
    assert enabled(shown) == ["-1", "1"]
    shown.root.locator(".tx-shift button[value='-1']").focus()
    shown.page.keyboard.press("Space")
    assert shown.view == "0.59.0.0.0" and enabled(shown) == ["1"]
    assert shown.page.evaluate("document.activeElement.value") == "1"
    slide(shown, m=63, n=0)
    assert enabled(shown) == []
    short = answered(bare(explore_rotary(*vectors(), longest=2)))
    assert short.view == "1.0.0.0.0" and enabled(short) == []
    assert short.page.evaluate("document.activeElement.dataset.ref") == "m"


def test_everything_can_be_done_from_the_keyboard(bare):
    shown = bare(shown_rotary())
    stops = []
    for _ in range(8):
        shown.page.keyboard.press("Tab")
        stops.append(
            shown.page.evaluate(
                "document.activeElement.dataset.ref || document.activeElement.value || document.activeElement.textContent"
            )
        )
    assert stops == ["m", "n", "-8", "-1", "1", "8", "pair", "turn q and k (RoPE)"]
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")  # the first answer; the focus goes to +8
    shown.page.keyboard.press("Enter")
    assert shown.view == "20.17.0.0.0"
    shown.root.locator("[data-ref=m]").focus()
    for key, m in (("ArrowRight", 21), ("ArrowUp", 22), ("ArrowLeft", 21), ("Home", 0), ("End", 63)):
        shown.page.keyboard.press(key)
        assert shown.view.startswith(f"{m}.17.")
    assert shown.root.get_by_label("query at m = 63").get_attribute("aria-valuetext") == "m = 63"
    shown.root.get_by_label("pair").focus()
    shown.page.keyboard.press("ArrowDown")
    assert shown.view == "63.17.1.0.0"
    shown.root.locator("[data-ref=ways] [tabindex='0']").focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.view == "63.17.1.1.0"
    assert shown.root.locator("[data-ref=ways] [tabindex='0']").inner_text().startswith("break it")


def test_letters_typed_reach_nothing(bare):
    shown = bare(shown_rotary())
    shown.page.evaluate("() => { window.heard = []; document.addEventListener('keydown', e => heard.push(e.key)); }")
    for stage in ("asked", "answered"):
        controls = shown.root.locator("[tabindex='0'], input, select, button:not([tabindex])")
        assert controls.count() == 2 + 4 + 1 + 1 + 3
        tried = 0
        for control in controls.all():
            if not control.is_visible() or control.is_disabled():
                continue
            tried += 1
            for key in ("a", "d", "x", "1", "Escape"):
                control.focus()
                shown.page.keyboard.press(key)
        assert tried == (11 if stage == "asked" else 8)
        if stage == "asked":
            answered(shown)
    assert shown.page.evaluate("heard") == []
    slider = shown.root.locator("[data-ref=m]")
    for options in ({"key": "Enter", "shiftKey": True}, {"key": "s", "ctrlKey": True}, {"key": "Tab"}):
        slider.dispatch_event("keydown", options | {"bubbles": True})
    assert shown.page.evaluate("heard") == ["Enter", "s", "Tab"]


def test_it_comes_to_life_twice_on_a_page(bare):
    shown = bare(shown_rotary()._repr_html_() * 2)
    roots = shown.page.locator(".tx-explorer")
    assert shown.page.evaluate("document.activeElement === document.body"), "an output takes no focus when it appears"
    for i in range(2):
        assert roots.nth(i).get_attribute("data-on") == "1" and roots.nth(i).locator("[aria-live]").count() == 1
        assert roots.nth(i).locator(".tx-static").count() == 0
    roots.nth(1).locator(".tx-ask button").first.click()
    roots.nth(1).locator(".tx-shift button").first.click()
    assert [roots.nth(i).get_attribute("data-view") for i in range(2)] == ["12.9.0.0.", "4.1.0.0.0"]


def test_without_a_script_the_table_is_read(bare):
    shown = bare(shown_rotary(), script=False)
    assert shown.root.locator("table").is_visible() and shown.root.locator("tbody tr").count() == 9
    assert shown.root.locator("button, input, select").count() == 0
    assert shown.contrasts() == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("theme", "width"), [("light", 900), ("dark", 900), ("light", 390), ("dark", 390)])
def test_it_can_be_read_on_every_ground_and_on_a_phone(bare, lang, theme, width):
    use_language(lang)
    for explorer in (shown_rotary(), explore_rotary([-999.9999] * 16, [-999.9999] * 16, longest=512, base=1e7)):
        shown = bare(explorer, theme=theme, width=width)
        assert shown.contrasts() == [] and shown.overflow() == []
        answered(shown, 1)
        for way in (0, 1):
            way_of(shown, way)
            shown.root.locator("select").select_option(index=SIZE // 2 - 1)
            shift(shown, 1)
            assert shown.contrasts() == [] and shown.overflow() == []
            scrolls = shown.root.locator(".tx-scroll").evaluate_all(
                "all => all.map(e => e.scrollWidth - e.clientWidth)"
            )
            if explorer.data["longest"] == LONGEST:
                assert max(scrolls) <= 0, "the table fits without scrolling"
