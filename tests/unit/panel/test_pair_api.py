"""The pair over HTTP."""

from typing import Any

import httpx
import pytest

from tests.support.twin_pair import CODE, PEER
from tests.unit.panel.conftest import Desk


@pytest.fixture
def admin(desk: Desk) -> Any:
    with desk.client("key-of-an-admin") as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def told(desk: Desk) -> list[str]:
    return [what for _, what in desk.twin.done]


def test_how_the_pair_stands_is_told_as_the_command_line_tells_it(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair()
    told = admin.get("/api/v1/pair").json()
    assert (told["paired"], told["role"], told["reason"], told["peer"]["node"]) == (True, "leader", "leads", PEER)
    assert told["sentence"] == "This node leads; the peer stands by and holds everything."


def test_two_machines_are_paired_by_a_code(desk: Desk, admin: httpx.Client) -> None:
    assert admin.post("/api/v1/pair/start").json() == {"code": CODE, "expires_seconds": 118.0}
    assert admin.post("/api/v1/pair/cancel").json() == {"asked": True}
    assert code(admin.post("/api/v1/pair/join", json={"code": "1111 1111"})) == (409, "wrong_code")
    assert admin.post("/api/v1/pair/join", json={"code": CODE, "address": " 10.0.0.2:8485 "}).json() == {"pair": "p-1", "peer": PEER}
    assert told(desk) == ["pair_start", "pair_cancel", "pair_join 10.0.0.2:8485"]


def test_the_lead_is_handed_over_taken_and_rehearsed_and_the_pair_is_ended(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair()
    assert admin.post("/api/v1/pair/handover").json() == {"asked": True}
    assert code(admin.post("/api/v1/pair/handover")) == (409, "not_leading")
    assert code(admin.post("/api/v1/pair/takeover", json={"sure": False})) == (409, "not_sure")
    assert admin.post("/api/v1/pair/takeover", json={"sure": True}).json() == {"asked": True}
    assert admin.post("/api/v1/pair/drill", json={"kind": "pause", "sandbox": True}).json() == {"started": "drill-1"}
    assert admin.post("/api/v1/pair/leave").json() == {"asked": True}
    assert code(admin.post("/api/v1/pair/leave")) == (409, "not_paired")
    assert told(desk) == ["pair_handover", "pair_takeover", "pair_drill pause sandbox", "pair_leave"]


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("join", {}),
        ("join", {"code": ""}),
        ("join", {"code": "1" * 300}),
        ("join", {"code": CODE, "address": "a\nb"}),
        ("join", {"code": CODE, "more": 1}),
        ("takeover", {"sure": "true"}),
        ("takeover", {"sure": 1}),
        ("takeover", {}),
        ("drill", {"kind": "explode"}),
    ],
)
def test_what_is_not_as_described_does_nothing(desk: Desk, admin: httpx.Client, part: str, body: dict[str, Any]) -> None:
    desk.twin.make_pair()
    assert code(admin.post(f"/api/v1/pair/{part}", json=body)) == (400, "invalid")
    assert told(desk) == []


@pytest.mark.parametrize(
    ("part", "who"),
    [
        ("start", "operator"),
        ("cancel", "operator"),
        ("join", "operator"),
        ("leave", "operator"),
        ("handover", "agent"),
        ("takeover", "agent"),
        ("drill", "agent"),
    ],
)
def test_whose_role_is_too_low_is_refused(desk: Desk, part: str, who: str) -> None:
    desk.twin.make_pair()
    with desk.client(f"key-of-an-{who}") as client:
        assert code(client.post(f"/api/v1/pair/{part}", json={"code": CODE, "kind": "kill", "sure": True})) == (403, "role")
    assert told(desk) == []


def test_a_browser_without_the_form_s_token_changes_nothing(desk: Desk) -> None:
    desk.twin.make_pair()
    with desk.browser("key-of-an-admin") as browser:
        answer = browser.post("/api/v1/pair/takeover", json={"sure": True}, headers={"accept": "application/json"})
        assert code(answer) == (403, "stale_form")
    assert told(desk) == []
