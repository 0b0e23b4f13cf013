"""What of an HTML mail a reader sees: its elements and words in order, without what is hidden, scripted or drawn.

Hidden text is how instructions to a machine travel past a person's eyes, so whatever is not shown is left out here, once,
for both the text that the desk reads and the HTML that a person sees.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

CHARACTERS_MAX = 1_000_000  # of HTML that are read; mails of people stay below a tenth of it
_EVENTS_MAX = 200_000
_SELECTORS_MAX = 60
_DEPTH_MAX = 60  # of elements that are kept as such; below, only their words

_NESTING_MAX = 1_000  # open elements: a parser's time grows with their square, and no mail program nests so deep

_DROPPED = frozenset((
    "head", "title", "script", "style", "template", "object", "embed", "applet", "iframe", "frame", "frameset", "noframes", "svg",
    "math", "canvas", "audio", "video", "input", "select", "option", "optgroup", "textarea", "datalist", "meta", "link", "base",
    "param", "source", "track", "map", "area", "dialog", "progress", "meter",
))  # fmt: skip
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSES_ITSELF = frozenset((
    "br", "hr", "img", "wbr", "input", "meta", "link", "base", "param", "source", "track", "area", "col", "embed",
    "p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "optgroup", "html", "head", "body",
))  # fmt: skip
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_NAMED_COLOURS = {
    "white": _WHITE, "black": _BLACK, "snow": (255, 250, 250), "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245),
    "ghostwhite": (248, 248, 255), "floralwhite": (255, 250, 240), "red": (255, 0, 0), "navy": (0, 0, 128),
    "blue": (0, 0, 255), "green": (0, 128, 0), "yellow": (255, 255, 0), "gray": (128, 128, 128), "grey": (128, 128, 128),
    "silver": (192, 192, 192), "lightgray": (211, 211, 211), "lightgrey": (211, 211, 211), "maroon": (128, 0, 0),
}  # fmt: skip
_LIKE_THE_GROUND = 12  # difference of each colour channel, of 255, up to which letters cannot be told from their ground

_GONE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|opacity:0?\.?0*(?:;|$|!)|text-indent:-\d{3,}|clip:rect\(0|"
    r"(?:left|top|right|margin-left|margin-top):-\d{3,}|transform:scale\(0[,)]|clip-path:inset\((?:50|100)%"
)
_COLLAPSED = re.compile(r"(?:^|;)(?:max-)?(?:height|width):0(?:px|pt|em|%)?(?:;|$|!)")
_FONT_SIZE = re.compile(r"(?:^|;)font-size:([\d.]+)(px|pt|em|rem|%|ex|vw)?")
_FONT_SHORTHAND = re.compile(r"(?:^|;)font:[^;]*?([\d.]+)(px|pt|em|rem|%)")
_COLOUR = re.compile(r"(?:^|;)color:([^;!]+)")
_GROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,([\d.]+))?\)")
_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_RULE = re.compile(r"([^{}]{1,400})\{([^{}]{0,2000})\}")
_SELECTOR = re.compile(r"[\w.#*\s>-]{1,100}")

_Colour = tuple[int, int, int]


class Event(NamedTuple):
    """One thing met on the way through the document. ``kind`` is open, close or text; ``value`` the tag or the words."""

    kind: str
    value: str
    attributes: Mapping[str, str | None] = {}


class Markup(NamedTuple):
    """The visible document. ``hidden``: it carried words that no reader sees; ``cut``: it was longer than is read."""

    events: tuple[Event, ...]
    hidden: bool = False
    cut: bool = False


class _Look(NamedTuple):
    """How letters would look at some place: their colour, the ground (None: a picture, unknown), and whether they are tiny."""

    colour: _Colour | None = None
    ground: _Colour | None = _WHITE
    tiny: bool = False

    def unseen(self) -> bool:
        if self.tiny:
            return True
        if self.colour is None or self.ground is None:
            return False
        return all(abs(one - other) <= _LIKE_THE_GROUND for one, other in zip(self.colour, self.ground, strict=True))


def read_markup(html: str) -> Markup:
    """Walk through the document and keep what is seen, in order."""
    length = _readable(html)
    from selectolax.lexbor import LexborHTMLParser  # late: not before the first HTML mail

    tree = LexborHTMLParser(html[:length])
    unseen = _hidden_by_stylesheet(tree)
    events: list[Event] = []
    hidden = False
    for event in _walk(tree.root, unseen):
        if event.kind == "hidden":
            hidden = True
            continue
        events.append(event)
        if len(events) >= _EVENTS_MAX:
            return Markup(tuple(events), hidden, True)
    return Markup(tuple(events), hidden, length < len(html))


def _readable(html: str) -> int:
    """How many characters may be handed to the parser: up to the limit of length or of nesting."""
    depth = 0
    for tag in _TAG.finditer(html, 0, CHARACTERS_MAX):
        if tag.group(2).lower() not in _CLOSES_ITSELF:
            depth += -1 if tag.group(1) else 1
            if depth > _NESTING_MAX:
                return tag.start()
            depth = max(depth, 0)
    return min(len(html), CHARACTERS_MAX)


def _walk(root: "LexborNode | None", unseen: set[int]) -> Iterator[Event]:
    """Depth first, without recursion: mails with a hundred thousand nested elements exist to be sent to us."""
    node = root
    looks: list[_Look] = [_Look()]
    opened: list[str] = []
    while node is not None:
        down = None
        if node.is_text_node:
            words = node.text_content or ""
            yield Event("hidden" if looks[-1].unseen() and words.strip() else "text", words)
        elif node.is_element_node:
            tag = node.tag or ""
            attributes = node.attributes
            if tag in _DROPPED or _is_gone(attributes) or node.mem_id in unseen:
                if tag not in _DROPPED and node.text(deep=True).strip():
                    yield Event("hidden", tag)
            else:
                down = node.first_child
                if len(opened) < _DEPTH_MAX:
                    yield Event("open", tag, attributes)
                if down is not None:
                    looks.append(_look(looks[-1], tag, attributes))
                    opened.append(tag)
                elif len(opened) < _DEPTH_MAX:
                    yield Event("close", tag)
        if down is not None:
            node = down
            continue
        while node is not None and node.next is None:
            node = node.parent if opened else None
            if node is not None:
                looks.pop()
                tag = opened.pop()
                if len(opened) < _DEPTH_MAX:
                    yield Event("close", tag)
        node = node.next if node is not None else None


def _style(attributes: Mapping[str, str | None]) -> str:
    return _SPACE.sub("", (attributes.get("style") or "")[:4000].lower())


def _is_gone(attributes: Mapping[str, str | None]) -> bool:
    """Whether an element and all in it is not shown at all."""
    if not attributes:
        return False
    if "hidden" in attributes:
        return True
    style = _style(attributes)
    return bool(style) and _gone_style(style)


def _gone_style(style: str) -> bool:
    return _GONE.search(style) is not None or ("overflow:hidden" in style and _COLLAPSED.search(style) is not None)


def _look(above: _Look, tag: str, attributes: Mapping[str, str | None]) -> _Look:
    if not attributes:
        return above
    style = _style(attributes)
    colour, ground, tiny = above
    own_ground = _GROUND.search(style)
    if own_ground is not None:
        ground = None if "url(" in own_ground.group(1) or "gradient" in own_ground.group(1) else _colour(own_ground.group(1), ground)
    elif attributes.get("bgcolor"):
        ground = _colour(attributes["bgcolor"] or "", ground)
    elif attributes.get("background"):
        ground = None
    own_colour = _COLOUR.search(style)
    if own_colour is not None:
        colour = ground if own_colour.group(1) == "transparent" else _colour(own_colour.group(1), None)
    elif tag in ("font", "body") and (attributes.get("color") or attributes.get("text")):
        colour = _colour(attributes.get("color") or attributes.get("text") or "", None)
    size = _FONT_SIZE.search(style) or _FONT_SHORTHAND.search(style)
    if size is not None:
        tiny = _is_tiny(size.group(1), size.group(2) or "px", above.tiny)
    return _Look(colour, ground, tiny)


def _is_tiny(number: str, unit: str, above: bool) -> bool:
    """Letters of up to a pixel are not read. A relative size of a tiny letter is as tiny."""
    try:
        size = float(number)
    except ValueError:
        return above
    if unit in ("px", "pt"):
        return size <= 1
    if unit == "rem":
        return size <= 0.1
    return above or size <= (10 if unit == "%" else 0.1)


def _colour(value: str, otherwise: _Colour | None) -> _Colour | None:
    """A CSS colour as red, green and blue. What is not understood is ``otherwise``."""
    value = value.strip().lower()
    if value in ("transparent", "inherit", "initial", "none", "currentcolor"):
        return otherwise
    found = _RGB.search(value)
    if found is not None:
        if found.group(4) is not None and found.group(4).strip("0.") == "":
            return otherwise
        red, green, blue = (min(255, int(number)) for number in found.group(1, 2, 3))
        return red, green, blue
    digits = re.search(r"#([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-f])", value) or re.fullmatch(r"([0-9a-f]{6})", value)
    if digits is not None:
        code = digits.group(1) if len(digits.group(1)) == 6 else "".join(2 * digit for digit in digits.group(1))
        return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)
    return next((_NAMED_COLOURS[word] for word in re.split(r"[^a-z]+", value) if word in _NAMED_COLOURS), None)


def _hidden_by_stylesheet(tree: "LexborHTMLParser") -> set[int]:
    """The elements that a style sheet of the mail hides on every screen."""
    sheets = [node.text(deep=True) for node in tree.css("style")[:10]]
    selectors: list[str] = []
    for sheet in sheets:
        for names, body in _RULE.findall(_without_media(_COMMENT.sub("", sheet[:100_000]))):
            if _gone_style(_SPACE.sub("", body.lower())) or re.search(r"font-size:0(?:px|pt|;|$)", _SPACE.sub("", body.lower())):
                selectors.extend(name.strip() for name in names.split(","))
    unseen: set[int] = set()
    for selector in selectors[:_SELECTORS_MAX]:
        if _SELECTOR.fullmatch(selector) and selector not in ("*", "body", "html") and selector.count(" ") <= 3:
            try:
                unseen.update(node.mem_id for node in tree.css(selector))
            except Exception:  # the parser of selectors refuses what no browser would take either
                continue
    return unseen


def _without_media(sheet: str) -> str:
    """The sheet without its ``@media`` blocks: those hold for some screens only."""
    kept: list[str] = []
    position = 0
    while (start := sheet.find("@media", position)) >= 0:
        kept.append(sheet[position:start])
        depth, position = 0, len(sheet)
        for brace in re.finditer(r"[{}]", sheet[start:]):
            depth += 1 if brace.group() == "{" else -1
            if depth <= 0:
                position = start + brace.end()
                break
    kept.append(sheet[position:])
    return "".join(kept)
