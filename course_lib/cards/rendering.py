"""From the Markdown of a question or an answer to the HTML of a field.

Two walls keep a field harmless. The first is the parser, which has no raw HTML, so that ``<s>`` or ``a<b`` in a note
are shown as they were typed. The second is ``nh3``, which lets through only the tags and attributes that this module
writes itself. Then the few words that Anki executes inside a field (``[sound:…]``, ``[latex]``) lose their bracket.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nh3
from markdown_it.token import Token

from course_lib.cards.indents import even_indents
from course_lib.cards.markdown import MAX_LEVEL, markdown_parser
from course_lib.cards.media import PICTURE_TYPES, PictureError, Pictures, packed_name
from course_lib.cards.parsing import Passage
from course_lib.cards.report import Report
from course_lib.cards.tex import tex_problem
from course_lib.cards.vault import MAX_ENTRIES
from course_lib.language import catalogue

MAX_HIGHLIGHTED_CHARACTERS = 5_000
"""Some lexers are slow on text that is not their language; longer code is shown plain."""

ALLOWED_TAGS = frozenset(
    "p br hr ul ol li strong em s del mark code pre span div table thead tbody tr th td blockquote a img "
    "sub sup kbd u h1 h2 h3 h4 h5 h6".split()
)
ALLOWED_ATTRIBUTES: dict[str, set[str]] = {
    **{tag: {"class"} for tag in ("span", "div", "code", "pre", "blockquote", "p", "td", "th", "li")},
    "a": {"href"},
    "img": {"src", "alt", "width"},
    "ol": {"start"},
}
LINK_SCHEMES = frozenset({"https", "http", "mailto", "obsidian"})

_ANKI_COMMAND = re.compile(r"\[(?=sound:|anki:|type:|\[type:|/?latex\]|/?\$\$?\])", re.IGNORECASE)
_WIDTH = re.compile(r"(\d{1,4})(?:x\d{1,4})?")
_TASK = re.compile(r"\[([ xX])\][ \t]+")
_PUNCTUATION = re.compile(r"[,.;:!?)\]»”’…%-]{0,3}")
_TAG = re.compile(r"<[^>]*>")
_PERCENT = re.compile(r"(?<=\d) (?=%)")
_RANGE = re.compile(r"(?<=\d)–(?=\d)")
_DASH = re.compile(r"(?<=\S) (?=[—–] )")
_SHORT_FORMULA = re.compile(r"(?<!\S)(\S{1,4}) ([×−+=]) (?=\S{1,4}(?!\S))")


def words(key: str, language: str, **values: object) -> str:
    """A text of the catalogue in the language of the *deck*, which need not be the session's."""
    return catalogue()[key][language].format(**values)


def sanitise(field_html: str) -> str:
    """The second wall: only the tags, attributes and link schemes that a card of ours may hold."""
    return nh3.clean(
        field_html,
        tags=set(ALLOWED_TAGS),
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes=set(LINK_SCHEMES),
        link_rel=None,
        strip_comments=True,
    )


def without_commands(field_html: str) -> str:
    """Anki runs ``[sound:x]`` and ``[$]`` wherever they stand, code included; as an entity the bracket is text."""
    return _ANKI_COMMAND.sub("&#91;", field_html)


def is_blank(field_html: str) -> bool:
    """Whether a learner would see nothing."""
    return "<img" not in field_html and not html.unescape(_TAG.sub("", field_html)).strip()


class Renderer:
    """Renders the fields of one file's cards.

    Args:
        pictures: finds what the embeds name.
        report: told what could not be rendered as written.
        file: named in the report.
        language: of the placeholders.
        link: the address of a wikilink's target, or ``None`` to show its alias as text.

    Attributes:
        media: name in the package → content, of all pictures rendered so far.
    """

    def __init__(
        self,
        pictures: Pictures,
        report: Report,
        file: Path,
        language: str,
        link: Callable[[str], str | None] = lambda target: None,
    ) -> None:
        self._pictures = pictures
        self._report = report
        self._file = file
        self._language = language
        self._link = link
        self.media: dict[str, bytes] = {}
        self._notes: list[str] | None = None
        self._told_of_cut = False
        self._parser = markdown_parser()
        for name in ("math_inline", "math_display", "math_block", "embed", "wikilink", "image", "fence", "footnote"):
            self._parser.renderer.rules[name] = getattr(self, f"_render_{name}")

    def field(self, passage: Passage) -> str:
        """The HTML of a question or an answer, its footnotes below it."""
        try:
            tokens = self._parser.parse(even_indents(passage.text), {"footnotes": dict(passage.footnotes)})
            deepest = max((token.level for token in tokens), default=0)
        except RecursionError:
            tokens, deepest = [], MAX_LEVEL
        if deepest >= MAX_LEVEL - 1:
            self._report.add("TOO_DEEP", self._file, passage.line)
            return ""
        self._notes = []
        self._prepare(tokens, passage)
        notes, self._notes = self._notes, None
        rendered = self._parser.renderer.render(tokens, self._parser.options, {})
        return self._finish(rendered + self._footnotes(notes, passage.line))

    def _footnotes(self, notes: Sequence[str], line: int) -> str:
        if not notes:
            return ""
        items = (f"<p><sup>{number}</sup> {self.inline(note, line)}</p>" for number, note in enumerate(notes, 1))
        return f'<div class="footnotes">{"".join(items)}</div>'

    def inline(self, text: str, line: int) -> str:
        """The HTML of a heading or another piece of one line."""
        tokens = self._parser.parseInline(text, {})
        self._prepare(tokens, Passage(text, (line,)))
        return self._finish(self._parser.renderer.render(tokens, self._parser.options, {}))

    def address(self, target: str) -> str | None:
        """Where the target of a wikilink can be read, if anywhere."""
        return self._link(target)

    @staticmethod
    def _finish(rendered: str) -> str:
        return without_commands(sanitise(rendered)).strip()

    # --- before rendering: every token learns its line, and what was written is judged --------------------------------

    def _prepare(self, tokens: Sequence[Token], passage: Passage) -> None:
        begin = 0
        for index, token in enumerate(tokens):
            if token.map:
                begin = token.map[0]
            style = str(token.attrs.pop("style", ""))  # a table's alignment: as a class, so that no style passes
            if style.startswith("text-align:"):
                token.attrSet("class", f"align-{style.removeprefix('text-align:')}")
            if token.type == "math_block":
                self._check_formula(token, _line_of(passage, begin))
                item = tokens[index - 1]
                if item.type == "list_item_open" and tokens[index + 1].type == "list_item_close":
                    item.attrSet("class", "formula")  # shown without its bullet
            elif token.type == "inline":
                children = token.children or []
                if index >= 2 and tokens[index - 2].type == "list_item_open" and children and _is_task(children[0]):
                    tokens[index - 2].attrSet("class", "task")  # the box stands for the bullet
                self._prepare_inline(children, passage, begin)

    def _prepare_inline(self, tokens: list[Token], passage: Passage, begin: int) -> None:
        offset = begin
        open_links: list[bool] = []
        for index, token in enumerate(tokens):
            line = _line_of(passage, offset)
            if token.type in ("math_inline", "math_display"):
                self._check_formula(token, line)
                if token.type == "math_inline":
                    _take_punctuation(token, tokens[index + 1] if index + 1 < len(tokens) else None)
            elif token.type == "embed":
                token.meta["html"] = self._embed(token.meta["target"], token.meta["label"], line)
            elif token.type == "image":
                token.meta["html"] = self._image(token, line)
            elif token.type == "footnote":
                token.meta["number"] = self._number_of(token.meta["text"])
            elif token.type == "link_open":
                open_links.append(self._keeps_link(str(token.attrs.get("href", "")), line))
                token.hidden = not open_links[-1]
            elif token.type == "link_close":
                token.hidden = not open_links.pop()
            elif token.type == "text" and index == 0 and (task := _TASK.match(token.content)):
                token.content = ("☐ " if task[1] == " " else "☑ ") + token.content[task.end() :]
            if token.type == "text":
                token.content = _kept_together(token.content)
            if token.type in ("softbreak", "hardbreak"):
                offset += 1
            else:
                offset += token.content.count("\n")

    def _number_of(self, note: str) -> int | None:
        """The number of a footnote in this field; a heading shows none."""
        if self._notes is None:
            return None
        if note not in self._notes:
            self._notes.append(note)
        return self._notes.index(note) + 1

    def _check_formula(self, token: Token, line: int) -> None:
        problem = tex_problem(token.content)
        if problem:
            self._report.add("TEX", self._file, line, problem=problem, tex=_shortened(token.content))

    def _keeps_link(self, address: str, line: int) -> bool:
        scheme = urlsplit(address).scheme.lower() if ":" in address else ""
        if scheme in LINK_SCHEMES:
            return True
        self._report.add("LINK_DROPPED", self._file, line, address=_shortened(unquote(address)))
        return False

    # --- pictures -----------------------------------------------------------------------------------------------------

    def _image(self, token: Token, line: int) -> str:
        address = unquote(str(token.attrs.get("src", "")))
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", address)
        if (scheme and scheme[1].lower() != "file") or address.startswith("//"):
            shown = "data:…" if address.lower().startswith("data:") else _shortened(address)
            self._report.add("REMOTE_PICTURE", self._file, line, name=shown)
            return self._placeholder("remote", shown)
        return self._embed(address.removeprefix("file://"), token.content, line)

    def _embed(self, target: str, label: str, line: int) -> str:
        """An ``<img>`` whose picture is packed, or a visible placeholder."""
        alt, _, last = label.rpartition("|")
        width = _WIDTH.fullmatch(last.strip())
        if not width:
            alt = label
        name = target.partition("#")[0]
        try:
            picture = self._pictures.read(name) if self._is_picture(name) else None
        except PictureError as error:
            self._report.add(error.code, self._file, line, name=_shortened(name))
            return self._placeholder("refused", name)
        if picture is None:
            code, kind = ("MISSING_PICTURE", "missing") if self._is_picture(name) else ("EMBED_TYPE", "embed")
            self._report.add(code, self._file, line, name=_shortened(name))
            if kind == "missing" and self._pictures.is_cut_short and not self._told_of_cut:
                self._told_of_cut = True
                self._report.add("VAULT_TOO_LARGE", self._file, line, limit=MAX_ENTRIES)
            return self._placeholder(kind, name)
        data, suffix = picture
        if name in self._pictures.picked:
            path = self._pictures.picked[name].as_posix()
            self._report.add("PICTURE_PICKED", self._file, line, name=_shortened(name), path=_shortened(path))
        packed = packed_name(data, suffix)
        self.media[packed] = data
        alt = alt.strip() or Path(name).stem
        size = f' width="{int(width[1])}"' if width else ""
        return f'<img src="{packed}" alt="{html.escape(alt)}"{size}>'

    def _is_picture(self, name: str) -> bool:
        return self._pictures.knows(name) or Path(name).suffix.lower() in PICTURE_TYPES

    def _placeholder(self, kind: str, name: str) -> str:
        text = words(f"cards.placeholder.{kind}", self._language, name=_shortened(name))
        return f'<span class="missing">{html.escape(text)}</span>'

    # --- render rules: (tokens, index, options, environment) → HTML ---------------------------------------------------

    def _render_math_inline(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        formula = rf"\({_escape_tex(tokens[index].content)}\)"
        after = tokens[index].meta.get("after", "")
        return f'<span class="together">{formula}{html.escape(after)}</span>' if after else formula

    def _render_math_display(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        return rf"\[{_escape_tex(tokens[index].content)}\]"

    def _render_math_block(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        return f"<div>\\[{_escape_tex(tokens[index].content)}\\]</div>\n"

    def _render_embed(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        return tokens[index].meta["html"]

    _render_image = _render_embed

    def _render_footnote(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        number = tokens[index].meta["number"]
        return f"<sup>{number}</sup>" if number else ""

    def _render_wikilink(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        meta = tokens[index].meta
        label = html.escape(meta["label"] or meta["target"].strip("#").replace("#", " › "))
        address = self._link(meta["target"])
        return f'<a href="{html.escape(address)}">{label}</a>' if address else label

    def _render_fence(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        token = tokens[index]
        return highlighted(token.content.rstrip() + "\n", token.info.strip().split(" ")[0])


def highlighted(code: str, language: str) -> str:
    """Code with Pygments *classes*: the sheet of the card colours them, by day and by night."""
    plain = f'<div class="highlight"><pre>{html.escape(code)}</pre></div>\n'
    if not language or len(code) > MAX_HIGHLIGHTED_CHARACTERS:
        return plain
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return highlight(code, get_lexer_by_name(language, stripnl=False), HtmlFormatter())
    except ClassNotFound:
        return plain


def _kept_together(text: str) -> str:
    """``75 %``, ``30–60`` and ``2 × 64`` are not broken at the end of a line, and no line begins with a dash."""
    text = _DASH.sub("\u00a0", _RANGE.sub("–\u2060", _PERCENT.sub("\u00a0", text)))
    return _SHORT_FORMULA.sub("\\1\u00a0\\2\u00a0", text)


def _is_task(token: Token) -> bool:
    return token.type == "text" and _TASK.match(token.content) is not None


def _take_punctuation(formula: Token, following: Token | None) -> None:
    """A browser may break a line between a formula and its comma: the two are shown in one piece."""
    if following is not None and following.type == "text":
        match = _PUNCTUATION.match(following.content)
        formula.meta["after"] = match[0]
        following.content = following.content[match.end() :]


def _escape_tex(tex: str) -> str:
    return html.escape(tex, quote=False)


def _line_of(passage: Passage, offset: int) -> int:
    return passage.lines[min(offset, len(passage.lines) - 1)] if passage.lines else 0


def _shortened(text: str, limit: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
