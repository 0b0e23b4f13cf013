"""A daemon of its own for benchmarks of the whole process: started in an empty home, asked over loopback, and ended."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from appliance.ground.clock import SystemClock
from appliance.ground.errors import TandemError

LONGEST_START_SECONDS = 60.0
LOOK_SECONDS = 0.002
TANDEM_RUN = (sys.executable, "-m", "appliance", "run")

_clock = SystemClock()


class Daemon:
    """A running daemon and how long it took to be healthy and ready, in seconds from before the process was made."""

    def __init__(self, home: Path, port: int, program: Sequence[str], chat_port: int = 0) -> None:
        self.home, self.port, self.chat_port = home, port, chat_port
        self.started = _clock.elapsed()
        ports = {"TANDEM_PANEL__PORT": str(port), "TANDEM_PANEL__CHAT_PORT": str(chat_port)}
        environment = {**os.environ, "TANDEM_HOME": str(home), **ports}
        self.process = subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def seconds_until(self, path: str, status: int = 200) -> float:
        """How long from the start until ``path`` answers with this status."""
        pause = threading.Event()
        while _clock.elapsed() - self.started < LONGEST_START_SECONDS:
            if _status(self.port, path) == status:
                return _clock.elapsed() - self.started
            if self.process.poll() is not None:
                break
            pause.wait(LOOK_SECONDS)
        raise TandemError(f"The daemon did not answer {path} with {status}.", "Run tandem run by hand and see what it says.")

    def kill(self) -> None:
        """As a loss of power looks to the process."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> float:
        """End it as a supervisor does; how long it took, in seconds."""
        started = _clock.elapsed()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        return _clock.elapsed() - started


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def key_of(home: Path, role: str = "viewer") -> str:
    """An API key of this role, from the running daemon of this home."""
    told = subprocess.run(
        [sys.executable, "-m", "appliance", "keys", "add", "bench", "--role", role, "--json"],
        env={**os.environ, "TANDEM_HOME": str(home)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return str(json.loads(told.stdout)["secret"])


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def home_of(settings: str = "") -> Iterator[Path]:
    """An empty home that goes away again."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        home = Path(folder)
        (home / "tandem.toml").write_text(settings, encoding="utf-8")
        yield home


@contextmanager
def running(home: Path, program: Sequence[str] = TANDEM_RUN, chat_port: int = 0) -> Iterator[Daemon]:
    """A daemon on this home, ended at the end whatever happens."""
    daemon = Daemon(home, free_port(), program, chat_port)
    try:
        yield daemon
    finally:
        with contextlib.suppress(OSError):
            daemon.stop()
