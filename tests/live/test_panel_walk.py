"""A person walks through the panel in a real browser: at a desk and on a phone, with and without scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.records.person import Role
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, unfold, window
from tests.live.panel import FIRST, PAGES, UNCERTAIN, Served, served
from tests.support.panel_twin import a_case

pytestmark = needs_chromium
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def panel() -> Iterator[Served]:
    with served() as running:
        yield running


def walk_to_the_first_case(page: Page) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Review").click()
    page.locator("#queue").get_by_role("link", name="Anna Virtanen").click()
    expect(page.get_by_role("heading", name="Pumpun palautus")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("size", SIZES)
def test_one_signs_in_reviews_and_approves(browser: Browser, panel: Served, size: str, scripts: bool) -> None:
    with window(browser, SIZES[size], scripts=scripts) as context:
        page = context.new_page()
        page.goto(f"{panel.address}/review")
        page.get_by_text("Sign in with a key", exact=True).click()
        page.get_by_label("Key", exact=True).fill("wrong")
        page.get_by_role("button", name="Sign in with the key").click()
        expect(page.get_by_text("This key is not known.")).to_be_visible()
        page.get_by_label("Key", exact=True).fill("key-of-an-agent")
        page.get_by_role("button", name="Sign in with the key").click()
        walk_to_the_first_case(page)
        button = page.get_by_role("button", name="Approve and send to Anna Virtanen <anna.virtanen@example.fi>")
        expect(button).to_be_visible()
        expect(page.get_by_text("no source says this")).to_be_visible()
        page.get_by_text("Edit the reply", exact=True).click()
        page.get_by_label("Your reply").fill("Hei Anna,\n\npalautus on maksuton.\n\nPohjolan Pumput")
        button.click()
        expect(page.get_by_role("status")).to_contain_text("Approved in your words. The reply goes to Anna Virtanen")
    (actor, approval), *more = panel.twin.done
    assert not more
    assert (actor.name, approval.case, approval.decision) == ("Aino", FIRST, "approve")
    assert approval.text == "Hei Anna,\n\npalautus on maksuton.\n\nPohjolan Pumput"


@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_the_screen_and_none_complains(browser: Browser, panel: Served, size: str) -> None:
    with window(browser, SIZES[size]) as context:
        page = panel.enter(context)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        for name, path in PAGES.items():
            page.goto(panel.address + path)
            unfold(page)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= SIZES[size]["width"], (name, width)
        assert [text for text in complaints if "404" not in text] == []


def test_the_citation_of_a_sentence_shows_on_hover_and_on_focus(browser: Browser, panel: Served) -> None:
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/review?case={FIRST}")
        sentence = page.locator(".sentence[tabindex]").first
        tip = sentence.locator(".tip")
        expect(tip).to_be_hidden()
        sentence.hover()
        expect(tip).to_contain_text("30 päivän kuluessa toimituksesta, kun se on käyttämätön")
        page.mouse.move(0, 0)
        expect(tip).to_be_hidden()
        sentence.focus()
        expect(tip).to_be_visible()


def test_keys_move_and_prepare_but_never_decide(browser: Browser, panel: Served) -> None:
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/review")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Reklamation på faktura 2231")).to_be_visible()
        page.goto(f"{panel.address}/review")
        page.keyboard.press("a")
        expect(page.get_by_role("button", name="Approve and send")).to_be_focused()
        page.goto(f"{panel.address}/review")
        page.keyboard.press("e")
        expect(page.get_by_label("Your reply")).to_be_focused()
        page.keyboard.type("art?")
        expect(page.get_by_label("Your reply")).to_have_value(re.compile("^art\\?Hei"))
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        expect(page.get_by_label("Why? (kept with the case)")).to_be_focused()
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_label("Use these keys").uncheck()
        page.keyboard.press("Escape")
        page.goto(f"{panel.address}/review")
        page.keyboard.press("a")
        expect(page.get_by_role("button", name="Approve and send")).not_to_be_focused()
    assert panel.twin.done == []


def test_a_new_case_appears_by_itself_and_an_edit_under_way_stays(browser: Browser, panel: Served) -> None:
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/review?case={FIRST}")
        page.get_by_text("Edit the reply", exact=True).click()
        page.get_by_label("Your reply").fill("My own words")
        page.wait_for_timeout(1200)  # the line opens and says where the journal stands
        panel.twin.add(a_case(800, panel.twin.clock, minutes=500, subject="Brand new"))
        expect(page.locator("#queue")).to_contain_text("Brand new", timeout=10_000)
        expect(page.locator("#waiting-count")).to_contain_text("7")
        expect(page.get_by_label("Your reply")).to_have_value("My own words")


def test_when_all_is_done_the_next_case_appears_by_itself(browser: Browser, panel: Served) -> None:
    panel.twin.files.clear()
    with window(browser, DESKTOP) as context:
        page = panel.enter(context)
        page.goto(f"{panel.address}/review")
        expect(page.get_by_text("All done")).to_be_visible()
        page.wait_for_timeout(1200)
        panel.twin.add(a_case(801, panel.twin.clock, subject="Brand new"))
        expect(page.get_by_role("heading", name="Brand new")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("size", SIZES)
def test_a_long_sender_is_cut_and_the_time_stays(browser: Browser, panel: Served, size: str) -> None:
    address = f"{'a-very-long-name' * 8}@example.com"
    panel.twin.add(a_case(900, panel.twin.clock, minutes=900, name="", address=address, subject="Long"))
    with window(browser, SIZES[size]) as context:
        page = panel.enter(context)
        for path, part in (("/", "line"), ("/review", "item"), ("/cases", "cell")):
            who, when = f".{part}-who", f".{part}-when"
            page.goto(panel.address + path)
            row = page.locator("a.item, a.line, .cases tbody tr").filter(has_text=address[:20]).first
            sender, edge = row.locator(who), row.bounding_box()
            expect(sender).to_have_text(address)
            assert sender.evaluate("part => part.scrollWidth > part.clientWidth && getComputedStyle(part).textOverflow") == "ellipsis", path
            expect(row.locator(when)).to_be_visible()
            time = row.locator(when).bounding_box()
            assert edge is not None, path
            assert time is not None, path
            assert time["x"] + time["width"] <= edge["x"] + edge["width"] + 1, path
            assert row.locator(when).evaluate("part => part.scrollWidth <= part.clientWidth + 1"), path


@pytest.mark.parametrize("size", SIZES)
def test_an_uncertain_reply_is_sent_again_only_after_the_box_is_ticked(browser: Browser, panel: Served, size: str) -> None:
    with window(browser, SIZES[size]) as context:
        page = panel.enter(context, Role.AGENT)
        page.goto(f"{panel.address}/review?case={UNCERTAIN}")
        page.get_by_role("button", name="Send it again").click()
        assert panel.twin.done == []
        page.get_by_label("I have looked").check()
        page.get_by_role("button", name="Send it again").click()
        expect(page.get_by_role("status")).to_contain_text("The reply goes out once more.")
    assert [what for _, what in panel.twin.done] == ["resend"]


def test_a_lever_is_pulled_and_every_page_says_so(browser: Browser, panel: Served) -> None:
    with window(browser, PHONE) as context:
        page = panel.enter(context, Role.OPERATOR)
        page.get_by_role("button", name="Turn off: Outgoing mail").click()
        expect(page.get_by_role("status")).to_contain_text("Outgoing mail is off.")
        page.goto(f"{panel.address}/cases")
        expect(page.get_by_text("Nothing leaves until it is turned on again.")).to_be_visible()
    assert panel.twin.levers["outbound_enabled"].by == "Maria"
