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

from appliance.ground.errors import TandemError
from appliance.records.base import Record
from appliance.records.delivery import Delivery, DeliveryResult
from appliance.records.message import Batch, Cursor, Message, Origin


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

    def left(self, cursor: Cursor | None) -> int:
        """How many messages ``take`` would offer from here on, as far as that is known without reading them. Changes nothing."""
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

    @property
    def fault(self) -> TandemError | None:
        """The same as the error it was, with its code; None when nothing stands in the way."""
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


class SentMails(Record):
    """Mails that people sent from the mailbox: their heads, oldest first. ``cursor`` is where Sent stands once they are looked at;
    None: there is no such folder."""

    mails: tuple[Message, ...] = ()
    cursor: Cursor | None = None
    more: bool = False


class OwnFolders(Protocol):
    """The Drafts and the Sent folder of one mailbox. Several threads take turns. Everything raises ``ChannelError``."""

    @property
    def mailbox(self) -> str:
        """The configured id of the mailbox."""
        ...

    def lies(self, key: str) -> bool:
        """Whether the draft with this X-Tandem-Key lies in Drafts."""
        ...

    def lay(self, key: str, raw: bytes) -> None:
        """Lay a draft into Drafts, unless the one with this key lies there."""
        ...

    def take_out(self, key: str) -> bool:
        """Remove the draft with this key; False when it did not lie there any more."""
        ...

    def sent_folder(self) -> str:
        """The name of the Sent folder, as cursors have it; "" when there is none."""
        ...

    def sent(self, cursor: Cursor | None) -> SentMails:
        """What was sent since. Without a cursor, or where the folder was numbered afresh: only where it stands now."""
        ...

    def close(self) -> None:
        """Let go of the connection. A repeat does no harm."""
        ...
