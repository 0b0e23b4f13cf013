"""What a person decides: about a case in review, about a delivery that may have been sent or could not be."""

import msgspec

from appliance.records.answer import Draft
from appliance.records.case import CaseState
from appliance.records.delivery import DeliveryKind
from appliance.records.events import ReviewDecided, UncertaintyResolved
from appliance.records.language import LANGUAGES, Code
from appliance.records.message import Message
from appliance.records.person import Approval
from appliance.records.work import Standing
from appliance.store import bodies as sealing
from appliance.store import cases, chats, enclosed, mailing, outbox
from appliance.store.bodies import Sealed
from appliance.store.books import Books
from appliance.store.errors import WrongState
from appliance.store.mailing import Directory
from appliance.store.names import delivery_id, subject_token

_OPEN = (CaseState.REVIEW, CaseState.ROUTED, CaseState.DEAD)
_STATE_AFTER = {"approve": CaseState.REPLYING, "reject": CaseState.CLOSED, "route": CaseState.ROUTED}
_RESOLUTIONS = ("sent", "resend", "drop")


def decide(
    books: Books, approval: Approval, directory: Directory, term: int, now: float, undo_seconds: float = 0.0, chat_seconds: float = 0.0
) -> CaseState:
    """Approve a draft (as it is, or in the person's own words), reject it, or route the case.

    What leaves by it does not start for ``undo_seconds``; as long it can be undone (``work.undo``). A conversation that began more
    than ``chat_seconds`` ago (0: whenever that was) gets no answer any more.
    """
    books.check_term(term)
    if approval.decision not in _STATE_AFTER:
        raise WrongState(f"{approval.decision!r} is no decision.", f"Use one of {', '.join(_STATE_AFTER)}.")
    books.write_out()  # the draft may have been settled in this very transaction
    kept = cases.must_find(books.connection, approval.case)
    if kept.state not in _OPEN:
        told = f"Case {kept.id} is {kept.state}, not in review."
        raise WrongState(told, "Somebody may have decided it already; look at its history.", code="decided")
    message = cases.message_of(books.connection, books.bodies, kept.no)
    if message is None and (approval.decision != "reject" or approval.comment):
        raise WrongState(f"The words of case {kept.id} have been erased.", "There is nothing left to send; reject it, without a comment.")
    if kept.channel == "chat" and approval.decision == "approve":
        chats.must_be_heard(books.connection, kept.no, now - chat_seconds if chat_seconds else 0.0)
        undo_seconds = 0.0  # the customer looks on, and what was said cannot be taken back
        if approval.files:
            raise WrongState("Files cannot be sent into a chat.", "Say in the reply where the customer finds them.", code="files_by_mail")
    sealed, kind = ([], "") if message is None else _seal(books, kept, message, approval, directory)
    digests = {body.role: body.digest.hex() for body in sealed}
    position = books.position + 1
    books.append(
        ReviewDecided(
            at=now,
            by=approval.by,
            case=kept.id,
            decision=approval.decision,
            team=approval.team,
            edited=approval.text is not None,
            draft=digests.get("draft", ""),
            letter=digests.get("letter", ""),
            comment=digests.get("comment", ""),
            delivery=delivery_id(position, kept.id) if kind else "",
            delivery_kind=kind,
            not_before=now + undo_seconds if kind else 0.0,
            message_id=mailing.next_message_id(books, kept, directory) if kind else "",
            undo_until=now + undo_seconds if undo_seconds else 0.0,
            before=Standing(reason=kept.reason, team=kept.team, draft=kept.draft),
            enclosed=digests.get(enclosed.ENCLOSED, ""),
            enclosed_files=len(approval.files) if enclosed.ENCLOSED in digests else 0,
            enclosed_bytes=sum(len(file.data) for file in approval.files) if enclosed.ENCLOSED in digests else 0,
        ),
        term=term,
        bodies=sealed,
    )
    return _STATE_AFTER[approval.decision]


def _seal(books: Books, kept: cases.Kept, message: Message, approval: Approval, directory: Directory) -> tuple[list[Sealed], str]:
    """What the decision says in words, sealed in the order that ``apply`` counts on, and what leaves by it."""
    sealed, kind = [], ""
    if approval.decision == "approve":
        mailing.must_be_addressed(message)
        kind = DeliveryKind.REPLY.value
        draft = _approved(books, kept, message, approval)
        if draft is not None:
            sealed.append(books.bodies.seal(kept.slot, "draft", sealing.encode(draft)))
    address = directory.handover(approval.team, kept.channel) if approval.decision == "route" else ""
    if address:
        kind = DeliveryKind.HANDOVER.value
        letter = mailing.handover(message, address, kept.language, subject_token(kept.thread, books.prints.key))
        sealed.append(books.bodies.seal(kept.slot, "letter", sealing.encode(letter)))
    if approval.comment:
        sealed.append(books.bodies.seal(kept.slot, "comment", sealing.encode(approval.comment)))
    along = enclosed.enclosed_with(approval, books.limits) if approval.decision == "approve" else None
    if along is not None:
        sealed.append(books.bodies.seal(kept.slot, enclosed.ENCLOSED, enclosed.pack(along)))
    return sealed, kind


def _approved(books: Books, kept: cases.Kept, message: Message, approval: Approval) -> Draft | None:
    """The person's own draft; None when the desk's goes out as it is."""
    draft = cases.draft_of(books.connection, books.bodies, kept.draft)
    if approval.text is None:
        if draft is None:
            raise WrongState(f"Case {kept.id} has no draft to approve.", "Give the text of the reply with the approval.")
        return None
    if not approval.text.strip():
        raise WrongState("The reply is empty.", "Write something, or reject the case.")
    if len(approval.text.encode()) > books.limits.reply_bytes:
        raise WrongState(f"The reply is longer than {books.limits.reply_bytes} bytes.", "Shorten it.")
    if draft is not None:
        return msgspec.structs.replace(draft, text=approval.text, sentences=(), writer=approval.by)
    return Draft(language=_language(kept.language), subject=_answering(message.subject), text=approval.text, writer=approval.by)


def _language(code: str) -> Code:
    return next((known for known in LANGUAGES if known == code), "en")


def _answering(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()


def resolve(books: Books, case: str, decision: str, by: str, directory: Directory, term: int, now: float) -> CaseState:
    """A person found out: it had been sent; it had not and goes out once more under a new Message-ID; or it is dropped.

    A dead letter may go out once more, or be dropped; it was refused, so nobody can have found it sent.
    """
    books.check_term(term)
    if decision not in _RESOLUTIONS:
        raise WrongState(f"{decision!r} is no answer.", f"Use one of {', '.join(_RESOLUTIONS)}.")
    kept = cases.must_find(books.connection, case)
    queued = outbox.undelivered_of(books.connection, kept)
    if queued is None:
        raise WrongState(f"Case {kept.id} has no uncertain delivery.", "Somebody may have found out already; look at its history.")
    if kept.state == CaseState.DEAD and decision == "sent":
        raise WrongState(f"The reply of case {kept.id} was refused; it cannot have been sent.", "Send it once more, or drop it.")
    resend = decision == "resend"
    if resend:
        books.write_out()
        if mailing.delivery_of(books, queued, directory) is None:
            raise WrongState(f"The words of case {kept.id} have been erased.", "There is nothing left to send; drop it.")
    position = books.position + 1
    books.append(
        UncertaintyResolved(
            at=now,
            by=by,
            delivery=queued.id,
            case=kept.id,
            decision=decision,
            resent_as=delivery_id(position, kept.id) if resend else "",
            message_id=mailing.next_message_id(books, kept, directory) if resend else "",
        ),
        term=term,
    )
    return outbox.state_after_resolution(decision, queued.kind == DeliveryKind.REPLY)
