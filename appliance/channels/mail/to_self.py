"""A mail to ourselves: it leaves by the mail server as a reply does, and has to come in at the mailbox.

It carries our key, so that intake knows it for our own and makes no case of it, and is taken out of the mailbox again.
"""

import threading

from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.errors import MailboxError
from appliance.channels.mail.imap_session import Session
from appliance.channels.mail.smtp import SmtpOutbox
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.records.delivery import Delivery, DeliveryKind, DeliveryOutcome, DeliveryResult
from appliance.records.message import Address

NAME = "to-self"  # stands in the Message-ID where a reply's has its case
WAIT_SECONDS = 60.0
LOOK_SECONDS = 1.0
_FULL = (452, 552)  # RFC 5321, 4.2.2: storage is exceeded, for now or in all
_TEXT = "Tandem has sent this mail to its own mailbox to see that mail leaves and comes in. It may be deleted."


class NotSent(MailboxError):
    code = "to_self_refused"


class BoxFull(MailboxError):
    code = "mailbox_full"


class NotArrived(MailboxError):
    code = "to_self_lost"


def send_and_find(
    outbox: SmtpOutbox, mailbox: ImapAccount, address: str, message_id: str, key: str, clock: Clock, stop: threading.Event
) -> str:
    """Send the mail, wait a minute for it at most, and remove it. Returns what was seen; raises a ``ChannelError``."""
    session = Session(mailbox)  # first: when the mailbox does not open, nothing is sent
    try:
        session.open(mailbox.folder)
        sent_at = clock.elapsed()
        _send(outbox, _letter(mailbox.mailbox, address, message_id, key))
        uids = _waited(session, mailbox.folder, key, clock, stop)
        if not uids:
            raise NotArrived(
                mailbox.mailbox,
                f"the mail left, but did not come in within {WAIT_SECONDS:.0f} seconds.",
                "See that mailbox.sender is the mailbox's own address, that it is not full, and look into its spam folder.",
            )
        session.take_out(uids)
        return f"It left and came in within {max(1, round(clock.elapsed() - sent_at))} s"
    finally:
        session.log_out()


def _letter(mailbox: str, address: str, message_id: str, key: str) -> Delivery:
    return Delivery(
        id=NAME,
        case=NAME,
        kind=DeliveryKind.DRAFT,  # to ourselves, as a draft by mail is: never to a customer, and no copy of it
        mailbox=mailbox,
        message_id=message_id,
        key=key,
        automatic=True,
        to=(Address(address=address),),
        subject="Tandem: a mail to ourselves",
        text=_TEXT,
        language="en",
    )


def _send(outbox: SmtpOutbox, letter: Delivery) -> None:
    result = outbox.deliver(letter, _always)
    if result.outcome is DeliveryOutcome.SENT:
        return
    raise outbox.fault or _refused(outbox.mailbox, result)


def _always() -> bool:
    return True


def _refused(mailbox: str, result: DeliveryResult) -> TandemError:
    if result.code in _FULL:
        return BoxFull(mailbox, f"the server says that there is no room ({result.code}).", "Make room in the mailbox, then try again.")
    said = f"{result.code} at {result.stage!r}" if result.code else f"nothing more at {result.stage!r}"
    return NotSent(
        mailbox, f"the mail server said {said} and did not take the mail.", "Check mailbox.sender, or ask whoever runs the server."
    )


def _waited(session: Session, folder: str, key: str, clock: Clock, stop: threading.Event) -> tuple[int, ...]:
    """The mail's UIDs as soon as it is there; () when the time is over."""
    end = clock.elapsed() + WAIT_SECONDS
    while clock.elapsed() < end:
        session.open(folder)  # anew: not every server tells of new mail in a folder that stays open
        if uids := session.search_header("X-Tandem-Key", key):
            return uids
        if clock.wait(stop, LOOK_SECONDS):
            return ()
    return ()
