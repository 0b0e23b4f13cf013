"""The pages of what the company knows, and the operations behind them."""

import base64
from urllib.parse import quote

import httpx
import msgspec
import pytest

from appliance.panel.knowing import marked, passage_address
from appliance.panel.pages.staged import FORM_BYTES_MOST
from appliance.records.knowledge import Passage, SourceState
from tests.support.twin_knowledge import STAGED
from tests.unit.panel.conftest import Desk, token_of

OPERATOR = "key-of-an-operator"
SHEET = b"Avain;Arvo\npalautusoikeus;Palautus 14 p\xc3\xa4iv\xc3\xa4n kuluessa.\n"
HOSTILE = '<script>alert(1)</script>=HYPERLINK("http://x")'


def upload(browser: httpx.Client, name: str, content: bytes, source: str = "", language: str = "fi") -> httpx.Response:
    data = {"csrf": token_of(browser.get("/knowledge").text), "source": source, "language": language}
    return browser.post("/knowledge/upload", data=data, files={"files": (name, content)})


def form(browser: httpx.Client, path: str, **data: str) -> httpx.Response:
    return browser.post(path, data={"csrf": token_of(browser.get("/knowledge").text), **data})


def test_the_page_names_each_source_its_trouble_and_what_sources_disagree_about(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        page = browser.get("/knowledge").text
    assert all(f"/knowledge/source/{name}" in page for name in ("fi.xlsx", "sv.xlsx", "en.xlsx"))
    assert "The sheet Prices has no column named Value." in page
    assert "Sources that disagree" in page
    assert "9,90 €" in page
    assert f"/knowledge/staged/{STAGED}" in page


def test_a_search_is_ranked_in_its_language_and_a_missing_fact_can_be_written_down_at_once(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        page = browser.get("/knowledge", params={"text": "pumpun palautus", "language": "fi"}).text
        none = browser.get("/knowledge", params={"text": "night service", "language": "xx"}).text
    assert 'class="rank" aria-hidden="true">1<' in page
    assert "Pumpun voi palauttaa 30 päivän kuluessa" in page
    assert "taulukko Tiedot, rivi 12" in page
    assert "Nothing speaks of this" in none
    assert 'maxlength="120" value="night service"' in none


def test_a_question_is_answered_in_words_and_stands_in_no_address(desk: Desk) -> None:
    with desk.browser(**{"accept-language": "en"}) as browser:
        answer = form(browser, "/knowledge/ask", question="Is <b>Anna</b> at home?", language="en")
    assert answer.status_code == 200
    assert "A person would check it first" in answer.text
    assert "Is &lt;b&gt;Anna&lt;/b&gt; at home?" in answer.text
    assert "Anna" not in str(answer.url)


def test_who_is_no_operator_looks_and_is_offered_nothing_to_change(desk: Desk) -> None:
    with desk.browser("key-of-a-viewer") as browser:
        assert 'action="/knowledge/upload"' not in browser.get("/knowledge").text
        assert "/activate" not in browser.get(f"/knowledge/staged/{STAGED}").text
        assert upload(browser, "fi.xlsx", b"x", "fi.xlsx").status_code == 403
        for path in (f"/knowledge/staged/{STAGED}/activate", f"/knowledge/staged/{STAGED}/discard", "/knowledge/back", "/knowledge/fact"):
            assert form(browser, path, source="fi.xlsx", title="a", text="b", language="fi").status_code == 403
    assert STAGED in desk.twin.proposals


def test_an_upload_leads_to_its_difference_and_from_there_to_the_source(desk: Desk) -> None:
    desk.twin.source_states = (*desk.twin.source_states, SourceState(name="sv.csv", path="knowledge/sv.csv", language="sv"))
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        answer = upload(browser, "uusi.csv", SHEET, "sv.csv")
        assert answer.status_code == 303
        page = browser.get(answer.headers["location"]).text
        assert "Palautus 14 päivän kuluessa." in page
        done = form(browser, f"{answer.headers['location']}/activate")
        assert (done.status_code, done.headers["location"]) == (303, "/knowledge/source/sv.csv")
        assert "sv.csv is in use." in browser.get(done.headers["location"]).text


def test_what_was_thrown_away_says_so_and_is_not_activated_later(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        assert form(browser, f"/knowledge/staged/{STAGED}/discard").headers["location"] == "/knowledge"
        late = form(browser, f"/knowledge/staged/{STAGED}/activate")
        assert late.status_code == 409
        assert "This waits no more" in late.text
        assert browser.get(f"/knowledge/staged/{STAGED}").status_code == 404


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bad.xlsx", b"PK cut off", "bad.xlsx is damaged"),
        ("empty.csv", b"", "empty.csv"),
        ("run.exe", b"MZ", "run.exe"),
        ("<img src=x>.exe", b"MZ", "&lt;img src=x&gt;.exe"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_on_the_page_and_that_nothing_changed(desk: Desk, name: str, content: bytes, said: str) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        answer = upload(browser, name, content)
    assert answer.status_code == 409
    assert said in answer.text
    assert "<img" not in answer.text
    assert "What is answered from has not changed." in answer.text
    assert list(desk.twin.proposals) == [STAGED]


def test_no_file_and_one_that_is_too_large_are_told_apart(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        none = form(browser, "/knowledge/upload", source="", language="fi")
        assert none.status_code == 400
        large = upload(browser, "large.csv", b"x" * (FORM_BYTES_MOST + 1))
    assert large.status_code == 413


def test_a_refused_fact_keeps_what_was_typed(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        answer = form(browser, "/knowledge/fact", title="Night <i>", text=" ", language="en")
        assert answer.status_code == 409
        assert "A fact needs a title in words, and a text." in answer.text
        assert 'value="Night &lt;i&gt;"' in answer.text
        good = form(browser, "/knowledge/fact", title="Night", text="Our night service answers.", language="en")
    assert good.headers["location"].startswith("/knowledge/staged/k-")


def test_going_back_leads_to_a_difference_and_says_when_there_is_nothing_to_go_back_to(desk: Desk) -> None:
    with desk.browser(OPERATOR, **{"accept-language": "en"}) as browser:
        assert "Go back to the one before" in browser.get("/knowledge/source/fi.xlsx").text
        assert form(browser, "/knowledge/back", source="fi.xlsx").headers["location"].startswith("/knowledge/staged/k-")
        none = form(browser, "/knowledge/back", source="sv.xlsx")
    assert none.status_code == 409
    assert "There is no earlier version of this source." in none.text


def test_hostile_cells_are_shown_as_they_stand_and_do_nothing(desk: Desk) -> None:
    row = Passage(id="fi #1?%2F&.xlsx/äiti~2", source="fi.xlsx", language="fi", text=HOSTILE, title=HOSTILE, key="k", aliases=(HOSTILE,))
    desk.twin.passages[row.id] = row
    state = desk.twin.source_states[0]
    desk.twin.source_states = (msgspec.structs.replace(state, notes=(HOSTILE,)), *desk.twin.source_states[1:])
    with desk.browser(OPERATOR) as browser:
        for path in ("/knowledge", "/knowledge/source/fi.xlsx", passage_address(row.id), f"/knowledge/staged/{STAGED}"):
            answer = browser.get(path)
            assert answer.status_code == 200, path
            assert "<script>alert" not in answer.text, path
            assert 'href="http://x' not in answer.text, path
        page = browser.get("/knowledge", params={"text": HOSTILE}).text
    assert "<script>alert" not in page


def test_every_passage_of_a_source_is_on_one_of_its_pages(desk: Desk) -> None:
    rows = [Passage(id=f"sv.xlsx/k{number}", source="sv.xlsx", language="sv", text=f"Svar {number}.") for number in range(60)]
    desk.twin.passages |= {row.id: row for row in rows}
    with desk.browser() as browser:
        pages = [browser.get("/knowledge/source/sv.xlsx", params={"start": start}).text for start in (0, 25, 50)]
        found = browser.get("/knowledge/source/sv.xlsx", params={"text": "SVAR 59"}).text
    assert all(sum(f">{row.text}<" in page for page in pages) == 1 for row in rows)
    assert "start=25" in pages[0]
    assert ">Svar 59.<" in found
    assert ">Svar 58.<" not in found


def test_the_words_that_differ_are_marked_and_the_others_are_not() -> None:
    before, after = marked("We are open 9-17 on weekdays.", "We are open 8-18 on weekdays.")
    assert [part.text for part in before if part.other] == ["9-17"]
    assert [part.text for part in after if part.other] == ["8-18"]
    assert "".join(part.text for part in after) == "We are open 8-18 on weekdays."
    long = " ".join(["word"] * 2_000)
    assert [part.other for part in marked(long, long + " more")[1]] == [True]


def test_a_program_hands_in_a_file_looks_and_activates(desk: Desk) -> None:
    with desk.client(OPERATOR) as program:
        body = {"name": "uusi.csv", "content": base64.b64encode(SHEET).decode(), "language": "fi"}
        staged = program.post("/api/v1/knowledge/staged", json=body).json()
        assert (staged["source"], staged["new"], staged["added"]) == ("uusi.csv", True, 1)
        assert program.get(f"/api/v1/knowledge/staged/{staged['id']}").json()["diff"]["added"][0]["key"] == "palautusoikeus"
        assert program.post(f"/api/v1/knowledge/staged/{staged['id']}/activate").json()["name"] == "uusi.csv"
        assert program.get(f"/api/v1/knowledge/staged/{staged['id']}").status_code == 404
        assert program.delete(f"/api/v1/knowledge/staged/{STAGED}").json()["source"] == "fi.xlsx"
        bad = program.post("/api/v1/knowledge/staged", json={**body, "content": base64.b64encode(b"\0").decode()})
        assert (bad.status_code, bad.json()["error"]["code"]) == (409, "source_broken")
        assert program.get("/api/v1/knowledge/passages", params={"source": "fi.xlsx"}).json()["total"] == 2
        versions = program.get("/api/v1/knowledge/versions", params={"source": "fi.xlsx"}).json()["versions"]
        back = program.post("/api/v1/knowledge/back", json={"source": "fi.xlsx", "version": versions[0]["id"]}).json()
        assert back["earlier"]
        fact = program.post("/api/v1/knowledge/facts", json={"title": "Nouto", "text": "Nouto käy.", "language": "fi"}).json()
        assert fact["added"] == 1
        assert program.get("/api/v1/knowledge/disagreements").json()["disagreements"][0]["key"] == "palautuskulut"


def test_a_large_file_fits_through_the_api_where_other_bodies_of_that_size_do_not(desk: Desk) -> None:
    content = base64.b64encode(b"Key,Value\nhours,We are open.\n" + (b" " * 99 + b"\n") * 190_000).decode()
    with desk.client(OPERATOR) as program:
        assert program.post("/api/v1/knowledge/staged", json={"name": "large.csv", "content": content}).status_code == 200
        assert program.post("/api/v1/ask", json={"text": content}).status_code == 413


def test_the_skeleton_is_a_file_to_save(desk: Desk) -> None:
    with desk.browser("key-of-a-viewer") as browser:
        answer = browser.get("/knowledge/skeleton", params={"language": "sv", "source": ""})
    assert answer.headers["content-disposition"].startswith('attachment; filename="knowledge.sv.xlsx"')


@pytest.mark.parametrize(
    "path", ["/knowledge/source/none.csv", f"/knowledge/passage/{quote('fi.xlsx/none', safe='')}", "/knowledge/staged/k-0"]
)
def test_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    with desk.browser() as browser:
        assert browser.get(path).status_code == 404
