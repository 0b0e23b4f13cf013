"""The outbox: what leaves next, and what became of it."""

from typing import NamedTuple

import msgspec

from appliance.records.case import CaseState
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult, DeliveryState
from appliance.records.events import (
    CaseReleased,
    CaseSettled,
    DeliveryDied,
    DeliveryPutOff,
    DeliverySent,
    DeliveryStarted,
    DeliveryUncertain,
    Event,
)
from appliance.records.policy import Reason, Switches
from appliance.store import elsewhere, journal, mailing
from appliance.store.books import Books
from appliance.store.cases import DAY_SECONDS, HOUR_SECONDS, Kept
from appliance.store.errors import NoSuchCase
from appliance.store.limits import StoreLimits, backoff_seconds
from appliance.store.mailing import DELIVERY_COLUMNS, Directory, Queued
from appliance.store.names import delivery_number
from appliance.store.sqlite import Connection

_DUE = f"""SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE state = 'queued' AND lever = ? AND not_before BETWEEN ? AND ?
    AND (? = '' OR mailbox = ?) AND mailbox NOT IN (SELECT value FROM json_each(?)) ORDER BY not_before, no LIMIT 1"""
_NEVER = 1e18

# Automatic replies to one sender that left, or may have left, within a day, or that are leaving now.
_LEFT = """SELECT count(*) FROM deliveries WHERE automatic = 1 AND slot = ? AND no <> ?
    AND (state = 'sending' OR state IN ('sent', 'uncertain') AND changed_at > ?)"""


def levers_allow(switches: Switches) -> tuple[int, ...]:
    """Which deliveries may start now: 0 are those that a person approved and handovers, 1 the automatic replies."""
    if not switches.readable or not switches.outbound_enabled:
        return ()
    return (0, 1) if switches.automation_enabled and not switches.safe_mode else (0,)


class Wanted(NamedTuple):
    """Which mailboxes' deliveries: ``only`` that one ("": any), ``but`` none of these."""

    only: str = ""
    but: tuple[str, ...] = ()


def start_next(
    books: Books, agent: str, switches: Switches, directory: Directory, term: int, now: float, wanted: Wanted
) -> Delivery | None:
    """The delivery that has been due longest and that the levers allow; from this entry on it counts as under way.

    An automatic reply is looked at once more, for since it was settled another may have left, or a day may have gone by.
    """
    books.check_term(term)
    while (queued := _due(books, switches, now, wanted)) is not None:
        books.write_out()  # its words may have been queued in this very transaction
        case = _case(books.connection, queued)
        held = _held_back(books, queued, now) if queued.automatic else None
        if held is not None:
            books.append(CaseReleased(at=now, by=agent, case=case, reason=held, delivery=queued.id), term=term)
            continue
        delivery = mailing.delivery_of(books, queued._replace(attempts=queued.attempts + 1, term=term), directory)
        if delivery is None:
            reason = Reason(code="words_erased")
            books.append(DeliveryDied(at=now, by=agent, delivery=queued.id, case=case, reason=reason), term=term)
            continue
        books.append(DeliveryStarted(at=now, by=agent, delivery=queued.id, case=case, attempt=queued.attempts + 1), term=term)
        return delivery
    return None


def _held_back(books: Books, queued: Queued, now: float) -> Reason | None:
    """Why an automatic reply may not leave by itself any more."""
    left = int(books.connection.execute(_LEFT, (queued.slot, queued.no, now - DAY_SECONDS)).fetchone()[0])
    most = _most_to_sender(books.connection, queued) if left else 1
    if left >= most:
        return Reason(code="sender_limit", numbers={"sent": float(left), "most": float(most)})
    waited = now - queued.queued_at
    if waited > books.limits.automatic_stale_seconds:
        return Reason(code="stale_reply", numbers={"hours": float(waited // HOUR_SECONDS)})
    return None


def _most_to_sender(connection: Connection, queued: Queued) -> int:
    """The limit as it stood when the reply was settled: a delivery's number is its entry's position."""
    entry = journal.at(connection, queued.no)
    event = journal.decode(entry.payload) if entry is not None else None
    return event.most_to_sender if isinstance(event, CaseSettled) else 1


def due_when(limits: StoreLimits, now: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Between which times a delivery is due. No pause is so long that it ends beyond the second: the clock was set back since."""
    return (0.0, now), (now + limits.backoff_seconds_max + 1.0, _NEVER)


def _due(books: Books, switches: Switches, now: float, wanted: Wanted) -> Queued | None:
    where = (wanted.only, wanted.only, msgspec.json.encode(wanted.but).decode())
    rows = [
        books.connection.execute(_DUE, (lever, *span, *where)).fetchone()
        for lever in levers_allow(switches)
        for span in due_when(books.limits, now)
    ]
    found = [Queued._make(row) for row in rows if row is not None]
    return min(found, key=lambda queued: (queued.not_before, queued.no), default=None)


def _case(connection: Connection, queued: Queued) -> str:
    return str(connection.execute("SELECT id FROM cases WHERE no = ?", (queued.case_no,)).fetchone()[0])


def finish(books: Books, delivery: Delivery, result: DeliveryResult, term: int, now: float) -> DeliveryState:
    """Write down what became of a try; the state that the delivery came to. A repeat changes nothing."""
    books.check_term(term)
    queued = must_find(books.connection, delivery.id)
    if queued.state != DeliveryState.SENDING or queued.attempts != delivery.attempts:
        return DeliveryState(queued.state)
    if result.draft_removed:
        elsewhere.forget_draft(books, queued.case_no, gone=result.outcome == DeliveryOutcome.HELD, term=term, now=now)
    event, state = _after(books, queued, delivery, result, now)
    books.append(event, term=term)
    return state


def _after(books: Books, queued: Queued, delivery: Delivery, result: DeliveryResult, now: float) -> tuple[Event, DeliveryState]:
    reason = Reason(code=result.stage or result.outcome.value, numbers={"code": float(result.code), "attempts": float(queued.attempts)})
    if result.outcome == DeliveryOutcome.SENT:
        sent = DeliverySent(at=now, by=queued.agent, delivery=queued.id, case=delivery.case, copies_refused=result.dropped)
        return sent, DeliveryState.SENT
    if result.outcome == DeliveryOutcome.UNCERTAIN:
        uncertain = DeliveryUncertain(
            at=now, by=queued.agent, delivery=queued.id, case=delivery.case, reason=reason, copies_refused=result.dropped
        )
        return uncertain, DeliveryState.UNCERTAIN
    if result.outcome == DeliveryOutcome.HELD and queued.kind == DeliveryKind.REPLY and not queued.overtaken:
        held = CaseReleased(at=now, by=queued.agent, case=delivery.case, reason=reason, delivery=queued.id)
        return held, DeliveryState.RETIRED
    may_try_again = queued.overtaken or result.blameless or queued.attempts < books.limits.delivery_attempts
    overtaken = result.outcome == DeliveryOutcome.HELD and queued.overtaken
    if overtaken or (result.outcome == DeliveryOutcome.TRY_AGAIN and may_try_again):
        pause = _pause(books, queued, result)
        put_off = DeliveryPutOff(
            at=now,
            by=queued.agent,
            delivery=queued.id,
            case=delivery.case,
            reason=reason,
            not_before=now + min(pause, books.limits.backoff_seconds_max),
            retired=bool(queued.overtaken),
            uncounted=result.blameless,
        )
        return put_off, DeliveryState.RETIRED if queued.overtaken else DeliveryState.QUEUED
    return DeliveryDied(at=now, by=queued.agent, delivery=queued.id, case=delivery.case, reason=reason), DeliveryState.DEAD


def _pause(books: Books, queued: Queued, result: DeliveryResult) -> float:
    """Seconds before the next try. What was not the mail's fault waits as the channel says, or a little: it may be over at once."""
    if result.blameless:
        return result.retry_after_seconds if result.retry_after_seconds is not None else books.limits.backoff_seconds
    return max(backoff_seconds(books.limits, queued.attempts), result.retry_after_seconds or 0.0)


def finish_found(books: Books, delivery: Delivery, was_found: bool, term: int, now: float) -> DeliveryState:
    """After a restart: it was found where a sent mail leaves a trace, or nobody knows."""
    books.check_term(term)
    queued = must_find(books.connection, delivery.id)
    if queued.state != DeliveryState.SENDING:
        return DeliveryState(queued.state)
    if was_found:
        books.append(DeliverySent(at=now, by="recovery", delivery=queued.id, case=delivery.case, found=True), term=term)
        return DeliveryState.SENT
    if delivery.appended:  # laid down once more: it is looked for there first, so it cannot come to lie there twice
        reason = Reason(code="drafts_folder")
        again = DeliveryPutOff(at=now, by="recovery", delivery=queued.id, case=delivery.case, reason=reason, not_before=now, uncounted=True)
        books.append(again, term=term)
        return DeliveryState.QUEUED
    reason = Reason(code="not_found")
    books.append(DeliveryUncertain(at=now, by="recovery", delivery=queued.id, case=delivery.case, reason=reason), term=term)
    return DeliveryState.UNCERTAIN


def must_find(connection: Connection, delivery: str) -> Queued:
    """The delivery of this id; refused when there is none."""
    number = delivery_number(delivery)
    row = connection.execute(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE no = ? AND id = ?", (number or 0, delivery)).fetchone()
    if row is None:
        raise NoSuchCase(f"There is no delivery {delivery}.", "The case's page shows the deliveries there are.")
    return Queued._make(row)


def under_way(connection: Connection, limit: int) -> list[Queued]:
    """Deliveries that were started and of which nothing more is known, oldest first."""
    rows = connection.execute(f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE state = 'sending' ORDER BY no LIMIT ?", (limit,)).fetchall()
    return [Queued._make(row) for row in rows]


def bare(books: Books, queued: Queued) -> Delivery:
    """A delivery whose words were erased while it was under way: enough to look for it."""
    case = _case(books.connection, queued)
    return Delivery(
        id=queued.id,
        case=case,
        kind=DeliveryKind(queued.kind),
        mailbox=queued.mailbox,
        message_id=queued.message_id,
        key=books.prints.delivery_key(case, queued.message_id),
        automatic=bool(queued.automatic),
        to=(),
        attempts=queued.attempts,
        term=queued.term,
    )


def undelivered_of(connection: Connection, kept: Kept) -> Queued | None:
    """Of an uncertain case the delivery whose fate is unknown, of a dead letter the reply that was refused."""
    if kept.state not in (CaseState.UNCERTAIN, CaseState.DEAD):
        return None
    kinds = "" if kept.state == CaseState.UNCERTAIN else "AND kind = 'reply'"
    row = connection.execute(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE case_no = ? AND state = ? {kinds} ORDER BY no DESC LIMIT 1",
        (kept.no, kept.state),
    ).fetchone()
    return None if row is None else Queued._make(row)


def state_after_resolution(decision: str, reply: bool) -> CaseState:
    """Where a case stands once a person has found out."""
    if decision == "drop":
        return CaseState.CLOSED
    if not reply:
        return CaseState.ROUTED
    return CaseState.REPLIED if decision == "sent" else CaseState.REPLYING
