"""What leaves: the letter to the company's own people, the delivery as its channel takes it, the addresses it goes to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from appliance.records.answer import Draft
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryState
from appliance.records.message import Address, Message
from appliance.store import cases
from appliance.store.bodies import Letter
from appliance.store.books import Books
from appliance.store.enclosed import enclosed_of
from appliance.store.errors import WrongState
from appliance.store.limits import StoreLimits
from appliance.store.names import has_token, message_id, subject_token
from appliance.store.prints import normal_address

_FALLBACK_DOMAIN = "tandem.invalid"  # RFC 2606: of a mailbox without a sender's address; such a reply goes to a folder, never by mail
_SPOKEN = {"fi": "Puheviestisi", "sv": "Ditt röstmeddelande", "en": "Your voice message"}
_SUBJECT_CHARACTERS = 500
_WORDS_CHARACTERS = 200_000

DELIVERY_COLUMNS = """no, id, case_no, slot, kind, mailbox, state, automatic, message_id, body, attempts, not_before, queued_at, agent,
    term, overtaken, enclosed"""

_DRAFT = """SELECT message_id, state FROM drafts JOIN deliveries ON deliveries.no = delivery_no WHERE drafts.case_no = ?
    ORDER BY delivery_no DESC LIMIT 1"""


def _nobody(_: str) -> str:
    return ""


def _no(_: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Directory:
    """The company's own addresses, which the store cannot know by itself.

    ``senders``: mailbox id to the address its replies come from. ``team``: a team's id to the address that gets its handovers,
    "" for a team that works in the panel. ``drafts``: mailbox id to the own address that gets held drafts, "" for none.
    ``drafts_folder``: whether a mailbox's held drafts are laid into its own Drafts folder instead.
    """

    senders: Mapping[str, str] = field(default_factory=dict)
    team: Callable[[str], str] = _nobody
    drafts: Callable[[str], str] = _nobody
    drafts_folder: Callable[[str], bool] = _no

    def handover(self, team: str, channel: str) -> str:
        """The address that gets a routed case. A customer who chats waits in the chat: a mail's answer would not reach them."""
        return self.team(team) if channel != "chat" else ""

    def domain(self, mailbox: str) -> str:
        """The domain of a mailbox's Message-IDs."""
        return self.senders.get(mailbox, "").rpartition("@")[2].strip().lower() or _FALLBACK_DOMAIN


class Queued(NamedTuple):
    """A delivery as the table keeps it."""

    no: int
    id: str
    case_no: int
    slot: int
    kind: str
    mailbox: str
    state: str
    automatic: int
    message_id: str
    body: int
    attempts: int
    not_before: float
    queued_at: float
    agent: str
    term: int
    overtaken: int
    enclosed: int


def next_message_id(books: Books, kept: cases.Kept, directory: Directory) -> str:
    """The Message-ID of the case's next delivery: with another number only after one of the same case was tried."""
    row = books.connection.execute("SELECT count(*) FROM deliveries WHERE case_no = ? AND attempts > 0", (kept.no,)).fetchone()
    return message_id(kept.id, int(row[0]) + 1, directory.domain(kept.mailbox))


def handover(message: Message, address: str, language: str, token: str) -> Letter:
    """A routed case as its team gets it: the customer's own words."""
    return _letter(message, address, message.subject, "", language, token)


def held_draft(message: Message, draft: Draft, address: str, token: str) -> Letter:
    """A held draft as the company's own mailbox gets it: the draft, and what it answers."""
    return _letter(message, address, draft.subject or message.subject, draft.text, draft.language, token)


def _letter(message: Message, address: str, subject: str, text: str, language: str, token: str) -> Letter:
    return Letter(
        to=Address(address=address),
        subject=_subject(subject, token),
        text=text,
        language=language,
        quoted=(message.full_text or message.text)[:_WORDS_CHARACTERS],
        quoted_from=message.sender,
        quoted_at=message.sent_at,
    )


def _subject(subject: str, token: str) -> str:
    line = " ".join(subject.split())[:_SUBJECT_CHARACTERS]
    return line if has_token(line) else f"{line} [#{token}]".strip()


def delivery_of(books: Books, queued: Queued, directory: Directory) -> Delivery | None:
    """Everything the channel needs; None when the words were erased."""
    kept = cases.by_number(books.connection, queued.case_no)
    token = "" if kept is None else subject_token(kept.thread, books.prints.key)
    common: dict[str, Any] = {
        "id": queued.id,
        "case": "" if kept is None else kept.id,
        "kind": DeliveryKind(queued.kind),
        "mailbox": queued.mailbox,
        "message_id": queued.message_id,
        "automatic": bool(queued.automatic),
        "attempts": queued.attempts,
        "term": queued.term,
    }
    common["key"] = books.prints.delivery_key(common["case"], queued.message_id)
    common |= _draft_to_take_out(books, queued, common["case"])
    common["appended"] = queued.kind == DeliveryKind.DRAFT and _in_drafts(books, queued.no)
    if queued.kind != DeliveryKind.REPLY and not common["appended"]:
        letter = cases.letter_of(books.connection, books.bodies, queued.body)
        return None if letter is None else Delivery(**common, **_own_mail(letter, None if kept is None else kept.received_at))
    draft = cases.draft_of(books.connection, books.bodies, queued.body)
    message = cases.message_of(books.connection, books.bodies, queued.case_no)
    if draft is None or message is None:
        return None
    along = enclosed_of(books.connection, books.bodies, queued.enclosed)
    common |= {"files": along.files, "signature": along.signature}
    return Delivery(**common, **_reply(message, draft, bool(queued.automatic), directory, books.limits, token))


def _in_drafts(books: Books, delivery_no: int) -> bool:
    """Whether this draft lies, or is to lie, in its mailbox's own Drafts folder."""
    return books.connection.execute("SELECT 1 FROM drafts WHERE delivery_no = ?", (delivery_no,)).fetchone() is not None


def _draft_to_take_out(books: Books, queued: Queued, case: str) -> dict[str, Any]:
    """The newest draft of the case that may lie in Drafts while its reply leaves."""
    if queued.kind != DeliveryKind.REPLY:
        return {}
    row = books.connection.execute(_DRAFT, (queued.case_no,)).fetchone()
    return {} if row is None else {"draft_key": books.prints.delivery_key(case, row[0]), "draft_lies": row[1] == DeliveryState.SENT}


def _own_mail(letter: Letter, received_at: float | None) -> dict[str, Any]:
    """A mail that does not say when it was written counts as written when it came in."""
    return {
        "to": (letter.to,),
        "subject": letter.subject,
        "text": letter.text,
        "language": letter.language,
        "quoted": letter.quoted,
        "quoted_from": letter.quoted_from,
        "quoted_at": received_at if letter.quoted_at is None else letter.quoted_at,
    }


def _reply(message: Message, draft: Draft, automatic: bool, directory: Directory, limits: StoreLimits, token: str) -> dict[str, Any]:
    to = recipients(message, automatic)
    own = {normal_address(address) for address in directory.senders.values()} | {normal_address(address.address) for address in to}
    wanted = () if automatic else message.cc  # or one forged mail would make us write to everybody that it names
    copies = [address for address in wanted if address.address and normal_address(address.address) not in own]
    references = (*message.references, *((message.message_id,) if message.message_id else ()))
    return {
        "to": to,
        "cc": tuple(copies[: limits.copies]),
        "subject": _subject(draft.subject or _answers(message, draft.language), token),
        "text": draft.text,
        "language": draft.language,
        "in_reply_to": message.message_id,
        "references": references[-limits.references :],
        "thread_index": message.thread_index,
    }


def _answers(message: Message, language: str) -> str:
    """The subject of a reply that has none of its own. What was said has no subject either."""
    spoken = message.channel == "voice" and not message.subject
    return _SPOKEN.get(language, _SPOKEN["en"]) if spoken else f"Re: {message.subject}"


def recipients(message: Message, automatic: bool) -> tuple[Address, ...]:
    """An automatic reply goes to the sender and nowhere else; a person's goes where the customer asked for replies."""
    if not automatic and message.reply_to and any(address.address for address in message.reply_to):
        return tuple(address for address in message.reply_to if address.address)
    return (message.sender,)


def is_addressed(message: Message) -> bool:
    """Whether there is anybody whom a person's reply would go to."""
    return any(address.address for address in recipients(message, automatic=False))


def must_be_addressed(message: Message) -> None:
    """Refuse a reply to nobody."""
    if not is_addressed(message):
        raise WrongState("The message has no sender that could be answered.", "Route it to a team or close it.")
