"""The recorder and the cockpit in a real browser, with a made-up microphone that plays a file."""

import io
import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from appliance.records.call import References
from appliance.records.case import CaseState
from tests.live.browser import DESKTOP, chromium, needs_chromium, window
from tests.live.panel import Served, served
from tests.support.panel_company import calls
from tests.support.twin_call import A_REFERENCE

OPEN, NOWHERE = (f"c-{number:018d}" for number in (21, 22))
pytestmark = needs_chromium


def a_tone(seconds: float = 3.0, rate: int = 16_000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", int(12_000 * math.sin(at / 8))) for at in range(int(rate * seconds))))
    return out.getvalue()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    sound = tmp_path_factory.mktemp("sound") / "call.wav"
    sound.write_bytes(a_tone())
    made_up = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-audio-capture={sound}")
    with chromium(*made_up) as running:
        yield running


@pytest.fixture
def panel() -> Iterator[Served]:
    with served() as running:
        calls(running.twin)
        running.twin.listen()
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with window(browser, DESKTOP) as found:
        yield found


@pytest.fixture
def page(panel: Served, context: BrowserContext) -> Iterator[Page]:
    entered = panel.enter(context)
    faults: list[str] = []
    entered.on("pageerror", lambda error: faults.append(str(error)))
    entered.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield entered
    assert faults == []


def test_a_call_is_recorded_heard_while_it_goes_on_and_opens_by_itself(panel: Served, page: Page) -> None:
    page.goto(f"{panel.address}/call")
    page.get_by_text("Who is calling").click()
    page.get_by_label("Name", exact=True).fill("Liisa Laine")
    page.get_by_label("Mail address").fill("liisa@example.fi")
    page.get_by_role("button", name="Record").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Recording. What is said so far")).to_be_visible()
    expect(page.locator("#record-time")).not_to_have_text("0:00")
    page.wait_for_function("() => document.getElementById('level').value > 0.05")
    expect(page.get_by_role("log", name="Heard so far")).to_contain_text("price of a heat pump")
    expect(page.locator("#live-cues")).to_contain_text("Warranty")
    page.get_by_role("button", name="Stop and save").press("Enter")
    page.wait_for_url("**/call/c-*")
    expect(page.get_by_role("heading", name="Liisa Laine")).to_be_visible()
    expect(page.get_by_label("What was said, word for word")).to_contain_text("does the warranty cover")
    (sound,) = panel.twin.sounds
    assert sound[:4] == b"\x1a\x45\xdf\xa3"  # a whole WebM file, from its first byte
    page.go_back()
    expect(page.locator("#clip")).to_have_value("")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


def test_a_denied_microphone_is_told_with_its_remedy(panel: Served, page: Page) -> None:
    page.add_init_script("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
    page.goto(f"{panel.address}/call")
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("status").filter(has_text="The microphone was denied. Allow it for this page")).to_be_visible()
    expect(page.get_by_role("button", name="Record")).to_be_enabled()


def test_the_same_clip_is_warned_of_and_taken_in_all_the_same(panel: Served, page: Page, tmp_path: Path) -> None:
    clip = tmp_path / "call.wav"
    clip.write_bytes(a_tone(0.2))
    for _ in range(2):
        page.goto(f"{panel.address}/call")
        page.get_by_label("Or choose a clip").set_input_files(clip)
        page.get_by_role("button", name="Take it in").click()
        page.wait_for_function("() => location.pathname !== '/call' || !document.getElementById('same').hidden")
    expect(page.get_by_role("link", name="Open that call")).to_be_visible()
    page.get_by_label("Take it in once more anyway").check()
    page.get_by_role("button", name="Take it in").click()
    page.wait_for_url("**/call/c-*")
    expect(page.get_by_label("What was said, word for word")).to_be_visible()


def test_a_clip_that_could_not_be_saved_stays_in_the_form(panel: Served, page: Page, tmp_path: Path) -> None:
    clip = tmp_path / "call.wav"
    clip.write_bytes(a_tone(0.2))
    page.goto(f"{panel.address}/call")
    page.route("**/call/clip", lambda route: route.abort())
    page.get_by_label("Or choose a clip").set_input_files(clip)
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("The clip was not saved: the appliance does not answer.")).to_be_visible()
    assert page.locator("#clip").evaluate("field => field.files.length") == 1
    page.unroute("**/call/clip")
    page.get_by_role("button", name="Take it in").click()
    page.wait_for_url("**/call/c-*")


def test_points_brief_quote_and_reference_go_into_the_draft_without_leaving_the_page(panel: Served, page: Page) -> None:
    panel.twin.references = References(found=(A_REFERENCE,), way="keyword", code="no_embedder")
    page.goto(f"{panel.address}/call/{OPEN}")
    draft = page.get_by_label("Write the reply here")
    draft.fill("Hello Anna,")
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Put into the draft Warranty").press("Enter")
    expect(draft).to_have_value("Hello Anna,\n\nThe warranty is five years when we install the pump.")
    expect(page.locator("#cues .used")).to_contain_text("Warranty")
    expect(page.get_by_role("button", name="Put into the draft Warranty")).to_have_count(0)
    page.get_by_role("button", name="Put into the draft Air-to-water heat pump").click()
    expect(page.locator("#briefs .used")).to_contain_text("Used")
    page.get_by_label("Quantity").fill("2")
    page.get_by_label("Quantity").press("Enter")
    expect(page.locator("#quote .total")).to_contain_text("€12,048.00")
    page.get_by_role("button", name="Put the quote into the draft").click()
    expect(page.locator("#quote")).to_contain_text("The quote is in the draft")
    expect(page.get_by_role("button", name="Put the quote into the draft")).to_have_count(0)
    page.get_by_label("Look up in knowledge, playbook and manual").fill("warranty")
    page.get_by_label("Look up in knowledge, playbook and manual").press("Enter")
    expect(page.locator("#fallback")).to_contain_text("Searched by words")
    expect(page.locator("#reference .found")).to_contain_text("The warranty of a pump is five years.")
    text = draft.input_value()
    assert (text.count("Quote"), text.count("From 6,900 EUR"), text.count("warranty is five")) == (1, 1, 1)
    assert page.evaluate("window.stayed")
    expect(page.locator("#heard")).to_contain_text("What would a heat pump cost us")


def test_a_number_that_is_none_is_refused_in_place(panel: Served, page: Page) -> None:
    page.goto(f"{panel.address}/call/{OPEN}")
    page.get_by_label("Write the reply here").fill("Not to be lost")
    page.get_by_label("Quantity").fill("many")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="This is not a quantity.")).to_be_visible()
    expect(page.get_by_label("Write the reply here")).to_have_value("Not to be lost")


def test_a_draft_is_kept_by_itself_and_sent_as_it_stands(panel: Served, page: Page) -> None:
    page.goto(f"{panel.address}/call/{OPEN}")
    page.get_by_label("Write the reply here").fill("We come on Tuesday.")
    expect(page.locator("#kept")).to_have_text("The draft is kept.", timeout=15_000)
    assert panel.twin.call_states[OPEN].draft == "We come on Tuesday."
    page.reload()
    expect(page.get_by_label("Write the reply here")).to_have_value("We come on Tuesday.")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert panel.twin.files[OPEN].row.state is CaseState.REPLYING


def test_a_call_without_an_address_is_done_by_telephone(panel: Served, page: Page) -> None:
    page.goto(f"{panel.address}/call/{NOWHERE}")
    expect(page.get_by_role("button", name="Approve and send")).to_have_count(0)
    page.get_by_role("button", name="Done by telephone").click()
    expect(page.get_by_text("Done by telephone. The call is closed.")).to_be_visible()
    assert panel.twin.files[NOWHERE].row.state is CaseState.CLOSED


def test_the_snapshot_of_the_pipeline_is_refreshed_with_a_toast(panel: Served, page: Page) -> None:
    page.goto(f"{panel.address}/call")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#toast")).to_have_text("The figures are up to date.")


def test_the_cockpit_works_without_scripts(panel: Served, browser: Browser) -> None:
    with window(browser, DESKTOP, scripts=False) as plain:
        page = panel.enter(plain)
        page.goto(f"{panel.address}/call/{OPEN}")
        page.get_by_label("Write the reply here").fill("Hello,")
        page.get_by_role("button", name="Put into the draft Warranty").click()
        expect(page.get_by_label("Write the reply here")).to_have_value("Hello,\n\nThe warranty is five years when we install the pump.")
