"""The day of an agent in a real browser, before a real daemon with its mailbox and its mail server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.records.case import CaseState
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.desk import OWNER, SIGNATURE, Desk, desk_of
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.support.home import wait_for

pytestmark = needs_chromium

OPENING, RETURN, DELIVERY = "What are your opening hours?", "How long is the return period?", "What is the delivery time?"
OPERA = "Do you also repair bicycles and sell tickets to the opera?"
TEN = {
    "ada": OPENING, "ben": OPERA, "cia": RETURN, "dan": DELIVERY, "eva": OPERA,
    "fay": OPERA, "gus": OPENING, "hal": DELIVERY, "ida": RETURN, "jon": DELIVERY,
}  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot, exim: Exim) -> Iterator[Desk]:
    with desk_of(tmp_path_factory.mktemp("agent") / "home", dovecot, exim) as running:
        yield running


def opened(page: Page, customer: str) -> None:
    """The case of this customer is open."""
    expect(page.locator(".opened-head")).to_contain_text(f"{customer}@example.com")


def move_to(page: Page, customer: str) -> None:
    """Open the case of this customer with j, k and Enter."""
    for _ in TEN:
        page.keyboard.press("k")
    while f"{customer.capitalize()}" not in str(page.evaluate("document.activeElement.innerText")):
        before = page.evaluate("document.activeElement.href")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.href") != before, f"{customer} is not in the list"
    page.keyboard.press("Enter")
    opened(page, customer)


def approve(page: Page, said: str = "Approved") -> None:
    page.keyboard.press("a")
    expect(page.get_by_role("button", name=re.compile("^Approve and send"))).to_be_focused()
    case = page.locator("#presence").get_attribute("data-case")
    page.keyboard.press("Enter")
    expect(page.locator(f"#presence[data-case='{case}']")).to_have_count(0)  # another page, which says what became of it
    expect(page.get_by_role("status")).to_contain_text(said)


def words_of(mail: object) -> str:
    body = mail.get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content())


def test_ten_cases_are_done_by_keyboard_alone_and_each_reply_arrives_once(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    for customer, text in TEN.items():
        desk.writes(customer, text, f"Question of {customer.capitalize()}")
    desk.held(*TEN)
    price_list = tmp_path / "prices.csv"
    price_list.write_bytes(b"pump;100\r\n")
    with window(browser, DESKTOP) as context:
        page = desk.enter(context, then="/me")
        page.get_by_label("Your signature").fill(SIGNATURE)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Saved.")
        page.keyboard.press("g")
        page.keyboard.press("r")
        expect(page.locator("#queue [data-row]")).to_have_count(10)

        opened(page, "ada")  # as it is
        approve(page)

        opened(page, "ben")  # a ready-made answer, and more
        page.keyboard.press("m")
        expect(page.get_by_role("button", name="Insert")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Your reply")).to_be_focused()
        page.keyboard.type(" We repair pumps only.")
        page.keyboard.press("Escape")
        approve(page)

        opened(page, "cia")  # edited
        page.keyboard.press("e")
        expect(page.get_by_label("Your reply")).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type("You have 14 days to return a pump, and we pay the way back.")
        page.keyboard.press("Escape")
        approve(page, "Approved in your words")

        opened(page, "dan")  # approved by a slip, and taken back
        approve(page)
        page.keyboard.press("u")
        expect(page.get_by_role("button", name="Undo")).to_be_focused()
        page.keyboard.press("Enter")
        opened(page, "dan")
        expect(page.get_by_role("status")).to_be_visible()

        move_to(page, "eva")  # for the team
        page.keyboard.press("t")
        expect(page.get_by_label("Team")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.type("They do this, I think.")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Orders")

        move_to(page, "fay")  # no answer at all
        page.keyboard.press("r")
        expect(page.get_by_label("Why? (kept with the case)")).to_be_focused()
        page.keyboard.type("Nothing for us.")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("The case is closed.")

        move_to(page, "gus")  # with a file
        page.get_by_text("Enclose files", exact=True).focus()
        page.keyboard.press("Enter")
        page.get_by_label("At most 5 files, 10 MB together.").set_input_files(price_list)
        page.keyboard.press("Escape")
        approve(page)

        move_to(page, "hal")  # taken, with a note
        page.keyboard.press("i")
        page.keyboard.press("Enter")
        expect(page.locator("#owner .chip").first).to_contain_text("Yours")
        page.keyboard.press("n")
        page.keyboard.type("Hal has called as well.")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#notes")).to_contain_text("Hal has called as well.")
        approve(page)

        move_to(page, "ida")  # somebody higher up must know
        page.keyboard.press("s")
        expect(page.get_by_label("How urgent is it?")).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.type("A dear customer.")
        page.keyboard.press("Enter")
        expect(page.locator("#owner .chip").first).to_contain_text("Level 1")
        approve(page)

        page.keyboard.press("/")  # found by words
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("question jon")
        page.keyboard.press("Enter")
        expect(page.locator("[data-row]")).to_have_count(1)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        opened(page, "jon")
        approve(page)

        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        move_to(page, "dan")
        page.keyboard.press("r")
        page.keyboard.press("Enter")
        expect(page.get_by_text("All done")).to_be_visible()
    desk.quiet()
    answered = [customer for customer in TEN if desk.row(customer).state is CaseState.REPLIED]  # type: ignore[union-attr]
    assert answered == ["ada", "ben", "cia", "gus", "hal", "ida", "jon"]
    for customer in TEN:
        mails = desk.got(customer) if customer in answered else desk.received(customer)
        assert len(mails) == (customer in answered), customer
        for mail in mails:
            assert mail["In-Reply-To"] == mail["References"] == f"<{customer}@example.com>"
            assert mail["Subject"].startswith(f"Re: Question of {customer.capitalize()} [#")
            assert mail["From"].addresses[0].addr_spec == "support@pumps.example"
            assert mail["Auto-Submitted"] is None
            assert words_of(mail).rstrip().endswith(f"-- \n{SIGNATURE}\nTest Pumps, customer service")
    assert "Monday to Friday 9-17" in words_of(desk.got("ada")[0])
    assert words_of(desk.got("ben")[0]).startswith("Hello Ben, thank you for writing to Test Pumps. We repair pumps only.")
    assert "we pay the way back" in words_of(desk.got("cia")[0])
    (along,) = desk.got("gus")[0].iter_attachments()
    assert (along.get_filename(), along.get_payload(decode=True)) == ("prices.csv", b"pump;100\r\n")
    (handed_over,) = desk.got("orders")
    assert "opera" in words_of(handed_over)


def test_a_chat_customer_is_answered_from_the_panel_and_sees_it(browser: Browser, desk: Desk) -> None:
    with window(browser, DESKTOP) as agents, window(browser, PHONE) as customers:
        page, tab = desk.enter(agents), customers.new_page()
        tab.goto(desk.chat_address)
        tab.locator("textarea").fill(OPERA)
        tab.keyboard.press("Enter")
        expect(tab.locator(".status")).to_contain_text("A person will answer")
        row = page.get_by_role("link", name=re.compile("Do you also repair bicycles"))
        expect(row).to_be_visible(timeout=15_000)  # without anybody having loaded the page again
        row.click()
        expect(page.locator(".opened-head")).to_contain_text("Chat")
        page.keyboard.press("e")
        page.keyboard.type("We repair pumps only.")
        page.keyboard.press("Escape")
        approve(page, "The customer reads it in the chat.")
        expect(tab.locator("article.person .words")).to_contain_text("We repair pumps only.", timeout=15_000)
        expect(tab.locator("article.person")).to_have_count(1)


def test_what_is_uploaded_answers_the_next_such_mail_by_itself(browser: Browser, desk: Desk, tmp_path: Path) -> None:
    manual = tmp_path / "guarantee.md"
    manual.write_text("| Key | Value | Aliases |\n|---|---|---|\n| Guarantee | The guarantee is 5 years. | warranty |\n", encoding="utf-8")
    desk.commands.set_switch(OWNER, "automation_enabled", True)
    desk.writes("kim", "How long is the guarantee?")
    desk.held("kim")
    with window(browser, DESKTOP) as context:
        page = desk.enter(context, then="/knowledge")
        page.get_by_label("Excel, CSV or Markdown file").set_input_files(manual)
        page.locator("#upload-language").select_option("en")
        page.get_by_role("button", name="See the difference").first.click()
        expect(page.get_by_role("heading", name=re.compile("guarantee"))).to_be_visible()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_be_visible()
    desk.writes("lea", "How long is the guarantee?")
    (mail,) = desk.got("lea")
    assert "The guarantee is 5 years." in words_of(mail)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert desk.received("kim") == []


def test_with_the_lever_off_nothing_leaves_until_it_is_on_again(browser: Browser, desk: Desk) -> None:
    desk.commands.set_switch(OWNER, "automation_enabled", True)
    with window(browser, DESKTOP) as context:
        page = desk.enter(context, then="/")
        page.get_by_role("button", name="Turn off: Outgoing mail").click()
        expect(page.get_by_role("status")).to_contain_text("Outgoing mail is off.")
        desk.writes("mia", OPENING)
        desk.writes("ned", OPERA)
        desk.held("ned")
        wait_for(lambda: (row := desk.row("mia")) is not None and row.state in (CaseState.REVIEW, CaseState.REPLYING))
        page.goto(f"{desk.address}/review?case={desk.row('ned').id}")  # type: ignore[union-attr]
        page.keyboard.press("e")
        page.keyboard.type("We repair pumps only.")
        page.keyboard.press("Escape")
        approve(page)
        expect(page.locator(".undo")).to_be_hidden(timeout=20_000)  # its time is over
        assert desk.received("mia") == desk.received("ned") == []
        page.goto(desk.address)
        page.get_by_role("button", name="Turn on: Outgoing mail").click()
        expect(page.get_by_role("status")).to_contain_text("Outgoing mail is on.")
        assert len(desk.got("ned")) == 1
