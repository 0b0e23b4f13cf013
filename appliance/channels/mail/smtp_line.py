"""A line to an SMTP server: connected, protected, greeted and signed in, each step with its own result when it fails.

``Stopped`` carries what came of the try. A refusal is temporary (4xx) or for good (5xx), by the server's own word; what is
the operator's to mend rather than the mail's fault (no connection, no sign-in) is tried again without counting.
"""

import base64
import re
import smtplib
import socket
import ssl
from contextlib import suppress

from appliance.channels.mail import errors
from appliance.channels.mail.accounts import SmtpAccount
from appliance.channels.mail.tls import on_this_machine, trusted
from appliance.channels.mail.xoauth2 import NoMechanism, choose, responder
from appliance.ground.errors import TandemError
from appliance.records.delivery import DeliveryOutcome, DeliveryResult

_SIGN_IN_CODES = (530, 534, 535, 538)  # RFC 4954: sign in first, a better mechanism, wrong, only under TLS
_CLOSING = 421
_CHALLENGE = 334
_SIGNED_IN = 235
_REFUSED = 535


class Stopped(Exception):
    """The try ended here. ``trouble`` is for the operator, when there is something to mend; ``gone``: the line is no more."""

    def __init__(self, result: DeliveryResult, trouble: TandemError | None = None, *, gone: bool = False) -> None:
        super().__init__(result.stage)
        self.result = result
        self.trouble = trouble
        self.gone = gone


def refused(stage: str, code: int) -> Stopped:
    """The server said no at this stage. 4xx: for now; 5xx: for good, unless it wants us to sign in."""
    if code in _SIGN_IN_CODES:
        return put_off("auth", code)
    lasting = code >= 500
    outcome = DeliveryOutcome.REFUSED if lasting else DeliveryOutcome.TRY_AGAIN
    return Stopped(DeliveryResult(outcome=outcome, code=max(code, 0), stage=stage), gone=code == _CLOSING or code <= 0)


def put_off(stage: str, code: int = 0, trouble: TandemError | None = None, retry_after_seconds: float | None = None) -> Stopped:
    """Nothing was wrong with the mail; it is tried again. The line is not used any further."""
    result = DeliveryResult(
        outcome=DeliveryOutcome.TRY_AGAIN, code=max(code, 0), stage=stage, blameless=True, retry_after_seconds=retry_after_seconds
    )
    return Stopped(result, trouble, gone=True)


class Line:
    """One connection. Every method raises ``Stopped``; what it is told is bytes and addresses that were checked before."""

    def __init__(self, account: SmtpAccount) -> None:
        self.account = account
        self.mails = 0
        if account.security == "none" and not on_this_machine(account.host):
            raise put_off("tls", trouble=errors.unprotected(account.mailbox, account.host, "smtp"))
        try:
            self._context = trusted(account.mailbox, account.authorities)
        except TandemError as error:
            raise put_off("tls", trouble=error) from error
        self._smtp = smtplib.SMTP(local_hostname="localhost")
        self._smtp.command_encoding = "utf-8"  # ASCII, but for addresses that only go to a server with SMTPUTF8
        try:
            self._connect()
            self._hello("ehlo")
            if account.security == "starttls":
                self._start_tls()
                self._hello("ehlo")
            if account.user:
                self._sign_in()
        except BaseException:
            self.break_off()
            raise

    @property
    def size_max(self) -> int:
        """The largest mail the server says it takes, in bytes; 0: it does not say (RFC 1870)."""
        value = str(self._smtp.esmtp_features.get("size", ""))
        return int(value) if value.isdigit() else 0

    @property
    def takes_utf8(self) -> bool:
        return self._smtp.has_extn("smtputf8")

    def command(self, stage: str, words: str, seconds: float | None = None) -> int:
        """Send a command; returns the code of the answer, whatever it is. Raises ``Stopped`` when the line is gone."""
        try:
            self._patience(seconds or self.account.command_seconds)
            self._smtp.putcmd(words)
            return self._smtp.getreply()[0]
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._lost(stage, error) from error

    def write(self, data: bytes) -> None:
        """Send mail data as it is. Raises OSError or SMTPException."""
        self._patience(self.account.data_seconds)
        self._smtp.send(data)

    def answer(self) -> int:
        """Wait for the answer to the final dot. Raises OSError or SMTPException; a code that is none comes as -1."""
        self._patience(self.account.final_seconds)
        return self._smtp.getreply()[0]

    def has_spoken(self) -> bool:
        """Whether the server has said something, or hung up, while it should only listen. Looks, and never waits."""
        line, file = self._smtp.sock, self._smtp.file
        if line is None or file is None:
            return True
        patience = line.gettimeout()
        try:
            line.setblocking(False)
            if isinstance(line, ssl.SSLSocket):
                file.peek(1)  # through TLS one cannot peek; what is read ahead stays in the buffer
            else:
                line.recv(1, socket.MSG_PEEK)
            return True
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            with suppress(OSError):
                line.settimeout(patience)

    def quit(self) -> None:
        """Say goodbye and close, whatever the other side thinks of it."""
        with suppress(Exception):
            self._patience(2.0)
            self._smtp.quit()
        self.break_off()

    def break_off(self) -> None:
        """Close without a word; may be called from another thread to end what the owner waits for."""
        with suppress(Exception):
            if self._smtp.sock is not None:
                self._smtp.sock.shutdown(socket.SHUT_RDWR)
        with suppress(Exception):
            self._smtp.close()

    def _connect(self) -> None:
        account = self.account
        try:
            self._smtp.sock = socket.create_connection((account.host, account.port), account.connect_seconds)
        except OSError as error:
            trouble = errors.while_connecting(account.mailbox, "smtp", account.host, account.port, error)
            raise put_off("connect", trouble=trouble) from error
        # Our address as the name in EHLO: no resolver is asked, and no name of this machine is told (RFC 5321, 4.1.3).
        own = self._smtp.sock.getsockname()[0]
        self._smtp.local_hostname = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        if account.security == "tls":
            self._protect()
        try:
            self._patience(account.greeting_seconds)
            code = self._smtp.getreply()[0]
        except (OSError, smtplib.SMTPException) as error:
            raise self._lost("greeting", error) from error
        if code != 220:
            # A server that turns everybody away, even for good (554), has not seen the mail: that is the operator's to mend.
            reason = f"the SMTP server {account.host}, port {account.port}, turns us away with {code}."
            remedy = "Ask whoever runs it whether this machine may send there; mail waits meanwhile."
            raise put_off("greeting", code, errors.ServerRefused(account.mailbox, reason, remedy))

    def _hello(self, stage: str) -> None:
        try:
            self._patience(self.account.command_seconds)
            code = self._smtp.ehlo()[0]
            if code in (500, 502, 504):
                code = self._smtp.helo()[0]
        except (OSError, smtplib.SMTPException) as error:
            raise self._lost(stage, error) from error
        if code != 250:
            raise refused(stage, code)

    def _start_tls(self) -> None:
        account = self.account
        if not self._smtp.has_extn("starttls"):
            reason = f"the SMTP server {account.host}, port {account.port}, does not offer STARTTLS."
            remedy = 'Set mailbox.smtp.security to "tls" and the port to 465; nothing is ever sent in plain text.'
            raise put_off("tls", trouble=errors.Untrusted(account.mailbox, reason, remedy))
        code = self.command("tls", "STARTTLS")
        if code != 220:
            raise put_off("tls", code)
        self._protect()
        self._smtp.file = None  # what was said in plain text before is not to be believed (RFC 3207, 6)

    def _protect(self) -> None:
        account, line = self.account, self._smtp.sock
        if line is None:
            raise put_off("tls")
        try:
            self._patience(account.connect_seconds)
            self._smtp.sock = self._context.wrap_socket(line, server_hostname=account.host)
        except OSError as error:
            trouble = errors.while_connecting(account.mailbox, "smtp", account.host, account.port, error)
            raise put_off("tls", trouble=trouble) from error

    def _sign_in(self) -> None:
        account = self.account
        try:
            secret = account.secret()
        except TandemError as error:
            raise put_off("auth", trouble=error) from error
        offered = re.findall(r"[A-Z0-9_-]+", str(self._smtp.esmtp_features.get("auth", "")).upper())
        try:
            mechanism = choose(account.auth, offered, bare_login=False)
        except NoMechanism as offers:
            reason = f"the server {account.host} offers no way to sign in with {account.auth!r} (it offers: {offers})."
            raise put_off("auth", trouble=errors.SignInRefused(account.mailbox, reason, "Change mailbox.smtp.auth.")) from None
        code = self._authenticate(mechanism, secret)
        if code == _REFUSED and self._has_another(secret):
            code = self._authenticate(mechanism, account.secret())
        if code != _SIGNED_IN:
            reason = f"the server {account.host} refused the user {account.user!r} ({code})."
            remedy = "Check mailbox.smtp.user and the password in its file, or sign in anew; a changed password is picked up by itself."
            raise put_off("auth", code, errors.SignInRefused(account.mailbox, reason, remedy))

    def _authenticate(self, mechanism: str, secret: str) -> int:
        respond = responder(mechanism, self.account.user, secret)
        # LOGIN alone waits to be asked for the user's name; the others send all they have with the command.
        code = self.command("auth", f"AUTH {mechanism}" + ("" if mechanism == "LOGIN" else f" {_base64(respond(b''))}"))
        for _ in range(3):
            if code != _CHALLENGE:
                break
            code = self.command("auth", _base64(respond(b"")))
        return code

    def _has_another(self, secret: str) -> bool:
        try:
            return self.account.refused(secret)
        except TandemError as error:
            raise put_off("auth", trouble=error) from error

    def _patience(self, seconds: float) -> None:
        if self._smtp.sock is not None:
            self._smtp.sock.settimeout(seconds)

    def _lost(self, stage: str, error: Exception) -> Stopped:
        account = self.account
        why = "it did not answer in time" if isinstance(error, TimeoutError) else str(error).rstrip(".") or type(error).__name__
        reason = f"the line to the SMTP server {account.host}, port {account.port}, broke at {stage!r}: {why}."
        return put_off(stage, trouble=errors.LineLost(account.mailbox, reason, "It is tried again by itself."))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
