"""A file on a web server, fetched by a conditional GET (RFC 9110) and trusted no further than a file on the disk.

What a server may do to us has a limit each: how long it is silent, how long all of it lasts, how much it sends, how often it points
elsewhere. It may point to another path of its own only, so that a password never goes to somebody else. Nothing is unpacked here: an
answer that is compressed in transit is refused, since it was not asked for. No proxy is taken from the environment.
"""

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.pieces import LIMITS
from appliance.knowledge.reading import KINDS

_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_CHUNK = 65_536  # bytes
_FIRM = timedelta(seconds=2)  # between a file's last change and the answer that tells it
_WEB_PAGE = ("text/html", "application/xhtml+xml")
_WEB_PAGE_BEGINS = (b"<!doctype html", b"<html")
_ENDINGS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel.sheet.macroenabled.12": ".xlsm",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": ".xlsb",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
    "text/plain": ".txt",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patience:
    """The most that a server may take of us."""

    silent_seconds: float = 5.0  # without a byte
    seconds: float = 30.0  # from the first byte that we send to the last that comes
    file_bytes: int = LIMITS.file_bytes
    redirects: int = 3


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Copy:
    """The file as the server gave it. ``name`` ends as the file's kind does; ``etag`` and ``modified`` are what the server
    wants to hear at the next look, "" when it said none."""

    name: str
    content: bytes
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the file lies. ``shown`` is for people: without what stands behind a question mark, which may be a key."""

    scheme: str
    host: str
    port: int
    target: str  # path and query, as the request line has them
    shown: str

    @property
    def server(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def path(self) -> PurePosixPath:
        """Host and path, by which sources are told apart."""
        return PurePosixPath(self.host, urlsplit(self.shown).path.lstrip("/"))


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the server is told about us: a name and a password (RFC 7617), and whose certificates count besides the system's."""

    user: str = ""
    password: str = ""
    authorities: str = ""  # a PEM file; "" trusts what the system trusts


def address_of(url: str) -> Address:
    """The address in its parts. Raises :class:`SourceUnreadable` when nothing can be fetched from it."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except (ValueError, UnicodeError):
        parts, host, port = SplitResult("", "", "", "", ""), "", 0
    if not host or not port or parts.username is not None:
        raise SourceUnreadable("source_missing", "This is no web address that can be read.", "Write it as https://HOST/PATH/FILE.xlsx.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    shown = f"{parts.scheme}://{parts.netloc}{parts.path or '/'}"
    return Address(parts.scheme, host, port, f"{path}?{query}" if query else path, shown)


def fetch(address: Address, sign_in: SignIn, patience: Patience = PATIENCE) -> Copy:
    """The file as it is now. Raises :class:`SourceUnreadable`, and nothing else, for whatever the network and the server may do."""
    copy = fetch_if_changed(address, sign_in, None, patience)
    if copy is None:
        raise _refused(address, 304)
    return copy


def fetch_if_changed(address: Address, sign_in: SignIn, known: Copy | None, patience: Patience = PATIENCE) -> Copy | None:
    """The file as it is now, or None when it is still as it was ``known``. Raises as :func:`fetch` does."""
    try:
        return _follow(address, sign_in, known, patience)
    except SourceUnreadable:
        raise
    except ssl.SSLCertVerificationError as error:
        raise SourceUnreadable(
            "source_unreachable", f"The certificate of {address.host} is not trusted: {error.verify_message}.",
            "Renew it, or name the authority that signed it under authorities.",
        ) from None  # fmt: skip
    except TimeoutError:
        raise _unreachable(address, "does not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise _unreachable(address, f"cannot be reached ({reason})") from None


def _follow(address: Address, sign_in: SignIn, known: Copy | None, patience: Patience) -> Copy | None:
    """Ask, and ask again where the server points to, as long as it is the same server."""
    at = address
    for _ in range(patience.redirects + 1):
        with _asked(at, sign_in, known, patience) as answer:
            if answer.status not in _REDIRECTS:
                return _copy(address, answer, known, patience)
            there = address_of(urljoin(at.shown, answer.headers.get("Location", "")))
        if there.server != address.server:
            raise SourceUnreadable(
                "source_missing", f"{address.shown} points to another server, {there.host}; that is not followed.",
                "Name the address that it points to, if it is yours.",
            )  # fmt: skip
        at = there
    raise SourceUnreadable(
        "source_missing",
        f"{address.shown} points on and on, more than {patience.redirects} times.",
        "Name the address where the file lies.",
    )


@contextmanager
def _asked(address: Address, sign_in: SignIn, known: Copy | None, patience: Patience) -> Iterator[http.client.HTTPResponse]:
    """The answer to one request, while its line is open; the line is cut when all of it takes too long."""
    raw = socket.create_connection((address.host, address.port), patience.silent_seconds)
    too_long = threading.Event()
    with closing(raw.dup()) as handle:  # its own handle on the line: the TLS layer takes the other one over
        cut = threading.Timer(patience.seconds, _cut, (handle, too_long))
        cut.daemon = True
        cut.start()
        try:
            connection = _connection(address, raw, sign_in)
            with closing(connection):
                connection.request("GET", address.target, headers=_headers(sign_in, known))
                with closing(connection.getresponse()) as answer:
                    yield answer
            if too_long.is_set():  # where the end of the line is the end of the file, what came until then looks whole
                raise TimeoutError
        finally:
            cut.cancel()
            raw.close()


def _connection(address: Address, raw: socket.socket, sign_in: SignIn) -> http.client.HTTPConnection:
    if address.scheme == "http":
        connection = http.client.HTTPConnection(address.host, address.port)
        connection.sock = raw
        return connection
    context = ssl.create_default_context()
    if sign_in.authorities:
        context.load_verify_locations(cafile=sign_in.authorities)
    secured = http.client.HTTPSConnection(address.host, address.port, context=context)
    secured.sock = context.wrap_socket(raw, server_hostname=address.host)
    return secured


def _cut(line: socket.socket, too_long: threading.Event) -> None:
    too_long.set()
    with suppress(OSError):  # it may just have ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _headers(sign_in: SignIn, known: Copy | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "tandem", "Cache-Control": "no-cache"}
    if sign_in.user:
        pair = f"{sign_in.user}:{sign_in.password}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.modified:
        headers["If-Modified-Since"] = known.modified
    return headers


def _copy(address: Address, answer: http.client.HTTPResponse, known: Copy | None, patience: Patience) -> Copy | None:
    if answer.status == 304 and known is not None:
        return None
    if answer.status != 200:
        raise _refused(address, answer.status)
    headers = answer.headers
    if headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise _unreachable(address, "comes compressed, which was not asked for")
    content = _body(address, answer, patience)
    kind = headers.get_content_type() if "Content-Type" in headers else ""
    if kind in _WEB_PAGE or content[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_WEB_PAGE_BEGINS):
        raise SourceUnreadable(
            "source_locked", f"From {address.shown} comes a web page instead of the file, most often one to sign in on.",
            "Open it in a browser without being signed in. Let this machine in by user and password_file, or name the file itself.",
        )  # fmt: skip
    return Copy(_name(address, kind), content, headers.get("ETag", ""), _firm_date(headers))


def _firm_date(headers: Message) -> str:
    """The date of the last change, unless the answer is of nearly the same moment: a date counts whole seconds, and the file may
    have changed once more within that one (RFC 9110, 8.8.2.2)."""
    modified = headers.get("Last-Modified", "")
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (ValueError, TypeError):  # no dates, or one with a time zone and one without
        return ""
    return modified if age >= _FIRM else ""


def _body(address: Address, answer: http.client.HTTPResponse, patience: Patience) -> bytes:
    announced = answer.length
    if announced is not None and announced > patience.file_bytes:
        raise _too_large(address, patience)
    content = bytearray()
    while chunk := answer.read1(_CHUNK):
        content += chunk
        if len(content) > patience.file_bytes:
            raise _too_large(address, patience)
    if announced is not None and len(content) < announced:
        raise _unreachable(address, "broke off before all of it had come")
    return bytes(content)


def _name(address: Address, kind: str) -> str:
    """The file's name, by whose ending its reader is chosen; a name that tells nothing gets the ending of its content type."""
    name = address.path.name
    return name if PurePosixPath(name).suffix.lower() in KINDS else f"{name}{_ENDINGS.get(kind, '')}"


def _refused(address: Address, status: int) -> SourceUnreadable:
    if status in (401, 403):
        return SourceUnreadable(
            "source_locked", f"{address.shown} does not let us in (HTTP {status}).", "Check user and password_file, and who may read it."
        )
    if status in (404, 410):
        return SourceUnreadable(
            "source_missing", f"There is no file at {address.shown} (HTTP {status}).", "Put it back, or correct its url in tandem.toml."
        )
    return _unreachable(address, f"answers with an error (HTTP {status})")


def _too_large(address: Address, patience: Patience) -> SourceUnreadable:
    return SourceUnreadable(
        "source_too_large", f"{address.shown} sends more than the {patience.file_bytes // 1_000_000} MB that are allowed.", "Split it."
    )


def _unreachable(address: Address, what: str) -> SourceUnreadable:
    return SourceUnreadable(
        "source_unreachable", f"{address.shown} {what}.", "Check the server and the network; it is asked again by itself."
    )
