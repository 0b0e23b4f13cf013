"""The chat's own port: what it lets in, what it tells whom, and that nothing of the panel is behind it."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from appliance.ground.assets import asset
from appliance.panel.chat import visitors
from appliance.panel.chat.app import BODY_BYTES_MOST, build_chat
from appliance.panel.chat.options import ChatOptions
from appliance.panel.chat.phrases import opens
from appliance.panel.front import CHAT, PanelServer
from appliance.panel.words import Voice, load
from appliance.records.chat import ChatState
from appliance.records.language import LANGUAGES, Code
from tests.support.clock import FakeClock
from tests.support.panel_company import company
from tests.support.panel_twin import PanelTwin
from tests.support.twin_chat import REPLY

SHOP = "https://www.shop.example"
TALK = [("GET", "/chat/conversation"), ("POST", "/chat/person"), ("POST", "/chat/address"), ("POST", "/chat/end"), ("GET", "/chat/events")]


@dataclass
class Door:
    """A served chat before a node that lives in memory."""

    clock: FakeClock
    twin: PanelTwin
    address: str

    def client(self, secret: str = "", **headers: str) -> httpx.Client:
        bearer = {"authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.address, headers={**bearer, **headers}, timeout=10, trust_env=False)

    def begin(self, **headers: str) -> str:
        """The secret of a new conversation."""
        with self.client(**headers) as client:
            return str(client.post("/api/ai/chat", json={"message": "When are you open?"}).json()["secret"])


@contextmanager
def door(**options: object) -> Iterator[Door]:
    clock = FakeClock(1_795_000_000.0)
    twin = company(clock)
    server = PanelServer()
    server.start("127.0.0.1", 0, CHAT)
    server.attach(build_chat(twin, ChatOptions(company="Test Pumps", origins=(SHOP,), clock=clock, **options)))  # type: ignore[arg-type]
    try:
        yield Door(clock, twin, f"http://127.0.0.1:{server.port}")
    finally:
        server.stop(2.0)


@pytest.fixture
def chat() -> Iterator[Door]:
    with door() as running:
        yield running


def test_a_first_message_begins_a_conversation_whose_secret_opens_it(chat: Door) -> None:
    with chat.client() as client:
        begun = client.post("/api/ai/chat", json={"message": "When are you open?", "language": "en"}).json()
    assert [(entry["who"], entry["text"], entry["sources"]) for entry in begun["entries"]] == [
        ("customer", "When are you open?", []),
        ("desk", REPLY, ["Hours"]),
    ]
    with chat.client(begun["secret"]) as client:
        again = client.get("/chat/conversation").json()
        assert (again["session"], again["entries"]) == (begun["session"], begun["entries"])
        assert again["secret"] == ""  # it is told once
        assert client.post("/chat/person").json()["wants_person"]
        assert client.post("/chat/address", json={"address": "aino@example.fi"}).json()["has_address"]
        assert client.post("/chat/end").json()["closed"]
        assert client.get("/chat/conversation").status_code == 401


@pytest.mark.parametrize(("method", "path"), TALK)
@pytest.mark.parametrize("secret", ["", "secret-", "secret-s-0002", "s-0001", "wrong"])
def test_without_the_conversations_own_secret_there_is_nothing(chat: Door, method: str, path: str, secret: str) -> None:
    chat.begin()
    with chat.client(secret) as client:
        body = {"address": "aino@example.fi"} if path == "/chat/address" else None
        answer = client.request(method, path, json=body)
    assert answer.status_code == 401
    assert REPLY not in answer.text
    assert not chat.twin.chat_view("s-0001").closed


def test_a_secret_of_one_conversation_shows_nothing_of_another(chat: Door) -> None:
    with chat.client() as client:
        client.post("/api/ai/chat", json={"message": "I am Kaarina."})
    with chat.client(chat.begin()) as client:
        assert "Kaarina" not in client.get("/chat/conversation").text
        assert client.post("/api/ai/chat", json={"message": "Hello", "session": "s-0001"}).status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/admin", "/cases", "/review", "/api/v1/cases", "/info", "/health", "/metrics", "/static/panel.css", "/sign-in"]
)
def test_nothing_of_the_panel_is_behind_this_port_whatever_key_is_shown(chat: Door, path: str) -> None:
    with chat.client("key-of-an-admin", **{"x-api-key": "key-of-an-admin"}) as client:
        assert client.get(path).status_code == 404


def test_the_probes_answer_here_as_well(chat: Door) -> None:
    with chat.client() as client:
        assert client.get("/healthz").json()["status"] == "ok"


def test_every_answer_carries_the_careful_headers_and_no_cookie(chat: Door) -> None:
    with chat.client() as client:
        for path in ("/chat", "/widget.js", "/widget.css", "/api/ai/chat", "/none"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "set-cookie" not in headers


def test_only_a_named_page_may_read_an_answer_and_never_with_credentials(chat: Door) -> None:
    with chat.client(origin=SHOP) as client:
        answer = client.post("/api/ai/chat", json={"message": "When are you open?"})
        preflight = client.options(
            "/chat/events", headers={"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
        )
    for given in (answer, preflight):
        assert given.headers["access-control-allow-origin"] == SHOP
        assert "access-control-allow-credentials" not in given.headers
    assert preflight.status_code == 204
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert "*" not in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://www.shop.example.evil.example", "http://www.shop.example", "*"]
)
def test_a_page_that_is_not_named_is_refused_and_leaves_no_trace(chat: Door, origin: str) -> None:
    with chat.client(origin=origin) as client:
        answer = client.post("/api/ai/chat", json={"message": "When are you open?"})
        preflight = client.options("/api/ai/chat", headers={"access-control-request-method": "POST"})
    assert (answer.status_code, preflight.status_code) == (403, 403)
    assert "access-control-allow-origin" not in answer.headers
    assert not hasattr(chat.twin, "chats")


def test_the_chats_own_page_may_use_it(chat: Door) -> None:
    with chat.client(origin=chat.address) as client:
        assert client.post("/api/ai/chat", json={"message": "When are you open?"}).status_code == 200


def test_an_address_begins_so_many_conversations_an_hour_and_goes_on_with_those_it_has() -> None:
    with door(sessions_per_hour=2) as chat, chat.client() as client:
        secret = chat.begin()
        chat.begin()
        refused = client.post("/api/ai/chat", json={"message": "Hello"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
        assert client.post("/chat", data={"message": "Hello", "id": "message-1"}).status_code == 429
        assert client.post("/api/ai/chat", json={"message": "Hello"}, headers={"authorization": f"Bearer {secret}"}).status_code == 200
        chat.clock.move(3601)
        assert client.post("/api/ai/chat", json={"message": "Hello"}).status_code == 200


def test_an_address_asks_so_often_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "REQUESTS_PER_MINUTE", 3)
    with door() as strict, strict.client() as client:
        assert [client.get("/chat").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        strict.clock.move(60)
        assert client.get("/chat").status_code == 200


@pytest.mark.parametrize(("proxies", "allowed"), [((), 1), (("127.0.0.1",), 3)])
def test_only_a_named_proxy_is_believed_about_who_asks(proxies: tuple[str, ...], allowed: int) -> None:
    with door(sessions_per_hour=1, proxies=proxies) as chat:
        answers = []
        for last in (1, 2, 3):
            with chat.client(**{"x-forwarded-for": f"1.1.1.1, 10.0.0.{last}"}) as client:
                answers.append(client.post("/api/ai/chat", json={"message": "Hello"}).status_code)
    assert answers.count(200) == allowed


def test_one_machine_with_many_addresses_of_its_own_begins_no_more_conversations_than_one_with_one() -> None:
    with door(sessions_per_hour=1, proxies=("127.0.0.1",)) as chat:
        answers = []
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"):
            with chat.client(**{"x-forwarded-for": address}) as client:
                answers.append(client.post("/api/ai/chat", json={"message": "Hello"}).status_code)
    assert answers == [200, 429, 200]


def test_a_rate_is_asked_from_many_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations are begun outside the event loop; with more addresses than are remembered each call forgets another's."""
    monkeypatch.setattr(visitors, "ADDRESSES_MOST", 2)
    rate, before = visitors.Rate(FakeClock(), 10, 60.0), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(6) as threads:
            taken = list(threads.map(rate.take, [str(number) for number in range(20_000)], chunksize=1))
    finally:
        sys.setswitchinterval(before)
    assert all(taken)


@pytest.mark.parametrize("state", list(ChatState))
def test_a_page_is_told_of_a_conversation_however_far_it_is(chat: Door, state: ChatState) -> None:
    secret = chat.begin()
    chat.twin.chats["s-0001"] = msgspec.structs.replace(chat.twin.chats["s-0001"], state=state)
    with chat.client(secret) as client:
        assert client.get("/chat/conversation").json()["state"] == state
        assert client.post("/chat/address", json={"address": "aino@example.fi"}).json()["has_address"]
        assert client.post("/chat/end").json()["closed"]


def test_what_a_customer_claims_before_the_proxys_own_word_changes_nothing() -> None:
    with door(sessions_per_hour=1, proxies=("127.0.0.1",)) as chat:
        answers = []
        for first in (1, 2, 3):
            with chat.client(**{"x-forwarded-for": f"10.0.0.{first}, 1.1.1.1"}) as client:
                answers.append(client.post("/api/ai/chat", json={"message": "Hello"}).status_code)
    assert answers == [200, 429, 429]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"message": ""}', 400),
        (b'{"message": "Hello", "id": "<x>"}', 400),
        (b'{"message": "Hello", "language": "de"}', 400),
        (b'{"message": "Hello", "role": "admin"}', 400),
        (json.dumps({"message": "x" * BODY_BYTES_MOST}).encode(), 413),
    ],
)  # fmt: skip
def test_what_is_not_as_described_is_refused(chat: Door, body: bytes, status: int) -> None:
    with chat.client(**{"content-type": "application/json"}) as client:
        assert client.post("/api/ai/chat", content=body).status_code == status


def test_an_open_page_hears_the_conversation_as_it_stands_and_its_end(chat: Door) -> None:
    with chat.client(chat.begin()) as client, client.stream("GET", "/chat/events?language=sv") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        lines = stream.iter_lines()
        first = json.loads(next(line for line in lines if line.startswith("data: ")).removeprefix("data: "))
        assert [entry["who"] for entry in first["entries"]] == ["customer", "desk"]
        chat.twin.chat_end(first["session"])
        told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert told[-1]["closed"]


def test_an_address_keeps_so_many_pages_open_at_a_time(chat: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "STREAMS_MOST", 1)
    with chat.client(chat.begin()) as client:
        with client.stream("GET", "/chat/events") as open_page:
            assert open_page.status_code == 200
            assert client.get("/chat/events").status_code == 429
        for _ in range(200):  # the server hears a moment later that the page has gone
            with client.stream("GET", "/chat/events") as again:
                if again.status_code == 200:
                    return
        pytest.fail("the place of a page that has gone was not given back")


def test_the_widget_brings_its_words_in_three_languages(chat: Door) -> None:
    with chat.client(origin="https://anywhere.example") as client:
        script = client.get("/widget.js")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    for words in ("A person will answer", "Ihminen vastaa sinulle", "En människa svarar dig", "Test Pumps"):
        assert words in script.text


def test_the_page_keeps_what_could_not_be_taken(chat: Door) -> None:
    secret = chat.begin()
    with chat.client() as client:
        page = client.post("/chat", data={"message": "too long <b>", "secret": secret, "do": "address", "address": "nowhere"})
    assert page.status_code == 409
    assert "too long &lt;b&gt;" in page.text
    assert REPLY in page.text


TUESDAY = 1_795_000_000.0 - 86_400  # 17 November 2026, 13.06 in Helsinki


@pytest.mark.parametrize(
    ("code", "hours", "said"),
    [
        ("en", 20, "A person answers again tomorrow at 9:06."),
        ("fi", 20, "Asiakaspalvelija vastaa taas huomenna klo 9.06."),
        ("sv", 2, "Någon svarar igen i dag kl. 15:06."),
        ("en", 5 * 24 - 5, "A person answers again on Sunday at 8:06."),
        ("fi", 5 * 24 - 5, "Asiakaspalvelija vastaa taas sunnuntaina klo 8.06."),
        ("sv", 5 * 24 - 5, "Någon svarar igen på söndag kl. 8:06."),
    ],
)
def test_it_says_in_each_language_when_a_person_is_there_again(code: Code, hours: int, said: str) -> None:
    zone = ZoneInfo("Europe/Helsinki")
    assert opens(TUESDAY + hours * 3600, Voice(load(asset("web") / "words"), code, zone, TUESDAY), zone) == said


def test_it_promises_nothing_when_a_person_is_there() -> None:
    tables = load(asset("web") / "words")
    assert [opens(0.0, Voice(tables, code, ZoneInfo("UTC"), 0.0), ZoneInfo("UTC")) for code in LANGUAGES] == ["", "", ""]
