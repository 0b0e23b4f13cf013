"""Trying the first mailbox at its servers, each try with what it found in a sentence. Raises a ``ChannelError`` that says what is wrong."""

import threading
from collections.abc import Callable
from dataclasses import replace

from appliance.care import preflight
from appliance.channels.mail import to_self
from appliance.channels.mail.errors import ClaimsImpossible
from appliance.channels.mail.imap_race import race
from appliance.channels.mail.smtp import SmtpOutbox
from appliance.ground.clock import Clock
from appliance.ground.ids import new_id
from appliance.node.accounts import imap_account, smtp_account
from appliance.records.message import Address
from appliance.settings.model import MailboxSettings, Settings

RACE_ROUNDS = 20

Key = Callable[[str, str], str]  # our key for a mail, from a name and its Message-ID


def mail_in(settings: Settings, clock: Clock) -> str:
    """Sign in to the mailbox and look at its folder; "" when mail comes from somewhere else."""
    box = settings.mailbox[0]
    if not box.imap.host:
        return ""
    needs = preflight.Needs(home=settings.home, imap=(imap_account(box, settings, clock),))
    try:
        return dict(preflight.checks(needs))[f"imap {box.id}"]()
    except preflight.Worth as worth:  # not wrong for one appliance
        return f"{worth.message} {worth.remedy}"


def mail_out(settings: Settings, clock: Clock) -> str:
    """Sign in to the mail server; "" when replies leave some other way."""
    box = settings.mailbox[0]
    if not box.smtp.host:
        return ""
    needs = preflight.Needs(home=settings.home, smtp=(smtp_account(box, settings, clock),))
    return dict(preflight.checks(needs))[f"smtp {box.id}"]()


def self_mail(settings: Settings, clock: Clock, key: Key, stop: threading.Event) -> str:
    """Send a mail to ourselves, see it come in, and take it out again."""
    box = settings.mailbox[0]
    account = replace(smtp_account(box, settings, clock), copy_to_self=False)
    outbox = SmtpOutbox(account, Address(name=settings.company.name, address=box.sender), "", settings.company.name, clock)
    message_id = f"<{new_id('tandem')}.{to_self.NAME}.{_domain(box)}>"
    try:
        mailbox = imap_account(box, settings, clock)
        return to_self.send_and_find(outbox, mailbox, box.sender, message_id, key(to_self.NAME, message_id), clock, stop)
    finally:
        outbox.close()


def _domain(box: MailboxSettings) -> str:
    return f"mail@{box.sender.rpartition('@')[2] or 'localhost'}"


def mail_race(settings: Settings, clock: Clock) -> str:
    """Let two connections race in folders of their own, which are deleted again."""
    account = imap_account(settings.mailbox[0], settings, clock)
    report = race(account, account, RACE_ROUNDS)
    if report.fit:
        return f"{report.rounds} races for a folder and {report.rounds} for a mail had one winner each"
    twice = report.creates.two_winners + report.stores.two_winners
    raise ClaimsImpossible(
        account.mailbox,
        f"of {2 * report.rounds} races {twice} had two winners.",
        "One appliance works as it is; a pair needs tandem witness on a third machine.",
    )
