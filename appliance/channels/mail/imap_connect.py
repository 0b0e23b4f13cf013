"""Reaching an IMAP server and signing in: TLS from the start, STARTTLS, or plain text on this machine alone."""

import errno
import socket
import ssl
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from appliance.channels.mail import errors
from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.tls import on_this_machine, trusted
from appliance.channels.mail.xoauth2 import NoMechanism, choose, responder

_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
_CONTROLS = frozenset(chr(code) for code in (*range(32), 127))


def sign_in(account: ImapAccount) -> Any:
    """A connection that is signed in, as the IMAP library's client. Raises a ``MailboxError`` that says what stood in the way."""
    if account.security == "none" and not on_this_machine(account.host):
        raise errors.unprotected(account.mailbox, account.host, "imap")
    secret = account.secret()
    try:
        return _signed_in(account, secret)
    except errors.SignInRefused:
        if not account.refused(secret):
            raise
    return _signed_in(account, account.secret())


def _signed_in(account: ImapAccount, secret: str) -> Any:
    client = _connect(account)
    try:
        _authenticate(client, account, secret)
    except BaseException:
        with suppress(Exception):
            client.shutdown()
        raise
    return client


def _connect(account: ImapAccount) -> Any:
    context = trusted(account.mailbox, account.authorities)
    try:
        client = IMAPClient(
            account.host,
            account.port,
            ssl=account.security == "tls",
            ssl_context=context if account.security == "tls" else None,
            timeout=SocketTimeout(account.connect_seconds, account.reply_seconds),
        )
        client.normalise_times = False
        if account.security == "starttls":
            _start_tls(client, account, context)
        _keep_alive(client.socket())
        return client
    except (OSError, EOFError) as error:
        raise errors.while_connecting(account.mailbox, "imap", account.host, account.port, error) from error
    except IMAPClientError as error:
        raise errors.Unreachable(
            account.mailbox,
            f"{account.host}, port {account.port}, does not greet as an IMAP server ({said(error)}).",
            "Check mailbox.imap.host and .port.",
        ) from error


def _start_tls(client: Any, account: ImapAccount, context: ssl.SSLContext) -> None:
    try:
        if not client.has_capability("STARTTLS"):
            raise errors.Untrusted(
                account.mailbox,
                f"the IMAP server {account.host}, port {account.port}, does not offer STARTTLS.",
                'Set mailbox.imap.security to "tls" and the port to 993; the password is never sent in plain text.',
            )
        client.starttls(context)
    except BaseException:
        with suppress(Exception):
            client.shutdown()
        raise


def _keep_alive(line: socket.socket | ssl.SSLSocket) -> None:
    """Let the system notice a peer that vanished without a word (a cable, a router that forgot us)."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def is_stranded(line: socket.socket | ssl.SSLSocket) -> bool:
    """Whether this machine has lost the address that the line was opened from: nothing that is sent on it can be answered any more.

    The system itself would notice after minutes. An address that is ours can be bound; one that is not cannot.
    """
    try:
        host, _, *scope = line.getsockname()
        with socket.socket(line.family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0, *scope))
    except OSError as error:
        return error.errno == errno.EADDRNOTAVAIL
    return False


def _authenticate(client: Any, account: ImapAccount, secret: str) -> None:
    if not _CONTROLS.isdisjoint(account.user + secret):
        raise errors.SignInRefused(
            account.mailbox,
            "the user name or the password holds a line break or another control character.",
            "Check mailbox.imap.user and the password file.",
        )
    offered = [name.decode("ascii")[5:] for name in client.capabilities() if name.startswith(b"AUTH=")]
    try:
        mechanism = choose(account.auth, offered, bare_login=not client.has_capability("LOGINDISABLED"))
        if mechanism:
            client.sasl_login(mechanism, responder(mechanism, account.user, secret))
        else:
            client.login(_as_string(account.user), secret)
    except NoMechanism as offers:
        raise errors.SignInRefused(
            account.mailbox,
            f"the server {account.host} offers no way to sign in with {account.auth!r} (it offers: {offers}).",
            "Change mailbox.imap.auth.",
        ) from None
    except LoginError as error:
        raise errors.SignInRefused(
            account.mailbox,
            f"the server {account.host} refused the user {account.user!r} ({said(error)}).",
            "Check mailbox.imap.user and the password in its file, or sign in anew; a changed password is picked up by itself.",
        ) from None
    except (OSError, IMAPClientError) as error:
        raise errors.LineLost(
            account.mailbox, f"the connection to {account.host} broke while signing in ({said(error)}).", "It is made anew by itself."
        ) from error


def _as_string(user: str) -> str:
    """The user name quoted for the bare LOGIN command, where the library quotes the password alone."""
    return '"' + user.replace("\\", "\\\\").replace('"', '\\"') + '"'


def said(error: Exception) -> str:
    """What an error says, in one line and not too long."""
    text = str(error) or type(error).__name__
    return text.rstrip(".").replace("\r", " ").replace("\n", " ")[:300]
