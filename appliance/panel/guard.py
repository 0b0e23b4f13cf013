"""The guard at the door: no request reaches a page or the API before this file has looked at it.

    Host        a name that is ours (a stranger's name pointed at this machine is how DNS rebinding works)
    Origin      ours, when the browser names one
    who         a key in the headers, or a session's cookie
    role        each route names the action it is; a route that names none is closed (``allowed``)
    form        a session's changes carry the session's own token (``allowed``)

Loopback is no reason to trust: tunnels and rebinding make everyone loopback. Signing in and the files of the program's own
looks are the only things besides the three probes that are answered to strangers.
"""

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.node.passwords import TooManyTries, WrongPassword
from appliance.node.patience import Patience, network_of
from appliance.panel.door import Commands, PanelOptions
from appliance.panel.problems import Problem, forbidden
from appliance.panel.sessions import Keys, Session, Sessions
from appliance.policy import roles
from appliance.records.person import Actor

Refuse = Callable[[Scope, Problem], ASGIApp]

PUBLIC = "public"
LIVE = "/events"
PRESENCE = "/presence"  # an open case says every few seconds that somebody is at it
SIGNED_IN = "signed_in"  # whoever that is
_PROBES = frozenset({"/healthz", "/livez", "/readyz"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_LENGTH_MOST = 512
WRONG_MOST = 10  # wrong keys of one address, before it has to wait
SIGN_INS_WAITING_MOST = 16  # passwords are checked one at a time, apart from everything else that needs a thread
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tandem"'}


def content_policy(other: str = "") -> str:
    """What a page may load and ask. ``other``: the other machine's panel, which a page may ask whether it lives, and nothing else."""
    asked = f"'self' {other}".strip()
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src {asked}; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    )


CONTENT_POLICY = content_policy()
Headers = tuple[tuple[bytes, bytes], ...]
FOR_ALL: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
FOR_DATA: Headers = (*FOR_ALL, (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
FOR_PAGES: Headers = (
    *FOR_ALL,
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"referrer-policy", b"same-origin"),  # "no-referrer" would make browsers send "Origin: null" with our own forms
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"x-dns-prefetch-control", b"off"),
)
_MAY_DIFFER = frozenset({b"permissions-policy", b"content-security-policy", b"x-frame-options", b"referrer-policy", b"cache-control"})


def is_public(path: str) -> bool:
    """What is answered without a key: the probes, signing in, and the program's own stylesheet, script and icon."""
    return path in _PROBES or path == "/sign-in" or path.startswith("/static/")


def is_safe(method: str) -> bool:
    return method in _SAFE_METHODS


class Names:
    """The names this panel answers to. An IP address is always ours: rebinding needs a name."""

    def __init__(self, options: PanelOptions) -> None:
        public = urlsplit(options.public_url)
        machine = socket.gethostname().lower()
        self._known = {"localhost", options.host.lower(), machine, f"{machine}.local", *(name.lower() for name in options.hosts)}
        self._public_host = (public.hostname or "").lower()
        self._public_origin = f"{public.scheme}://{public.netloc}".lower() if public.netloc else ""
        self._public_is_secure = public.scheme == "https"
        if self._public_host:
            self._known.add(self._public_host)

    def is_ours(self, host: str) -> bool:
        name = host_name(host)
        return name in self._known or _is_address(name)

    def is_our_origin(self, origin: str, host: str) -> bool:
        """Whether a page of our own sent it: the Origin a browser names is the Host it calls, or the public address."""
        return origin.lower() in {f"http://{host}".lower(), f"https://{host}".lower(), self._public_origin} - {""}

    def is_secure(self, scope: Scope, host: str) -> bool:
        """Whether the browser speaks https to us, or to what passes its requests on to us."""
        return scope["scheme"] == "https" or (self._public_is_secure and host_name(host) == self._public_host)


@lru_cache(maxsize=256)
def host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


@lru_cache(maxsize=256)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Wraps the whole app. ``refuse`` turns a problem into an answer in the shape the client reads."""

    def __init__(self, commands: Commands, options: PanelOptions) -> None:
        self.sessions = Sessions(commands.session_of, options.clock)
        self.patience = Patience(options.clock, free=WRONG_MOST)
        self.keys = Keys(commands.actor_of, options.clock)
        self.names = Names(options)
        self._commands = commands
        self._sign_in = ThreadPoolExecutor(1, "sign-in")
        self._signing_in = 0
        self._cookie = f"tandem-{options.port}"  # two nodes of one machine share a host name, and so their cookies

    def wrap(self, app: ASGIApp, refuse: Refuse) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                return
            finish = _with_headers(send)
            try:
                who = self._look_at(scope)
                if who is not None:
                    await who
            except Problem as problem:
                await refuse(scope, problem)(scope, receive, finish)
                return
            await app(scope, receive, finish)

        return guarded

    def _look_at(self, scope: Scope) -> Coroutine[Any, Any, None] | None:
        """Host, Origin and who it is. What is left to wait for is handed back: nothing, for a key or a session just seen (as usual)."""
        scope["user"], scope["auth"] = None, None
        path = scope["path"]
        if path in _PROBES:
            return None
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        self._check_names(host, headers.get(b"origin"))
        key = _key_in(headers)
        if key:
            actor = self.keys.remembered(key)
            if actor is None:
                return self._ask_for_key(scope, key)
            scope["user"] = actor
            return None
        if b"cookie" in headers:
            return self._look_at_cookie(scope, headers, host)
        _somebody_or_public(scope)
        return None

    def _check_names(self, host: str, origin: bytes | None) -> None:
        if not self.names.is_ours(host):
            raise Problem(
                421, "host", "This panel does not answer to that name.",
                "Call it by its address, or name the host in [panel] public_url of tandem.toml.",
            )  # fmt: skip
        if origin is not None and not self.names.is_our_origin(origin.decode("latin-1"), host):
            raise Problem(403, "origin", "The request came from a page of somebody else.", "Open the panel itself and try there.")

    async def _ask_for_key(self, scope: Scope, key: str) -> None:
        scope["user"] = await self.actor_of(key, client_address(scope))

    async def actor_of(self, key: str, address: str) -> Actor:
        """Whose key it is. Raises a problem when it is nobody's, or when the address has guessed too often."""
        actor = self.keys.remembered(key)
        if actor is not None:
            return actor
        if not self.keys.was_right(key):
            self.check_patience(address)
        if len(key) <= KEY_LENGTH_MOST:
            actor = await asyncio.get_running_loop().run_in_executor(None, self.keys.ask, key)
        if actor is None:
            self.patience.wrong(network_of(address))
            raise Problem(401, "wrong_key", "This key is not known.", "Check it, or have an administrator issue a new one.", _CHALLENGE)
        return actor

    def check_patience(self, address: str) -> None:
        """Raises a problem while the address has to wait after wrong keys."""
        wait = self.patience.wait_seconds(network_of(address))
        if wait:
            raise Problem(
                429, "too_many", "Too many wrong keys came from this address.", f"Wait {wait} seconds, then try the right one.",
                {"Retry-After": str(wait)},
            )  # fmt: skip

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """The secret of a new session. Raises a problem when they do not fit, or when somebody guessed too often."""
        if self._signing_in >= SIGN_INS_WAITING_MOST:
            raise Problem(503, "sign_in_busy", "Too many people sign in at this moment.", "Try again in a minute.", {"Retry-After": "60"})
        self._signing_in += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._sign_in, self._commands.sign_in, name, password, address)
        except WrongPassword as error:
            raise Problem(401, "wrong_password", error.message, error.remedy, _CHALLENGE) from error
        except TooManyTries as error:
            raise Problem(429, "too_many", error.message, error.remedy, {"Retry-After": str(error.wait_seconds)}) from error
        finally:
            self._signing_in -= 1

    def _look_at_cookie(self, scope: Scope, headers: dict[bytes, bytes], host: str) -> Coroutine[Any, Any, None] | None:
        secret = _cookie_value(headers[b"cookie"].decode("latin-1"), self.cookie_name(self.names.is_secure(scope, host)))
        session = self.sessions.remembered(secret) if secret else None
        if secret and session is None:
            return self._ask_for_session(scope, secret, used=not _by_itself(scope, headers))
        _enter(scope, session)
        return None

    async def _ask_for_session(self, scope: Scope, secret: str, used: bool) -> None:
        _enter(scope, await asyncio.get_running_loop().run_in_executor(None, self.sessions.ask, secret, used))

    def cookie_name(self, secure: bool) -> str:
        """The ``__Host-`` prefix makes browsers refuse the cookie from anywhere but this very host; it needs https."""
        return f"__Host-{self._cookie}" if secure else self._cookie

    def cookie_header(self, scope: Scope, secret: str) -> str:
        """The Set-Cookie value that opens the session in the browser; an empty secret ends it."""
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        secure = self.names.is_secure(scope, host)
        flags = "Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "") + ("" if secret else "; Max-Age=0")
        return f"{self.cookie_name(secure)}={secret}; {flags}"

    def secret_of(self, scope: Scope) -> str:
        """The session's secret in the request's cookie, or ""."""
        headers = dict(scope["headers"])
        secure = self.names.is_secure(scope, headers.get(b"host", b"").decode("latin-1"))
        return _cookie_value(headers.get(b"cookie", b"").decode("latin-1"), self.cookie_name(secure))


def nobody() -> Problem:
    return Problem(401, "sign_in", "Nobody is signed in.", "Send a key in X-API-Key, or open /sign-in in a browser.", _CHALLENGE)


def allowed(app: ASGIApp) -> ASGIApp:
    """Around every route: the actor's role allows the route's action, and a session's change carries its token.

    Not one of Litestar's own guards: those copy the handler for each request, which costs more than all of this file.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        action = str(scope["route_handler"].opt.get("action", ""))
        if action != PUBLIC:
            actor: Actor | None = scope.get("user")
            if actor is None:
                raise nobody()
            if action != SIGNED_IN and not roles.may(actor.role, action):
                raise forbidden(actor.role.name.lower())
            if scope["auth"] is not None and scope["type"] == ScopeType.HTTP and not is_safe(scope["method"]):
                await _check_form(Request(scope, receive, send))
        await app(scope, receive, send)

    return checked


async def _check_form(request: Request[Any, Any, Any]) -> None:
    """A change by cookie must carry the session's token: in the form, or in a header when a script sends it."""
    session: Session = request.scope["auth"]
    given = request.headers.get("x-csrf-token", "")
    if not given and request.content_type[0] in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = str((await form_of(request)).get("csrf") or "")
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Problem(403, "stale_form", "The form is not one of this session.", "Open the page again and repeat it.")


async def form_of(request: Request[Any, Any, Any]) -> FormMultiDict:
    """The form that was sent. Raises a problem for one whose text is none."""
    try:
        return await request.form()
    except (UnicodeError, LookupError) as error:
        raise Problem(400, "invalid", "The form's text is no UTF-8.", "Send it as UTF-8.") from error


def client_address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _by_itself(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Whether an open page asks, and no person: that keeps nobody signed in."""
    return b"x-live" in headers or scope["path"] == LIVE or scope["path"].endswith(PRESENCE)


def _enter(scope: Scope, session: Session | None) -> None:
    if session is not None:
        scope["user"], scope["auth"] = session.actor, session
    _somebody_or_public(scope)


def _somebody_or_public(scope: Scope) -> None:
    if scope["user"] is None and not is_public(scope["path"]):
        raise nobody()


def _key_in(headers: dict[bytes, bytes]) -> str:
    key = headers.get(b"x-api-key", b"")
    if not key:
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        key = credentials.strip() if scheme.lower() == b"bearer" else b""
    return key.decode("latin-1")


def _cookie_value(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _with_headers(send: Send) -> Send:
    """Adds what every answer carries, unless the route has said otherwise (the frame of a customer's mail does)."""

    async def finish(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = dict(message.get("headers", ()))
            added = FOR_DATA if own.get(b"content-type", b"").startswith(b"application/json") else FOR_PAGES
            if not _MAY_DIFFER.isdisjoint(own):
                added = tuple(row for row in added if row[0] not in own)
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return finish
