"""An SMTP server that misbehaves as it is told, one stage at a time.

    server = FaultySmtp()
    server.plan("rcpt", "451 later", "550 never")     the first RCPT gets 451, the second 550, all others 250
    server.plan("dot", DROP)                           take the data and the final dot, then drop the line
    server.plan("connect", Slow(2.0, "220 at last"))
    server.accepted                                    the mails it said 250 to
    server.dotted                                      the mails whose final dot it saw, whatever it said

Stages: connect, ehlo, auth, mail, rcpt, data, body (while the data comes in), dot, rset, noop, quit.
"""

import contextlib
import socket
import threading
from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Slow:
    """Answer, but only after so many seconds."""

    seconds: float
    answer: str


DROP = "DROP"  # close the line without a word
HANG = "HANG"  # keep the line open and say nothing more
Action = str | Slow

_USUAL = {
    "connect": "220 faulty.test",
    "ehlo": "250-faulty.test\r\n250-SIZE 10000000\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250 8BITMIME",
    "auth": "235 in",
    "mail": "250 ok",
    "rcpt": "250 ok",
    "data": "354 go on",
    "dot": "250 taken",
    "rset": "250 ok",
    "noop": "250 ok",
    "quit": "221 bye",
}
_STAGE_OF = {
    b"EHLO": "ehlo",
    b"HELO": "ehlo",
    b"AUTH": "auth",
    b"MAIL": "mail",
    b"RCPT": "rcpt",
    b"DATA": "data",
    b"RSET": "rset",
    b"NOOP": "noop",
    b"QUIT": "quit",
}


class _Gone(Exception):
    """The line is closed, by them or by us."""


class FaultySmtp:
    """Listens on a port of 127.0.0.1 until ``stop``."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.accepted: list[bytes] = []
        self.dotted: list[bytes] = []
        self.commands: list[str] = []
        self.connections = 0
        self.words: dict[str, str] = dict(_USUAL)  # what each stage says when nothing is planned for it
        self._plans: dict[str, deque[Action]] = defaultdict(deque)
        self._lines: list[socket.socket] = []
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, name="faulty-smtp", daemon=True).start()

    def plan(self, stage: str, *actions: Action) -> None:
        """What the next times at this stage bring, in order; after that everything is well again."""
        self._plans[stage].extend(actions)

    def stop(self) -> None:
        self._stopping.set()
        for line in (self._listener, *self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._lines.append(line)
            threading.Thread(target=self._serve, args=(line,), name="faulty-line", daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError, _Gone), line, line.makefile("rb") as words:
            self._act("connect", line)
            for command in iter(words.readline, b""):
                self.commands.append(command.decode("utf-8", "replace").strip())
                stage = _STAGE_OF.get(command[:4].upper())
                if stage is None:
                    line.sendall(b"500 what?\r\n")
                    continue
                said = self._act(stage, line)
                if stage == "data" and said.startswith("354"):
                    self._take_data(line, words)
                if stage == "quit":
                    return

    def _take_data(self, line: socket.socket, words: object) -> None:
        lines: list[bytes] = []
        if self._plans["body"]:
            words.read(1000)  # type: ignore[attr-defined]
            self._act("body", line)
        for text in iter(words.readline, b".\r\n"):  # type: ignore[attr-defined]
            if not text:
                raise _Gone
            lines.append(text[1:] if text.startswith(b".") else text)
        self.dotted.append(b"".join(lines))
        self._act("dot", line, b"".join(lines))

    def _act(self, stage: str, line: socket.socket, mail: bytes | None = None) -> str:
        plan = self._plans[stage]
        action = plan.popleft() if plan else self.words.get(stage, "")
        if isinstance(action, Slow):
            self._stopping.wait(action.seconds)
            action = action.answer
        if action == HANG:
            self._stopping.wait()
            raise _Gone
        if action == DROP:
            line.shutdown(socket.SHUT_RDWR)
            raise _Gone
        if mail is not None and action.startswith("250"):
            self.accepted.append(mail)  # before it is said, so that whoever hears it finds it here
        if action:
            line.sendall(action.encode() + b"\r\n")
        return action
