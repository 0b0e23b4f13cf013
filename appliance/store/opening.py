"""Opening one case, or looking over many, for a person: the file, the rows, the counts."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from appliance.records.answer import Outcome
from appliance.records.case import CaseFile, CaseRow, CaseState, History, HistoryLine
from appliance.records.events import CaseClaimed, CaseSettled, Event, MessageReceived, WordsExpired
from appliance.store import cases, journal
from appliance.store.bodies import Bodies
from appliance.store.effects.tables import body_number
from appliance.store.limits import StoreLimits
from appliance.store.names import case_number
from appliance.store.sqlite import Connection

QUARTER_SECONDS = 900
HOUR_SECONDS = 3_600
_LINES_MOST = 1_000
_LOT = 500
_NEWEST = 1 << 62

#: What a tally is called, by the state that a case came to.
_TALLIES = {
    "came": "arrived", "replied": "answered", "review": "held", "uncertain": "held", "routed": "routed", "closed": "closed", "dead": "dead",
}  # fmt: skip

#: Of an entry, what says nothing to a person: digests, and what a history line shows by itself.
_DULL = (
    "kind", "at", "by", "cases", "customer", "origin", "body", "raw", "letter", "slot", "entries",
    "origins", "prints", "note", "before", "enclosed", "attachments", "clips", "transcript",
)  # fmt: skip


def file_of(connection: Connection, bodies: Bodies, case: str, limits: StoreLimits) -> CaseFile | None:
    """The case opened up: its words, what was decided and why, every entry about it."""
    kept = cases.find(connection, case)
    if kept is None:
        return None
    message = cases.message_of(connection, bodies, kept.no)
    events = _events(connection, kept.no)
    settled = next((event for position, event in reversed(events) if position == kept.settled and isinstance(event, CaseSettled)), None)
    seen = cases.Glance(sender=message.sender, subject=message.subject) if message is not None else cases.Glance()
    built = None if message is None else cases.build(connection, bodies, kept, _history(events, kept), limits)
    return CaseFile(
        row=cases.row_of(kept, seen, cases.id_of(connection, kept.duplicate_of)),
        message=message,
        thread=() if built is None else built.thread,
        outcome=None if settled is None else _outcome(connection, bodies, kept.settled, settled),
        draft=cases.draft_of(connection, bodies, kept.draft),
        lines=tuple(_line(position, event, kept.no) for position, event in events),
        case=built,
        erased=message is None,
        kept_days=_kept_days(events, kept),
    )


def _events(connection: Connection, number: int) -> list[tuple[int, Event]]:
    """Every entry about a case, in order."""
    rows = connection.execute(
        """SELECT position, payload FROM journal WHERE position IN
        (SELECT ?1 UNION SELECT position FROM lines WHERE case_no = ?1) ORDER BY position LIMIT ?2""",
        (number, _LINES_MOST),
    ).fetchall()
    return [(position, journal.decode(payload)) for position, payload in rows]


def _history(events: list[tuple[int, Event]], kept: cases.Kept) -> History:
    """What the desk was told when it decided: that of the last claim."""
    claims = [event.history for _, event in events if isinstance(event, CaseClaimed)]
    return claims[-1] if claims else History(earlier_unanswered=kept.overtook)


def _kept_days(events: list[tuple[int, Event]], kept: cases.Kept) -> int:
    """After how many days the case's words were removed; 0 when they were not, or when a person archived it."""
    removals = (event.days for _, event in events if isinstance(event, WordsExpired) and event.at == kept.words_removed_at)
    return next(removals, 0)


def _outcome(connection: Connection, bodies: Bodies, settled: int, event: CaseSettled) -> Outcome:
    """The outcome as it was put down, with the desk's own draft."""
    return Outcome(
        decision=event.decision,
        reason=event.reason,
        language=event.language,
        tier=event.tier,
        rule=event.rule,
        team=event.team,
        draft=cases.draft_of(connection, bodies, body_number(settled, 0)) if event.draft else None,
        checks=event.checks,
        score=event.score,
        missing_keys=event.missing_keys,
        citations=event.citations,
        versions=event.versions,
        milliseconds=event.milliseconds,
        stages=event.stages,
        usage=event.usage,
    )


def _line(position: int, event: Event, number: int) -> HistoryLine:
    """The entry as a person reads it: without the digests, and of an entry about many cases only that it was about this one."""
    facts: dict[str, Any] = msgspec.to_builtins(event)
    for dull in _DULL:
        facts.pop(dull, None)
    for name in [name for name in facts if name.endswith(("_print", "_prints"))]:
        del facts[name]
    kind = journal.kind_of(event)
    if isinstance(event, MessageReceived) and position != number:
        kind = "message_linked"
    return HistoryLine(position=position, at=event.at, kind=kind, by=event.by, facts=facts)


def number_beyond(before: str | None, oldest_first: bool) -> int:
    """Where a list goes on: beyond this case, or from its beginning."""
    return (case_number(before) if before else None) or (0 if oldest_first else _NEWEST)


def found_rows(
    connection: Connection, bodies: Bodies, states: tuple[CaseState, ...], numbers: Sequence[int], limit: int, assigned: str | None = None
) -> list[CaseRow]:
    """The first of these cases, in their order, that stand in these states and, when it is said, are this person's."""
    found: list[CaseRow] = []
    for lot in _lots(numbers):
        kept = {one.no: one for one in cases.of_numbers(connection, lot) if one.state in states and assigned in (None, one.assigned)}
        for number in lot:
            if number in kept and len(found) < limit:
                found.append(cases.shown(connection, bodies, kept[number]))
        if len(found) >= limit:
            break
    return found


def _lots(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _LOT):
        yield numbers[start : start + _LOT]


def raw_mail(connection: Connection, bodies: Bodies, case: str) -> bytes | None:
    """The mail as it came, when it was kept."""
    number = case_number(case)
    found = cases.sealed_words(connection, bodies, body_number(number, 1)) if number else None
    return found[1] if found is not None and found[0] == "raw" else None


def comments_of(connection: Connection, bodies: Bodies, case: str) -> tuple[str, ...]:
    """What people wrote beside their decisions, oldest first."""
    number = case_number(case) or 0
    rows = connection.execute(
        """SELECT slot, role, sealed FROM bodies JOIN lines ON id BETWEEN position * 8 AND position * 8 + 7
        WHERE case_no = ? AND role = 'comment' ORDER BY id""",
        (number,),
    ).fetchall()
    opened = (bodies.open(slot, role, sealed) for slot, role, sealed in rows)
    return tuple(msgspec.json.decode(words, type=str) for words in opened if words is not None)


def tally(connection: Connection, since: float) -> dict[str, Any]:
    """What came in and what became of it since a moment (to the quarter of an hour), in all and per hour.

    A case counts once, where it stands now, in the hour in which it came there: one that a person decided is no longer held.
    """
    first = int(since // QUARTER_SECONDS)
    rows = connection.execute("SELECT quarter, name, count FROM tallies WHERE quarter >= ? ORDER BY quarter", (first,)).fetchall()
    hours: dict[int, dict[str, int]] = {}
    for quarter, name, count in rows:
        hour = hours.setdefault((quarter - first) * QUARTER_SECONDS // HOUR_SECONDS, dict.fromkeys(_TALLIES.values(), 0))
        hour[_TALLIES[name]] += count
    total = {name: sum(hour[name] for hour in hours.values()) for name in _TALLIES.values()}
    return {**total, "hours": [{"at": first * QUARTER_SECONDS + hour * HOUR_SECONDS, **counts} for hour, counts in sorted(hours.items())]}
