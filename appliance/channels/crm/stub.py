"""A CRM that is none: it takes signed webhooks, knows a push that it has seen, and can be told to go wrong.

For trying the way to the CRM out and for tests. It checks signatures as a real receiver should, keeps documents in memory alone, and
lists them at ``/``. What it is not: a place for customers' words; it listens on this machine only unless somebody says otherwise.
"""

import json
import ssl
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from appliance.channels.crm.signature import ID, holds
from appliance.ground.clock import Clock
from appliance.records.base import Record

DOCUMENT_BYTES_MAX = 4_000_000
PUSHES_MOST = 1_000
SILENT_SECONDS = 30.0  # of a sender, before its line is closed

FAULTS: dict[str, str] = {
    "none": "takes everything",
    "500": "answers with an error of its own",
    "429": "asks for a pause of one second (Retry-After)",
    "400": "refuses every push, with the code invalid_document",
    "410": "wants no pushes any more",
    "redirect": "points to another address",
    "hang": "takes the document and never answers",
    "slow": "takes the document and answers a byte a second",
    "wrong": "answers with a web page instead",
    "garbage": "answers with bytes that are no HTTP",
    "endless": "answers and never stops",
    "drop": "takes the document and closes the line without an answer",
    "forget": "takes the document, keeps it, and closes the line without an answer",
}


class Taken(Record):
    """A push that the stub has: how often it came, and when it was taken first, in Unix seconds."""

    id: str
    document: dict[str, Any]
    times: int = 1
    at: float = 0.0


class CrmStub:
    """Listens from ``start`` to ``stop``. ``fault`` may be changed at any time; ``faults_left`` ends it after so many (-1: never)."""

    def __init__(self, clock: Clock, keys: Sequence[bytes] = (), host: str = "127.0.0.1", port: int = 0) -> None:
        self.clock = clock
        self.keys = tuple(keys)
        self.fault = "none"
        self.faults_left = -1
        self.requests = 0
        self.refused_signatures = 0
        self.stopping = threading.Event()
        self._taken: dict[str, Taken] = {}
        self._lock = threading.Lock()
        self._server = _Server((host, port), _Handler)
        self._server.stub = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="crm-stub", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self._server.server_address[0]!s}:{self.port}/hooks"

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on; before ``start``."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the door, and let go of who is kept waiting. May be called twice."""
        self.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(5.0)
        self._server.server_close()

    def taken(self) -> tuple[Taken, ...]:
        """What it has, in the order it came."""
        with self._lock:
            return tuple(self._taken.values())

    def next_fault(self) -> str:
        """What goes wrong with this request."""
        with self._lock:
            self.requests += 1
            if self.faults_left == 0:
                return "none"
            self.faults_left -= self.faults_left > 0
            return self.fault

    def take(self, push: str, document: dict[str, Any]) -> bool:
        """Whether it was known already."""
        with self._lock:
            known = self._taken.get(push)
            if known is not None:
                self._taken[push] = Taken(id=push, document=known.document, times=known.times + 1, at=known.at)
                return True
            if len(self._taken) >= PUSHES_MOST:
                self._taken.pop(next(iter(self._taken)))
            self._taken[push] = Taken(id=push, document=document, at=self.clock.now())
            return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: CrmStub

    def handle_error(self, *_: Any) -> None:
        """Nothing: a sender that goes away, or speaks no TLS, is no fault of the stub's."""


class _Handler(BaseHTTPRequestHandler):
    """One request; what it answers with is a method for each fault."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = SILENT_SECONDS

    def log_message(self, *_: Any) -> None:
        """Nothing: an address may hold a secret, and the stub says what it took by itself."""

    def do_GET(self) -> None:
        """What was taken, as JSON."""
        taken = [{"id": one.id, "times": one.times, "at": one.at, "document": one.document} for one in self.server.stub.taken()]
        self._answer(200, {"pushes": taken, "requests": self.server.stub.requests})

    def do_POST(self) -> None:
        stub = self.server.stub
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > DOCUMENT_BYTES_MAX:
            self._answer(413, {"error": "too_large"})
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = stub.next_fault()
        if fault != "none":
            self._go_wrong(fault, headers, body)
            return
        self._take(headers, body)

    def _take(self, headers: Mapping[str, str], body: bytes) -> None:
        stub = self.server.stub
        if stub.keys and not holds(stub.keys, headers, body, stub.clock.now()):
            stub.refused_signatures += 1
            self._answer(401, {"error": "bad_signature"})
            return
        document = _document(body)
        if document is None:
            self._answer(400, {"error": "invalid_document"})
            return
        push = headers.get(ID, "")
        self._answer(200, {"id": push, "duplicate": stub.take(push, document)})

    def _go_wrong(self, fault: str, headers: Mapping[str, str], body: bytes) -> None:
        if fault.isdecimal():
            error = {"400": "invalid_document", "410": "gone", "429": "too_many_requests"}.get(fault, "internal_error")
            self._answer(int(fault), {"error": error}, {"Retry-After": "1"} if fault == "429" else {})
        elif fault == "redirect":
            self._answer(307, {}, {"Location": f"{self.server.stub.url}/elsewhere"})
        elif fault == "wrong":
            self._write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><title>Sign in</title>")
        elif fault == "garbage":
            self._write(b"\x15\x03\x01\x00\x02\x02\x16 this is no HTTP\r\n\r\n")
        elif fault == "endless":
            self._endless()
        elif fault == "slow":
            self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        elif fault == "hang":
            self.server.stub.stopping.wait()
        elif fault == "forget":
            self.server.stub.take(headers.get(ID, ""), _document(body) or {})
        self.close_connection = True

    def _endless(self) -> None:
        self._write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self.server.stub.stopping.is_set() and self._write(b"x" * 65_536):
            pass

    def _drip(self, content: bytes) -> None:
        for byte in content:
            if self.server.stub.stopping.wait(1.0) or not self._write(bytes((byte,))):
                return

    def _write(self, content: bytes) -> bool:
        """Whether somebody is still there to read it."""
        try:
            self.wfile.write(content)
            self.wfile.flush()
        except OSError:
            return False
        finally:
            self.close_connection = True
        return True

    def _answer(self, code: int, said: Mapping[str, Any], more: Mapping[str, str] | None = None) -> None:
        content = json.dumps(said).encode()
        lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), "Connection": "close", **(more or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._write(f"HTTP/1.1 {code} {HTTPStatus(code).phrase}\r\n{head}\r\n".encode() + content)


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
