"""Builds a node from the settings: the one place where rooms that do not know each other are handed to one another."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from appliance.channels.mail.accounts import FolderAccount, ImapAccount, Mechanism, SmtpAccount
from appliance.channels.protocol import Inbox, Outbox
from appliance.desk.desk import Company, Desk
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.protocol import Writer
from appliance.engines.writer.stub import StubWriter
from appliance.ground.assets import asset
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import EngineError, SettingsError, TandemError
from appliance.ground.log import Log, Trouble
from appliance.knowledge.library import Library
from appliance.language.detect import Detector
from appliance.node.node import Node
from appliance.node.roles import Alone
from appliance.policy.format import load as read_policy
from appliance.policy.model import Policy
from appliance.records.message import Address
from appliance.records.policy import Switches
from appliance.settings.model import ImapSettings, MailboxSettings, Settings, SmtpSettings
from appliance.settings.secret import password_of
from appliance.store.store import Store

log = Log("build")


def build(settings: Settings, clock: Clock | None = None) -> Node:
    """Open the store, the knowledge and the channels of this home. Nothing runs yet; ``Node.start`` does that."""
    clock = clock or SystemClock()
    policy = PolicyFile(settings, clock)
    store = Store.open(settings.home, clock)
    try:
        first = Switches(
            safe_mode=settings.policy.safe_mode,
            automation_enabled=settings.policy.automation_enabled,
            outbound_enabled=settings.policy.outbound_enabled,
            readable=True,
        )
        term = store.begin_term(store.node)
        store.first_switches(first, term=term)
        library = Library([(source.path, source.language) for source in settings.knowledge.source], settings.home, clock, settings.home / "knowledge-state")
        node = Node(
            settings=settings,
            clock=clock,
            store=store,
            library=library,
            desk=DeskMaker(settings, policy, library, clock),
            policy=policy,
            inboxes=tuple(inbox for box in settings.mailbox if (inbox := make_inbox(box, settings, clock)) is not None),
            outboxes={box.id: outbox for box in settings.mailbox if (outbox := make_outbox(box, settings, clock)) is not None},
            standing=Alone(term),
            name=store.node,
        )
        node.refresh_knowledge()
    except BaseException:
        store.close()
        raise
    return node
