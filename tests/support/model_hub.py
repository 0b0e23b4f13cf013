"""A hub of models on this machine that speaks real HTTP, goes on from a byte on, and misbehaves when it is told to."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

REVISION = "5f1c" * 10
LARGE_BYTES = 10_000  # from here on the hub keeps a file elsewhere, and knows its SHA-256


@dataclass
class ModelHub:
    """One repository. ``cut_after``: this many bytes of each answer and then no more, so often. ``heard``: paths and ranges, in order."""

    files: dict[str, bytes]
    repository: str = "maker/model"
    port: int = 0
    token: str = ""  # without it nothing is given
    cut_after: int = 0
    cuts: int = 0
    ranges: bool = True
    etag: str = '"one"'
    status: int = 0  # of every answer, where something is wrong with the hub
    elsewhere: str = ""  # another server that large files are kept on
    hold_after: int = 0  # this many bytes, and then nothing until it is let go
    lies: dict[str, str] = field(default_factory=dict)  # digests that it tells wrongly
    heard: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fetched(self) -> list[tuple[str, str]]:
        """The files that were asked for, and from which byte on."""
        return [(path.rpartition("/")[2], asked) for path, asked in self.heard if "/resolve/" in path or path.startswith("/store/")]

    def listing(self) -> dict[str, Any]:
        return {"sha": REVISION, "siblings": [self._told(name, data) for name, data in self.files.items()]}

    def _told(self, name: str, data: bytes) -> dict[str, Any]:
        told: dict[str, Any] = {"rfilename": name, "size": len(data)}
        told["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        if len(data) >= LARGE_BYTES:
            told["lfs"] = {"sha256": self.lies.get(name) or hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}
        return told


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[ModelHub]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.heard.append((path, self.headers.get("range", "")))
        hub.tokens.append(self.headers.get("authorization", ""))
        if hub.status:
            self._answer(hub.status, b"{}")
        elif hub.token and self.headers.get("authorization") != f"Bearer {hub.token}" and not path.startswith("/store/"):
            self._answer(401, b"{}")
        elif path.startswith(f"/api/models/{hub.repository}/revision/") and "blobs" in parse_qs(urlsplit(self.path).query):
            self._answer(200, json.dumps(hub.listing()).encode())
        elif path.startswith(f"/{hub.repository}/resolve/"):
            self._file(path.split("/", 5)[5])
        elif path.startswith("/store/"):
            self._content(path.removeprefix("/store/"))
        else:
            self._answer(404, b"{}")

    def _file(self, name: str) -> None:
        data = self.hub.files.get(name)
        if data is None:
            self._answer(404, b"{}")
        elif self.hub.elsewhere and len(data) >= LARGE_BYTES:
            self.send_response(302)
            self.send_header("Location", f"{self.hub.elsewhere}/store/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._content(name)

    def _content(self, name: str) -> None:
        hub, data = self.hub, self.hub.files[name]
        asked = self.headers.get("range", "")
        goes_on = hub.ranges and asked and self.headers.get("if-range", "") in ("", hub.etag)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if goes_on else 0
        if goes_on and start >= len(data):
            self._answer(416, b"")
            return
        self.send_response(206 if goes_on else 200)
        if goes_on:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if hub.etag:
            self.send_header("ETag", hub.etag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self._send(data[start:])

    def _send(self, data: bytes) -> None:
        hub = self.hub
        if hub.cuts > 0 and len(data) > hub.cut_after:
            hub.cuts -= 1
            self.wfile.write(data[: hub.cut_after])
            self.close_connection = True
        elif hub.hold_after and len(data) > hub.hold_after:
            self.wfile.write(data[: hub.hold_after])
            self.wfile.flush()
            hub.held.set()
            hub.released.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(data)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def serving(hub: ModelHub) -> Iterator[ModelHub]:
    """The hub, listening on a port of its own for as long as this lasts."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.released.set()
            server.shutdown()
            thread.join(10)
