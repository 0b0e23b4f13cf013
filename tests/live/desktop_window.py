"""``tandem desktop`` in a process of its own, which a test can ask what the window shows.

Run as a program it is the command itself, with a thread beside it that reads one request a line (JSON) and prints the answer.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ANSWER_SECONDS = 3.0


class Desktop:
    """The running window, as a test sees it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def ask(self, what: str, argument: Any = None) -> Any:
        """One of the names of ``_answers``."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, argument]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the window has ended with {self.process.wait(5)}"
        return json.loads(line)

    def close(self) -> int:
        """As a person closes it; the exit code."""
        self.ask("close")
        return self.process.wait(15)


@contextmanager
def desktop(config: Path, environment: Mapping[str, str], *arguments: str) -> Iterator[Desktop]:
    """The command, started; ended at the end if it has not ended itself."""
    surroundings = {**os.environ, **environment, "XDG_CONFIG_HOME": str(config), "LC_ALL": "fi_FI.UTF-8"}
    with (config / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.desktop_window", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=surroundings,
        )  # fmt: skip
    try:
        yield Desktop(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _answers() -> dict[str, Callable[[Any], Any]]:
    import webview

    (window,) = webview.windows
    return {
        "url": lambda _: window.get_current_url(),
        "js": window.run_js,
        "title": lambda _: window.title,
        "size": lambda _: [window.width, window.height],
        "resize": lambda size: window.resize(*size),
        "wait for ever": lambda _: threading.Thread(target=threading.Event().wait, daemon=False).start(),
        "close": lambda _: window.destroy(),
    }


def _serve(requests: IO[str]) -> None:
    import webview

    while not webview.windows:
        threading.Event().wait(0.05)
    webview.windows[0].events.shown.wait(30)
    answers = _answers()
    for line in requests:
        what, argument = json.loads(line)
        print(json.dumps(_in_time(answers[what], argument)), flush=True)


def _in_time(answer: Callable[[Any], Any], argument: Any) -> Any:
    """Null when the page went away before it answered: the toolkit would wait for it without end."""
    told: list[Any] = []
    asking = threading.Thread(target=lambda: told.append(answer(argument)), daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return told[0] if told else None


if __name__ == "__main__":
    from appliance.cli.main import main

    threading.Thread(target=_serve, args=(sys.stdin,), daemon=True).start()
    main()
