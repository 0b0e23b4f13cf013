"""Real servers for whoever needs them. A server that cannot run here skips its tests, with the reason."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from appliance.channels.mail.accounts import ImapAccount
from tests.live.servers.child import CannotStart
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.live.servers.smtp_faults import FaultySmtp
from tests.live.servers.wire import Wire

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for the whole run; each test has users of its own."""
    try:
        server = Dovecot.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def exim(dovecot: Dovecot) -> Iterator[Exim]:
    """One Exim for the whole run, which delivers into what Dovecot serves."""
    try:
        server = Exim.start(maildirs=dovecot.folder / "mail")
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield server
    server.stop()


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    """A mailbox that nobody has used before, with the password ``secret``."""
    name = f"user{next(_NUMBERS)}"
    dovecot.add_user(name)
    return name


@pytest.fixture
def account(dovecot: Dovecot, user: str) -> ImapAccount:
    """The way to that mailbox, over TLS."""
    return ImapAccount(
        mailbox="support",
        host=dovecot.host,
        port=dovecot.imaps_port,
        user=user,
        secret=lambda: "secret",
        authorities=str(dovecot.certificate),
    )


@pytest.fixture
def wire() -> Iterator[Callable[[int], Wire]]:
    """Puts a cable before a port; cut at the end of the test."""
    wires: list[Wire] = []

    def lay(port: int) -> Wire:
        wires.append(Wire(port))
        return wires[-1]

    yield lay
    for one in wires:
        one.stop()


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    server = FaultySmtp()
    yield server
    server.stop()
