"""Delivery reports: RFC 3464 and the many shapes from before it and beside it.

A report has two sides. A *machine sign*: the envelope has no sender, or the mail comes from a MAILER-DAEMON, a
postmaster, nobody. And a *report sign*: a subject or a sentence as mail servers write them, or the original mail inside.
Either alone is not enough: postmasters are people too, and people forward the bounces they got.
"""

import re
from typing import NamedTuple

from appliance.channels.mail import bounce_signs as signs
from appliance.channels.mail.automatic import is_null_path
from appliance.channels.mail.headers import Head, message_ids, parameters, split_head
from appliance.channels.mail.parts import Part, walk
from appliance.records.message import Address, Bounce

_STATUS_PARTS = frozenset(("message/delivery-status", "message/global-delivery-status", "message/feedback-report"))
_ORIGINAL_PARTS = frozenset(("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers",
                             "message/partial"))  # fmt: skip
_LOOKED_AT = 60_000  # characters of text; what a report has to say stands on its first page

_ADDRESS = re.compile(r"[A-Za-z0-9][\w.+%=&'/~-]{0,80}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_KEY_IN_TEXT = re.compile(r"^[>\s]{0,6}x-tandem-key[ \t]{0,4}:[ \t\n>]{0,10}([^\s>]+)", re.IGNORECASE | re.MULTILINE)
_KEY_CHARACTERS = 200
_REPLY_CODE = re.compile(r"(?<![\d.-])([45]\d\d)(?:[ -]|$)(?!\d)", re.MULTILINE)


class Findings(NamedTuple):
    """What the structure of a mail shows, before anything is concluded."""

    status: tuple[dict[str, str], ...] = ()
    complaint: bool = False
    original: Head | None = None
    report: bool = False


def find_bounce(head: Head, root: Part, sender: Address, subject: str, text: str) -> Bounce | None:
    """What a delivery report says, or None when the mail is none. ``text`` is what a person would read of it."""
    text = text[:_LOOKED_AT]
    found = _structure(root)
    if not _is_bounce(head, sender, subject, text, found):
        return None
    notice = text[: match.start()] if (match := signs.ORIGINAL_TITLE.search(text)) and match.start() > 20 else text
    recipients = _recipients(head, notice, found)
    return Bounce(
        recipients=recipients,
        status=_status(notice, found),
        action=_action(subject, notice, found),
        original_message_id=_original_id(head, text, found),
        tandem_key=_original_key(text, found),
    )


def _is_bounce(head: Head, sender: Address, subject: str, text: str, found: Findings) -> bool:
    if _is_read_receipt(head):
        return False
    if found.status or found.complaint or "x-failed-recipients" in head:
        return True
    daemon = _is(signs.DAEMON, sender)
    postmaster = _is(signs.POSTMASTER, sender)
    null_path = _machine_path(head) or (not sender.address and "from" in head)
    robot = signs.ROBOT.search(sender.address) is not None
    if not (daemon or postmaster or null_path or robot or found.report or found.original is not None):
        return False
    inside = found.original is not None or signs.HEAD_IN_TEXT.search(text) is not None
    titled = signs.SUBJECT.search(subject) is not None
    says = signs.SENTENCE.search(text) is not None
    if daemon or found.report or (postmaster and null_path):
        return titled or says or (inside and null_path)
    if postmaster or null_path:
        return titled + says + inside >= 2
    return says and inside and (robot or subject.lower().startswith("complaint about message from"))


def _is(kind: re.Pattern[str], sender: Address) -> bool:
    return kind.search(sender.address.partition("@")[0]) is not None or kind.search(sender.name) is not None


def _machine_path(head: Head) -> bool:
    """Whether the envelope's sender is nobody, or the mail server itself."""
    return is_null_path(head) or any(signs.DAEMON_PATH.search(path) for path in head.all_plain("return-path"))


def _is_read_receipt(head: Head) -> bool:
    """A receipt that a person opened a mail (RFC 8098) has a report's shape and is none."""
    kind = parameters(head.plain("content-type"))[1].get("report-type", "").lower()
    return kind == "disposition-notification"


def _structure(root: Part) -> Findings:
    """The report parts of the mail itself; a mail that somebody attached is not looked into."""
    status: list[dict[str, str]] = []
    complaint, original = False, None
    for part in walk(root)[1:]:
        if part.media_type in _STATUS_PARTS:
            complaint = complaint or part.media_type == "message/feedback-report"
            status.extend(_groups(part.data))
        elif original is None and not part.is_multipart:
            original = _original_head(part)
    return Findings(tuple(status), complaint, original, root.media_type == "multipart/report")


def _original_head(part: Part) -> Head | None:
    """The head of the mail that comes back: as an enclosed mail, as a text of header fields, or run into the part's own."""
    if part.media_type in _ORIGINAL_PARTS:
        inner, _ = split_head(part.data.lstrip(b"\n"))
        return inner if inner.fields else None
    if "message-id" in part.head and "from" in part.head:
        return part.head
    if part.media_type.startswith("text/"):
        inner, _ = split_head(part.data[:100_000].lstrip(b"\n"))
        return inner if "message-id" in inner and "from" in inner else None
    return None


def _groups(data: bytes) -> list[dict[str, str]]:
    """The groups of fields of a delivery status (RFC 3464, 2.1), parted by empty lines."""
    groups: list[dict[str, str]] = []
    for piece in re.split(rb"\n[ \t]*\n", data[:200_000].strip())[:200]:
        head, _ = split_head(piece + b"\n\n")
        fields = {field.name: head.text(field.name) for field in reversed(head.fields)}
        if fields:
            groups.append(fields)
    return groups


def _recipients(head: Head, notice: str, found: Findings) -> tuple[str, ...]:
    """Whom it could not reach: by the status, by the server's own field, else by the addresses in the notice."""
    named: list[str] = []
    for group in found.status:
        for field in ("final-recipient", "original-recipient", "original-rcpt-to", "x-actual-recipient"):
            address = _ADDRESS.search(group.get(field, "").partition(";")[2] or group.get(field, ""))
            if address is not None:
                named.append(address.group())
                break
    if not named:
        named.extend(_ADDRESS.findall(" ".join(head.all_plain("x-failed-recipients"))))
    if not named:
        named.extend(_in_notice(head, notice))
        if not named and found.original is not None:
            named.extend(_ADDRESS.findall(found.original.plain("to"))[:20])
    return tuple({address.lower(): address for address in reversed([name.strip("'<>.") for name in named])}.values())[::-1][:50]


def _in_notice(head: Head, notice: str) -> list[str]:
    """The addresses in the notice that are neither ours nor the mail server's."""
    ends = " ".join(head.plain(name) for name in ("to", "delivered-to", "from", "x-original-to"))
    ours = {address.lower() for address in _ADDRESS.findall(ends)}
    found = _ADDRESS.findall(notice)
    return [a for a in found if a.lower() not in ours and not signs.DAEMON.search(a) and not signs.POSTMASTER.search(a)][:20]


def _status(notice: str, found: Findings) -> str:
    for group in found.status:
        status = _STATUS.search(group.get("status", ""))
        if status is not None and not status.group(1).endswith(".0.0"):
            return status.group(1)
    for text in [*(group.get("diagnostic-code", "") for group in found.status), notice]:
        status = _STATUS.search(text)
        if status is not None:
            return status.group(1)
    given = next((status.group(1) for group in found.status if (status := _STATUS.search(group.get("status", "")))), "")
    code = _REPLY_CODE.search(notice)
    return given or (f"{code.group(1)[0]}.0.0" if code is not None else "")


def _action(subject: str, notice: str, found: Findings) -> str:
    if found.complaint:
        return "complaint"
    for group in found.status:
        word = group.get("action", "").split(" ")[0].strip("();,").lower()
        if word in ("failed", "delayed", "delivered", "relayed", "expanded"):
            return word
    if signs.DELAYED.search(subject) or (signs.DELAYED.search(notice) and not signs.FOR_GOOD.search(f"{subject} {notice}")):
        return "delayed"
    return "failed"


def _original_key(text: str, found: Findings) -> str:
    """Our key on the mail that came back: from its head, or from its head copied into the text."""
    key = found.original.plain("x-tandem-key") if found.original is not None else ""
    if not key and (written := _KEY_IN_TEXT.search(text)):
        key = written.group(1)
    return key[:_KEY_CHARACTERS]


def _original_id(head: Head, text: str, found: Findings) -> str:
    """The Message-ID that the report is about: from the enclosed mail, from its head copied into the text, from the report's own."""
    if found.original is not None and (ids := message_ids(found.original.plain("message-id"))):
        return ids[0]
    for group in found.status:
        if ids := message_ids(group.get("x-original-message-id", "") or group.get("original-message-id", "")):
            return ids[0]
    if written := signs.ID_IN_TEXT.search(text):
        return written.group(1)
    for name in ("x-original-message-id", "in-reply-to", "references"):
        if ids := message_ids(head.plain(name)):
            return ids[-1]
    return ""
