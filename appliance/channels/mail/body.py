"""Which parts of a mail are its text, which its HTML, and which come along (the algorithm of RFC 8621, 4.1.4)."""

import hashlib
import re
from typing import NamedTuple

from appliance.channels.mail.charset import decode
from appliance.channels.mail.flowed import unflow
from appliance.channels.mail.headers import split_head
from appliance.channels.mail.parts import DEPTH_MAX, Count, Part, read_part
from appliance.channels.mail.transfer import take_uuencoded
from appliance.language.clean import normalise
from appliance.language.html import read_html
from appliance.records.message import Attachment

_MEDIA = ("image/", "audio/", "video/")
_WORDS = re.compile(r"\w")
_SEE_HTML = re.compile(r"\bhtml\b|\bbrowser\b|selaim|webbläsare", re.IGNORECASE)
_PLACEHOLDER_MAX = 400  # characters of a plain text that only says that one should look at the other
_ENRICHED = re.compile(r"<(?!<)/?[a-zA-Z-]{1,60}>|<param>[^<]{0,200}</param>")


class Body(NamedTuple):
    """What a mail says and carries. ``html`` is sanitised; ``files`` are the bytes of the attachments kept, by their place."""

    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    files: dict[int, bytes] = {}


class Room(NamedTuple):
    """How much of a mail is kept: bytes of one attachment and of all, how many of them, characters of a text part."""

    attachment_bytes: int
    attachments_bytes: int
    attachments: int
    text_characters: int


class _Chosen:
    """The parts on their lists; None for a list that the structure ruled out."""

    def __init__(self) -> None:
        self.text: list[Part] = []
        self.html: list[Part] = []
        self.others: list[Part] = []


def read_body(root: Part, count: Count, room: Room) -> Body:
    """The text, the HTML and the attachments of a mail."""
    chosen = _Chosen()
    _choose((root,), "mixed", False, chosen.html, chosen.text, chosen.others)
    reader = _Reader(count, room)
    plain = reader.texts(chosen.text)
    pages = [part for part in chosen.html if part.media_type == "text/html"]
    if any(part.media_type == "text/html" for part in chosen.text):
        pages = [part for part in chosen.text if part.media_type == "text/html"]
    safe, shown = reader.pages(pages)
    only_plain = all(part.media_type != "text/html" for part in chosen.text)
    if only_plain and shown and (not _WORDS.search(plain) or _is_placeholder(plain, shown)):
        plain = shown
    pictures = [part for part in (*chosen.text, *chosen.html) if not part.media_type.startswith("text/")]
    for part in {id(part): part for part in (*chosen.others, *pictures)}.values():
        reader.attach(part)
    if not _WORDS.search(plain):
        plain = reader.last_resort(chosen.others) or plain
    return Body(plain, safe, tuple(reader.attachments), reader.files)


def _choose(
    parts: tuple[Part, ...], kind: str, in_alternative: bool, html: list[Part] | None, text: list[Part] | None, others: list[Part]
) -> None:
    text_before = len(text) if text is not None else -1
    html_before = len(html) if html is not None else -1
    for number, part in enumerate(parts):
        media = part.media_type.startswith(_MEDIA)
        inline = part.disposition != "attachment" and (part.media_type in ("text/plain", "text/html") or media)
        inline = inline and (number == 0 or (kind != "related" and (media or not part.name)))
        if part.is_multipart:
            below = part.media_type.partition("/")[2]
            _choose(part.parts, below, in_alternative or below == "alternative", html, text, others)
        elif not inline:
            others.append(part)
        elif kind == "alternative":
            target = text if part.media_type == "text/plain" else html if part.media_type == "text/html" else others
            (others if target is None else target).append(part)
        else:
            if in_alternative and part.media_type == "text/plain":
                html = None
            elif in_alternative and part.media_type == "text/html":
                text = None
            if text is not None:
                text.append(part)
            if html is not None:
                html.append(part)
            if (text is None or html is None) and media:
                others.append(part)
    if kind == "alternative" and text is not None and html is not None:
        if text_before == len(text) and html_before != len(html):
            text.extend(html[html_before:])
        elif html_before == len(html) and text_before != len(text):
            html.extend(text[text_before:])


def _is_placeholder(plain: str, shown: str) -> bool:
    return len(plain) < _PLACEHOLDER_MAX and len(shown) > 2 * len(plain) and _SEE_HTML.search(plain) is not None


class _Reader:
    """Turns the chosen parts into words, and notes what was odd about them."""

    def __init__(self, count: Count, room: Room) -> None:
        self.count = count
        self.room = room
        self.attachments: list[Attachment] = []
        self.files: dict[int, bytes] = {}
        self.bytes_left = room.attachments_bytes
        self.read: dict[int, tuple[str, str]] = {}

    def letters(self, part: Part) -> str:
        text, oddity = decode(part.data[: 4 * self.room.text_characters], part.charset)
        self.count.note(oddity)
        if len(text) > self.room.text_characters or len(part.data) > 4 * self.room.text_characters:
            self.count.note("text_over_limit")
        return text[: self.room.text_characters]

    def texts(self, parts: list[Part]) -> str:
        return normalise("\n\n".join(filter(None, (self.words(part) for part in parts if part.media_type.startswith("text/")))))

    def words(self, part: Part) -> str:
        if part.media_type == "text/html":
            return self.page(part)[1]
        data, files = take_uuencoded(part.data)
        for file in files:
            self.count.note("uuencoded_in_text")
            self.add(decode(file.name).text or "", "application/octet-stream", file.data)
        text = self.letters(part._replace(data=data))
        if part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
        return normalise(text)

    def page(self, part: Part) -> tuple[str, str]:
        """The harmless HTML and the text of an HTML part; it is wanted in several places and read once."""
        if id(part) not in self.read:
            self.read[id(part)] = self._page(part)
        return self.read[id(part)]

    def _page(self, part: Part) -> tuple[str, str]:
        read = read_html(self.letters(part))
        if read.hidden:
            self.count.note("hidden_text")
        if read.cut:
            self.count.note("html_over_limit")
        return read.safe, read.text

    def pages(self, parts: list[Part]) -> tuple[str, str]:
        read = [self.page(part) for part in parts]
        return "\n".join(safe for safe, _ in read), "\n\n".join(text for _, text in read)

    def attach(self, part: Part) -> None:
        name = part.name
        if not name and part.media_type == "message/rfc822":
            subject = split_head(part.data[:20_000])[0].text("subject")
            name = f"{subject[:120].replace('/', '_')}.eml" if subject else "message.eml"
        self.add(name, part.media_type, part.data)

    def add(self, name: str, media_type: str, data: bytes) -> None:
        fits = len(data) <= min(self.room.attachment_bytes, self.bytes_left)
        kept = fits and len(self.files) < self.room.attachments
        if kept:
            self.files[len(self.attachments)] = data
            self.bytes_left -= len(data)
        else:
            self.count.note("attachment_over_limit")
        digest = hashlib.sha256(data).hexdigest() if kept else ""
        self.attachments.append(Attachment(name=name, media_type=media_type, size_bytes=len(data), sha256=digest, kept=kept))

    def last_resort(self, others: list[Part]) -> str:
        """The words of a mail that has none in the usual place: enriched text, a text or a mail sent as an attachment."""
        for part in others:
            if part.media_type in ("text/enriched", "text/richtext"):
                return normalise(_ENRICHED.sub("", self.letters(part)).replace("<<", "<"))
        texts = [part for part in others if part.media_type in ("text/plain", "text/html") and not part.name]
        if len(texts) == 1:
            self.count.note("text_sent_as_attachment")
            return self.texts(texts)
        mails = [part for part in others if part.media_type == "message/rfc822"]
        if len(mails) == 1 and self.count.left > 0:
            self.count.note("text_from_attached_mail")
            inside = read_part(*split_head(mails[0].data), self.count, depth=DEPTH_MAX // 2)
            return read_body(inside, self.count, self.room).text
        return ""
