"""The way from a command on this machine to the daemon of the same home.

A socket in the home's ``run`` folder, readable by its owner alone: whoever may open it already owns the files below, so no
key is asked for. One request a connection, one JSON line each way::

    {"command": "set_switch", "arguments": {"name": "safe_mode", "on": true}}
    {"result": ...}   or   {"error": {"message": ..., "remedy": ..., "exit_code": 1}}

Only methods of ``Commands`` marked with ``@command`` can be called; arguments and results are converted by their annotations.
"""

import contextlib
import functools
import hashlib
import inspect
import os
import socket
import tempfile
import threading
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec

from appliance.ground.errors import Refused, TandemError
from appliance.ground.log import Log

log = Log("control")
P = ParamSpec("P")
R = TypeVar("R")

LONGEST_LINE_BYTES = 64 * 1024 * 1024
LONGEST_PATH_BYTES = 100  # sun_path holds 104 bytes on macOS and 108 on Linux
ANSWER_SECONDS = 600.0


def command(method: Callable[P, R]) -> Callable[P, R]:
    """Marks a method that may be called over the socket."""
    method.is_command = True  # type: ignore[attr-defined]
    return method


def socket_path(home: Path) -> Path:
    """Where the daemon of this home listens; a home with a very long path gets a short name below the temporary folder."""
    path = home.resolve() / "run" / "control.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tandem-{os.getuid()}-{digest}.sock"


class _Request(msgspec.Struct):
    command: str
    arguments: dict[str, Any] = {}


class _Problem(msgspec.Struct):
    message: str
    remedy: str = ""
    exit_code: int = 1
    code: str = ""


class _Reply(msgspec.Struct, omit_defaults=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Problem | None = None


@functools.cache
def _hints(method: Callable[..., Any]) -> dict[str, Any]:
    return typing.get_type_hints(method)


class ControlServer:
    """Answers the socket, one thread a request."""

    def __init__(self, home: Path, commands: Any) -> None:
        self._path = socket_path(home)
        self._commands = commands
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)

    def start(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)  # left by a daemon that was killed; the store's lock says that none runs now
        before = os.umask(0o177)
        try:
            self._socket.bind(str(self._path))
        finally:
            os.umask(before)
        self._socket.listen(16)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed: the daemon is stopping
                return
            threading.Thread(target=self._answer, args=(connection,), name="control-answer", daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.settimeout(ANSWER_SECONDS)
            line = _read_line(connection)
            if line:
                connection.sendall(msgspec.json.encode(self._reply_to(line)) + b"\n")

    def _reply_to(self, line: bytes) -> _Reply:
        try:
            return _Reply(result=msgspec.Raw(msgspec.json.encode(self._call(msgspec.json.decode(line, type=_Request)))))
        except TandemError as error:
            return _Reply(error=_Problem(error.message, error.remedy, error.exit_code, error.code))
        except (msgspec.ValidationError, msgspec.DecodeError, TypeError) as error:
            return _Reply(error=_Problem(f"The daemon did not understand the command: {error}.", "Use a tandem of the daemon's version."))
        except Exception as error:
            log.error("command_failed", error=error)
            return _Reply(
                error=_Problem(
                    f"The command failed inside the daemon: {type(error).__name__}.", "See errors.log in the home's logs folder."
                )
            )

    def _call(self, request: _Request) -> Any:
        method = getattr(self._commands, request.command, None)
        if not getattr(method, "is_command", False):
            raise Refused(f"The daemon knows no command named {request.command}.", "Use a tandem of the daemon's version.")
        assert method is not None
        hints = _hints(method.__func__)
        return method(**{name: msgspec.convert(value, hints[name]) for name, value in request.arguments.items() if name in hints})


def _read_line(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        part = connection.recv(65536)
        parts.append(part)
        size += len(part)
        if size > LONGEST_LINE_BYTES:
            raise Refused("The request to the daemon is over 64 MiB.", "Hand over fewer files at a time.")
        if not part or part.endswith(b"\n"):
            return b"".join(parts)


class ControlClient:
    """Calls the daemon's commands as if they were here: ``ControlClient(home, Commands).status()``."""

    def __init__(self, home: Path, owner: type) -> None:
        self._path = socket_path(home)
        self._owner = owner

    def answers(self) -> bool:
        """Whether a daemon listens there now."""
        try:
            with self._connect(2.0):
                return True
        except OSError:
            return False

    def _connect(self, seconds: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(seconds)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._owner, name, None)
        if not getattr(method, "is_command", False):
            raise AttributeError(name)
        return functools.partial(self._call, name)

    def _call(self, name: str, *positional: Any, **arguments: Any) -> Any:
        bound = inspect.signature(getattr(self._owner, name)).bind(None, *positional, **arguments).arguments
        bound.pop("self")
        request = msgspec.json.encode(_Request(name, bound)) + b"\n"
        with self._connect(ANSWER_SECONDS) as connection:
            connection.sendall(request)
            line = _read_line(connection)
        if not line:
            raise TandemError("The daemon went away while it answered.", "See its log, then try again.")
        reply = msgspec.json.decode(line, type=_Reply)
        if reply.error is not None:
            error = TandemError(reply.error.message, reply.error.remedy, code=reply.error.code)
            error.exit_code = reply.error.exit_code
            raise error
        return msgspec.json.decode(reply.result, type=_hints(getattr(self._owner, name))["return"])
