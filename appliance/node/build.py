"""Builds a node from the settings: the one place where rooms that do not know each other are handed to one another."""

from appliance.channels.mail.folder import FolderInbox, FolderOutbox, MboxInbox
from appliance.channels.mail.imap import ImapInbox
from appliance.channels.mail.smtp import SmtpOutbox
from appliance.channels.protocol import Inbox, Outbox
from appliance.ground.clock import Clock, SystemClock
from appliance.knowledge.library import Library
from appliance.node.accounts import folder_account, imap_account, reader_of, smtp_account
from appliance.node.identity import node_id
from appliance.node.node import Node
from appliance.node.policies import LiveDesk, LivePolicy
from appliance.node.roles import Alone
from appliance.records.message import Address
from appliance.settings.model import MailboxSettings, Settings
from appliance.store.mailing import Directory
from appliance.store.store import Store


def build(settings: Settings, clock: Clock | None = None) -> Node:
    """Open the store, the knowledge and the channels of this home. Nothing runs yet; ``Node.start`` does that."""
    clock = clock or SystemClock()
    policy = LivePolicy(settings)
    inboxes = [inbox for box in settings.mailbox if (inbox := make_inbox(box, settings, clock)) is not None]
    outboxes = {box.id: outbox for box in settings.mailbox if (outbox := make_outbox(box, settings, clock)) is not None}
    library = Library(settings.knowledge.source, settings.home, clock, settings.home / "knowledge-state")
    store = Store.open(settings.home, clock, directory=directory(settings, policy))
    node = Node(
        settings=settings,
        clock=clock,
        store=store,
        library=library,
        desk=LiveDesk(settings, policy, library, clock),
        policy=policy,
        inboxes=tuple(inboxes),
        outboxes=outboxes,
        standing=Alone(store.term),
        name=node_id(settings.home),
    )
    try:
        node.prepare()
    except BaseException:
        store.close()
        raise
    return node


def directory(settings: Settings, policy: LivePolicy) -> Directory:
    """The company's own addresses: what the store needs to address a letter."""
    drafts = {box.id: box.smtp.drafts_to for box in settings.mailbox}
    return Directory(
        senders={box.id: box.sender for box in settings.mailbox},
        team=lambda team: policy().teams[team].address if team in policy().teams else "",
        drafts=lambda mailbox: drafts.get(mailbox, ""),
    )


def make_inbox(box: MailboxSettings, settings: Settings, clock: Clock) -> Inbox | None:
    """Where this mailbox's mail comes from: a server, a folder of files, an mbox file, or nowhere."""
    if box.imap.host:
        return ImapInbox(imap_account(box), clock, reader_of(box, settings))
    if box.folder.inbox is None:
        return None
    kind = MboxInbox if box.folder.inbox.suffix == ".mbox" else FolderInbox
    return kind(folder_account(box, box.folder.inbox), clock, reader_of(box, settings))


def make_outbox(box: MailboxSettings, settings: Settings, clock: Clock) -> Outbox | None:
    """How this mailbox's replies leave: by a server, into a folder, or not at all."""
    sender = Address(name=settings.company.name, address=box.sender)
    signature = settings.company.signature or settings.company.name
    if box.smtp.host:
        sent = imap_account(box) if box.imap.host else None
        return SmtpOutbox(smtp_account(box), sender, signature, settings.company.name, clock, sent)
    if box.folder.outbox is not None:
        return FolderOutbox(box.id, box.folder.outbox, sender, signature, settings.company.name, clock)
    return None
