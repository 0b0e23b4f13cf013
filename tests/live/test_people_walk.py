"""People in a real browser: sign in by name, one's own page, the page of people and keys; at a desk and on a phone."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from appliance.records.person import Actor, Role
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.panel import Served, served
from tests.live.test_panel_axe import AXE, RULES
from tests.support.twin_people import PASSWORD

pytestmark = needs_chromium
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def panel() -> Iterator[Served]:
    with served() as running:
        twin = running.twin
        twin.hire("Maria Kallio", Role.ADMIN)
        aino = twin.hire("Aino Laine")
        gone = twin.hire("Oskar Lindqvist-Hämäläinen af Storhammar", Role.OPERATOR)
        owner = Actor(name="owner", role=Role.ADMIN)
        twin.change_person(owner, gone.id, active=False)
        twin.set_profile(owner, aino.id, email="aino.laine@pumps.example", signature="Terveisin\nAino Laine")
        twin.issue_key(owner, "dashboard in the hall", 1)
        twin.sign_in("Aino Laine", PASSWORD, "")
        yield running


def enter(panel: Served, context: BrowserContext, name: str = "Maria Kallio", password: str = PASSWORD, then: str = "/me") -> Page:
    page = context.new_page()
    page.goto(f"{panel.address}/sign-in?next={then}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("size", SIZES)
def test_one_signs_in_by_name_writes_a_signature_and_signs_out(browser: Browser, panel: Served, size: str, scripts: bool) -> None:
    with window(browser, SIZES[size], scripts=scripts) as context:
        page = enter(panel, context, "Aino Laine", "not this one")
        expect(page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
        expect(page.get_by_label("Name")).to_have_value("Aino Laine")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Aino Laine")).to_be_visible()
        page.get_by_label("Your signature").fill("Kind regards\nAino")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        page.goto(panel.address)
        page.get_by_role("link", name="Aino Laine").click()
        expect(page.get_by_label("Your signature")).to_have_value("Kind regards\nAino")
        page.get_by_role("button", name="Sign out", exact=True).first.click()
        expect(page).to_have_url(f"{panel.address}/sign-in")


def test_an_admin_finds_the_page_adds_somebody_and_issues_a_key(browser: Browser, panel: Served) -> None:
    with window(browser, DESKTOP) as context:
        page = enter(panel, context)
        page.get_by_role("link", name="People and keys").click()
        page.get_by_label("Name", exact=True).fill("Sanna")
        page.get_by_label("First password").fill("short")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_label("First password")).to_be_focused()  # the browser itself says that it is too short
        page.get_by_label("First password").fill("a long enough one")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Sanna is added.")
        page.get_by_label("Which program is it for?").fill("till")
        page.get_by_role("button", name="Issue", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text(re.compile("secret-\\d"))


def test_a_browser_that_is_signed_out_elsewhere_comes_to_the_sign_in_page_by_itself(browser: Browser, panel: Served) -> None:
    with window(browser, DESKTOP) as context:
        page = enter(panel, context, then="/review")
        expect(page.get_by_role("heading", name="Review").first).to_be_visible()
        page.wait_for_timeout(1200)  # the live line opens and says where the journal stands
        panel.twin.browsers.clear()
        panel.twin.position += 1
        expect(page.get_by_label("Password")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_pages_shut_nobody_out_and_fit_the_screen(
    browser: Browser, panel: Served, size: str, colours: Literal["light", "dark"]
) -> None:
    judge = AXE.read_text(encoding="utf-8")
    with window(browser, SIZES[size], colours) as context:
        page = enter(panel, context)
        for path in ("/sign-in", "/me", "/people"):
            page.goto(panel.address + path)
            for fold in page.locator("main details:visible > summary").all():
                fold.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], path
            page.evaluate(judge)
            faults = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
            assert [(path, fault["id"], [node["target"] for node in fault["nodes"]][:3]) for fault in faults] == []
