"""What the pair promised, held against what a soak left behind: both databases as the kill found them, the outbox, the processes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.ground.clock import Clock
from appliance.node.demo import OUTCOME_OF, UNDER_WAY
from appliance.pair.copying.digests import differing
from appliance.records.base import Record
from appliance.records.case import CaseState
from appliance.store import divergent
from appliance.store.store import Store

if TYPE_CHECKING:
    from appliance.node.soak import Soak

_LOT = 500
_TERMS_MOST = 100_000
_SHOWN = 5


class Promise(Record):
    """One promise. ``broken`` says what was found against it; empty when it was kept."""

    name: str
    broken: tuple[str, ...] = ()


class Outcome(Record):
    """What came of a soak."""

    seed: int
    seconds: float
    faults: dict[str, int]
    mails: int
    outcomes: dict[str, int]
    held_because: dict[str, int]
    replies: int
    uncertain: int
    terms: int
    entries: int
    set_aside: int  # entries that one node wrote alone and that lost, kept in its folder of divergent tails
    ended_by_themselves: tuple[str, ...]
    commands_refused: dict[str, int]
    looks: int
    gaps: dict[str, float]
    promises: tuple[Promise, ...]

    @property
    def ok(self) -> bool:
        return not any(promise.broken for promise in self.promises)


def under_way(counts: Mapping[str, int]) -> int:
    return sum(counts.get(str(state), 0) for state in UNDER_WAY)


class _Node:
    """What one node has on its disk."""

    def __init__(self, home: Path, clock: Clock) -> None:
        store = Store.open(home, clock, following=True)
        try:
            self.verified = store.verify()
            self.end = store.replication.end()
            self.digest = store.replication.digest()
            self.terms = sorted(store.terms(_TERMS_MOST), key=lambda row: int(row["position"]))
            self.cases = list(_cases(store))
        finally:
            store.close()
        self.tails = divergent.listed(home)


def _cases(store: Store) -> Iterator[Any]:
    before = None
    while rows := store.rows(None, limit=_LOT, before=before):
        yield from rows
        before = rows[-1].id


def look(soak: "Soak", seconds: float) -> Outcome:
    """Every promise, against what is there. Both nodes have been killed."""
    nodes = {name: _Node(soak.base / name, soak.clock) for name in soak.pair.nodes}
    replies = _replies(soak.pair.outbox)
    cases = nodes["a"].cases
    soak.watch.stop()
    for process in soak.pair.processes:
        process.stop()
    promises = (
        Promise(name="the pair got well by itself when the faults were over", broken=tuple(soak.not_well)),
        Promise(name="every mail became one case", broken=tuple(_lost(cases, soak.sent))),
        Promise(name="every mail ended: replied, held, or dead letter", broken=tuple(_unended(cases))),
        Promise(name="no customer got two replies", broken=tuple(_doubled(replies, soak.sent, soak.written_again))),
        Promise(name="who was answered has the reply, and nobody else", broken=tuple(_told_wrong(cases, replies, soak.sent))),
        Promise(name="both journals verify", broken=tuple(_unverified(nodes))),
        Promise(name="both nodes hold the same", broken=tuple(_different(nodes))),
        Promise(name="terms only grew, and none had two leaders", broken=tuple(_bad_terms(nodes, soak.watch.terms))),
        Promise(name="never two might send at once", broken=tuple(soak.watch.two_at_once[:_SHOWN])),
        Promise(name="no process is left", broken=tuple(_left_over(soak.base))),
    )
    states = Counter(case.state for case in cases)
    outcomes: Counter[str] = Counter()
    for state, number in states.items():
        outcomes[OUTCOME_OF.get(state, str(state))] += number
    return Outcome(
        seed=soak.seed,
        seconds=round(seconds, 1),
        faults=dict(soak.hand.happened.most_common()),
        mails=len(soak.sent),
        outcomes=dict(outcomes),
        held_because=dict(
            Counter(case.reason for case in cases if case.state not in (CaseState.REPLIED, CaseState.UNCERTAIN)).most_common()
        ),
        replies=sum(len(files) for files in replies.values()),
        uncertain=states[CaseState.UNCERTAIN],
        terms=len({row["term"] for row in nodes["a"].terms}),
        entries=nodes["a"].verified.entries,
        set_aside=sum(tail.entries for node in nodes.values() for tail in node.tails),
        ended_by_themselves=tuple(soak.hand.ended_by_themselves),
        commands_refused=dict(soak.hand.missed),
        looks=soak.watch.looks,
        gaps=_gaps(soak.watch.gaps),
        promises=promises,
    )


def _replies(outbox: Path) -> dict[str, list[str]]:
    """Files by the Message-ID that they answer."""
    found: dict[str, list[str]] = {}
    for path in sorted(outbox.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        found.setdefault(str(mail["In-Reply-To"]), []).append(path.name)
    return found


def _lost(cases: list[Any], sent: dict[str, str]) -> Iterator[str]:
    by_customer = Counter(case.sender for case in cases)
    for customer in sent.values():
        if by_customer[customer] != 1:
            yield f"the mail of {customer} became {by_customer[customer]} cases"
    if len(cases) != len(sent):
        yield f"{len(sent)} mails became {len(cases)} cases"


def _unended(cases: list[Any]) -> Iterator[str]:
    return (f"{case.id} is {case.state}" for case in cases if case.state not in OUTCOME_OF)


def _doubled(replies: dict[str, list[str]], sent: dict[str, str], again: set[str]) -> Iterator[str]:
    yield from (f"{sent.get(answered, answered)} got {len(files)}: {files}" for answered, files in replies.items() if len(files) > 1)
    yield from (f"{name} was sent a second time" for name in sorted(again))


def _told_wrong(cases: list[Any], replies: dict[str, list[str]], sent: dict[str, str]) -> Iterator[str]:
    """A case that says that its reply has left, which has not; and one in a person's hands whose reply has left all the same."""
    answered = {sent[message] for message in replies if message in sent}
    for case in cases:
        if case.state is CaseState.REPLIED and case.sender not in answered:
            yield f"{case.id} is said to be replied, and no reply has left"
        if case.state not in (CaseState.REPLIED, CaseState.UNCERTAIN) and case.sender in answered:
            yield f"{case.id} is {case.state}, and its reply has left"
    yield from (f"a reply answers {message}, which nobody wrote" for message in replies if message not in sent)


def _unverified(nodes: dict[str, _Node]) -> Iterator[str]:
    for name, node in nodes.items():
        yield from (f"node {name}, entry {each.position}: {each.what}" for each in node.verified.problems[:_SHOWN])


def _different(nodes: dict[str, _Node]) -> Iterator[str]:
    a, b = nodes.values()
    if a.end != b.end:
        yield f"the journals end at {a.end.position} and {b.end.position}, terms {a.end.term} and {b.end.term}, or say different things"
    else:
        yield from (f"the table {table} differs" for table in differing(a.digest, b.digest))


def _bad_terms(nodes: dict[str, _Node], seen: dict[int, set[str]]) -> Iterator[str]:
    leaders: dict[int, set[str]] = {}
    for name, node in nodes.items():
        numbers = [int(row["term"]) for row in node.terms]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            yield f"the terms in the journal of {name} do not grow: {numbers}"
        for row in node.terms:
            leaders.setdefault(int(row["term"]), set()).add(str(row["node"]))
    yield from (f"term {term} was led by {' and '.join(sorted(names))}" for term, names in leaders.items() if len(names) > 1)
    yield from (f"in term {term} both might send" for term, names in seen.items() if len(names) > 1)


def _left_over(base: Path) -> Iterator[str]:
    import psutil

    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words, status = process.info["cmdline"] or [], process.info["status"]
        if "--home" in words and status != psutil.STATUS_ZOMBIE and _home_of(words).startswith(f"{base}/"):
            yield f"process {process.info['pid']} still runs"


def _home_of(words: list[str]) -> str:
    return [*words, ""][words.index("--home") + 1]


def _gaps(gaps: list[float]) -> dict[str, float]:
    """How long nobody might send, each time; from outside, so to a fraction of a second."""
    ordered = sorted(gaps)
    if not ordered:
        return {"times": 0, "p50": 0.0, "max": 0.0}
    return {"times": len(ordered), "p50": round(ordered[len(ordered) // 2], 2), "max": round(ordered[-1], 2)}
