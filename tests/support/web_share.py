"""A real web server on this machine that holds files, and misbehaves when it is told to."""

import base64
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

Misbehaviour = Callable[["_Handler"], None]


@dataclass
class Share:
    """The files by their paths, what was asked, and what goes wrong on purpose at a path."""

    port: int = 0
    scheme: str = "http"
    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, Misbehaviour] = field(default_factory=dict)
    password: str = ""  # of the user "desk"
    answers: list[int] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)  # the header fields of each question
    released: threading.Event = field(default_factory=threading.Event)  # lets go of whoever hangs

    def url(self, path: str = "/kb/en.csv") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    share: ClassVar[Share]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.share.heard.append(self.headers)
        path = self.path.partition("?")[0]
        if path in self.share.wrong:
            self.close_connection = True
            self.share.wrong[path](self)
        elif self.share.password and self.headers.get("Authorization") != _basic(f"desk:{self.share.password}"):
            self.reply(401, b"Who are you?", "text/plain")
        elif path not in self.share.files:
            self.reply(404, b"<html>Not here</html>", "text/html")
        else:
            self._file(self.share.files[path], self.share.types.get(path, "application/octet-stream"))

    def _file(self, content: bytes, kind: str) -> None:
        tag = f'"{sha256(content).hexdigest()[:12]}"'
        if self.headers.get("If-None-Match") == tag:
            self.reply(304, b"", kind, ETag=tag)
        else:
            self.reply(200, content, kind, ETag=tag)

    def reply(self, status: int, content: bytes, kind: str, **headers: str) -> None:
        self.share.answers.append(status)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def answers(status: int, content: bytes = b"", kind: str = "text/plain", **headers: str) -> Misbehaviour:
    """Say this whatever was asked."""
    return lambda handler: handler.reply(status, content, kind, **headers)


def says(raw: bytes) -> Misbehaviour:
    """These bytes and nothing else."""

    def say(handler: _Handler) -> None:
        handler.wfile.write(raw)

    return say


def hangs(handler: _Handler) -> None:
    """Take the question and say nothing until the share lets go."""
    handler.share.released.wait(60)


def drips(handler: _Handler) -> None:
    """A byte now and then, never an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    trickles_on(handler)


def trickles(handler: _Handler) -> None:
    """The same without a length: only the end of the line would tell where the file ends."""
    handler.send_response(200)
    trickles_on(handler)


def trickles_on(handler: _Handler) -> None:
    handler.end_headers()
    while not handler.share.released.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def never_ends(handler: _Handler) -> None:
    """Megabytes without a length, as long as somebody listens."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 100_000)


def breaks_off(handler: _Handler) -> None:
    """Announce more than comes."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"Key;Value\nopening_hours;Mon-Fri 9-17\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up on purpose is no news."""


@contextmanager
def web_share(certificate: tuple[Path, Path] | None = None) -> Iterator[Share]:
    """The server while inside; with a certificate and its key it speaks TLS."""
    share = Share(scheme="https" if certificate else "http")
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"share": share}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    share.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield share
    finally:
        share.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
