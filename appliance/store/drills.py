"""Drills: their beginning, their signed record, and what became of the made-up messages.

A drill that ends its leader is finished by the other node, so all that is known of it stands in the journal. The record is signed
with the head key of whoever writes it and checked each time it is shown: one that was changed later shows.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from appliance.ground.clock import Clock
from appliance.records.events import DrillBegan, DrillRan, SwitchSet
from appliance.store import journal, levers
from appliance.store.books import Books
from appliance.store.errors import WrongState
from appliance.store.heads import verifies
from appliance.store.reading import Readers
from appliance.store.sqlite import Connection

MAILBOX = "drill"  # stands where a mail has its mailbox
SWITCH = "switch"

_OPEN = "SELECT began FROM drills WHERE ran = 0 ORDER BY began LIMIT 1"
_LAST = "SELECT began, ran FROM drills WHERE ran > 0 ORDER BY ran DESC LIMIT ?"
_LAST_OK = "SELECT max(at) FROM drills WHERE ok = 1 AND sandbox = 0 AND what <> 'switch'"
_LEFT_OVER = "SELECT id, state, changed_at FROM cases WHERE mailbox = 'drill' AND archived = 0 ORDER BY no LIMIT ?"
_BECAME = """SELECT id, state, (SELECT count(*) FROM deliveries WHERE case_no = cases.no AND kind = 'reply' AND state = 'sent')
    FROM cases WHERE no IN (SELECT case_no FROM origins WHERE mailbox = 'drill' AND folder = ?)"""
BEHIND_LEVER = "behind_lever"
ENDED = ("review", "routed", "replied", "uncertain", "dead", "closed", BEHIND_LEVER)
_HELD = ("review", "uncertain", BEHIND_LEVER)


class OpenDrill(NamedTuple):
    """One that has begun and not ended. ``term`` and ``position`` are those of the entry by which it began."""

    id: str
    what: str
    node: str
    by: str
    at: float
    term: int
    position: int
    taken: tuple[str, ...]
    sandbox: bool
    levers: dict[str, bool]


class Became(NamedTuple):
    """What became of the made-up messages that were taken in: each case's state, and how many left more than once."""

    states: dict[str, str]
    doubled: int

    @property
    def held(self) -> int:
        return sum(state in _HELD for state in self.states.values())

    @property
    def ended(self) -> int:
        return sum(state in ENDED for state in self.states.values())

    def lost(self, known: Iterable[str], offered: int) -> int:
        """Of so many messages, how many came to no end; of those taken in before the fault, ``known``, each must be there."""
        missing = sum(self.states.get(case, "") not in ENDED for case in known)
        return max(missing, offered - self.ended)


class LeftOver(NamedTuple):
    """A made-up case that is not put away yet."""

    case: str
    state: str
    changed_at: float


class Drills:
    """The store's door for drills. ``begun`` is set when one begins, wherever that was; ``begun_at`` is when it came to this disk,
    by the steady clock, None for one that began before this process did."""

    def __init__(self, run: Callable[[Callable[[Books], Any]], Any], readers: Readers, signer: Ed25519PrivateKey, clock: Clock) -> None:
        self._run = run
        self._readers = readers
        self._signer = signer
        self._clock = clock
        self._checked: dict[tuple[str, str, bytes], bool] = {}
        self.begun = threading.Event()
        self.begun_at: float | None = None

    @property
    def key(self) -> str:
        """The public key that this node's records are signed for, in hexadecimal."""
        return self._signer.public_key().public_bytes_raw().hex()

    def committed(self, kinds: set[Any]) -> None:
        """On the writer's thread."""
        if DrillBegan in kinds:
            self.begun_at = self._clock.elapsed()
            self.begun.set()

    # Changing

    def begin(self, began: DrillBegan, *, closes: Sequence[str] = (), term: int) -> int:
        """Say that it begins, and close these levers by the same entry's transaction; the position. One at a time."""

        def write(books: Books) -> int:
            books.check_term(term)
            if books.connection.execute(_OPEN).fetchone() is not None:
                raise WrongState("A drill is under way.", "Wait until it has ended; it does within two minutes.", code="drill_runs")
            stand = levers.switches(books.connection)
            positions = {name: bool(getattr(stand, name)) for name in closes}
            books.append(replace(began, levers=positions), term=term)
            for name in closes:
                books.append(SwitchSet(at=began.at, by=began.drill, name=name, on=False), term=term)
            return books.position

        position: int = self._run(write)
        return position

    def end(self, ran: DrillRan, *, term: int) -> None:
        """Sign the record and write it down, and put the levers back, all in one transaction. One that has ended stays as it is.

        A lever that somebody pulled meanwhile is theirs, and is left.
        """

        def write(books: Books) -> None:
            books.check_term(term)
            drill = _opened(books.connection, books.connection.execute(_OPEN).fetchone())
            if drill is None or drill.id != ran.drill:
                return
            pulled = {state.name: state.by for state in levers.states(books.connection)}
            for name, on in drill.levers.items():
                if pulled.get(name) == drill.id:
                    books.append(SwitchSet(at=ran.at, by=drill.id, name=name, on=on), term=term)
            books.append(self.signed(replace(ran, began_at=drill.at, term_before=drill.term, node_before=drill.node)), term=term)

        self._run(write)

    def signed(self, ran: DrillRan) -> DrillRan:
        """The record with this node's key and signature."""
        named = replace(ran, key=self.key, signature="")
        return replace(named, signature=self._signer.sign(signed_bytes(named)).hex())

    # Looking

    def open(self) -> OpenDrill | None:
        """The one that has begun and not ended."""
        return self._readers.ask(lambda connection: _opened(connection, connection.execute(_OPEN).fetchone()))

    def last(self, most: int) -> list[tuple[DrillRan, str]]:
        """The newest records with who began each, the newest first."""
        return self._readers.ask(lambda connection: _records(connection, most))

    def last_ok_at(self) -> float:
        """When the pair last passed a drill of its own; 0.0 when it never did."""
        return float(self._readers.one(_LAST_OK)[0] or 0.0)

    def holds(self, ran: DrillRan, keys: Iterable[str]) -> bool:
        """Whether the record is as one of the holders of these keys signed it."""
        if ran.key not in keys:
            return False
        mark = (ran.key, ran.signature, signed_bytes(ran))
        if mark not in self._checked:
            if len(self._checked) > 1_000:
                self._checked.clear()
            self._checked[mark] = verifies(ran.key, _bytes(ran.signature), mark[2])
        return self._checked[mark]

    def became(self, drill: str, *, behind_levers: bool = False) -> Became:
        """What has become of its messages so far. ``behind_levers``: a reply that is ready waits for a lever, so it is held."""
        rows = self._readers.all(_BECAME, (drill,))
        states = {case: BEHIND_LEVER if behind_levers and state == "replying" else state for case, state, _ in rows}
        return Became(states, sum(max(0, sent - 1) for _, _, sent in rows))

    def left_over(self, most: int = 100) -> list[LeftOver]:
        """Made-up cases that are not put away yet."""
        return [LeftOver._make(row) for row in self._readers.all(_LEFT_OVER, (most,))]


def signed_bytes(ran: DrillRan) -> bytes:
    """What is signed: the record as the journal holds it, but for the signature."""
    return b"tandem-drill" + journal.encode(replace(ran, signature=""))


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _opened(connection: Connection, row: tuple[int] | None) -> OpenDrill | None:
    entry = journal.at(connection, row[0]) if row is not None else None
    event = journal.decode(entry.payload) if entry is not None else None
    if entry is None or not isinstance(event, DrillBegan):
        return None
    return OpenDrill(
        id=event.drill,
        what=event.what,
        node=event.node,
        by=event.by,
        at=event.at,
        term=entry.term,
        position=entry.position,
        taken=event.taken,
        sandbox=event.sandbox,
        levers=event.levers,
    )


def _records(connection: Connection, most: int) -> list[tuple[DrillRan, str]]:
    found = []
    for began, ran in connection.execute(_LAST, (most,)).fetchall():
        first, last = journal.at(connection, began), journal.at(connection, ran)
        begun = journal.decode(first.payload) if first is not None else None
        record = journal.decode(last.payload) if last is not None else None
        if isinstance(record, DrillRan):
            found.append((record, begun.by if begun is not None else ""))
    return found
