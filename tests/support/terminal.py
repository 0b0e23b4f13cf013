"""A terminal that a program is run in, as a person sits before it: what is shown is read, what is typed is sent."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SECONDS = 60.0


def _listen_to_ctrl_c() -> None:
    """A test that was itself started in the background ignores it, and its children would too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """``tandem`` with these arguments in a process of its own behind a pseudo-terminal."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.seen = ""
        self._read_to = 0
        self._here, there = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "--home", str(home), *arguments],
            stdin=there, stdout=there, stderr=there, start_new_session=True, env={**environment, "TERM": "xterm", "COLUMNS": "200"},
            preexec_fn=_listen_to_ctrl_c,
        )  # fmt: skip
        os.close(there)

    def answer(self, question: str, text: str) -> None:
        """Wait until this is asked, then type the answer and Enter."""
        self.wait_for(question)
        os.write(self._here, f"{text}\n".encode())

    def wait_for(self, words: str) -> None:
        """Wait until these words are shown, after those that were waited for before."""
        end = time.monotonic() + SECONDS
        while (at := self.seen.find(words, self._read_to)) < 0:
            assert time.monotonic() < end, f"{words!r} was not shown, but: {self.seen[self._read_to :]!r}"
            assert self._read(1.0) or self.process.poll() is None, f"it ended before {words!r}: {self.seen[self._read_to :]!r}"
        self._read_to = at + len(words)

    def press_ctrl_c(self) -> int:
        """Press it, as a person does again after some seconds when nothing happens: between two steps of the terminal's own library
        a signal can be heard too late. The exit code."""
        for _ in range(5):
            self.process.send_signal(signal.SIGINT)
            end = time.monotonic() + 5.0
            while self.process.poll() is None and time.monotonic() < end:
                self._read(0.2)
            if self.process.poll() is not None:
                break
        return self.end()

    def end(self) -> int:
        """Read on until it has ended; its exit code."""
        end = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            self._read(0.2)
        while self._read(0.1):
            pass
        return self.process.wait(1.0)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._here)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._here], [], [], seconds)[0]:
            return False
        try:
            text = os.read(self._here, 65536)
        except OSError:  # the program's end of it is closed
            return False
        self.seen += _COLOURS.sub("", text.decode("utf-8", "replace"))
        return bool(text)
