"""Each check of a drawing's layout finds the fault it is for, and nothing in a sound drawing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from course_lib.figures.draw import CARD_WIDTH, Canvas
from course_lib.figures.layout import problems


def sound(c: Canvas) -> None:
    left = c.box(20, 40, 100, 40, "query", colour="query")
    right = c.box(180, 40, 100, 40, "key", colour="key", look="solid")
    c.arrow(left.right_at(), right.left_at())
    c.text(150, 120, "score", size=14)
    c.matrix(
        20, 140, 2, 3, cell=20, colour="value", texts=[["1", "2", "3"], ["4", "5", "6"]], shades=[[0.1, 0.5, 1]] * 2
    )


def too_long_for_its_box(c: Canvas) -> None:
    c.box(20, 120, 60, 30, "скалярное произведение")


def too_high_for_its_box(c: Canvas) -> None:
    c.box(150, 140, 90, 30, "three\nlines\nhere")


def too_wide_for_its_cell(c: Canvas) -> None:
    c.matrix(150, 150, 1, 2, cell=20, texts=[["0.25", "1"]])


def outside_the_picture(c: Canvas) -> None:
    c.text(290, 170, "a long label", align="left")


def texts_overlap(c: Canvas) -> None:
    c.text(160, 124, "weight")


def line_through_text(c: Canvas) -> None:
    c.arrow((100, 100), (190, 140), touches=(False, False))


def arc_through_text(c: Canvas) -> None:
    c.arc((100, 150), (200, 150), 30)


def box_edge_through_text(c: Canvas) -> None:
    c.box(150, 100, 60, 60)


def boxes_cut(c: Canvas) -> None:
    c.box(100, 60, 60, 40)


def box_outside(c: Canvas) -> None:
    c.box(270, 160, 60, 20)


def pale_text(c: Canvas) -> None:
    c.text(200, 170, "pale", colour="#999999")


def pale_on_its_tint(c: Canvas) -> None:
    c.box(150, 150, 100, 30, "key", colour="key", text_colour="key", strength=0.5)


def small_type(c: Canvas) -> None:
    c.text(200, 170, "small", size=10)


def loose_start(c: Canvas) -> None:
    c.arrow((150, 170), (230, 80))


def loose_tip(c: Canvas) -> None:
    c.arrow((70, 80), (70, 110))


FAULTS: dict[Callable[[Canvas], None], str] = {
    too_long_for_its_box: "does not fit its box",
    too_high_for_its_box: "does not fit its box",
    too_wide_for_its_cell: "'0.25' does not fit",
    outside_the_picture: "reaches the edge",
    texts_overlap: "'score' overlaps 'weight'",
    line_through_text: "a line runs through 'score'",
    arc_through_text: "a line runs through 'score'",
    box_edge_through_text: "edge of a box runs through 'score'",
    boxes_cut: "cut each other",
    box_outside: "leaves the picture",
    pale_text: "contrast of 2.8",
    pale_on_its_tint: "has a contrast",
    small_type: "type of 10.0 px",
    loose_start: "touches nothing",
    loose_tip: "touches nothing",
}


def page(*parts: Callable[[Canvas], None], width: float = 300) -> Canvas:
    canvas = Canvas("planted", width, 190)
    for part in parts:
        part(canvas)
    return canvas


def test_a_sound_drawing_has_no_problems() -> None:
    assert problems(page(sound).figure) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(fault: Callable[[Canvas], None]) -> None:
    found = problems(page(sound, fault).figure)
    assert any(FAULTS[fault] in problem for problem in found), found


def test_a_card_is_judged_at_the_width_of_a_phone() -> None:
    def label(c: Canvas) -> None:
        c.text(200, 150, "phone", size=11.2)

    assert problems(page(label, width=CARD_WIDTH).figure) == []
    assert "type of 9.0 px" in problems(page(label, width=CARD_WIDTH).figure, card=True)[0]
    assert "450 wide" in problems(page(sound).figure, card=True)[0]


def test_a_label_of_a_real_figure_that_grew_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from course_lib import language
    from course_lib.figures.attention import scaled_dot_product

    wordings = dict(language.catalogue())
    wordings["figure.scaled_dot_product.mask"] = {"en": "mask of the later tokens (optional)", "ru": "маска"}
    monkeypatch.setattr(language, "catalogue", lambda: wordings)
    before = language.language()
    language.use_language("en")
    try:
        assert any("mask of the later" in problem for problem in problems(scaled_dot_product(), card=True))
    finally:
        language.use_language(before)
