"""What became of a delivery, and of its case with it."""

from appliance.records.delivery import DeliveryKind
from appliance.records.events import (
    DeliveryDied,
    DeliveryPutOff,
    DeliverySent,
    DeliveryStarted,
    DeliveryUncertain,
    UncertaintyResolved,
)
from appliance.store.effects.elsewhere import CLOSE_OVERTAKEN
from appliance.store.effects.tables import CLOSE, MOVE, Tables, case_no, delivery_no

HANDOVER_FAILED = "handover_failed"

#: Where the case stands while such a delivery is under way. A draft to our own mailbox moves no case.
_CASE_STATE: dict[str, str] = {DeliveryKind.REPLY: "replying", DeliveryKind.HANDOVER: "routed"}
_RESENT = """INSERT INTO deliveries (no, id, case_no, slot, kind, mailbox, state, automatic, lever, message_id, body, attempts,
    not_before, queued_at, changed_at, agent, term, reason, overtaken, enclosed)
    SELECT ?, ?, case_no, slot, kind, mailbox, 'queued', 0, 0, ?, body, 0, ?, ?, ?, '', ?, '', 0, enclosed FROM deliveries WHERE no = ?"""

Outcome = DeliverySent | DeliveryPutOff | DeliveryDied | DeliveryUncertain | UncertaintyResolved


def delivery_started(to: Tables, event: DeliveryStarted) -> None:
    """From here on it counts as under way until something else is known."""
    to.execute(
        "UPDATE deliveries SET state = 'sending', changed_at = ?, attempts = ?, agent = ?, term = ? WHERE no = ?",
        (event.at, event.attempt, event.by, to.term, delivery_no(event.delivery)),
    )
    to.line(case_no(event.case))


def delivery_sent(to: Tables, event: DeliverySent) -> None:
    if _move(to, event, "sent") == DeliveryKind.REPLY:
        to.execute(MOVE, ("replied", event.at, case_no(event.case)))


def delivery_put_off(to: Tables, event: DeliveryPutOff) -> None:
    kind = _move(to, event, "retired" if event.retired else "queued", event.reason.code)
    if not event.retired:
        waits = "UPDATE deliveries SET not_before = ?, attempts = attempts - ? WHERE no = ?"
        to.execute(waits, (event.not_before, event.uncounted, delivery_no(event.delivery)))
    elif kind == DeliveryKind.REPLY:
        to.execute(CLOSE_OVERTAKEN, (event.at, case_no(event.case)))


def delivery_died(to: Tables, event: DeliveryDied) -> None:
    """A reply that cannot be delivered makes a dead letter; a handover that cannot brings the case back to a person."""
    kind, no = _move(to, event, "dead", event.reason.code), case_no(event.case)
    if kind == DeliveryKind.REPLY:
        to.execute(MOVE, ("dead", event.at, no))
    elif kind == DeliveryKind.HANDOVER:
        to.execute(
            "UPDATE cases SET state = 'review', changed_at = ?, reason = ? WHERE no = ? AND state = 'routed'",
            (event.at, HANDOVER_FAILED, no),
        )


def delivery_uncertain(to: Tables, event: DeliveryUncertain) -> None:
    """The case waits for a person, unless it has gone on since."""
    kind = _move(to, event, "uncertain", event.reason.code)
    to.execute(f"{MOVE} AND state = ?", ("uncertain", event.at, case_no(event.case), _CASE_STATE.get(kind, "")))


def uncertainty_resolved(to: Tables, event: UncertaintyResolved) -> None:
    no = case_no(event.case)
    kind = _move(to, event, {"sent": "sent", "resend": "retired"}.get(event.decision, "dead"), event.decision)
    if event.decision == "drop":
        to.execute(CLOSE, (event.at, "dropped", no))
    elif event.decision == "sent" and kind == DeliveryKind.REPLY:
        to.execute(MOVE, ("replied", event.at, no))
    else:
        to.execute(MOVE, (_CASE_STATE[kind], event.at, no))
    if event.resent_as:
        to.execute(
            _RESENT,
            (to.position, event.resent_as, event.message_id, event.at, event.at, event.at, to.term, delivery_no(event.delivery)),
        )


def _move(to: Tables, event: Outcome, state: str, reason: str = "") -> str:
    """Move the delivery; returns its kind."""
    no = delivery_no(event.delivery)
    to.execute("UPDATE deliveries SET state = ?, changed_at = ?, reason = ? WHERE no = ?", (state, event.at, reason, no))
    to.line(case_no(event.case))
    return str(to.execute("SELECT kind FROM deliveries WHERE no = ?", (no,)).fetchone()[0])
