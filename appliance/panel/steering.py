"""Keeps the desktop window at a machine that answers: asks every two seconds, moves when it must, and says so when nobody is there."""

import threading
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode

from appliance.ground.clock import Clock
from appliance.panel.addresses import Standing, same_path, step, together
from appliance.panel.answering import Ear

ROUND_SECONDS = 2.0
PEER_ROUNDS = 5


class Screen(Protocol):
    """What is steered: a window that shows one page."""

    def shown(self) -> str:
        """The address of the page, as far as the window knows it."""
        ...

    def go(self, link: str) -> None:
        """Show this page."""
        ...

    def show_nobody(self) -> None:
        """Show the page of our own that says that nobody answers, unless it is shown already."""
        ...


class Steering:
    """One window and the machines it may show.

    ``token`` gives a one-time token for an address, or "" where a person signs in. ``peer`` is asked now and then where the other
    machine's panel is, for a pair may be formed, or moved, while the window is open; "" while that is not known.
    """

    def __init__(self, known: tuple[str, ...], ear: Ear, token: Callable[[str], str], peer: Callable[[], str] = str) -> None:
        self._given = known
        self._peer = peer
        self._known = together(known, (peer(),))
        self._rounds = 0
        self._ear = ear
        self._token = token
        self._standing = Standing()
        self._path = "/"
        self._entered: set[str] = set()

    def first(self) -> str:
        """The page to begin with; "" when nobody answers."""
        self._standing = step(Standing(), self._known, self._ear.answering(self._known))
        return self._link(self._standing.at) if self._standing.at else ""

    def run(self, screen: Screen, ended: threading.Event, clock: Clock) -> None:
        while not clock.wait(ended, ROUND_SECONDS):
            self.look(screen)

    def look(self, screen: Screen) -> None:
        """One round."""
        self._rounds += 1
        if self._rounds % PEER_ROUNDS == 0:
            self._known = together(self._given, (self._peer(),))
        before, after = self._standing, step(self._standing, self._known, self._ear.answering(self._known))
        self._standing = after
        if before.at and after.at != before.at:
            self._path = same_path(screen.shown(), before.at)
        if not after.at:
            screen.show_nobody()
        elif after.at != before.at:
            screen.go(self._link(after.at))

    def _link(self, address: str) -> str:
        """Signed in the first time; after that the window's own session holds, which may be another person's by then."""
        token = "" if address in self._entered else self._token(address)
        self._entered |= {address} if token else set()
        return f"{address}/sign-in?{urlencode({'token': token, 'next': self._path})}" if token else f"{address}{self._path}"
