"""How a changed past is found, and what that is worth.

What we defend against, and with what:

* *A disk that changes bits, a tool that edits rows, a program with a fault.* Every entry's hash covers its bytes, its place and the
  hash before it; every sealed body's digest stands in an entry. Whatever was edited, deleted, moved or put in is found
  and named by its position.
* *Somebody who can write the database but cannot read the keyring.* The hash is keyed, so they can compute none that fits. What
  is left to them is to cut the end off: a cut tail is found back to the last head that lies outside the database (the
  anchor file), at most a minute of work by default, and back to the last one that the other node of a pair signed too (``heads``).
  Putting back a whole older state (database and anchor) shows only to somebody who remembers a newer position: the peer, or a printed
  one.
* *Somebody who reads the tables*: they hold codes, numbers, keyed prints and sealed words. The sizes and times of messages show.
* *Somebody who wants an erased customer's words* after the erasure: the key is gone from the keyring; copies of the keyring made
  before (backups) still hold it until they are rewritten, and a solid-state drive may keep old blocks.

What we do not defend against:

* *Somebody who reads the keyring* (root, or the account the appliance runs under) can compute every hash, sign every head and open every
  body. A single machine cannot protect itself from its owner; the peer's countersigned heads are what makes a rewrite
  by one machine show.
* *The tables themselves* are bound to the journal by replay, not by the chain: ``verify(tables=True)`` applies every entry to an empty
  database and compares.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.ground.files import write_atomically
from appliance.records.events import CustomerErased, DemoPushesReset, PushScrubbed, WordsExpired
from appliance.store import journal
from appliance.store.books import head_bytes
from appliance.store.heads import Countersigned, countersigned
from appliance.store.journal import Chain
from appliance.store.names import case_number
from appliance.store.schema import BODIES_PER_ENTRY
from appliance.store.sqlite import Connection

_LOT = 5_000
_BODY_LOT = 500


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written: where, a code, and what in a sentence."""

    position: int
    code: str
    what: str


@dataclass(frozen=True)
class Verification:
    """What a walk through the journal found.

    ``position`` is the last entry read, ``anchored`` the last one that a head outside the database vouches for.
    """

    ok: bool
    entries: int
    position: int
    bodies: int = 0
    anchored: int = 0
    problems: tuple[Problem, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "problems": [asdict(problem) for problem in self.problems]}


class Head(msgspec.Struct, frozen=True):
    """A signed end of the journal. Keys and digests in hexadecimal."""

    position: int
    hash: str
    signature: str
    at: float
    countersigned: Countersigned | None = None  # the newest head that the other node signed too


def write_anchor(path: Path, head: Head) -> None:
    """Put a head where a change of the database does not reach it."""
    write_atomically(path, msgspec.json.encode(head))


def read_anchor(path: Path) -> Head | None:
    """The head outside the database; None when there is none or it is unreadable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Head)
    except (OSError, msgspec.DecodeError):
        return None


class Walk:
    """One verification: collects problems up to a limit, and goes on after each from what is stored there."""

    def __init__(self, connection: Connection, chain: Chain, public_key: Ed25519PublicKey, most_problems: int) -> None:
        self._connection = connection
        self._chain = chain
        self._public_key = public_key
        self._most = most_problems
        self.problems: list[Problem] = []
        self.entries = 0
        self.position = 0
        self.bodies = 0
        self.erased_cases: set[str] = set()
        self.expired_entries: set[int] = set()

    def found(self, position: int, code: str, what: str) -> None:
        """Note a problem, unless the list is full."""
        if len(self.problems) < self._most:
            self.problems.append(Problem(position, code, what))

    # The chain

    def chain(self, heads: dict[int, bytes] | None = None) -> None:
        """Every entry, in order. ``heads``: positions and hashes that must be met on the way."""
        expected = heads or {}
        of, prev, after = self._chain.of, journal.GENESIS, 0
        removals = {kind.__struct_config__.tag for kind in (CustomerErased, WordsExpired, PushScrubbed, DemoPushesReset)}
        while lot := journal.read_lot(self._connection, after, _LOT):
            for row in lot:
                position = row[0]
                if position != after + 1 or row[7] != prev or of(row) != row[8]:  # type: ignore[arg-type]
                    self._explain(journal.Entry._make(row), after, prev)
                if row[3] in removals:
                    self._note_removal(row[5])
                if position in expected and expected[position] != row[8]:
                    self.found(position, "rewritten", f"Entry {position} is not the one that was signed.")
                after, prev = position, row[8]
            self.entries += len(lot)
        self.position = after

    def _explain(self, entry: journal.Entry, after: int, prev: bytes) -> None:
        position = entry.position
        genuine = self._chain.of(entry) == entry.hash
        if position != after + 1:
            gone = f"Entry {after + 1} is" if position == after + 2 else f"Entries {after + 1} to {position - 1} are"
            self.found(after + 1, "deleted", f"{gone} missing.")
            if genuine:
                return
        if entry.prev == prev:
            self.found(position, "edited", f"Entry {position} was edited, or written by somebody without the key.")
        elif genuine:
            self.found(position, "broken", f"Entry {position} does not follow the entry before it.")
        else:
            self.found(position, "swapped", f"Entry {position} is not the one that was written here: swapped or put in.")

    def _note_removal(self, payload: bytes) -> None:
        try:
            event = journal.decode(payload)
        except msgspec.DecodeError:
            return
        if isinstance(event, CustomerErased):
            self.erased_cases.update(event.cases)
        elif isinstance(event, WordsExpired | PushScrubbed | DemoPushesReset):
            self.expired_entries.update(event.entries)

    # Heads

    def heads(self) -> dict[int, bytes]:
        """The signed heads whose signature holds; a bad signature is a problem."""
        good = {}
        rows = self._connection.execute("SELECT position, hash, signature FROM heads ORDER BY position").fetchall()
        for position, digest, signature in rows:
            if self.signed(position, digest, signature):
                good[position] = digest
            else:
                self.found(position, "head", f"The signed head at entry {position} was changed.")
        return good

    def countersigned(self, anchored: Countersigned | None) -> dict[int, bytes]:
        """The heads that both nodes signed and whose signatures hold; a bad one is a problem."""
        good = {}
        for head in (*countersigned(self._connection), *([] if anchored is None else [anchored])):
            if head.holds():
                good[head.position] = bytes.fromhex(head.hash)
            else:
                self.found(head.position, "countersignature", f"The head at entry {head.position} that both nodes signed was changed.")
        return good

    def signed(self, position: int, digest: bytes, signature: bytes) -> bool:
        """Whether this node signed that the journal up to here is this."""
        try:
            self._public_key.verify(signature, head_bytes(position, digest))
        except InvalidSignature:
            return False
        return True

    def against(self, what: str, head_position: int) -> None:
        """The journal must reach as far as a head that it once had."""
        if head_position > self.position:
            missing = f"{self.position + 1} to {head_position}" if head_position > self.position + 1 else str(head_position)
            self.found(self.position + 1, "cut_off", f"The end was cut off: entries {missing} are missing; {what} vouches for them.")

    # Bodies

    def sealed_bodies(self) -> None:
        """Each body's digest must stand in its entry, and each body of an entry must be there, unless the journal removed it."""
        after = -1
        counted: dict[int, int] = {}
        while lot := self._connection.execute(
            "SELECT id, slot, sealed FROM bodies WHERE id > ? ORDER BY id LIMIT ?", (after, _BODY_LOT)
        ).fetchall():
            for number, _, sealed in lot:
                position = number // BODIES_PER_ENTRY
                counted[position] = counted.get(position, 0) + 1
                self._check_body(position, hashlib.sha256(sealed).hexdigest().encode())
            after = lot[-1][0]
            self.bodies += len(lot)
        self._missing(counted)

    def _check_body(self, position: int, digest: bytes) -> None:
        row = self._connection.execute("SELECT payload FROM journal WHERE position = ?", (position,)).fetchone()
        if row is None:
            self.found(position, "body_added", f"There are words for entry {position}, which does not exist.")
        elif digest not in row[0]:
            self.found(position, "body_swapped", f"The sealed words of entry {position} are not the ones that it was written with.")

    def _missing(self, counted: dict[int, int]) -> None:
        removed = self._erased_positions() | self.expired_entries
        for position, bodies in self._connection.execute("SELECT position, bodies FROM journal WHERE bodies > 0").fetchall():
            if counted.get(position, 0) < bodies and position not in removed:
                self.found(position, "body_deleted", f"Sealed words of entry {position} are missing, and no entry removed them.")
        for position in sorted(self.expired_entries & counted.keys()):
            self.found(position, "body_kept", f"Sealed words of entry {position} are there, and a later entry removed them.")

    def _erased_positions(self) -> set[int]:
        """The entries about cases whose customer was erased, as the journal itself says."""
        positions: set[int] = set()
        for number in filter(None, map(case_number, self.erased_cases)):
            positions.add(number)
            lines = self._connection.execute("SELECT position FROM lines WHERE case_no = ?", (number,)).fetchall()
            positions.update(row[0] for row in lines)
        return positions


def verify(
    connection: Connection,
    chain: Chain,
    public_key: Ed25519PublicKey,
    anchor: Head | None,
    most_problems: int,
    replayed: Callable[[], tuple[str, ...]] | None = None,
) -> Verification:
    """Walk the whole chain, the heads and the bodies; with ``replayed`` also ask which tables differ from a replay."""
    walk = Walk(connection, chain, public_key, most_problems)
    heads = walk.heads()
    if anchor is not None:
        digest = bytes.fromhex(anchor.hash)
        if walk.signed(anchor.position, digest, bytes.fromhex(anchor.signature)):
            heads[anchor.position] = digest
        else:
            walk.found(anchor.position, "anchor", "The head kept outside the database was changed.")
            anchor = None
    both = walk.countersigned(None if anchor is None else anchor.countersigned)
    walk.chain({**heads, **both})
    for position in heads.keys() & both.keys():
        if heads[position] != both[position]:
            walk.found(position, "rewritten", f"Entry {position} was signed twice, and differently.")
    if max(both, default=0) > max(heads, default=0):
        walk.against("a head that the other node signed", max(both))
    else:
        walk.against("a signed head", max(heads, default=0))
    walk.sealed_bodies()
    for table in replayed() if replayed is not None and not walk.problems else ():
        walk.found(walk.position, "table", f"The table {table} does not follow from the journal.")
    walk.problems.sort(key=lambda problem: problem.position)
    return Verification(
        ok=not walk.problems,
        entries=walk.entries,
        position=walk.position,
        bodies=walk.bodies,
        anchored=anchor.position if anchor is not None else 0,
        problems=tuple(walk.problems),
    )


def check_integrity(connection: Connection) -> tuple[str, ...]:
    """What SQLite itself finds wrong with the file, in its words."""
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)").fetchall()]
    return () if found == ["ok"] else tuple(found)
