"""Claims, what the desk decided, what a person decided, and the delivery that either queues."""

from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.delivery import DeliveryKind
from appliance.records.events import CaseClaimed, CaseReleased, CaseSettled, ReviewDecided
from appliance.store.effects.elsewhere import draft_queued
from appliance.store.effects.engines import count_usage
from appliance.store.effects.tables import CLOSE, FIRST_STATE, MOVE, RETIRE, Tables, case_no, delivery_no

STOPPING = "stopping"  # a claim given back because the node stops does not count as a failed try

_STATE_AFTER: dict[Decision, CaseState] = {
    Decision.SEND: CaseState.REPLYING,
    Decision.REVIEW: CaseState.REVIEW,
    Decision.ROUTE: CaseState.ROUTED,
    Decision.CLOSE: CaseState.CLOSED,
}
_CLAIM = """UPDATE cases SET state = 'claimed', changed_at = ?, agent = ?, claim = ?, claimed_until = ?, attempts = attempts + 1
    WHERE no = ?"""
_SETTLE = """UPDATE cases SET state = ?, changed_at = ?, agent = ?, language = ?, tier = ?, reason = ?, team = ?, score = ?, settled = ?,
    draft = ? WHERE no = ?"""
_QUEUE = """INSERT INTO deliveries (no, id, case_no, slot, kind, mailbox, state, automatic, lever, message_id, body, attempts, not_before,
    queued_at, changed_at, agent, term, reason, overtaken)
    SELECT ?, ?, no, slot, ?, mailbox, 'queued', ?, ?, ?, ?, 0, ?, ?, ?, '', ?, '', 0 FROM cases WHERE no = ?"""


def case_claimed(to: Tables, event: CaseClaimed) -> None:
    """The position of the entry says which claim it is."""
    no = case_no(event.case)
    to.execute(_CLAIM, (event.at, event.by, to.position, event.until, no))
    to.line(no)


def case_released(to: Tables, event: CaseReleased) -> None:
    """Back among those that wait, or to a person."""
    no, code = case_no(event.case), event.reason.code
    if event.delivery:
        taken_back = "UPDATE deliveries SET state = 'retired', changed_at = ?, reason = ? WHERE no = ?"
        to.execute(taken_back, (event.at, code, delivery_no(event.delivery)))
        to.execute(
            "UPDATE cases SET state = 'review', changed_at = ?, reason = ? WHERE no = ? AND state = 'replying'", (event.at, code, no)
        )
    elif event.hold:
        orphaned = f"""UPDATE cases SET state = {FIRST_STATE}, changed_at = ?, hold = CASE hold WHEN '' THEN ? ELSE hold END
            WHERE no = ? AND state = 'arrived'"""
        to.execute(orphaned, (event.at, event.hold, no))
    elif event.gave_up:
        to.execute("UPDATE cases SET state = 'review', changed_at = ?, reason = 'gave_up' WHERE no = ?", (event.at, no))
    else:
        uncounted = 1 if code == STOPPING else 0
        to.execute("UPDATE cases SET state = 'waiting', changed_at = ?, attempts = attempts - ? WHERE no = ?", (event.at, uncounted, no))
    to.line(no)


def case_settled(to: Tables, event: CaseSettled) -> None:
    """The bodies beside it are the draft and the letter, in this order, as far as there are any."""
    no = case_no(event.case)
    to.execute(
        _SETTLE,
        (
            _STATE_AFTER[event.decision].value, event.at, event.by, event.language.code, int(event.tier), event.reason.code, event.team,
            event.score, to.position, to.body(0) if event.draft else 0, no,
        ),
    )  # fmt: skip
    count_usage(to, event)
    if event.delivery:
        _queue(to, event, to.body(_letter_place(event)), automatic=True)
        if event.delivery_kind == DeliveryKind.DRAFT and not event.letter:
            draft_queued(to, no)
    if event.shows:
        shown = case_no(event.shows)
        to.execute("UPDATE cases SET state = 'review', changed_at = ?, reason = 'bounced', archived = 0 WHERE no = ?", (event.at, shown))
        to.line(shown)
    to.line(no)


def review_decided(to: Tables, event: ReviewDecided) -> None:
    """The bodies beside it: the person's draft, the letter, the comment and what goes along, in this order, as far as there are any."""
    no = case_no(event.case)
    to.execute(RETIRE, (event.at, "decided", no))
    if event.draft:
        to.execute("UPDATE cases SET draft = ? WHERE no = ?", (to.body(0), no))
    if event.decision == "approve":
        to.execute(MOVE, ("replying", event.at, no))
    elif event.decision == "route":
        to.execute(
            "UPDATE cases SET state = 'routed', changed_at = ?, team = ?, reason = 'routed_by_person' WHERE no = ?",
            (event.at, event.team, no),
        )
    else:
        to.execute(CLOSE, (event.at, "rejected", no))
    if event.delivery:
        _queue(to, event, to.body(_letter_place(event)) if event.letter or event.draft else _draft_of(to, no), automatic=False)
    if event.enclosed:
        place = sum(map(bool, (event.draft, event.letter, event.comment)))
        to.execute("UPDATE deliveries SET enclosed = ? WHERE no = ?", (to.body(place), to.position))
    to.line(no)


def _letter_place(event: CaseSettled | ReviewDecided) -> int:
    """Where the body lies that leaves: the letter comes after a draft; without a letter it is the draft itself."""
    return 1 if event.letter and event.draft else 0


def _draft_of(to: Tables, no: int) -> int:
    return int(to.execute("SELECT draft FROM cases WHERE no = ?", (no,)).fetchone()[0])


def _queue(to: Tables, event: CaseSettled | ReviewDecided, body: int, *, automatic: bool) -> None:
    """Queue what the entry lets out. The automation levers rule a reply that no person approved, and nothing else."""
    ruled = int(automatic and event.delivery_kind == DeliveryKind.REPLY)
    to.execute(
        _QUEUE,
        (
            to.position, event.delivery, event.delivery_kind, ruled, ruled, event.message_id, body, event.not_before, event.at, event.at,
            to.term, case_no(event.case),
        ),
    )  # fmt: skip
