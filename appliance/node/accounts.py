"""From the settings of a mailbox to what the channels need to reach it."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from appliance.care.models import place
from appliance.care.preflight import Needs
from appliance.channels.mail.accounts import FolderAccount, ImapAccount, Mechanism, Refused, Secret, SmtpAccount, no_other
from appliance.channels.mail.arrivals import Reader
from appliance.channels.mail.oauth.provider import Provider, google, microsoft
from appliance.channels.mail.oauth.tokens import AccessTokens, TokenFile
from appliance.ground.clock import Clock, SystemClock
from appliance.ground.errors import SettingsError
from appliance.knowledge.origin import FileOrigin
from appliance.knowledge.reading import read
from appliance.knowledge.remote import address_of, fetch
from appliance.knowledge.source import sign_in_of
from appliance.node.ears import ear_fitness
from appliance.settings.model import ImapSettings, MailboxSettings, Settings, SmtpSettings, SourceSettings
from appliance.settings.secret import password_of, read_secret
from appliance.store.sqlite import check_library


def box_of(settings: Settings, mailbox: str) -> MailboxSettings:
    """The settings of the mailbox with this id. Raises ``SettingsError``, naming those that there are."""
    boxes = {box.id: box for box in settings.mailbox}
    if mailbox not in boxes:
        known = ", ".join(boxes) or "none"
        raise SettingsError(f"There is no mailbox {mailbox}; configured: {known}.", "Name one, or add a [[mailbox]] to tandem.toml.")
    return boxes[mailbox]


def provider_of(box: MailboxSettings) -> Provider | None:
    """Where this mailbox's user signs in; None for one that has a password. IMAP and SMTP share one sign-in."""
    imap = box.imap
    secret = read_secret(imap.client_secret_file) if imap.client_secret_file is not None else ""
    if imap.auth == "microsoft":
        return microsoft(imap.client_id, imap.tenant, imap.sign_in_url, secret=secret)
    if imap.auth == "google":
        return google(imap.client_id, secret, imap.sign_in_url)
    return None


def token_file(settings: Settings, mailbox: str, clock: Clock) -> TokenFile:
    """Where the mailbox's tokens lie."""
    return TokenFile(settings.home / "sign-in", mailbox, clock)


class _Way(NamedTuple):
    """How to sign in to a server: the mechanism, the secret, and what to do when it is refused."""

    auth: Mechanism
    secret: Secret
    refused: Refused


def _way_in(box: MailboxSettings, login: ImapSettings | SmtpSettings, settings: Settings, clock: Clock) -> _Way:
    provider = provider_of(box) if login.auth != "password" else None
    if provider is None:
        return _Way("password", partial(password_of, login), no_other)
    tokens = AccessTokens(token_file(settings, box.id, clock), provider)
    return _Way("xoauth2", tokens.current, tokens.refused)


def reader_of(box: MailboxSettings, settings: Settings) -> Reader:
    """How this mailbox's mail is read."""
    voice = settings.voice
    # The mock's sentence is not what the customer said: with it their clip would count as heard, and the mail as understood.
    hears = voice.enabled and voice.mail_attachments and not voice.mock
    return Reader(authserv_id=box.smtp.authserv_id, retain_raw=settings.intake.retain_raw, clean=settings.intake.clean, hears=hears)


def imap_account(box: MailboxSettings, settings: Settings, clock: Clock) -> ImapAccount:
    """Where this mailbox's mail is taken from."""
    imap = box.imap
    way = _way_in(box, imap, settings, clock)
    return ImapAccount(
        mailbox=box.id,
        host=imap.host,
        port=imap.port,
        security=imap.security,
        user=imap.user,
        secret=way.secret,
        refused=way.refused,
        auth=way.auth,
        folder=imap.folder,
        idle=imap.idle,
        start=imap.start,
        authorities=str(imap.authorities or ""),
    )


def smtp_account(box: MailboxSettings, settings: Settings, clock: Clock) -> SmtpAccount:
    """Where this mailbox's replies leave by."""
    smtp = box.smtp
    way = _way_in(box, smtp, settings, clock)
    return SmtpAccount(
        mailbox=box.id,
        host=smtp.host,
        port=smtp.port,
        security=smtp.security,
        user=smtp.user,
        secret=way.secret,
        refused=way.refused,
        auth=way.auth,
        copy_to_self=smtp.copy_to_self,
        authorities=str(smtp.authorities or ""),
    )


def folder_account(box: MailboxSettings, inbox: Path) -> FolderAccount:
    """A folder of mail files instead of a mailbox."""
    return FolderAccount(mailbox=box.id, inbox=inbox, archive=box.folder.archive)


def needs_of(settings: Settings, everything: bool) -> Needs:
    """What preflight looks at; the servers only when ``everything`` is asked for."""
    boxes, clock = settings.mailbox, SystemClock()
    return Needs(
        home=settings.home,
        imap=tuple(imap_account(box, settings, clock) for box in boxes if box.imap.host) if everything else (),
        smtp=tuple(smtp_account(box, settings, clock) for box in boxes if box.smtp.host) if everything else (),
        mailboxes=sum(bool(box.imap.host or box.folder.inbox) for box in boxes),
        folders=tuple(folder for box in boxes for folder in (box.folder.inbox, box.folder.outbox) if folder is not None),
        mailboxes_without_authserv_id=tuple(box.id for box in boxes if box.imap.host and not box.smtp.authserv_id),
        sources=tuple((_called(source), partial(_passages_in, source)) for source in settings.knowledge.source),
        sqlite_version=_sqlite_version,
        ear=partial(ear_fitness, settings) if settings.voice.enabled else None,
        models=partial(place.look, settings) if place.named(settings) else None,
    )


def _called(source: SourceSettings) -> str:
    return source.url.partition("?")[0] or source.path.name


def _passages_in(source: SourceSettings) -> int:
    if source.url:
        copy = fetch(address_of(source.url), sign_in_of(source, Path(), read_secret))
        return len(read(copy.name, copy.content, source.language).pieces)
    found = FileOrigin(source.path).content()
    return len(read(found.name, found.content, source.language).pieces)


def _sqlite_version() -> str:
    check_library()
    return "SQLite is new enough, and the only one in the process"
