"""What happened to cases, as numbers: no words, no senders. For reports, which count them."""

from collections import Counter
from typing import NamedTuple

import msgspec

from appliance.records.base import Record
from appliance.store.sqlite import Connection

_NUMBERS = """SELECT received_at, state, kind, language, channel, tier, reason,
    (SELECT min(changed_at) FROM deliveries WHERE case_no = cases.no AND kind = 'reply' AND state = 'sent'),
    (SELECT max(automatic) FROM deliveries WHERE case_no = cases.no AND kind = 'reply' AND state = 'sent')
    FROM cases WHERE no >= ? AND received_at >= ? AND mailbox <> 'drill' ORDER BY no DESC LIMIT ?"""
_SETTLED = "SELECT payload FROM journal WHERE position >= ? AND kind = 'case_settled' ORDER BY position DESC LIMIT ?"


class CaseNumbers(NamedTuple):
    """One case. ``answered_at`` is when its reply left (None: none has), ``automatic`` whether no person had approved it."""

    received_at: float
    state: str
    kind: str
    language: str
    channel: str
    tier: int | None
    reason: str
    answered_at: float | None
    automatic: int | None


class _Missing(Record):
    """Of a settled case, the facts that no source had."""

    missing_keys: tuple[str, ...] = ()


_MISSING = msgspec.json.Decoder(_Missing)


def since(connection: Connection, at: float) -> int:
    """The position of the first entry written at that moment or later; one past the end when there is none yet.

    Found by halving, since entries are written in the order of time (but for a clock that was set back, which costs some accuracy).
    """
    low, high = 1, int(connection.execute("SELECT coalesce(max(position), 0) FROM journal").fetchone()[0]) + 1
    while low < high:
        middle = (low + high) // 2
        written = connection.execute("SELECT at FROM journal WHERE position = ?", (middle,)).fetchone()[0]
        low, high = (low, middle) if written >= at else (middle + 1, high)
    return low


def cases_since(connection: Connection, at: float, most: int) -> list[CaseNumbers]:
    """The cases that came in since then, the newest first; at most so many."""
    rows = connection.execute(_NUMBERS, (since(connection, at), at, most)).fetchall()
    return [CaseNumbers._make(row) for row in rows]


def missing_since(connection: Connection, at: float, most: int) -> Counter[str]:
    """How often each fact was asked for since then and found in no source; looks at so many of the newest decisions at most."""
    missing: Counter[str] = Counter()
    for (payload,) in connection.execute(_SETTLED, (since(connection, at), most)):
        keys = _MISSING.decode(payload).missing_keys
        if keys:  # most decisions miss nothing, and counting nothing ten thousand times takes as long as reading them
            missing.update(keys)
    return missing


_USED = """SELECT tier, engine, sum(cases), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), sum(seconds) FROM usages
    WHERE quarter >= ? GROUP BY tier, engine"""


class Used(NamedTuple):
    """What the writing of answers took, added up for one tier and engine."""

    tier: int
    engine: str
    cases: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float


def used_since(connection: Connection, at: float) -> list[Used]:
    """By tier and engine, from the quarter of an hour in which that moment lies."""
    return [Used._make(row) for row in connection.execute(_USED, (int(at / 900),))]


_SHADOW = """SELECT kind, payload FROM journal WHERE position >= ? AND kind IN ('case_settled', 'review_decided', 'decision_undone')
    ORDER BY position DESC LIMIT ?"""


class Shadowed(NamedTuple):
    """A case that the desk settled: its decision, the codes of all that spoke against sending, and what a person came to ("": not
    yet)."""

    case: str
    decision: str
    stages: tuple[str, ...]
    decided: str = ""
    edited: bool = False


class _Code(Record):
    code: str


class _Entry(Record):
    """What is looked at of an entry about a decision, the desk's or a person's."""

    case: str
    decision: str = ""
    edited: bool = False
    stages: tuple[_Code, ...] = ()


_ENTRY = msgspec.json.Decoder(_Entry)


def shadow_since(connection: Connection, at: float, most: int) -> list[Shadowed]:
    """The cases that the desk settled since then, the newest first; looks at so many of the newest entries at most."""
    found: dict[str, Shadowed] = {}
    for kind, payload in reversed(connection.execute(_SHADOW, (since(connection, at), most)).fetchall()):
        entry = _ENTRY.decode(payload)
        if kind == "case_settled":
            found.pop(entry.case, None)  # decided anew: it stands where it was decided last
            found[entry.case] = Shadowed(entry.case, entry.decision, tuple(stage.code for stage in entry.stages))
        elif entry.case in found:
            found[entry.case] = found[entry.case]._replace(decided=entry.decision, edited=entry.edited)
    return list(reversed(found.values()))
