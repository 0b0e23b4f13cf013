"""A sign-in server of our own, as Microsoft's and Google's are to a device (RFC 8628, RFC 6749).

    server = OAuthServer()
    server.url                                  for mailbox.imap.sign_in_url
    server.type_code("ABCD-EFGH", "support")    the person types the code and says yes; ``deny`` says no
    server.plan("slow_down", 503)               what the next questions for tokens are answered: an error's code, or a status
    server.access                               access token to user: what a mail server asks about (RFC 7662)
    server.revoke()                             the provider ends every grant there is

Each renewal gives a new refresh token, and the old one, used again, ends the grant: as providers do that rotate.
"""

import http.server
import itertools
import json
import threading
import time
import urllib.parse
from collections import deque
from dataclasses import dataclass, field

INTERVAL_SECONDS = 1


@dataclass
class _Grant:
    """What a person has allowed."""

    user: str
    refresh: str
    used: set[str] = field(default_factory=set)


class OAuthServer:
    """Listens on a port of 127.0.0.1 until ``stop``."""

    def __init__(self, access_seconds: int = 3600) -> None:
        self.access_seconds = access_seconds
        self.code_seconds = 600
        self.access: dict[str, str] = {}
        self.forms: list[tuple[str, dict[str, str]]] = []  # path and form of every question, in order
        self.asked_at: list[float] = []  # when the tokens were asked for
        self._devices: dict[str, dict[str, object]] = {}
        self._grants: list[_Grant] = []
        self._plan: deque[str | int] = deque()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="oauth", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def plan(self, *answers: str | int) -> None:
        """What the next questions for tokens get instead of what is so."""
        self._plan.extend(answers)

    def type_code(self, code: str, user: str) -> None:
        self._of(code)["user"] = user

    def deny(self, code: str) -> None:
        self._of(code)["denied"] = True

    def revoke(self) -> None:
        with self._lock:
            self._grants.clear()
            self.access.clear()

    def forget_access(self) -> None:
        """The access tokens that are out are good no more, the grants still are."""
        with self._lock:
            self.access.clear()

    @property
    def renewals(self) -> int:
        return sum(form.get("grant_type") == "refresh_token" for _, form in self.forms)

    def _of(self, code: str) -> dict[str, object]:
        return next(device for device in self._devices.values() if device["user_code"] == code)

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        with self._lock:
            self.forms.append((path, form))
            if path.endswith(("/devicecode", "/device/code")):
                return self._device()
            self.asked_at.append(time.monotonic())
            if self._plan:
                planned = self._plan.popleft()
                return (planned, {}) if isinstance(planned, int) else (400, {"error": planned})
            if form.get("grant_type") == "refresh_token":
                return self._renewed(form.get("refresh_token", ""))
            return self._first(form.get("device_code", ""))

    def _device(self) -> tuple[int, dict[str, object]]:
        number = next(self._numbers)
        device, code = f"device-{number}", f"CODE-{number:04}"
        self._devices[device] = {"user_code": code, "until": time.monotonic() + self.code_seconds}
        shown = {"device_code": device, "user_code": code, "verification_uri": f"{self.url}/device"}
        return 200, {**shown, "expires_in": self.code_seconds, "interval": INTERVAL_SECONDS}

    def _first(self, device: str) -> tuple[int, dict[str, object]]:
        known = self._devices.get(device)
        if known is None:
            return 400, {"error": "invalid_grant"}
        if time.monotonic() > float(known["until"]):  # type: ignore[arg-type]
            return 400, {"error": "expired_token"}
        if known.get("denied"):
            return 400, {"error": "access_denied"}
        if "user" not in known:
            return 400, {"error": "authorization_pending"}
        del self._devices[device]
        grant = _Grant(str(known["user"]), "")
        self._grants.append(grant)
        return self._tokens(grant)

    def _renewed(self, refresh: str) -> tuple[int, dict[str, object]]:
        for grant in self._grants:
            if refresh in grant.used:
                self._grants.remove(grant)  # used twice: somebody stole it
                return 400, {"error": "invalid_grant"}
            if refresh == grant.refresh:
                return self._tokens(grant)
        return 400, {"error": "invalid_grant"}

    def _tokens(self, grant: _Grant) -> tuple[int, dict[str, object]]:
        number = next(self._numbers)
        if grant.refresh:
            grant.used.add(grant.refresh)
        grant.refresh, access = f"refresh-{number}", f"access-{number}"
        self.access[access] = grant.user
        tokens = {"access_token": access, "refresh_token": grant.refresh, "token_type": "Bearer"}
        return 200, {**tokens, "expires_in": self.access_seconds}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status, document = owner._answer(self.path, dict(urllib.parse.parse_qsl(body)))
                answer = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_words: object) -> None:
                pass

        return Handler
