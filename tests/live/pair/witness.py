"""The third voice: ``tandem witness`` on a small box of its own, which can be frozen.

witness = WitnessBox(network, folder)
witness.start()
witness.url                       for pair.witness
witness.freeze() ; witness.thaw()
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from appliance.pair.meeting.membership import load
from appliance.pair.witness.keys import line, witness_key
from tests.live.pair.net import Network
from tests.live.servers import child
from tests.live.servers.child import CannotStart

PORT = 8487
START_SECONDS = 15.0


class WitnessBox:
    """The process in the namespace w."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.home = folder / "machine-w"
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"tcp://{self.network.address('w')}:{PORT}"

    def start(self) -> None:
        """Start it and wait until it can be reached."""
        address = self.network.address("w")
        with self.network.inside("w"), (self.home / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "appliance", "witness", "--listen", f"{address}:{PORT}", "--home", str(self.home)],
                env={**os.environ, "PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip
            end = time.monotonic() + START_SECONDS
            while time.monotonic() < end and self.process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection((address, PORT), 1.0):
                    return
                time.sleep(0.02)
        words = (self.home / "stderr").read_text(errors="replace")[-2000:]
        raise CannotStart(f"tandem witness does not listen: {words}")

    def know(self, home: Path) -> None:
        """Give it the key of the pair that this node is in, as an operator does once."""
        membership = load(home)
        assert membership is not None, f"{home} is in no pair"
        key = line(witness_key(membership.pair, membership.secret))
        command = [sys.executable, "-m", "appliance", "witness", "--home", str(self.home), "add", "-"]
        done = subprocess.run(command, input=f"{key}\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"tandem witness add ended with {done.returncode}: {done.stderr}"

    def freeze(self) -> float:
        """It stands still with all its connections open; the moment, in Unix seconds."""
        self._signal(signal.SIGSTOP)
        return time.time()

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(5)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGCONT)
            child.end(self.process)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
