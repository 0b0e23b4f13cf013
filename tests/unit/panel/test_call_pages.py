"""The cockpit's pages over a real socket: the list, the recorder's doors, and the one form with many buttons."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx
import pytest

from appliance.engines.errors import EngineBusy
from appliance.panel.pages.call import LIVE_AT_ONCE, LIVE_WAITING
from appliance.records.call import References
from appliance.records.case import CaseState
from tests.support.panel_company import calls
from tests.support.twin_call import A_REFERENCE
from tests.unit.panel.conftest import Desk, token_of

OPEN, NOWHERE, LISTENING = (f"c-{number:018d}" for number in (21, 22, 23))
SOUND = b"RIFF-some-sound"


@pytest.fixture
def cockpit(desk: Desk) -> Desk:
    calls(desk.twin)
    return desk


def press(client: httpx.Client, case: str, do: str, **fields: str) -> httpx.Response:
    """Press a button of the cockpit as a browser without scripts does; the page that follows."""
    token = token_of(client.get(f"/call/{case}").text)
    return client.post(f"/call/{case}", data={"csrf": token, "do": do, **fields}, follow_redirects=True)


def upload(client: httpx.Client, data: bytes = SOUND, **fields: str) -> httpx.Response:
    token = token_of(client.get("/call").text)
    return client.post("/call/clip", data={"csrf": token, **fields}, files={"clip": ("call.webm", data, "audio/webm")})


def test_the_list_shows_the_calls_and_the_pipeline(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = client.get("/call?lang=en").text
    for words in ("Anna Virtanen", "Erik Lindqvist", "Unknown caller", "Being heard", "Test ear", "Heard today", 'href="/call/' + OPEN):
        assert words in page


def test_an_empty_list_says_what_to_do(desk: Desk) -> None:
    with desk.browser() as client:
        assert "Record one here, or choose a clip." in client.get("/call?lang=en").text


def test_only_these_pages_may_ask_for_the_microphone(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        assert "microphone=(self)" in client.get("/call").headers["permissions-policy"]
        assert "microphone=()" in client.get("/review").headers["permissions-policy"]
        assert "media-src 'self'" in client.get(f"/call/{OPEN}").headers["content-security-policy"]
        assert "script-src 'self';" in client.get("/call").headers["content-security-policy"]


def test_a_clip_that_is_uploaded_opens_as_a_call(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        answer = upload(client, name="Liisa", telephone="+358 40 1", address="liisa@example.fi")
        assert answer.status_code == 303
        page = client.get(answer.headers["location"]).text
    assert "Liisa" in page
    assert "liisa@example.fi" in page


def test_the_same_sound_is_warned_of_and_taken_in_only_when_it_is_wanted(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        first = upload(client).headers["location"]
        warned = upload(client)
        assert warned.status_code == 200
        assert f'id="same-link" href="{first}"' in warned.text
        assert upload(client, again="true").headers["location"] != first
        token = token_of(client.get("/call").text)
        told = client.post(
            "/call/clip", data={"csrf": token}, files={"clip": ("a.webm", SOUND, "audio/webm")}, headers={"accept": "application/json"}
        )
        assert (told.status_code, told.json()["code"]) == (409, "same_audio")
        assert f"/call/{told.json()['earlier']}".startswith("/call/c-")


def test_a_form_without_a_clip_is_refused_in_words(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        answer = upload(client, b"")
        assert answer.status_code == 400
        assert "äänitä" in answer.text.lower() or "record" in answer.text.lower()


def test_what_is_said_so_far_comes_with_the_points_that_it_brings_up(cockpit: Desk) -> None:
    cockpit.twin.listen()
    with cockpit.browser() as client:
        token = token_of(client.get("/call").text)
        told = client.post("/call/live?language=en", content=SOUND, headers={"x-csrf-token": token, "accept": "application/json"}).json()
        assert "heat pump" in told["text"]
        assert [one["title"] for one in told["cues"]] == ["Warranty", "Delivery", "Air-to-water heat pump"]
        assert client.post("/call/live", content=SOUND).status_code == 403


def test_an_ear_that_fails_while_somebody_records_is_told_in_words(cockpit: Desk) -> None:
    cockpit.twin.trouble = EngineBusy("The ear is busy.", "Wait.")
    with cockpit.browser() as client:
        token = token_of(client.get("/call").text)
        told = client.post("/call/live?lang=en", content=SOUND, headers={"x-csrf-token": token}).json()
    assert told["text"] == ""
    assert told["trouble"].startswith("The live text is missing")


def test_a_talking_point_goes_into_the_draft_and_is_greyed(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = press(client, OPEN, "cue:warranty", draft="Hello Anna,").text
        assert "Hello Anna,\n\nThe warranty is five years" in page
        assert 'value="cue:warranty"' not in page
        again = press(client, OPEN, "cue:warranty", draft=cockpit.twin.call_states[OPEN].draft).text
    assert again.count("The warranty is five years when we install the pump.") == 2  # in the draft, and beside it as this screen had it


def test_a_quote_is_built_and_goes_into_the_draft_once(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        press(client, OPEN, "add", code="PX-200", quantity="2", line_discount="10")
        page = press(client, OPEN, "add", code="INST", quantity="1,5", line_discount="").text
        assert 'value="quote"' in page
        page = press(client, OPEN, "discount", discount="5").text
        page = press(client, OPEN, "quote").text
        assert 'value="quote"' not in page
        assert cockpit.twin.call_states[OPEN].draft.count("Quote") == 1
        page = press(client, OPEN, "remove:0").text
    assert len(cockpit.twin.call_states[OPEN].quote.lines) == 1
    assert 'value="quote"' in page


def test_a_wrong_number_is_refused_and_the_draft_is_not_lost(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        answer = press(client, OPEN, "add", code="PX-200", quantity="many", draft="Precious words")
    assert answer.status_code == 409
    assert "Precious words" in answer.text


def test_reference_material_is_shown_with_the_way_it_was_found(cockpit: Desk) -> None:
    cockpit.twin.references = References(found=(A_REFERENCE,), way="keyword", code="embedder_failed")
    with cockpit.browser() as client:
        client.get("/call?lang=en")
        page = press(client, OPEN, "reference", text="warranty", draft="Kept").text
        assert "Searched by words: the model for searching by meaning does not work" in page
        assert 'href="/knowledge/passage/p3"' in page
        assert "Kept" in page
        cockpit.twin.references = References(way="none", code="no_material")
        page = press(client, OPEN, "reference", text="warranty").text
        assert "There is neither an index nor any knowledge to search." in page
    assert all("warranty" not in str(value) for value in (cockpit.twin.reference_told.last_print, cockpit.twin.reference_told.last_query))


def test_the_draft_is_sent_by_the_same_decision_as_any_reply_and_can_be_undone(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = press(client, OPEN, "send", draft="Dear Anna").text
        assert "Dear Anna" in page
        assert 'class="undo"' in page
    assert cockpit.twin.files[OPEN].row.state is CaseState.REPLYING
    (_, approval) = cockpit.twin.done[-1]
    assert (approval.decision, approval.text) == ("approve", "Dear Anna")


def test_without_an_address_a_call_is_done_by_telephone_and_nothing_leaves(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = client.get(f"/call/{NOWHERE}?lang=en").text
        assert "No mail address is known" in page
        assert 'value="send"' not in page
        press(client, NOWHERE, "done", draft="Told him")
    assert cockpit.twin.files[NOWHERE].row.state is CaseState.CLOSED
    (_, approval) = cockpit.twin.done[-1]
    assert (approval.decision, approval.comment) == ("reject", "Done by telephone.")


def test_nothing_can_be_sent_before_the_clip_is_heard_but_one_can_write(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = press(client, LISTENING, "keep", draft="Already").text
        assert "Already" in page
        assert press(client, LISTENING, "done", draft="Already").status_code == 409


def test_a_contact_service_that_is_away_is_told_in_place(cockpit: Desk) -> None:
    cockpit.twin.call_fault = "The contact service does not answer."
    with cockpit.browser() as client:
        page = client.get(f"/call/{OPEN}?lang=en").text
    assert "Nothing is known of the contact." in page
    assert "The contact service does not answer." in page


def test_what_is_known_of_the_contact_stands_beside_the_words(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = client.get(f"/call/{OPEN}?lang=en").text
    for words in ("Yearly service PX-100", "Heat pump for Rantatie 4", "Installation at half price", "Virtanen Oy"):
        assert words in page


def test_the_snapshot_is_refreshed_with_a_word(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        token = token_of(client.get("/call?lang=en").text)
        assert "The figures are up to date." in client.post("/call/refresh", data={"csrf": token}, follow_redirects=True).text


def test_only_an_operator_builds_the_index_anew(cockpit: Desk) -> None:
    with cockpit.browser() as client:
        page = client.get(f"/call/{OPEN}")
        assert "/index" not in page.text
        assert client.post(f"/call/{OPEN}/index", data={"csrf": token_of(page.text)}).status_code == 403
    with cockpit.browser("key-of-an-admin") as client:
        token = token_of(client.get(f"/call/{OPEN}").text)
        assert client.post(f"/call/{OPEN}/index", data={"csrf": token}).status_code == 303
    assert cockpit.twin.reference_told.kind == "stub"


def test_a_program_does_the_same_over_http(cockpit: Desk) -> None:
    with cockpit.client("key-of-an-agent") as client:
        assert [row["case"] for row in client.get("/api/v1/calls").json()["calls"]] == [LISTENING, OPEN, NOWHERE]
        state = client.put(f"/api/v1/calls/{OPEN}", json={"draft": "Hi", "add": "PX-200", "quantity": "2"}).json()
        assert (state["draft"], state["quote"]["lines"][0]["quantity"]) == ("Hi", "2")
        assert client.get(f"/api/v1/calls/{OPEN}").json()["totals"]["total"] == "12048.00"
        assert client.post("/api/v1/contacts", json={"address": "anna.virtanen@example.fi"}).json()["found"]
        assert client.post("/api/v1/reference", json={"text": "x"}).json()["way"] == "none"
        assert client.get("/api/v1/reference/state").json()["requests"] == 1
        assert client.delete("/api/v1/reference/index").status_code == 403
        assert client.get("/api/v1/calls/none").status_code == 404
    with cockpit.client("key-of-an-admin") as client:
        assert client.delete("/api/v1/reference/index").json() == {"files": 2}


def test_a_viewer_sees_no_call(cockpit: Desk) -> None:
    with cockpit.client("key-of-a-viewer") as client:
        assert client.get("/api/v1/calls").status_code == 403


def test_recordings_that_are_being_heard_take_no_page_its_thread(cockpit: Desk) -> None:
    """Twelve agents record at once, and the ear is stuck: what waits is bounded, and everybody else goes on."""
    goes_on = threading.Event()

    def stuck(*_: object) -> None:
        goes_on.wait(20)

    def look(_: int) -> int:
        with cockpit.client("key-of-an-agent") as client:
            return client.post("/call/live", content=SOUND).status_code

    cockpit.twin.hear = stuck  # type: ignore[assignment,method-assign]
    with ThreadPoolExecutor(12) as agents, cockpit.client("key-of-an-agent") as client:
        looks = [agents.submit(look, number) for number in range(12)]
        over = as_completed(looks, 8)
        assert [next(over).result() for _ in range(12 - LIVE_AT_ONCE - LIVE_WAITING)] == [429] * 4
        assert client.get("/call").status_code == 200
        goes_on.set()
        assert {one.result() for one in over} == {200}
