"""What people do with a mailbox as a whole: sign in at its provider, sign out, try whether it works."""

from typing import Any

import msgspec

from appliance.care import preflight
from appliance.node.accounts import box_of, imap_account, smtp_account
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.topic import Topic
from appliance.records.person import Actor
from appliance.records.sign_in import SignIn
from appliance.settings.model import MailboxSettings


class MailboxCommands(Topic):
    """The commands about mailboxes; part of ``Commands``."""

    @command
    def mailboxes(self, actor: Actor) -> list[dict[str, Any]]:
        """The configured mailboxes, and how each signs in."""
        self._allow(actor, "see_configuration")
        return [self._mailbox(box) for box in self._node.settings.mailbox]

    def _mailbox(self, box: MailboxSettings) -> dict[str, Any]:
        sign_in = self._node.sign_ins.state(box.id)
        server = box.imap.host or str(box.folder.inbox or box.smtp.host)
        return {
            "mailbox": box.id,
            "sender": box.sender,
            "server": server,
            "auth": box.imap.auth if box.imap.host or box.smtp.host else "none",
            "drafts": box.imap.drafts,
            "sign_in": str(sign_in.state),
        }

    @command
    @leads
    def begin_sign_in(self, actor: Actor, mailbox: str) -> SignIn:
        """A code, and the address of the page to type it on; the node waits for it by itself."""
        self._allow(actor, "change_configuration")
        return self._node.sign_ins.begin(mailbox)

    @command
    @shown_by_leader
    def sign_in_state(self, actor: Actor, mailbox: str) -> SignIn:
        """Where the sign-in of this mailbox stands."""
        self._allow(actor, "see_configuration")
        return self._node.sign_ins.state(mailbox)

    @command
    @leads
    def sign_out_mailbox(self, actor: Actor, mailbox: str) -> None:
        """Delete the mailbox's tokens here; nothing is taken in or sent by it until somebody signs in again."""
        self._allow(actor, "change_configuration")
        self._node.sign_ins.forget(mailbox)

    @command
    def test_mailbox(self, actor: Actor, mailbox: str) -> list[dict[str, Any]]:
        """Sign in to the mailbox's servers now; a finding for each."""
        self._allow(actor, "see_configuration")
        settings, clock = self._node.settings, self._node.clock
        box = box_of(settings, mailbox)
        needs = preflight.Needs(
            home=settings.home,
            imap=(imap_account(box, settings, clock),) if box.imap.host else (),
            smtp=(smtp_account(box, settings, clock),) if box.smtp.host else (),
        )
        wanted = (f"imap {mailbox}", f"smtp {mailbox}")
        return [msgspec.to_builtins(finding) for finding in preflight.run(needs, clock) if finding.name in wanted]
