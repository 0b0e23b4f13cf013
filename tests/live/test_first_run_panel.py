"""A bare home becomes a desk by the panel alone, in a real browser, against a real Dovecot and a real Exim."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.evals.bench.process import Daemon, free_port, running
from appliance.node.commands import Commands
from appliance.node.control import ControlClient
from appliance.records.first_run import StepState
from appliance.records.person import Actor, Role
from appliance.settings.change import backups
from tests.live.browser import DESKTOP, PHONE, chromium, needs_chromium, window
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.exim import Exim
from tests.live.servers.oauth import OAuthServer
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import KNOWLEDGE, wait_for
from tests.support.mailbox_home import customer_mail, make_mailbox_home

pytestmark = needs_chromium
OWNER = Actor(name="owner", role=Role.ADMIN)
PASSWORD = "seventeen blue pumps"
TRY_MILLISECONDS = 70_000  # a mail to ourselves may take a minute


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    return tmp_path / "home"


def commands(home: Path) -> Commands:
    return ControlClient(home, Commands)  # type: ignore[return-value]


def enter(page: Page, daemon: Daemon) -> None:
    daemon.seconds_until("/healthz")
    remote = ControlClient(daemon.home, Commands)
    wait_for(remote.answers)
    page.goto(f"http://127.0.0.1:{daemon.port}/sign-in?token={commands(daemon.home).new_token()}")


def step(page: Page, name: str) -> "Step":
    return Step(page, name)


class Step:
    """One step of the page."""

    def __init__(self, page: Page, name: str) -> None:
        self.place = page.locator(f"#step-{name}")

    def open(self) -> "Step":
        fold = self.place.locator(".step-body > details, details.step-body").first
        if fold.get_attribute("open") is None:
            fold.locator("> summary").click()
        return self

    def fill(self, **fields: str) -> "Step":
        for name, value in fields.items():
            field = self.place.locator(f"form[action^='/setup/'] [name='{name}']:visible").first
            field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)
        return self

    def press(self, button: str) -> None:
        self.place.get_by_role("button", name=button, exact=True).first.click()

    def says(self, words: str, milliseconds: int = 20_000) -> None:
        expect(self.place).to_contain_text(words, timeout=milliseconds)


def fill_company(page: Page) -> None:
    company = step(page, "company").open().fill(name="Test Pumps", usual="en")
    for code in ("fi", "sv"):
        company.place.locator(f"input[name='{code}']").uncheck()
    company.press("Save")
    company.says("Test Pumps, in English.")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_a_bare_home_to_a_desk_that_holds_a_customers_mail(
    browser: Browser, dovecot: Dovecot, exim: Exim, user: str, home: Path, scripts: bool
) -> None:
    with window(browser, DESKTOP if scripts else PHONE, scripts=scripts) as context:
        page = context.new_page()
        with running(home) as daemon:
            enter(page, daemon)
            page.get_by_text("Finish setting up").get_by_role("link", name="Go on").click()
            fill_company(page)
            step(page, "hours").open().fill(hours="mon-fri 8-16").press("Save")
            step(page, "hours").says("mon-fri 8-16; the time zone is Europe/Helsinki.")

            mailbox = {"sender": f"{user}@pumps.example", "host": "127.0.0.1", "security": "none", "port": str(dovecot.imap_port)}
            before, kept = (home / "tandem.toml").read_bytes(), backups(home)
            for wrong, words in (({"password": "wrong"}, "refuses the sign-in"), ({"port": str(free_port())}, "cannot be reached")):
                step(page, "mail_in").open().fill(**{**mailbox, "user": user, "password": "secret", **wrong}).press("Save and try")
                expect(page.get_by_role("alert")).to_contain_text(words)
                expect(page.get_by_role("alert")).to_contain_text("Nothing was changed.")
                expect(page.locator("#imap-user")).to_have_value(user)
                assert ((home / "tandem.toml").read_bytes(), backups(home)) == (before, kept)
                assert list(home.rglob("*untried*")) == list((home / "secrets").iterdir()) == []
            step(page, "mail_in").open().fill(**mailbox, user=user, password="secret").press("Save and try")
            step(page, "mail_in").says("Mail comes in from 127.0.0.1.")
            step(page, "mail_out").open().fill(host="127.0.0.1", security="none", port=str(exim.port)).press("Save and try")
            step(page, "mail_out").says("Replies leave by 127.0.0.1.")
            step(page, "mail_out").says("It takes effect when the appliance is started again.")

            for name, button, words in (
                ("self_mail", "Send a mail to ourselves", "A mail to ourselves left and came in."),
                ("race", "Let them race", "Tried"),
            ):
                step(page, name).press(button)
                if not scripts:
                    wait_for(lambda name=name: _state(home, name) is not StepState.RUNNING, TRY_MILLISECONDS / 1000)  # type: ignore[misc]
                    page.reload()
                step(page, name).says(words, TRY_MILLISECONDS)

            step(page, "knowledge").place.get_by_role("link", name="Add knowledge").click()
            page.locator("#file").set_input_files(home.parent / "en.md")
            page.locator("#upload-language").select_option("en")
            page.locator("form[action='/knowledge/upload'] button").click()
            page.get_by_role("button", name="Activate").first.click()
            expect(page.get_by_role("status").first).to_contain_text("is in use")
            page.goto(f"http://127.0.0.1:{daemon.port}/setup")
            step(page, "knowledge").says("3 passages are there to answer from.")
            step(page, "person").open().fill(name="Maria Kallio", password=PASSWORD).press("Add the first person")
            step(page, "person").says("Admins who can sign in: 1.")

        with running(home) as daemon:  # what was set takes effect at the next start
            daemon.seconds_until("/readyz")
            page.goto(f"http://127.0.0.1:{daemon.port}/sign-in?next=/setup")
            page.get_by_label("Name").fill("Maria Kallio")
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in", exact=True).click()
            expect(page.get_by_text("started again")).to_have_count(0)
            step(page, "dry_day").press("Begin: switch safe mode off")
            step(page, "dry_day").says("Of 0 cases 0 would have left by themselves.")
            number = _let_in_until_one_would_leave(dovecot, user, home)
            page.goto(f"http://127.0.0.1:{daemon.port}/setup")
            step(page, "dry_day").says(f"Of {number} cases 1 would have left by themselves.")
            expect(step(page, "dry_day").place.get_by_role("link", name=f"Question {number}")).to_be_visible()
            assert step(page, "dry_day").place.get_by_role("button", name="Switch automatic replies on").count() == 0
            assert commands(home).today()["answered"] == 0


def _let_in_until_one_would_leave(dovecot: Dovecot, user: str, home: Path) -> int:
    """Customers write. What came before the mailbox was first looked at is for a person, so it may take one more; how many."""
    for number in range(1, 4):
        dovecot.deliver(user, customer_mail(number))
        wait_for(lambda number=number: commands(home).counts().get("review", 0) == number, 90)  # type: ignore[misc]
        if commands(home).dry_day(OWNER).would_leave:
            return number
    raise AssertionError("none of these mails would have left")


def _state(home: Path, name: str) -> StepState:
    return next(one.state for one in commands(home).setup_steps(OWNER) if one.name == name)


@pytest.fixture
def oauth(dovecot: Dovecot) -> Iterator[OAuthServer]:
    server = OAuthServer()
    server.access = dovecot.tokens
    yield server
    server.stop()
    dovecot.tokens.clear()


def test_a_mailbox_at_a_provider_shows_its_code_and_waits_until_somebody_has_typed_it(
    browser: Browser, dovecot: Dovecot, oauth: OAuthServer, faulty: FaultySmtp, user: str, tmp_path: Path
) -> None:
    provider = f'auth = "microsoft"\nclient_id = "desk"\ntenant = "pumps.example"\nsign_in_url = "{oauth.url}"'
    home = make_mailbox_home(tmp_path / "home", dovecot.imap_port, faulty.port, user=user, drafts=False, sign_in=provider)
    with window(browser, DESKTOP) as context, running(home) as daemon:
        page = context.new_page()
        enter(page, daemon)
        page.goto(f"http://127.0.0.1:{daemon.port}/setup")
        step(page, "mail_in").press("Sign in at Microsoft")
        step(page, "mail_in").says("type the code there")
        oauth.type_code(step(page, "mail_in").place.locator(".code.strong").inner_text(), user)
        step(page, "mail_in").says("127.0.0.1 has not been tried.")
        step(page, "mail_in").press("Try again")
        step(page, "mail_in").says("Mail comes in from 127.0.0.1.")


def test_a_file_that_somebody_broke_by_hand_is_told_and_the_page_still_opens(browser: Browser, home: Path) -> None:
    with window(browser, DESKTOP) as context, running(home) as daemon:
        page = context.new_page()
        enter(page, daemon)
        (home / "tandem.toml").write_text("[company\n", encoding="utf-8")
        page.goto(f"http://127.0.0.1:{daemon.port}/setup")
        step(page, "company").says("The configuration cannot be used.")
        step(page, "company").open().fill(name="Test Pumps").press("Save")
        expect(page.get_by_role("alert")).to_contain_text(re.compile("could not be changed", re.I))
        assert (home / "tandem.toml").read_text(encoding="utf-8") == "[company\n"
