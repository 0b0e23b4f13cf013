"""Builds a node from the settings: the one place where rooms that do not know each other are handed to one another."""

from dataclasses import replace
from pathlib import Path

from appliance.channels.chat.arrivals import MAILBOX
from appliance.channels.chat.outbox import ChatOutbox
from appliance.channels.mail.drafts import DraftsOutbox
from appliance.channels.mail.folder import FolderInbox, FolderOutbox, MboxInbox
from appliance.channels.mail.imap import ImapInbox
from appliance.channels.mail.own_folders import ImapOwnFolders
from appliance.channels.mail.smtp import SmtpOutbox
from appliance.channels.protocol import Inbox, Outbox, OwnFolders
from appliance.channels.voice.arrivals import MAILBOX as VOICE
from appliance.channels.voice.watch_folder import WatchFolder
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.log import Log
from appliance.ground.machine import machine_id
from appliance.knowledge.library import Library
from appliance.node import account_watch
from appliance.node.accounts import folder_account, imap_account, reader_of, smtp_account
from appliance.node.drill_messages import DrillOutbox
from appliance.node.engines import make_engines
from appliance.node.identity import node_id
from appliance.node.node import Node
from appliance.node.pair_side import PairSide
from appliance.node.policies import LiveDesk, LivePolicy
from appliance.node.roles import Alone
from appliance.pair.copying.seeding import take_seed
from appliance.pair.meeting.membership import check_machine
from appliance.pair.meeting.membership import load as load_membership
from appliance.records.message import Address
from appliance.settings.model import MailboxSettings, Settings
from appliance.settings.secret import read_secret
from appliance.store.mailing import Directory
from appliance.store.store import Store

log = Log("node")


def build(settings: Settings, clock: Clock | None = None) -> Node:
    """Open the store, the knowledge and the channels of this home. Nothing runs yet; ``Node.start`` does that."""
    clock = clock or SystemClock()
    name = node_id(settings.home)
    membership = load_membership(settings.home)
    if membership is not None:
        check_machine(membership, machine_id())
        if take_seed(settings.home):
            log.info("seed_installed", node=name)
    policy = LivePolicy(settings)
    claimant = membership.side if membership is not None else ""
    inboxes = [inbox for box in settings.mailbox if (inbox := make_inbox(box, settings, clock, claimant)) is not None]
    own_folders = make_own_folders(settings, clock)
    outboxes: dict[str, Outbox] = {
        box.id: outbox for box in settings.mailbox if (outbox := make_outbox(box, settings, clock, own_folders.get(box.id))) is not None
    }
    outboxes[MAILBOX] = ChatOutbox()
    if (by_mail := make_voice_outbox(settings, clock)) is not None:
        outboxes[VOICE] = by_mail
    if settings.voice.watch_folder is not None:
        inboxes.append(make_clip_inbox(settings, settings.voice.watch_folder, clock))
    outboxes[DrillOutbox.mailbox] = DrillOutbox()
    library = Library(settings.knowledge.source, settings.home, clock, settings.home / "knowledge-state", read_secret)
    accounts = account_watch.make(settings, clock)
    store = Store.open(settings.home, clock, directory=directory(settings, policy), following=membership is not None)
    try:
        engines = make_engines(settings, clock)
        pair = PairSide(settings, membership, store, clock, servers_of(settings), engines) if membership is not None else None
    except BaseException:
        store.close()
        raise
    node = Node(
        settings=settings,
        clock=clock,
        store=store,
        library=library,
        accounts=accounts,
        engines=engines,
        desk=LiveDesk(settings, policy, library, accounts, clock, engines.writer),
        policy=policy,
        inboxes=tuple(inboxes),
        outboxes=outboxes,
        own_folders=own_folders,
        standing=pair.standing if pair is not None else Alone(store.term),
        name=name,
        pair=pair,
    )
    try:
        node.prepare()
    except BaseException:
        store.close()
        raise
    return node


def servers_of(settings: Settings) -> tuple[tuple[str, int], ...]:
    """The mail servers without which this node cannot do its work."""
    servers = [(way.host, way.port) for box in settings.mailbox for way in (box.imap, box.smtp) if way.host]
    return tuple(dict.fromkeys(servers))


def directory(settings: Settings, policy: LivePolicy) -> Directory:
    """The company's own addresses: what the store needs to address a letter."""
    drafts = {box.id: box.smtp.drafts_to for box in settings.mailbox}
    laid_down = {box.id for box in settings.mailbox if box.imap.host and box.imap.drafts}
    answering = voice_mailbox(settings)
    if answering is not None:
        drafts[VOICE] = answering.smtp.drafts_to
    return Directory(
        senders={box.id: box.sender for box in settings.mailbox} | ({VOICE: answering.sender} if answering is not None else {}),
        team=lambda team: policy().teams[team].address if team in policy().teams else "",
        drafts=lambda mailbox: drafts.get(mailbox, ""),
        drafts_folder=laid_down.__contains__,
    )


def make_inbox(box: MailboxSettings, settings: Settings, clock: Clock, claimant: str = "") -> Inbox | None:
    """Where this mailbox's mail comes from: a server, a folder of files, an mbox file, or nowhere. ``claimant``: a side of a pair."""
    if box.imap.host:
        account = replace(imap_account(box, settings, clock), claimant=claimant)
        return ImapInbox(account, clock, reader_of(box, settings))
    if box.folder.inbox is None:
        return None
    kind = MboxInbox if box.folder.inbox.suffix == ".mbox" else FolderInbox
    return kind(folder_account(box, box.folder.inbox), clock, reader_of(box, settings))


def voice_mailbox(settings: Settings) -> MailboxSettings | None:
    """The mailbox by which voice messages are answered; None when there is none."""
    wanted = settings.voice.reply_mailbox
    return next((box for box in settings.mailbox if wanted in ("", box.id)), None)


def make_voice_outbox(settings: Settings, clock: Clock) -> Outbox | None:
    """How replies to voice messages leave: by a mailbox's way out, over a line of their own, for an outbox is one thread's."""
    box = voice_mailbox(settings)
    if box is None:
        return None
    sender, signature = _signed(box, settings)
    if box.smtp.host:
        sent = imap_account(box, settings, clock) if box.imap.host else None
        account = replace(smtp_account(box, settings, clock), mailbox=VOICE)
        return SmtpOutbox(account, sender, signature, settings.company.name, clock, sent)
    if box.folder.outbox is not None:
        return FolderOutbox(VOICE, box.folder.outbox, sender, signature, settings.company.name, clock)
    return None


def make_clip_inbox(settings: Settings, folder: Path, clock: Clock) -> Inbox:
    """The folder that clips are dropped into."""
    voice = settings.voice
    return WatchFolder(folder, voice.archive, voice.clip_bytes, settings.company.languages, clock)


def make_own_folders(settings: Settings, clock: Clock) -> dict[str, OwnFolders]:
    """The Drafts and Sent folders of the mailboxes that have any, by the mailbox's id."""
    return {box.id: ImapOwnFolders(imap_account(box, settings, clock), clock) for box in settings.mailbox if box.imap.host}


def make_outbox(box: MailboxSettings, settings: Settings, clock: Clock, folders: OwnFolders | None = None) -> Outbox | None:
    """How this mailbox's replies leave, and where its held drafts lie: in its own ``folders`` when it is so wished."""
    way_out = _way_out(box, settings, clock)
    if folders is None or not box.imap.drafts:
        return way_out
    sender, signature = _signed(box, settings)
    return DraftsOutbox(folders, way_out, sender, signature, settings.company.name, clock)


def _signed(box: MailboxSettings, settings: Settings) -> tuple[Address, str]:
    """Whom a mailbox's replies come from, and their last lines."""
    return Address(name=settings.company.name, address=box.sender), settings.company.signature or settings.company.name


def _way_out(box: MailboxSettings, settings: Settings, clock: Clock) -> Outbox | None:
    """How this mailbox's replies leave: by a server, into a folder, or not at all."""
    sender, signature = _signed(box, settings)
    if box.smtp.host:
        sent = imap_account(box, settings, clock) if box.imap.host else None
        return SmtpOutbox(smtp_account(box, settings, clock), sender, signature, settings.company.name, clock, sent)
    if box.folder.outbox is not None:
        return FolderOutbox(box.id, box.folder.outbox, sender, signature, settings.company.name, clock)
    return None
