"""The account sheet in the panel: rows and age on the appliance page, the row beside the draft, and nothing of what it says."""

from zoneinfo import ZoneInfo

import pytest

from appliance.ground.assets import asset
from appliance.panel import words
from appliance.panel.opened import open_up
from appliance.panel.words import Voice
from appliance.records.answer import Citation, Draft, DraftSentence
from appliance.records.language import LANGUAGES, Code
from tests.support.clock import FakeClock
from tests.support.panel_company import company
from tests.support.panel_twin import a_case
from tests.unit.panel.conftest import Desk

CLOCK = FakeClock(1_795_000_000.0)
TABLES = words.load(asset("web") / "words")
RESTS_ON = ("template:order_status", "accounts: row 17")


@pytest.mark.parametrize(("code", "row"), [("en", "record, row 17"), ("fi", "tiedot, rivi 17"), ("sv", "uppgifter, rad 17")])
def test_a_draft_from_the_account_sheet_names_its_template_and_its_row_and_neither_is_gone(code: Code, row: str) -> None:
    draft = Draft(
        language="en",
        subject="",
        text="Your order is shipped.",
        sentences=(DraftSentence(text="Your order is shipped.", passages=RESTS_ON),),
        citations=tuple(Citation(source="accounts", passage=name, score=1.0) for name in RESTS_ON),
    )
    voice = Voice(TABLES, code, ZoneInfo("Europe/Helsinki"), CLOCK.now())
    cited = open_up(a_case(1, CLOCK, draft=draft), [], company(CLOCK).passage, voice).cited
    assert [one.gone for one in cited] == [False, False]
    assert "order status" in cited[0].title
    assert row in cited[1].title


def test_a_row_of_a_further_sheet_is_named_with_its_sheet() -> None:
    voice = Voice(TABLES, "en", ZoneInfo("Europe/Helsinki"), CLOCK.now())
    draft = Draft(
        language="en", subject="", text="x", citations=(Citation(source="accounts", passage="accounts: sheet 2, row 9", score=1.0),)
    )
    assert open_up(a_case(1, CLOCK, draft=draft), [], company(CLOCK).passage, voice).cited[0].title.endswith("row 2/9")


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_appliance_page_tells_rows_and_age_of_the_sheet_and_that_it_is_old(desk: Desk, code: Code) -> None:
    stale = {"reason": "The account sheet is old.", "remedy": "Export it.", "code": "accounts_stale", "gaps": {"name": "accounts.xlsx"}}
    numbers = {"rows": 1234, "duplicates": 2, "incomplete": 0, "read_at": CLOCK.now(), "modified_at": CLOCK.now() - 9 * 86_400}
    desk.twin.dependencies = [{"name": "accounts", "connected": False, **stale, **numbers}]
    with desk.browser() as browser:
        page = browser.get(f"/admin?lang={code}").text
    voice = Voice(TABLES, code, ZoneInfo("Europe/Helsinki"), CLOCK.now())
    assert voice.count("appliance.rows", 1234) in page
    assert voice.text("dependency.accounts") in page
    assert voice.told("trouble.accounts_stale.what", "", {"name": "accounts.xlsx"}) in page
