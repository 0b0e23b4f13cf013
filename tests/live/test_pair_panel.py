"""The page of the pair in a real browser, and what panel and chat do when the machine they came from is no more."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, unfold, window
from tests.live.panel import FIRST, Served, served
from tests.live.test_panel_axe import AXE, RULES
from tests.support.chat import ForeignPage, Shown, foreign_page, shown
from tests.support.home import wait_for
from tests.support.twin_pair import CODE

pytestmark = needs_chromium
AINO = Actor(name="aino", role=Role.AGENT)
LONG = 20_000  # milliseconds: three to notice, six to count down, and room for a busy machine
OPENING = "What are your opening hours?"
ANSWER = "Our opening hours are Monday to Friday 9-17."
DELIVERY = "What is the delivery time?"
DELIVERED = "The delivery time is 3 working days."


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def here() -> Iterator[ExitStack]:
    """Whatever stands in it ends when the test says so, or with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def other() -> Iterator[Served]:
    with served() as running:
        running.twin.make_pair()
        yield running


def with_other(here: ExitStack, other: Served, **said: str) -> Served:
    """A panel that knows where the other one is."""
    panel = here.enter_context(served())
    panel.twin.peer_panel = other.address
    panel.twin.make_pair(**said)  # type: ignore[arg-type]
    return panel


def bar(page: Page) -> Locator:
    return page.locator("#away")


# The page


def test_two_machines_are_paired_with_a_code_that_counts_down_and_the_page_follows_by_itself(browser: Browser) -> None:
    with served() as panel, window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="Pair").click()
        page.get_by_role("button", name="Show a code").click()
        expect(page.locator(".pair-code")).to_have_text(CODE)
        expect(page.locator("[data-left]")).to_have_text(re.compile(r"^(118|117|116|115) s$"))
        expect(page.locator("[data-left]")).to_have_text(re.compile(r"^11[0-6] s$"))
        panel.twin.stands["pairing"]["tries_left"] = 1
        expect(page.get_by_text("1 try left")).to_be_visible()
        page.get_by_role("button", name="Show no code").click()
        expect(page.get_by_role("status")).to_contain_text("good for nothing any more")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_wrong_code_is_said_where_it_was_typed_and_the_right_one_joins(browser: Browser, scripts: bool) -> None:
    with served() as panel, window(browser, PHONE, scripts=scripts) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/pair")
        page.get_by_label("Code", exact=True).fill("1111 2222")
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("alert")).to_contain_text("Tries left: 2.")
        page.get_by_label("Code", exact=True).fill(CODE)
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text("Kallio is still receiving everything that Sampo knows.")


def test_a_peer_that_falls_silent_is_shown_without_a_reload_and_a_person_takes_over(browser: Browser) -> None:
    with served() as panel, window(browser, DESKTOP) as context:
        panel.twin.make_pair(role="standby")
        page = panel.enter(context, Role.OPERATOR)
        page.goto(f"{panel.address}/pair")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sampo leads. Kallio stands by.")
        quiet = panel.twin.position
        panel.twin.make_pair(role="standby", reason="waits_for_person", peer={"seen": False, "seen_seconds": 4.0, "in_sync": False})
        panel.twin.position = quiet  # silence writes no entry
        expect(page.get_by_role("heading", level=1)).to_contain_text("Sampo is lost")
        page.reload()
        page.get_by_role("button", name="Kallio takes over").click()
        assert panel.twin.done == []  # the browser asks for the tick first
        page.get_by_label("Sampo is switched off; I have seen it myself.").check()
        page.get_by_role("button", name="Kallio takes over").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Kallio took over because a person said so.")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_state_of_the_pair_shuts_anybody_out(browser: Browser, size: dict[str, int], colours: str) -> None:
    judge, found = AXE.read_text(encoding="utf-8"), []
    with served() as panel, window(browser, size, colours) as context:  # type: ignore[arg-type]
        page = panel.enter(context)
        twin = panel.twin
        lost = {"peer": {"seen": False, "seen_seconds": 95.0, "in_sync": False}, "witness": {"kind": "none"}}
        twin.peer_panel = "http://127.0.0.1:9"
        states = {
            "code": lambda: twin.stands.update(pairing={"code": CODE, "expires_seconds": 118, "tries_left": 3, "state": "waiting"}),
            "leads": lambda: twin.make_pair(drills={"last": [], "overdue": True, "every_days": 30}),
            "joining": lambda: twin.make_pair("standby", "not_joined", progress={"step": "seeding", "done": 1, "total": 4}),
            "lost": lambda: twin.make_pair("standby", "waits_for_person", **lost),
        }
        for name, becomes in states.items():
            becomes()
            page.goto(f"{panel.address}/pair")
            unfold(page)
            page.evaluate(
                "const bar = document.getElementById('away'); if (bar) { bar.hidden = false; bar.querySelector('p').textContent = 'A'; }"
            )
            page.evaluate(judge)
            for fault in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
                found.append((name, fault["id"], [node["target"] for node in fault["nodes"]][:3]))
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
    assert found == []


# The panel goes on at the other machine


def test_when_its_machine_dies_a_page_goes_on_at_the_other_one_at_the_same_case(browser: Browser, here: ExitStack, other: Served) -> None:
    panel = with_other(here, other)
    with window(browser, DESKTOP) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = panel.enter(context)
        page.goto(f"{panel.address}/cases/{FIRST}?lang=sv")
        expect(bar(page)).to_be_hidden()
        page.wait_for_timeout(2_500)  # it has asked its own machine by then
        assert [url for url in asked if url.startswith(other.address)] == []
        assert any(url == f"{panel.address}/livez" for url in asked)
        here.close()
        expect(bar(page)).to_contain_text(
            re.compile(r"svarar inte\. Fortsätter på 127\.0\.0\.1:\d+ om \d s; du kan behöva logga in där igen"), timeout=LONG
        )
        page.wait_for_url(f"{other.address}/cases/{FIRST}?lang=sv", timeout=LONG)
        expect(page.get_by_label("Namn")).to_be_visible()


def test_a_machine_that_is_frozen_and_refuses_nothing_is_noticed_too(browser: Browser, here: ExitStack, other: Served) -> None:
    panel = with_other(here, other)
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        never: list[Route] = []
        page.route(f"{panel.address}/livez", lambda route: never.append(route))
        expect(bar(page)).to_be_visible(timeout=LONG)
        page.unroute(f"{panel.address}/livez")
        expect(bar(page)).to_be_hidden(timeout=LONG)
        assert page.url.startswith(panel.address)


def test_nobody_is_taken_away_from_what_they_wrote_or_where_they_want_to_stay(browser: Browser, here: ExitStack, other: Served) -> None:
    panel = with_other(here, other)
    with window(browser, DESKTOP) as context:
        writing, staying = panel.enter(context), panel.enter(context)
        writing.goto(f"{panel.address}/review?case={FIRST}")
        unfold(writing)
        writing.get_by_label("Your reply").fill("Half a reply")
        here.close()
        staying.bring_to_front()
        staying.get_by_role("button", name="Stay here").click(timeout=LONG)
        expect(bar(staying)).to_contain_text("You can go on at")
        writing.bring_to_front()
        expect(bar(writing)).to_contain_text("What you wrote stays on this page", timeout=LONG)
        writing.wait_for_timeout(8_000)  # longer than the count
        assert writing.get_by_label("Your reply").input_value() == "Half a reply"
        assert staying.url.startswith(panel.address)
        writing.get_by_role("link", name="Go on there").click()
        writing.wait_for_url(f"{other.address}/review?case={FIRST}")


def test_while_neither_answers_the_page_says_so_and_stays(browser: Browser, here: ExitStack) -> None:
    with served() as gone:
        address = gone.address
    panel = here.enter_context(served())
    port = int(panel.address.rpartition(":")[2])
    panel.twin.peer_panel = address
    panel.twin.make_pair()
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        here.close()
        expect(bar(page)).to_contain_text("Neither this Mini nor", timeout=LONG)
        expect(page.get_by_role("link", name="Go on there")).to_be_hidden()
        with served(port):
            expect(bar(page)).to_be_hidden(timeout=LONG)


def test_a_machine_alone_asks_nobody(browser: Browser) -> None:
    with served() as panel, window(browser, DESKTOP) as context:
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = panel.enter(context)
        page.wait_for_timeout(2_500)
        assert not any("livez" in url or "other.js" in url for url in asked)
        assert page.locator("#away").count() == 0


# The customer's conversation goes on at the other machine


@pytest.fixture
def two(here: ExitStack, tmp_path: Path) -> Iterator[tuple[ForeignPage, Shown, Shown]]:
    """Two chats before one node, as two machines of a pair hold the same conversations."""
    with foreign_page() as page:
        first = here.enter_context(shown(tmp_path / "home", origins=(page.origin,)))
        second = Shown(first.node, first.options)
        second.start()
        here.callback(second.server.stop, 3.0)
        page.chat, page.also = first.address, second.address
        yield page, first, second


def enter(context: BrowserContext, page: ForeignPage) -> Page:
    tab = context.new_page()
    tab.goto(page.address())
    tab.locator("button.launch").click()
    return tab


def machine_of(tab: Page, first: Shown, second: Shown) -> Shown:
    """The one that the tab talks to: whose script came first."""
    at: str = tab.evaluate("JSON.parse(Object.values(sessionStorage)[0]).at")
    return first if at.startswith(first.address) else second


def ask(tab: Page, text: str) -> None:
    tab.locator("textarea").fill(text)
    tab.keyboard.press("Enter")


def test_a_conversation_goes_on_at_the_other_machine_and_survives_a_reload(browser: Browser, two: tuple[ForeignPage, Shown, Shown]) -> None:
    page, first, second = two
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        assert tab.locator("button.launch").count() == 1  # though the page has the script of both
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)
        machine_of(tab, first, second).server.stop(3.0)
        ask(tab, DELIVERY)
        expect(tab.locator("article.desk .words").nth(1)).to_have_text(DELIVERED, timeout=LONG)
        expect(tab.locator(".pending")).to_have_count(0)
        expect(tab.locator(".notice")).not_to_contain_text("lost", timeout=LONG)
        assert len(first.node.commands.rows()) == 2
        tab.reload()
        expect(tab.locator("article.desk .words").nth(1)).to_have_text(DELIVERED, timeout=LONG)
        expect(tab.locator("article")).to_have_count(4)


def test_what_an_agent_answers_reaches_a_customer_whose_machine_has_died(browser: Browser, two: tuple[ForeignPage, Shown, Shown]) -> None:
    page, first, second = two
    with window(browser, PHONE) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)
        machine_of(tab, first, second).server.stop(3.0)
        tab.get_by_role("button", name="Talk to a person").click()
        expect(tab.locator(".status")).to_contain_text("You asked for a person", timeout=LONG)
        wait_for(lambda: bool(first.node.commands.rows((CaseState.REVIEW,))))
        (case,) = [row.id for row in first.node.commands.rows((CaseState.REVIEW,))]
        first.node.commands.decide(AINO, Approval(case=case, decision="approve", by=AINO.name, text="Three days. Aino"))
        expect(tab.locator("article.person .words").last).to_have_text("Three days. Aino", timeout=LONG)


def test_a_customer_whose_both_machines_are_gone_keeps_the_words_until_one_is_back(
    browser: Browser, two: tuple[ForeignPage, Shown, Shown]
) -> None:
    page, first, second = two
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)
        port = second.server.port
        for chat in (first, second):
            chat.server.stop(3.0)
        ask(tab, DELIVERY)
        expect(tab.locator(".notice")).to_have_text("The connection was lost. We are trying again.", timeout=LONG)
        second.start(port)
        expect(tab.locator("article.desk .words").nth(1)).to_have_text(DELIVERED, timeout=2 * LONG)
    assert len(first.node.commands.rows()) == 2


def test_the_page_shows_the_chat_though_the_machine_named_first_is_dead(browser: Browser, two: tuple[ForeignPage, Shown, Shown]) -> None:
    page, first, _ = two
    first.server.stop(3.0)
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER, timeout=LONG)
