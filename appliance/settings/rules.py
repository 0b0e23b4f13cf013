"""What must hold between keys, beyond the type and range of each. Rules are pure but for a look at secret files."""

import re
from collections.abc import Iterator
from pathlib import Path

from appliance.settings.model import ImapSettings, MailboxSettings, Settings, SmtpSettings
from appliance.settings.network import is_loopback
from appliance.settings.problems import Problem, nearest, problem
from appliance.settings.secret import trouble

# Not all that RFC 5321 allows, but all that a company writes from: a mistake is more likely than a quoted local part.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_USUAL_PORTS = {993: "tls", 143: "starttls", 465: "tls", 587: "starttls"}


def problems_of(settings: Settings) -> Iterator[Problem]:
    """Everything that cannot work, each with its remedy."""
    yield from _company(settings)
    yield from _panel(settings)
    yield from _sources(settings)
    seen: dict[str, int] = {}
    for position, box in enumerate(settings.mailbox):
        path = f"mailbox.{position}"
        if box.id in seen:
            yield problem(f"{path}.id", f"mailbox.{seen[box.id]} has the same id", "Give each mailbox an id of its own.")
        seen.setdefault(box.id, position)
        yield from _mailbox(path, box)


def notes_of(settings: Settings) -> Iterator[str]:
    """What will work but may not be what was meant, as sentences for the log."""
    for position, source in enumerate(settings.knowledge.source):
        if source.language not in settings.company.languages:
            yield f"knowledge.source.{position} is in {source.language}, which company.languages does not name: it is never searched."
    for position, box in enumerate(settings.mailbox):
        server: ImapSettings | SmtpSettings
        for name, server in (("imap", box.imap), ("smtp", box.smtp)):
            usual = _USUAL_PORTS.get(server.port, server.security)
            if server.host and server.security not in (usual, "none"):
                yield f"mailbox.{position}.{name}: port {server.port} usually speaks {usual}, and security is {server.security}."


def _company(settings: Settings) -> Iterator[Problem]:
    languages = settings.company.languages
    if len(set(languages)) < len(languages):
        yield problem("company.languages", "a language stands twice", "Name each once.")
    if re.search(r"[\r\n]", settings.company.name):
        yield problem("company.name", "it has more than one line", "Write it on one line: it stands in mail headers.")


def _panel(settings: Settings) -> Iterator[Problem]:
    ports = {"panel.port": settings.panel.port, "panel.chat_port": settings.panel.chat_port, "pair.port": settings.pair.port}
    taken: dict[int, str] = {}
    for key, port in ports.items():
        if port and port in taken:
            yield problem(key, f"{taken[port]} has the same port", "Give each a port of its own.")
        taken.setdefault(port, key)
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
        key = f"knowledge.source.{position}.path"
        if source.path == Path():
            yield problem(key, "it names no file", "Name an Excel, CSV or Markdown file.")
        elif re.search(r"https?:/", str(source.path)):
            yield problem(key, "it is a web address, and sources are read from files", "Save it as a file and name that.")


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
    yield from _server(f"{path}.imap", box.imap, sign_in=True)
    yield from _server(f"{path}.smtp", box.smtp, sign_in=bool(box.smtp.user))


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
