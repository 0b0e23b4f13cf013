"""How mail programs write: the same letter in the bytes of Outlook, of Gmail, of a phone.

Everything is put together by hand, because the standard library's writer folds and encodes in its own manner, and in another
one with each Python version. The same letter always gives the same bytes.
"""

import base64
import binascii
import html
import textwrap
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Literal

from appliance.records.base import Record
from appliance.records.language import Code

_WORD_BYTES = 42  # of text in one encoded word: with its charset and base64 it stays below the 75 characters of RFC 2047
_WRAP = 72
_LINE = "\r\n"
_FILES: dict[str, tuple[str, bytes]] = {
    "png": (
        "image/png",
        base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
    ),
    "pdf": (
        "application/pdf",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF\n",
    ),
}
"""What is attached, by the file name's suffix: the smallest file of its kind."""


class Letter(Record):
    """What is said, by whom and to whom, before a mail program has had its hands on it.

    ``hidden`` stands only in an HTML part, where no eye sees it. ``quoted`` is an earlier mail of the company's below the text.
    """

    number: int
    language: Code
    sender_name: str
    sender_address: str
    company: str
    company_address: str
    authserv_id: str
    sent: datetime
    subject: str
    text: str
    signature: str = ""
    quoted: str = ""
    hidden: str = ""
    attachment: str = ""
    dmarc: Literal["pass", "fail"] = "pass"

    @property
    def host(self) -> str:
        """The sender's mail host."""
        return self.sender_address.rpartition("@")[2]

    @property
    def answered_subject(self) -> str:
        """The subject of the mail that this one answers."""
        return self.subject.partition(": ")[2] or self.subject


class Client(Record):
    """One mail program.

    ``encoding`` is the transfer encoding of its texts, ``html`` says that it sends an HTML part beside the plain one,
    ``wrap`` how it breaks long lines of plain text. In ``message_id`` and ``headers``, {a} {b} {c} are eight hexadecimal
    digits each that depend on the letter alone, and {host} is the sender's.
    """

    charset: str = "utf-8"
    encoding: Literal["quoted-printable", "base64", "8bit"] = "quoted-printable"
    html: bool = False
    wrap: Literal["none", "hard", "flowed"] = "none"
    quotes: Literal["line", "block"] = "line"
    signature_mark: str = ""
    mime_version: str = "1.0"
    message_id: str = "<{a}-{b}@{host}>"
    headers: tuple[tuple[str, str], ...] = ()
    footer: dict[Code, str] = {}


CLIENTS: dict[str, Client] = {
    "gmail": Client(html=True, wrap="hard", message_id="<CA+{a}{b}_{c}@mail.gmail.com>"),
    "outlook": Client(
        charset="windows-1252",
        html=True,
        quotes="block",
        message_id="<AM0PR07MB{a}{b}{c}@AM0PR07MB4321.eurprd07.prod.outlook.com>",
        headers=(("Thread-Index", "{thread}"), ("X-MS-Has-Attach", ""), ("X-MS-TNEF-Correlator", "")),
    ),
    "outlook_old": Client(
        charset="windows-1252",
        quotes="block",
        message_id="<000001db{a}${b}@{host}>",
        headers=(("X-Mailer", "Microsoft Outlook 16.0"), ("Thread-Index", "{thread}")),
    ),
    "iphone": Client(
        mime_version="1.0 (1.0)",
        message_id="<{a}-{b}-{c}@{host}>",
        headers=(("X-Mailer", "iPhone Mail (22B91)"),),
        footer={"fi": "Lähetetty iPhonesta", "sv": "Skickat från min iPhone", "en": "Sent from my iPhone"},
    ),
    "applemail": Client(
        mime_version="1.0 (Mac OS X Mail 16.0 \\(3826.200.121\\))",
        message_id="<{a}-{c}@{host}>",
        headers=(("X-Mailer", "Apple Mail (2.3826.200.121)"),),
    ),
    "samsung": Client(
        encoding="base64",
        html=True,
        message_id="<{a}{b}.{c}@email.android.com>",
        footer={
            "fi": "Lähetetty Galaxy-laitteestani",
            "sv": "Skickat från min Galaxy",
            "en": "Sent from my Galaxy",
        },
    ),
    "thunderbird": Client(
        encoding="8bit",
        wrap="flowed",
        signature_mark="-- ",
        message_id="<{a}-{b}-{c}@{host}>",
        headers=(("User-Agent", "Mozilla Thunderbird"),),
    ),
    "roundcube": Client(
        charset="iso-8859-15",
        encoding="8bit",
        signature_mark="-- ",
        message_id="<{a}{b}@{host}>",
        headers=(("User-Agent", "Roundcube Webmail/1.6.9"),),
    ),
}
"""The programs by the name that a source of mails asks for them with."""

_ATTRIBUTIONS: dict[Code, str] = {
    "fi": "{weekday} {d.day}.{d.month}.{d.year} klo {d.hour}.{d.minute:02} {company} ({address}) kirjoitti:",
    "sv": "Den {weekday} {d.day}/{d.month} {d.year} kl {d.hour:02}:{d.minute:02} skrev {company} <{address}>:",
    "en": "On {weekday} {d.day:02}/{d.month:02}/{d.year} at {d.hour:02}:{d.minute:02}, {company} <{address}> wrote:",
}
_WEEKDAYS: dict[Code, tuple[str, ...]] = {
    "fi": ("ma", "ti", "ke", "to", "pe", "la", "su"),
    "sv": ("mån", "tis", "ons", "tors", "fre", "lör", "sön"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_BLOCKS: dict[Code, tuple[str, str, str, str]] = {
    "fi": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "sv": ("Från", "Skickat", "Till", "Ämne"),
    "en": ("From", "Sent", "To", "Subject"),
}


def write(letter: Letter, client: Client) -> bytes:
    """The mail as it lies in the company's mailbox: the program's own lines under those that the receiving server put on top."""
    marks = _marks(letter)
    content_type, encoding, body = _content(letter, client)
    headers = [
        *_server_lines(letter),
        ("From", f"{_display(letter.sender_name, client.charset)} <{letter.sender_address}>"),
        ("To", f"{_display(letter.company, client.charset)} <{letter.company_address}>"),
        ("Subject", encoded(letter.subject, client.charset)),
        ("Date", format_datetime(letter.sent)),
        ("Message-ID", client.message_id.format(**marks)),
        *_answer_lines(letter, marks),
        *[(name, value.format(**marks)) for name, value in client.headers],
        ("MIME-Version", client.mime_version),
        ("Content-Type", content_type),
    ]
    if encoding:
        headers.append(("Content-Transfer-Encoding", encoding))
    return "".join(f"{name}: {value}{_LINE}" for name, value in headers).encode("ascii") + _LINE.encode() + body


def encoded(text: str, charset: str) -> str:
    """A header's text: as it is when it is ASCII, else in encoded words (RFC 2047), folded between them."""
    if text.isascii():
        return text
    chunks, chunk = [], ""
    for character in text:
        if len((chunk + character).encode(charset)) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = ""
        chunk += character
    words = [f"=?{charset}?B?{base64.b64encode(part.encode(charset)).decode('ascii')}?=" for part in (*chunks, chunk)]
    return f"{_LINE} ".join(words)


def _display(name: str, charset: str) -> str:
    return f'"{name}"' if name.isascii() else encoded(name, charset)


def _marks(letter: Letter) -> dict[str, str]:
    digest = sha256("\0".join((str(letter.number), letter.sender_address, letter.subject, letter.text)).encode())
    marks = digest.hexdigest().upper()
    thread = b"\x01\xdb" + digest.digest()[:20] + (digest.digest()[20:25] if letter.quoted else b"")
    return {"a": marks[:8], "b": marks[8:16], "c": marks[16:24], "host": letter.host, "thread": base64.b64encode(thread).decode("ascii")}


def _server_lines(letter: Letter) -> list[tuple[str, str]]:
    """Among them the only statement about the sender that may be believed: that of the company's own mail server."""
    host, verdict = letter.host, letter.dmarc
    return [
        ("Return-Path", f"<{letter.sender_address}>"),
        ("Delivered-To", letter.company_address),
        (
            "Received",
            f"from {host} ({host} [192.0.2.{letter.number % 250 + 1}]){_LINE}\tby {letter.authserv_id} with ESMTPS;"
            f"{_LINE}\t{format_datetime(letter.sent + timedelta(seconds=3))}",
        ),
        (
            "Authentication-Results",
            f"{letter.authserv_id};{_LINE}\tspf={verdict} smtp.mailfrom={host};{_LINE}\tdmarc={verdict} header.from={host}",
        ),
    ]


def _answer_lines(letter: Letter, marks: dict[str, str]) -> list[tuple[str, str]]:
    if not letter.quoted:
        return []
    earlier = f"<{marks['c']}.{marks['b']}@{letter.company_address.rpartition('@')[2]}>"
    return [("In-Reply-To", earlier), ("References", earlier)]


def _content(letter: Letter, client: Client) -> tuple[str, str, bytes]:
    """Content type, transfer encoding ("" for a multipart) and body."""
    boundary = f"{_marks(letter)['b']}_{_marks(letter)['c']}"
    whole = _texts(letter, client, f"alt_{boundary}")
    if not letter.attachment:
        return whole
    media_type, content = _FILES[letter.attachment.rpartition(".")[2]]
    named = f'{media_type}; name="{letter.attachment}"'
    attached = (named, "base64", _lines(base64.encodebytes(content)))
    return _multipart("mixed", f"mix_{boundary}", whole, attached)


def _texts(letter: Letter, client: Client, boundary: str) -> tuple[str, str, bytes]:
    plain = _text_part("plain", _plain(letter, client), client)
    if letter.hidden:  # whoever hides something from the eye sends no plain part that would tell on it
        return _text_part("html", _html(letter, client), client)
    if client.html:
        return _multipart("alternative", boundary, plain, _text_part("html", _html(letter, client), client))
    return plain


def _text_part(subtype: str, text: str, client: Client) -> tuple[str, str, bytes]:
    flowed = "; format=flowed" if subtype == "plain" and client.wrap == "flowed" else ""
    raw = text.encode(client.charset)
    body = {"8bit": lambda: raw, "base64": lambda: base64.encodebytes(raw), "quoted-printable": lambda: binascii.b2a_qp(raw)}
    return f"text/{subtype}; charset={client.charset}{flowed}", client.encoding, _lines(body[client.encoding]())


def _multipart(subtype: str, boundary: str, *parts: tuple[str, str, bytes]) -> tuple[str, str, bytes]:
    body = b""
    for content_type, encoding, content in parts:
        head = f"--{boundary}{_LINE}Content-Type: {content_type}{_LINE}"
        head += f"Content-Transfer-Encoding: {encoding}{_LINE}" if encoding else ""
        body += head.encode("ascii") + _LINE.encode() + content + _LINE.encode()
    return f'multipart/{subtype}; boundary="{boundary}"', "", body + f"--{boundary}--{_LINE}".encode("ascii")


def _lines(content: bytes) -> bytes:
    """Lines that end as mail wants them."""
    return content.replace(b"\n", _LINE.encode())


def _plain(letter: Letter, client: Client) -> str:
    text = "\n".join(_wrapped(line, client) for line in letter.text.split("\n"))
    parts = [text]
    if letter.signature:
        parts.append("\n".join(filter(None, (client.signature_mark, letter.signature))))
    if footer := client.footer.get(letter.language):
        parts.append(footer)
    if letter.quoted:
        parts.append(_quoted(letter, client))
    return "\n\n".join(parts) + "\n"


def _wrapped(line: str, client: Client) -> str:
    if client.wrap == "none" or len(line) <= _WRAP:
        return line
    joint = " \n" if client.wrap == "flowed" else "\n"
    return joint.join(textwrap.wrap(line, _WRAP, break_long_words=False, break_on_hyphens=False))


def _quoted(letter: Letter, client: Client) -> str:
    if client.quotes == "block":
        return f"________________________________\n{_block(letter)}\n\n{letter.quoted}"
    return _attribution(letter) + "\n\n" + "\n".join(f"> {line}".rstrip() for line in letter.quoted.split("\n"))


def _attribution(letter: Letter) -> str:
    day = letter.sent - timedelta(days=3, hours=2, minutes=11)
    weekday = _WEEKDAYS[letter.language][day.weekday()]
    return _ATTRIBUTIONS[letter.language].format(d=day, weekday=weekday, company=letter.company, address=letter.company_address)


def _block(letter: Letter) -> str:
    day = letter.sent - timedelta(days=3, hours=2, minutes=11)
    values = (
        f"{letter.company} <{letter.company_address}>",
        f"{day.day}.{day.month}.{day.year} {day.hour}:{day.minute:02}",
        f"{letter.sender_name} <{letter.sender_address}>",
        letter.answered_subject,
    )
    return "\n".join(f"{label}: {value}" for label, value in zip(_BLOCKS[letter.language], values, strict=True))


def _html(letter: Letter, client: Client) -> str:
    parts = [f"<p>{_escaped(paragraph)}</p>" for paragraph in letter.text.split("\n\n")]
    if letter.hidden:
        parts.append(f'<span style="color:#ffffff;font-size:1px;line-height:0">{html.escape(letter.hidden)}</span>')
    if letter.signature:
        parts.append(f'<div id="Signature"><p>{_escaped(letter.signature)}</p></div>')
    if footer := client.footer.get(letter.language):
        parts.append(f'<div class="footer">{html.escape(footer)}</div>')
    if letter.quoted and client.quotes == "block":
        parts.append(f'<hr><div id="divRplyFwdMsg">{_escaped(_block(letter))}</div><div><p>{_escaped(letter.quoted)}</p></div>')
    elif letter.quoted:
        parts.append(
            f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{_escaped(_attribution(letter))}<br></div>'
            f'<blockquote class="gmail_quote">{_escaped(letter.quoted)}</blockquote></div>'
        )
    head = f'<meta http-equiv="Content-Type" content="text/html; charset={client.charset}">'
    body = "\n".join(parts)
    return f"<html><head>{head}</head><body>\n{body}\n</body></html>\n"


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")
