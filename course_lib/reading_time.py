"""How long a lesson takes to read, counted from its built notebook by stated rates; the titles of the lessons say it.

It is an estimate for a first reading with understanding. What takes time besides reading, the exercises and the cards'
folded answers, does not enter it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from course_lib.notebook_rules import FENCE

if TYPE_CHECKING:
    from nbformat import NotebookNode

WORDS_PER_MINUTE = {"en": 150, "ru": 121}
"""Words of prose in a minute. English: between the 200 of reading to learn and the 138 of reading to remember (R. P. Carver,
"Reading Rate: Theory, Research, and Practical Implications", Journal of Reading 36(2), 1992). Russian: as many fewer as
Russian words take longer, 184 to 228 (S. Trauzettel-Klosinski, K. Dietz, "Standardized Assessment of Reading Performance:
The New International Reading Speed Texts IReST", Investigative Ophthalmology & Visual Science 53(9), 2012)."""

SECONDS = {"formulas": 30, "code": 1.5, "output": 0.5, "pictures": 20, "explorers": 240}
"""What one of each takes: a displayed formula, a line of code, a line of printed output, a picture, an explorer to play
with. These are the course's own rules and nobody's measurement."""

TOLERANCE = 0.1
"""By what share the time that a title names may differ from the estimate, in either language."""

_EXERCISE = re.compile(r"ex-|exercises")
_TIME = {
    "en": re.compile(r"\*\*Time:\*\* (\d+) minutes of reading"),
    "ru": re.compile(r"\*\*Время:\*\* (\d+) минут\w* на чтение"),
}


@dataclass(frozen=True)
class Contents:
    """What there is to read in a notebook, without its exercises.

    Attributes:
        words: of texts, captions and tables; a formula within a line and a piece of code are one word each.
        formulas: those displayed on lines of their own.
        code: lines that are not empty.
        output: printed lines.
        pictures: pictures among the outputs.
        explorers: outputs to play with.
    """

    words: int = 0
    formulas: int = 0
    code: int = 0
    output: int = 0
    pictures: int = 0
    explorers: int = 0

    def __add__(self, other: Contents) -> Contents:
        return Contents(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Contents)))

    def minutes(self, lang: str) -> float:
        """The time to read it, by :data:`WORDS_PER_MINUTE` and :data:`SECONDS`."""
        return self.words / WORDS_PER_MINUTE[lang] + sum(getattr(self, k) * s for k, s in SECONDS.items()) / 60


def of_text(markdown: str) -> Contents:
    """What a Markdown text has to read; folded parts (``<details>``) are left out."""
    text = re.sub(r"<details.*?</details>", " ", markdown, flags=re.DOTALL)
    code = sum(bool(line.strip()) for _, _, block in FENCE.findall(text) for line in block.splitlines())
    text = FENCE.sub(" ", text)
    text, formulas = re.subn(r"\$\$.+?\$\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"\$[^$\n]+\$|`[^`\n]+`", " x ", text)
    text = re.sub(r"\]\([^)\s]*\)|<[^<>\n]+>|&\w+;", " ", text)
    # What begins with a letter or digit is a word; −0.5, don't, self-attention and 1,024 are one each.
    return Contents(words=len(re.findall(r"\w+(?:[-’'.,]\w+)*", text)), formulas=formulas, code=code)


def of_output(output: NotebookNode, code: str) -> Contents:
    """What an output of this code has to read or to play with."""
    if output.output_type == "stream":
        return Contents(output=len(output.text.splitlines()))
    data = output.get("data", {})
    # Of an explorer that lives in the kernel a notebook keeps a picture.
    if "tx-explorer" in data.get("text/html", "") or ("image/png" in data and re.search(r"\bexplore_\w+\(", code)):
        return Contents(explorers=1)
    if "image/png" in data:
        return Contents(pictures=1)
    return of_text(data["text/markdown"]) if "text/markdown" in data else Contents()


def contents(nb: NotebookNode) -> Contents:
    """What a lesson has to read: its cells and their outputs, but for the cells of the exercises."""
    total = Contents()
    for cell in nb.cells:
        if _EXERCISE.match(cell.id):
            continue
        if cell.cell_type == "markdown":
            total += of_text(cell.source)
        else:
            total += Contents(code=sum(bool(line.strip()) for line in cell.source.splitlines()))
            for output in cell.outputs:
                total += of_output(output, cell.source)
    return total


def stated(title: str, lang: str) -> int:
    """The minutes of reading that a lesson's title cell names.

    Raises:
        ValueError: if it names none, or more than one.
    """
    found = _TIME[lang].findall(title)
    if len(found) != 1:
        raise ValueError(f"a title names the minutes of reading once, this one {len(found)} times")
    return int(found[0])
