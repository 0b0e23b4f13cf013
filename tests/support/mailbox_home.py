"""A small company whose mail lies on a real IMAP server, with its drafts in the mailbox's own Drafts folder."""

import email.message
import email.policy
from pathlib import Path

from tests.live.servers.dovecot import Dovecot
from tests.support.home import KNOWLEDGE, POLICY

SETTINGS = """
[company]
name = "Test Pumps"
signature = "Test Pumps, customer service"
[panel]
port = {panel_port}
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
user = "{user}"
{sign_in}
poll_seconds = 1
drafts = {drafts}
[mailbox.smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
copy_to_self = false
{smtp_sign_in}
[[knowledge.source]]
path = "en.md"
language = "en"
[policy]
safe_mode = false
automation_enabled = {automation}
[review]
undo_seconds = {undo_seconds}
"""


def make_mailbox_home(
    home: Path,
    imap_port: int,
    smtp_port: int,
    *,
    user: str = "support",
    drafts: bool = True,
    automation: bool = False,
    panel_port: int = 0,
    sign_in: str = 'password_file = "secret"',
    smtp_sign_in: str = "",
    undo_seconds: int = 0,
) -> Path:
    """The company's files."""
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "secret").write_text("secret")
    (home / "secret").chmod(0o600)
    (home / "policy.toml").write_text(POLICY, encoding="utf-8")
    (home / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    words = {"drafts": str(drafts).lower(), "automation": str(automation).lower(), "sign_in": sign_in, "smtp_sign_in": smtp_sign_in}
    ports = {"panel_port": panel_port, "imap_port": imap_port, "smtp_port": smtp_port}
    text = SETTINGS.format(**ports, user=user, undo_seconds=undo_seconds, **words)
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    return home


def customer_mail(number: int, text: str = "What are your opening hours?") -> bytes:
    """A customer's mail, each from a customer of its own."""
    mail = email.message.EmailMessage()
    mail["From"] = f"Customer {number} <customer{number}@example.com>"
    mail["To"] = "support@pumps.example"
    mail["Subject"] = f"Question {number}"
    mail["Message-ID"] = f"<{number}@example.com>"
    mail.set_content(text)
    return mail.as_bytes()


def persons_answer(number: int, *, to: str = "", **headers: str) -> bytes:
    """What a person's own mail program leaves in Sent when they answer that customer."""
    mail = email.message.EmailMessage()
    mail["From"] = "support@pumps.example"
    mail["To"] = to or f"customer{number}@example.com"
    mail["Subject"] = f"Re: Question {number}"
    usual = {"Message_ID": f"<outlook-{number}@pumps.example>", "In_Reply_To": f"<{number}@example.com>"}
    for name, value in (usual | headers).items():
        mail[name.replace("_", "-")] = value
    mail.set_content("I wrote this myself.")
    return mail.as_bytes()


def in_folder(dovecot: Dovecot, user: str, folder: str) -> list[email.message.EmailMessage]:
    """The mails of a folder as a mail program sees them."""
    with dovecot.client(user, None) as client:
        if client.select(f'"{folder}"')[0] != "OK":
            return []
        numbers = client.search(None, "UNDELETED")[1][0].split()
        answers = [client.fetch(number, "(BODY.PEEK[])")[1] for number in numbers]
    # Beside the mail stands what changed meanwhile; a mail that was taken away since the search has none.
    raws = [part[1] for answer in answers for part in answer if isinstance(part, tuple)]
    as_it_came = email.policy.default.clone(refold_source="none")  # the library would encode a key that is longer than its lines
    return [email.message_from_bytes(raw, policy=as_it_came) for raw in raws]  # type: ignore[misc]


def take_away(dovecot: Dovecot, user: str, folder: str = "Drafts") -> None:
    """A person deletes everything in a folder, or sends it away from there."""
    with dovecot.client(user, folder) as client:
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
