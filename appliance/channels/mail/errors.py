"""What can be wrong with a mailbox or a mail server. Each names the mailbox, the reason and the remedy.

    ChannelError
    └── MailboxError                 code, for the panel's table
        ├── HostUnknown              host_unknown        its name has no address
        ├── Unreachable              unreachable         refused, no route, too slow
        ├── Untrusted                tls_failed          TLS cannot be had, or the certificate is not believed
        ├── Unprotected              unprotected         plain text to another machine was asked for
        ├── SignInRefused            sign_in_refused     name, password, token or mechanism
        │   └── SignInEnded          sign_in_ended       at a provider's own page, where somebody has to sign in again
        ├── FolderMissing            folder_missing
        ├── FolderClosed             folder_closed       it is there, but the server will not open it
        ├── ClaimsImpossible         claims_impossible   no CONDSTORE, or no keywords: no race can be decided there
        ├── LineLost                 line_lost           the connection broke on the way
        ├── ServerRefused            server_refused      it said NO or BAD to something it should do
        ├── Unsendable               unsendable          a delivery that cannot be made into a mail
        └── FolderUnusable           folder_unusable     a folder of files that cannot be read or written

None of them holds a customer's words; what a server answered is quoted.
"""

import socket
import ssl

from appliance.ground.errors import ChannelError


class MailboxError(ChannelError):
    """Something is wrong with a mailbox; the message begins with its id."""

    code = "mailbox"

    def __init__(self, mailbox: str, reason: str, remedy: str = "") -> None:
        super().__init__(f"Mailbox {mailbox}: {reason}", remedy)
        self.mailbox = mailbox
        self.reason = reason
        self.gaps = {"mailbox": mailbox}


class HostUnknown(MailboxError):
    code = "host_unknown"


class Unreachable(MailboxError):
    code = "unreachable"


class Untrusted(MailboxError):
    code = "tls_failed"


class Unprotected(MailboxError):
    code = "unprotected"


class SignInRefused(MailboxError):
    code = "sign_in_refused"


class SignInEnded(SignInRefused):
    """Signing in at the provider's own page: nobody has yet, or the provider has ended it."""

    code = "sign_in_ended"


class FolderMissing(MailboxError):
    code = "folder_missing"


class FolderClosed(MailboxError):
    code = "folder_closed"


class ClaimsImpossible(MailboxError):
    code = "claims_impossible"


class LineLost(MailboxError):
    code = "line_lost"


class ServerRefused(MailboxError):
    code = "server_refused"


class Unsendable(MailboxError):
    code = "unsendable"


class FolderUnusable(MailboxError):
    code = "folder_unusable"


def unprotected(mailbox: str, host: str, protocol: str) -> Unprotected:
    return Unprotected(
        mailbox,
        f'security = "none" would send the password to {host} in plain text; it is allowed for this machine only.',
        f'Set mailbox.{protocol}.security to "tls" or "starttls".',
    )


def while_connecting(mailbox: str, protocol: str, host: str, port: int, error: Exception) -> MailboxError:
    """Why a server could not be reached, from what the socket or the TLS layer said. ``protocol``: imap or smtp."""
    place = f"{protocol.upper()} server {host}, port {port}"
    if isinstance(error, socket.gaierror):
        return HostUnknown(
            mailbox,
            f"the {place}: no address is known by that name ({_words(error)}).",
            f"Check mailbox.{protocol}.host and the machine's DNS.",
        )
    if isinstance(error, ssl.SSLError):
        return _untrusted(mailbox, protocol, place, error)
    if isinstance(error, TimeoutError):
        return Unreachable(
            mailbox,
            f"the {place}, did not answer in time.",
            f"Check mailbox.{protocol}.host, .port and the firewall; it is tried again by itself.",
        )
    return Unreachable(
        mailbox,
        f"the {place}, cannot be reached ({_words(error)}).",
        f"Check mailbox.{protocol}.host and .port; it is tried again by itself.",
    )


def _untrusted(mailbox: str, protocol: str, place: str, error: ssl.SSLError) -> Untrusted:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(
            mailbox,
            f"the certificate of the {place}, is not believed: {error.verify_message}.",
            "Let the server use a certificate of a known authority for this host name, or name the file with its authority.",
        )
    if error.reason == "WRONG_VERSION_NUMBER":
        return Untrusted(
            mailbox,
            f"the {place}, does not speak TLS from the start on this port.",
            f'Set mailbox.{protocol}.security to "starttls", or use the TLS port.',
        )
    reason = (error.reason or "").replace("_", " ").lower() or _words(error)
    return Untrusted(mailbox, f"TLS with the {place}, failed: {reason}.", "The server must speak TLS 1.2 or newer.")


def _words(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).rstrip(".")
