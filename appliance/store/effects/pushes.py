"""What the CRM is told: queued, tried, in, given up, brought back, and documents that are removed."""

from collections.abc import Iterable

from appliance.records.events import (
    DemoPushesReset,
    PushDied,
    PushQueued,
    PushRetried,
    PushScrubbed,
    PushStarted,
    PushSynced,
    PushTried,
)
from appliance.store.effects.tables import Tables, body_number, case_no
from appliance.store.names import push_number

_QUEUED = """INSERT INTO pushes (no, id, case_no, state, demo, attempts, spent, not_before, until, queued_at, changed_at, agent, code,
    reason, crm_error, by, scrubbed_at) VALUES (?, ?, ?, 'queued', ?, 0, 0, ?, 0, ?, ?, '', 0, '', '', ?, 0)"""
_WITHDRAW = "UPDATE pushes SET state = 'withdrawn', changed_at = ?, reason = ? WHERE no = ? AND state IN ('queued', 'dead')"
_STARTED = "UPDATE pushes SET state = 'sending', attempts = ?, until = ?, agent = ?, changed_at = ? WHERE no = ?"
_TRIED = """UPDATE pushes SET state = ?, not_before = ?, until = 0, changed_at = ?, code = ?, reason = ?, crm_error = ?,
    attempts = attempts - ? WHERE no = ?"""
_ENDED = "UPDATE pushes SET state = ?, until = 0, changed_at = ?, code = ?, reason = ?, crm_error = ? WHERE no = ?"
_RETRIED = "UPDATE pushes SET state = 'queued', not_before = ?, until = 0, spent = attempts, changed_at = ? WHERE no = ?"
_MARK = "UPDATE pushes SET scrubbed_at = ? WHERE no = ? AND scrubbed_at = 0"
_OPEN_ENDS = "UPDATE pushes SET state = 'withdrawn', until = 0, changed_at = ?, reason = ? WHERE no = ? AND state <> 'synced'"
_AS_NEW = """UPDATE pushes SET state = 'queued', attempts = 0, spent = 0, not_before = ?, until = 0, changed_at = ?, agent = '', code = 0,
    reason = '', crm_error = '' WHERE no = ? AND scrubbed_at = 0"""
_FORGET = "DELETE FROM bodies WHERE id = ?"


def push_queued(to: Tables, event: PushQueued) -> None:
    """Its number is the position of the entry."""
    to.executemany(_WITHDRAW, [(event.at, "replaced", _no(push)) for push in event.replaces])
    no = case_no(event.case)
    to.execute(_QUEUED, (to.position, event.push, no, int(event.demo), event.at, event.at, event.at, event.by))
    to.line(no)


def push_started(to: Tables, event: PushStarted) -> None:
    """No line in the case's history: what came of it will be one."""
    to.execute(_STARTED, (event.attempt, event.until, event.by, event.at, _no(event.push)))


def push_tried(to: Tables, event: PushTried) -> None:
    state = "withdrawn" if event.withdrawn else "queued"
    values = (state, event.not_before, event.at, event.response_code, event.reason, event.crm_error, int(event.uncounted))
    to.execute(_TRIED, (*values, _no(event.push)))
    if not event.uncounted:
        to.line(case_no(event.case))


def push_synced(to: Tables, event: PushSynced) -> None:
    to.execute(_ENDED, ("synced", event.at, event.response_code, "", "", _no(event.push)))
    to.line(case_no(event.case))


def push_died(to: Tables, event: PushDied) -> None:
    to.execute(_ENDED, ("dead", event.at, event.response_code, event.reason, event.crm_error, _no(event.push)))
    to.line(case_no(event.case))


def push_retried(to: Tables, event: PushRetried) -> None:
    to.execute(_RETRIED, (event.at, event.at, _no(event.push)))
    to.line(case_no(event.case))


def push_scrubbed(to: Tables, event: PushScrubbed) -> None:
    """What was given up cannot be tried again without its document, so it is withdrawn."""
    numbers = [_no(push) for push in event.pushes]
    to.executemany(_FORGET, [(body_number(no, 0),) for no in event.entries])
    to.executemany(_MARK, [(event.at, no) for no in numbers])
    to.executemany(_WITHDRAW, [(event.at, "scrubbed", no) for no in numbers])


def demo_pushes_reset(to: Tables, event: DemoPushesReset) -> None:
    numbers = [_no(push) for push in event.pushes]
    if event.kept:
        to.executemany(_AS_NEW, [(event.at, event.at, no) for no in numbers])
        return
    to.executemany(_FORGET, [(body_number(no, 0),) for no in event.entries])
    to.executemany("DELETE FROM pushes WHERE no = ?", [(no,) for no in numbers])


def forget_documents(to: Tables, entries: Iterable[int], at: float) -> None:
    """Words that expired: of the pushes that these entries queued, nothing is sent any more. The documents themselves are gone already."""
    for no in entries:
        to.execute(_MARK, (at, no))
        to.execute(_OPEN_ENDS, (at, "words_gone", no))


def forget_documents_of_case(to: Tables, number: int, at: float) -> None:
    """The customer was erased."""
    forget_documents(to, [row[0] for row in to.execute("SELECT no FROM pushes WHERE case_no = ?", (number,)).fetchall()], at)


def _no(push: str) -> int:
    number = push_number(push)
    if number is None:
        raise ValueError(f"The journal names a push that cannot be: {push!r}.")
    return number
