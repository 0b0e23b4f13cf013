"""Signing in with a name, the page of people and keys, and one's own page."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from appliance.panel import guard
from appliance.records.person import Role
from tests.support.twin_people import PASSWORD
from tests.unit.panel.conftest import Desk, token_of

ENGLISH = {"accept-language": "en"}


@contextmanager
def entered(desk: Desk, name: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
    """A browser in which a person has signed in."""
    with desk.client(html=True, **ENGLISH) as client:
        answer = client.post("/sign-in", data={"name": name, "password": password, "next": "/me"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/me"), answer.text
        yield client


def test_one_signs_in_by_name_and_is_called_so_on_each_page_though_the_journal_has_an_id(desk: Desk) -> None:
    aino = desk.twin.hire("Aino Laine", Role.OPERATOR)
    with entered(desk, "Aino Laine") as browser:
        browser.post("/switches", data={"name": "safe_mode", "on": "true", "csrf": token_of(browser.get("/").text)})
        page = browser.get("/").text
    assert desk.twin.levers["safe_mode"].by == aino.id
    assert "Aino Laine" in page
    assert aino.id not in page


def test_a_wrong_password_says_so_in_place_and_keeps_the_name_and_where_one_wanted_to_go(desk: Desk) -> None:
    desk.twin.hire("Aino")
    with desk.client(html=True, **ENGLISH) as client:
        answer = client.post("/sign-in", data={"name": 'Ai"><b>no', "password": "wrong", "next": "/cases?text=a"})
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert 'value="/cases?text=a"' in answer.text
    assert "<b>no" not in answer.text
    assert "Ai&#34;&gt;&lt;b&gt;no" in answer.text
    assert 'value="wrong"' not in answer.text


def test_who_has_to_wait_is_told_how_long(desk: Desk) -> None:
    desk.twin.hire("Aino")
    desk.twin.wrong = 5
    with desk.client() as client:
        answer = client.post("/sign-in", data={"name": "Aino", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_too_many_sign_ins_at_once_are_sent_away_before_they_take_a_thread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SIGN_INS_WAITING_MOST", 0)
    desk.twin.hire("Aino")
    with desk.client() as client:
        answer = client.post("/sign-in", data={"name": "Aino", "password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "sign_in_busy")


def test_the_panel_speaks_the_language_of_who_signs_in(desk: Desk) -> None:
    aino = desk.twin.hire("Aino")
    with entered(desk, "Aino") as browser:
        fields = {"language": "sv", "signature": "Mvh\nAino", "csrf": token_of(browser.get("/me").text)}
        assert browser.post("/me/profile", data=fields).status_code == 303
        assert '<html lang="sv">' in browser.get("/me").text
    assert desk.twin.staff[aino.id][0].signature == "Mvh\nAino"
    with entered(desk, "Aino") as browser:
        assert '<html lang="sv">' in browser.get("/").text


def test_an_admin_adds_changes_and_shuts_out_people(desk: Desk) -> None:
    desk.twin.hire("Maria", Role.ADMIN)
    with entered(desk, "Maria") as browser:
        csrf = {"csrf": token_of(browser.get("/people").text)}
        new = {"name": "Oskar", "role": "2", "password": "words in a row", "email": "oskar@pumps.example", **csrf}
        assert browser.post("/people/add", data=new).status_code == 303
        assert "Oskar is added." in browser.get("/people").text
        oskar = next(person for person, _ in desk.twin.staff.values() if person.name == "Oskar")
        with entered(desk, "Oskar", "words in a row") as other:
            browser.post(f"/people/{oskar.id}/role", data={"role": "3", **csrf})
            assert desk.twin.staff[oskar.id][0].role is Role.OPERATOR
            browser.post(f"/people/{oskar.id}/password", data={"password": "a third password", **csrf})
            assert desk.twin.staff[oskar.id][1] == "a third password"
            browser.post(f"/people/{oskar.id}/active", data={"active": "false", **csrf})
            desk.clock.move(1.1)
            assert other.get("/me").status_code == 401
        assert "Shut out" in browser.get("/people").text


def test_a_password_is_never_on_a_page(desk: Desk) -> None:
    desk.twin.hire("Maria", Role.ADMIN)
    with entered(desk, "Maria") as browser:
        for path in ("/people", "/me", "/"):
            assert PASSWORD not in browser.get(path).text


def test_a_keys_secret_is_shown_once_and_the_key_can_be_revoked(desk: Desk) -> None:
    desk.twin.hire("Maria", Role.ADMIN)
    with entered(desk, "Maria") as browser:
        csrf = {"csrf": token_of(browser.get("/people").text)}
        page = browser.post("/keys/add", data={"name": "shop", "role": "1", **csrf}).text
        assert re.search(r"<code>secret-1</code>", page)
        assert "secret-1" not in browser.get("/people").text
        assert browser.post(f"/keys/{desk.twin.issued[0]['key']}/revoke", data=csrf).status_code == 303
        assert "shop" not in browser.get("/people").text


def test_one_changes_ones_own_password_and_every_other_browser_is_signed_out(desk: Desk) -> None:
    desk.twin.hire("Aino")
    with entered(desk, "Aino") as here, entered(desk, "Aino") as there:
        fields = {"old": PASSWORD, "password": "a wholly new one", "csrf": token_of(here.get("/me").text)}
        assert here.post("/me/password", data={**fields, "again": "another"}).status_code == 400
        assert here.post("/me/password", data={**fields, "old": "wrong", "again": fields["password"]}).status_code == 409
        assert here.post("/me/password", data={**fields, "again": fields["password"]}).status_code == 303
        desk.clock.move(1.1)
        assert here.get("/me").status_code == 200
        assert there.get("/me").status_code == 401


def test_one_signs_a_forgotten_browser_out(desk: Desk) -> None:
    desk.twin.hire("Aino")
    with entered(desk, "Aino") as here, entered(desk, "Aino") as there:
        page = here.get("/me").text
        assert "This browser" in page
        (session,) = re.findall(r'name="session" value="([^"]+)"', page)
        here.post("/me/sessions/end", data={"session": session, "csrf": token_of(page)})
        desk.clock.move(1.1)
        assert there.get("/me").status_code == 401
        assert here.get("/me").status_code == 200


FORMS = {
    "/people/add": {"name": "Eve", "role": "4", "password": "eves own password"},
    "/people/p-1/role": {"role": "4"},
    "/people/p-1/active": {"active": "false"},
    "/people/p-1/password": {"password": "eves own password"},
    "/people/p-1/sign-out": {},
    "/keys/add": {"name": "eve", "role": "4"},
    "/keys/k-1/revoke": {},
    "/me/profile": {"language": "sv", "signature": "Eve"},
    "/me/password": {"old": PASSWORD, "password": "eves own password", "again": "eves own password"},
    "/me/sessions/end": {"session": "s-1"},
    "/me/sessions/end-others": {},
}


@pytest.mark.parametrize("path", FORMS)
def test_every_form_about_people_demands_the_sessions_own_token(desk: Desk, path: str) -> None:
    maria = desk.twin.hire("Maria", Role.ADMIN)
    with entered(desk, "Maria") as browser:
        before = dict(desk.twin.staff), dict(desk.twin.browsers), list(desk.twin.issued)
        for csrf in ({}, {"csrf": "guessed"}):
            answer = browser.post(path.replace("p-1", maria.id), data={**FORMS[path], **csrf})
            assert (answer.status_code, "earlier session" in answer.text) == (403, True)
        unseen = {secret: session.id for secret, session in desk.twin.browsers.items()}
        assert (before[0], {secret: one.id for secret, one in before[1].items()}, before[2]) == (desk.twin.staff, unseen, desk.twin.issued)


@pytest.mark.parametrize("path", [path for path in FORMS if not path.startswith("/me/")])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.OPERATOR])
def test_no_form_about_others_works_for_who_is_no_admin(desk: Desk, path: str, role: Role) -> None:
    desk.twin.hire("Maria", Role.ADMIN)
    desk.twin.hire("Eve", role)
    with entered(desk, "Eve") as browser:
        fields = {**FORMS[path], "csrf": token_of(browser.get("/me").text)}
        assert browser.post(path, data=fields).status_code == 403
        assert browser.get("/people").status_code == 403
        assert "/people" not in browser.get("/me").text


def test_by_the_api_an_admin_does_the_same_and_sees_no_secret_twice(desk: Desk) -> None:
    with desk.client("key-of-an-admin") as program:
        person = program.post("/api/v1/people", json={"name": "Sanna", "role": 2, "password": "three words here"}).json()
        assert (person["name"], person["role"]) == ("Sanna", 4)  # the first
        assert program.post("/api/v1/people", json={"name": "Sanna", "role": 2, "password": "three words here"}).status_code == 409
        assert program.put(f"/api/v1/people/{person['id']}/role", json={"role": 3}).json()["role"] == 3
        issued = program.post("/api/v1/keys", json={"name": "shop", "role": 1}).json()
        assert issued["secret"] not in program.get("/api/v1/keys").text
        assert program.delete(f"/api/v1/keys/{issued['key']}").status_code == 200
        assert "three words here" not in program.get("/api/v1/people").text
        me = program.get("/api/v1/me").json()
        assert (me["name"], me["role"], me["person"]) == ("Maria", 4, None)
    with entered(desk, "Sanna", "three words here"), desk.client("key-of-an-admin") as program:
        assert len(program.get(f"/api/v1/people/{person['id']}/sessions").json()["sessions"]) == 1
        assert program.delete(f"/api/v1/people/{person['id']}/sessions").json() == {"ended": 1}


def test_no_answer_of_the_api_holds_the_secret_of_a_session(desk: Desk) -> None:
    maria = desk.twin.hire("Maria L", Role.ADMIN)
    with entered(desk, "Maria L") as browser, desk.client("key-of-an-admin") as program:
        (secret,) = desk.twin.browsers
        for path in ("/api/v1/people", f"/api/v1/people/{maria.id}/sessions", "/api/v1/me", "/api/v1/keys"):
            assert secret not in program.get(path).text
        for path in ("/me", "/people"):
            assert secret not in browser.get(path).text
