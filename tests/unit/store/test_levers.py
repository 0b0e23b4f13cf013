import pytest

from appliance.records.person import Actor, Role
from appliance.records.policy import Switches
from appliance.store.errors import NoSuchCase, WrongState
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.unit.store.support import OPEN_LEVERS, Desk, open_store


def test_a_fresh_home_is_careful(store: Store) -> None:
    assert store.switches() == Switches(readable=True)


def test_the_settings_speak_once_and_later_the_levers_rule(store: Store, clock: FakeClock) -> None:
    term = store.begin_term("a")
    store.first_switches(term=term, **OPEN_LEVERS)
    store.set_switch("automation_enabled", False, "owner", term=term)
    store.first_switches(term=term, **OPEN_LEVERS)
    assert not store.switches().automation_enabled
    assert store.switches().outbound_enabled
    home = store.home
    store.close()
    with open_store(home, clock) as again:
        again.first_switches(term=term, **OPEN_LEVERS)
        assert not again.switches().automation_enabled


def test_who_pulled_a_lever_and_when_is_kept(desk: Desk) -> None:
    desk.clock.move(5)
    desk.store.set_switch("safe_mode", True, "liisa", term=desk.term)
    (state,) = [state for state in desk.store.switch_states() if state.name == "safe_mode"]
    assert (state.on, state.by, state.at) == (True, "liisa", desk.clock.now())


def test_an_unknown_lever_is_refused(desk: Desk) -> None:
    with pytest.raises(WrongState, match="safe_mode"):
        desk.store.set_switch("turbo", True, "liisa", term=desk.term)


def test_levers_that_cannot_be_read_count_as_closed(store: Store, desk: Desk) -> None:
    store._run(lambda books: books.connection.execute("ALTER TABLE switches RENAME TO hidden"))
    store._read_switches(store._books.connection)
    assert store.switches() == Switches()
    assert desk.start() is None


def test_a_key_is_known_by_its_secret_until_it_is_revoked(desk: Desk) -> None:
    key, secret = desk.store.issue_key("shop", Role.AGENT, "owner", term=desk.term)
    assert desk.store.actor_of(secret) == Actor(name="shop", role=Role.AGENT)
    assert desk.store.actor_of(secret + "x") is None
    assert desk.store.actor_of("") is None
    desk.store.revoke_key(key, "owner", term=desk.term)
    assert desk.store.actor_of(secret) is None
    position = desk.store.position
    desk.store.revoke_key(key, "owner", term=desk.term)
    assert desk.store.position == position


def test_a_keys_secret_is_kept_nowhere(desk: Desk) -> None:
    _, secret = desk.store.issue_key("shop", 2, "owner", term=desk.term)
    desk.store.tidy()
    assert all(secret.encode() not in file.read_bytes() for file in desk.store.home.rglob("*") if file.is_file())
    assert desk.store.keys()[0]["name"] == "shop"


def test_an_unknown_key_is_refused(desk: Desk) -> None:
    with pytest.raises(NoSuchCase):
        desk.store.revoke_key("k-none", "owner", term=desk.term)
