"""The witness as a process of its own: it keeps one record for each pair, and answers whoever holds the pair's key.

It decides nothing by itself and needs no clock for its answers. Losing it stops nothing that works; it only ends take-overs until
it is back.
"""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused, TandemError
from appliance.ground.ids import random_bytes
from appliance.ground.log import Log
from appliance.pair.messages import WitnessRecord
from appliance.pair.witness.frames import (
    ASKED,
    NONCE_BYTES,
    PROTO,
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
)  # fmt: skip
from appliance.pair.witness.shelf import Shelf, WitnessDamaged
from appliance.pair.witness.words import Question, seal, sealed_by, understood
from appliance.pair.witness_record import answer

log = Log("witness")

LINES_MOST = 16
PROOF_SECONDS = 5.0  # so long a stranger may stay
QUIET_SECONDS = 120.0  # so long a node of a pair may be silent; a leader looks every 30 seconds
SEND_SECONDS = 2.0


class _Caller:
    """One connection. ``proven``: a question with a right seal has come over it."""

    def __init__(self, line: socket.socket, name: str) -> None:
        self.line = line
        self.name = name
        self.nonce = random_bytes(NONCE_BYTES)
        self.count = 0
        self.proven = False

    def hang_up(self) -> None:
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)


class WitnessServer:
    """Listens once ``start`` was called, with a thread for each of at most ``LINES_MOST`` connections."""

    def __init__(self, host: str, port: int, folder: Path, clock: Clock, *, proof_seconds: float = PROOF_SECONDS) -> None:
        """Binds the port at once; 0 takes a free one. Raises ``Refused`` when it cannot be had."""
        self._shelf = Shelf(folder)
        self._clock = clock
        self._proof_seconds = proof_seconds
        self._recording = threading.Lock()
        self._callers: list[_Caller] = []
        self._lock = threading.Lock()
        self._told: set[str] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=LINES_MOST)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Refused(
                f"The witness cannot listen on {host}, port {port} ({reason}).",
                "Name an address of this machine and a free port with --listen.",
                code="cannot_listen",
            ) from error
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._listen, name="witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody; an answer that is being written down is finished first."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            callers = list(self._callers)
        for caller in callers:
            caller.hang_up()
        with self._recording:
            pass

    def _listen(self) -> None:
        while True:
            try:
                line, address = self._listener.accept()
            except OSError:
                if self._listener.fileno() < 0:
                    return
                # Out of descriptors, or a caller that left before it was let in: the next one may do better.
                self._clock.wait(threading.Event(), 0.1)
                continue
            caller = _Caller(line, str(address[0]))
            if self._let_in(caller):
                threading.Thread(target=self._serve, args=(caller,), name="witness-line", daemon=True).start()
            else:
                line.close()

    def _let_in(self, caller: _Caller) -> bool:
        """Room for one more: where there is none, the stranger who has stayed longest goes. Nodes are never sent away for strangers."""
        with self._lock:
            if len(self._callers) >= LINES_MOST:
                strangers = [each for each in self._callers if not each.proven]
                if not strangers:
                    return False
                self._callers.remove(strangers[0])
                strangers[0].hang_up()
            self._callers.append(caller)
            return True

    def _serve(self, caller: _Caller) -> None:
        try:
            caller.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._converse(caller)
        except (OSError, EOFError, BadFrame):
            pass  # it left, was too slow, or talks something else
        except Exception as error:
            log.error("witness_line_failed", error=error)
        finally:
            with self._lock, suppress(ValueError):
                self._callers.remove(caller)
            caller.line.close()

    def _converse(self, caller: _Caller) -> None:
        stranger_until = self._clock.elapsed() + self._proof_seconds
        self._say(caller, Greeting(proto=PROTO, nonce=caller.nonce))
        while True:
            until = self._clock.elapsed() + QUIET_SECONDS if caller.proven else stranger_until
            sealed = unpack(receive(caller.line, self._clock, until), Sealed)
            said = self._heard(caller, sealed)
            self._say(caller, said)
            if isinstance(said, Declined):
                return

    def _say(self, caller: _Caller, message: Greeting | Answered | Declined) -> None:
        send(caller.line, message, self._clock, self._clock.elapsed() + SEND_SECONDS)

    def _heard(self, caller: _Caller, sealed: Sealed) -> Answered | Declined:
        """The answer to a question, or why there is none."""
        try:
            key = self._shelf.key(sealed.pair)
            if key is None:
                return self._declined(caller, "unknown_pair", sealed.pair)
            count = sealed.count.to_bytes(8, "big")
            if not sealed_by(key.key, ASKED, sealed.seal, caller.nonce, sealed.nonce, count, sealed.body) or sealed.count <= caller.count:
                return self._declined(caller, "wrong_key", sealed.pair)
            caller.proven, caller.count = True, sealed.count
            try:
                question = unpack(sealed.body, Question)
            except BadFrame:
                return self._declined(caller, "not_understood", sealed.pair)
            with self._recording:
                before = self._shelf.record(key)
                after, reply = answer(before, understood(question), question.lease_seconds)
                if after != before:
                    self._shelf.write(key, after)
        except WitnessDamaged as damaged:
            return self._declined(caller, "damaged", sealed.pair, damaged)
        except OSError as error:
            return self._declined(caller, "disk", sealed.pair, _disk(error))
        _tell(sealed.pair, before, after)
        body = pack(reply)
        return Answered(body=body, seal=seal(key.key, REPLIED, sealed.seal, body))

    def _declined(self, caller: _Caller, code: str, pair: str, error: TandemError | None = None) -> Declined:
        """Said once for each reason, pair and caller, for a node asks again and again. A stranger's words are not kept for ever."""
        about = f"{code} {pair if code in ('damaged', 'disk', 'not_understood') else caller.name}"
        with self._lock:
            first = about not in self._told and len(self._told) < 1000
            self._told.add(about) if first else None
        if first and error is not None:
            log.warning("witness_declined", code=code, pair=pair, reason=error.message, remedy=error.remedy)
        elif first:
            log.warning("witness_declined", code=code, pair=pair, caller=caller.name)
        return Declined(code=code)


def _disk(error: OSError) -> TandemError:
    return TandemError(f"The witness cannot write its record ({error.strerror}).", "Make room on the disk; it is tried again by itself.")


def _tell(pair: str, before: WitnessRecord, after: WitnessRecord) -> None:
    """One line for each change of leader."""
    if (before.holder, before.term) != (after.holder, after.term):
        log.info("witness_leader", pair=pair, leader=after.holder, term=after.term, in_sync=after.in_sync)
