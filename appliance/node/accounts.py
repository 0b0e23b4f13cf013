"""From the settings of a mailbox to what the channels need to reach it."""

from functools import partial
from pathlib import Path

from appliance.care.preflight import Needs
from appliance.channels.mail.accounts import FolderAccount, ImapAccount, Mechanism, SmtpAccount
from appliance.channels.mail.arrivals import Reader
from appliance.ground.errors import KnowledgeError, SettingsError
from appliance.knowledge.reading import read
from appliance.records.language import Code
from appliance.settings.model import MailboxSettings, Settings
from appliance.settings.secret import password_of
from appliance.store.sqlite import check_library

_MECHANISM: dict[str, Mechanism] = {"password": "password"}


def _mechanism(mailbox: str, auth: str) -> Mechanism:
    known = _MECHANISM.get(auth)
    if known is None:
        raise SettingsError(f"mailbox {mailbox}: signing in with {auth} is not available.", 'Use auth = "password" with an app password.')
    return known


def reader_of(box: MailboxSettings, settings: Settings) -> Reader:
    """How this mailbox's mail is read."""
    return Reader(authserv_id=box.smtp.authserv_id, retain_raw=settings.intake.retain_raw, clean=settings.intake.clean)


def imap_account(box: MailboxSettings) -> ImapAccount:
    """Where this mailbox's mail is taken from."""
    imap = box.imap
    return ImapAccount(
        mailbox=box.id,
        host=imap.host,
        port=imap.port,
        security=imap.security,
        user=imap.user,
        secret=partial(password_of, imap),
        auth=_mechanism(box.id, imap.auth),
        folder=imap.folder,
        idle=imap.idle,
        start=imap.start,
        authorities=str(imap.authorities or ""),
    )


def smtp_account(box: MailboxSettings) -> SmtpAccount:
    """Where this mailbox's replies leave by."""
    smtp = box.smtp
    return SmtpAccount(
        mailbox=box.id,
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        user=smtp.user,
        secret=partial(password_of, smtp),
        auth=_mechanism(box.id, smtp.auth),
        copy_to_self=smtp.copy_to_self,
        authorities=str(smtp.authorities or ""),
    )


def folder_account(box: MailboxSettings, inbox: Path) -> FolderAccount:
    """A folder of mail files instead of a mailbox."""
    return FolderAccount(mailbox=box.id, inbox=inbox, archive=box.folder.archive)


def needs_of(settings: Settings, everything: bool) -> Needs:
    """What preflight looks at; the servers only when ``everything`` is asked for."""
    boxes = settings.mailbox
    return Needs(
        home=settings.home,
        imap=tuple(imap_account(box) for box in boxes if box.imap.host) if everything else (),
        smtp=tuple(smtp_account(box) for box in boxes if box.smtp.host) if everything else (),
        mailboxes=sum(bool(box.imap.host or box.folder.inbox) for box in boxes),
        folders=tuple(folder for box in boxes for folder in (box.folder.inbox, box.folder.outbox) if folder is not None),
        mailboxes_without_authserv_id=tuple(box.id for box in boxes if box.imap.host and not box.smtp.authserv_id),
        sources=tuple((source.path, source.language) for source in settings.knowledge.source),
        read_source=_passages_in,
        sqlite_version=_sqlite_version,
    )


def _passages_in(path: Path, language: Code) -> int:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KnowledgeError(
            f"{path} cannot be read ({error.strerror}).", "Check the path in tandem.toml and the file's rights."
        ) from error
    return len(read(path.name, content, language).pieces)


def _sqlite_version() -> str:
    check_library()
    return "SQLite is new enough, and the only one in the process"
