"""The engine that says one word, as a process of its own, for tests of the relay."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from appliance.engines.writer.raw import RawLimits, RemoteModel
from tests.support.home import wait_for


@dataclass
class TokenEngine:
    """A running one."""

    port: int
    child: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def model(self, at_once: int = 4, waiting: int = 4) -> RemoteModel:
        return RemoteModel(self.url, "one-word", RawLimits(at_once=at_once, waiting=waiting))

    def state(self) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/state", timeout=5) as answer:
            return dict(json.loads(answer.read()))

    def wait_until(self, **expected: int) -> None:
        """Until it has counted so many."""
        wait_for(lambda: {name: self.state()[name] for name in expected} == expected)


@contextmanager
def token_engine(pace: float = 0.0) -> Iterator[TokenEngine]:
    """Started, and ended with the block. ``pace``: seconds between two tokens."""
    command = [sys.executable, "-m", "appliance.evals.bench.token_engine", "0", "--pace", str(pace)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        yield TokenEngine(int(child.stdout.readline()), child)
    finally:
        child.kill()
        child.wait()
