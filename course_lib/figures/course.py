"""The map of the course: the architecture that the nine lessons build, and where the reader stands."""

from __future__ import annotations

from course_lib.figures.draw import Box, Canvas, drawing
from course_lib.figures.style import COLOURS, tint

LESSONS = 9


@drawing(760, 352)
def course_map(c: Canvas, here: int = 0) -> None:
    """The road from text to BERT and GPT; lessons before ``here`` are tinted, later ones outlined.

    Args:
        here: number of the lesson the reader is in, 0 to 8.

    Raises:
        ValueError: for any other number.
    """
    if here not in range(LESSONS):
        raise ValueError(f"the lessons are numbered 0 to {LESSONS - 1}, not {here!r}")

    def part(lesson: int, x: float, y: float, w: float, h: float, *, bar: bool = False, nests: bool = False) -> Box:
        """A lesson's place on the map; one that ``nests`` others keeps its words to a strip at its top."""
        now, colour = lesson == here, "accent" if lesson <= here else "neutral"
        look = "tint" if lesson < here else "outline"
        place = c.box(x, y, w, h, colour=colour, look="solid" if now and not nests else look, strength=0.12)
        strip = Box(x, y, w, 46) if nests else place
        if now and nests:
            strip = c.header(place, 46, colour=colour)
        style = {
            "colour": "ground" if now else "ink",
            "ground": COLOURS["accent"] if now else tint("accent", 0.12) if lesson < here else COLOURS["ground"],
            "inside": strip,
        }
        number = c.say("here", number=f"{lesson:02d}") if now else f"{lesson:02d}"
        title = c.say(f"lesson{lesson}")
        if bar:
            c.text(strip.cx, strip.cy, f"{number}  ·  {title}", size=13, bold=now, **style)
        else:
            c.text(strip.cx, strip.cy - 9, number, size=12, bold=now, **style)
            c.text(strip.cx, strip.cy + 9, title, size=13, bold=now, **style)
        return place

    part(0, 14, 12, 732, 36, bar=True)
    axis = 186  # the height of the road
    tokens = part(2, 14, axis - 32, 122, 64)
    vectors = part(1, 156, axis - 32, 122, 64)
    plus = c.circle(303, axis, "+")
    positions = part(5, 242, axis + 56, 122, 64)
    encoder = part(6, 376, 68, 216, 198, nests=True)
    heads = part(4, 382, 122, 142, 130, nests=True)
    part(3, 390, axis - 10, 126, 64)
    network = c.box(537, axis - 23, 46, 46, c.say("ffn"), look="outline", size=12)
    decoder = part(7, 616, 68, 130, 198)
    families = part(8, 376, 298, 370, 40, bar=True)
    c.arrow(tokens.right_at(), vectors.left_at())
    c.arrow(vectors.right_at(), plus.left_at())
    c.arrow((plus.cx, positions.y), plus.bottom_at())
    c.arrow(plus.right_at(), (encoder.x, axis))
    c.arrow((heads.right, axis), network.left_at())
    c.arrow((encoder.right, axis), (decoder.x, axis))
    c.arrow((encoder.cx, encoder.bottom), (encoder.cx, families.y))
    c.arrow((decoder.cx, decoder.bottom), (decoder.cx, families.y))
    c.box(14, 296, 20, 14, colour="accent", look="tint", radius=4, strength=0.12)
    c.text(42, 303, c.say("behind"), size=12, align="left")
    c.box(14, 320, 20, 14, look="outline", radius=4)
    c.text(42, 327, c.say("ahead"), size=12, align="left")
