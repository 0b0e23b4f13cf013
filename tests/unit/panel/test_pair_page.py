"""The page of the pair: what stands there for whom, and what each button does."""

from collections.abc import Iterator

import httpx
import pytest

from appliance.ground.assets import asset
from appliance.pair.meeting.errors import REASONS
from appliance.pair.reasons import CODES
from appliance.panel import pair_view
from appliance.panel.guard import CONTENT_POLICY, content_policy
from appliance.records.language import LANGUAGES
from appliance.store.divergent import Divergent, Sent
from tests.support.twin_pair import CODE
from tests.unit.panel.conftest import Desk, token_of
from tests.unit.panel.test_words import TABLES, voice

ENGLISH = {"accept-language": "en"}
PARTS = ("start", "cancel", "join", "handover", "takeover", "leave", "drill")


@pytest.fixture
def admin(desk: Desk) -> Iterator[httpx.Client]:
    with desk.browser("key-of-an-admin", **ENGLISH) as browser:
        yield browser


def press(browser: httpx.Client, part: str, **said: str) -> httpx.Response:
    return browser.post(f"/pair/{part}", data={**said, "csrf": token_of(browser.get("/pair").text)})


def told(desk: Desk) -> list[str]:
    return [what for _, what in desk.twin.done]


def test_a_machine_alone_says_in_two_sentences_what_a_second_one_gives(admin: httpx.Client) -> None:
    page = admin.get("/pair").text
    assert TABLES["en"]["pair.empty"] in page
    assert TABLES["en"]["pair.empty_then"] in page
    assert "Show a code" in page
    assert 'name="code"' in page


def test_a_code_is_shown_large_with_what_to_do_on_the_other_one_and_taken_back(desk: Desk, admin: httpx.Client) -> None:
    assert press(admin, "start").headers["location"] == "/pair"
    page = admin.get("/pair").text
    assert f'<p class="pair-code">{CODE}</p>' in page
    assert f"tandem pair join {CODE.replace(' ', '')}" in page
    assert 'data-left="118"' in page
    assert "3 tries left" in page
    press(admin, "cancel")
    assert CODE not in admin.get("/pair").text
    assert told(desk) == ["pair_start", "pair_cancel"]


def test_a_code_that_is_over_is_not_shown_as_if_it_were_good(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.stands["pairing"] = {"code": CODE, "expires_seconds": 0, "tries_left": 0, "state": "void"}
    page = admin.get("/pair").text
    assert CODE not in page
    assert "good for nothing any more" in page


def test_who_may_not_pair_sees_no_code_and_no_button(desk: Desk) -> None:
    desk.twin.pair_start(desk.twin.keys_in_use["key-of-an-admin"])
    with desk.browser("key-of-an-operator", **ENGLISH) as browser:
        page = browser.get("/pair").text
        assert CODE not in page
        assert CODE.replace(" ", "") not in page
        assert "/pair/start" not in page
    with desk.client("key-of-an-operator") as program:
        assert program.get("/api/v1/pair").json()["pairing"]["code"] == ""


@pytest.mark.parametrize("part", PARTS)
def test_an_agent_is_refused_whatever_they_press(desk: Desk, part: str) -> None:
    desk.twin.make_pair()
    with desk.browser("key-of-an-agent", **ENGLISH) as browser:
        page = browser.get("/pair").text
        assert f'action="/pair/{part}"' not in page
        said = {"code": CODE, "kind": "kill", "sure": "true"}
        assert browser.post(f"/pair/{part}", data={**said, "csrf": token_of(browser.get("/me").text)}).status_code == 403
    assert told(desk) == []


def test_a_wrong_code_is_said_in_place_in_the_reader_s_language_and_the_address_stays(desk: Desk) -> None:
    with desk.browser("key-of-an-admin", **{"accept-language": "fi"}) as browser:
        answer = press(browser, "join", code="0000 0000", address="192.168.1.20:8485")
    assert answer.status_code == 409
    assert "Yrityksiä jäljellä: 2." in answer.text
    assert 'value="192.168.1.20:8485"' in answer.text
    assert told(desk) == []


def test_who_joins_sees_how_far_the_copying_is(desk: Desk, admin: httpx.Client) -> None:
    press(admin, "join", code=CODE, address="")
    page = admin.get("/pair").text
    assert "Everything is being copied over: 312 of 1,204" in page
    assert 'max="1204" value="312"' in page
    assert told(desk) == ["pair_join"]


def test_both_machines_stand_side_by_side_with_the_witness_and_the_history(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair()
    page = admin.get("/pair").text
    for said in ("Kallio leads. Sampo stands by and holds everything.", "In step", "192.168.1.21:8485", "a small program", "answers"):
        assert said in page
    assert "Kallio was handed the lead" in page
    assert "in 0.2 s" in page
    assert "lost 0, twice 0, held 1" in page
    assert "/pair/takeover" not in page
    assert "/pair/handover" in page


def test_handing_over_is_offered_only_while_both_are_in_step(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(reason="peer_catches_up", peer={"in_sync": False, "lag": 14})
    page = admin.get("/pair").text
    assert "14 entries behind" in page
    assert "/pair/handover" not in page
    desk.twin.make_pair()
    press(admin, "handover")
    assert told(desk) == ["pair_handover"]


@pytest.mark.parametrize("reason", sorted(pair_view.A_PERSON_MAY_TAKE_OVER))
def test_taking_over_needs_the_tick_that_the_other_one_is_off(desk: Desk, reason: str) -> None:
    desk.twin.make_pair(role="standby", reason=reason, peer={"seen": False, "seen_seconds": 95.0, "in_sync": False})
    with desk.browser("key-of-an-operator", **ENGLISH) as browser:
        answer = press(browser, "takeover")
        assert answer.status_code == 409
        assert "Nobody has said that the other machine is switched off." in answer.text
        assert told(desk) == []
        assert press(browser, "takeover", sure="true").status_code == 303
    assert told(desk) == ["pair_takeover"]


@pytest.mark.parametrize("reason", ["follows", "promise_runs", "no_leader_yet", "peer_and_witness_lost", "not_joined"])
def test_taking_over_is_not_offered_where_nobody_s_word_would_do(desk: Desk, admin: httpx.Client, reason: str) -> None:
    desk.twin.make_pair(role="standby", reason=reason)
    assert "/pair/takeover" not in admin.get("/pair").text


def test_only_the_machine_that_leads_can_end_the_pair_and_only_with_a_tick(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(role="standby")
    assert 'action="/pair/leave"' not in admin.get("/pair").text
    desk.twin.make_pair()
    assert press(admin, "leave").status_code == 409
    assert press(admin, "leave", sure="true").status_code == 303
    assert told(desk) == ["pair_leave"]


def test_a_drill_begins_and_an_overdue_one_warns(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(drills={"last": [], "overdue": True, "every_days": 30})
    assert "The last drill was more than 30 days ago." in admin.get("/pair").text
    press(admin, "drill", kind="cut", sandbox="true")
    assert told(desk) == ["pair_drill cut sandbox"]
    page = admin.get("/pair").text
    assert "failed" in page
    assert "more than 30 days" not in page


def test_what_was_set_aside_is_shown_with_what_had_left(desk: Desk, admin: httpx.Client) -> None:
    tail = Divergent(name="7-5.json", common=7, term=5, taken_at=desk.clock.now() - 60, entries=2, sent=(Sent(case="c-1", delivery="d-1"),))
    desk.twin.make_pair(divergent=[tail])
    page = admin.get("/pair").text
    assert "2 entries" in page
    assert "1 reply of it had left" in page


def test_a_name_from_the_other_machine_is_never_markup(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(peer={"node": "<b>no", "version": '"><script>', "address": "<i>", "panel": "javascript:alert(1)"})
    page = admin.get("/pair").text
    assert "<b>no" not in page.lower()
    assert '"><script>' not in page
    assert "<i>" not in page
    assert "javascript:" not in page


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("reason", CODES)
def test_every_reason_has_its_sentence_and_tone_and_all_but_the_good_ones_say_what_to_do(desk: Desk, reason: str, code: str) -> None:
    desk.twin.make_pair(reason=reason)
    said = pair_view.of_pair(desk.twin.pair(), voice(code))  # type: ignore[arg-type]
    assert said.text.endswith(".")
    assert "{" not in said.text + said.remedy
    assert reason in pair_view.TONES
    assert bool(said.remedy) == (said.tone != "good")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_refusal_of_pairing_has_words(code: str) -> None:
    assert [name for name in REASONS if f"problem.pair_{name}.message" not in TABLES[code]] == []  # type: ignore[index]


def test_a_reason_that_nobody_has_heard_of_is_said_in_english_and_looked_at(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(reason="something_new")
    assert admin.get("/pair").status_code == 200


def test_the_overview_says_who_leads_and_what_to_do_when_that_is_wrong(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair()
    assert "leads. Sampo stands by and holds everything." in admin.get("/").text
    desk.twin.make_pair(role="standby", reason="waits_for_person", peer={"seen": False})
    page = admin.get("/").text
    assert "The pair needs a look" in page
    assert 'href="/pair"' in page


@pytest.mark.parametrize("panel", ["http://sampo.local:8484", "https://mini-2.example.com"])
def test_a_page_may_ask_the_other_machine_and_nobody_else(desk: Desk, admin: httpx.Client, panel: str) -> None:
    desk.twin.peer_panel = panel
    desk.twin.make_pair()
    answer = admin.get("/")
    assert f'<meta name="tandem-other" content="{panel}">' in answer.text
    assert answer.headers["content-security-policy"] == content_policy(panel)
    assert f"connect-src 'self' {panel};" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "panel", ["", "javascript:alert(1)", "http://a b", "https://x/;script-src *", "http://u:p@x", "http://x\r\ny: z", "x y"]
)
def test_an_address_that_is_none_changes_no_policy(desk: Desk, admin: httpx.Client, panel: str) -> None:
    desk.twin.peer_panel = panel
    desk.twin.make_pair()
    answer = admin.get("/")
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert "tandem-other" not in answer.text


def test_a_node_that_knows_nothing_of_drills_has_its_page(desk: Desk, admin: httpx.Client) -> None:
    desk.twin.make_pair(drills=None)
    assert admin.get("/pair").status_code == 200


PROMISE = (
    "at most one automatic reply per message; every message ends as replied, held for a person, or dead letter; "
    "a send whose outcome is unknown is held and shown, never repeated."
)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_help_promises_what_is_kept_and_explains_every_reason(code: str) -> None:
    text = " ".join((asset("web") / "help" / code / "pair.md").read_text(encoding="utf-8").split())
    assert [reason for reason in CODES if f"`{reason}`" not in text] == []
    assert "exactly once" not in text
    assert PROMISE in text.replace("At most", "at most") or code != "en"
