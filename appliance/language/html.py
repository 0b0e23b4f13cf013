"""HTML mail made readable: as plain text for the desk, and as harmless HTML for a person's eye."""

import re
from collections.abc import Mapping
from html import escape

from appliance.language.clean import normalise
from appliance.language.layout import lay_out
from appliance.language.markup import Event, read_markup
from appliance.records.base import Record

_KEPT: dict[str, tuple[str, ...]] = {
    "a": ("href", "title"), "abbr": ("title",), "b": (), "big": (), "blockquote": (), "br": (), "caption": (), "cite": (), "code": (),
    "dd": (), "del": (), "div": (), "dl": (), "dt": (), "em": (), "h1": (), "h2": (), "h3": (), "h4": (), "h5": (), "h6": (), "hr": (),
    "i": (), "ins": (), "kbd": (), "li": (), "mark": (), "ol": ("start",), "p": (), "pre": (), "q": (), "s": (), "samp": (), "small": (),
    "span": (), "strike": (), "strong": (), "sub": (), "sup": (), "table": (), "tbody": (), "td": ("colspan", "rowspan"), "tfoot": (),
    "th": ("colspan", "rowspan"), "thead": (), "tr": (), "tt": (), "u": (), "ul": (), "wbr": (),
}  # fmt: skip
_EMPTY = frozenset(("br", "hr", "wbr", "img"))
_SCHEMES = {"http", "https", "mailto", "tel"}
_SPAN_MAX = 50  # columns or rows that one cell may cover
_PICTURE = {"mail-image", "mail-image-blocked", "mail-image-attached"}
_BLANKS = re.compile(r"\s+")


class ReadHtml(Record):
    """An HTML mail as read. ``hidden``: it held words that are not shown; ``cut``: it was longer than is read."""

    text: str
    safe: str
    hidden: bool = False
    cut: bool = False


def read_html(html: str) -> ReadHtml:
    """The text and the harmless HTML of a mail in one go."""
    markup = read_markup(html)
    return ReadHtml(text=normalise(lay_out(markup.events)), safe=_safe(markup.events), hidden=markup.hidden, cut=markup.cut)


def html_to_text(html: str) -> str:
    """The words that a reader of this HTML would see, laid out in lines; quotes are marked with ``>``."""
    return normalise(lay_out(read_markup(html).events))


def sanitise(html: str) -> str:
    """The HTML for a person's eye: no script, form, style or picture from elsewhere; links open apart and tell nobody.

    Pictures are replaced by ``<span class="mail-image mail-image-blocked">`` with their alternative text,
    ``mail-image-attached`` when the mail itself brings them.
    """
    return _safe(read_markup(html).events)


def _safe(events: tuple[Event, ...]) -> str:
    """Written anew from the few elements that are allowed, then judged once more by a sanitiser that did not write it."""
    pieces: list[str] = []
    for event in events:
        if event.kind == "text":
            pieces.append(escape(event.value, quote=False))
        elif event.value == "img":
            if event.kind == "open":
                pieces.append(_picture(event.attributes))
        elif event.value in _KEPT:
            pieces.append(_open(event) if event.kind == "open" else "" if event.value in _EMPTY else f"</{event.value}>")
    import nh3  # late: not before the first HTML mail

    return nh3.clean(
        "".join(pieces),
        tags=set(_KEPT),
        attributes={tag: set(names) for tag, names in _KEPT.items() if names},
        allowed_classes={"span": _PICTURE},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).strip()


def _open(event: Event) -> str:
    attributes = ""
    for name in _KEPT[event.value]:
        value = event.attributes.get(name)
        if value and (name not in ("colspan", "rowspan", "start") or (value.isdecimal() and int(value[:6]) <= _SPAN_MAX)):
            attributes += f' {name}="{escape(value[:2000])}"'
    return f"<{event.value}{attributes}>"


def _picture(attributes: Mapping[str, str | None]) -> str:
    """What stands in a picture's place. Tracking pixels, which nobody is meant to see, leave nothing."""
    source = (attributes.get("src") or "").strip().lower()
    if any((attributes.get(side) or "").strip().removesuffix("px") in ("0", "1") for side in ("width", "height")):
        return ""
    kind = "attached" if source.startswith("cid:") else "blocked"
    words = _BLANKS.sub(" ", attributes.get("alt") or "").strip()[:200]
    return f'<span class="mail-image mail-image-{kind}">[{escape(words) or "&#128444;"}]</span>'
