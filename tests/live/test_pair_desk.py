"""The desk on two real nodes: work at whichever panel, what holds on both, and how it goes on when one of them dies.

One pair for the whole file: its tests stand in the order of a day, and the last of them kill nodes.
"""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.node.sandbox import OWNER
from appliance.records.case import CaseState
from tests.live.browser import DESKTOP, chromium, needs_chromium, window
from tests.live.desktop_window import desktop
from tests.live.display import display, needs_display
from tests.live.pair_desk import MACROS, PairDesk, Visitor, at_of, pair_desk, took, untouched, write_secret
from tests.support.chat import ForeignPage, foreign_page
from tests.support.home import POLICY, wait_for

pytestmark = pytest.mark.timeout(180)

LONG = 20_000  # milliseconds
BOTH_SECONDS = 2.0  # a lever holds on both nodes
READ_SECONDS = 3.0  # the longest that anything takes that only looks
FILES_SECONDS = 10.0  # a file changed on the leader is in force on the other
FIRST_ANSWER_SECONDS = 2.0  # from taking office to the first reply
OPENING = "What are your opening hours?"
DELIVERY = "What is the delivery time?"
OPERA = "Do you also repair bicycles and sell tickets to the opera?"
GUARANTEE = "How long is the guarantee?"
ANSWER = "Our opening hours are Monday to Friday 9-17."
DELIVERED = "The delivery time is 3 working days."
LOOKS = (
    "/", "/review", "/cases", "/cases?text=opera", "/knowledge", "/knowledge?text=opening&language=en", "/escalations", "/analytics",
    "/help", "/help/review", "/pair", "/admin", "/people", "/me", "/more", "/docs", "/metrics", "/health", "/readyz", "/livez",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def site() -> Iterator[ForeignPage]:
    with foreign_page() as page:
        yield page


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, site: ForeignPage) -> Iterator[PairDesk]:
    with pair_desk(tmp_path_factory.mktemp("pair"), (site.origin,)) as found:
        yield found


@pytest.fixture
def desk(running: PairDesk) -> PairDesk:
    """Both run, and each holds everything; whichever of them leads."""
    running.whole()
    return running


def opened(page: Page, customer: str) -> None:
    expect(page.locator(".opened-head")).to_contain_text(f"{customer}@example.com")


def at_case(page: Page, desk: PairDesk, name: str, customer: str) -> str:
    case = desk.came_to(customer, CaseState.REVIEW).id
    page.goto(f"{desk.address(name)}/review?case={case}")
    opened(page, customer)
    return case


def words_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


# Everybody may work at the machine that stands by


@needs_chromium
def test_whoever_works_at_the_standby_works_at_the_desk(browser: Browser, desk: PairDesk) -> None:
    leader, standby = desk.roles()
    for customer, text in {"ada": OPERA, "ben": OPERA, "cia": OPERA, "dan": OPERA}.items():
        desk.writes(customer, text)
    for customer in ("ada", "ben", "cia", "dan"):
        desk.came_to(customer, CaseState.REVIEW)
    with window(browser, DESKTOP) as context:
        page = desk.enter(context, standby)
        expect(page.locator("#queue [data-row]")).to_have_count(4)
        expect(page.locator("#node-line")).to_contain_text("stands by")

        at_case(page, desk, standby, "ada")  # in one's own words, taken back, and again
        page.keyboard.press("e")
        page.keyboard.type("We repair pumps only.")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Approved")
        page.get_by_role("button", name="Undo").click()
        opened(page, "ada")
        assert desk.row("ada", leader).state is CaseState.REVIEW  # type: ignore[union-attr]
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("We repair pumps, and nothing else.")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Approved")

        at_case(page, desk, standby, "ben")
        page.keyboard.press("r")
        page.keyboard.type("Nothing for us.")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("The case is closed.")

        at_case(page, desk, standby, "cia")
        page.keyboard.press("t")
        page.keyboard.press("Tab")
        page.keyboard.type("They do this, I think.")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Orders")

        at_case(page, desk, standby, "dan")
        page.keyboard.press("i")
        page.keyboard.press("Enter")
        expect(page.locator("#owner .chip").first).to_contain_text("Yours")
        page.keyboard.press("n")
        page.keyboard.type("Dan has called as well.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#notes")).to_contain_text("Dan has called as well.")
        page.keyboard.press("s")
        page.keyboard.press("Tab")
        page.keyboard.type("A dear customer.")
        page.keyboard.press("Enter")
        expect(page.locator("#owner .chip").first).to_contain_text("Level 1")

        page.get_by_role("button", name="Sign out", exact=True).first.click()
        expect(page).to_have_url(f"{desk.address(standby)}/sign-in")
        page.goto(f"{desk.address(standby)}/cases")
        expect(page.get_by_label("Password")).to_be_visible()
    assert words_of(desk.got("ada")).startswith("We repair pumps, and nothing else.")
    states = {customer: desk.row(customer, leader).state for customer in ("ben", "cia", "dan")}  # type: ignore[union-attr]
    assert states == {"ben": CaseState.CLOSED, "cia": CaseState.ROUTED, "dan": CaseState.REVIEW}
    notes = desk.commands(leader).notes(OWNER, desk.row("dan", leader).id)  # type: ignore[union-attr]
    assert [note.text for note in notes] == ["Dan has called as well.", "A dear customer."]


@needs_chromium
def test_knowledge_uploaded_at_the_standby_answers_the_next_mail(browser: Browser, desk: PairDesk, tmp_path: Path) -> None:
    leader, standby = desk.roles()
    manual = tmp_path / "guarantee.md"
    manual.write_text("| Key | Value | Aliases |\n|---|---|---|\n| Guarantee | The guarantee is 5 years. | warranty |\n", encoding="utf-8")
    with window(browser, DESKTOP) as context:
        page = desk.enter_by_token(context, standby, then="/knowledge")
        page.get_by_label("Excel, CSV or Markdown file").set_input_files(manual)
        page.locator("#upload-language").select_option("en")
        page.get_by_role("button", name="See the difference").first.click()
        expect(page.get_by_role("heading", name=re.compile("guarantee"))).to_be_visible()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_text(re.compile("is in use"))).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("guarantee"))).to_be_visible(timeout=LONG)
    desk.writes("lea", GUARANTEE)
    assert "The guarantee is 5 years." in words_of(desk.got("lea"))

    def knows(name: str) -> list[str]:
        return [one.passage.text for one in desk.commands(name).search(GUARANTEE, "en")]

    desk.pair.until(lambda: knows(standby) == knows(leader), "the standby did not learn it", FILES_SECONDS)
    assert "The guarantee is 5 years." in knows(standby)


def test_a_lever_and_a_new_person_hold_on_both_within_two_seconds(desk: PairDesk, record_property: Callable[[str, object], None]) -> None:
    leader, standby = desk.roles()
    panel = desk.by_token(standby)

    def stands(on: bool) -> bool:
        told = [desk.commands(name).status()["switches"]["automation_enabled"] for name in (leader, standby)]
        rows = [state for name in (leader, standby) for state in desk.commands(name).switch_states() if state.name == "automation_enabled"]
        return told == [on, on] and [row.on for row in rows] == [on, on]

    for on in (False, True):
        began = time.monotonic()
        panel.get("/")
        answer = panel.post("/switches", name="automation_enabled", on=str(on).lower())
        assert answer.status == 303, answer.text
        wait_for(lambda on=on: stands(on))  # type: ignore[misc]
        seconds = time.monotonic() - began
        record_property(f"lever {'on' if on else 'off'} on both, seconds", round(seconds, 3))
        assert seconds < BOTH_SECONDS


def test_a_key_issued_at_one_opens_the_other_and_is_revoked_on_both(desk: PairDesk, record_property: Callable[[str, object], None]) -> None:
    leader, standby = desk.roles()
    panel = desk.by_token(standby)
    panel.get("/people")
    issued = panel.post("/keys/add", name="till", role="1")
    secret = re.search(r"<code[^>]*>([\w-]{30,})</code>", issued.text)
    assert secret, issued.text
    doors = [Visitor(desk.address(name), key=secret[1]) for name in (leader, standby)]
    assert [door.get("/api/v1/status").status for door in doors] == [200, 200]
    keys = desk.commands(leader).keys()
    (key,) = (one["key"] for one in keys if one["name"] == "till")
    panel.get("/people")
    began = time.monotonic()
    assert panel.post(f"/keys/{key}/revoke").status == 303
    wait_for(lambda: [door.get("/api/v1/status").status for door in doors] == [401, 401])
    record_property("key revoked on both, seconds", round(time.monotonic() - began, 3))
    assert time.monotonic() - began < BOTH_SECONDS


def test_a_session_that_is_ended_at_one_is_over_at_the_other(desk: PairDesk, record_property: Callable[[str, object], None]) -> None:
    leader, standby = desk.roles()
    vera, _ = desk.by_name(standby, "Vera")
    also, _ = desk.by_name(leader, "Vera")
    assert vera.is_in
    assert also.is_in
    person = next(one for one in desk.commands(leader).people(OWNER) if one.name == "Vera")
    began = time.monotonic()
    desk.commands(standby).end_sessions(OWNER, person.id)
    wait_for(lambda: not vera.is_in and not also.is_in)
    record_property("sessions ended on both, seconds", round(time.monotonic() - began, 3))
    assert time.monotonic() - began < BOTH_SECONDS


def test_errors_are_told_at_the_standby_as_at_the_leader(desk: PairDesk) -> None:
    leader, standby = desk.roles()
    wrong = {name: desk.by_name(name, "Maria", "eighteen green pumps")[1] for name in (leader, standby)}
    assert wrong[leader].status == wrong[standby].status == 401
    assert "The name or the password is wrong." in wrong[standby].text
    vera, _ = desk.by_name(standby, "Vera")
    denied = [vera.post("/switches", name="automation_enabled", on="false")]
    owner = {name: desk.by_token(name) for name in (leader, standby)}
    desk.writes("eva", OPERA)
    case = desk.came_to("eva", CaseState.REVIEW).id
    wait_for(lambda: owner[standby].get(f"/cases/{case}").status == 200)
    owner[leader].get(f"/cases/{case}")
    assert owner[leader].post(f"/cases/{case}/decide", decision="reject", comment="").status == 303
    late = {name: one.post(f"/cases/{case}/decide", decision="reject", comment="") for name, one in owner.items()}
    missing = {name: one.post("/cases/c-000000000000000000/note", text="Hello") for name, one in owner.items()}
    assert denied[0].status == 403
    assert late[leader].status == late[standby].status == 409
    assert missing[leader].status == missing[standby].status
    for told in (late, missing):
        assert problem(told[leader].text) == problem(told[standby].text) != ""


def problem(page: str) -> str:
    """What a page says that refuses something."""
    found = re.search(r"<main.*?</main>", page, re.S)
    return " ".join(re.sub(r"<[^>]+>|[0-9a-f]{24,}", " ", found[0]).split()) if found else ""


def test_whoever_guesses_at_the_standby_has_to_wait_at_both(desk: PairDesk) -> None:
    leader, standby = desk.roles()
    answers = [desk.by_name(standby, "Otto", "wrong wrong wrong")[1].status for _ in range(8)]
    assert answers[0] == 401
    assert answers[-1] == 429
    refused = desk.by_name(leader, "Otto", "wrong wrong wrong")[1]
    assert refused.status == 429
    assert int(desk.by_name(standby, "Otto", "wrong wrong wrong")[1].headers["retry-after"]) >= 1


# Files of the pair


def test_a_secret_a_policy_and_macros_changed_on_the_leader_are_in_force_on_both(
    desk: PairDesk, record_property: Callable[[str, object], None]
) -> None:
    leader, standby = desk.roles()
    home, other = desk.home(leader), desk.home(standby)
    case = desk.case_of("dan")
    write_secret(home, "the second secret")
    seconds = took(lambda: (other / "secrets" / "mailbox").read_text().strip() == "the second secret", FILES_SECONDS)
    record_property("secret on the standby, seconds", round(seconds, 2))
    assert (other / "secrets" / "mailbox").stat().st_mode & 0o777 == 0o600
    (home / "policy.toml").write_text(POLICY.replace('"Orders"', '"Orders and returns"'), encoding="utf-8")
    seconds = took(lambda: desk.commands(standby).teams() == {"orders": "Orders and returns"}, FILES_SECONDS)
    record_property("policy in force on the standby, seconds", round(seconds, 2))
    (home / "macros.toml").write_text(MACROS.format(title="Many thanks"), encoding="utf-8")
    seconds = took(lambda: [one.title for one in desk.commands(standby).macros(OWNER, case)] == ["Many thanks"], FILES_SECONDS)
    record_property("macros in force on the standby, seconds", round(seconds, 2))


# A customer's conversation


@needs_chromium
def test_a_conversation_begun_at_the_standby_goes_on_at_the_other_when_the_leader_is_killed(
    browser: Browser, desk: PairDesk, site: ForeignPage
) -> None:
    leader, standby = desk.roles()
    site.chat, site.also = desk.chat(standby), desk.chat(leader)
    before = len(desk.commands(standby).rows(limit=500))
    with window(browser, DESKTOP) as context:
        tab = context.new_page()
        tab.goto(site.address())
        tab.locator("button.launch").click()
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER, timeout=LONG)
        kept = json.loads(str(tab.evaluate("Object.values(sessionStorage)[0]")))
        desk.kill(leader)
        ask(tab, DELIVERY)
        expect(tab.locator("article.desk .words").nth(1)).to_have_text(DELIVERED, timeout=LONG)
        desk.start(leader)
        expect(tab.locator(".pending")).to_have_count(0)
        tab.reload()
        expect(tab.locator("article.desk .words").nth(1)).to_have_text(DELIVERED, timeout=LONG)
        expect(tab.locator("article")).to_have_count(4)
        assert json.loads(str(tab.evaluate("Object.values(sessionStorage)[0]")))["secret"] == kept["secret"]
    assert len(desk.commands(desk.leader()).rows(limit=500)) == before + 2


def ask(tab: Page, text: str) -> None:
    tab.locator("textarea").fill(text)
    tab.keyboard.press("Enter")


# When a machine dies


def test_a_leader_that_freezes_holds_up_no_page_of_the_standby(desk: PairDesk, record_property: Callable[[str, object], None]) -> None:
    leader, standby = desk.roles()
    owner = desk.by_token(standby)
    for path in ("/review", "/knowledge"):
        assert owner.get(path).status == 200  # so that lines to the leader stand
    desk.pair.nodes[leader].signal(signal.SIGSTOP)
    try:
        waited = {path: owner.get(path).seconds for path in ("/review", "/knowledge", "/", "/pair", "/cases")}
    finally:
        desk.pair.nodes[leader].signal(signal.SIGCONT)
    record_property("slowest page while the leader is frozen, seconds", round(max(waited.values()), 2))
    assert max(waited.values()) < READ_SECONDS, waited


def test_without_a_leader_everything_can_still_be_looked_at_and_nothing_is_done(
    desk: PairDesk, record_property: Callable[[str, object], None]
) -> None:
    leader, standby = desk.roles()
    case = desk.case_of("dan")
    owner, (maria, _) = desk.by_token(standby), desk.by_name(standby)
    key = Visitor(desk.address(standby), key=desk.commands(standby).issue_key(OWNER, "reader", 4)["secret"])
    assert key.get("/api/v1/cases").status == 200
    desk.witness.kill()
    desk.kill(leader)
    desk.writes("nan", OPENING)
    slowest: dict[str, float] = {}

    def look(who: Visitor, path: str) -> str:
        answer = who.get(path)
        assert answer.status == 200, (path, answer.text)
        slowest[path] = max(slowest.get(path, 0.0), answer.seconds)
        return answer.text

    for _ in range(2):  # while the leader is not missed yet, and once it is
        for path in (*LOOKS, f"/cases/{case}", f"/review?case={case}"):
            look(owner, path)
        for path in (
            "/api/v1/cases",
            f"/api/v1/cases/{case}",
            "/api/v1/cases?text=opera",
            "/api/v1/escalations",
            "/api/v1/knowledge/sources",
            "/api/v1/pair",
        ):
            look(key, path)
        wait_for(lambda: desk.told(standby)["reason"] == "peer_and_witness_lost")
    record_property("slowest page without a leader, seconds", max((seconds, path) for path, seconds in slowest.items()))
    assert max(slowest.values()) < READ_SECONDS, slowest
    assert "sees neither" in look(owner, "/pair")
    assert "sees neither" in look(owner, "/")

    with untouched(desk.pair.inbox):
        refused = owner.post("/switches", name="automation_enabled", on="false")
        assert refused.status == 409
        assert problem(refused.text).count("Neither machine leads at this moment. Nothing was changed.") == 1
        assert "the page Pair says why" in problem(refused.text)
        told = key.call("POST", f"/api/v1/cases/{case}/notes", told={"text": "Hello"})
        assert told.told["error"]["code"] == "nobody_leads", told.text
        note = maria.post(f"/cases/{case}/note", text="Nobody may lose these words.")
        assert note.status == 409
        assert problem(note.text).count("Neither machine leads at this moment.") == 1
        assert "Nobody may lose these words." in note.text
        visitor, answer = desk.by_name(standby)  # nobody can write a session down, and somebody must be able to look
        assert answer.status == 303, answer.text
        assert "sees neither" in visitor.get("/pair").text
        assert visitor.post(f"/cases/{case}/note", text="Nor these.").status == 409
        visitor.get("/me")
        assert visitor.post("/sign-out").status == 303
        assert not visitor.is_in
        assert desk.by_name(standby, "Maria", "eighteen green pumps")[1].status == 401
        assert desk.by_token(standby).is_in
    assert len(list(desk.pair.inbox.glob("*nan.eml"))) == 1
    assert desk.received("nan") == []


def test_the_first_answer_leaves_within_two_seconds_of_the_promotion(
    running: PairDesk, record_property: Callable[[str, object], None]
) -> None:
    desk = running
    (standby,) = (name for name in desk.pair.nodes if desk.pair.nodes[name].runs)
    since = time.time()
    assert desk.told(standby)["role"] == "standby"
    assert not desk.received("nan")
    desk.witness.start()
    desk.got("nan")
    ((path, _),) = desk.sent("nan@example.com")
    (taken,) = desk.logged(standby, "office_taken", since)
    seconds = path.stat().st_mtime - at_of(taken)
    record_property("first answer after the promotion, seconds", round(seconds, 2))
    assert seconds < FIRST_ANSWER_SECONDS


@needs_chromium
def test_a_page_of_a_machine_that_died_goes_on_at_the_other_one(browser: Browser, desk: PairDesk) -> None:
    leader, standby = desk.roles()
    case = desk.case_of("dan")
    with window(browser, DESKTOP) as context:
        page = desk.enter_by_token(context, leader, then=f"/cases/{case}")
        opened(page, "dan")
        desk.kill(leader)
        expect(page.locator("#away")).to_contain_text("This Mini does not answer.", timeout=LONG)
        page.wait_for_url(f"{desk.address(standby)}/**", timeout=LONG)
        expect(page.get_by_label("Password")).to_be_visible()
        page.get_by_label("Name").fill("Maria")
        page.get_by_label("Password").fill("seventeen blue pumps")
        page.get_by_role("button", name="Sign in", exact=True).click()
        opened(page, "dan")
        assert page.url == f"{desk.address(standby)}/cases/{case}"


@needs_display
def test_the_window_learns_the_other_panel_from_the_daemon_and_goes_on_there(desk: PairDesk, tmp_path: Path) -> None:
    pytest.importorskip("PySide6", reason="the desktop window is not installed (requirements/desktop.txt)")
    leader, standby = desk.roles()
    wait_for(lambda: desk.told(leader)["peer"]["panel"] == desk.address(standby))
    config = tmp_path / "config"
    config.mkdir()
    with display(tmp_path) as screen:
        surroundings = {**screen.environment(), "TANDEM_HOME": str(desk.home(leader)), "TANDEM_PANEL__PORT": port_of(desk, leader)}
        with desktop(config, surroundings, "desktop") as shown:
            wait_for(lambda: str(shown.ask("url")).startswith(desk.address(leader)), 30)
            desk.kill(leader)
            wait_for(lambda: str(shown.ask("url")).startswith(desk.address(standby)), 40)
            assert shown.close() == 0
        assert json.loads((config / "tandem" / "window.json").read_text())["peer"] == desk.address(standby)


def port_of(desk: PairDesk, name: str) -> str:
    return desk.address(name).rpartition(":")[2]
