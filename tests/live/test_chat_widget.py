"""The customer's widget in a real browser, on somebody else's web page with a strict policy of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.test_panel_axe import AXE, RULES
from tests.support.chat import ForeignPage, Shown, foreign_page, shown
from tests.support.home import wait_for

pytestmark = needs_chromium

AINO = Actor(name="aino", role=Role.AGENT)
OPENING = "What are your opening hours?"
ANSWER = "Our opening hours are Monday to Friday 9-17."
OPERA = "Do you also repair bicycles and sell tickets to the opera?"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page() -> Iterator[ForeignPage]:
    with foreign_page() as served:
        yield served


@pytest.fixture(autouse=True)
def chat(page: ForeignPage, tmp_path: Path) -> Iterator[Shown]:
    with shown(tmp_path / "home", origins=(page.origin,)) as running:
        page.chat = running.address
        yield running


def enter(context: BrowserContext, page: ForeignPage, language: str = "en") -> Page:
    """The foreign page with the chat open."""
    tab = context.new_page()
    tab.goto(page.address(language))
    tab.locator("button.launch").click()
    return tab


def ask(tab: Page, text: str) -> None:
    tab.locator("textarea").fill(text)
    tab.keyboard.press("Enter")


def approve(chat: Shown, text: str) -> None:
    """An agent answers whatever waits for a person, in their own words."""
    (row,) = chat.node.commands.rows((CaseState.REVIEW,))
    chat.node.commands.decide(AINO, Approval(case=row.id, decision="approve", by=AINO.name, text=text))


def test_a_question_on_a_foreign_page_is_answered_with_its_source_and_leaves_no_cookie(browser: Browser, page: ForeignPage) -> None:
    with window(browser, DESKTOP) as context:
        faults: list[str] = []
        context.on("console", lambda message: faults.append(message.text))
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)
        expect(tab.locator("article.desk .sources")).to_have_text("Based on: Opening hours")
        expect(tab.locator("article.customer")).to_have_count(1)
        assert context.cookies() == []
        assert faults == []


@pytest.mark.parametrize(
    ("language", "question", "words"),
    [
        ("fi", "Mikä on toimitusaika?", ["Kysy meiltä", "Lähetä", "Sinä", "Automaattinen vastaus", "Toimitusaika on 3 arkipäivää."]),
        ("sv", "Säljer ni biljetter till operan?", ["Fråga oss", "Skicka", "Du", "En människa svarar dig", "E-postadress"]),
        ("en", OPENING, ["Ask us", "Send", "You", "Automatic answer", ANSWER]),
    ],
)
def test_it_speaks_the_language_of_the_page(browser: Browser, page: ForeignPage, language: str, question: str, words: list[str]) -> None:
    with window(browser, DESKTOP, language="de") as context:
        tab = context.new_page()
        tab.goto(page.address(language))
        expect(tab.locator("button.launch")).to_have_text(words[0])
        tab.locator("button.launch").click()
        expect(tab.locator("button.send")).to_have_text(words[1])
        ask(tab, question)
        expect(tab.locator("article.customer .who")).to_have_text(words[2])
        for said in words[3:]:
            expect(tab.get_by_text(said, exact=True)).to_be_visible()


def test_what_an_agent_answers_appears_by_itself_and_is_still_there_after_a_reload(
    browser: Browser, page: ForeignPage, chat: Shown
) -> None:
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        ask(tab, OPERA)
        expect(tab.locator(".status")).to_contain_text("A person will answer")
        approve(chat, "We repair pumps only.")
        expect(tab.locator("article.person .words")).to_have_text("We repair pumps only.")
        tab.reload()
        expect(tab.locator("article.person .words")).to_have_text("We repair pumps only.")
        expect(tab.locator("article")).to_have_count(2)
        other = enter(context, page)
        expect(other.locator("article")).to_have_count(0)


def test_whoever_asks_for_a_person_is_told_so_and_can_leave_an_address(browser: Browser, page: ForeignPage, chat: Shown) -> None:
    with window(browser, PHONE) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk")).to_be_visible()
        tab.get_by_role("button", name="Talk to a person").click()
        expect(tab.locator(".status")).to_contain_text("You asked for a person")
        tab.get_by_label("E-mail address").fill("aino at example")
        tab.get_by_role("button", name="Leave the address").click()
        expect(tab.get_by_role("alert")).to_have_text("This does not look like an e-mail address.")
        tab.get_by_label("E-mail address").fill("aino@example.fi")
        tab.get_by_role("button", name="Leave the address").click()
        expect(tab.locator(".status")).to_contain_text("Your e-mail address is kept")
    (row,) = chat.node.commands.rows((CaseState.REVIEW,))
    assert row.reason == "customer_asked_for_person"
    assert chat.node.commands.chat_of(AINO, row.id)["address"] == "aino@example.fi"


def test_when_an_agent_closes_the_conversation_the_customer_can_begin_a_new_one(browser: Browser, page: ForeignPage, chat: Shown) -> None:
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk")).to_be_visible()
        (row,) = chat.node.commands.rows()
        chat.node.commands.close_chat(AINO, chat.node.commands.chat_of(AINO, row.id)["session"])
        tab.get_by_role("button", name="Begin a new conversation").click()
        ask(tab, "What is the delivery time?")
        expect(tab.locator("article.desk .words")).to_have_text("The delivery time is 3 working days.")
        expect(tab.locator("article")).to_have_count(2)


def test_a_page_that_is_not_named_gets_nothing(browser: Browser, page: ForeignPage, tmp_path: Path) -> None:
    with shown(tmp_path / "other", origins=("https://www.elsewhere.example",)) as chat, window(browser, DESKTOP) as context:
        page.chat = chat.address
        tab = context.new_page()
        tab.goto(page.address())
        tab.locator("button.launch").click()
        ask(tab, OPENING)
        expect(tab.locator(".pending")).to_be_visible()
        expect(tab.locator(".notice")).to_contain_text("lost")
        assert chat.node.commands.rows() == []


def test_a_dropped_line_is_told_and_what_was_written_meanwhile_arrives_once(browser: Browser, page: ForeignPage, chat: Shown) -> None:
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        ask(tab, OPENING)
        expect(tab.locator("article.desk")).to_be_visible()
        port = chat.server.port
        chat.server.stop(3.0)
        expect(tab.locator(".notice")).to_have_text("The connection was lost. We are trying again.", timeout=15_000)
        ask(tab, "What is the delivery time?")
        expect(tab.locator(".pending")).to_be_visible()
        chat.start(port)
        expect(tab.locator("article.desk .words").nth(1)).to_have_text("The delivery time is 3 working days.", timeout=30_000)
        expect(tab.locator(".notice")).not_to_contain_text("lost")
        expect(tab.locator("article")).to_have_count(4)
    assert len(chat.node.commands.rows()) == 2


def test_on_a_slow_line_what_was_written_is_shown_at_once_and_said_once(browser: Browser, page: ForeignPage) -> None:
    with window(browser, PHONE) as context:
        tab = enter(context, page)
        slow = context.new_cdp_session(tab)
        slow.send(
            "Network.emulateNetworkConditions", {"offline": False, "latency": 1500, "downloadThroughput": 4000, "uploadThroughput": 4000}
        )
        ask(tab, OPENING)
        expect(tab.locator(".pending")).to_have_text(OPENING, timeout=1000)
        expect(tab.locator("article.desk")).to_be_visible(timeout=30_000)
        expect(tab.locator("article")).to_have_count(2)


def test_what_could_not_be_sent_is_sent_after_a_reload(browser: Browser, page: ForeignPage) -> None:
    with window(browser, DESKTOP) as context:
        tab = enter(context, page)
        context.route("**/api/ai/chat*", lambda route: route.abort())
        ask(tab, OPENING)
        expect(tab.locator(".pending")).to_be_visible()
        context.unroute("**/api/ai/chat*")
        tab.reload()
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)
        expect(tab.locator("article")).to_have_count(2)


def test_too_many_messages_are_refused_in_words_and_can_be_sent_later(browser: Browser, page: ForeignPage, tmp_path: Path) -> None:
    home = tmp_path / "strict"
    with shown(home, origins=(page.origin,), sessions_per_hour=1) as chat, window(browser, DESKTOP) as context:
        page.chat = chat.address
        ask(enter(context, page), OPENING)
        wait_for(lambda: len(chat.node.commands.rows()) == 1)
        second = enter(context, page)
        ask(second, OPENING)
        expect(second.locator(".unsent .wrong")).to_contain_text("That was a lot at once.")
        expect(second.get_by_role("button", name="Send again")).to_be_visible()


def test_it_can_be_used_by_keyboard_alone_and_holds_the_focus_only_where_it_fills_the_screen(browser: Browser, page: ForeignPage) -> None:
    for size, modal in ((DESKTOP, "false"), (PHONE, "true")):
        with window(browser, size) as context:
            tab = context.new_page()
            tab.goto(page.address())
            tab.locator("button.launch").focus()
            tab.keyboard.press("Enter")
            expect(tab.locator("textarea")).to_be_focused()
            assert tab.get_by_role("dialog").get_attribute("aria-modal") == modal
            tab.keyboard.press("Tab")
            expect(tab.locator("button.send")).to_be_focused()
            tab.keyboard.press("Tab")
            if modal == "true":
                expect(tab.locator("button.icon")).to_be_focused()
                tab.keyboard.press("Shift+Tab")
                expect(tab.locator("button.send")).to_be_focused()
            tab.locator("textarea").focus()
            tab.keyboard.press("Escape")
            expect(tab.get_by_role("dialog")).to_have_count(0)
            expect(tab.locator("button.launch")).to_be_focused()


def test_the_page_of_its_own_works_without_a_script(browser: Browser, chat: Shown) -> None:
    with window(browser, PHONE, language="fi", scripts=False) as context:
        tab = context.new_page()
        tab.goto(f"{chat.address}/chat")
        tab.get_by_label("Viestisi").fill("Mikä on toimitusaika?")
        tab.get_by_role("button", name="Lähetä").click()
        expect(tab.locator("article.desk .words")).to_have_text("Toimitusaika on 3 arkipäivää.")
        tab.get_by_role("button", name="Pyydä ihminen vastaamaan").click()
        approve(chat, "Tulen kohta. Aino")
        wait_for(lambda: not chat.node.commands.rows((CaseState.REVIEW, CaseState.REPLYING)))
        tab.get_by_role("button", name="Katso, onko vastaus tullut").click()
        expect(tab.locator("article.person .words")).to_have_text("Tulen kohta. Aino")
        assert "secret" not in tab.url
        assert context.cookies() == []


def test_the_page_of_its_own_talks_like_the_widget_when_there_are_scripts(browser: Browser, chat: Shown) -> None:
    with window(browser, DESKTOP) as context:
        tab = context.new_page()
        tab.goto(f"{chat.address}/chat")
        ask(tab, OPENING)
        expect(tab.locator("article.desk .words")).to_have_text(ANSWER)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_shuts_nobody_out(
    browser: Browser, page: ForeignPage, chat: Shown, size: dict[str, int], colours: Literal["light", "dark"]
) -> None:
    judge = AXE.read_text(encoding="utf-8")

    def faults(tab: Page) -> list[Any]:
        tab.evaluate(judge)
        found = tab.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        return [(fault["id"], [node["target"] for node in fault["nodes"]][:3]) for fault in found]

    with window(browser, size, colours) as context:
        tab = context.new_page()
        tab.goto(page.address())
        expect(tab.locator("button.launch")).to_be_visible()
        assert faults(tab) == []
        tab.locator("button.launch").click()
        ask(tab, OPENING)
        expect(tab.locator("article.desk")).to_be_visible()
        ask(tab, OPERA)
        expect(tab.locator("form.address")).to_be_visible()
        assert faults(tab) == []
        own = context.new_page()
        own.goto(f"{chat.address}/chat")
        expect(own.locator("button.send")).to_be_visible()
        assert faults(own) == []
