"""What the CRM is told, in the panel and over the API: badges in words, one press to try again, the last document in sight."""

import httpx
import pytest

from appliance.panel import words
from appliance.panel.pushed import TONES, shown
from appliance.panel.words import Voice
from appliance.records.language import LANGUAGES, Code
from appliance.records.push import PUSH_REASONS, Badge, Push, PushState
from tests.unit.panel.conftest import NOW, Desk, token_of
from tests.unit.panel.test_words import HELSINKI, TABLES

FIRST = "c-000000000000000001"


def press(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return browser.post(path, data={"csrf": token_of(browser.get("/review").text), **fields})


def test_a_case_is_pushed_from_its_page_and_shows_its_badge_and_document(desk: Desk) -> None:
    with desk.browser() as browser:
        assert "The CRM has not been told of this case." in browser.get(f"/cases/{FIRST}?lang=en").text
        answer = press(browser, f"/cases/{FIRST}/push", then=f"/cases/{FIRST}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{FIRST}")
        page = browser.get(f"/cases/{FIRST}").text
    assert "Kept for the CRM." in page
    assert ">Cached<" in page.replace("</svg>", "><").replace("><Cached", ">Cached")
    assert "Kaksi pumppua." in page
    assert "Final transcript" in page


def test_each_badge_has_its_kept_name_and_is_explained(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/push")
        for state, attempts, badge, says in (
            (PushState.SYNCED, 1, "Synced", "The CRM has it."),
            (PushState.QUEUED, 0, "Cached", "It is safe here"),
            (PushState.QUEUED, 2, "Retrying", "It is tried again by itself"),
            (PushState.DEAD, 15, "Failed", "press Retry CRM push"),
        ):
            desk.twin.change_push(
                "w-1", state=state, attempts=attempts, not_before=NOW + 120, reason="" if badge == "Synced" else "timeout"
            )
            page = browser.get(f"/cases/{FIRST}?lang=en").text
            assert f"{badge}</span>" in page
            assert says in page
            assert ("did not answer in time" in page) == (badge != "Synced")
            assert ("/pushes/w-1/retry" in page) == (badge in ("Retrying", "Failed"))
            assert ("Next try in 2" in page) == (badge == "Retrying")


def test_a_failed_push_is_tried_again_by_one_press(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/push")
        desk.twin.change_push("w-1", state=PushState.DEAD, attempts=15, reason="server_error", response_code=500)
        answer = press(browser, "/pushes/w-1/retry", then=f"/cases/{FIRST}")
        assert answer.headers["location"] == f"/cases/{FIRST}"
        assert desk.twin.kept_pushes[0].state is PushState.QUEUED
        desk.twin.change_push("w-1", state=PushState.SYNCED)
        assert press(browser, "/pushes/w-1/retry").status_code == 409
        assert press(browser, "/pushes/w-9/retry", then="https://evil.example").headers.get("location", "/") == "/"


def test_the_five_before_are_shown_and_no_more(desk: Desk) -> None:
    with desk.browser() as browser:
        for _ in range(8):
            press(browser, f"/cases/{FIRST}/push")
        page = browser.get(f"/cases/{FIRST}?lang=en").text
    assert page.count("<li><p>") == 5


def test_the_page_of_all_pushes_counts_lists_and_tries_all_that_failed_again(desk: Desk) -> None:
    with desk.browser() as browser:
        assert "Nothing has been pushed" in browser.get("/pushes?lang=en").text
        press(browser, f"/cases/{FIRST}/push")
        desk.twin.change_push("w-1", state=PushState.DEAD, attempts=15, reason="refused", response_code=422)
        page = browser.get("/pushes?standing=dead").text
        assert "The CRM refuses this push." in page
        assert "Try all that failed again" in page
        assert "Pumpun palautus" in page
        assert FIRST not in browser.get("/pushes?standing=synced").text
        assert press(browser, "/pushes/retry").headers["location"] == "/pushes"
        assert "Tried again now: 1" in browser.get("/pushes").text
        desk.twin.change_push("w-1", state=PushState.DEAD)
        assert "The CRM was not told: 1" in browser.get("/").text


def test_what_is_wrong_is_said_on_the_page(desk: Desk) -> None:
    desk.twin.crm["trouble"] = {"code": "crm_sign_in", "reason": "x", "remedy": "y"}
    desk.twin.crm["held"] = True
    with desk.browser() as browser:
        page = browser.get("/pushes?lang=en").text
    assert "The CRM does not believe the signature." in page
    assert "Sending is switched off" in page


def test_the_page_of_a_case_whose_words_are_gone_offers_no_push(desk: Desk) -> None:
    import msgspec

    desk.twin.add(msgspec.structs.replace(desk.twin.files[FIRST], erased=True, message=None))
    with desk.browser() as browser:
        assert f"/cases/{FIRST}/push" not in browser.get(f"/cases/{FIRST}").text


def test_a_viewer_sees_nothing_of_it_and_an_agent_may_not_scrub(desk: Desk) -> None:
    with desk.client("key-of-a-viewer") as viewer, desk.client("key-of-an-agent") as agent:
        assert viewer.get("/api/v1/pushes").status_code == 403
        assert agent.post("/api/v1/pushes/scrub", json={}).status_code == 403
        assert agent.post("/api/v1/pushes/reset", json={}).status_code == 403


def test_over_the_api_a_case_is_pushed_tried_again_scrubbed_and_reset(desk: Desk) -> None:
    with desk.client("key-of-an-admin") as client:
        push = client.post(f"/api/v1/cases/{FIRST}/pushes", json={"demo": True}).json()["push"]
        (listed,) = client.get(f"/api/v1/cases/{FIRST}/pushes").json()["pushes"]
        assert (listed["id"], listed["badge"], listed["demo"]) == (push, "Cached", True)
        assert "case.saved" in listed["payload"]
        assert client.post(f"/api/v1/pushes/{push}/retry").json() == {"push": push}
        queue = client.get("/api/v1/pushes?standing=queued").json()
        assert (queue["enabled"], queue["counts"]["depth"], queue["pushes"][0]["payload"]) == (True, 1, "")
        desk.twin.change_push(push, state=PushState.DEAD)
        assert client.post("/api/v1/pushes/retry").json() == {"pushes": 1}
        assert client.post("/api/v1/pushes/reset", json={"keep_demo": True}).json() == {"pushes": 1}
        assert client.post("/api/v1/pushes/scrub", json={"case": FIRST}).json() == {"pushes": 0}
        assert client.get("/api/v1/pushes/report").json()["markdown"].startswith("# CRM")
        assert client.post("/api/v1/cases/c-nowhere/pushes", json={}).status_code == 404


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_badge_and_reason_has_words_in_each_language(code: Code) -> None:
    assert {badge.value.lower() for badge in Badge} | {"withdrawn"} == set(TONES)
    assert [TABLES[code][f"push.badge.{badge.value.lower()}"] for badge in Badge] == [badge.value for badge in Badge]
    voice = Voice(TABLES, code, HELSINKI, NOW)
    for reason in set(PUSH_REASONS) - {"reset"}:
        push = Push(id="w-1", case=FIRST, state=PushState.QUEUED, attempts=1, reason=reason, payload="{}")
        assert shown(push, voice).why, reason
    assert words.NAMES
