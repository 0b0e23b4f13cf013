"""Who gets in, and what may be done once inside."""

import itertools
from typing import Any

import httpx
import pytest
from litestar import Litestar, Response, get
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler

from appliance.panel.door import PanelOptions
from appliance.panel.guard import PUBLIC, SIGNED_IN, Guard, allowed
from appliance.panel.problems import problem_of
from appliance.policy import roles
from appliance.records.person import Actor, Role
from tests.support.clock import FakeClock
from tests.support.panel_twin import KEYS, PanelTwin
from tests.unit.panel.conftest import Desk, token_of

GAPS = {
    "case": "c-000000000000000001",
    "name": "safe-mode",
    "address": "anna@example.com",
    "person": "p-1",
    "key": "k-1",
    "index": "0",
    "place": "0",
}
BODIES: dict[str, dict[str, Any]] = {
    "/ai/knowledge/search": {"query": "hours"},
    "/api/v1/ask": {"text": "When are you open?"},
    "/api/v1/switches/{name}": {"on": True},
    "/api/v1/cases/{case}/review": {"decision": "reject"},
    "/api/v1/cases/{case}/uncertain": {"decision": "drop"},
    "/api/v1/people": {"name": "Sanna", "role": 2, "password": "three words apart"},
    "/api/v1/people/{person}/role": {"role": 2},
    "/api/v1/people/{person}/active": {"active": True},
    "/api/v1/keys": {"name": "shop", "role": 1},
}


def handlers_of(app: Litestar) -> list[tuple[str, str, str]]:
    """Every address with its methods and the action it names: method, path, action."""
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:  # type: ignore[union-attr]
            if isinstance(handler, ASGIRouteHandler):
                found.append(("GET", route.path, str(handler.opt.get("action", ""))))
            elif isinstance(handler, HTTPRouteHandler):
                found += [(str(m), route.path_format, str(handler.opt.get("action", ""))) for m in handler.http_methods if m != "OPTIONS"]
    return sorted(found)


def filled(path: str) -> str:
    for name, value in {**GAPS, "name": "panel.css" if path.startswith("/static") else GAPS["name"]}.items():
        path = path.replace("{" + name + "}", value)
    return path


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    if path == "/events":
        with client.stream("GET", path) as answer:
            return answer
    return client.request(method, filled(path), json=BODIES.get(path))


def test_every_route_names_its_action(desk: Desk) -> None:
    routes = handlers_of(desk.app)
    assert len(routes) > 30
    assert [row for row in routes if row[2] not in {*roles.ACTIONS, PUBLIC, SIGNED_IN}] == []


def test_only_the_probes_signing_in_and_the_looks_are_public(desk: Desk) -> None:
    public = {(method, path) for method, path, action in handlers_of(desk.app) if action == PUBLIC}
    assert public == {
        ("GET", "/healthz"), ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/static/{name}"),
    }  # fmt: skip


def test_nobody_gets_in_anywhere_without_a_key(desk: Desk) -> None:
    with desk.client() as stranger:
        for method, path, action in handlers_of(desk.app):
            answer = ask(stranger, method, path)
            if action != PUBLIC:
                assert answer.status_code == 401, (method, path)
        assert stranger.get("/there/is/no/such/address").status_code == 401
        assert stranger.request("OPTIONS", "/cases").status_code == 401


def test_the_probes_say_their_state_and_nothing_else(desk: Desk) -> None:
    with desk.client() as stranger:
        assert stranger.get("/healthz").json() == {"status": "ok", "model_loaded": True}
        assert stranger.get("/livez").json() == {"status": "ok"}
        assert stranger.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("key", KEYS)
def test_each_role_may_do_what_the_policy_says_and_no_more(desk: Desk, key: str) -> None:
    role = KEYS[key].role
    with desk.client(key) as client:
        for method, path, action in handlers_of(desk.app):
            if action in (PUBLIC, SIGNED_IN) or path in ("/switches", "/admin/erase") or path.endswith("/decide"):
                continue
            status = ask(client, method, path).status_code
            assert (status != 403) == roles.may(role, action) or "switches" in path, (role, method, path)
            assert status < 500, (role, method, path)


@pytest.mark.parametrize(("lever", "on"), list(itertools.product(("safe-mode", "automation", "outbound"), (True, False))))
def test_a_lever_is_pulled_only_by_a_role_that_may_pull_it_that_way(desk: Desk, lever: str, on: bool) -> None:
    from appliance.panel.levers import lever_name

    for key, actor in KEYS.items():
        with desk.client(key) as client:
            answer = client.put(f"/api/v1/switches/{lever}", json={"on": on})
        assert (answer.status_code == 200) == roles.may(actor.role, roles.lever_action(lever_name(lever), on)), (key, lever, on)


def test_a_route_that_names_no_action_is_closed_to_everybody() -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "open"

    def explain(_: Any, error: Exception) -> Response[bytes]:
        problem = problem_of(error)
        return Response(problem.as_json(), status_code=problem.status)

    clock = FakeClock()
    twin = PanelTwin(clock=clock)
    app = Litestar([forgotten], middleware=[allowed], exception_handlers={Exception: explain}, openapi_config=None, logging_config=None)
    app.asgi_handler = Guard(twin, PanelOptions(clock=clock)).wrap(app.asgi_handler, lambda *_: (_ for _ in ()).throw(AssertionError))
    with _direct(app) as client:
        assert client.get("/forgotten", headers={"x-api-key": "key-of-an-admin"}).status_code == 403


def _direct(app: Litestar) -> Any:
    from litestar.testing import TestClient

    return TestClient(app, base_url="http://localhost")


def test_a_key_may_come_as_a_bearer_token(desk: Desk) -> None:
    with desk.client(authorization="Bearer key-of-a-viewer") as client:
        assert client.get("/api/v1/status").status_code == 200
    with desk.client(authorization="Basic a2V5OmtleQ==") as client:
        assert client.get("/api/v1/status").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", ""])
def test_a_strangers_name_for_this_machine_is_refused(desk: Desk, host: str) -> None:
    with desk.client("key-of-an-admin", host=host) as client:
        answer = client.get("/api/v1/status")
        assert answer.status_code == 421
        assert answer.json()["error"]["remedy"]


@pytest.mark.parametrize(
    "host", ["localhost:8484", "127.0.0.1", "[::1]:8484", "192.168.1.20:8484", "desk.example.com", "LOCALHOST", "localhost."]
)
def test_our_own_names_and_any_address_are_answered(desk: Desk, host: str) -> None:
    with desk.client("key-of-an-admin", host=host) as client:
        assert client.get("/api/v1/status").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9", "https://desk.example.com.evil.example"])
def test_a_page_of_somebody_else_gets_nothing(desk: Desk, origin: str) -> None:
    with desk.client("key-of-an-admin", origin=origin) as client:
        assert client.get("/api/v1/status").status_code == 403
        assert client.put("/api/v1/switches/safe-mode", json={"on": True}).status_code == 403
    with desk.client(origin=origin) as client:
        assert client.post("/sign-in", data={"key": "key-of-an-admin"}).status_code == 403


def test_our_own_origin_and_the_public_one_pass(desk: Desk) -> None:
    for origin in (desk.address, "https://desk.example.com"):
        with desk.client("key-of-an-admin", origin=origin) as client:
            assert client.get("/api/v1/status").status_code == 200


def test_a_form_without_the_sessions_token_changes_nothing(desk: Desk) -> None:
    with desk.browser("key-of-an-operator") as browser:
        for fields in ({"name": "safe_mode", "on": "true"}, {"name": "safe_mode", "on": "true", "csrf": "guessed"}):
            assert browser.post("/switches", data=fields).status_code == 403
        assert browser.put("/api/v1/switches/safe-mode", json={"on": True}).status_code == 403
        assert desk.twin.levers["safe_mode"].on is False
        token = token_of(browser.get("/").text)
        assert browser.put("/api/v1/switches/safe-mode", json={"on": True}, headers={"x-csrf-token": token}).status_code == 200
    assert desk.twin.levers["safe_mode"].on is True


def test_the_token_of_another_session_does_not_fit(desk: Desk) -> None:
    with desk.browser("key-of-an-operator") as one, desk.browser("key-of-an-operator") as other:
        strange = token_of(other.get("/").text)
        assert one.post("/switches", data={"name": "safe_mode", "on": "true", "csrf": strange}).status_code == 403


def test_a_one_time_token_is_good_once(desk: Desk) -> None:
    with desk.client(html=True) as first, desk.client(html=True) as second:
        answer = first.get("/sign-in?token=one-time")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert first.get("/").status_code == 200
        assert second.get("/sign-in?token=one-time").status_code == 401
        assert second.get("/").status_code == 401


def test_a_look_ahead_by_head_does_not_use_the_token_up(desk: Desk) -> None:
    with desk.client(html=True) as client:
        client.head("/sign-in?token=one-time")
        assert client.get("/sign-in?token=one-time").status_code == 303


def test_the_cookie_is_for_this_host_only_and_no_script_reads_it(desk: Desk) -> None:
    with desk.client() as client:
        cookie = client.post("/sign-in", data={"key": "key-of-an-agent"}).headers["set-cookie"]
        assert cookie.startswith("tandem-8484=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
    with desk.client(host="desk.example.com") as client:
        cookie = client.post("/sign-in", data={"key": "key-of-an-agent"}).headers["set-cookie"]
        assert cookie.startswith("__Host-tandem-8484=")
        assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))


def test_a_session_that_the_node_has_ended_is_over_here_within_a_second(desk: Desk) -> None:
    with desk.browser() as browser:
        assert browser.get("/").status_code == 200
        desk.twin.browsers.clear()
        desk.clock.move(1.1)
        assert browser.get("/").status_code == 401


def test_an_open_page_that_fetches_itself_keeps_nobody_signed_in(desk: Desk) -> None:
    with desk.browser() as watched, desk.browser() as used:
        for _ in range(13):
            desk.clock.move(3600)
            watched.get("/", headers={"x-live": "1"})
            assert used.get("/").status_code == 200
        assert watched.get("/").status_code == 401


def test_an_open_case_that_says_who_is_at_it_keeps_nobody_signed_in(desk: Desk) -> None:
    with desk.browser() as browser:
        headers = {"x-csrf-token": token_of(browser.get("/review").text)}
        there = f"/api/v1/cases/{GAPS['case']}/presence"
        for _ in range(11):
            desk.clock.move(3600)
            assert browser.put(there, json={"what": "looking"}, headers=headers).status_code == 200
        desk.clock.move(3600)
        assert browser.put(there, json={"what": "looking"}, headers=headers).status_code == 401


def test_a_session_is_not_asked_for_at_each_request(desk: Desk) -> None:
    with desk.browser() as browser:
        browser.get("/")
        (secret,) = desk.twin.browsers
        seen = desk.twin.browsers[secret].seen_at
        desk.clock.move(0.5)
        browser.get("/")
        assert desk.twin.browsers[secret].seen_at == seen


def test_signing_out_ends_the_session(desk: Desk) -> None:
    with desk.browser() as browser:
        cookie = browser.cookies["tandem-8484"]
        answer = browser.post("/sign-out", data={"csrf": token_of(browser.get("/").text)})
        assert answer.headers["location"] == "/sign-in"
        browser.cookies.set("tandem-8484", cookie, domain="127.0.0.1")
        assert browser.get("/").status_code == 401


def test_a_revoked_key_ends_its_sessions_within_a_second(desk: Desk) -> None:
    with desk.browser() as browser, desk.client("key-of-an-agent") as program:
        assert browser.get("/").status_code == program.get("/api/v1/status").status_code == 200
        del desk.twin.keys_in_use["key-of-an-agent"]
        desk.clock.move(1.1)
        assert browser.get("/").status_code == program.get("/api/v1/status").status_code == 401


def test_a_key_that_changed_its_role_has_the_new_one_within_a_second(desk: Desk) -> None:
    with desk.browser("key-of-an-agent") as browser:
        assert browser.get("/cases").status_code == 200
        desk.twin.keys_in_use["key-of-an-agent"] = Actor(name="Aino", role=Role.VIEWER)
        desk.clock.move(1.1)
        assert browser.get("/cases").status_code == 403


def test_who_guesses_keys_has_to_wait_and_a_known_key_and_session_go_on(desk: Desk) -> None:
    with desk.client("key-of-a-viewer") as program, desk.browser() as browser:
        assert program.get("/api/v1/status").status_code == 200
        for number in range(10):
            with desk.client(f"guess {number}") as guesser:
                assert guesser.get("/api/v1/status").status_code == 401
        with desk.client("key-of-an-admin") as newcomer:
            answer = newcomer.get("/api/v1/status")
            assert answer.status_code == 429
            assert 0 < int(answer.headers["retry-after"]) <= 301
        assert desk.client().get("/sign-in?token=one-time").status_code == 303
        assert program.get("/api/v1/status").status_code == browser.get("/").status_code == 200
        desk.clock.move(301)
        with desk.client("key-of-an-admin") as newcomer:
            assert newcomer.get("/api/v1/status").status_code == 200


@pytest.mark.parametrize("path", ["/", "/sign-in", "/healthz", "/no/such", "/api/v1/status", "/api/v1/cases/none"])
@pytest.mark.parametrize("key", ["", "key-of-an-admin"])
def test_every_answer_carries_its_protection(desk: Desk, path: str, key: str) -> None:
    with desk.client(key, html=True) as client:
        headers = client.get(path).headers
    if path == "/healthz":  # answered by the front, before there is anything to protect
        assert headers["cache-control"] == "no-store"
        return
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
    if headers["content-type"].startswith("text/html"):
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/ok\r\nx: y"])
def test_signing_in_never_leads_to_another_site(desk: Desk, elsewhere: str) -> None:
    with desk.client(html=True) as client:
        answer = client.post("/sign-in", data={"key": "key-of-an-agent", "next": elsewhere})
        assert answer.headers["location"] == "/"
        page = client.get("/sign-in", params={"next": elsewhere}).text
        assert 'name="next" value="/"' in page


def test_after_signing_in_one_is_where_one_wanted_to_be(desk: Desk) -> None:
    with desk.client(html=True) as client:
        page = client.get("/review?case=c-1&lang=sv").text
        assert 'name="next" value="/review?case=c-1&amp;lang=sv"' in page
        assert (
            client.post("/sign-in", data={"key": "key-of-an-agent", "next": "/review?case=c-1"}).headers["location"] == "/review?case=c-1"
        )
