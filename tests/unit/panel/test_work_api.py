"""Working on cases over HTTP."""

from base64 import b64encode
from typing import Any

import httpx
import msgspec
import pytest

from appliance.records.case import CaseState
from appliance.records.message import Attachment
from appliance.records.work import File
from tests.unit.panel.conftest import Desk

CASE = "c-000000000000000001"
FIRST = f"/api/v1/cases/{CASE}"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def agent(desk: Desk) -> Any:
    with desk.client("key-of-an-agent") as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def attach(desk: Desk, *files: File, kept: bool = True) -> None:
    """Give the first case these attachments."""
    told = tuple(Attachment(name=file.name, media_type=file.media_type, size_bytes=len(file.data), kept=kept) for file in files)
    opened = desk.twin.files[CASE]
    assert opened.message is not None
    desk.twin.files[CASE] = msgspec.structs.replace(opened, message=msgspec.structs.replace(opened.message, attachments=told))
    desk.twin.kept = {(CASE, index): file for index, file in enumerate(files)}


def test_a_decision_says_until_when_it_can_be_undone_and_is_undone(desk: Desk, agent: httpx.Client) -> None:
    done = agent.post(f"{FIRST}/review", json={"decision": "approve"}).json()
    assert done["undo_until"] == desk.clock.now() + 10
    assert agent.post(f"{FIRST}/undo").json() == {"case": CASE, "state": "review"}
    assert code(agent.post(f"{FIRST}/undo")) == (409, "undo_over")
    assert code(agent.post("/api/v1/cases/c-none/undo")) == (404, "not_found")


def test_files_and_a_signature_go_with_an_approval(desk: Desk, agent: httpx.Client) -> None:
    file = {"name": "a.pdf", "media_type": "application/pdf", "data": b64encode(b"pdf" * 700_000).decode()}
    wish = {"decision": "edit", "text": "See below.", "files": [file], "signature": "Aino"}
    assert agent.post(f"{FIRST}/review", json=wish).status_code == 200
    approval = desk.twin.done[-1][1]
    assert (approval.signature, approval.files) == ("Aino", (File(name="a.pdf", media_type="application/pdf", data=b"pdf" * 700_000),))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([{"name": "a", "media_type": "a/b", "data": "AAAAA"}], (409, "file")),
        ([{"name": "a", "media_type": "a/b", "data": "not base64!"}], (400, "invalid")),
        ([{"name": "", "media_type": "a/b", "data": "AAAA"}], (400, "invalid")),
        ([{"name": "a", "media_type": "a/b", "data": "AAAA"}] * 6, (400, "invalid")),
    ],
)
def test_a_file_that_is_none_is_refused_and_nothing_is_decided(
    desk: Desk, agent: httpx.Client, files: list[dict[str, str]], expected: tuple[int, str]
) -> None:
    assert code(agent.post(f"{FIRST}/review", json={"decision": "approve", "files": files})) == expected
    assert desk.twin.files[CASE].row.state is CaseState.REVIEW


def test_somebody_takes_care_of_a_case_and_the_list_can_be_asked_for_theirs(agent: httpx.Client) -> None:
    assert agent.put(f"{FIRST}/assignment", json={"person": "Aino"}).json() == {"case": CASE, "person": "Aino"}
    assert [row["id"] for row in agent.get("/api/v1/cases", params={"assigned": "Aino"}).json()["cases"]] == [CASE]
    assert CASE not in [row["id"] for row in agent.get("/api/v1/cases", params={"assigned": "", "limit": 100}).json()["cases"]]
    assert agent.put(f"{FIRST}/assignment", json={"person": "a\nb"}).status_code == 400


def test_who_is_at_a_case_is_told_to_the_others(desk: Desk, agent: httpx.Client) -> None:
    assert agent.put(f"{FIRST}/presence", json={"what": "editing"}).json() == {"case": CASE, "editing": [], "names": []}
    with desk.client("key-of-an-operator") as other:
        assert other.put(f"{FIRST}/presence", json={"what": "looking"}).json()["editing"] == ["Aino"]
        assert other.get("/api/v1/presence").json() == {"cases": {CASE: ["Aino"]}}
        assert other.get("/api/v1/presence", params={"what": "looking"}).json() == {"cases": {CASE: ["Oskar"]}}
    assert agent.put(f"{FIRST}/presence", json={"what": "sleeping"}).status_code == 400


def test_notes_macros_and_corrections_are_read_and_written(agent: httpx.Client) -> None:
    assert agent.post(f"{FIRST}/notes", json={"text": "Ask first."}).json()["by"] == "Aino"
    assert [note["text"] for note in agent.get(f"{FIRST}/notes").json()["notes"]] == ["Ask first."]
    assert agent.get(f"{FIRST}/macros", params={"language": "sv"}).json()["macros"][0]["title"] == "Thanks (sv)"
    assert agent.get("/api/v1/corrections").json() == {"corrections": []}
    assert code(agent.post(f"{FIRST}/reopen")) == (409, "not_ended")
    for path in ("notes", "macros", "attachments/0"):
        assert code(agent.get(f"/api/v1/cases/c-none/{path}")) == (404, "not_found")


def test_an_attachment_is_to_be_saved_and_never_shown(desk: Desk, agent: httpx.Client) -> None:
    attach(desk, File(name='Käyttö";\r\nX-Evil: 1.html', media_type="text/html", data=b"<script>alert(1)</script>"))
    answer = agent.get(f"{FIRST}/attachments/0")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "K%C3%A4ytt%C3%B6" in answer.headers["content-disposition"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "x-evil" not in answer.headers
    assert code(agent.get(f"{FIRST}/attachments/1")) == (404, "not_found")
    with desk.client("key-of-a-viewer") as viewer:
        assert viewer.get(f"{FIRST}/attachments/0").status_code == 403


def test_only_what_is_a_picture_by_its_bytes_is_shown_as_one(desk: Desk, agent: httpx.Client) -> None:
    attach(
        desk,
        File(name="a.html", media_type="text/html", data=PNG),
        File(name="b.png", media_type="image/png", data=SVG),
        File(name="c.webp", media_type="", data=b"RIFF\x00\x00\x00\x00WEBPVP8 "),
    )
    shown = agent.get(f"{FIRST}/attachments/0/picture")
    assert (shown.content, shown.headers["content-type"], shown.headers["content-disposition"]) == (PNG, "image/png", "inline")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert code(agent.get(f"{FIRST}/attachments/1/picture")) == (404, "not_found")
    assert agent.get(f"{FIRST}/attachments/2/picture").headers["content-type"] == "image/webp"


def test_an_attachment_that_was_left_aside_is_not_found(desk: Desk, agent: httpx.Client) -> None:
    attach(desk, File(name="a", media_type="a/b", data=b"x"), kept=False)
    assert code(agent.get(f"{FIRST}/attachments/0")) == (404, "not_found")
