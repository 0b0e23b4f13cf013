"""The day of an owner in a real browser, before a real daemon: is it all right, what came of it, who may come in."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.panel.manual import chapters
from appliance.records.case import CaseState
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.desk import OWNER, PASSWORD, Desk, desk_of
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.support.home import wait_for

pytestmark = needs_chromium

OPENING = "What are your opening hours?"
OPERA = "Do you also repair bicycles and sell tickets to the opera?"
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, exim: Exim) -> Iterator[Desk]:
    """A desk that has answered two customers by itself and holds two for a person."""
    with desk_of(tmp_path_factory.mktemp("owner") / "home", dovecot, exim, undo_seconds=0) as running:
        running.commands.set_switch(OWNER, "automation_enabled", True)
        for customer, text in (("amy", OPENING), ("bob", OPENING), ("cat", OPERA), ("dee", OPERA)):
            running.writes(customer, text)
        for customer in ("amy", "bob"):
            running.came_to(customer, CaseState.REPLIED)
        running.held("cat", "dee")
        yield running


def in_view(page: Page, selector: str) -> bool:
    """Whether it can be seen without a hand on the mouse."""
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    return box is not None and size is not None and box["y"] >= 0 and box["y"] + box["height"] <= size["height"]


@pytest.mark.parametrize(("size", "customer"), [("desktop", "cat"), ("phone", "dee")])
def test_the_first_glance_says_what_waits_and_what_to_do_about_it(browser: Browser, desk: Desk, size: str, customer: str) -> None:
    row = desk.came_to(customer, CaseState.REVIEW)
    desk.commands.escalate(OWNER, row.id, 2, "A dear customer.")
    with window(browser, SIZES[size]) as context:
        page = desk.enter(context, then="/")
        expect(page.get_by_role("heading", level=1)).to_contain_text("2 cases wait for you")
        assert in_view(page, "#glance h1")
        assert in_view(page, "#repairs .repair")
        if size == "desktop":
            assert in_view(page, "#levers")
        expect(page.locator(".lever")).to_have_count(3)
        page.locator("#repairs").get_by_role("link").click()
        page.get_by_role("button", name="I look after it").click()
        expect(page.get_by_role("button", name="I look after it")).to_have_count(0)
        expect(page.locator("#escalations")).to_contain_text("Maria")
        page.goto(desk.address)
        expect(page.locator("#repairs .repair")).to_have_count(0)


def test_the_numbers_of_the_day_are_those_of_the_cases(browser: Browser, desk: Desk) -> None:
    with window(browser, DESKTOP) as context:
        page = desk.enter(context, then="/analytics")
        figures = page.locator("#days .figures > div")
        for name, number in (("Came in", 4), ("Answered automatically", 2), ("Still waiting", 2)):
            expect(figures.filter(has_text=name).locator(".figure")).to_have_text(str(number))
        page.get_by_role("link", name="30 days").click()
        expect(figures.filter(has_text="Came in").locator(".figure")).to_have_text("4")


def test_whoever_is_let_in_by_the_owner_works_and_whoever_is_shut_out_is_out_within_two_seconds(browser: Browser, desk: Desk) -> None:
    with window(browser, DESKTOP) as owners, window(browser, DESKTOP) as agents:
        page = desk.enter(owners, then="/people")
        page.get_by_label("Name", exact=True).fill("Sanna")
        page.get_by_label("First password").fill(PASSWORD)
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Sanna is added.")
        sanna = desk.enter(agents, "Sanna")
        expect(sanna.locator("#queue")).to_be_visible()
        assert sanna.goto(f"{desk.address}/people").status == 403  # type: ignore[union-attr]
        sanna.goto(f"{desk.address}/review")
        page.reload()
        page.locator(".person").filter(has_text="Sanna").locator("summary").click()
        page.locator(".person").filter(has_text="Sanna").get_by_role("button", name="Shut out").click()
        wait_for(lambda: agents.request.get(f"{desk.address}/me", headers={"Accept": "text/html"}).status == 401, 2.0)
        expect(sanna.get_by_label("Password")).to_be_visible(timeout=10_000)  # the open page goes by itself


def test_a_key_opens_the_api_from_its_issue_to_its_end(browser: Browser, desk: Desk) -> None:
    with window(browser, DESKTOP) as owners, window(browser, DESKTOP) as programs:
        page = desk.enter(owners, then="/people")
        page.get_by_label("Which program is it for?").fill("dashboard")
        page.get_by_role("button", name="Issue", exact=True).click()
        headers = {"X-API-Key": page.locator(".issued code").inner_text()}
        ask = f"{desk.address}/api/v1/status"
        assert programs.request.get(ask, headers=headers).status == 200
        page.goto(f"{desk.address}/people")
        expect(page.locator(".issued")).to_have_count(0)
        page.get_by_role("button", name=re.compile("^Revoke.*dashboard")).click()
        wait_for(lambda: programs.request.get(ask, headers=headers).status == 401, 2.0)


@pytest.mark.parametrize("size", SIZES)
def test_the_help_is_there_in_three_languages(browser: Browser, desk: Desk, size: str) -> None:
    with window(browser, SIZES[size]) as context:
        page = desk.enter(context, then="/")
        titles: dict[str, list[str]] = {}
        for language in ("fi", "sv", "en"):
            for chapter in chapters(language):
                page.goto(f"{desk.address}/help/{chapter}?lang={language}")
                expect(page.locator("html")).to_have_attribute("lang", language)
                assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], (language, chapter)
                titles.setdefault(chapter, []).append(page.get_by_role("heading", level=1).inner_text())
        assert [chapter for chapter, said in titles.items() if len(set(said)) != 3] == []


def test_on_a_phone_everything_is_within_two_touches_and_a_lever_can_be_pulled(browser: Browser, desk: Desk) -> None:
    with window(browser, PHONE) as context:
        page = desk.enter(context, then="/")
        for name in ("Analytics", "People", "Help", "Appliance"):
            page.get_by_role("link", name="More", exact=True).click()
            page.get_by_role("navigation", name="More").get_by_role("link", name=name, exact=True).click()
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name
        page.get_by_role("link", name="Overview").click()
        page.get_by_role("button", name="Turn off: Outgoing mail").click()
        expect(page.get_by_role("status")).to_contain_text("Outgoing mail is off.")
        page.get_by_role("button", name="Turn on: Outgoing mail").click()
        expect(page.get_by_role("status")).to_contain_text("Outgoing mail is on.")
