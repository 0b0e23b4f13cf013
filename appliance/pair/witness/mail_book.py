"""The record as a folder of a mailbox tells it: every question is a message, and their order by UID is the order in which they count.

A mail server numbers the messages of a folder upwards and never gives a number twice (RFC 3501, 2.3.1.1). So two nodes that put
their questions into one folder, and both go through all of them in that order, come to the same record without speaking to each
other; the answer to a question is what the record says at its place. This is the pure part: lines in, answers out.

A mailbox has other users: people, rules, programs that tidy up. What they can do, and what becomes of it:

    a message of their own         carries no seal of the pair's key: passed over
    a copy of an old question      comes with a number that its node has used already: passed over
    a message of another folder    names that folder's UIDVALIDITY: passed over
    an old message put back where  was written before anybody had seen this place: passed over, by ``floor``
     later ones are missing
    a message taken away           leaves a hole. What it said is unknown, so the record begins empty behind it, which grants nothing
                                   until a leader notes that its peer is with it; whoever had read it keeps what it knows
    all of it taken away, or       the same
     numbered afresh

So a book holds either what all the questions came to, or nothing. Somebody who keeps taking messages away can keep the pair from
taking over. What is not proven: that nobody who may delete in this folder, and does so in the very moment between a granted *take* and its
reading, can have an old leader's late note believed until the new leader's next one. Let nobody but the appliance into the folder.

Now and then the record itself is written down (a *checkpoint*) and what lies before it is deleted: whoever begins to read there
begins with it, and whoever was reading goes on behind the hole.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from appliance.pair.messages import Ask, Look, Reply, WitnessRecord
from appliance.pair.witness.words import SEAL_BYTES, Number, Question, derived, seal, sealed_by, spoken, understood
from appliance.pair.witness_record import answer
from appliance.records.base import Record

CHECKPOINT_EVERY = 200  # messages
KEPT_BEHIND = 20  # messages before a checkpoint that are not deleted: somebody may be waiting for the answer to one
NODES_MOST = 8
LINE_CHARS_MOST = 3000
_KEY, _SEAL = b"tandem-w-mail-1", b"tandem-w-line-1"


class _Asked(Record, array_like=True, tag="asked"):
    """A question. ``seen``: its writer had read up to here."""

    validity: Number
    seen: Number
    question: Question


class _Checkpoint(Record, array_like=True, tag="checkpoint"):
    """What everything up to ``uid`` came to."""

    validity: Number
    uid: Number
    floor: Number
    record: WitnessRecord
    numbers: Annotated[dict[str, int], Meta(max_length=NODES_MOST)]


class Page(Record):
    """What has been read: everything up to ``uid`` of the folder with this UIDVALIDITY.

    ``floor``: questions whose writer had not seen up to here say nothing. ``numbers``: each node's highest number so far.
    ``noted_uid``: up to where the newest checkpoint goes.
    """

    validity: int
    uid: int = 0
    floor: int = 0
    record: WitnessRecord = WitnessRecord()
    numbers: Mapping[str, int] = {}
    noted_uid: int = 0


class MailBook:
    """Reads and writes the lines of one pair's folder. Not to be shared between threads."""

    def __init__(self, pair: str, secret: bytes, lease_seconds: float) -> None:
        self._key = derived(secret, _KEY, pair)
        self._lease_seconds = lease_seconds
        self._page = Page(validity=0)
        self._awaited: tuple[str, int] | None = None
        self._reply: Reply | None = None

    @property
    def page(self) -> Page:
        return self._page

    @property
    def uid(self) -> int:
        """Everything up to here has been read."""
        return self._page.uid

    def opened(self, validity: int, uid_next: int) -> None:
        """The folder was opened. Where it is not the one that was read (numbered afresh, or made anew), reading begins anew."""
        if validity != self._page.validity or uid_next <= self._page.uid:
            self._page = Page(validity=validity)

    def line(self, ask: Ask) -> str:
        """A question as it goes into the folder; "" for one that only reads."""
        if isinstance(ask, Look):
            return ""
        self._awaited, self._reply = (ask.node, ask.number), None
        return self._sealed(_Asked(validity=self._page.validity, seen=self._page.uid, question=spoken(ask, self._lease_seconds)))

    def hole(self, lines: Mapping[int, str]) -> bool:
        """Whether a message is missing among these, and no checkpoint says what it came to. A second look may find it."""
        points, read_to = self._checkpoints(lines), self._page.uid
        for uid in sorted(uid for uid in lines if uid > self._page.uid):
            if uid > read_to + 1:
                point = _over_the_hole(points, uid)
                if point is None:
                    return True
                read_to = point.uid
            read_to = max(read_to, uid)
        return False

    def read(self, lines: Mapping[int, str]) -> None:
        """Go through the messages above ``uid``, all that there are: UID to line ("" for one that is not ours)."""
        points = self._checkpoints(lines)
        for uid, text in sorted(lines.items()):
            if uid > self._page.uid + 1:
                self._pass_over_hole(_over_the_hole(points, uid), uid)
            if uid > self._page.uid:
                self._page = replace(self._page, uid=uid)
                self._count(self._understood(text))
        noted_uid = max((point.uid for point in points), default=0)
        self._page = replace(self._page, noted_uid=max(self._page.noted_uid, noted_uid))

    def answer(self, ask: Ask) -> Reply | None:
        """The answer to a question whose line has been read, or to a look; None while it has not."""
        if isinstance(ask, Look):
            return Reply(number=ask.number, granted=True, record=self._page.record)
        return self._reply if self._awaited == (ask.node, ask.number) else None

    def checkpoint(self, *, late: bool) -> str:
        """The line of a checkpoint where one is due, else "". ``late``: only where it is long overdue, for somebody waits."""
        due = self._page.uid - self._page.noted_uid >= CHECKPOINT_EVERY * (2 if late else 1)
        if not due:
            return ""
        page = self._page
        return self._sealed(
            _Checkpoint(validity=page.validity, uid=page.uid, floor=page.floor, record=page.record, numbers=dict(page.numbers))
        )

    def needless(self) -> int:
        """Messages up to this UID are no longer needed by anybody: a checkpoint that has been read speaks for them."""
        return max(0, self._page.noted_uid - KEPT_BEHIND)

    def _pass_over_hole(self, point: _Checkpoint | None, uid: int) -> None:
        """Go on behind missing messages: with what a checkpoint says they came to, or with nothing."""
        if point is None:
            self._page = replace(self._page, record=WitnessRecord(), floor=uid - 1)
        else:
            self._page = replace(self._page, uid=point.uid, floor=point.floor, record=point.record, numbers=point.numbers)

    def _count(self, said: _Asked | _Checkpoint | None) -> None:
        """Let the message at ``uid``, which has just been reached, change the record."""
        if not isinstance(said, _Asked) or said.question.what == "look":
            return
        page, question = self._page, said.question
        if self._counts(said):
            record, reply = answer(page.record, understood(question), question.lease_seconds)
            self._page = replace(page, record=record, numbers={**page.numbers, question.node: question.number})
        else:
            reply = Reply(number=question.number, granted=False, record=page.record)
        if self._awaited == (question.node, question.number) and self._reply is None:
            self._reply = reply

    def _counts(self, said: _Asked) -> bool:
        """Whether it is a question of its own and of its place, rather than a copy."""
        page, node = self._page, said.question.node
        known = node in page.numbers or len(page.numbers) < NODES_MOST
        return known and said.question.number > page.numbers.get(node, -1) and page.floor <= said.seen < page.uid

    def _checkpoints(self, lines: Mapping[int, str]) -> list[_Checkpoint]:
        """Those that say something of what lies before them, in the order of how far they go."""
        found = [(uid, said) for uid, text in lines.items() if isinstance(said := self._understood(text), _Checkpoint)]
        return sorted((said for uid, said in found if said.uid < uid), key=lambda said: said.uid)

    def _sealed(self, said: _Asked | _Checkpoint) -> str:
        body = msgspec.msgpack.encode(said)
        return base64.urlsafe_b64encode(seal(self._key, _SEAL, body) + body).decode("ascii")

    def _understood(self, text: str) -> _Asked | _Checkpoint | None:
        """What a line of this pair and this folder says; None for any other."""
        if not 0 < len(text) <= LINE_CHARS_MOST:
            return None
        try:
            raw = base64.b64decode(text, altchars=b"-_", validate=True)
            if not sealed_by(self._key, _SEAL, raw[:SEAL_BYTES], raw[SEAL_BYTES:]):
                return None
            said = msgspec.msgpack.decode(raw[SEAL_BYTES:], type=_Asked | _Checkpoint)
        except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
            return None
        return said if said.validity == self._page.validity else None


def _over_the_hole(points: Iterable[_Checkpoint], uid: int) -> _Checkpoint | None:
    """The first checkpoint that speaks for everything before this UID. Not the last: the answer to a question may lie behind the first."""
    return next((point for point in points if point.uid >= uid - 1), None)
