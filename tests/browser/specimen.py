"""Small notebooks for the tests of the suite itself: one of every kind of output, and the same with a fault in each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nbformat

FIXTURE = Path(__file__).parent / "fixture"
FIGURE = """import io

import PIL.Image
from IPython.display import display_png

buffer = io.BytesIO()
PIL.Image.new("RGBA", (120, 40), "white").save(buffer, "PNG")
display_png(buffer.getvalue(), raw=True, metadata={"alt": "a white field"})"""


def explorer(name: str, *edits: tuple[str, str]) -> str:
    """The code of a cell that shows the specimen of an explorer, each edit's first text replaced by its second."""
    page = edited((FIXTURE / "explorer.html").read_text(encoding="utf-8").partition("-->\n")[2], *edits)
    return f"from IPython.display import HTML\n\nHTML({page.replace('-ID', f'-{name}')!r})"


def widget(*edits: tuple[str, str]) -> str:
    """The code of a cell that shows the specimen of a kernel's explorer, edited."""
    return edited((FIXTURE / "widget.py").read_text(encoding="utf-8"), *edits)


def edited(text: str, *edits: tuple[str, str]) -> str:
    """``text`` after every replacement.

    Raises:
        ValueError: if a text to be replaced is not there: the fault would not be planted.
    """
    for old, new in edits:
        if old not in text:
            raise ValueError(f"the specimen holds no {old!r}")
        text = text.replace(old, new)
    return text


def write(path: Path, cells: Mapping[str, str]) -> Path:
    """A notebook of these cells: code by id; text, where the code begins with ``#: ``."""
    nb = nbformat.v4.new_notebook()
    for name, source in cells.items():
        is_text = source.startswith("#: ")
        cell = nbformat.v4.new_markdown_cell(source[3:]) if is_text else nbformat.v4.new_code_cell(source)
        cell.id = name
        nb.cells.append(cell)
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, path)
    return path


SOUND = {
    "formula": r"#: The weights are $\mathrm{softmax}(QK^\top)$, and `$HOME` is no formula.",
    "page-explorer": explorer("sound"),
    "kernel-explorer": widget(),
    "figure": FIGURE,
    "listing": "print('a long line ' * 30)",
}
