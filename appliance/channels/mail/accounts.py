"""What is needed to reach a mailbox: frozen values that the node fills from the settings.

A secret is a callable, asked at each connection, so that a rotated password or a refreshed token is used without a restart.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Secret = Callable[[], str]
Security = Literal["tls", "starttls", "none"]

# ``password`` lets the server choose: PLAIN where it offers it, else LOGIN. ``xoauth2``: the secret is an access token.
Mechanism = Literal["password", "plain", "login", "xoauth2"]

MEGABYTE = 1_000_000


def no_secret() -> str:
    """For a server that asks for none."""
    return ""


# Told which secret a server refused; says whether there is another one to try.
Refused = Callable[[str], bool]


def no_other(_secret: str) -> bool:
    """A password that is refused is refused."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    """A folder of an IMAP mailbox. ``mailbox`` is the configured id, ``authorities`` a PEM file of certificate authorities
    to trust instead of the system's ("" for those). A mail over ``mail_bytes_max`` is fetched up to that size only.

    ``claimant`` is a letter or two that no other reader of this mailbox has (the nodes of a pair: a and b); "" for a mailbox
    that only we read. A claim without one cannot tell two claims of the same moment apart.
    """

    mailbox: str
    host: str
    port: int = 993
    security: Security = "tls"
    user: str = ""
    secret: Secret = field(default=no_secret, repr=False)
    refused: Refused = field(default=no_other, repr=False)
    auth: Mechanism = "password"
    folder: str = "INBOX"
    idle: bool = True
    start: Literal["now", "all"] = "now"
    claimant: str = ""
    authserv_id: str = ""
    retain_raw: bool = False
    authorities: str = ""
    connect_seconds: float = 15.0
    reply_seconds: float = 60.0
    batch_mails: int = 50
    batch_bytes: int = 20 * MEGABYTE
    mail_bytes_max: int = 30 * MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpAccount:
    """A server that takes mail from us. The times are RFC 5321's (4.5.3.2), but for connecting and greeting, which are shorter:
    a server that is slow to greet is tried again. ``final_seconds`` is the answer to the final dot: giving up early there
    makes an uncertain delivery out of a slow one."""

    mailbox: str
    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    secret: Secret = field(default=no_secret, repr=False)
    refused: Refused = field(default=no_other, repr=False)
    auth: Mechanism = "password"
    copy_to_self: bool = True
    authorities: str = ""
    connect_seconds: float = 15.0
    greeting_seconds: float = 60.0
    command_seconds: float = 300.0
    data_seconds: float = 180.0
    final_seconds: float = 600.0
    mails_per_line: int = 100
    line_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderAccount:
    """A folder of mail files, or one ``.mbox`` file. ``archive`` None: handled files are deleted."""

    mailbox: str
    inbox: Path
    archive: Path | None = None
    authserv_id: str = ""
    retain_raw: bool = False
    settle_seconds: float = 2.0
    batch_mails: int = 50
    batch_bytes: int = 20 * MEGABYTE
    mail_bytes_max: int = 30 * MEGABYTE
