"""People against a real daemon: sign in, restart, be thrown out; and what can be found in the files afterwards."""

import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from appliance.evals.bench.process import Daemon, running
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.person import Actor, Role
from tests.support.home import make_home, wait_for

OWNER = Actor(name="cli", role=Role.ADMIN)
PASSWORD = "seventeen blue pumps"
WRONG = "eighteen green pumps"


def tandem(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance", "--home", str(home), *arguments],
        input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def told(home: Path, *arguments: str, typed: str = "") -> Any:
    done = tandem(home, *arguments, "--json", typed=typed)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Browser:
    """As much of a browser as signing in takes: it keeps the cookie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = ""

    def call(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        try:
            line.request(method, path, urlencode(fields or {}), {name: value for name, value in headers.items() if value})
            answer = line.getresponse()
            given = answer.getheader("set-cookie") or ""
            session = re.search(rf"tandem-{self.port}=[^;,]*", given)
            self.cookie = session[0] if session else self.cookie
            return answer.status, answer.read().decode()
        finally:
            line.close()

    def sign_in(self, name: str, password: str = PASSWORD) -> int:
        return self.call("POST", "/sign-in", {"name": name, "password": password})[0]

    def ended_line(self) -> threading.Event:
        """Opens the live line; the event is set once the daemon closes it."""
        ended, opened = threading.Event(), threading.Event()

        def listen() -> None:
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            line.request("GET", "/events", headers={"Cookie": self.cookie})
            answer = line.getresponse()
            assert answer.status == 200
            while answer.read1():
                opened.set()
            ended.set()

        threading.Thread(target=listen, daemon=True).start()
        assert opened.wait(10)
        return ended


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def daemon(home: Path) -> Iterator[Daemon]:
    told(home, "people", "add", "Maria", "--role", "admin", "--password-file", "-", typed=PASSWORD + "\n")
    with running(home) as daemon:
        daemon.seconds_until("/readyz")
        yield daemon


def on_this_port(daemon: Daemon, browser: Browser) -> Browser:
    """The same browser before a daemon that was started anew: the cookie is named after the port."""
    other = Browser(daemon.port)
    other.cookie = browser.cookie.replace(f"tandem-{browser.port}", f"tandem-{daemon.port}")
    return other


def test_a_session_survives_a_restart(daemon: Daemon, home: Path) -> None:
    browser = Browser(daemon.port)
    assert browser.sign_in("maria") == 303
    form = browser.call("GET", "/me")[1].split('name="csrf" value="')[1].split('"')[0]
    daemon.kill()
    with running(home) as again:
        again.seconds_until("/readyz")
        back = on_this_port(again, browser)
        assert back.call("GET", "/me")[0] == 200
        saved = back.call("POST", "/me/profile", {"language": "fi", "signature": "Terveisin Maria", "csrf": form})
        assert saved[0] == 303  # a form that was open over the restart still counts
        assert back.call("POST", "/sign-out", {"csrf": form})[0] == 303
        assert on_this_port(again, browser).call("GET", "/me")[0] == 401


def test_a_session_that_is_ended_is_refused_within_two_seconds_and_its_live_line_closes(daemon: Daemon, home: Path) -> None:
    browser, other = Browser(daemon.port), Browser(daemon.port)
    assert browser.sign_in("Maria") == other.sign_in("Maria") == 303
    ended, lives = browser.ended_line(), other
    client = ControlClient(home, Commands)
    mine = client.sessions(OWNER, "Maria")
    assert len(mine) == 2
    started = time.monotonic()
    client.end_session(OWNER, min(mine, key=lambda session: session.opened_at).id)
    wait_for(lambda: browser.call("GET", "/me")[0] == 401, 2.0)
    assert ended.wait(max(0.0, 2.5 - (time.monotonic() - started)))
    assert lives.call("GET", "/me")[0] == 200


def test_whoever_is_shut_out_by_the_command_line_is_out_of_the_panel(daemon: Daemon, home: Path) -> None:
    told(home, "people", "add", "Oskar", "--password-file", "-", typed=PASSWORD)
    browser = Browser(daemon.port)
    assert browser.sign_in("Oskar") == 303
    told(home, "people", "deactivate", "Oskar")
    wait_for(lambda: browser.call("GET", "/me")[0] == 401, 2.0)
    assert browser.sign_in("Oskar") == 401
    last = tandem(home, "people", "deactivate", "Maria")
    assert last.returncode == 1
    assert "Make somebody else an admin first." in last.stderr


def test_the_first_person_is_added_before_any_daemon_runs_and_never_by_an_argument(home: Path) -> None:
    nobody_to_ask = tandem(home, "people", "add", "Maria")
    assert nobody_to_ask.returncode == 2
    assert "--password-file" in nobody_to_ask.stderr
    weak = tandem(home, "people", "add", "Maria", "--password-file", "-", typed="maria maria 1\n")
    assert weak.returncode == 1
    assert "easily guessed" in weak.stderr
    secret = home / "first-password"
    secret.write_text(PASSWORD + "\nanything else\n")
    person = told(home, "people", "add", "Maria", "--role", "viewer", "--password-file", str(secret))
    assert (person["name"], person["role"]) == ("Maria", int(Role.ADMIN))
    assert [row["name"] for row in told(home, "people", "list")] == ["Maria"]
    assert told(home, "people", "sessions") == []
    assert tandem(home, "people", "role", "Nobody", "admin").returncode == 1


def test_neither_passwords_nor_secrets_stand_in_any_file_in_clear(daemon: Daemon, home: Path) -> None:
    browser = Browser(daemon.port)
    assert browser.sign_in("Maria", WRONG) == 401
    assert browser.sign_in("nobody", WRONG) == 401
    assert browser.sign_in("Maria") == 303
    form = browser.call("GET", "/me")[1].split('name="csrf" value="')[1].split('"')[0]
    changed = {"old": PASSWORD, "password": WRONG, "again": WRONG, "csrf": form}
    assert browser.call("POST", "/me/password", changed)[0] == 303
    assert browser.sign_in("Maria", WRONG) == 303
    daemon.stop()
    secrets = (PASSWORD, WRONG, browser.cookie.partition("=")[2], form, "$argon2id$", "Maria")
    for file in (path for path in home.rglob("*") if path.is_file()):
        content = file.read_bytes()
        assert not [word for word in secrets if word.encode() in content], file
    assert told(home, "verify")["ok"] is True


def test_twenty_guesses_at_once_leave_the_panel_answering(daemon: Daemon) -> None:
    browser = Browser(daemon.port)
    assert browser.sign_in("Maria") == 303
    answers: list[int] = []
    guessers = [threading.Thread(target=lambda: answers.append(Browser(daemon.port).sign_in("Maria", WRONG))) for _ in range(30)]
    for guesser in guessers:
        guesser.start()
    assert browser.call("GET", "/me")[0] == 200
    for guesser in guessers:
        guesser.join()
    assert set(answers) <= {401, 429, 503}
    assert 429 in answers
    assert answers.count(401) <= 8
    token = tandem(daemon.home, "keys", "sign-in", "--json")
    link = json.loads(token.stdout)["link"]
    owner = Browser(daemon.port)
    assert owner.call("GET", "/sign-in?" + link.partition("?")[2])[0] == 303
    assert owner.call("GET", "/people")[0] == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Maria' OR '1'='1", "password": PASSWORD},
        {"name": "Maria\x00", "password": PASSWORD},
        {"name": "M" * 100_000, "password": "x" * 500_000},
        {"name": "", "password": ""},
        {"name": "Maria"},
        {"password": PASSWORD},
        {"key": "x" * 100_000},
        {"name": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "password": "\x00"},
    ],
)
def test_whatever_is_sent_to_the_sign_in_page_lets_nobody_in_and_breaks_nothing(daemon: Daemon, fields: dict[str, str]) -> None:
    browser = Browser(daemon.port)
    status, page = browser.call("POST", "/sign-in", fields)
    assert status in (401, 413, 429), page[:300]
    assert not browser.cookie
    assert PASSWORD not in page
    assert browser.call("GET", "/people")[0] == 401


def test_an_address_to_go_to_afterwards_never_leads_to_another_machine(daemon: Daemon) -> None:
    for then in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        line = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
        body = urlencode({"name": "Maria", "password": PASSWORD, "next": then})
        line.request("POST", "/sign-in", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = line.getresponse()
        assert (answer.status, answer.getheader("location")) == (303, "/"), then
        line.close()
