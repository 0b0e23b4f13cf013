"""Telling the CRM by HTTP: one signed POST of JSON for each try (Standard Webhooks, https://www.standardwebhooks.com).

What a server may do to us has a limit each: how long it is silent, how long all of it lasts, how much of an answer is read. No
redirect is followed and no proxy taken from the environment, for the document holds customers' words. Of the answer only its code is
believed; the CRM's own name for an error is kept when it is a plain code, for its sentences may repeat what we sent.
"""

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from appliance.channels.crm.errors import BadSecret
from appliance.channels.crm.signature import key_of, sign
from appliance.ground.clock import Clock
from appliance.ground.errors import SettingsError
from appliance.records.push import Push, PushOutcome, PushResult

ANSWER_BYTES_MAX = 65_536
RETRY_AFTER_SECONDS_MAX = 86_400.0
_ERROR_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,59}")
_PIECE = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}(?![a-z])|[0-9]{3,}")
_WORD = re.compile(r"[a-z]+|[0-9]+")
# Of what CRMs call their errors: words that say nothing of a customer, though one may have written them.
_USUAL = frozenset((
    "invalid", "document", "error", "errors", "not", "found", "too", "many", "requests", "internal", "bad", "signature",
    "missing", "required", "field", "fields", "duplicate", "conflict", "unauthorized", "unauthorised", "forbidden", "validation",
    "failed", "failure", "unknown", "contact", "case", "data", "payload", "body", "json", "request", "server", "unavailable",
    "timeout", "limit", "exceeded", "quota", "gone", "exists", "already", "value", "format", "type", "schema",
))  # fmt: skip
_HTML = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)

#: What a code says, where it says more than that the CRM has an error of its own. ``True``: this push will never be taken.
_CODES: dict[int, tuple[str, bool]] = {
    400: ("refused", True), 405: ("not_found", False), 413: ("refused", True), 415: ("refused", True), 422: ("refused", True),
    401: ("sign_in", False), 403: ("sign_in", False), 404: ("not_found", False), 408: ("timeout", False), 410: ("gone", True),
    429: ("too_many", False), 504: ("timeout", False),
}  # fmt: skip
_ABOUT_THIS_PUSH = ("refused",)


@dataclass(frozen=True)
class WebhookOptions:
    """``secrets`` reads the written secrets anew for each try, the present one first, so that a changed file counts at once."""

    url: str
    secrets: Callable[[], Sequence[str]]
    authorities: Path | None = None
    timeout_seconds: float = 15.0
    version: str = "0"


class Webhook:
    """The CRM behind one address."""

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._address = urlsplit(options.url)

    def deliver(self, push: Push) -> PushResult:
        """Send the document once; see ``protocol.Crm``."""
        body = push.payload.encode()
        try:
            headers = sign([key_of(secret) for secret in self._options.secrets()], push.id, int(self._clock.now()), body)
        except (BadSecret, SettingsError):
            return _again("secret")
        try:
            return self._posted(body, headers)
        except ssl.SSLCertVerificationError:
            return _again("certificate")
        except TimeoutError:
            return _again("timeout")
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, http.client.IncompleteRead):
            return _again("dropped")
        except http.client.HTTPException:
            return _again("bad_answer")
        except (OSError, ValueError):
            return _again("connect")

    def _posted(self, body: bytes, signed: dict[str, str]) -> PushResult:
        raw = socket.create_connection((self._address.hostname or "", self._port()), self._options.timeout_seconds)
        with raw, _Cut(raw, self._options.timeout_seconds) as cut, contextlib.closing(self._connection(raw)) as connection:
            try:
                connection.request("POST", self._target(), body, {**_HEADERS, "User-Agent": f"tandem/{self._options.version}", **signed})
                answer = connection.getresponse()
                content = answer.read(ANSWER_BYTES_MAX + 1)
            except (OSError, http.client.HTTPException):
                cut.raise_if_late()
                raise
            cut.raise_if_late()
            return self._judged(answer, content, body)

    def _connection(self, raw: socket.socket) -> http.client.HTTPConnection:
        host = self._address.hostname or ""
        if self._address.scheme != "https":
            plain = http.client.HTTPConnection(host, self._port())
            plain.sock = raw
            return plain
        context = ssl.create_default_context(cafile=str(self._options.authorities) if self._options.authorities else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        secured = http.client.HTTPSConnection(host, self._port(), context=context)
        secured.sock = context.wrap_socket(raw.dup(), server_hostname=host)
        return secured

    def _port(self) -> int:
        return self._address.port or {"https": 443}.get(self._address.scheme, 80)

    def _target(self) -> str:
        return (self._address.path or "/") + (f"?{self._address.query}" if self._address.query else "")

    def _judged(self, answer: http.client.HTTPResponse, content: bytes, sent: bytes) -> PushResult:
        code = answer.status
        if 200 <= code < 300:
            if len(content) > ANSWER_BYTES_MAX:
                return _again("too_long", code)
            wrong = bool(_HTML.match(content))  # a page to sign in on, which takes everything and keeps nothing
            return _again("bad_answer", code) if wrong else PushResult(outcome=PushOutcome.SYNCED, response_code=code)
        if code < 400:
            return _again("moved" if code >= 300 else "bad_answer", code)
        reason, never = _CODES.get(code, ("server_error", False) if code >= 500 else ("refused", True))
        return PushResult(
            outcome=PushOutcome.REFUSED if never else PushOutcome.TRY_AGAIN,
            response_code=code,
            reason=reason,
            crm_error=error_code(content, sent),
            retry_after_seconds=self._retry_after(answer.headers.get("Retry-After", "")),
            blameless=reason not in _ABOUT_THIS_PUSH,
        )

    def _retry_after(self, said: str) -> float | None:
        """Seconds, or a date (RFC 9110, 10.2.3); None when it says neither."""
        if said.isascii() and said.isdecimal() and len(said) < 10:
            return min(float(said), RETRY_AFTER_SECONDS_MAX)
        try:
            until = parsedate_to_datetime(said).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(until - self._clock.now(), 0.0), RETRY_AFTER_SECONDS_MAX)


class _Cut:
    """Ends a line that takes too long in all, however often a byte comes."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._line = line.dup()
        self._late = threading.Event()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Cut":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        self._line.close()

    def _cut(self) -> None:
        self._late.set()
        with contextlib.suppress(OSError):  # it may just have ended by itself
            self._line.shutdown(socket.SHUT_RDWR)

    def raise_if_late(self) -> None:
        if self._late.is_set():
            raise TimeoutError


_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}


def _again(reason: str, code: int = 0) -> PushResult:
    return PushResult(outcome=PushOutcome.TRY_AGAIN, response_code=code, reason=reason, blameless=True)


def error_code(content: bytes, sent: bytes) -> str:
    """The CRM's own code of an error: ``{"error": "code"}`` or ``{"error": {"code": "code"}}``.

    "" for anything but a plain code, and for what holds a word of what we sent: it may be one of the customer's.
    """
    try:
        said = json.loads(content[:ANSWER_BYTES_MAX])
    except (ValueError, RecursionError):
        return ""
    found = said.get("error") if isinstance(said, dict) else None
    if isinstance(found, dict):
        found = found.get("code")
    plain = isinstance(found, str) and _ERROR_CODE.fullmatch(found) is not None
    return str(found) if plain and not _names(str(found), sent) else ""


def _names(code: str, sent: bytes) -> bool:
    """Whether the code, or a piece of it that is no usual word of a code, stands in what we sent, accents aside."""
    said = unicodedata.normalize("NFKD", sent.decode(errors="replace")).encode("ascii", "ignore").decode().lower()
    words = set(_WORD.findall(said))
    pieces = {piece.lower() for piece in _PIECE.findall(code)}
    return code.lower() in said or bool((pieces - _USUAL) & words)
