"""The page of the first run: who may see it, what its forms set, and what goes wrong told in place."""

import httpx
import pytest

from appliance.channels.mail.errors import SignInRefused
from appliance.records.first_run import Step, StepState
from tests.unit.panel.conftest import Desk, token_of

ENGLISH = {"accept-language": "en"}
ADMIN = "key-of-an-admin"
IMAP = {"sender": "tuki@pumput.example", "host": "imap.pumput.example", "port": "143", "security": "starttls", "user": "tuki"}


def sent(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return browser.post(path, data={"csrf": token_of(browser.get("/setup").text), **fields})


def test_the_overview_leads_an_admin_to_what_is_left_and_nobody_else(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        assert "Finish setting up: 3 of 10 steps" in browser.get("/").text
        desk.twin.setup = [Step(name="company", state=StepState.DONE, says="company_done", gaps={"company": "P", "languages": "fi"})]
        assert "Finish setting up" not in browser.get("/").text
    with desk.browser("key-of-an-operator", **ENGLISH) as browser:
        assert "Finish setting up" not in browser.get("/").text
        assert browser.get("/setup").status_code == 403
        assert browser.post("/setup/company", data={"name": "x", "usual": "fi", "csrf": token_of(browser.get("/").text)}).status_code == 403


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_step_stands_there_with_its_state_in_each_language(desk: Desk, language: str) -> None:
    with desk.browser(ADMIN, **{"accept-language": language}) as browser:
        page = browser.get("/setup").text
    assert page.count('class="step"') == 10
    assert "{" not in page.split("<main", 1)[1].split("<script", 1)[0]
    assert len(page.encode()) < 100_000


def test_a_form_sets_the_keys_of_its_step_and_an_empty_password_sets_none(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        answer = sent(browser, "/setup/imap", **IMAP)
    assert (answer.status_code, answer.headers["location"]) == (303, "/setup#step-mail_in")
    _, step, values, secrets = desk.twin.done[-1]
    assert step == "mail_in"
    assert (values["mailbox.0.imap.host"], values["mailbox.0.imap.port"], values["mailbox.0.folder.inbox"]) == (
        "imap.pumput.example",
        143,
        None,
    )
    assert not any(secrets.values())


def test_a_server_that_says_no_is_told_in_place_and_what_was_typed_stays_but_the_password(desk: Desk) -> None:
    desk.twin.setup_refuses = SignInRefused("support", "imap.pumput.example refuses the sign-in.", "Check the password.")
    with desk.browser(ADMIN, **ENGLISH) as browser:
        answer = sent(browser, "/setup/imap", **{**IMAP, "user": 'a"><b>', "password": "hunter2 hunter2"})
    assert answer.status_code == 422
    assert "The mail server refuses the sign-in of support." in answer.text
    assert "Nothing was changed." in answer.text
    assert 'value="a&#34;&gt;&lt;b&gt;"' in answer.text
    assert "hunter2" not in answer.text
    assert 'href="/setup?lang=sv"' in answer.text, "the other languages lead to a page, not to the form's own address"


def test_the_languages_begin_with_the_usual_one(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        sent(browser, "/setup/company", name=" Pumput ", usual="sv", fi="true", en="true")
    assert desk.twin.done[-1][2] == {"company.name": "Pumput", "company.languages": ["sv", "fi", "en"], "company.signature": None}


def test_a_try_runs_and_the_page_says_so_without_scripts_too(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        assert sent(browser, "/setup/mail_in/try").status_code == 303
        page = browser.get("/setup").text
    assert "Signing in to the mailbox" in page
    assert "Look again" in page
    assert "data-watched" in page


def test_an_optional_step_is_skipped_and_taken_up_again(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        sent(browser, "/setup/race/skip", skip="true")
        assert "You skipped this." in browser.get("/setup").text
        sent(browser, "/setup/race/skip", skip="false")
        assert "You skipped this." not in browser.get("/setup").text


def test_automation_is_opened_from_the_dry_day(desk: Desk) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        assert "88 %" in browser.get("/setup").text
        sent(browser, "/setup/switches", name="automation_enabled", on="true")
    assert desk.twin.levers["automation_enabled"].on


@pytest.mark.parametrize("path", ["/setup/company", "/setup/imap", "/setup/race/skip", "/setup/switches", "/setup/sign-in"])
def test_no_form_is_taken_from_another_page(desk: Desk, path: str) -> None:
    with desk.browser(ADMIN, **ENGLISH) as browser:
        assert browser.post(path, data={**IMAP, "skip": "true", "name": "x", "usual": "fi", "on": "true"}).status_code == 403
