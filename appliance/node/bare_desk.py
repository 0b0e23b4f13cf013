"""A desk without a node around it: the settings, the policy and the knowledge of a home, and nothing that writes or sends.

For measuring and for gates. It needs no store, so it may be made beside a running daemon; both read the same files, and this one keeps
nothing of what it read.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.desk.desk import Desk
from appliance.engines.writer.protocol import Writer
from appliance.ground.clock import Clock
from appliance.knowledge.library import Library
from appliance.node import account_watch
from appliance.node.policies import LiveDesk, LivePolicy
from appliance.node.writers import own_writer
from appliance.settings.model import Settings
from appliance.settings.secret import read_secret


@contextmanager
def bare_desk(settings: Settings, clock: Clock, writer: Writer | None = None) -> Iterator[Desk]:
    """The desk of these settings, with another writer when one is given. Its engines' processes end with the context."""
    library = Library(settings.knowledge.source, settings.home, clock, None, read_secret)
    library.refresh()
    accounts = account_watch.make(settings, clock)
    accounts.refresh(0.0)
    desk = LiveDesk(settings, LivePolicy(settings), library, accounts, clock, writer or own_writer(settings, clock))()
    try:
        yield desk
    finally:
        close(desk.writer)


def close(writer: Writer) -> None:
    """End a writer's process, when it has one."""
    end = getattr(writer, "close", None)
    if end is not None:
        end()
