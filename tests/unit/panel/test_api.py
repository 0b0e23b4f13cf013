"""The HTTP API: what programs get, and what they are told when they get nothing."""

import re
from typing import Any

import httpx
import pytest

from appliance.ground.errors import EngineError
from appliance.records.case import CaseState
from tests.unit.panel.conftest import Desk

FIRST = "/api/v1/cases/c-000000000000000001"
UNCERTAIN = "/api/v1/cases/c-000000000000000006"


@pytest.fixture
def agent(desk: Desk) -> Any:
    with desk.client("key-of-an-agent") as client:
        yield client


@pytest.fixture
def admin(desk: Desk) -> Any:
    with desk.client("key-of-an-admin") as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code; every problem has a message and a remedy in JSON."""
    error = answer.json()["error"]
    assert set(error) == {"message", "remedy", "code"}
    assert error["message"]
    assert error["remedy"]
    return answer.status_code, error["code"]


def test_cases_are_listed_newest_first_and_page_by_page(agent: httpx.Client) -> None:
    first = agent.get("/api/v1/cases", params={"limit": 20}).json()
    second = agent.get("/api/v1/cases", params={"limit": 20, "before": first["next"]}).json()
    ids = [row["id"] for row in first["cases"] + second["cases"]]
    assert len(set(ids)) == 39
    assert second["next"] == ""
    times = [row["received_at"] for row in first["cases"]]
    assert times == sorted(times, reverse=True)


def test_cases_are_chosen_by_state(agent: httpx.Client) -> None:
    rows = agent.get("/api/v1/cases", params=[("state", "review"), ("state", "uncertain")]).json()["cases"]
    assert {row["state"] for row in rows} == {"review", "uncertain"}
    assert problem(agent.get("/api/v1/cases", params={"state": "lost"})) == (400, "invalid")


def test_a_case_is_opened_and_explained(agent: httpx.Client) -> None:
    file = agent.get(FIRST).json()
    assert file["message"]["subject"] == "Pumpun palautus"
    assert file["draft"]["sentences"][1]["passages"] == ["p1"]
    assert agent.get(f"{FIRST}/explanation", params={"language": "sv"}).json()["lines"][-1] == "(sv)"
    assert problem(agent.get("/api/v1/cases/c-none")) == (404, "not_found")
    assert problem(agent.get("/api/v1/cases/c-none/explanation")) == (404, "not_found")


@pytest.mark.parametrize(
    ("wish", "state", "text"),
    [
        ({"decision": "approve"}, "replying", None),
        ({"decision": "edit", "text": "Kyllä."}, "replying", "Kyllä."),
        ({"decision": "reject", "comment": "no"}, "closed", None),
        ({"decision": "route", "team": "billing"}, "routed", None),
    ],
)
def test_a_case_is_decided(desk: Desk, agent: httpx.Client, wish: dict[str, str], state: str, text: str | None) -> None:
    answer = agent.post(f"{FIRST}/review", json=wish)
    assert (answer.status_code, answer.json()["state"], answer.json()["decision"]) == (200, state, wish["decision"])
    assert desk.twin.done[0][1].text == text
    assert desk.twin.done[0][1].by == "Aino"
    if state != "routed":  # what a team has may still be decided here
        assert problem(agent.post(f"{FIRST}/review", json=wish)) == (409, "decided")


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"decision": "send"}, (400, "invalid")),
        ({"decision": "edit"}, (409, "no_words")),
        ({"decision": "route", "team": "nobody"}, (404, "team")),
        ({"decision": "approve", "seen": "another"}, (409, "draft_changed")),
        ({"decision": "approve", "surprise": 1}, (400, "invalid")),
        ({}, (400, "invalid")),
        ({"decision": "approve", "text": "x" * 50_001}, (400, "invalid")),
    ],
)
def test_a_wish_that_makes_no_sense_changes_nothing(
    desk: Desk, agent: httpx.Client, wish: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(agent.post(f"{FIRST}/review", json=wish)) == expected
    assert desk.twin.done == []


def test_an_uncertain_delivery_is_settled(desk: Desk, agent: httpx.Client) -> None:
    assert problem(agent.post(f"{FIRST}/uncertain", json={"decision": "sent"})) == (409, "decided")
    assert agent.post(f"{UNCERTAIN}/uncertain", json={"decision": "sent"}).json()["state"] == "replied"
    assert desk.twin.files["c-000000000000000006"].row.state is CaseState.REPLIED


@pytest.mark.parametrize("name", ["safe-mode", "safe_mode"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_lever_is_known_by_both_its_names(desk: Desk, admin: httpx.Client, name: str, method: str) -> None:
    answer = admin.request(method, f"/api/v1/switches/{name}", json={"on": True}).json()
    assert (answer["name"], answer["on"], answer["by"]) == ("safe_mode", True, "Maria")
    assert admin.get(f"/api/v1/switches/{name}").json() == answer
    assert desk.twin.levers["safe_mode"].on is True


def test_a_lever_that_is_not_there_is_named_with_those_that_are(admin: httpx.Client) -> None:
    answer = admin.put("/api/v1/switches/self-destruct", json={"on": True})
    assert problem(answer) == (404, "lever")
    assert "safe_mode" in answer.text
    for odd in ("yes", "true", 0, 1, None):
        assert problem(admin.put("/api/v1/switches/safe-mode", json={"on": odd})) == (400, "invalid")


def test_knowledge_is_searched(agent: httpx.Client) -> None:
    hits = agent.post("/ai/knowledge/search", json={"query": "open Monday", "language": "en"}).json()["results"]
    assert hits[0]["passage"] == "p3"
    assert {"passage", "source", "score", "text"} <= set(hits[0])
    assert problem(agent.post("/ai/knowledge/search", json={"query": ""})) == (400, "invalid")


def test_asking_shows_what_would_be_answered(agent: httpx.Client) -> None:
    assert agent.post("/api/v1/ask", json={"text": "When?", "language": "sv"}).json()["language"] == "sv"


def test_a_customer_is_erased_step_by_step_by_an_admin_alone(desk: Desk, agent: httpx.Client, admin: httpx.Client) -> None:
    assert problem(agent.delete("/api/v1/users/anna@example.com/data")) == (403, "role")
    assert problem(admin.delete("/api/v1/users/anna/data")) == (400, "invalid")
    steps = admin.delete("/api/v1/users/anna@EXAMPLE.com/data").json()["steps"]
    assert {"step", "status"} <= set(steps[0])
    assert [what for _, what in desk.twin.done] == ["erase anna@example.com"]


def test_health_names_every_dependency(agent: httpx.Client) -> None:
    rows = agent.get("/health").json()["dependencies"]
    assert all({"name", "connected"} <= set(row) for row in rows)


def test_info_and_status_say_who_this_is(agent: httpx.Client) -> None:
    assert agent.get("/info").json()["version"] == "1.2.3"
    assert agent.get("/api/v1/status").json()["node"] == "Kallio"


def test_analytics_are_json_for_programs(agent: httpx.Client) -> None:
    assert agent.get("/analytics").json()["today"]["answered"] == 31


def test_what_the_node_refuses_is_a_conflict_and_what_it_cannot_do_is_unavailable(
    desk: Desk, agent: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise EngineError("The writer does not answer.", "Start it again.")

    monkeypatch.setattr(desk.twin, "ask", cannot)
    assert problem(agent.post("/api/v1/ask", json={"text": "When?"})) == (503, "unavailable")


def test_a_body_that_is_too_large_or_no_json_is_refused(agent: httpx.Client) -> None:
    assert problem(agent.post("/api/v1/ask", content=b"x" * 1_100_000, headers={"content-type": "application/json"})) == (413, "too_large")
    assert problem(agent.post("/api/v1/ask", content=b"{", headers={"content-type": "application/json"})) == (400, "invalid")
    assert problem(agent.post("/api/v1/ask", content=b"[]", headers={"content-type": "application/json"})) == (400, "invalid")
    assert problem(agent.put("/api/v1/ask", json={})) == (405, "method")
    assert problem(agent.get("/no/such")) == (404, "not_found")


def test_the_description_lists_what_there_is(agent: httpx.Client) -> None:
    document = agent.get("/openapi.json").json()
    assert {"/healthz", "/api/v1/cases/{case}/review", "/ai/knowledge/search", "/api/v1/users/{address}/data"} <= set(document["paths"])
    assert document["security"] == [{"key": []}, {"bearer": []}]
    for path, item in document["paths"].items():
        for operation in item.values():
            if path not in ("/healthz", "/livez", "/readyz"):
                assert {"401", "403"} <= set(operation["responses"]), path
            assert operation["summary"]


def test_the_metrics_are_in_the_format_that_prometheus_reads(desk: Desk, agent: httpx.Client) -> None:
    desk.twin.dependencies.append({"name": 'odd "name"\\\n', "connected": False, "reason": "", "remedy": ""})
    answer = agent.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families: dict[str, str] = {}
    sample = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"\})? (-?[0-9.e+]+|NaN|[+-]Inf)')
    helped = ""
    assert answer.text.endswith("\n")
    for line in answer.text.splitlines():
        if line.startswith("# HELP "):
            helped = line.split()[2]
            assert helped not in families
        elif line.startswith("# TYPE "):
            assert line.split()[2] == helped
            families[helped] = line.split()[3]
        else:
            match = sample.fullmatch(line)
            assert match, line
            assert match[1] == helped
    assert families["tandem_cases"] == "gauge"
    assert 'tandem_cases{state="review"} 5' in answer.text
    assert not [name for name in families if name.endswith(("_total", "_count", "_sum", "_bucket"))]


@pytest.mark.parametrize("body", [b'{"text": "\xff\xfe"}', b"[" * 100_000, b'{"a":' * 100_000])
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v1/ask"), ("POST", "/api/v1/reference"), ("PUT", "/api/v1/calls/c-1")])
def test_a_body_that_is_no_text_or_nested_without_end_is_refused_in_words(agent: httpx.Client, method: str, path: str, body: bytes) -> None:
    assert problem(agent.request(method, path, content=body, headers={"content-type": "application/json"})) == (400, "invalid")


@pytest.mark.parametrize("path", ["/call/clip", "/api/v1/voice/clips"])
def test_a_form_that_is_no_text_is_refused_in_words(agent: httpx.Client, path: str) -> None:
    body = b'--XX\r\ncontent-disposition: form-data; name="name"\r\n\r\n\xff\xfe\r\n--XX--\r\n'
    assert problem(agent.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=XX"})) == (400, "invalid")
