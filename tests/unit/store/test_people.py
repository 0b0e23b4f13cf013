"""People and sessions in the store: sealed, journalled, and gone when they are told to go."""

import pytest

from appliance.ground.errors import StoreError
from appliance.records.person import Person, Role
from appliance.store import people
from appliance.store.errors import LastAdmin, NameTaken, NoSuchPerson, WrongState
from appliance.store.people import Profile
from appliance.store.replay import replay, table_digests
from appliance.store.sessions import SESSIONS_OF_ONE_MOST
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, open_store

HOUR, DAY = 3600.0, 86_400.0
ENDS = {"idle": 12 * HOUR, "longest": 7 * DAY}


def hire(desk: Desk, name: str = "Aino Laine", role: Role = Role.AGENT, **words: str) -> Person:
    return desk.store.people.add(Profile(name=name, **words), role, "cli", term=desk.term)


def enter(desk: Desk, who: str) -> str:
    return desk.store.people.sessions.open(who, who, **ENDS, term=desk.term)


def test_the_first_person_is_an_admin_whatever_was_asked_for(desk: Desk) -> None:
    assert hire(desk, "Aino", Role.VIEWER).role is Role.ADMIN
    assert hire(desk, "Oskar", Role.VIEWER).role is Role.VIEWER


def test_nothing_of_a_person_stands_in_clear_in_any_file(desk: Desk) -> None:
    person = hire(desk, "Aino Laine", email="aino@pumps.example", signature="Terveisin Aino", password="$argon2id$its-hash")
    desk.store.people.rewrite(person.id, "cli", signature="Mvh Aino", term=desk.term)
    desk.store.tidy()
    files = [file.read_bytes() for file in desk.store.home.rglob("*") if file.is_file()]
    for word in ("Aino", "aino@pumps.example", "Terveisin", "Mvh", "its-hash"):
        assert not [1 for content in files if word.encode() in content], word
    known = desk.store.people.find("aino laine")
    assert known is not None
    assert (known.profile.signature, known.profile.password) == ("Mvh Aino", "$argon2id$its-hash")


def test_what_is_shown_of_a_person_never_holds_the_hash(desk: Desk) -> None:
    assert "its-hash" not in repr(hire(desk, password="its-hash"))


def test_a_profile_passed_off_as_another_persons_is_found_out(desk: Desk) -> None:
    hire(desk, "Aino")
    hire(desk, "Oskar")
    steal = "UPDATE people SET sealed = (SELECT sealed FROM people ORDER BY added_at, id LIMIT 1)"
    desk.store._run(lambda books: books.connection.execute(steal))
    with pytest.raises(StoreError, match="exchanged"):
        desk.store.people.all()


@pytest.mark.parametrize("name", ["aino laine", " AINO LAINE ", "Aino Laine"])
def test_two_people_never_share_a_name(desk: Desk, name: str) -> None:
    hire(desk)
    with pytest.raises(NameTaken):
        hire(desk, name)


def test_the_last_active_admin_can_neither_be_demoted_nor_shut_out(desk: Desk) -> None:
    first, second = hire(desk, "Aino"), hire(desk, "Oskar", Role.ADMIN)
    change = desk.store.people.change
    change(second.id, "cli", active=False, term=desk.term)
    for wish in ({"role": Role.OPERATOR}, {"active": False}):
        with pytest.raises(LastAdmin):
            change(first.id, "cli", **wish, term=desk.term)
    change(second.id, "cli", active=True, term=desk.term)
    assert change(first.id, "cli", role=Role.VIEWER, term=desk.term).role is Role.VIEWER


def test_a_person_nobody_knows_is_refused(desk: Desk) -> None:
    with pytest.raises(NoSuchPerson):
        desk.store.people.change("Nobody", "cli", role=Role.ADMIN, term=desk.term)


def test_there_is_a_limit_to_people(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PEOPLE_MOST", 2)
    hire(desk, "Aino")
    hire(desk, "Oskar")
    with pytest.raises(WrongState, match="most"):
        hire(desk, "Maria")


def test_the_names_follow_each_change(desk: Desk) -> None:
    person = hire(desk, "Aino")
    assert desk.store.people.names() == {person.id: "Aino"}
    desk.store.people.rewrite(person.id, "cli", name="Aino Laine", term=desk.term)
    assert desk.store.people.names() == {person.id: "Aino Laine"}


def test_a_session_survives_a_restart_and_its_secret_is_kept_nowhere(desk: Desk, clock: FakeClock) -> None:
    person = hire(desk)
    secret = enter(desk, person.id)
    desk.store.tidy()
    home = desk.store.home
    assert not [file for file in home.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
    desk.store.close()
    with open_store(home, clock) as again:
        session = again.people.sessions.of_secret(secret)
        assert session is not None
        assert (session.actor.name, session.actor.role) == (person.id, Role.ADMIN)
        assert again.people.sessions.of_secret(secret + "x") is None


def test_a_session_ends_when_it_is_not_used_and_lives_on_when_it_is_but_never_beyond_its_longest(desk: Desk) -> None:
    sessions, person = desk.store.people.sessions, hire(desk)
    used, idle = enter(desk, person.id), enter(desk, person.id)
    while desk.clock.now() < 1_800_000_000 + 7 * DAY - HOUR:
        desk.clock.move(2 * HOUR)
        session = sessions.of_secret(used)
        if session is None:
            break
        if sessions.is_stale(session, 12 * HOUR):
            sessions.use(session.id, person.id, idle=12 * HOUR, term=desk.term)
        assert (sessions.of_secret(idle) is None) == (desk.clock.now() - 1_800_000_000 >= 12 * HOUR)
    assert desk.clock.now() - 1_800_000_000 >= 7 * DAY - 2 * HOUR
    desk.clock.move(2 * HOUR)
    assert sessions.of_secret(used) is None


def test_that_a_session_is_used_is_written_down_only_now_and_then(desk: Desk) -> None:
    sessions, person = desk.store.people.sessions, hire(desk)
    secret = enter(desk, person.id)
    desk.clock.move(0.9 * HOUR)
    session = sessions.of_secret(secret)
    assert session is not None
    assert not sessions.is_stale(session, 12 * HOUR)
    desk.clock.move(0.2 * HOUR)
    assert sessions.is_stale(session, 12 * HOUR)


def test_whoever_is_shut_out_is_signed_out_and_a_new_role_holds_at_once(desk: Desk) -> None:
    hire(desk, "Aino")
    person = hire(desk, "Oskar", Role.AGENT)
    secret, sessions, change = enter(desk, person.id), desk.store.people.sessions, desk.store.people.change
    change(person.id, "cli", role=Role.VIEWER, term=desk.term)
    session = sessions.of_secret(secret)
    assert session is not None
    assert session.actor.role is Role.VIEWER
    change(person.id, "cli", active=False, term=desk.term)
    assert sessions.of_secret(secret) is None
    change(person.id, "cli", active=True, term=desk.term)
    assert sessions.of_secret(secret) is None


def test_a_new_password_ends_every_other_session(desk: Desk) -> None:
    person = hire(desk)
    here, there = enter(desk, person.id), enter(desk, person.id)
    sessions = desk.store.people.sessions
    kept = sessions.of_secret(here)
    assert kept is not None
    desk.store.people.rewrite(person.id, person.id, keep=kept.id, password="another", term=desk.term)
    assert sessions.of_secret(here) is not None
    assert sessions.of_secret(there) is None


def test_a_session_by_key_lasts_no_longer_than_the_key(desk: Desk) -> None:
    key, secret = desk.store.issue_key("shop", Role.OPERATOR, "cli", term=desk.term)
    sessions = desk.store.people.sessions
    assert (sessions.key_of(secret), sessions.key_of(secret + "x")) == (key, "")
    browser = enter(desk, key)
    session = sessions.of_secret(browser)
    assert session is not None
    assert (session.actor.name, session.actor.role) == ("shop", Role.OPERATOR)
    desk.store.revoke_key(key, "cli", term=desk.term)
    assert sessions.of_secret(browser) is None


def test_nobody_has_more_than_so_many_sessions_and_the_one_unused_for_longest_goes(desk: Desk) -> None:
    person = hire(desk)
    secrets = []
    for _ in range(SESSIONS_OF_ONE_MOST + 1):
        secrets.append(enter(desk, person.id))
        desk.clock.move(1)
    sessions = desk.store.people.sessions
    assert sessions.of_secret(secrets[0]) is None
    assert len(sessions.all(person.id)) == SESSIONS_OF_ONE_MOST


def test_a_replay_gives_the_same_people_and_sessions(desk: Desk) -> None:
    person = hire(desk)
    ended, left = enter(desk, person.id), enter(desk, person.id)
    sessions = desk.store.people.sessions
    found, kept = sessions.of_secret(ended), sessions.of_secret(left)
    assert found is not None
    assert kept is not None
    desk.clock.move(2 * HOUR)
    sessions.use(kept.id, person.id, idle=12 * HOUR, term=desk.term)
    sessions.end(found.id, person.id, term=desk.term)
    connection = desk.store._readers.connection()
    assert table_digests(replay(connection, desk.store.position)) == table_digests(connection)
    assert sessions.end_all(person.id, "cli", term=desk.term) == 1
    assert sessions.all() == ()
