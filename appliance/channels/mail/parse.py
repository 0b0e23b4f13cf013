"""A mail's bytes become a message. Never raises and never loses: what cannot be understood is handed on with its oddities."""

import re
from typing import NamedTuple

from appliance.channels.mail.addresses import parse_addresses
from appliance.channels.mail.automatic import automatic_reason
from appliance.channels.mail.body import Room, read_body
from appliance.channels.mail.bounce import find_bounce
from appliance.channels.mail.charset import decode
from appliance.channels.mail.dmarc import trust
from appliance.channels.mail.headers import Head, message_ids, split_head, unix_time
from appliance.channels.mail.parts import Count, read_part
from appliance.language.clean import cut_reply, normalise
from appliance.records.base import Record
from appliance.records.message import Address, Message, MessageKind

_FORWARDED = re.compile(r"\s*(?:re|vs|sv|aw)?\s*:?\s*\[?(?:fw|fwd|vl|vb|ed|wg|tr|vidarebefordrat|välitetty)\s*:", re.IGNORECASE)
# The look behind makes a megabyte of carriage returns one attempt instead of a million.
_LINE_END = re.compile(rb"(?<!\r)\r+\n")
_KNOWN = ("from", "to", "subject", "date", "message-id", "received", "return-path", "content-type", "mime-version", "sender", "reply-to")
_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")


class ParseLimits(Record):
    """How much of a mail is read. What lies beyond is named, not read: the raw mail still has it.

    ``message_bytes``: of the whole mail. ``parts``: MIME parts, nested ones included. ``attachment_bytes``,
    ``attachments_bytes`` and ``attachments``: up to which an attachment, and all of them together, are kept.
    ``text_characters``: of each text part.
    """

    message_bytes: int = 50_000_000
    parts: int = 300
    attachment_bytes: int = 10_000_000
    attachments_bytes: int = 20_000_000
    attachments: int = 30
    text_characters: int = 1_000_000


DEFAULT_LIMITS = ParseLimits()


class Parsed(NamedTuple):
    """A message, and the bytes of its attachments that are kept, by their place in its list."""

    message: Message
    attachments: dict[int, bytes]


def parse(raw: bytes, limits: ParseLimits = DEFAULT_LIMITS, authserv_id: str = "") -> Message:
    """The message in these bytes, whatever they are. See ``parse_whole``."""
    return parse_whole(raw, limits, authserv_id).message


def parse_whole(raw: bytes, limits: ParseLimits = DEFAULT_LIMITS, authserv_id: str = "") -> Parsed:
    """The message in these bytes, whatever they are, with the bytes of its attachments.

    ``authserv_id`` is the server whose Authentication-Results are believed; "" believes nobody. Codes of what had to be
    worked around stand in ``oddities``: among them ``hidden_text``, ``attachment_over_limit``, ``message_over_limit``.
    """
    count = Count(limits.parts)
    try:
        return _parse(_line_ends(raw, limits, count), limits, authserv_id, count)
    except Exception:
        # The last net. Whatever slipped through the reading is a fault of ours, and no reason to lose a customer's mail.
        text = normalise(decode(raw[: limits.text_characters]).text)
        oddities = (*count.oddities, "parser_failed")
        return Parsed(Message(channel="mail", kind=MessageKind.UNREADABLE, text=text, full_text=text, oddities=oddities), {})


def _line_ends(raw: bytes, limits: ParseLimits, count: Count) -> bytes:
    """The mail with ``\\n`` as its only line end, whichever of CRLF, LF and CR it came with."""
    if len(raw) > limits.message_bytes:
        count.note("message_over_limit")
        raw = raw[: limits.message_bytes]
    data = _LINE_END.sub(b"\n", raw) if b"\r" in raw else raw
    if b"\r" in data[:4000] and b"\n" not in data[: data.index(b"\r")]:
        count.note("bare_carriage_returns")
        data = data.replace(b"\r", b"\n")
    return data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\n")


def _parse(data: bytes, limits: ParseLimits, authserv_id: str, count: Count) -> Parsed:
    head, rest = split_head(data)
    for oddity in head.oddities:
        count.note(oddity)
    root = read_part(head, rest, count)
    body = read_body(root, count, Room(limits.attachment_bytes, limits.attachments_bytes, limits.attachments, limits.text_characters))
    sender = _sender(head, count)
    subject = head.text("subject")
    bounce = find_bounce(head, root, sender, subject, body.text)
    reason = "" if bounce else automatic_reason(head, sender, subject)
    kind = MessageKind.BOUNCE if bounce else MessageKind.AUTOMATIC if reason else MessageKind.MESSAGE
    if kind is MessageKind.MESSAGE and not _is_readable(head, body.text, root.media_type, bool(body.attachments), count):
        kind = MessageKind.UNREADABLE
    cut = cut_reply(body.text, sender=sender, forwarded=_FORWARDED.match(subject) is not None)
    ids = message_ids(head.plain("message-id"))
    if head.count("message-id") > 1 or len(ids) > 1:
        count.note("message_id_repeated")
    message = Message(
        channel="mail",
        kind=kind,
        message_id=ids[0] if ids else "",
        in_reply_to=message_ids(head.plain("in-reply-to")),
        references=message_ids(head.plain("references")),
        thread_index=head.plain("thread-index")[:1000],
        sender=sender,
        reply_to=parse_addresses(head.plain("reply-to")),
        to=_all_addresses(head, "to"),
        cc=_all_addresses(head, "cc"),
        subject=normalise(subject),
        text=cut.text,
        full_text=body.text,
        html=body.html,
        sent_at=unix_time(head.plain("date")),
        trust=trust(head, sender, authserv_id),
        automatic_reason=reason,
        bounce=bounce,
        attachments=body.attachments,
        tandem_key=head.plain("x-tandem-key")[:200],
        oddities=tuple(count.oddities),
    )
    return Parsed(message, body.files)


def _sender(head: Head, count: Count) -> Address:
    """Who wrote it: the first From, else the Sender (RFC 5322, 3.6.2)."""
    written = parse_addresses(head.plain("from"))
    if head.count("from") > 1 or len(written) > 1:
        count.note("several_senders")
    if not any(address.address for address in written):
        count.note("no_sender")
        written = parse_addresses(head.plain("sender")) or written
    return next((address for address in written if address.address), written[0] if written else Address())


def _all_addresses(head: Head, name: str) -> tuple[Address, ...]:
    return tuple(address for body in head.all_plain(name) for address in parse_addresses(body))


def _is_readable(head: Head, text: str, media_type: str, carries: bool, count: Count) -> bool:
    """Whether anything was got out that a desk could work with: a head that is one, and words or attachments below it."""
    if not any(name in head for name in _KNOWN):
        count.note("no_head")
        return False
    if media_type in _ENCRYPTED and not re.search(r"\w", text):
        count.note("encrypted")
        return False
    return bool(text.strip() or carries or head.plain("subject") or head.plain("from"))
