"""People and sessions as commands: who may do what to whom, and what a guesser meets."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from appliance.ground.errors import Refused
from appliance.node import passwords
from appliance.node.commands import Commands
from appliance.node.passwords import TooManyTries, WrongPassword
from appliance.node.patience import SignInPatience
from appliance.node.tokens import Tokens
from appliance.node.visits import Visits
from appliance.records.person import Actor, Person, Role
from appliance.settings.model import Settings
from tests.support.clock import FakeClock
from tests.unit.store.support import open_store

OWNER = Actor(name="cli", role=Role.ADMIN)
GOOD, OTHER = "correct horse battery", "another horse entirely"
HERE = "192.0.2.1"


class House:
    """A store with the commands around it: as much of a node as these commands look at."""

    def __init__(self, home: Path) -> None:
        self.clock = FakeClock()
        self.store = open_store(home, self.clock)
        self.tokens = Tokens(self.clock)
        standing = SimpleNamespace(may_act=lambda: True)
        parts = {"clock": self.clock, "store": self.store, "tokens": self.tokens, "standing": standing, "settings": Settings()}
        node = SimpleNamespace(
            **parts,
            pair=None,
            running=True,
            patience=SignInPatience(self.clock),
            visits=Visits(self.clock),
            term=self.store.begin_term("a"),
            policy=lambda: _Policy,
        )
        self.commands = Commands(cast(Any, node))

    def hire(self, name: str, role: Role = Role.AGENT, password: str = GOOD) -> Person:
        return self.commands.add_person(OWNER, name, int(role), password)


class _Policy:
    levers: dict[str, Role] = {}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "home")
    yield house
    house.store.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing, for these tests sign in hundreds of times; the real ones are tried in test_passwords.py."""

    class Plain:
        def hash(self, password: bytes) -> str:
            return f"plain {password.decode()}"

        def verify(self, encoded: str, password: bytes) -> bool:
            return encoded == self.hash(password)

    monkeypatch.setattr(passwords, "_hasher", Plain)


def as_actor(person: Person) -> Actor:
    return Actor(name=person.id, role=person.role)


def test_one_signs_in_with_name_and_password_and_out_again(house: House) -> None:
    aino = house.hire("Aino Laine")
    secret = house.commands.sign_in(" aino laine", GOOD, HERE)
    session = house.commands.session_of(secret)
    assert session is not None
    assert session.actor == Actor(name=aino.id, role=Role.ADMIN)
    house.commands.sign_out(secret)
    assert house.commands.session_of(secret) is None


@pytest.mark.parametrize(("name", "password"), [("Aino", OTHER), ("Nobody", GOOD), ("", ""), ("Aino", "")])
def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody(house: House, name: str, password: str) -> None:
    house.hire("Aino")
    with pytest.raises(WrongPassword) as caught:
        house.commands.sign_in(name, password, HERE)
    assert str(caught.value) == "The name or the password is wrong. Type both again; an admin can set a new password."


def test_a_name_that_nobody_has_is_locked_like_one_that_somebody_has(house: House) -> None:
    house.hire("Aino")
    waits = {}
    for name in ("Aino", "Nobody"):
        for number in range(5):
            with pytest.raises(WrongPassword):
                house.commands.sign_in(name, OTHER, f"198.51.100.{number}")
        with pytest.raises(TooManyTries) as caught:
            house.commands.sign_in(name, GOOD, "203.0.113.1")
        waits[name] = caught.value.wait_seconds
    assert waits["Aino"] == waits["Nobody"] == 1


def test_during_the_wait_even_the_right_password_is_not_looked_at_and_afterwards_it_works(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.hire("Aino")
    for _ in range(12):
        with pytest.raises(WrongPassword):
            house.commands.sign_in("Aino", OTHER, HERE)
        house.clock.move(house.commands._node.patience.accounts.wait_seconds("aino"))
    with pytest.raises(WrongPassword):
        house.commands.sign_in("Aino", OTHER, HERE)
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "fits", lambda *_: pytest.fail("it was looked at"))
        with pytest.raises(TooManyTries):
            house.commands.sign_in("AINO ", GOOD, HERE)
    house.clock.move(300)
    assert house.commands.session_of(house.commands.sign_in("Aino", GOOD, HERE)) is not None


def test_an_attacker_from_everywhere_delays_the_owner_by_five_minutes_and_no_more_and_the_token_always_works(house: House) -> None:
    house.hire("Aino")
    for number in range(200):
        house.clock.move(house.commands._node.patience.accounts.wait_seconds("aino"))
        with pytest.raises(WrongPassword):
            house.commands.sign_in("Aino", OTHER, f"198.51.{number}.1")
    with pytest.raises(TooManyTries) as caught:
        house.commands.sign_in("Aino", GOOD, HERE)
    assert caught.value.wait_seconds <= 300
    session = house.commands.session_of(house.commands.sign_in_with_token(house.tokens.issue()))
    assert session is not None
    assert session.actor.role is Role.ADMIN
    house.clock.move(300)
    assert house.commands.sign_in("Aino", GOOD, HERE)


def test_an_address_that_tries_many_names_has_to_wait(house: House) -> None:
    for number in range(20):
        with pytest.raises(WrongPassword):
            house.commands.sign_in(f"name {number}", GOOD, HERE)
    with pytest.raises(TooManyTries):
        house.commands.sign_in("a new name", GOOD, HERE)
    with pytest.raises(WrongPassword):
        house.commands.sign_in("a new name", GOOD, "192.0.2.2")


def test_somebody_who_is_shut_out_does_not_get_in_and_is_not_told_why(house: House) -> None:
    house.hire("Maria")
    aino = house.hire("Aino")
    secret = house.commands.sign_in("Aino", GOOD, HERE)
    house.commands.change_person(OWNER, "Aino", active=False)
    assert house.commands.session_of(secret) is None
    with pytest.raises(WrongPassword):
        house.commands.sign_in("Aino", GOOD, HERE)
    assert house.commands.change_person(OWNER, aino.id, active=True).active


@pytest.mark.parametrize("meanwhile", ["another password", "shut out"])
def test_the_old_password_opens_nothing_when_it_stops_counting_while_it_is_looked_at(
    house: House, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    house.hire("Boss", Role.ADMIN)
    aino = house.hire("Aino Laine")
    fits = passwords.fits

    def slowly(encoded: str, password: str) -> bool:
        if meanwhile == "shut out":
            house.commands.change_person(OWNER, aino.id, active=False)
        else:
            house.commands.set_password(OWNER, aino.id, OTHER)
        return fits(encoded, password)

    monkeypatch.setattr(passwords, "fits", slowly)
    with pytest.raises(WrongPassword):
        house.commands.sign_in("Aino Laine", GOOD, HERE)
    house.commands.change_person(OWNER, aino.id, active=True)
    assert house.commands.sessions(OWNER, aino.id) == []


def test_ones_own_password_needs_the_old_one_and_others_need_an_admin(house: House) -> None:
    house.hire("Maria")
    aino, oskar = house.hire("Aino"), house.hire("Oskar", Role.OPERATOR)
    change = house.commands.set_password
    with pytest.raises(WrongPassword):
        change(as_actor(aino), aino.id, OTHER, old="guessed it was")
    with pytest.raises(Refused, match="may not"):
        change(as_actor(oskar), aino.id, OTHER, old=GOOD)
    change(as_actor(aino), aino.id, OTHER, old=GOOD)
    assert house.commands.sign_in("Aino", OTHER, HERE)
    change(OWNER, "Aino", GOOD)
    assert house.commands.sign_in("Aino", GOOD, HERE)


def test_the_old_password_cannot_be_guessed_by_a_session_left_open(house: House) -> None:
    house.hire("Maria")
    aino = house.hire("Aino")
    for _ in range(5):
        with pytest.raises(WrongPassword):
            house.commands.set_password(as_actor(aino), aino.id, OTHER, old="guessed it was")
    with pytest.raises(TooManyTries):
        house.commands.set_password(as_actor(aino), aino.id, OTHER, old=GOOD)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.OPERATOR])
def test_people_and_foreign_sessions_are_for_admins_alone(house: House, role: Role) -> None:
    maria, person = house.hire("Maria"), house.hire("Aino", role)
    secret, actor, commands = house.commands.sign_in("Maria", GOOD, HERE), as_actor(person), house.commands
    found = commands.session_of(secret)
    assert found is not None
    tries: list[Any] = [
        lambda: commands.people(actor),
        lambda: commands.add_person(actor, "Eve", 4, GOOD),
        lambda: commands.change_person(actor, person.id, role=4),
        lambda: commands.set_profile(actor, maria.id, signature="Eve"),
        lambda: commands.set_profile(actor, "Nobody", signature="Eve"),
        lambda: commands.sessions(actor),
        lambda: commands.sessions(actor, maria.id),
        lambda: commands.end_session(actor, found.id),
        lambda: commands.end_session(actor, "s-guessed"),
        lambda: commands.end_sessions(actor, "Maria"),
    ]
    for attempt in tries:
        with pytest.raises(Refused, match="may not do this"):
            attempt()
    assert commands.session_of(secret) is not None


def test_ones_own_page_is_ones_own(house: House) -> None:
    house.hire("Maria")
    aino = house.hire("Aino")
    actor, commands = as_actor(aino), house.commands
    here, there = commands.sign_in("Aino", GOOD, HERE), commands.sign_in("Aino", GOOD, HERE)
    commands.set_profile(actor, aino.id, signature="Terveisin\r\nAino ", languages=["sv", "fi", "sv"])
    me = commands.me(actor)
    assert me is not None
    assert (me.signature, me.languages, me.email) == ("Terveisin\nAino", ("sv", "fi"), "")
    session = commands.session_of(here)
    assert session is not None
    assert len(commands.sessions(actor, aino.id)) == 2
    assert commands.end_sessions(actor, aino.id, keep=session.id) == 1
    assert commands.session_of(there) is None
    commands.end_session(actor, session.id)
    assert commands.sessions(actor, aino.id) == []
    assert commands.me(OWNER) is None


def test_a_key_may_not_be_called_like_a_person_or_the_owner(house: House) -> None:
    aino = house.hire("Aino")
    for name in (aino.id, "owner"):
        with pytest.raises(Refused, match="person's id"):
            house.commands.issue_key(OWNER, name, 2)


@pytest.mark.parametrize("name", ["", "   ", "p-000000000000000001", "P-1", "x" * 81, "a\x00b", "a\nb\x1b[2J"])
def test_a_name_that_cannot_be_shown_or_passes_for_an_id_is_refused(house: House, name: str) -> None:
    with pytest.raises(Refused):
        house.hire(name)


@pytest.mark.parametrize(
    ("what", "said"),
    [("email", "no address"), ("email", "a@b\r\nBcc: x@y"), ("signature", "x" * 2001), ("signature", "\x1b[2J"), ("languages", ["de"])],
)
def test_a_profile_takes_only_what_can_stand_in_a_mail(house: House, what: str, said: Any) -> None:
    aino = house.hire("Aino")
    with pytest.raises(Refused):
        house.commands.set_profile(OWNER, aino.id, **{what: said})


def test_that_a_session_is_used_is_told_to_the_journal_and_an_open_page_is_no_use(house: House) -> None:
    house.hire("Aino")
    secret = house.commands.sign_in("Aino", GOOD, HERE)
    house.clock.move(2 * 3600)
    before = house.store.position
    house.commands.session_of(secret, used=False)
    assert house.store.position == before
    session = house.commands.session_of(secret)
    assert session is not None
    assert house.store.position == before + 1
    house.commands.session_of(secret)
    assert house.store.position == before + 1
