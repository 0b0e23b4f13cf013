"""An operator changes what the company knows in a real browser, in front of a real node: upload, difference, activate, ask, back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.node.node import Node
from appliance.panel.app import build_app
from appliance.panel.door import PanelOptions
from appliance.panel.front import PanelServer
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.support.home import KNOWLEDGE, make_home, running_node
from tests.unit.knowledge.workbooks import workbook

pytestmark = needs_chromium
NEWER = KNOWLEDGE.replace("Monday to Friday 9-17", "Monday to Saturday 8-20") + "| Night service | <b>It answers</b> from 18 to 6. | |\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with running_node(make_home(tmp_path / "home")) as node:
        yield node


@pytest.fixture
def address(node: Node) -> Iterator[str]:
    server = PanelServer()
    server.start("127.0.0.1", 0)
    server.attach(build_app(node.commands, PanelOptions(port=server.port, company="Test Pumps")))
    yield f"http://127.0.0.1:{server.port}"
    server.stop(2.0)


def enter(page: Page, node: Node, address: str) -> None:
    page.goto(f"{address}/sign-in?token={node.commands.new_token()}")
    page.goto(f"{address}/knowledge")


def upload(page: Page, name: str, content: bytes, source: str = "") -> None:
    page.get_by_label("Excel, CSV or Markdown file").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    page.get_by_label("Takes the place of").select_option(source)
    page.locator("form[action='/knowledge/upload']").get_by_role("button", name="See the difference").click()


def ask(page: Page, address: str, question: str) -> None:
    page.goto(f"{address}/knowledge")
    page.get_by_label("A customer's question").fill(question)
    page.get_by_role("button", name="Ask").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_file_is_uploaded_looked_at_activated_asked_and_gone_back_from(
    browser: Browser, node: Node, address: str, size: dict[str, int], scripts: bool
) -> None:
    with window(browser, size, scripts=scripts) as context:
        page = context.new_page()
        enter(page, node, address)
        upload(page, "newer.md", NEWER.encode(), "en.md")
        expect(page.get_by_role("heading", name="New version of en.md")).to_be_visible()
        assert page.locator("del").all_inner_texts() == ["Friday 9-17."]
        assert page.locator("ins").all_inner_texts() == ["Saturday 8-20."]
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_contain_text("en.md is in use.")
        page.goto(f"{address}/knowledge?text=night+service&language=en")
        expect(page.locator(".hit").first).to_contain_text("It answers from 18 to 6.")
        ask(page, address, "What are your opening hours?")
        expect(page.locator("#reply")).to_contain_text("It would answer by itself")
        expect(page.locator("#reply")).to_contain_text("Monday to Saturday 8-20")
        page.locator("#reply").get_by_role("link", name="en.md/opening_hours").click()
        expect(page.get_by_role("heading", name="Opening hours")).to_be_visible()
        page.get_by_role("definition").get_by_role("link", name="en.md").click()
        page.get_by_role("button", name="Go back to the one before").click()
        expect(page.get_by_role("heading", name="New version of en.md")).to_be_visible()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_contain_text("en.md is in use.")
        ask(page, address, "What are your opening hours?")
        expect(page.locator("#reply")).to_contain_text("Monday to Friday 9-17")


def test_a_missing_fact_is_searched_for_written_down_and_found(browser: Browser, node: Node, address: str) -> None:
    with window(browser, DESKTOP) as context:
        page = context.new_page()
        enter(page, node, address)
        page.goto(f"{address}/knowledge?text=zeppelin&language=en")
        expect(page.get_by_label("What it is about")).to_have_value("zeppelin")
        page.get_by_label("The fact").fill("Our zeppelin flies on Sundays.")
        page.locator("#fact").get_by_role("button", name="See the difference").click()
        expect(page.get_by_role("heading", name="New version of added.en.csv")).to_be_visible()
        expect(page.get_by_text("New source", exact=True)).to_be_visible()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_contain_text("added.en.csv is in use.")
        page.goto(f"{address}/knowledge?text=zeppelin&language=en")
        expect(page.locator(".hit").first).to_contain_text("Our zeppelin flies on Sundays.")


def test_what_somebody_edited_meanwhile_is_compared_again_before_it_is_activated(browser: Browser, node: Node, address: str) -> None:
    with window(browser, DESKTOP) as context:
        page = context.new_page()
        enter(page, node, address)
        upload(page, "newer.md", NEWER.encode(), "en.md")
        expect(page.get_by_role("heading", name="New version of en.md")).to_be_visible()
        (node.home / "en.md").write_text(KNOWLEDGE.replace("14 days", "30 days"), encoding="utf-8")
        node.commands.refresh()
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("alert")).to_contain_text("Somebody changed the file since the two were compared.")
        expect(page.get_by_text("30 days")).to_be_visible()
        assert "30 days" in (node.home / "en.md").read_text(encoding="utf-8")
        page.get_by_role("button", name="Activate").click()
        expect(page.get_by_role("status")).to_contain_text("en.md is in use.")


def test_a_broken_workbook_says_why_and_a_hostile_one_does_nothing(browser: Browser, node: Node, address: str) -> None:
    hostile = [["Key", "Value"], ["<img src=x onerror=alert(1)>", "<script>alert(2)</script>"], ["link", '=HYPERLINK("http://x","y")']]
    with window(browser, DESKTOP) as context:
        page = context.new_page()
        opened: list[str] = []
        page.on("dialog", lambda dialog: opened.append(dialog.message))
        enter(page, node, address)
        upload(page, "bad.xlsx", b"PK\x03\x04 cut off")
        expect(page.get_by_role("alert")).to_contain_text("bad.xlsx is damaged or half saved.")
        upload(page, "hostile.xlsx", workbook(Facts=hostile))
        expect(page.get_by_text("<script>alert(2)</script>")).to_be_visible()
        expect(page.get_by_text("1 note on rows that were left out")).to_be_visible()
        page.get_by_role("button", name="Throw away").click()
        expect(page.get_by_role("status")).to_contain_text("The new version of hostile.xlsx was thrown away.")
        assert opened == []
    assert [state.name for state in node.commands.sources()] == ["en.md", "fi.md"]
