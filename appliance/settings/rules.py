"""What must hold between keys, beyond the type and range of each. Rules are pure but for a look at secret files."""

import re
from collections.abc import Iterator
from pathlib import Path

from appliance.settings import hours
from appliance.settings.model import ImapSettings, MailboxSettings, Settings, SmtpSettings, SourceSettings
from appliance.settings.network import host_of, is_address, is_loopback
from appliance.settings.problems import Problem, nearest, problem
from appliance.settings.secret import trouble

# Not all that RFC 5321 allows, but all that a company writes from: a mistake is more likely than a quoted local part.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_USUAL_PORTS = {993: "tls", 143: "starttls", 465: "tls", 587: "starttls"}


def problems_of(settings: Settings) -> Iterator[Problem]:
    """Everything that cannot work, each with its remedy."""
    yield from _company(settings)
    yield from _hours(settings)
    yield from _panel(settings)
    yield from _chat(settings)
    yield from _sources(settings)
    yield from _accounts(settings)
    yield from _crm(settings)
    yield from _voice(settings)
    yield from _writer(settings)
    yield from _models(settings)
    seen: dict[str, int] = {}
    for position, box in enumerate(settings.mailbox):
        path = f"mailbox.{position}"
        if box.id in seen:
            yield problem(f"{path}.id", f"mailbox.{seen[box.id]} has the same id", "Give each mailbox an id of its own.")
        seen.setdefault(box.id, position)
        if box.id == "chat":
            yield problem(f"{path}.id", "the chat goes by this name", "Give the mailbox another one.")
        if box.id == "voice":
            yield problem(f"{path}.id", "what customers say goes by this name", "Give the mailbox another one.")
        if box.id == "drill":
            yield problem(f"{path}.id", "the made-up messages of drills go by this name", "Give the mailbox another one.")
        yield from _mailbox(path, box)


def notes_of(settings: Settings) -> Iterator[str]:
    """What will work but may not be what was meant, as sentences for the log."""
    for position, source in enumerate(settings.knowledge.source):
        if source.language not in settings.company.languages:
            yield f"knowledge.source.{position} is in {source.language}, which company.languages does not name: it is never searched."
        if source.url.startswith("http:") and not is_loopback(host_of(source.url)):
            yield f"knowledge.source.{position} is fetched without https: whoever sits on the way can change what customers are told."
    for name, url in (("writer", settings.writer.base_url), ("shadow", settings.shadow.base_url)):
        if url.startswith("http:") and not is_loopback(host_of(url)):
            yield f"{name}.base_url is asked without https: whoever sits on the way can read what customers write, and change the answers."
    for position, box in enumerate(settings.mailbox):
        server: ImapSettings | SmtpSettings
        for name, server in (("imap", box.imap), ("smtp", box.smtp)):
            usual = _USUAL_PORTS.get(server.port, server.security)
            if server.host and server.security not in (usual, "none"):
                yield f"mailbox.{position}.{name}: port {server.port} usually speaks {usual}, and security is {server.security}."


def _voice(settings: Settings) -> Iterator[Problem]:
    voice, known = settings.voice, [box.id for box in settings.mailbox]
    if voice.reply_mailbox and voice.reply_mailbox not in known:
        yield problem(
            "voice.reply_mailbox", "there is no mailbox of this id", f"Name one of {', '.join(known) or 'none yet'}, or leave it out."
        )
    if voice.watch_folder is not None and voice.watch_folder == voice.archive:
        yield problem("voice.archive", "it is the watched folder itself", "Name another folder, or leave it out.")


def _company(settings: Settings) -> Iterator[Problem]:
    languages = settings.company.languages
    if len(set(languages)) < len(languages):
        yield problem("company.languages", "a language stands twice", "Name each once.")
    if re.search(r"[\r\n]", settings.company.name):
        yield problem("company.name", "it has more than one line", "Write it on one line: it stands in mail headers.")


def _hours(settings: Settings) -> Iterator[Problem]:
    for position, line in enumerate(settings.company.hours):
        try:
            hours.parse(line)
        except hours.NotHours as error:
            yield problem(f"company.hours.{position}", str(error), 'Write it as "mon-fri 8-16" or "sat 10:00-14:00".')


def _chat(settings: Settings) -> Iterator[Problem]:
    for position, origin in enumerate(settings.chat.origins):
        if not re.fullmatch(r"https?://[a-z0-9.\[\]:_-]+", origin):
            yield problem(f"chat.origins.{position}", "it is no origin", "Write it as https://www.example.com, lower case, no path.")
    for position, proxy in enumerate(settings.chat.proxies):
        if not is_address(proxy):
            yield problem(f"chat.proxies.{position}", "it is no network address", "Write it as 127.0.0.1 or ::1.")


def _crm(settings: Settings) -> Iterator[Problem]:
    crm = settings.crm
    if crm.enabled and not crm.url:
        yield problem("crm.url", "nobody has said where the CRM takes pushes", "Name its https address, or set crm.enabled to false.")
    if crm.url.startswith("http:") and not is_loopback(host_of(crm.url)):
        yield problem("crm.url", "customers' words would travel in plain text", "Use an https address; http is for this machine only.")
    if crm.enabled and crm.secret_file is None:
        remedy = "Write the secret (whsec_ and base64) into a file, chmod 600, and name that file."
        yield problem("crm.secret_file", "pushes cannot be signed without a secret", remedy)
    for name, path in (("secret_file", crm.secret_file), ("old_secret_file", crm.old_secret_file)):
        if path is not None and (wrong := trouble(path)):
            yield problem(f"crm.{name}", wrong[0], wrong[1])


def _models(settings: Settings) -> Iterator[Problem]:
    models = settings.models
    if models.hub_token_file is not None:
        if wrong := trouble(models.hub_token_file):
            yield problem("models.hub_token_file", wrong[0], wrong[1])
        if models.hub.startswith("http:") and not is_loopback(host_of(models.hub)):
            yield problem("models.hub", "the token would travel unprotected", "Use https.")


def _writer(settings: Settings) -> Iterator[Problem]:
    writer = settings.writer
    if "openai" in (writer.kind, *writer.fallback) and not writer.base_url:
        yield problem("writer.base_url", "openai asks a server, and none is named", "Write its address, such as http://127.0.0.1:11434/v1.")
    if writer.key_file is not None:
        if wrong := trouble(writer.key_file):
            yield problem("writer.key_file", wrong[0], wrong[1])
        if writer.base_url.startswith("http:") and not is_loopback(host_of(writer.base_url)):
            yield problem("writer.base_url", "the key would travel unprotected", "Use https.")
    if writer.authorities is not None and not writer.authorities.is_file():
        remedy = "Name a PEM file, or leave it out to trust what the system trusts."
        yield problem("writer.authorities", "there is no such file", remedy)
    if len(set(writer.fallback)) < len(writer.fallback):
        yield problem("writer.fallback", "a writer stands twice", "Name each once.")


def _panel(settings: Settings) -> Iterator[Problem]:
    ports = {"panel.port": settings.panel.port, "panel.chat_port": settings.panel.chat_port, "pair.port": settings.pair.port}
    taken: dict[int, str] = {}
    for key, port in ports.items():
        if port and port in taken:
            yield problem(key, f"{taken[port]} has the same port", "Give each a port of its own.")
        taken.setdefault(port, key)
    for position, peer in enumerate(settings.panel.peers):
        if not re.fullmatch(r"https?://[^\s/@?#]{1,190}", peer) or not host_of(peer):
            yield problem(f"panel.peers.{position}", "it is no address of a panel", "Write it as http://mini-2.local:8484, without a path.")
    if not _is_time_zone(settings.panel.time_zone):
        yield problem("panel.time_zone", "there is no such time zone", _time_zone_remedy(settings.panel.time_zone))


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # late: most commands show no times

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _time_zone_remedy(name: str) -> str:
    from zoneinfo import available_timezones

    meant = nearest(name, sorted(available_timezones()))
    return f"Did you mean {meant}?" if meant else "An IANA name such as Europe/Helsinki."


def _sources(settings: Settings) -> Iterator[Problem]:
    for position, source in enumerate(settings.knowledge.source):
        key = f"knowledge.source.{position}"
        if source.url:
            yield from _web_source(key, source)
        elif source.path == Path():
            yield problem(f"{key}.path", "it names no file", "Name an Excel, CSV or Markdown file, or its web address under url.")
        elif re.search(r"https?:/", str(source.path)):
            yield problem(f"{key}.path", "it is a web address", f"Write it under {key}.url.")


def _accounts(settings: Settings) -> Iterator[Problem]:
    lacking = sorted({"email", "order"} - set(settings.accounts.match))
    if lacking:
        reason = f"it lacks {', '.join(lacking)}: the sender or the order number alone can be somebody else's"
        yield problem("accounts.match", reason, 'Write match = ["email", "order"].')
    for position, source in enumerate(settings.knowledge.source):
        if source.path != Path() and source.path == settings.accounts.path:
            reason = "it is the account sheet, whose rows would be told to everybody"
            yield problem(f"knowledge.source.{position}.path", reason, "Remove this source.")


def _web_source(key: str, source: SourceSettings) -> Iterator[Problem]:
    if source.path != Path():
        yield problem(f"{key}.url", "path is set as well", "Name one of them; make a second source for the other.")
    host = host_of(source.url)
    if not host:
        yield problem(f"{key}.url", "it is no web address", "Write it as https://HOST/PATH/FILE.xlsx.")
    elif source.user and source.url.startswith("http:") and not is_loopback(host):
        yield problem(f"{key}.url", "the password would travel unprotected", "Use https.")
    if source.password_file is not None and (wrong := trouble(source.password_file)):
        yield problem(f"{key}.password_file", wrong[0], wrong[1])
    if bool(source.user) != (source.password_file is not None):
        yield problem(f"{key}.user", "user and password_file go together", "Write both, or none.")
    if source.authorities is not None and not source.authorities.is_file():
        yield problem(f"{key}.authorities", "there is no such file", "Name a PEM file, or leave it out to trust what the system trusts.")


def _mailbox(path: str, box: MailboxSettings) -> Iterator[Problem]:
    ways = [name for name, given in (("imap", box.imap.host), ("smtp", box.smtp.host), ("folder", box.folder.inbox)) if given]
    if not ways:
        yield problem(path, "it has neither imap.host, smtp.host nor folder.inbox", "Say where its mail is, or remove it.")
    if "imap" in ways and "folder" in ways:
        yield problem(f"{path}.folder.inbox", "imap.host is set as well", "Read from one of them; make a second mailbox for the other.")
    if box.folder.inbox is not None and box.folder.inbox in (box.folder.outbox, box.folder.archive):
        yield problem(f"{path}.folder.inbox", "replies or handled files would go there too", "Name three different folders.")
    if box.smtp.host and not box.sender:
        yield problem(f"{path}.sender", "it is empty, and replies need a sender", "Write an address such as support@example.com.")
    for key, address in ((f"{path}.sender", box.sender), (f"{path}.smtp.drafts_to", box.smtp.drafts_to)):
        if address and not _ADDRESS.fullmatch(address):
            yield problem(key, "it is not a mail address", "Write the bare address, such as support@example.com.")
    yield from _sign_in(path, box)
    if box.imap.drafts and box.smtp.drafts_to:
        remedy = "Choose one: the mailbox's own Drafts folder, or an address that drafts are mailed to."
        yield problem(f"{path}.imap.drafts", "smtp.drafts_to is set as well", remedy)
    yield from _server(f"{path}.imap", box.imap, sign_in=True)
    yield from _server(f"{path}.smtp", box.smtp, sign_in=bool(box.smtp.user))


def _sign_in(path: str, box: MailboxSettings) -> Iterator[Problem]:
    """Signing in at a provider's own page: one sign-in serves IMAP and SMTP, and it stands under imap."""
    imap, smtp = box.imap, box.smtp
    if smtp.host and smtp.auth not in ("password", imap.auth):
        yield problem(f"{path}.smtp.auth", "imap.auth is another", f'Set imap.auth to "{smtp.auth}" too: both use one sign-in.')
    if imap.auth == "password":
        return
    if not imap.client_id:
        remedy = "Register the appliance at the provider and write the id that it gives; see help: mail."
        yield problem(f"{path}.imap.client_id", f"it is empty, and {imap.auth} wants to know who asks", remedy)
    if imap.auth == "google" and imap.client_secret_file is None:
        remedy = "Write the client's secret into a file, chmod 600, and name it here."
        yield problem(f"{path}.imap.client_secret_file", "it is empty, and google asks for it", remedy)
    if imap.client_secret_file is not None and (wrong := trouble(imap.client_secret_file)):
        yield problem(f"{path}.imap.client_secret_file", wrong[0], wrong[1])
    if imap.sign_in_url.startswith("http://") and not is_loopback(host_of(imap.sign_in_url)):
        yield problem(f"{path}.imap.sign_in_url", "tokens would travel unprotected", "Use an https address.")


def _server(path: str, server: ImapSettings | SmtpSettings, sign_in: bool) -> Iterator[Problem]:
    if server.password_file is not None and (wrong := trouble(server.password_file)):
        yield problem(f"{path}.password_file", wrong[0], wrong[1])
    if server.authorities is not None and not server.authorities.is_file():
        yield problem(f"{path}.authorities", "there is no such file", "Name a PEM file, or leave it out to trust what the system trusts.")
    if not server.host:
        return
    if re.search(r"[\s/@]|://", server.host):
        yield problem(f"{path}.host", "it is not a host name", "Write the name alone, such as mail.example.com.")
    elif server.security == "none" and not is_loopback(server.host):
        remedy = "Use tls or starttls; none is for 127.0.0.1, ::1 and localhost."
        yield problem(f"{path}.security", "a password and customers' mail would travel unprotected", remedy)
    if sign_in and not server.user:
        yield problem(f"{path}.user", "it is empty", "Write the name to sign in with.")
    if sign_in and server.auth == "password" and server.password_file is None and not server.password:
        yield problem(f"{path}.password_file", "it is empty", "Write the password into a file, chmod 600, and name it here.")
