"""The figures that stand on flashcards, as files: small palette PNGs in ``flashcards/media/<language>/``.

``python -m course_lib.figures.cards`` writes them anew; a test holds the committed files and fresh drawings equal.
"""

from __future__ import annotations

import io
from pathlib import Path

from course_lib.figures import drawings, png
from course_lib.language import LANGUAGES, language, use_language

LARGEST = 80 * 1024
"""Bytes that a card's picture may take: a deck is carried to a phone."""

_COLOURS = 256  # the most a palette holds: smooth letters in every colour


def card_names() -> list[str]:
    """The names of the drawings that stand on cards."""
    return sorted(name for name, drawing in drawings().items() if drawing.card)


def file_name(name: str) -> str:
    """The file of a drawing: ``encoder_block`` → ``encoder-block.png``."""
    return name.replace("_", "-") + ".png"


def card_png(name: str) -> bytes:
    """A drawing in the session's language as a palette PNG, 720 pixels wide, matplotlib's ``Software`` field kept."""
    from PIL import Image, PngImagePlugin

    picture = Image.open(io.BytesIO(png(drawings()[name].draw())))
    reduced = picture.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    field = PngImagePlugin.PngInfo()
    field.add_text("Software", picture.info["Software"])
    buffer = io.BytesIO()
    reduced.save(buffer, format="PNG", optimize=True, pnginfo=field)
    return buffer.getvalue()


def save_card_figures(root: Path) -> list[Path]:
    """Write every card's figure in both languages below ``root`` (the folder ``flashcards/media``).

    Returns:
        the files written, ``root/<language>/<name>.png``.

    Raises:
        ValueError: if a picture is larger than :data:`LARGEST`.
    """
    written, before = [], language()
    try:
        for lang in LANGUAGES:
            use_language(lang)
            (root / lang).mkdir(parents=True, exist_ok=True)
            for name in card_names():
                content = card_png(name)
                if len(content) > LARGEST:
                    raise ValueError(f"{name} takes {len(content)} bytes, more than {LARGEST}")
                path = root / lang / file_name(name)
                path.write_bytes(content)
                written.append(path)
    finally:
        use_language(before)
    return written


if __name__ == "__main__":
    for file in save_card_figures(Path(__file__).parents[2] / "flashcards" / "media"):
        print(file.parent.name, file.name, file.stat().st_size)
