"""Clips in the panel and over HTTP: brought in, played in whole or in part, read as they were said, heard again."""

from typing import Any

import httpx
import pytest

from appliance.panel.api.voice import plain
from appliance.panel.downloads import sound
from appliance.records.voice import HeardClip
from tests.support.told_ear import tone
from tests.support.twin_voice import heard_clip
from tests.unit.panel.conftest import Desk, token_of

CASE = "c-000000000000000001"
SOUND = f"/api/v1/cases/{CASE}/clips/0/sound"


@pytest.fixture
def agent(desk: Desk) -> Any:
    with desk.client("key-of-an-agent") as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_clip_is_brought_in_with_who_spoke_and_the_same_sound_is_refused_with_its_case(agent: httpx.Client) -> None:
    fields = {"name": "Maija", "address": "maija@example.fi", "telephone": "040 123", "language": "fi"}
    first = agent.post("/api/v1/voice/clips", data=fields, files={"file": ("call.wav", tone())}).json()
    assert first["known"] is False
    assert code(agent.post("/api/v1/voice/clips", files={"file": ("call.wav", tone())})) == (409, "same_audio")
    again = agent.post("/api/v1/voice/clips", data={"again": "true"}, files={"file": ("call.wav", tone())}).json()
    assert again["case"] != first["case"]


def test_what_brings_no_clip_or_odd_fields_is_refused(desk: Desk, agent: httpx.Client) -> None:
    assert code(agent.post("/api/v1/voice/clips", files={"other": ("call.wav", tone())})) == (400, "no_clip")
    assert agent.post("/api/v1/voice/clips", data={"language": "klingon"}, files={"file": ("a.wav", tone())}).status_code == 400
    assert code(agent.post("/api/v1/voice/clips", files={"file": ("a.wav", b"")})) == (400, "no_clip")
    with desk.client("key-of-a-viewer") as viewer:
        assert viewer.post("/api/v1/voice/clips", files={"file": ("a.wav", tone())}).status_code == 403
        assert viewer.get(SOUND).status_code == 403
        assert viewer.get("/api/v1/voice").json()["enabled"] is True


def test_what_nobody_can_see_is_left_out_of_who_spoke(agent: httpx.Client) -> None:
    fields = {"name": "Mai\nja\x07", "telephone": " +358 50\u2028 1"}
    assert agent.post("/api/v1/voice/clips", data=fields, files={"file": ("a.wav", tone())}).status_code == 200
    assert plain(fields["name"]) == "Maija"
    assert plain(fields["telephone"]) == "+358 50 1"


def test_what_was_heard_is_told_with_its_times_and_speakers(desk: Desk, agent: httpx.Client) -> None:
    desk.twin.give_clip(CASE, tone())
    (clip,) = agent.get(f"/api/v1/cases/{CASE}/clips").json()["clips"]
    assert (clip["state"], clip["transcript"]["confidence"], clip["transcript"]["segments"][1]["speaker"]) == ("heard", 0.92, 0)
    assert agent.get("/api/v1/cases/c-none/clips").status_code == 404


def test_sound_is_served_in_whole_and_in_part_and_does_nothing_else(desk: Desk, agent: httpx.Client) -> None:
    desk.twin.give_clip(CASE, tone())
    whole = agent.get(SOUND)
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, tone(), "audio/wav")
    assert whole.headers["accept-ranges"] == "bytes"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert "no-store" in whole.headers["cache-control"]
    part = agent.get(SOUND, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, tone()[4:8], f"bytes 4-7/{len(tone())}")
    assert code(agent.get(f"/api/v1/cases/{CASE}/clips/1/sound")) == (404, "not_found")


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ("bytes=0-", 206, b"0123456789"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-30", 206, b"0123456789"),
        ("bytes=2-2", 206, b"2"),
        ("bytes=5-999999", 206, b"56789"),
        ("bytes=10-", 416, b""),
        ("bytes=5-2", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=0-1,4-5", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("", 200, b"0123456789"),
    ],
)
def test_a_part_is_what_the_standard_says_it_is(wanted: str, status: int, content: bytes) -> None:
    answer = sound(b"0123456789", wanted)
    assert (answer.status_code, answer.content) == (status, content)


def test_the_page_of_a_case_shows_each_clip_with_its_words_and_how_surely_they_were_heard(desk: Desk) -> None:
    desk.twin.give_clip(CASE, tone())
    with desk.browser(**{"accept-language": "en"}) as browser:
        page = browser.get(f"/cases/{CASE}").text
        policy = browser.get(f"/cases/{CASE}").headers["content-security-policy"]
    assert f'<audio controls preload="none" src="{SOUND}"' in page
    assert "media-src 'self'" in policy
    for words in ("0:01 Speaker 1", "0:00 Speaker 2", "When are you open?", "Heard clearly (92 %).", "Spoken in: English.", "1:04"):
        assert words in page
    assert "When are you" in page.split("What the quick stage heard")[1]


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (heard_clip(state="failed", trouble="clip_unreadable", transcript=None, first=None), "The clip could not be read"),
        (heard_clip(state="waiting", transcript=None, first=None), "It waits to be heard."),
        (heard_clip(state="claimed", transcript=None), "It is being heard at this moment."),
    ],
)
def test_a_clip_without_words_yet_says_why(desk: Desk, clip: HeardClip, words: str) -> None:
    desk.twin.give_clip(CASE, tone(), clip)
    with desk.browser(**{"accept-language": "en"}) as browser:
        assert words in browser.get(f"/cases/{CASE}").text


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_language_has_the_words(desk: Desk, language: str) -> None:
    desk.twin.give_clip(CASE, tone())
    with desk.browser(**{"accept-language": "en"}) as browser:
        assert browser.get(f"/cases/{CASE}?lang={language}").status_code == 200


def test_a_case_in_review_is_heard_again_from_its_page_and_over_http(desk: Desk, agent: httpx.Client) -> None:
    desk.twin.give_clip(CASE, tone())
    with desk.browser(**{"accept-language": "en"}) as browser:
        page = browser.get(f"/cases/{CASE}").text
        done = browser.post(f"/cases/{CASE}/hear-again", data={"csrf": token_of(page), "then": "case"})
        assert (done.status_code, done.headers["location"]) == (303, f"/cases/{CASE}")
        assert "Being heard" in browser.get(f"/cases/{CASE}").text
    assert code(agent.post(f"/api/v1/cases/{CASE}/clips/hear-again")) == (409, "not_in_review")
