"""The words of a visible HTML document laid out as plain text: paragraphs, lists, tables, quotes."""

import re
from collections.abc import Iterable, Mapping

from appliance.language.markup import Event

_BLOCKS: dict[str, int] = {
    # How many line ends stand before and after: 1 a new line, 2 a blank line between.
    **dict.fromkeys(("address", "article", "aside", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure",
                     "footer", "form", "header", "li", "main", "nav", "section", "tbody", "thead", "tfoot", "caption", "legend",
                     "details", "summary"), 1),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul", "hr"), 2),
}  # fmt: skip
_SIGNATURES = re.compile(
    r"\b(?:gmail_signature|moz-signature|ms-outlook-mobile-signature|signature|protonmail_signature_block)\b", re.IGNORECASE
)
_TOP_BORDER = re.compile(r"border-top(?:-style)?\s*:[^;]*\b(?:solid|dashed|dotted|double)\b", re.IGNORECASE)
_MARGINLESS = re.compile(r"margin\s*:\s*0", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\r\n\f]+")
_INDENTED = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)", re.IGNORECASE)
_LINK_MAX = 300


class _Lines:
    """Text under construction: collapses blanks as a browser does and remembers how many line ends are owed."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.owed = 0
        self.blank = True  # at the start of a line or behind a space

    def words(self, text: str) -> None:
        text = _SPACES.sub(" ", text)
        if self.blank or self.owed:
            text = text.lstrip(" ")
        if text:
            self.put(text)

    def put(self, text: str) -> None:
        if self.owed and self.pieces:
            self.pieces.append("\n" * self.owed)
        self.owed = 0
        self.pieces.append(text)
        self.blank = text.endswith((" ", "\n"))

    def new_line(self, ends: int) -> None:
        self.owed = max(self.owed, ends)
        self.blank = True

    def break_line(self) -> None:
        """``<br>``: one more line end each time."""
        self.owed = min(self.owed + 1, 3)
        self.blank = True

    def text(self) -> str:
        return "".join(self.pieces)


def lay_out(events: Iterable[Event]) -> str:
    """Plain text as a reader would see it. Quotes get ``>``, list items a dash or number, rows of words a `` | ``."""
    layout = _Layout()
    for event in events:
        if event.kind == "text":
            layout.text(event.value)
        elif event.kind == "open":
            layout.open(event.value, event.attributes)
        else:
            layout.close(event.value)
    return layout.finish()


class _Layout:
    """One walk over the events. Cells and quotes are laid out on a sheet of their own and put in when they end."""

    def __init__(self) -> None:
        self.sheets: list[_Lines] = [_Lines()]
        self.rows: list[list[str]] = []
        self.lists: list[int | None] = []
        self.links: list[tuple[str, int]] = []
        self.quotes: list[bool] = []
        self.verbatim = 0
        self.depth = 0
        self.signatures: list[int] = []
        self.paragraphs: list[int] = []

    @property
    def sheet(self) -> _Lines:
        return self.sheets[-1]

    def text(self, words: str) -> None:
        if self.verbatim:
            self.sheet.put(words)
        else:
            self.sheet.words(words)

    def open(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        self.depth += 1
        if tag in _BLOCKS:
            ends = 1 if tag == "p" and _is_line(attributes) else _BLOCKS[tag]
            self.paragraphs.append(ends)
            self.sheet.new_line(ends)
        if tag == "div" and _TOP_BORDER.search(attributes.get("style") or ""):
            self.sheet.put("* * *\n")
        if tag not in ("td", "th", "tr", "blockquote") and _signs(attributes):
            self.signatures.append(self.depth)
            self.sheets.append(_Lines())
        match tag:
            case "br":
                self.sheet.break_line()
            case "hr":
                self.sheet.put("* * *")
                self.sheet.new_line(1)
            case "pre":
                self.verbatim += 1
            case "ul":
                self.lists.append(None)
            case "ol":
                self.lists.append(0)
            case "li":
                self._item()
            case "a":
                self.links.append(((attributes.get("href") or "").strip(), len(self.sheet.pieces)))
            case "blockquote":
                self.quotes.append(_is_quote(attributes))
                self.sheets.append(_Lines())
            case "tr":
                self.rows.append([])
            case "td" | "th":
                self.sheets.append(_Lines())

    def close(self, tag: str) -> None:
        match tag:
            case "pre":
                self.verbatim = max(0, self.verbatim - 1)
            case "ul" | "ol":
                if self.lists:
                    self.lists.pop()
            case "a":
                self._link()
            case "blockquote":
                self._quote()
            case "td" | "th":
                self._cell()
            case "tr":
                self._row()
        if self.signatures and self.signatures[-1] == self.depth:
            self._signature()
        self.depth -= 1
        if tag in _BLOCKS and self.paragraphs:
            self.sheet.new_line(self.paragraphs.pop())

    def finish(self) -> str:
        while len(self.sheets) > 1:
            done = self.sheets.pop().text()
            self.sheet.new_line(1)
            self.sheet.put(done)
        return self.sheet.text()

    def _item(self) -> None:
        mark = "- "
        if self.lists and self.lists[-1] is not None:
            self.lists[-1] += 1
            mark = f"{self.lists[-1]}. "
        self.sheet.put("  " * max(0, len(self.lists) - 1) + mark)

    def _link(self) -> None:
        """The address behind a link, unless its words already are the address."""
        if not self.links:
            return
        target, start = self.links.pop()
        words = "".join(self.sheet.pieces[start:]).strip()
        if not words or not target.lower().startswith(("http://", "https://")) or len(target) > _LINK_MAX:
            return
        bare = target.split("//", 1)[1].rstrip("/").lower()
        if bare.removeprefix("www.") not in words.lower():
            self.sheet.put(f" <{target}>")

    def _quote(self) -> None:
        if not self.quotes:
            return
        quoted = self.quotes.pop()
        text = self.sheets.pop().text().strip("\n")
        if not text.strip():
            return
        self.sheet.new_line(1)
        self.sheet.put("\n".join(f"> {line}".rstrip() for line in text.split("\n")) if quoted else text)
        self.sheet.new_line(1)

    def _signature(self) -> None:
        """What the mail program marked as the signature gets the line that text mail marks it with."""
        self.signatures.pop()
        text = self.sheets.pop().text().strip()
        if not text:
            return
        self.sheet.new_line(1)
        self.sheet.put(text if text.startswith("--") else f"-- \n{text}")
        self.sheet.new_line(1)

    def _cell(self) -> None:
        if len(self.sheets) == 1:
            return
        text = self.sheets.pop().text().strip()
        if self.rows:
            self.rows[-1].append(text)
        else:
            self.sheet.put(text)

    def _row(self) -> None:
        """A row of short cells is one line; cells that hold whole passages (tables made for layout) stand below each other."""
        if not self.rows:
            return
        cells = [cell for cell in self.rows.pop() if cell]
        if not cells:
            return
        self.sheet.new_line(1)
        self.sheet.put((" | " if all("\n" not in cell for cell in cells) else "\n").join(cells))
        self.sheet.new_line(1)


def _is_line(attributes: Mapping[str, str | None]) -> bool:
    """Word writes each line as a paragraph without margin; a reader sees no blank line there."""
    return (attributes.get("class") or "").startswith("Mso") or _MARGINLESS.search(attributes.get("style") or "") is not None


def _signs(attributes: Mapping[str, str | None]) -> bool:
    """Whether a mail program marked this element as the signature."""
    if not attributes:
        return False
    marks = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    return "data-signatureblock" in attributes or _SIGNATURES.search(marks) is not None


def _is_quote(attributes: Mapping[str, str | None]) -> bool:
    """A block quote is somebody else's words, unless it is drawn without a border: then it only indents."""
    if attributes.get("type") == "cite" or "cite" in attributes or "quote" in (attributes.get("class") or ""):
        return True
    return _INDENTED.search(attributes.get("style") or "") is None
