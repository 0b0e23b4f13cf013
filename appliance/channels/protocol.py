"""How a message arrives and how a reply leaves, whatever the channel.

An intake loop walks round like this, and may be killed anywhere on the way:

    batch    = inbox.take(store.cursor(inbox.mailbox, inbox.folder))
    receipts = store.receive(batch.arrivals)              on disk from here on
    lost     = inbox.claim(origins of batch.arrivals)     whoever else reads this mailbox sees that we have it
    store.acknowledge(receipts, batch.cursor, claimed_elsewhere=lost)
    inbox.done(origins)
    inbox.wait(seconds, stop)                              unless batch.more

What lies above the cursor is offered again after a kill; the store knows an origin that it has already journalled. A batch
without arrivals may still carry a new cursor (the go-live line), which is to be acknowledged like any other.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from appliance.records.delivery import Delivery, DeliveryResult
from appliance.records.message import Batch, Cursor, Origin


class Inbox(Protocol):
    """Where messages of one mailbox come from. One thread at a time; ``close`` alone may be called from another.

    Whatever goes wrong is a ``ChannelError`` that names the mailbox, the reason and the remedy; the inbox is usable afterwards
    and connects anew at the next ``take``.
    """

    @property
    def mailbox(self) -> str:
        """The configured id of the mailbox."""
        ...

    @property
    def folder(self) -> str:
        """The folder that cursors and origins name."""
        ...

    def take(self, cursor: Cursor | None) -> Batch:
        """The next messages above the cursor, oldest first, within the limits on a batch. Changes nothing where they lie.

        Offers the same again until the cursor moves. ``Arrival.claimed_elsewhere`` says that a message carried a claim when
        it was fetched: for one that the journal does not know yet, somebody else's; for a known one, our own from before.
        """
        ...

    def claim(self, origins: Sequence[Origin]) -> tuple[Origin, ...]:
        """Mark the messages of the last ``take`` as ours; returns those that somebody else got between ``take`` and now.

        May be given every origin of the batch. One that already carried a claim at ``take`` is left alone and not
        returned: the store has decided it, since a claim on an origin that it knew is our own from before a crash, and
        one on an origin that it did not know has put the case on hold.
        """
        ...

    def done(self, origins: Sequence[Origin]) -> None:
        """The journal has them and the cursor has moved: tidy up. A repeat does no harm."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Return when there may be something new, when ``stop`` is set (within a second), or after so many seconds.

        After a failed ``take`` it waits out a growing pause instead, never longer than ``seconds``. Raises nothing.
        """
        ...

    def close(self) -> None:
        """Let go of the connection. A repeat does no harm."""
        ...


class Outbox(Protocol):
    """Where replies of one mailbox leave. One thread at a time."""

    @property
    def mailbox(self) -> str:
        """The configured id of the mailbox."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing can leave by it now, with the remedy; "" when nothing stands in the way."""
        ...

    def deliver(self, delivery: Delivery, may_still_send: Callable[[], bool]) -> DeliveryResult:
        """Try once. ``may_still_send`` is asked last thing before the data leaves; False ends the try with stage ``lease``.

        Never raises for what the server or the line does: the result says it.
        """
        ...

    def find(self, delivery: Delivery) -> bool:
        """Whether a delivery that was under way when we died did leave. Only a find is proof; False means: not known.

        Raises ``ChannelError`` when it cannot look at all.
        """
        ...

    def close(self) -> None:
        """Let go of the connection. A repeat does no harm."""
        ...
