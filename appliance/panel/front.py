"""The front of the panel: it listens and answers the probes at once, while everything behind it is still being built.

Importing the web framework costs a third of a second, building the node more. A supervisor wants to hear sooner that the
process lives, so this file imports nothing heavy: a plain ASGI function answers ``/healthz``, ``/livez`` and ``/readyz``,
lets other requests wait a moment, and hands them on once ``attach`` was called. What this is not: a proxy. There is one
process, one socket and one event loop.
"""

import asyncio
import contextlib
import errno
import json
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from appliance.ground.errors import TandemError

if TYPE_CHECKING:
    import uvicorn

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]  # loose, so that any framework's app fits

STOPPING = "tandem.stopping"  # in the scope's extensions: an asyncio.Event, for whoever keeps a response open
HOLD_SECONDS = 5.0
BACKLOG = 256
REQUESTS_MOST = 512
_PROBES = frozenset({"/healthz", "/livez", "/readyz"})
_PLAIN_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class PanelError(TandemError):
    """The panel could not be opened."""


class Listener(NamedTuple):
    """Who listens, for an error that says which setting to change."""

    who: str
    host_key: str
    port_key: str


PANEL = Listener("panel", "[panel] host", "[panel] port")
CHAT = Listener("chat", "[chat] host", "[panel] chat_port")


def _yes() -> bool:
    return True


class Probes:
    """What the three probes say. They say their state and nothing else, for they answer whoever asks."""

    def __init__(self, model_loaded: Callable[[], bool] = _yes, ready: Callable[[], bool] = _yes) -> None:
        self._model_loaded = model_loaded
        self._ready = ready
        self.attached = False

    def answer(self, path: str) -> tuple[int, dict[str, object]]:
        """Status code and body for ``/healthz``, ``/livez`` or ``/readyz``."""
        if path == "/healthz":
            return 200, {"status": "ok", "model_loaded": self._model_loaded()}
        if path == "/livez":
            return 200, {"status": "ok"}
        return (200, {"status": "ready"}) if self.attached and self._ready() else (503, {"status": "starting"})


class Front:
    """The outermost ASGI function: probes, then the app, then patience."""

    def __init__(self, probes: Probes) -> None:
        self.probes = probes
        self.stopping: asyncio.Event | None = None
        self._app: ASGIApp | None = None
        self._waiting: set[asyncio.Event] = set()

    def attach(self, app: ASGIApp) -> None:
        """From now on requests go to the app; called in the loop's thread."""
        self._app = app
        self.probes.attached = True
        for event in self._waiting:
            event.set()

    def detach(self) -> None:
        """What is asked from now on waits for another app; called in the loop's thread."""
        self._app = None
        self.probes.attached = False
        self._waiting = {event for event in self._waiting if not event.is_set()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] in _PROBES and scope["method"] in ("GET", "HEAD"):
            await self._probe(scope, send)
            return
        app = self._app or await self._wait_for_app()
        if app is None:
            await self._put_off(send)
            return
        if self.stopping is not None:
            scope.setdefault("extensions", {})[STOPPING] = self.stopping
        await app(scope, receive, send)

    async def _probe(self, scope: Scope, send: Send) -> None:
        status, body = self.probes.answer(scope["path"])
        await _plain(send, status, body, head=scope["method"] == "HEAD")

    async def _wait_for_app(self) -> ASGIApp | None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), HOLD_SECONDS)
        finally:
            self._waiting.discard(event)
        return self._app

    async def _put_off(self, send: Send) -> None:
        error = {"message": "The appliance is starting.", "remedy": "Try again in a few seconds.", "code": "starting"}
        await _plain(send, 503, {"error": error}, extra=[(b"retry-after", b"2"), (b"refresh", b"2")])

    def let_go(self) -> None:
        """Stopping: open streams end, and who waited for the app is told no; called in the loop's thread."""
        if self.stopping is not None:
            self.stopping.set()
        for event in self._waiting:
            event.set()


async def _plain(send: Send, status: int, body: object, *, head: bool = False, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = [*_PLAIN_HEADERS, (b"content-length", str(len(content)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else content})


class PanelServer:
    """The listening socket and its thread.

    ``start`` returns as soon as the probes can be asked; ``attach`` may come any time later; ``stop`` ends open streams too.
    """

    def __init__(self, probes: Probes | None = None) -> None:
        self.probes = probes or Probes()
        self.port = 0
        self._front = Front(self.probes)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._up = threading.Event()

    def start(self, host: str, port: int, name: Listener = PANEL) -> None:
        """Listen. Raises ``PanelError`` when the address cannot be had. Port 0 takes a free one; ``port`` then says which."""
        listening = listen(host, port, name)
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listening,), name="panel", daemon=True)
        self._thread.start()
        self._up.wait(10.0)

    def attach(self, app: ASGIApp) -> None:
        """Serve this app from now on. Nothing happens when the server has ended meanwhile."""
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._front.attach, app)

    def detach(self) -> None:
        """The app is about to go, and another one comes: requests wait for it a little."""
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._front.detach)

    def stop(self, timeout: float = 5.0) -> None:
        """Stop listening, let running requests finish, end open streams. May be called twice, or without a start."""
        if self._thread is None or self._server is None or self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._front.let_go)
        self._server.should_exit = True
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._server.force_exit = True
            self._thread.join(1.0)

    def _run(self, listening: socket.socket) -> None:
        import uvicorn  # late: 60 ms that no other command needs

        from appliance.panel.hurry import Hurry

        config = uvicorn.Config(
            self._front,
            http=Hurry,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",  # a client that sends nonsense is no news
            access_log=False,  # it would write addresses and one-time tokens
            server_header=False,
            proxy_headers=False,
            limit_concurrency=REQUESTS_MOST,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)
        asyncio.run(self._serve(self._server, listening))

    async def _serve(self, server: "uvicorn.Server", listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._front.stopping = asyncio.Event()
        self._up.set()
        await server.serve(sockets=[listening])


def listen(host: str, port: int, name: Listener = PANEL) -> socket.socket:
    """A listening socket, or a ``PanelError`` that says who is in the way."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise PanelError(
            f"The {name.who} cannot listen on {host}: there is no such address.", f"Set {name.host_key} in tandem.toml."
        ) from error
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise _explained(error, host, port, name) from error
    return listening


def _explained(error: OSError, host: str, port: int, name: Listener) -> PanelError:
    if error.errno == errno.EADDRINUSE:
        return PanelError(
            f"Port {port} on {host} is taken by {holder_of(port)}.", f"Stop that program, or set another {name.port_key} in tandem.toml."
        )
    if error.errno == errno.EACCES:
        return PanelError(f"Port {port} may not be opened by this user.", f"Set {name.port_key} in tandem.toml to a number from 1024 up.")
    return PanelError(
        f"The {name.who} cannot listen on {host}, port {port}: {error.strerror}.", f"Set {name.host_key} to an address of this machine."
    )


def holder_of(port: int) -> str:
    """Who listens on the port, in words: a name and a process id where the system tells them."""
    import psutil  # late: only needed when something is wrong

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):  # macOS tells only the administrator
        return "another program"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"
