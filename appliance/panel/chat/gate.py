"""The gate before the chat's app: which web pages may use it, how often an address may ask, and what every answer carries.

What this is not: a sign-in. A conversation's secret is looked at where the conversation is used.
"""

from collections.abc import Iterable
from typing import Any

from appliance.panel.chat.visitors import Visitors
from appliance.panel.front import ASGIApp, Message, Receive, Scope, Send
from appliance.panel.problems import Problem

VISITOR = "tandem.visitor"  # in the scope's extensions: the address that asks

Headers = list[tuple[bytes, bytes]]

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_FOR_ALL: Headers = [
    (b"content-security-policy", PAGE_POLICY.encode()),
    (b"referrer-policy", b"same-origin"),  # "no-referrer" would make browsers send "Origin: null" with the page's own form
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"vary", b"origin"),
]
_FOR_MOST: Headers = [(b"cache-control", b"no-store"), (b"cross-origin-resource-policy", b"same-origin")]
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
]
_FOR_EVERYBODY = ("/widget.js", "/widget.css")  # a page elsewhere loads them before it can ask for anything


class Gate:
    """Around the app: ``async gate(scope, receive, send)``."""

    def __init__(self, app: ASGIApp, origins: Iterable[str], visitors: Visitors) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        told = _with_headers(send, self._shared(origin))
        problem = self._problem(scope, headers, origin)
        if problem is not None:
            await _say(told, problem.status, problem.as_json(), scope)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _say(_with_headers(told, _PREFLIGHT), 204, b"", scope)
        else:
            await self._app(scope, receive, told)

    def _problem(self, scope: Scope, headers: dict[bytes, bytes], origin: str) -> Problem | None:
        """Why the request is not let in, if it is not."""
        peer = (scope.get("client") or ("",))[0]
        address = self._visitors.address_of(peer, headers.get(b"x-forwarded-for", b"").decode("latin-1"))
        scope.setdefault("extensions", {})[VISITOR] = address
        if not self._visitors.requests.take(address):
            return Problem(429, "too_many", "Too many requests came from this address.", "Wait a minute.")
        host = headers.get(b"host", b"").decode("latin-1")
        own = (f"http://{host}", f"https://{host}")
        if origin and origin not in self._origins and origin not in own and scope["path"] not in _FOR_EVERYBODY:
            remedy = "Whoever runs the appliance names the web pages under chat.origins."
            return Problem(403, "origin", "This web page may not use the chat.", remedy)
        return None

    def _shared(self, origin: str) -> Headers:
        """What lets a page of ours read the answer. Never for all pages, and never with credentials: there are none."""
        return [(b"access-control-allow-origin", origin.encode("latin-1"))] if origin in self._origins else []


def _with_headers(send: Send, more: Headers) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", []))
            named = {name.lower() for name, _ in own}
            own += [row for row in more if row[0] not in named]
            named |= {name for name, _ in more}
            own += [row for row in _FOR_ALL if row[0] not in named]
            own += [row for row in _FOR_MOST if row[0] not in named]
            message = {**message, "headers": own}
        await send(message)

    return told


async def _say(send: Send, status: int, body: bytes, scope: Any) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    if body:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
