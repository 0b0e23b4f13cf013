"""Two nodes, built as the daemon builds them, become a pair over loopback, or are told why not."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.ground.errors import Refused, SettingsError
from appliance.node.pairing_desk import is_empty
from appliance.pair.line.errors import LineError
from appliance.pair.meeting.code import Secret
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.meeting.kept import KeptFile
from appliance.pair.meeting.membership import load
from appliance.pair.meeting.pairing import VALID_SECONDS
from appliance.records.person import Actor, Role
from tests.support.clock import FakeClock
from tests.support.home import wait_for, write_mail
from tests.unit.node.pair_homes import Homes, homes

OWNER = Actor(name="cli", role=Role.ADMIN)


class Later(FakeClock):
    """Time passes only when a test says so, also while somebody waits."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(min(seconds, 0.01))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Homes]:
    with homes(tmp_path) as made:
        made.build("a")
        made.build("b")
        yield made


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), 1.0):
            return True
    except OSError:
        return False


def test_with_the_right_code_both_know_each_other_and_are_to_be_built_anew(two: Homes) -> None:
    offer = two.a.pairing.begin()
    joined = two.b.pairing.join(offer.code, two.address("a"))
    assert two.a.ended.wait(20)
    assert (two.a.again, two.b.again, two.b.ended.is_set()) == (True, True, True)
    first, second = load(two.a.home), load(two.b.home)
    assert first is not None
    assert second == joined.membership
    assert (first.me, first.peer, first.side) == (two.a.name, two.b.name, "a")
    assert (second.me, second.peer, second.side) == (two.b.name, two.a.name, "b")
    assert (first.pair, first.secret) == (second.pair, second.secret)
    kept = KeptFile(two.a.home).load()
    assert (kept.joined, kept.term) == (True, two.a.store.term)
    assert not KeptFile(two.b.home).load().joined
    assert not listens(two.address("a")), "nobody else comes in by that door"


def test_what_was_paired_is_built_as_one_of_a_pair(two: Homes) -> None:
    two.b.pairing.join(two.a.pairing.begin().code, two.address("a"))
    assert two.a.ended.wait(20)
    for name in ("a", "b"):
        two.nodes[name].close()
        node = two.build(name)
        assert node.pair is not None
        assert node.standing.role == "standby"
        with pytest.raises(PairingRefused) as told:
            node.pairing.begin()
        assert told.value.code == "paired"
        with pytest.raises(PairingRefused) as told:
            node.pairing.join("1234 5678", "127.0.0.1:1")
        assert told.value.code == "paired"


def test_a_wrong_code_costs_a_try_and_changes_nothing(two: Homes) -> None:
    offer = two.a.pairing.begin()
    wrong = offer.code[:-1] + str((int(offer.code[-1]) + 1) % 10)
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(wrong, two.address("a"))
    assert told.value.code == "wrong_code"
    wait_for(lambda: (two.a.pairing.state() or {})["tries_left"] == 2)
    assert (load(two.a.home), load(two.b.home), two.a.again, two.b.again) == (None, None, False, False)
    two.b.pairing.join(offer.code, two.address("a"))
    assert two.a.ended.wait(20)


def test_after_three_wrong_codes_the_right_one_is_void_and_nobody_listens(two: Homes) -> None:
    offer = two.a.pairing.begin()
    wrong = offer.code[:-1] + str((int(offer.code[-1]) + 1) % 10)
    for _ in range(3):
        with pytest.raises(PairingRefused):
            two.b.pairing.join(wrong, two.address("a"))
    wait_for(lambda: not listens(two.address("a")))
    assert (two.a.pairing.state() or {})["state"] == "void"
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(offer.code, two.address("a"))
    assert told.value.code == "unreachable"


def test_a_code_that_has_run_out_shows_so_and_nobody_listens_any_more(tmp_path: Path) -> None:
    clock = Later()
    with homes(tmp_path, clock) as two:
        a = two.build("a")
        offer = a.pairing.begin()
        assert (a.pairing.state() or {})["expires_seconds"] == VALID_SECONDS
        clock.move(VALID_SECONDS + 1)
        wait_for(lambda: not listens(two.address("a")))
        assert offer.state == "expired"
        assert (a.pairing.state() or {})["state"] == "expired"
        assert (a.pairing.state() or {})["expires_seconds"] == 0


def test_a_code_that_was_taken_back_opens_nothing(two: Homes) -> None:
    offer = two.a.pairing.begin()
    two.a.pairing.cancel()
    assert two.a.pairing.state() is None
    with pytest.raises(PairingRefused):
        two.b.pairing.join(offer.code, two.address("a"))
    two.a.pairing.cancel()


def test_a_new_code_makes_the_old_one_void(two: Homes) -> None:
    old = two.a.pairing.begin()
    new = two.a.pairing.begin()
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(old.code, two.address("a"))
    assert told.value.code == "wrong_code"
    two.b.pairing.join(new.code, two.address("a"))


def test_codes_that_are_asked_for_at_once_leave_one_door_and_one_code(two: Homes) -> None:
    failed: list[Exception] = []

    def begin() -> None:
        try:
            two.a.pairing.begin()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    offer = two.a.pairing.offer
    assert offer is not None
    two.b.pairing.join(offer.code, two.address("a"))


def test_a_node_that_has_cases_or_people_may_not_join(two: Homes) -> None:
    offer = two.a.pairing.begin()
    two.b.commands.add_person(OWNER, "Aino", int(Role.AGENT), "correct horse battery")
    assert not is_empty(two.b)
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(offer.code, two.address("a"))
    assert told.value.code == "not_empty"
    assert load(two.b.home) is None


def test_the_node_that_shows_the_code_keeps_what_it_has(two: Homes) -> None:
    two.a.take_files([str(write_mail(two.a.home, "When are you open?"))], "support")
    assert not is_empty(two.a)
    two.b.pairing.join(two.a.pairing.begin().code, two.address("a"))
    assert two.a.ended.wait(20)


def test_what_came_in_while_the_two_were_talking_is_not_lost_for_the_pair(two: Homes) -> None:
    """The joiner is asked whether it is empty before it says yes, and looked at once more when it does."""
    offer = two.a.pairing.begin()
    enter = two.b.pairing._keep_as_second

    def late(membership: object) -> None:
        two.b.commands.add_person(OWNER, "Aino", int(Role.AGENT), "correct horse battery")
        enter(membership)  # type: ignore[arg-type]

    two.b.pairing._keep_as_second = late  # type: ignore[method-assign]
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(offer.code, two.address("a"))
    assert told.value.code == "not_empty"
    assert load(two.b.home) is None
    assert two.b.again, "it goes on as it was, built anew"


@pytest.mark.parametrize("code", ["", "123", "1234 567x", "12345678 9"])
def test_what_is_no_code_is_said_to_be_none(two: Homes, code: str) -> None:
    two.a.pairing.begin()
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join(code, two.address("a"))
    assert told.value.code == "malformed_code"


def test_an_address_that_is_none_is_refused_with_how_to_write_one(two: Homes) -> None:
    with pytest.raises(Refused, match="HOST:PORT"):
        two.b.pairing.join("1234 5678", "nonsense::::")


def test_where_nobody_shows_a_code_the_configured_address_is_tried_and_named(two: Homes) -> None:
    with pytest.raises(PairingRefused) as told:
        two.b.pairing.join("1234 5678", "")
    assert told.value.code == "unreachable"


def test_a_secret_pairs_two_machines_without_anybody_there(two: Homes) -> None:
    offer = two.a.pairing.begin(Secret(words="0123456789abcdef"))
    assert (two.a.pairing.state() or {})["expires_seconds"] == -1
    assert offer.code == ""
    two.b.pairing.join(Secret(words="0123456789abcdef"), two.address("a"))
    assert two.a.ended.wait(20)


def test_a_secret_file_that_is_missing_or_short_is_refused(two: Homes, tmp_path: Path) -> None:
    (tmp_path / "short").write_text("x")
    for file in ("missing", "short"):
        with pytest.raises(SettingsError):
            two.a.commands.pair_start(OWNER, str(tmp_path / file))


def test_a_port_that_somebody_else_has_is_said_and_no_code_is_shown(two: Homes) -> None:
    with socket.create_server(("127.0.0.1", two.ports["a"])), pytest.raises(LineError, match="cannot listen"):
        two.a.pairing.begin()
    assert two.a.pairing.state() is None
    two.a.pairing.begin()


def test_a_node_that_stops_takes_its_code_back(two: Homes) -> None:
    two.a.pairing.begin()
    two.a.close()
    assert not listens(two.address("a"))
    assert not two.a.again


def test_the_commands_show_a_code_take_it_back_and_join_only_for_whom_may(two: Homes) -> None:
    agent = Actor(name="x", role=Role.AGENT)
    for refused in (lambda: two.a.commands.pair_start(agent), lambda: two.a.commands.pair_cancel(agent)):
        with pytest.raises(Refused):
            refused()
    with pytest.raises(Refused):
        two.b.commands.pair_join(agent, "1234 5678")
    shown = two.a.commands.pair_start(OWNER)
    assert set(shown) == {"code", "expires_seconds"}
    assert two.a.commands.pair()["pairing"]["code"] == shown["code"]
    two.a.commands.pair_cancel(OWNER)
    assert two.a.commands.pair()["pairing"] is None
    shown = two.a.commands.pair_start(OWNER)
    told = two.b.commands.pair_join(OWNER, shown["code"], two.address("a"))
    assert told["peer"] == two.a.name
