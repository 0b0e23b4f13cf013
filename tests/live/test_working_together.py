"""Two agents on one case, and agents whose connection is slow or gone, before a real daemon."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from appliance.records.case import CaseState
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.desk import Desk, desk_of
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim

pytestmark = needs_chromium

OPERA = "Do you also repair bicycles and sell tickets to the opera?"
MINE = "We repair pumps only, and the opera sells its own tickets."
FREE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
OFFLINE = {**FREE, "offline": True}
SLOW = {"offline": False, "latency": 2_000, "downloadThroughput": 50_000, "uploadThroughput": 50_000}  # slow 3G: bytes a second


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, exim: Exim) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("together") / "home"
    with desk_of(home, dovecot, exim, undo_seconds=0, people=(("Oskar", "agent"),)) as running:
        yield running


def at_case(desk: Desk, context: BrowserContext, customer: str, name: str = "Maria") -> Page:
    """The case of this customer before this person."""
    page = desk.enter(context, name, then=f"/review?case={desk.came_to(customer, CaseState.REVIEW).id}")
    expect(page.locator(".opened-head")).to_contain_text(f"{customer}@example.com")
    return page


def line_of(context: BrowserContext, page: Page) -> CDPSession:
    return context.new_cdp_session(page)


def put(line: CDPSession, how: dict[str, object]) -> None:
    line.send("Network.emulateNetworkConditions", how)


def write(page: Page, text: str = MINE) -> None:
    page.get_by_label("Your reply").fill(text)


def send(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Approve and send")).click()


def test_who_comes_second_sees_who_is_at_it_is_refused_and_keeps_the_words(browser: Browser, desk: Desk) -> None:
    desk.writes("ola", OPERA)
    with window(browser, DESKTOP) as first, window(browser, DESKTOP) as second:
        maria, oskar = at_case(desk, first, "ola"), at_case(desk, second, "ola", "Oskar")
        expect(oskar.locator("#presence")).to_be_hidden()
        write(maria, "We only repair pumps.")
        expect(oskar.locator("#presence")).to_contain_text("Maria", timeout=15_000)
        write(oskar)
        send(maria)
        expect(maria.get_by_role("status")).to_contain_text("The reply goes to Ola")
        send(oskar)
        expect(oskar.get_by_text("This case does not wait for a decision any more.")).to_be_visible()
        expect(oskar.get_by_label("The reply as you left it")).to_have_value(MINE)
        oskar.get_by_role("link", name="Open the case").click()
        expect(oskar.locator("main")).to_contain_text("Maria")
    (mail,) = desk.got("ola")
    assert "We only repair pumps." in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_of_two_who_decide_at_the_same_moment_one_is_refused(browser: Browser, desk: Desk) -> None:
    desk.writes("pia", OPERA)
    with window(browser, DESKTOP) as first, window(browser, DESKTOP) as second:
        pages = at_case(desk, first, "pia"), at_case(desk, second, "pia", "Oskar")
        for page in pages:
            write(page)
        for page in pages:
            page.evaluate("setTimeout(() => document.getElementById('approve').requestSubmit(), 500)")
        done = [page.get_by_text("The reply goes to Pia").or_(page.get_by_text("does not wait for a decision")) for page in pages]
        for each in done:
            expect(each).to_be_visible()
        assert sorted("goes to" in each.inner_text() for each in done) == [False, True]
    desk.quiet()
    assert len(desk.got("pia")) == 1


def test_with_the_connection_gone_for_a_while_nothing_is_lost_and_nothing_is_sent_twice(browser: Browser, desk: Desk) -> None:
    desk.writes("rae", OPERA)
    with window(browser, DESKTOP) as context:
        page = at_case(desk, context, "rae")
        line = line_of(context, page)
        put(line, OFFLINE)
        expect(page.get_by_text("The connection is lost.")).to_be_visible(timeout=10_000)
        write(page)
        send(page)
        expect(page.get_by_text("Nothing was sent: the appliance cannot be reached.")).to_be_visible()
        desk.writes("sam", OPERA)  # meanwhile
        desk.held("sam")
        send(page)
        expect(page.get_by_label("Your reply")).to_have_value(MINE)
        assert desk.came_to("rae", CaseState.REVIEW)
        put(line, FREE)
        expect(page.locator("#queue")).to_contain_text("Sam", timeout=20_000)  # live again, without a hand
        expect(page.get_by_label("Your reply")).to_have_value(MINE)
        send(page)
        expect(page.get_by_role("status")).to_contain_text("The reply goes to Rae")
    desk.quiet()
    assert len(desk.got("rae")) == 1


def test_a_press_whose_answer_was_lost_is_not_doubled_by_another(browser: Browser, desk: Desk) -> None:
    desk.writes("tea", OPERA)
    with window(browser, DESKTOP) as context:
        page = at_case(desk, context, "tea")
        write(page)

        def swallow(route: object) -> None:
            route.fetch(max_redirects=0)  # type: ignore[attr-defined]  # it reaches the daemon; the answer does not come back
            route.abort()  # type: ignore[attr-defined]

        page.route("**/decide", swallow)
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/decide")):
            send(page)
        row = desk.came_to("tea", CaseState.REPLIED)
        page = context.new_page()
        page.goto(f"{desk.address}/review?case={row.id}")
        expect(page.locator(".opened-head")).to_contain_text("tea@example.com")
        expect(page.get_by_role("button", name=re.compile("^Approve and send"))).to_have_count(0)
    assert len(desk.got("tea")) == 1


def test_on_a_slow_line_two_presses_are_one_decision(browser: Browser, desk: Desk) -> None:
    desk.writes("una", OPERA)
    with window(browser, PHONE) as context:
        page = at_case(desk, context, "una")
        put(line_of(context, page), SLOW)
        write(page)
        send(page)
        send(page)
        expect(page.get_by_role("status")).to_contain_text("The reply goes to Una", timeout=40_000)
    desk.quiet()
    assert len(desk.got("una")) == 1


def test_a_daemon_that_starts_again_is_found_by_an_open_page_and_what_was_typed_is_there(browser: Browser, desk: Desk) -> None:
    desk.writes("ves", OPERA)
    with window(browser, DESKTOP) as context:
        page = at_case(desk, context, "ves")
        write(page)
        desk.restart(lambda: expect(page.get_by_text("The connection is lost.")).to_be_visible(timeout=10_000))
        expect(page.locator("#line")).to_be_hidden(timeout=30_000)
        desk.writes("wim", OPERA)
        expect(page.locator("#queue")).to_contain_text("Wim", timeout=20_000)
        expect(page.get_by_label("Your reply")).to_have_value(MINE)
        page.reload()
        expect(page.get_by_label("Your reply")).to_have_value(MINE)
        send(page)
        expect(page.get_by_role("status")).to_contain_text("The reply goes to Ves")
    desk.quiet()
    assert len(desk.got("ves")) == 1
