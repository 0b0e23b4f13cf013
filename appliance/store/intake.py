"""Receiving: what an arrival is (known, a repeat, part of a thread, a newer word that overtakes) and its entry."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import structs

from appliance.ground.errors import StoreError
from appliance.ground.ids import random_bytes
from appliance.records.events import IntakeAcknowledged, MessageReceived
from appliance.records.message import Arrival, Bounce, Cursor, Message, MessageKind, Origin, Receipt
from appliance.records.voice import ClipMark
from appliance.store import bodies as sealing
from appliance.store import cases, enclosed
from appliance.store.bodies import Sealed
from appliance.store.books import Books
from appliance.store.limits import StoreLimits
from appliance.store.names import RANDOM_BYTES, case_id, delivery_id, our_case, thread_of_token
from appliance.store.prints import Prints, print_number, words_digest
from appliance.store.sqlite import Connection

_OVERTAKEN = ("arrived", "listening", "waiting", "claimed", "review")

# All that is looked up for every arrival, in one statement: the case it came in as before, its customer's slot, its Message-ID's holder.
_SEEN = """SELECT (SELECT case_no FROM origins WHERE mailbox = ? AND folder = ? AND uid_validity = ? AND uid = ? AND name = ?),
    (SELECT slot FROM customers WHERE digest = ?), case_no, content, at FROM (SELECT 1) LEFT JOIN prints ON print = ?"""
KNOWN = "SELECT case_no FROM origins WHERE mailbox = ? AND folder = ? AND uid_validity = ? AND uid = ? AND name = ?"
_PRINT = "SELECT case_no, content, at FROM prints WHERE print = ?"
_UNANSWERED = f"slot = ? AND channel = ? AND kind = 'message' AND state IN {(*_OVERTAKEN, 'replying')!r}"
_THREAD = f"""SELECT no, id, state FROM cases WHERE thread = ? AND thread <> no AND {_UNANSWERED}
    UNION ALL SELECT no, id, state FROM cases WHERE no = ? AND {_UNANSWERED} ORDER BY no"""


class Prepared(NamedTuple):
    """An arrival with all that a caller's thread can work out by itself."""

    arrival: Arrival
    message: Message
    encoded: bytes
    raw: bytes | None
    attachments: bytes | None
    origin: Origin
    customer: bytes
    message_id_print: str
    words: bytes
    references: tuple[str, ...]
    sounds: tuple["Sound", ...] = ()


class Sound(NamedTuple):
    """A clip of an arrival: its place among the attachments, its length in bytes, the SHA-1 of these."""

    place: int
    size: int
    digest: bytes


class Likeness(NamedTuple):
    """What an arrival repeats: a case it is a copy of (0: none), whether it reuses another mail's Message-ID."""

    copy_of: int
    reuses_id: bool


class Kin(NamedTuple):
    """What an arrival belongs to: its thread (0: a new one), and the case of ours that it speaks of (0: none)."""

    thread: int
    about: int
    by_other: bool


class Belonging(NamedTuple):
    """Everything that was found out about an arrival."""

    slot: int
    stranger: bool
    content: str
    thread_print: str
    reuses_id: bool
    copy: cases.Kept | None
    kin: Kin


Holder = tuple[int, int, float] | None  # who has a Message-ID: the case, the print of its words (0: a mention), since when

_UNLIKE = Likeness(0, False)
_STRANGE = Kin(0, 0, False)


def prepare(arrival: Arrival, prints: Prints, limits: StoreLimits) -> Prepared:
    """Everything that needs neither the tables nor the customer's key."""
    message, encoded = sealing.fit(arrival.message, limits.message_bytes)
    raw = arrival.raw if arrival.raw is not None and len(arrival.raw) <= limits.raw_bytes else None
    references: tuple[str, ...] = ()
    if message.in_reply_to or message.references:
        references = tuple(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))[: limits.references]
    return Prepared(
        arrival,
        message,
        encoded,
        raw,
        enclosed.pack(enclosed.Attachments(files=arrival.attachments)) if arrival.attachments else None,
        _without_words(arrival.origin, prints),
        prints.customer(arrival.known_as or message.sender.address),
        prints.message_id(message.message_id) if message.message_id else "",
        words_digest(message),
        references,
        tuple(sound_of(place, arrival.attachments[place]) for place in arrival.clips) if arrival.clips else (),
    )


def origin_key(prepared: Prepared) -> tuple[str, str, int, int, str]:
    """What ``KNOWN`` is asked with."""
    origin = prepared.origin
    return origin.mailbox, origin.folder, origin.uid_validity, origin.uid, origin.name


def sound_of(place: int, data: bytes) -> Sound:
    return Sound(place, len(data), hashlib.sha1(data, usedforsecurity=False).digest())


def _without_words(origin: Origin, prints: Prints) -> Origin:
    """The origin as it may stand in the journal."""
    return structs.replace(origin, name=prints.file_name(origin.name)) if origin.name else origin


def receive(books: Books, arrivals: Iterable[Prepared], term: int, now: float) -> list[Receipt]:
    """Take each arrival in, in order: a later one may overtake an earlier one of the same lot."""
    books.check_term(term)
    return [_receive(books, prepared, term, now) for prepared in arrivals]


def _receive(books: Books, prepared: Prepared, term: int, now: float) -> Receipt:
    known, slot, holder = _seen(books.connection, prepared)
    if known is not None:
        return _known(books, prepared.arrival.origin, known)
    prints = None if slot is None else books.bodies.prints(slot)
    stranger = prints is None
    if slot is None or prints is None:  # nobody yet, or somebody whose erasure was cut short between the key and the entry
        slot = books.take_slot()
        prints = books.bodies.prints(slot)
    silent = prepared.message.channel == "voice"  # what was said is not known yet, so it is like nothing else
    content = prints.content(prepared.words) if prints is not None and not silent else ""
    likeness = _likeness(books, prepared, holder, content, now)
    if prepared.arrival.older and likeness.copy_of:
        books.relied = True
        return Receipt(case=cases.id_of(books.connection, likeness.copy_of), origin=prepared.arrival.origin, known=True)
    index = prepared.message.thread_index
    thread_print = prints.thread_index(index) if index and prints is not None else ""
    copy = cases.by_number(books.connection, likeness.copy_of) if likeness.copy_of else None
    if copy is not None:
        kin = Kin(copy.thread, 0, False)
    else:
        kin = _STRANGE if _is_plain(prepared, holder) else _kin(books, prepared, slot, holder, thread_print)
    return _enter(books, prepared, Belonging(slot, stranger, content, thread_print, likeness.reuses_id, copy, kin), term, now)


def _seen(connection: Connection, prepared: Prepared) -> tuple[int | None, int | None, Holder]:
    """The case this arrival came in as before, the slot of its customer, the holder of its Message-ID; None for what is not there."""
    origin, print_ = prepared.origin, prepared.message_id_print
    known, slot, *holder = connection.execute(
        _SEEN,
        (
            origin.mailbox, origin.folder, origin.uid_validity, origin.uid, origin.name, prepared.customer,
            print_number(print_) if print_ else None,
        ),
    ).fetchone()  # fmt: skip
    return known, slot, None if holder[0] is None else (holder[0], holder[1], holder[2])


def _known(books: Books, origin: Origin, number: int) -> Receipt:
    kept = cases.by_number(books.connection, number)
    books.relied = True
    if kept is None:
        raise StoreError(f"The case of entry {number} is not in the tables.", "Run `tandem verify`.")
    return Receipt(case=kept.id, origin=origin, known=True, duplicate_of=cases.id_of(books.connection, kept.duplicate_of))


def _is_plain(prepared: Prepared, holder: Holder) -> bool:
    """Nothing in the message could belong to a thread: what most messages are."""
    message = prepared.message
    return not (prepared.references or message.thread_index or holder is not None or message.bounce is not None or "[#" in message.subject)


def _likeness(books: Books, prepared: Prepared, holder: Holder, content: str, now: float) -> Likeness:
    """By Message-ID and words; without a Message-ID by sender, subject and words within a few days. Of older mail, whatever the day."""
    older = prepared.arrival.older
    if holder is not None and holder[1]:  # a mere mention in somebody's References has no content
        return Likeness(holder[0], False) if holder[1] == print_number(content) or older else Likeness(0, True)
    if prepared.message_id_print and not older:
        return _UNLIKE
    row = books.connection.execute(_PRINT, (print_number(content),)).fetchone() if content else None
    if row is not None and (older or now - row[2] <= books.limits.duplicate_seconds):
        return Likeness(row[0], False)
    return _UNLIKE


def _enter(books: Books, prepared: Prepared, belongs: Belonging, term: int, now: float) -> Receipt:
    """Append the entry of a message that is not known yet."""
    arrival, message, copy, kin = prepared.arrival, prepared.message, belongs.copy, belongs.kin
    case = case_id(books.position + 1, random_bytes(RANDOM_BYTES))
    overtaken, leaving = (
        _overtaken(books.connection, kin, belongs.slot, message.channel) if _overtakes(arrival, message, belongs) else ((), ())
    )
    sealed = _seal(books, belongs.slot, prepared)
    event = MessageReceived(
        at=now,
        by=arrival.origin.mailbox,
        case=case,
        message=case,
        thread=cases.id_of(books.connection, kin.thread) if kin.thread else case,
        customer=prepared.customer.hex(),
        channel=message.channel,
        origin=prepared.origin,
        message_kind=message.kind,
        trust=message.trust,
        body=sealed[0].digest.hex(),
        raw=sealed[1].digest.hex() if prepared.raw is not None else "",
        attachments=sealed[-1].digest.hex() if prepared.attachments is not None else "",
        message_id_print=prepared.message_id_print,
        content_print=belongs.content,
        thread_print=belongs.thread_print,
        reference_prints=_reference_prints(books, prepared.references) if prepared.references else (),
        automatic_reason=message.automatic_reason,
        hold=_hold(arrival, belongs),
        duplicate_of=copy.id if copy is not None else "",
        supersedes=overtaken,
        overtakes=leaving,
        older=arrival.older,
        slot=belongs.slot,
        new_customer=belongs.stranger,
        received_at=arrival.received_at,
        about=cases.id_of(books.connection, kin.about) if kin.about else "",
        clips=_clips(books, belongs.slot, prepared) if prepared.sounds and copy is None else (),
    )
    books.append(event, term=term, bodies=sealed)
    return Receipt(case=case, origin=arrival.origin, duplicate_of=event.duplicate_of)


def _clips(books: Books, slot: int, prepared: Prepared) -> tuple[ClipMark, ...]:
    """Known by a print under the customer's own key, so that nothing tells the sound once that is destroyed."""
    prints = books.bodies.prints(slot)
    if prints is None:
        return ()
    return tuple(ClipMark(place=sound.place, print=prints.sound(sound.digest), size_bytes=sound.size) for sound in prepared.sounds)


def _reference_prints(books: Books, references: tuple[str, ...]) -> tuple[str, ...]:
    """Of Message-IDs that are not our own: those are found by the case that stands in them."""
    return tuple(books.prints.message_id(reference) for reference in references if not our_case(reference))


def _seal(books: Books, slot: int, prepared: Prepared) -> list[Sealed]:
    sealed = [books.bodies.seal(slot, "message", prepared.encoded)]
    if prepared.raw is not None:
        sealed.append(books.bodies.seal(slot, "raw", prepared.raw))
    if prepared.attachments is not None:
        sealed.append(books.bodies.seal(slot, enclosed.ATTACHMENTS, prepared.attachments))
    return sealed


def _hold(arrival: Arrival, belongs: Belonging) -> str:
    """Why the case must not be answered automatically; the first reason that applies."""
    if belongs.reuses_id:
        return "message_id_reused"
    if arrival.older:
        return "older"
    if arrival.claimed_elsewhere:
        return "claimed_elsewhere"
    return "thread_of_another" if belongs.kin.by_other else arrival.hold


# Threads


def _kin(books: Books, prepared: Prepared, slot: int, holder: Holder, thread_print: str) -> Kin:
    """The thread that a message belongs to.

    A Message-ID that it answers is believed from anybody, since a colleague may answer; the case is then held, for its thread
    is another customer's. The subject's token and Outlook's Thread-Index can be guessed or shared, and a mention may be
    anybody's, so they only join messages of one customer.
    """
    message = prepared.message
    bounced = _bounced(books, message.bounce) if message.bounce is not None else ""
    for reference in (bounced, *prepared.references) if bounced else prepared.references:
        case = _answered(books, reference)
        if case is not None:
            ours = bool(our_case(reference)) and message.kind in (MessageKind.BOUNCE, MessageKind.AUTOMATIC)
            return Kin(case.thread, case.no if ours else 0, case.slot != slot and message.kind == MessageKind.MESSAGE)
    row = books.connection.execute(_PRINT, (print_number(thread_print),)).fetchone() if thread_print else None
    mentioned = holder[0] if holder is not None and not holder[1] else 0
    for number in (mentioned, thread_of_token(message.subject, books.prints.key), row[0] if row else 0):
        case = cases.by_number(books.connection, number) if number else None
        if case is not None and case.slot == slot:
            return Kin(case.thread, 0, False)
    return _STRANGE


def _bounced(books: Books, bounce: Bounce) -> str:
    """The Message-ID that a report is about: the one in our own key, since some servers rewrite the header, else as it says."""
    return bounce.tandem_key.split(".", 2)[2] if books.prints.case_of_key(bounce.tandem_key) else bounce.original_message_id


def _answered(books: Books, reference: str) -> cases.Kept | None:
    """The case whose message, or whose reply, has this Message-ID."""
    ours = our_case(reference)
    if ours:
        return cases.find(books.connection, ours)
    row = books.connection.execute(_PRINT, (print_number(books.prints.message_id(reference)),)).fetchone()
    return cases.by_number(books.connection, row[0]) if row else None


def _overtakes(arrival: Arrival, message: Message, belongs: Belonging) -> bool:
    """Only a newer word of a person overtakes; a copy has said nothing new."""
    return bool(belongs.kin.thread) and belongs.copy is None and not arrival.older and message.kind == MessageKind.MESSAGE


def _overtaken(connection: Connection, kin: Kin, slot: int, channel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The customer's cases of this thread that nobody has answered yet, and the deliveries that leave at this moment.

    Of the same channel: whoever writes a mail under the name of somebody who chats has not taken back what was said there.
    """
    rows = connection.execute(_THREAD, (kin.thread, slot, channel, kin.thread, slot, channel)).fetchall()
    closed, sending = [], []
    for number, case, state in rows:
        leaving = _leaving(connection, number) if state == "replying" else 0
        if leaving:
            sending.append(delivery_id(leaving, case))
        else:
            closed.append(case)
    return tuple(closed), tuple(sending)


def _leaving(connection: Connection, case_no: int) -> int:
    row = connection.execute("SELECT no FROM deliveries WHERE case_no = ? AND state = 'sending' AND kind = 'reply'", (case_no,)).fetchone()
    return int(row[0]) if row else 0


# Acknowledging


def acknowledge(
    books: Books, receipts: Iterable[Receipt], cursor: Cursor | None, claimed_elsewhere: Iterable[Origin], term: int, now: float
) -> None:
    """The channel was told: the cases wait for the ear or the desk from now on, and the cursor moves. Nothing new, no entry."""
    receipts = tuple(receipts)
    lost = set(claimed_elsewhere)
    arrived = tuple(receipt.case for receipt in receipts if _state(books.connection, receipt.case) == "arrived")
    if not arrived and (cursor is None or cursor == cursor_of(books.connection, cursor.mailbox, cursor.folder)):
        books.check_term(term)
        return
    taken = tuple(receipt.case for receipt in receipts if receipt.origin in lost and receipt.case in arrived)
    books.append(IntakeAcknowledged(at=now, by="intake", cases=arrived, cursor=cursor, claimed_elsewhere=taken), term=term)


def _state(connection: Connection, case: str) -> str:
    kept = cases.find(connection, case)
    return "" if kept is None else kept.state


def cursor_of(connection: Connection, mailbox: str, folder: str) -> Cursor | None:
    """How far a folder has been read."""
    row = connection.execute(
        "SELECT uid_validity, uid, older_until_uid, since FROM cursors WHERE mailbox = ? AND folder = ?", (mailbox, folder)
    ).fetchone()
    if row is None:
        return None
    return Cursor(mailbox=mailbox, folder=folder, uid_validity=row[0], uid=row[1], older_until_uid=row[2], since=row[3])
