"""Finding cases by their words: an index in memory, over the newest cases, that is never written anywhere.

The words lie sealed in the database and an index on disk would undo the sealing, so each case's words are opened once and kept,
folded, in this process. Every part of a word is found, which serves Finnish and Swedish compounds: "pumppu" finds "lämpöpumppu".
A scan over all of them takes a few milliseconds. When a customer is erased, or old words go, everything is forgotten and read anew.
"""

import threading
from bisect import bisect_left

import msgspec

from appliance.ground.errors import StoreError
from appliance.records.base import Record
from appliance.records.message import Address
from appliance.store import cases
from appliance.store.bodies import Bodies, decode
from appliance.store.limits import StoreLimits
from appliance.store.sqlite import Connection

_SPARE = 1.1  # how far over its limit the index grows before its oldest end goes: not at each new case


_HEARD = "SELECT no, id, mailbox, words FROM cases WHERE words > 0 AND words > ? ORDER BY words"  # the number of a body grows


class _Words(Record):
    """Of a message, what it is found by."""

    sender: Address = Address()
    subject: str = ""
    text: str = ""


class CaseSearch:
    """The newest ``limits.searched_rows`` cases by sender, subject, the beginning of the text, number and mailbox. For any thread."""

    def __init__(self, bodies: Bodies, limits: StoreLimits) -> None:
        self._bodies = bodies
        self._limits = limits
        self._numbers: list[int] = []
        self._words: list[str] = []
        self._heard = 0  # up to this body it is known what was said
        self._lock = threading.Lock()

    def find(self, connection: Connection, text: str, below: int) -> list[int]:
        """The numbers of the cases that hold every word of the text, newest first, below a number."""
        wanted = text.casefold().split()
        with self._lock:
            self._catch_up(connection)
            end = bisect_left(self._numbers, below)
            numbers, words = self._numbers[:end], self._words[:end]
        found = [number for number, held in zip(numbers, words, strict=True) if all(word in held for word in wanted)]
        found.reverse()
        return found

    def catch_up(self, connection: Connection) -> None:
        """Read what has come since; done ahead of the first search, that search need not wait."""
        with self._lock:
            self._catch_up(connection)

    def forget(self) -> None:
        """Let go of every word; the next search reads what is still there."""
        with self._lock:
            self._numbers, self._words, self._heard = [], [], 0

    def _catch_up(self, connection: Connection) -> None:
        most = self._limits.searched_rows
        newest = self._numbers[-1] if self._numbers else 0
        self._hear(connection)
        fresh = connection.execute("SELECT no, id, mailbox FROM cases WHERE no > ? ORDER BY no DESC LIMIT ?", (newest, most)).fetchall()
        for number, case, mailbox in reversed(fresh):
            self._numbers.append(number)
            self._words.append(self._line(connection, number, case, mailbox))
        if len(self._numbers) > most * _SPARE:
            del self._numbers[:-most], self._words[:-most]

    def _hear(self, connection: Connection) -> None:
        """Of cases that are held already, and whose message has since been given what was said, read the words anew."""
        for number, case, mailbox, heard in connection.execute(_HEARD, (self._heard,)).fetchall():
            place = bisect_left(self._numbers, number)
            if place < len(self._numbers) and self._numbers[place] == number:
                self._words[place] = self._line(connection, number, case, mailbox)
            self._heard = heard

    def _line(self, connection: Connection, number: int, case: str, mailbox: str) -> str:
        return f"{self._of(connection, number)}\n{case}\n{mailbox}".casefold()

    def _of(self, connection: Connection, number: int) -> str:
        """What a case is found by; nothing when its words are gone or damaged, which whoever opens it is told."""
        try:
            found = cases.message_words(connection, self._bodies, number)
            words = _Words() if found is None else decode(found, _Words)
        except (StoreError, msgspec.DecodeError):
            return ""
        return f"{words.sender.address}\n{words.sender.name}\n{words.subject}\n{words.text[: self._limits.searched_characters]}"
