"""An agent sees in a real browser that the CRM was not told, presses once, and sees that it was: the node and the CRM stub are real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from appliance.channels.crm.signature import key_of, new_secret
from appliance.channels.crm.stub import CrmStub
from appliance.ground.clock import SystemClock
from appliance.panel.app import build_app, options_of
from appliance.panel.front import PanelServer
from tests.live.browser import DESKTOP, chromium, needs_chromium, window
from tests.support.home import make_home, running_node, take, write_mail

pytestmark = needs_chromium


@pytest.fixture
def stub() -> Iterator[CrmStub]:
    stub = CrmStub(SystemClock())
    stub.start()
    yield stub
    stub.stop()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_push_that_failed_is_retried_by_one_press_and_becomes_synced(tmp_path: Path, stub: CrmStub, scripts: bool) -> None:
    home, secret = make_home(tmp_path / "home"), new_secret()
    (home / "secret").write_text(f"{secret}\n", encoding="ascii")
    (home / "secret").chmod(0o600)
    with (home / "tandem.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[crm]\nenabled = true\nurl = "{stub.url}"\nsecret_file = "secret"\ntimeout_seconds = 2\n')
    stub.keys, stub.fault = (key_of(secret),), "410"
    server = PanelServer()
    with running_node(home) as node, chromium() as browser, window(browser, DESKTOP, scripts=scripts) as context:
        case = take(node, write_mail(home / "inbox", "How long is the delivery time?")).id
        server.start("127.0.0.1", 0)
        server.attach(build_app(node.commands, options_of(node.settings)))
        try:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.port}/sign-in?token={node.commands.new_token()}&lang=en")
            page.goto(f"http://127.0.0.1:{server.port}/cases/{case}?lang=en")
            card = page.locator("#pushes")
            expect(card).to_contain_text("The CRM has not been told of this case.")
            card.get_by_role("button", name="Push to CRM").click()
            expect(page.get_by_role("status").first).to_contain_text("Kept for the CRM")
            for _ in range(20):  # without scripts a page shows what is new when it is loaded again
                if scripts or "Failed" in card.inner_text():
                    break
                page.reload()
            expect(card).to_contain_text("Failed")
            expect(card).to_contain_text("The CRM wants no pushes at this address any more.")
            card.get_by_text("What the CRM is told").click()
            expect(card).to_contain_text("How long is the delivery time?")
            stub.fault = "none"
            card.get_by_role("button", name="Retry CRM push").click()
            for _ in range(20):
                if scripts or "Synced" in card.inner_text():
                    break
                page.reload()
            expect(card).to_contain_text("Synced")
        finally:
            server.stop()
    assert len(stub.taken()) == 1
