"""The pages: what a person sees, and what their forms do."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
import pytest

from appliance.desk.reasons import sentence
from appliance.panel.opened import print_of
from appliance.records.case import CaseRow, CaseState
from appliance.records.knowledge import SourceState
from appliance.records.message import Address
from appliance.records.person import Actor, Approval, Role
from appliance.records.policy import Reason
from tests.support.panel_twin import a_case
from tests.unit.panel.conftest import Desk, token_of

FIRST = "c-000000000000000001"
UNCERTAIN = "c-000000000000000006"
NO_DRAFT = "c-000000000000000004"
PAGES = ["/", "/review", "/cases", f"/cases/{FIRST}", f"/review?case={UNCERTAIN}", "/admin", "/analytics", "/docs"]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>{{7*7}}"


class Wellformed(HTMLParser):
    """Notices elements that are closed in the wrong order, ids that come twice, and inline scripts, styles and handlers."""

    EMPTY = frozenset({"meta", "link", "input", "br", "line", "rect", "path", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.ids += [name for name in (names.get("id"),) if name]
        self.faults += [f"{tag} {name}" for name in names if name == "style" or name.startswith("on")]
        self.faults += ["inline script"] if tag == "script" and "src" not in names else []
        self.faults += ["inline style"] if tag == "style" else []
        self.faults += [
            f"from outside: {value}" for name, value in attrs if name in ("src", "href") and str(value).startswith(("http", "//"))
        ]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def faults_of(html: str) -> list[str]:
    reader = Wellformed()
    reader.feed(html)
    twice = sorted({name for name in reader.ids if reader.ids.count(name) > 1})
    return [*reader.faults, *(f"open: {tag}" for tag in reader.open), *(f"id twice: {name}" for name in twice)]


def decide(browser: httpx.Client, case: str, **fields: str) -> httpx.Response:
    return browser.post(f"/cases/{case}/decide", data={"csrf": token_of(browser.get(f"/cases/{case}").text), **fields})


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_every_page_is_well_formed_in_each_language_and_loads_nothing_from_outside(desk: Desk, path: str, language: str) -> None:
    with desk.browser("key-of-an-admin", **{"accept-language": language}) as browser:
        answer = browser.get(path)
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
        assert faults_of(answer.text) == []


@pytest.mark.parametrize("path", ["/sign-in", "/", "/cases/none"])
def test_the_pages_outside_the_frame_are_well_formed_too_and_tell_strangers_nothing(desk: Desk, path: str) -> None:
    with desk.client(html=True) as stranger:
        page = stranger.get(path).text
    assert faults_of(page) == []
    assert "Kallio" not in page
    assert "Pohjolan" not in page


def test_the_overview_says_what_is_going_on(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get("/?lang=en").text
    assert (
        '<span title="Kallio">Kallio works alone.</span> <span>6 cases wait for you, the oldest for 1\u00a0h\u00a014\u00a0min.</span>'
        in page
    )
    assert "en.xlsx could not be read" in page
    assert "Name the second column Value and save the file." in page
    for lever in ("Safe mode", "Automatic replies", "Outgoing mail"):
        assert lever in page
    assert page.count("First start, <time") == 3


def test_the_overview_opens_few_rows_however_many_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000, 1400):
        desk.twin.add(a_case(number, desk.clock, minutes=number, subject=f"Number {number}"))
    limits: list[int] = []
    rows = desk.twin.rows

    def counted(states: tuple[CaseState, ...], limit: int, **more: Any) -> list[CaseRow]:
        limits.append(limit)
        return rows(states, limit, **more)

    monkeypatch.setattr(desk.twin, "rows", counted)
    with desk.browser() as browser:
        page = browser.get("/?lang=en").text
    assert limits == [5]
    assert page.count("data-row") == 5
    assert "406 cases wait for you, the oldest for" in page
    assert "See all 406" in page


def test_the_list_tells_how_many_wait_beyond_those_it_shows(desk: Desk) -> None:
    for number in range(1000, 1400):
        desk.twin.add(a_case(number, desk.clock, minutes=number))
    with desk.browser() as browser:
        page = browser.get("/review?lang=en").text
    assert page.count("data-row") == 100
    assert "406 wait</span>" in page


def test_the_tap_for_mail_stands_with_the_machine_and_not_with_the_levers(desk: Desk) -> None:
    with desk.browser("key-of-an-operator") as browser:
        assert "Taking mail in" not in browser.get("/?lang=en").text
        page = browser.get("/admin?lang=en").text
        assert "Turn off: Taking mail in" in page
        answer = browser.post("/switches", data={"csrf": token_of(page), "name": "intake_enabled", "on": "false"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
        assert "No new mail is taken in. It stays in the mailbox" in browser.get("/cases").text
        assert "No new mail is taken in: it stays in the mailbox." in browser.get("/").text
        del desk.twin.levers["intake_enabled"]
        assert "Turn off: Taking mail in" not in browser.get("/admin").text


def test_a_viewer_sees_numbers_and_no_customer(desk: Desk) -> None:
    with desk.browser("key-of-a-viewer") as browser:
        page = browser.get("/?lang=en").text
        assert "6 cases wait for you" in page
        assert "Anna" not in page
        assert "Pumpun palautus" not in page
        assert 'href="/review"' not in page
        assert browser.get("/cases").status_code == browser.get("/review").status_code == 403


def test_only_levers_one_may_pull_have_a_button(desk: Desk) -> None:
    desk.twin.set_switch(Actor(name="Oskar", role=Role.OPERATOR), "automation_enabled", False)  # to open it again takes an operator
    buttons = {}
    for key in ("key-of-a-viewer", "key-of-an-agent", "key-of-an-operator"):
        with desk.browser(key) as browser:
            buttons[key] = len(re.findall(r'action="/switches"', browser.get("/").text))
    assert buttons == {"key-of-a-viewer": 0, "key-of-an-agent": 2, "key-of-an-operator": 3}


def test_pulling_a_lever_says_what_holds_now_and_who_pulled_it(desk: Desk) -> None:
    with desk.browser("key-of-an-operator") as browser:
        fields = {"csrf": token_of(browser.get("/").text), "name": "outbound_enabled", "on": "false"}
        answer = browser.post("/switches", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        page = browser.get("/?lang=en").text
        assert "Outgoing mail is off." in page
        assert "Nothing leaves: outgoing mail is turned off." in page
        assert "Oskar, <time" in page
        assert '<p class="notice"' not in browser.get("/").text


def test_the_review_shows_the_oldest_case_and_its_list(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get("/review?lang=en").text
    order = [page.index(f"/review?case={case}") for case in (FIRST, "c-000000000000000002", "c-000000000000000003", UNCERTAIN)]
    assert order == sorted(order)
    assert "ostin teiltä" in page
    assert "Why this waits for you" in page


@pytest.mark.parametrize("path", [f"/review?case={FIRST}", f"/cases/{FIRST}"])
def test_the_reason_is_said_in_the_readers_language_and_the_rest_is_folded(desk: Desk, path: str) -> None:
    with desk.browser() as browser:
        page = browser.get(path, params={"lang": "sv"} | ({"case": FIRST} if "case=" in path else {})).text
    why = page[page.index('id="why-title"') : page.index('id="message-title"')]
    seen, folded = why.split("<details>", 1)
    assert f'<p class="reason">{sentence(Reason(code="low_score", numbers={"score": 0.62, "least": 0.7}), "sv")}</p>' in seen
    assert sentence(Reason(code="unsupported_number", numbers={"unknown": 1.0}), "sv") in seen
    assert "Alla uppgifter" in folded
    assert f"Decided about {FIRST}." in folded
    assert f"Decided about {FIRST}." not in seen


def test_a_case_shows_everything_needed_to_decide(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get(f"/cases/{FIRST}?lang=en").text
    assert "1 number of the draft is not in what it cites." in page  # what failed
    assert "3 checks passed" in page
    assert "Palautus on maksuton Suomessa. Palautuslomake on tilausvahvistuksen liitteenä." in page  # the passage behind a sentence
    assert "changed since" in page
    assert "no source says this" in page
    assert "Koivukuja 4" in page.split("Quoted text and signature")[1]  # folded
    assert "tilausvahvistus.pdf" in page
    assert "1 earlier message" in page
    assert "Anna Virtanen &lt;anna.virtanen@example.fi&gt;" in page
    assert "Approve and send" in page
    assert "The desk decided" in page


def test_approving_sends_the_draft_that_was_read(desk: Desk) -> None:
    with desk.browser() as browser:
        draft = desk.twin.files[FIRST].draft
        assert draft is not None
        answer = decide(browser, FIRST, decision="approve", seen=print_of(draft), text=draft.text.replace("\n", "\r\n"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/review")
        assert "Approved. The reply goes to Anna Virtanen &lt;anna.virtanen@example.fi&gt;." in browser.get("/review?lang=en").text
    assert desk.twin.done == [
        (Actor(name="Aino", role=desk.twin.keys_in_use["key-of-an-agent"].role), Approval(case=FIRST, decision="approve", by="Aino"))
    ]


def test_an_edit_goes_out_in_the_persons_words(desk: Desk) -> None:
    with desk.browser() as browser:
        decide(browser, FIRST, decision="approve", text="Hei,\r\n\r\nkyllä.\r\n")
        assert "in your words" in browser.get("/review?lang=en").text
    assert desk.twin.done[0][1].text == "Hei,\n\nkyllä."


def test_the_next_case_opens_by_itself(desk: Desk) -> None:
    with desk.browser() as browser:
        decide(browser, FIRST, decision="reject", comment="Not ours")
        assert "Reklamation på faktura 2231</h2>" in browser.get("/review").text
    assert (desk.twin.done[0][1].decision, desk.twin.done[0][1].comment) == ("reject", "Not ours")


def test_a_case_is_sent_to_a_team_that_exists(desk: Desk) -> None:
    with desk.browser() as browser:
        assert decide(browser, FIRST, decision="route", team="nobody").status_code == 404
        assert desk.twin.done == []
        decide(browser, FIRST, decision="route", team="billing")
        assert "Annettu tiimille Laskutus." in browser.get("/review").text, "by its name in the reader's language"
    assert desk.twin.done[0][1].team == "billing"


def test_a_draft_that_changed_meanwhile_is_not_sent(desk: Desk) -> None:
    with desk.browser() as browser:
        seen = print_of(desk.twin.files[FIRST].draft)
        file = desk.twin.files[FIRST]
        assert file.draft is not None
        desk.twin.add(msgspec.structs.replace(file, draft=msgspec.structs.replace(file.draft, text="Other words.")))
        answer = decide(browser, FIRST, decision="approve", seen=seen)
        assert answer.status_code == 409
        assert "Luonnos on muuttunut sen jälkeen, kun avasit sen." in answer.text
    assert desk.twin.done == []


def test_two_people_cannot_decide_the_same_case(desk: Desk) -> None:
    with desk.browser() as one, desk.browser("key-of-an-operator") as other:
        assert decide(one, FIRST, decision="approve").status_code == 303
        assert decide(other, FIRST, decision="reject").status_code == 409
    assert len(desk.twin.done) == 1


def test_nothing_is_decided_by_looking(desk: Desk) -> None:
    with desk.browser() as browser:
        for path in (
            f"/cases/{FIRST}/decide?decision=approve",
            f"/cases/{FIRST}/uncertain?decision=resend",
            "/switches?name=safe_mode&on=true",
        ):
            assert browser.get(path).status_code == 405
    assert desk.twin.done == []


def test_without_a_draft_a_person_has_to_write(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get(f"/cases/{NO_DRAFT}?lang=en").text
        assert "There is no proposal." in page
        assert re.search(r'<textarea id="reply"[^>]* required', page)
        assert decide(browser, NO_DRAFT, decision="approve", text=" \r\n").status_code == 409
        assert decide(browser, NO_DRAFT, decision="approve", text="We do.").status_code == 303
    assert desk.twin.done[0][1].text == "We do."


def test_a_reply_that_may_have_been_sent_goes_again_only_after_somebody_looked(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get(f"/review?case={UNCERTAIN}&lang=en").text
        assert "This reply may have been sent" in page
        assert "Approve and send" not in page
        token = token_of(page)
        send = f"/cases/{UNCERTAIN}/uncertain"
        assert browser.post(send, data={"csrf": token, "decision": "resend"}).status_code == 400
        assert browser.post(send, data={"csrf": token, "decision": "perhaps"}).status_code == 400
        assert desk.twin.done == []
        assert browser.post(send, data={"csrf": token, "decision": "resend", "looked": "true"}).status_code == 303
        assert browser.post(send, data={"csrf": token, "decision": "sent"}).status_code == 409
    assert [what for _, what in desk.twin.done] == ["resend"]


def test_the_cases_are_found_by_state_and_by_words(desk: Desk) -> None:
    with desk.browser() as browser:
        assert browser.get("/cases?state=uncertain").text.count("data-row") == 1
        assert browser.get("/cases?state=replied&text=december").text.count("data-row") == 8
        assert browser.get("/cases?text=SARAH").text.count("data-row") == 1
        assert "Nothing found" in browser.get("/cases?text=zzz&lang=en").text
        assert browser.get("/cases?state=nonsense").text.count("data-row") == 39


def test_a_long_list_goes_on_at_the_next_page(desk: Desk) -> None:
    for number in range(100, 160):
        desk.twin.add(a_case(number, desk.clock, state=CaseState.REPLIED, minutes=number))
    with desk.browser() as browser:
        first = browser.get("/cases").text
        older = re.search(r'href="(/cases\?[^"]*before=[^"]*)"', first)
        assert older is not None
        second = browser.get(older[1].replace("&amp;", "&")).text
        rows = [re.findall(r'href="/cases/(c-\d+)" data-row', page) for page in (first, second)]
    assert [len(part) for part in rows] == [50, 49]
    assert not set(rows[0]) & set(rows[1])


def test_an_empty_panel_says_what_to_do(desk: Desk) -> None:
    desk.twin.files.clear()
    desk.twin.source_states = ()
    desk.twin.tally = {}
    with desk.browser() as browser:
        assert "They appear here as soon as mail comes in." in browser.get("/cases?lang=en").text
        assert "The next one appears here by itself." in browser.get("/review").text
        assert "Nothing has come in today yet." in browser.get("/").text
        assert "[[knowledge.source]]" in browser.get("/admin").text


@pytest.mark.parametrize("path", ["/", "/review", "/cases", "/cases/c-000000000000000900"])
def test_a_hostile_mail_is_only_words(desk: Desk, path: str) -> None:
    desk.twin.add(
        a_case(
            900,
            desk.clock,
            minutes=900,
            subject=HOSTILE,
            name=HOSTILE,
            address="x@example.fi",
            text=HOSTILE,
            full_text=HOSTILE + "\n" + HOSTILE,
        )
    )
    with desk.browser() as browser:
        page = browser.get(path).text
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert faults_of(page) == []


def test_a_hostile_search_is_only_words(desk: Desk) -> None:
    with desk.browser() as browser:
        page = browser.get("/cases", params={"text": HOSTILE}).text
    assert "<script>alert" not in page
    assert faults_of(page) == []


def test_the_customers_html_stands_in_a_frame_of_its_own(desk: Desk) -> None:
    html = '<p onclick="x()">Hei <b>teille</b></p><script>alert(1)</script><img src="https://evil.example/p.png"><style>p{}</style>'
    desk.twin.add(a_case(901, desk.clock, html=html))
    with desk.browser() as browser:
        page = browser.get("/cases/c-000000000000000901").text
        assert 'sandbox=""' in page
        assert "<b>teille</b>" not in page
        framed = browser.get("/cases/c-000000000000000901/message")
        assert browser.get(f"/cases/{NO_DRAFT}/message").status_code == 404
    assert "<b>teille</b>" in framed.text
    for harm in ("onclick", "<script", "evil.example", "p{}"):
        assert harm not in framed.text
    policy = framed.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert framed.headers["x-frame-options"] == "SAMEORIGIN"


def test_an_erased_case_says_so_and_offers_nothing(desk: Desk) -> None:
    desk.twin.add(msgspec.structs.replace(desk.twin.files[FIRST], message=None, draft=None, outcome=None, erased=True))
    with desk.browser() as browser:
        page = browser.get(f"/cases/{FIRST}?lang=en").text
    assert "were erased at the customer&#39;s request" in page
    assert "Approve and send" not in page


def test_a_case_whose_words_have_run_out_says_so_and_a_dead_letter_can_still_be_closed(desk: Desk) -> None:
    file = desk.twin.files[FIRST]
    row = msgspec.structs.replace(file.row, state=CaseState.DEAD, subject="", words_removed_at=desk.clock.now())
    desk.twin.add(msgspec.structs.replace(file, row=row, message=None, draft=None, outcome=None, erased=True, kept_days=30))
    with desk.browser() as browser:
        page = browser.get(f"/cases/{FIRST}?lang=sv").text
        assert "efter 30 dygns lagringstid" in page
        assert "Avvisa och avsluta" in page
        assert 'value="approve"' not in page
        assert "(orden borttagna)" in browser.get("/cases?lang=sv").text


def test_replies_asked_for_elsewhere_are_pointed_out(desk: Desk) -> None:
    file = desk.twin.files[FIRST]
    assert file.message is not None
    message = msgspec.structs.replace(file.message, reply_to=(Address(address="other@example.fi"),))
    desk.twin.add(msgspec.structs.replace(file, message=message))
    with desk.browser() as browser:
        page = browser.get(f"/cases/{FIRST}?lang=en").text
    assert "The customer wrote from anna.virtanen@example.fi and asks for replies elsewhere. This reply goes to other@example.fi." in page


def test_erasing_needs_the_address_twice_and_tells_each_step(desk: Desk) -> None:
    with desk.browser("key-of-an-admin") as browser:
        token = token_of(browser.get("/admin").text)
        for fields in ({"address": "a@example.fi", "again": "b@example.fi"}, {"address": "nobody", "again": "nobody"}):
            assert browser.post("/admin/erase", data={"csrf": token, **fields}).status_code == 400
        assert desk.twin.done == []
        page = browser.post("/admin/erase?lang=en", data={"csrf": token, "address": "a@EXAMPLE.fi", "again": "a@example.fi"}).text
        assert "The customer&#39;s key is destroyed" in page
        assert "mailbox support: INBOX and Sent" in page
    assert desk.twin.done[0][1] == "erase a@example.fi"
    with desk.browser("key-of-an-operator") as browser:
        assert "/admin/erase" not in browser.get("/admin").text


def test_erasing_somebody_unknown_says_that_there_was_nothing_to_erase(desk: Desk) -> None:
    with desk.browser("key-of-an-admin") as browser:
        fields = {"csrf": token_of(browser.get("/admin").text), "address": "nobody@example.fi", "again": "nobody@example.fi"}
        page = browser.post("/admin/erase?lang=en", data=fields).text
    assert "Nobody of that address is known; nothing to erase." in page
    assert "key is destroyed" not in page
    assert "mailbox support: INBOX and Sent" in page


def test_what_is_broken_is_told_in_the_readers_language_on_both_pages(desk: Desk) -> None:
    told = {"reason": "It did not answer.", "remedy": "Look.", "code": "unreachable", "gaps": {"mailbox": "support"}}
    desk.twin.dependencies = [{"name": "intake:support", "connected": False, **told}]
    desk.twin.source_states = (SourceState(name="fi.xlsx", path="fi.xlsx", language="fi", trouble="Gone.", code="source_missing"),)
    with desk.browser() as browser:
        for path in ("/", "/admin"):
            page = browser.get(f"{path}?lang=sv").text
            assert "E-postservern för support går inte att nå." in page
            assert "fi.xlsx finns inte där den ska vara." in page
            assert '<p lang="en">It did not answer. Look.</p>' in page


def test_the_language_one_chose_stays_chosen(desk: Desk) -> None:
    with desk.browser(**{"accept-language": "sv"}) as browser:
        assert 'lang="sv"' in browser.get("/").text
        assert 'lang="fi"' in browser.get("/cases?lang=fi").text.split(">", 2)[1]
        assert '<html lang="fi">' in browser.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_over_100_kb_even_on_a_busy_day(desk: Desk, path: str) -> None:
    for number in range(1000, 1400):
        desk.twin.add(a_case(number, desk.clock, minutes=number, subject="Takuu ja varaosat vanhaan pumppumalliin " * 3))
    with desk.browser("key-of-an-admin") as browser:
        assert len(browser.get(path).content) < 100_000


def test_a_problem_is_a_page_for_people_with_a_way_out(desk: Desk) -> None:
    with desk.browser(**{"accept-language": "fi"}) as browser:
        answer = browser.get("/cases/c-none")
    assert answer.status_code == 404
    assert "Tässä osoitteessa ei ole mitään." in answer.text
    assert 'href="/"' in answer.text


def test_a_fault_of_ours_shows_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("Anna's secret")

    monkeypatch.setattr(desk.twin, "status", broken)
    with desk.client("key-of-an-admin", html=True) as client:
        answer = client.get("/")
    assert answer.status_code == 500
    for leak in ("secret", "Traceback", "ZeroDivision", "/appliance/"):
        assert leak not in answer.text


def test_the_looks_may_be_kept_for_they_change_their_address(desk: Desk) -> None:
    with desk.client(html=True) as stranger:
        page = stranger.get("/sign-in").text
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert len(addresses) == 2
        for address in addresses:
            answer = stranger.get(address)
            assert "immutable" in answer.headers["cache-control"]
            assert re.search(r"\?v=[0-9a-f]{12}$", address)
        assert stranger.get("/static/..%2f..%2fpyproject.toml").status_code == 404
        assert stranger.get("/static/none.css").status_code == 404


def broken(name: str, **more: object) -> dict[str, object]:
    told = {"reason": "It refuses.", "remedy": "Look.", "code": "sign_in_refused", "gaps": {"mailbox": "support"}}
    return {"name": name, "connected": False, **told, **more}


def test_what_is_broken_stands_first_with_since_when_and_the_button_that_may_mend_it(desk: Desk) -> None:
    desk.twin.dependencies += [broken("intake:support", since=desk.clock.now() - 7_800), broken("knowledge:en.xlsx", since=0.0)]
    with desk.browser("key-of-an-operator") as browser:
        page = browser.get("/admin?lang=en").text
    assert page.index("Taking mail in: support") < page.index("The journal")
    assert "(for 2\u00a0h\u00a010\u00a0min)" in page
    assert page.count('action="/admin/try-mailbox"') == 1
    assert page.count('action="/admin/read-knowledge"') == 2  # in its row, and above the sources
    with desk.browser("key-of-an-agent") as browser:
        assert 'action="/admin/' not in browser.get("/admin").text


def test_the_buttons_do_what_they_say_and_tell_what_came_of_it(desk: Desk) -> None:
    with desk.browser("key-of-an-operator") as browser:
        token = token_of(browser.get("/admin?lang=en").text)
        assert browser.post("/admin/read-knowledge", data={"csrf": token}).headers["location"] == "/admin"
        assert "Read. Sources that changed: 1." in browser.get("/admin").text
        tried = browser.post("/admin/try-mailbox", data={"csrf": token, "mailbox": "support"}).text
        assert "Taking mail in: does not work" in tried
        assert "Sending mail: works" in tried
        assert "not since the start" in browser.get("/admin").text
        browser.post("/admin/verify", data={"csrf": token})
        page = browser.get("/admin").text
        assert "The journal is unbroken: 4,211 entries." in page
        assert "unbroken</span>, <time" in page
        desk.twin.journal_holds = False
        browser.post("/admin/verify", data={"csrf": token})
        assert "does not verify" in browser.get("/admin").text
    with desk.browser("key-of-an-agent") as browser:
        token = token_of(browser.get("/admin").text)
        for path in ("read-knowledge", "try-mailbox", "verify"):
            assert browser.post(f"/admin/{path}", data={"csrf": token, "mailbox": "support"}).status_code == 403


def test_little_room_on_the_disk_is_told_by_icon_and_words(desk: Desk) -> None:
    for state, words in (("look", "It will be short soon"), ("act", "make room now")):
        desk.twin.disk = {"free_bytes": 900_000_000, "total_bytes": 494_000_000_000, "state": state}
        with desk.browser() as browser:
            page = browser.get("/admin?lang=en").text
        assert f'<dd class="{state}"><svg' in page
        assert words in page


def test_an_admin_downloads_diagnostics_and_nobody_else_does(desk: Desk) -> None:
    with desk.browser("key-of-an-admin") as browser:
        assert 'href="/api/v1/diagnostics"' in browser.get("/admin").text
        answer = browser.get("/api/v1/diagnostics?hosts=true")
        assert (answer.status_code, answer.content) == (200, b"PK")
        assert "tandem-diagnostics.zip" in answer.headers["content-disposition"]
    assert desk.twin.done[-1][1] == "diagnostics True"
    with desk.browser("key-of-an-operator") as browser:
        assert "/api/v1/diagnostics" not in browser.get("/admin").text
        assert browser.get("/api/v1/diagnostics").status_code == 403
