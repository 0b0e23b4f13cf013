"""A delivery becomes a mail. Pure: the same delivery, signature and moment give the same bytes on every node.

What a mail says of itself: ``Message-ID`` and ``X-Tandem-Key`` (by which it is found again), ``In-Reply-To``, ``References``
and ``Thread-Index`` (by which it joins the conversation), ``Auto-Submitted`` (RFC 3834: no person looked at it, so nobody
answers it by machine), ``X-Auto-Response-Suppress`` (the same for Exchange).
"""

import base64
import binascii
import hashlib
import html
import re
from email.utils import formatdate

from appliance.channels.mail import subjects
from appliance.channels.mail.errors import Unsendable
from appliance.channels.mail.header_lines import address_header, clean, text_header, token_header
from appliance.channels.mail.thread_index import extended
from appliance.channels.mail.wire_address import NoAddress, usable
from appliance.records.delivery import Delivery, DeliveryKind
from appliance.records.message import Address
from appliance.records.work import File

REFERENCES_MAX = 20
_NAME_CHARACTERS = 150  # of a file's name
_NAME_PIECE = 12  # letters of it in a line, each of them nine or twelve characters at most once it is encoded
_MEDIA_TYPE = re.compile(r"[a-z]{1,30}/[a-z0-9][a-z0-9.+-]{0,90}")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_LINE_ENDS = re.compile(r"\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_WROTE = {"fi": "{who} kirjoitti {when}:", "sv": "{who} skrev {when}:", "en": "{who} wrote on {when}:"}


def compose(delivery: Delivery, sender: Address, signature: str, company: str, *, at: float) -> bytes:
    """The mail, lines ended with CRLF, ASCII but for an address whose local part is not. ``at``: Unix seconds, for Date.

    A reply gets the signature, that of the person who approved it above the company's, in plain text and HTML, and its files
    below (RFC 2046, 5.1.3); a handover the customer's message, quoted, and its answer goes to the customer. Raises
    ``Unsendable`` for a delivery without anybody to send it to, or with an address that is none.
    """
    try:
        head = _head(delivery, sender, company, at)
    except NoAddress as error:
        raise Unsendable(delivery.mailbox, f"an address of the reply cannot be used: {error}.", "Answer it by hand.") from error
    # "=_" cannot occur in quoted-printable text, nor in base64, so the boundary cannot occur in a part (RFC 2045, 6.7).
    name = hashlib.sha256(f"{delivery.message_id} {delivery.key}".encode("utf-8", "replace")).hexdigest()[:32]
    text = _written(delivery, signature)
    quoted = _plain(delivery.quoted).strip("\n")
    wrote = _wrote(delivery) if quoted else ""
    written = _multipart(
        "alternative",
        f"=_tandem_{name}",
        (_part("text/plain", _as_text(text, wrote, quoted)), _part("text/html", _as_html(text, wrote, quoted, delivery.language))),
    )
    body = _multipart("mixed", f"=_files_{name}", (written, *map(_file_part, delivery.files))) if delivery.files else written
    return f"{head}MIME-Version: 1.0\r\n{body}".encode()


def recipients(delivery: Delivery, sender: Address) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc, each address once, and of Cc only what is an address.

    A reply never goes to ourselves, whatever the customer put into Cc: it would come back as a customer's mail.
    """
    seen = {sender.address.lower()} if _for_customer(delivery) else set()
    to = _once(delivery.to, seen)
    return to, tuple(address for address in _once(delivery.cc, seen) if usable(address.address))


def _for_customer(delivery: Delivery) -> bool:
    """Whether the customer gets it: a reply, or a draft of one that a person may send from Drafts as it is."""
    return delivery.kind is DeliveryKind.REPLY or delivery.appended


def _once(addresses: tuple[Address, ...], seen: set[str]) -> tuple[Address, ...]:
    kept = []
    for address in addresses:
        if address.address and address.address.lower() not in seen:
            seen.add(address.address.lower())
            kept.append(address)
    return tuple(kept)


def _head(delivery: Delivery, sender: Address, company: str, at: float) -> str:
    to, cc = recipients(delivery, sender)
    if not to:
        raise Unsendable(delivery.mailbox, "the reply has nobody to go to but ourselves.", "Answer it by hand.")
    message_id = _message_id(delivery.message_id)
    if not message_id or not _KEY.fullmatch(delivery.key):
        raise Unsendable(
            delivery.mailbox, "the reply has no usable Message-ID or key.", "This is a fault of the program; please report it."
        )
    answered = _message_id(delivery.in_reply_to)
    references = chain((*delivery.references, delivery.in_reply_to))
    index = extended(delivery.thread_index, at, delivery.key) if delivery.thread_index else ""
    lines = [
        f"Date: {formatdate(at)[:-5]}+0000\r\n",
        address_header("From", [Address(name=sender.name or company, address=sender.address)]),
        address_header("To", to),
        address_header("Cc", cc) if cc else "",
        address_header("Reply-To", [delivery.quoted_from]) if _answers_go_to_customer(delivery) else "",
        text_header("Subject", _subject(delivery)),
        token_header("Message-ID", [message_id]),
        token_header("In-Reply-To", [answered]) if answered else "",
        token_header("References", references) if references else "",
        text_header("Thread-Topic", subjects.topic(delivery.subject)) if index else "",
        token_header("Thread-Index", [index]) if index else "",
        token_header("Auto-Submitted", [_submitted(delivery.kind)]) if delivery.automatic else "",
        "" if delivery.appended else token_header("X-Auto-Response-Suppress", ["All"]),
        token_header("X-Tandem-Key", [delivery.key]),
        token_header("Content-Language", [delivery.language]) if _LANGUAGE.fullmatch(delivery.language) else "",
    ]
    return "".join(lines)


def _submitted(kind: DeliveryKind) -> str:
    """RFC 3834, 5: an answer to somebody's mail, or a mail that a program wrote of its own accord."""
    return "auto-replied" if kind is DeliveryKind.REPLY else "auto-generated"


def chain(ids: tuple[str, ...]) -> tuple[str, ...]:
    """The Message-IDs that are whole, each once: the first, which began the conversation, and the latest of the rest."""
    whole = tuple(dict.fromkeys(filter(None, map(_message_id, ids))))
    last = _message_id(ids[-1]) if ids else ""
    if last:
        whole = (*(one for one in whole if one != last), last)
    return whole if len(whole) <= REFERENCES_MAX else (whole[0], *whole[1 - REFERENCES_MAX :])


def _message_id(text: str) -> str:
    """The Message-ID in angle brackets; "" when it cannot stand in a header as it is."""
    bare = text.strip()
    wrapped = bare if bare.startswith("<") else f"<{bare}>"
    return wrapped if _MESSAGE_ID.fullmatch(wrapped) else ""


def _answers_go_to_customer(delivery: Delivery) -> bool:
    """A customer's broken address must not keep the case from the team."""
    return delivery.kind is DeliveryKind.HANDOVER and usable(delivery.quoted_from.address)


def _subject(delivery: Delivery) -> str:
    match delivery.kind:
        case DeliveryKind.HANDOVER:
            return subjects.forward_subject(delivery.subject)
        case DeliveryKind.DRAFT if not delivery.appended:
            return subjects.draft_subject(delivery.subject, delivery.language)
        case _:
            return subjects.reply_subject(delivery.subject)


def _plain(text: str) -> str:
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def _written(delivery: Delivery, signature: str) -> str:
    """Our own words, with the signature below a reply or the draft of one unless they end with it already."""
    text = _plain(delivery.text).strip("\n")
    below = "\n".join(filter(None, (_own_lines(delivery, signature), _plain(signature).strip())))
    if delivery.kind is DeliveryKind.HANDOVER or not below or text.rstrip().endswith(below):
        return text
    return f"{text}\n\n-- \n{below}"


def _own_lines(delivery: Delivery, signature: str) -> str:
    """The signature of the person who approved it, without the company's where it has that below already."""
    return _plain(delivery.signature).strip().removesuffix(_plain(signature).strip()).strip()


def _wrote(delivery: Delivery) -> str:
    who = clean(f"{delivery.quoted_from.name} {delivery.quoted_from.address}", 200) or "?"
    when = formatdate(delivery.quoted_at)[:-5] + "+0000" if delivery.quoted_at is not None else "?"
    return _WROTE.get(delivery.language, _WROTE["en"]).format(who=who, when=when)


def _as_text(text: str, wrote: str, quoted: str) -> str:
    if not quoted:
        return f"{text}\n"
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
    return f"{text}\n\n{wrote}\n{lines}\n".lstrip("\n")


def _as_html(text: str, wrote: str, quoted: str, language: str) -> str:
    attribute = f' lang="{language}"' if _LANGUAGE.fullmatch(language) else ""
    cited = f'<p>{html.escape(wrote)}</p>\n<blockquote type="cite">\n{_paragraphs(quoted)}</blockquote>\n' if quoted else ""
    return (
        f'<!DOCTYPE html>\n<html{attribute}>\n<head><meta charset="utf-8"><title></title></head>\n'
        f"<body>\n{_paragraphs(text)}{cited}</body>\n</html>\n"
    )


def _paragraphs(text: str) -> str:
    blocks = (block for block in re.split(r"\n{2,}", text) if block.strip())
    return "".join("<p>" + html.escape(block.strip("\n")).replace("\n", "<br>\n") + "</p>\n" for block in blocks)


def _multipart(kind: str, boundary: str, parts: tuple[str, ...]) -> str:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n{body}'


def _file_part(file: File) -> str:
    """A file as it is, in lines of 76 characters (RFC 2045, 6.8)."""
    name = clean(file.name.replace("/", "_").replace("\\", "_"), _NAME_CHARACTERS).strip(". ") or "file"
    plain = "".join(letter if letter.isascii() and letter not in '"%' else "_" for letter in name)
    media_type = file.media_type.lower()
    if not _MEDIA_TYPE.fullmatch(media_type) or media_type.startswith(("message/", "multipart/")):  # RFC 2046, 5.2.1: not in base64
        media_type = "application/octet-stream"
    return (
        f'Content-Type: {media_type};\r\n name="{plain}"\r\nContent-Transfer-Encoding: base64\r\n'
        f"Content-Disposition: attachment{_named(name, plain)}\r\n\r\n{_base64(file.data)}"
    )


def _named(name: str, plain: str) -> str:
    """The name; one that ASCII cannot tell in UTF-8 (RFC 2231, 4), in pieces of a line each. Old readers take the type's."""
    if name == plain:
        return f';\r\n filename="{name}"'
    letters = [letter if letter.isascii() and letter.isalnum() else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in name]
    pieces = ["".join(letters[start : start + _NAME_PIECE]) for start in range(0, len(letters), _NAME_PIECE)]
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{pieces[0]}"
    first, *rest = pieces
    return f";\r\n filename*0*=utf-8''{first}" + "".join(f";\r\n filename*{place}*={piece}" for place, piece in enumerate(rest, 1))


def _base64(data: bytes) -> str:
    return base64.encodebytes(data).decode("ascii").rstrip("\n").replace("\n", "\r\n")


def _part(media_type: str, text: str) -> str:
    encoded = binascii.b2a_qp(text.encode("utf-8"), istext=True).decode("ascii").replace("\n", "\r\n")
    return f"Content-Type: {media_type}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"
