"""The mailbox as people use it: what they sent from it themselves ends its cases, and our drafts do not outlive theirs.

A loop of each mailbox looks at Sent now and then. The same look is taken last thing before a reply leaves, so that nobody is
answered by a person and by us; and before it leaves, its draft is taken out of Drafts, so that nobody can send it as well. Where
the draft is gone by then somebody has it in hand: the reply is held and the case goes back to a person.

What remains is the moment between that look and the server's word: a person who presses Send within it is not seen.
"""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from appliance.channels.protocol import OwnFolders
from appliance.ground.clock import Clock
from appliance.ground.errors import ChannelError
from appliance.ground.log import Log
from appliance.node.roles import Standing
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult
from appliance.store.store import Store

log = Log("mailbox")

TIDY_SECONDS = 2.0
AGAIN_SECONDS = 2.0  # the loop's own pause grows when the mailbox stays out of reach
ANSWERED = "answered_in_mailbox"
DRAFT_GONE = "draft_gone"
UNSEEN = "mailbox_not_seen"
BEFORE_TAKEOVER = "claimed_before_takeover"


class Seen(NamedTuple):
    """What the last look before sending came to: why the reply is held ("" for it may leave), whether its draft is out of Drafts."""

    held: str = ""
    draft_removed: bool = False


@dataclass
class MailboxWatch:
    """The own folders of one mailbox, and how far they were looked at. May be asked from several threads."""

    folders: OwnFolders
    store: Store
    standing: Standing
    clock: Clock
    poll_seconds: float
    undo_seconds: float = 0.0
    next_look: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, stop: threading.Event) -> bool:
        """Look at Sent when it is time, take out the drafts that nobody wants any more, and wait a little."""
        if not self.standing.may_act():
            self.clock.wait(stop, 1.0)
            return False
        if self.clock.elapsed() >= self.next_look:
            self.look()
            self.next_look = self.clock.elapsed() + self.poll_seconds
        self.tidy()
        self.clock.wait(stop, min(TIDY_SECONDS, self.poll_seconds))
        return True

    def look(self) -> None:
        """Read Sent up to its end; close what people answered from there."""
        with self.lock:
            mailbox = self.folders.mailbox
            cursor = self.store.cursor(mailbox, self.folders.sent_folder())
            more = True
            while more:
                sent = self.folders.sent(cursor)
                for case in self.store.elsewhere.answered(mailbox, sent.mails, sent.cursor, term=self.standing.term):
                    log.info("answered_elsewhere", mailbox=mailbox, case=case)
                cursor, more = sent.cursor, sent.more

    def tidy(self) -> None:
        """Take the drafts of cases that have ended, or are with a team, out of Drafts."""
        for lying in self.store.elsewhere.to_take_out(self.folders.mailbox, self.undo_seconds):
            there = self.folders.take_out(lying.key)
            self.store.elsewhere.removed(lying, gone=not there, term=self.standing.term)

    def before_sending(self, delivery: Delivery) -> Seen:
        """The last look. Raises ``ChannelError`` when the mailbox cannot be looked at."""
        self.look()
        if self.store.elsewhere.was_answered(delivery.case):
            return Seen(held=ANSWERED)
        if not delivery.draft_key:
            return Seen()
        there = self.folders.take_out(delivery.draft_key)
        return Seen(held="" if there or not delivery.draft_lies else DRAFT_GONE, draft_removed=True)


@dataclass
class LastLook:
    """Asked by a channel last thing before the data leaves, and once more before its end: may it? Only the first time the mailbox
    is looked at; the lease is asked before and after."""

    delivery: Delivery
    standing: Standing
    watch: MailboxWatch | None = None
    seen: Seen | None = None
    trouble: ChannelError | None = None

    def __call__(self) -> bool:
        if not self._may():
            return False
        if self.seen is None and self.trouble is None:
            self._look()
        return self.seen is not None and not self.seen.held and self._may()

    def _may(self) -> bool:
        turn = self.standing.turn(self.delivery)
        if turn == "hold":
            self.seen = Seen(held=BEFORE_TAKEOVER)
        return turn == "send"

    def _look(self) -> None:
        try:
            is_reply = self.delivery.kind is DeliveryKind.REPLY
            self.seen = self.watch.before_sending(self.delivery) if self.watch is not None and is_reply else Seen()
        except ChannelError as error:
            self.trouble = error
            log.warning("mailbox_not_seen", mailbox=self.delivery.mailbox, reason=error.message)

    def weigh(self, result: DeliveryResult) -> DeliveryResult:
        """The channel's result with what the look came to: a reply that was not let go is held, or waits for the mailbox."""
        if self.trouble is not None:
            return DeliveryResult(outcome=DeliveryOutcome.TRY_AGAIN, stage=UNSEEN, blameless=True, retry_after_seconds=AGAIN_SECONDS)
        if self.seen is None:
            return result
        if self.seen.held:
            return DeliveryResult(outcome=DeliveryOutcome.HELD, stage=self.seen.held, draft_removed=self.seen.draft_removed)
        return msgspec.structs.replace(result, draft_removed=self.seen.draft_removed)
