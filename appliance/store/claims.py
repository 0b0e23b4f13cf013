"""Claims on cases, and what the desk made of them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from appliance.records.answer import Decision, Outcome
from appliance.records.case import Case, CaseState, History
from appliance.records.delivery import DeliveryKind
from appliance.records.events import CaseClaimed, CaseReleased, CaseSettled, ClaimRenewed
from appliance.records.message import Message, MessageKind
from appliance.records.policy import Reason, Switches
from appliance.store import bodies as sealing
from appliance.store import cases, chats, mailing
from appliance.store.bodies import Sealed
from appliance.store.books import Books
from appliance.store.effects.desk import STOPPING
from appliance.store.errors import ClaimLost, WrongState
from appliance.store.limits import SendLimits, StoreLimits
from appliance.store.mailing import Directory
from appliance.store.names import delivery_id, subject_token
from appliance.store.sqlite import Connection

BOUNCED = "bounced"
ORPHAN = "arrived_orphan"
_BOUNCE_IS_FINE = ("delayed", "delivered", "relayed", "expanded")  # RFC 3464, 2.3.3: it may still arrive, or has

_EXPIRED = f"""SELECT {cases.COLUMNS} FROM cases WHERE state = 'claimed' AND (claimed_until <= ? OR claimed_until > ?)
    ORDER BY received_at, no LIMIT 1"""
_OLDEST = f"SELECT {cases.COLUMNS} FROM cases WHERE state = 'waiting' ORDER BY received_at, no LIMIT 1"


class Claimed(NamedTuple):
    """A claim that was made: the case and what is known around it."""

    kept: cases.Kept
    history: History


# Claims


def claim(books: Books, agent: str, term: int, seconds: float, now: float) -> Claimed | None:
    """The oldest case that waits, or whose claim has ended. Who wrote on Friday is not overtaken by Monday's chats."""
    books.check_term(term)
    while (kept := _oldest(books, now)) is not None:
        if kept.attempts >= books.limits.claims_per_case:
            _give_up(books, kept, term, now)
            continue
        history = cases.history_of(books.connection, kept, now)
        until = now + min(seconds, books.limits.claim_seconds_max)
        position = books.append(CaseClaimed(at=now, by=agent, case=kept.id, until=until, history=history), term=term)
        return Claimed(kept._replace(state=CaseState.CLAIMED.value, agent=agent, claim=position, attempts=kept.attempts + 1), history)
    return None


def _oldest(books: Books, now: float) -> cases.Kept | None:
    expired = books.connection.execute(_EXPIRED, (now, now + books.limits.claim_seconds_max + 1.0)).fetchone()
    waiting = books.connection.execute(_OLDEST).fetchone()
    found = [cases.Kept._make(row) for row in (expired, waiting) if row is not None]
    return min(found, key=lambda kept: (kept.received_at, kept.no), default=None)


def _give_up(books: Books, kept: cases.Kept, term: int, now: float) -> None:
    reason = Reason(code="gave_up", numbers={"attempts": float(kept.attempts)})
    books.append(CaseReleased(at=now, by="store", case=kept.id, reason=reason, gave_up=True), term=term)


def release(books: Books, case: str, reason: Reason, term: int, now: float, claimed: int) -> CaseState:
    """Give a claim back; after too many a person gets the case. A claim that somebody else has by now is left to them."""
    kept = cases.must_find(books.connection, case)
    if kept.state != CaseState.CLAIMED or claimed not in (0, kept.claim):
        books.check_term(term)
        return CaseState(kept.state)
    gave_up = reason.code != STOPPING and kept.attempts >= books.limits.claims_per_case
    books.append(CaseReleased(at=now, by=kept.agent, case=kept.id, reason=reason, gave_up=gave_up), term=term)
    return CaseState.REVIEW if gave_up else CaseState.WAITING


def renew(books: Books, case: Case, term: int, seconds: float, now: float) -> bool:
    """The claim goes on, when it is still the same one."""
    books.check_term(term)
    kept = cases.must_find(books.connection, case.id)
    if kept.state != CaseState.CLAIMED or kept.claim != case.claim:
        return False
    until = now + min(seconds, books.limits.claim_seconds_max)
    books.append(ClaimRenewed(at=now, by=kept.agent, case=case.id, claim=case.claim, until=until), term=term)
    return True


# Cases that no mailbox was told of


def orphans(connection: Connection, limits: StoreLimits, now: float) -> tuple[str, ...]:
    """Cases that have been in the journal for long without their mailbox being told: it offers them no more, so nobody ever will.

    Asked for newest first and no more than are counted, so that the table is not walked to its end for what came a moment ago.
    """
    sql = """SELECT id, changed_at FROM cases WHERE state = 'arrived' ORDER BY no DESC
        LIMIT (SELECT count FROM counters WHERE state = 'arrived')"""
    rows = connection.execute(sql).fetchall()
    return tuple(case for case, at in reversed(rows) if abs(now - at) >= limits.orphan_seconds)


def adopt(books: Books, arrived: Iterable[str], term: int, now: float) -> None:
    """Let orphans wait for the desk, held for a person: whoever took the mail out of its mailbox may have answered it."""
    for case in arrived:
        if cases.must_find(books.connection, case).state == CaseState.ARRIVED:
            reason = Reason(code=ORPHAN)
            books.append(CaseReleased(at=now, by="store", case=case, reason=reason, hold=ORPHAN), term=term)


# Settling


def settle(
    books: Books, case: Case, outcome: Outcome, limits: SendLimits, switches: Switches, directory: Directory, term: int, now: float
) -> Decision:
    """Put down what the desk decided, as far as it may still be so; what it came to.

    Narrowed here, in the transaction, since only here is known what else was queued a moment ago.
    """
    books.check_term(term)
    kept = cases.must_find(books.connection, case.id)
    if kept.state == CaseState.CLOSED:
        return Decision.CLOSE  # a newer message overtook it, or its words were erased
    if kept.state != CaseState.CLAIMED or kept.claim != case.claim:
        raise ClaimLost(f"The claim on case {case.id} ended and somebody else has it.", "Nothing to do: it is answered once.")
    narrowed = narrow(books, kept, case.message, outcome, limits, switches, now)
    _enter(books, kept, case.message, narrowed, limits, directory, term, now)
    return narrowed.decision


def narrow(
    books: Books, kept: cases.Kept, message: Message, outcome: Outcome, limits: SendLimits, switches: Switches, now: float
) -> Outcome:
    """The outcome, or a more careful one. Only a reply that would leave by itself is looked at; nothing is ever widened."""
    if outcome.decision != Decision.SEND:
        return outcome
    handed_over = Decision.REVIEW if kept.channel == "chat" else Decision.ROUTE  # as the desk does it
    if not switches.readable:
        return _held(outcome, handed_over, "levers_unreadable")
    if switches.safe_mode:
        return _held(outcome, handed_over, "safe_mode")
    for stands, code in (
        (not switches.automation_enabled, "automation_off"),
        (outcome.draft is None, "no_draft"),
        (message.kind != MessageKind.MESSAGE, "not_a_message"),
        (not message.sender.address, "no_address"),
        (bool(kept.hold), kept.hold),
        (kept.overtook > 0, "earlier_unanswered"),
        (chats.has_ended(books.connection, kept), "chat_ended"),
    ):
        if stands:
            return _held(outcome, Decision.REVIEW, code)
    return _within_limits(books, kept, outcome, limits, now)


def _within_limits(books: Books, kept: cases.Kept, outcome: Outcome, limits: SendLimits, now: float) -> Outcome:
    to_sender = cases.replies_to_sender(books.connection, kept.slot, now)
    if to_sender >= limits.replies_per_sender_per_day:
        return _held(outcome, Decision.REVIEW, "sender_limit", {"sent": to_sender, "most": limits.replies_per_sender_per_day})
    to_all = cases.replies_last_hour(books.connection, kept.channel, now)
    if to_all >= limits.replies_per_hour:
        return _held(outcome, Decision.REVIEW, "hourly_limit", {"sent": to_all, "most": limits.replies_per_hour})
    return outcome


def _held(outcome: Outcome, decision: Decision, code: str, numbers: dict[str, float] | None = None) -> Outcome:
    reason = Reason(code=code, numbers=numbers or {})
    return msgspec.structs.replace(outcome, decision=decision, reason=reason, stages=(*outcome.stages, reason))


def _enter(
    books: Books, kept: cases.Kept, message: Message, outcome: Outcome, limits: SendLimits, directory: Directory, term: int, now: float
) -> None:
    position = books.position + 1
    sealed, kind = _seal(books, kept, message, outcome, directory)
    digests = {body.role: body.digest.hex() for body in sealed}
    books.append(
        CaseSettled(
            at=now,
            by=kept.agent,
            case=kept.id,
            decision=outcome.decision,
            reason=outcome.reason,
            language=outcome.language,
            tier=outcome.tier,
            rule=outcome.rule,
            team=outcome.team,
            score=outcome.score,
            checks=outcome.checks,
            missing_keys=outcome.missing_keys,
            citations=outcome.citations,
            versions=outcome.versions,
            milliseconds=outcome.milliseconds,
            stages=outcome.stages,
            usage=outcome.usage,
            draft=digests.get("draft", ""),
            letter=digests.get("letter", ""),
            delivery=delivery_id(position, kept.id) if kind else "",
            delivery_kind=kind,
            not_before=now if kind else 0.0,
            message_id=mailing.next_message_id(books, kept, directory) if kind else "",
            shows=_shown(books, kept, message, outcome),
            most_to_sender=limits.replies_per_sender_per_day if kind == DeliveryKind.REPLY else 1,
        ),
        term=term,
        bodies=sealed,
    )


def _seal(
    books: Books, kept: cases.Kept, message: Message, outcome: Outcome, directory: Directory
) -> tuple[Sequence[Sealed], DeliveryKind | str]:
    """The draft and the letter to our own people, sealed, and the kind of delivery they make ("" for none)."""
    sealed = []
    token = subject_token(kept.thread, books.prints.key)
    if outcome.draft is not None:
        sealed.append(books.bodies.seal(kept.slot, "draft", _draft_bytes(books, outcome)))
    if outcome.decision == Decision.SEND:
        return sealed, DeliveryKind.REPLY
    team_address = directory.handover(outcome.team, kept.channel) if outcome.decision == Decision.ROUTE else ""
    if team_address:
        letter = mailing.handover(message, team_address, outcome.language.code, token)
        return [*sealed, books.bodies.seal(kept.slot, "letter", sealing.encode(letter))], DeliveryKind.HANDOVER
    if outcome.decision == Decision.REVIEW and outcome.draft is not None and _goes_to_drafts(kept, message, directory):
        return sealed, DeliveryKind.DRAFT
    drafts_address = directory.drafts(kept.mailbox) if outcome.decision == Decision.REVIEW else ""
    if drafts_address and outcome.draft is not None:
        letter = mailing.held_draft(message, outcome.draft, drafts_address, token)
        return [*sealed, books.bodies.seal(kept.slot, "letter", sealing.encode(letter))], DeliveryKind.DRAFT
    return sealed, ""


def _goes_to_drafts(kept: cases.Kept, message: Message, directory: Directory) -> bool:
    """Whether a person may find the held draft in the mailbox's own Drafts folder, ready to be sent from there."""
    return kept.channel == "mail" and directory.drafts_folder(kept.mailbox) and mailing.is_addressed(message)


def _draft_bytes(books: Books, outcome: Outcome) -> bytes:
    encoded = sealing.encode(outcome.draft) if outcome.draft is not None else b""
    if len(encoded) > books.limits.reply_bytes:
        raise WrongState(f"The draft has {len(encoded)} bytes; {books.limits.reply_bytes} is the limit.", "Have the writer write less.")
    return encoded


def _shown(books: Books, kept: cases.Kept, message: Message, outcome: Outcome) -> str:
    """The case whose reply bounced, when a person should look at it again."""
    if outcome.decision != Decision.CLOSE or kept.kind != MessageKind.BOUNCE or not kept.about:
        return ""
    if message.bounce is not None and message.bounce.action in _BOUNCE_IS_FINE:
        return ""
    about = cases.by_number(books.connection, kept.about)
    return about.id if about is not None and about.state in (CaseState.REPLIED, CaseState.ROUTED, CaseState.UNCERTAIN) else ""
