"""Working on cases: taking a decision back, whose case it is, notes, files, escalations."""

import httpx
import msgspec

from appliance.panel.pages.forms import FORM_BYTES_MOST
from appliance.panel.pages.work import COMMENT_LENGTH_MOST
from appliance.records.case import CaseState
from appliance.records.message import Attachment
from appliance.records.person import Actor, Role
from appliance.records.policy import Reason
from appliance.records.work import File
from tests.unit.panel.conftest import Desk, token_of

FIRST = "c-000000000000000001"
OTHER = "c-000000000000000002"
MARIA = Actor(name="Maria", role=Role.ADMIN)


def press(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Send a form as a page of this session would."""
    return browser.post(path, data={"csrf": token_of(browser.get("/review").text), **fields})


def approve(browser: httpx.Client, case: str = FIRST, files: list[tuple[str, tuple[str, bytes, str]]] | None = None) -> httpx.Response:
    fields = {"csrf": token_of(browser.get("/review").text), "decision": "approve", "text": "Kyllä."}
    return browser.post(f"/cases/{case}/decide", data=fields, files=files or [("files", ("", b"", "application/octet-stream"))])


def test_a_decision_is_taken_back_by_the_bar_that_follows_it(desk: Desk) -> None:
    with desk.browser() as browser:
        approve(browser)
        page = browser.get("/review?lang=en").text
        assert f'action="/cases/{FIRST}/undo"' in page
        assert "It takes effect in 10 s." in page
        answer = press(browser, f"/cases/{FIRST}/undo")
        assert answer.headers["location"] == f"/review?case={FIRST}"
        page = browser.get(f"/review?case={FIRST}&lang=en").text
        assert "Taken back. Nothing was sent." in page
        assert "/undo" not in page
    assert desk.twin.files[FIRST].row.state == CaseState.REVIEW


def test_the_bar_goes_when_its_time_is_over_and_is_another_person_s_no_business(desk: Desk) -> None:
    with desk.browser() as browser, desk.browser("key-of-an-operator") as other:
        approve(browser)
        assert "/undo" not in other.get("/review").text
        desk.clock.move(11)
        assert "/undo" not in browser.get("/review").text
        assert press(browser, f"/cases/{FIRST}/undo").status_code == 409


def test_a_case_is_taken_given_and_let_go(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/assign", me="true")
        assert desk.twin.files[FIRST].row.assigned == "Aino"
        page = browser.get(f"/review?case={FIRST}&lang=en").text
        assert "Yours" in page
        assert "Take it" not in page
        press(browser, f"/cases/{FIRST}/assign", person="")
        assert desk.twin.files[FIRST].row.assigned == ""


def test_the_list_shows_mine_or_nobody_s(desk: Desk) -> None:
    desk.twin.assign(MARIA, FIRST, "Aino")
    desk.twin.assign(MARIA, OTHER, "Oskar")
    with desk.browser() as browser:
        mine, free = (browser.get(f"/review?whose={whose}").text for whose in ("mine", "free"))
    assert f"case={FIRST}" in mine
    assert f"case={OTHER}" not in mine
    assert f"case={FIRST}" not in free
    assert f"case={OTHER}" not in free
    assert "case=c-000000000000000003" in free


def test_somebody_who_has_no_cases_is_told_so_and_can_see_the_others(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get("/review?whose=mine&lang=en").text
    assert "No case waits here." in page
    assert "All done" not in page, "others' cases wait"
    assert 'href="/review"' in page


def test_a_note_stands_with_who_wrote_it_and_an_empty_one_does_not(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/note", text="Soitin. <b>Pumppu</b> on paketissa.")
        press(browser, f"/cases/{FIRST}/note", text="  ")
        page = browser.get(f"/cases/{FIRST}").text
        assert "Soitin. &lt;b&gt;Pumppu&lt;/b&gt; on paketissa." in page
        assert press(browser, f"/cases/{FIRST}/note", text="x" * (COMMENT_LENGTH_MOST + 1)).status_code == 400
    assert [note.by for note in desk.twin.written[FIRST]] == ["Aino"]


def test_files_go_along_with_the_reply_and_an_empty_field_is_none(desk: Desk) -> None:
    with desk.browser() as browser:
        approve(browser, files=[("files", ("käyttöohje.pdf", b"%PDF", "application/pdf")), ("files", ("b.txt", b"b", "text/plain"))])
        assert approve(browser, OTHER).status_code == 303
    first, second = (approval for _, approval in desk.twin.done)
    assert [(file.name, file.data) for file in first.files] == [("käyttöohje.pdf", b"%PDF"), ("b.txt", b"b")]
    assert second.files == ()


def test_files_that_are_too_large_are_refused_and_nothing_is_decided(desk: Desk) -> None:
    with desk.browser() as browser:
        answer = approve(browser, files=[("files", ("big.bin", b"x" * (FORM_BYTES_MOST + 1), "application/octet-stream"))])
    assert answer.status_code == 413
    assert desk.twin.done == []


def test_an_attached_picture_is_shown_and_what_was_not_kept_is_named(desk: Desk) -> None:
    file = desk.twin.files[FIRST]
    assert file.message is not None
    parts = (
        Attachment(name="pumppu.png", media_type="image/png", size_bytes=9, kept=True),
        Attachment(name="video.mp4", media_type="video/mp4", size_bytes=90_000_000),
    )
    desk.twin.add(msgspec.structs.replace(file, message=msgspec.structs.replace(file.message, attachments=parts)))
    desk.twin.kept[FIRST, 0] = File(name="pumppu.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\n0")
    with desk.browser() as browser:
        page = browser.get(f"/cases/{FIRST}?lang=en").text
        address = f"/api/v1/cases/{FIRST}/attachments/0/picture"
        assert f'src="{address}"' in page
        assert browser.get(address).headers["content-type"] == "image/png"
    assert "too large, not kept" in page
    assert "attachments/1" not in page


def test_a_ready_made_answer_is_there_to_be_put_in(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get(f"/review?case={FIRST}&lang=en").text
    assert "1 ready-made answer" in page
    assert 'data-insert="reply"' in page


def test_an_ended_case_is_opened_again(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/decide", decision="reject")
        page = browser.get(f"/cases/{FIRST}?lang=en").text
        assert "Open it again" in page
        press(browser, f"/cases/{FIRST}/reopen")
        assert "Open again. It waits for you." in browser.get("/review?lang=en").text
    assert desk.twin.files[FIRST].row.state == CaseState.REVIEW


def test_who_else_writes_is_said_before_one_begins(desk: Desk) -> None:
    desk.twin.editing(MARIA, FIRST)
    with desk.browser() as browser:
        assert "Maria is writing an answer at this moment." in browser.get(f"/review?case={FIRST}&lang=en").text
        desk.twin.editing(MARIA, FIRST, "gone")
        assert 'id="presence"' in (page := browser.get(f"/review?case={FIRST}&lang=en").text)
        assert "is writing an answer at this moment" not in page.replace("{names} is writing", "")


def test_a_case_is_escalated_seen_and_told_on_the_overview(desk: Desk) -> None:
    with desk.browser() as browser:
        press(browser, f"/cases/{FIRST}/escalate", level="2", note="Asiakas on vihainen.")
        assert "Escalated: it stands at level 2." in browser.get(f"/review?case={FIRST}&lang=en").text
        page = browser.get("/?lang=en").text
        assert "Escalated cases that nobody looks after: 1" in page
        page = browser.get("/escalations?lang=en").text
        assert "Pumpun palautus" in page
        assert "Nobody has looked after it in time." not in page
        desk.clock.move(3601)
        assert "Nobody has looked after it in time." in browser.get("/escalations?lang=en").text
        press(browser, f"/cases/{FIRST}/escalation/seen")
        assert "Aino looks after it" in browser.get("/escalations?lang=en").text
        assert "nobody looks after" not in browser.get("/?lang=en").text
        assert press(browser, f"/cases/{FIRST}/escalate", level="4").status_code == 400


def test_a_viewer_is_not_told_of_cases_by_the_overview(desk: Desk) -> None:
    desk.twin.escalate(MARIA, FIRST, 2)
    with desk.browser("key-of-a-viewer") as browser:
        assert "nobody looks after" not in browser.get("/?lang=en").text
        assert browser.get("/escalations").status_code == 403


def test_every_form_of_work_is_refused_without_the_session_s_token(desk: Desk) -> None:
    with desk.browser() as browser:
        for path in ("undo", "reopen", "assign", "note", "escalate", "escalation/seen"):
            assert browser.post(f"/cases/{FIRST}/{path}", data={"csrf": "wrong", "level": "1", "text": "x"}).status_code == 403, path
    assert desk.twin.done == []


def test_what_no_source_knew_can_be_added_from_the_case_by_who_may(desk: Desk) -> None:
    file = desk.twin.files[FIRST]
    assert file.outcome is not None
    unknown = msgspec.structs.replace(file.outcome, reason=Reason(code="no_knowledge"), missing_keys=("return_period",))
    desk.twin.add(msgspec.structs.replace(file, outcome=unknown))
    link = "/knowledge?language=fi&amp;text=return%20period#fact"
    with desk.browser("key-of-an-operator") as browser:
        assert link in browser.get(f"/review?case={FIRST}").text
    with desk.browser("key-of-an-agent") as browser:
        assert link not in browser.get(f"/review?case={FIRST}").text
