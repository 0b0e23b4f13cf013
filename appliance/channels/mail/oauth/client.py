"""Asking a provider: one form by HTTPS, its JSON back. No proxy is taken from the environment and no redirect is followed, for the
form holds secrets. Plain HTTP goes to this machine alone."""

import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from appliance.channels.mail import errors
from appliance.channels.mail.oauth.device import Reply
from appliance.channels.mail.tls import on_this_machine, trusted

ASK_SECONDS = 20.0
ANSWER_BYTES_MAX = 256 * 1024

Ask = Callable[[str, Mapping[str, str]], Reply]


def ask(mailbox: str, url: str, form: Mapping[str, str], authorities: str = "") -> Reply:
    """The provider's answer, whatever it says. Raises a ``MailboxError`` when none came."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme != "https" and not on_this_machine(host):
        raise errors.Unprotected(
            mailbox, f"{url} would get the sign-in in plain text; that is allowed for this machine only.", "Use an https address."
        )
    connection = _connection(parts.scheme, host, port, trusted(mailbox, authorities))
    try:
        connection.request("POST", parts.path or "/", urlencode(form), _HEADERS)
        answer = connection.getresponse()
        return Reply(answer.status, _document(answer.read(ANSWER_BYTES_MAX)))
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(mailbox, host, error) from error
    finally:
        connection.close()


_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "Connection": "close"}


def _connection(scheme: str, host: str, port: int | None, context: ssl.SSLContext) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=ASK_SECONDS, context=context)
    return http.client.HTTPConnection(host, port, timeout=ASK_SECONDS)


def _document(body: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _unreachable(mailbox: str, host: str, error: Exception) -> errors.MailboxError:
    remedy = "Check the machine's way to the Internet, its DNS and the firewall; it is tried again by itself."
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.Untrusted(
            mailbox, f"the certificate of the sign-in at {host} is not believed: {error.verify_message}.", "Check the machine's clock."
        )
    words = (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
    return errors.Unreachable(mailbox, f"the sign-in at {host} cannot be reached ({words}).", remedy)
