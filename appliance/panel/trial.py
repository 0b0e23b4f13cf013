"""A feed to be measured: one that many listen to, beside one that encodes each change for each listener. For ``bench sse`` only.

Run as a program it prints its port. A line with a number on its input is that many changes, a millisecond apart.
"""

import asyncio
import json
import sys
import threading
from typing import Any, cast

import uvicorn

from appliance.ground.clock import SystemClock
from appliance.panel.door import Commands
from appliance.panel.feed import Feed
from appliance.panel.sessions import Sessions

CHANGE_EVERY_SECONDS = 0.001
_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
_STATE: dict[str, Any] = {
    "node": "kallio-7m9q", "role": "alone", "term": 4, "may_send": True, "reason": "alone", "healthy": True,
    "peer": {"seen": False, "in_sync": False, "lag": 0}, "witness": {"kind": "none", "seen": False},
    "queue": {"waiting": 3, "review": 12, "dead": 0, "oldest_seconds": 40.0},
    "switches": {"safe_mode": False, "automation_enabled": True, "outbound_enabled": True, "intake_enabled": True},
}  # fmt: skip


class Changing:
    """A node of which only the position changes."""

    def __init__(self) -> None:
        self.position = 0
        self._grown = threading.Condition()

    def status(self) -> dict[str, Any]:
        return {**_STATE, "position": self.position}

    def wait_for_change(self, position: int, seconds: float) -> int:
        with self._grown:
            self._grown.wait_for(lambda: self.position != position, seconds)
            return self.position

    def change(self, times: int) -> None:
        pause = threading.Event()
        for _ in range(times):
            with self._grown:
                self.position += 1
                self._grown.notify_all()
            pause.wait(CHANGE_EVERY_SECONDS)

    def session_of(self, secret: str, used: bool = True) -> None:
        """Nobody signs in here."""


def build(node: Changing) -> Any:
    """``/ours`` is the panel's feed; ``/each`` looks and encodes for each listener, at each change."""
    feed, sessions = Feed(cast(Commands, node)), Sessions(node.session_of, SystemClock())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/ours":
            await feed.serve(scope, receive, send, sessions)
        elif scope["type"] == "http":
            await _each(node, send)

    return app


async def _each(node: Changing, send: Any) -> None:
    await send(_START)
    position = -1
    while True:
        if node.position != position:
            position = position + 1 if position >= 0 else node.position
            event = f"event: change\ndata: {json.dumps({**node.status(), 'position': position})}\n\n"
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        else:
            await asyncio.sleep(CHANGE_EVERY_SECONDS)


def main() -> None:
    node = Changing()
    server = uvicorn.Server(uvicorn.Config(build(node), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical", lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    for line in sys.stdin:
        node.change(int(line))


if __name__ == "__main__":
    main()
