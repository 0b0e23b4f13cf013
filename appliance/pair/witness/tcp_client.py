"""A node's way to a witness process: one connection, kept and renewed, and a second for each question."""

import select
import socket
from contextlib import suppress
from typing import Final

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.ids import random_bytes
from appliance.ground.log import Log, Trouble
from appliance.pair.messages import Ask, Reply, WitnessKind
from appliance.pair.witness.frames import (
    ASKED,
    NONCE_BYTES,
    REPLIED,
    Answered,
    BadFrame,
    Declined,
    Greeting,
    Sealed,
    pack,
    receive,
    send,
    unpack,
)
from appliance.pair.witness.keys import WitnessKey
from appliance.pair.witness.words import seal, sealed_by, spoken

ASK_SECONDS = 1.0
_DECLINED: Final = {
    "unknown_pair": "it does not know this pair: run tandem witness add there, with the key of this pair",
    "wrong_key": "it has another key for this pair: run tandem witness add there, with the key of this pair",
    "damaged": "its file for this pair is damaged; its log says what to do",
    "disk": "it cannot write to its disk",
    "not_understood": "it is of another version",
}


class TcpWitness:
    """See ``protocol.Witness``. Looking up a host name is the system's work and has no limit here: name the witness by its number."""

    kind: WitnessKind = "tcp"

    def __init__(self, host: str, port: int, key: WitnessKey, clock: Clock, *, lease_seconds: float, seconds: float = ASK_SECONDS) -> None:
        self._address = (host, port)
        self._key = key
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._seconds = seconds
        self._line: socket.socket | None = None
        self._greeting = b""
        self._nonce = b""
        self._count = 0
        self._trouble = Trouble(Log("pair"), "witness")

    @property
    def trouble(self) -> str:
        return self._trouble.reason

    def ask(self, ask: Ask) -> Reply | None:
        until = self._clock.elapsed() + self._seconds
        try:
            reply = self._put(self._connected(until), ask, until)
        except (OSError, EOFError, BadFrame, _NotAnswered) as error:
            self._without_answer(_why(error))
            return None
        self._trouble.healed()
        return reply

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(OSError):
                line.close()

    def _without_answer(self, why: str) -> None:
        # The next question gets a line of its own: a late answer on this one could only be taken for another's.
        self.close()
        host, port = self._address
        self._trouble.broke(f"The witness at {host}, port {port}, gives no answer: {why}.")

    def _connected(self, until: float) -> socket.socket:
        """The line there is, unless the witness has hung up meanwhile; else a new one."""
        if self._line is not None and _is_quiet(self._line):
            return self._line
        self.close()
        left = until - self._clock.elapsed()
        self._line = socket.create_connection(self._address, timeout=max(0.001, left))
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._greeting = unpack(receive(self._line, self._clock, until), Greeting).nonce
        self._nonce, self._count = random_bytes(NONCE_BYTES), 0
        return self._line

    def _put(self, line: socket.socket, ask: Ask, until: float) -> Reply:
        self._count += 1
        body = pack(spoken(ask, self._lease_seconds))
        mark = seal(self._key.key, ASKED, self._greeting, self._nonce, self._count.to_bytes(8, "big"), body)
        send(line, Sealed(pair=self._key.pair, nonce=self._nonce, count=self._count, body=body, seal=mark), self._clock, until)
        said = _read(receive(line, self._clock, until))
        if isinstance(said, Declined):
            raise _NotAnswered(_DECLINED.get(said.code, "it declines"))
        if not sealed_by(self._key.key, REPLIED, said.seal, mark, said.body):
            raise _NotAnswered("what answers there does not hold the key of this pair")
        reply = unpack(said.body, Reply)
        if reply.number != ask.number:
            raise BadFrame("the answer to another question")
        return reply


class _NotAnswered(Exception):
    """There was an answer, but none to the question. Says why."""


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, _NotAnswered):
        return str(error)
    return getattr(error, "strerror", None) or "the line broke"


def _is_quiet(line: socket.socket) -> bool:
    """Nothing has come over the line since the last answer, not even its end."""
    poll = select.poll()
    poll.register(line.fileno(), select.POLLIN)
    return not poll.poll(0)


def _read(body: bytes) -> Answered | Declined:
    try:
        return msgspec.msgpack.decode(body, type=Answered | Declined)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadFrame("a message that cannot be read") from error
