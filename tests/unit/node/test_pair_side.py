"""Two nodes of a pair that live side by side, as the daemon would have them live: hand over, hand commands over, leave."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.ground.errors import Refused
from appliance.node.pair_side import remember_last
from appliance.pair.meeting.membership import load
from appliance.records.events import CustomerErased
from appliance.records.person import Actor, Role
from appliance.store import divergent, journal
from tests.support.home import wait_for
from tests.support.mailbox_home import customer_mail
from tests.unit.node.pair_homes import Homes, homes

OWNER = Actor(name="cli", role=Role.ADMIN)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    with homes(tmp_path_factory.mktemp("two")) as made:
        made.pair()
        made.start()
        yield made


def settle(two: Homes) -> None:
    """One leads, the other stands by, and both are in step."""
    wait_for(lambda: sorted(node.standing.role for node in two.nodes.values()) == ["leader", "standby"], 60.0)
    wait_for(lambda: all(two.told(name).get("mode") == "pair" for name in ("a", "b")), 60.0)


def test_the_one_with_the_data_leads_and_the_other_one_has_all_of_it(two: Homes) -> None:
    settle(two)
    leader, standby = two.leader, two.standby
    wait_for(lambda: standby.store.position == leader.store.position)
    assert standby.settings.mailbox[0].id == "support"
    assert standby.settings.pair.port != leader.settings.pair.port
    assert (standby.home / "en.md").read_bytes() == (leader.home / "en.md").read_bytes()


def test_a_command_on_the_standby_is_done_by_the_leader_and_seen_by_both(two: Homes) -> None:
    settle(two)
    two.standby.commands.set_switch(OWNER, "safe_mode", True)
    assert two.leader.store.switches().safe_mode
    wait_for(lambda: two.standby.store.switches().safe_mode)
    with pytest.raises(Refused):
        two.standby.commands.set_switch(Actor(name="x", role=Role.VIEWER), "safe_mode", False)


def test_files_that_change_at_the_leader_change_here(two: Homes) -> None:
    settle(two)
    path = two.leader.home / "en.md"
    path.write_text(path.read_text() + "| Parking | You can park in the yard. | car |\n")
    wait_for(lambda: "Parking" in (two.standby.home / "en.md").read_text(), 30.0)


def test_handing_over_makes_the_other_one_leader_in_a_new_term(two: Homes) -> None:
    settle(two)
    leader, standby = two.leader, two.standby
    term = leader.term
    assert standby.commands.pair_handover(OWNER) == {"asked": True}
    wait_for(lambda: standby.standing.role == "leader", 30.0)
    wait_for(lambda: leader.standing.role == "standby")
    assert standby.term > term
    assert two.standby is leader
    wait_for(lambda: leader.store.position == standby.store.position)
    assert standby.store.terms(1)[0]["how"] == "handover"


def test_after_a_change_of_lead_both_compare_what_they_hold_without_waiting_for_the_minute(two: Homes) -> None:
    settle(two)
    leader = two.leader.pair
    assert leader is not None
    began = two.leader.store.terms(1)[0]["position"]
    wait_for(lambda: leader.damage.same_at >= began, 20.0)


def test_a_leader_that_steps_aside_returns_when_the_other_one_leads_and_not_before(two: Homes) -> None:
    settle(two)
    wait_for(lambda: not two.told("b" if two.leader is two.nodes["a"] else "a")["peer"]["lag"])
    leader, standby = two.leader.pair, two.standby.pair
    assert leader is not None
    assert standby is not None
    wait_for(lambda: leader.keeper.standing.beat is not None and not leader.keeper.standing.beat.yields)
    leader.step_aside(10.0)
    assert standby.keeper.leads()


def test_whom_this_node_erased_in_a_tail_that_lost_is_erased_again_where_the_lead_is(two: Homes, tmp_path: Path) -> None:
    settle(two)
    mail = tmp_path / "old.eml"
    mail.write_bytes(customer_mail(7))
    two.leader.commands.take_files(OWNER, [str(mail)])
    (customer,) = two.leader.store._readers.one("SELECT digest FROM customers") or ()
    erased = CustomerErased(at=1.0, by="cli", customer=customer.hex(), bodies=0, slot=0, cases=())
    entry = journal.Entry(9, 9, journal.VERSION, "customer_erased", 1.0, journal.encode(erased), 0, b"", b"")
    kept = divergent.Tail(common=8, term=9, taken_at=1.0, entries=(entry,), bodies=())
    folder = two.standby.home / divergent.FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "8-9.json").write_bytes(msgspec.json.encode(kept))
    for node in (two.leader, two.standby):
        wait_for(lambda node=node: node.store._readers.one("SELECT 1 FROM erasures") is not None, 30.0)  # type: ignore[misc]
    assert not two.leader.store._readers.all("SELECT 1 FROM customers")


def test_a_standby_may_neither_leave_nor_take_over_while_the_leader_is_seen(two: Homes) -> None:
    settle(two)
    with pytest.raises(Refused) as told:
        two.standby.commands.pair_leave(OWNER)
    assert told.value.code == "standby_may_not_leave"
    with pytest.raises(Refused) as told:
        two.standby.commands.pair_takeover(OWNER, sure=True)
    assert told.value.code == "peer_is_seen"
    with pytest.raises(Refused) as told:
        two.leader.commands.pair_takeover(OWNER, sure=True)
    assert told.value.code == "leads_already"


@pytest.mark.parametrize("command", ["pair_leave", "pair_handover", "pair_takeover", "witness_key"])
def test_only_whoever_may_can_change_the_pair(two: Homes, command: str) -> None:
    settle(two)
    with pytest.raises(Refused, match="may not do this"):
        getattr(two.leader.commands, command)(Actor(name="x", role=Role.AGENT))


def test_each_says_how_the_other_one_is_and_where_its_panel_is(two: Homes) -> None:
    settle(two)
    for me, peer in (("a", "b"), ("b", "a")):
        wait_for(lambda me=me: two.told(me)["peer"]["version"] != "")  # type: ignore[misc]
        said = two.told(me)["peer"]
        node = two.nodes[peer]
        assert (said["node"], said["seen"], said["healthy"], said["role"]) == (node.name, True, True, node.standing.role)
        assert said["panel"] == f"http://127.0.0.1:{node.settings.panel.port}"


def test_a_leader_that_leaves_goes_on_alone_and_the_other_one_does_not_lead_beside_it(two: Homes) -> None:
    """The last in this file: afterwards there is no pair."""
    settle(two)
    leader, standby = two.leader, two.standby
    name = next(name for name, node in two.nodes.items() if node is leader)
    membership = leader.pair.membership if leader.pair is not None else None
    leader.commands.pair_leave(OWNER)
    assert load(leader.home) is None
    wait_for(lambda: two.nodes[name] is not leader and two.nodes[name].running, 60.0)
    assert load(leader.home) is None
    assert (two.nodes[name].pair, two.nodes[name].standing.role) == (None, "alone")
    wait_for(lambda: standby.commands.pair()["reason"] == "waits_for_person", 30.0)
    assert standby.standing.role == "standby"
    assert not standby.standing.may_act()
    assert membership is not None


def test_an_address_is_remembered_only_when_it_is_another_one(tmp_path: Path) -> None:
    with homes(tmp_path) as pair:
        pair.pair()
        home = pair.folder / "b"
        known = load(home)
        assert known is not None
        file = home / "pair" / "membership"
        before = file.stat().st_ino
        assert remember_last(home, known, None) is known
        changed = remember_last(home, known, ("192.0.2.7", 8485))
        assert changed.last_address == "192.0.2.7:8485"
        assert load(home) == changed
        after = file.stat().st_ino
        assert after != before
        assert remember_last(home, changed, ("192.0.2.7", 8485)) is changed
        assert file.stat().st_ino == after


def test_a_pair_that_was_left_is_not_remembered_again_by_whoever_still_runs(tmp_path: Path) -> None:
    with homes(tmp_path) as pair:
        pair.pair()
        node = pair.build("a")
        side = node.pair
        assert side is not None
        side.leave(0.0) if _may_leave(side) else None
        side.book.worked(("192.0.2.7", 8485), node.clock.elapsed() + 1000)
        side._remember_address()
        side.close()
        assert load(node.home) is None


def _may_leave(side: object) -> bool:
    """Have it lead, as far as leaving is concerned."""
    from msgspec.structs import replace

    keeper = side.keeper  # type: ignore[attr-defined]
    keeper._standing = replace(keeper.standing, phase="leader", witness="none")
    return True


def test_a_leader_whose_witness_cannot_be_told_stays_in_the_pair(tmp_path: Path) -> None:
    from msgspec.structs import replace

    with homes(tmp_path) as pair:
        pair.pair()
        side = pair.build("a").pair
        assert side is not None
        side.keeper._standing = replace(side.keeper.standing, phase="leader", witness="tcp", mode="pair", noted=True)
        with pytest.raises(Refused) as told:
            side.leave(0.1)
        assert told.value.code == "witness_not_told"
        assert load(pair.a.home) is not None
        side.keeper._standing = replace(side.keeper.standing, mode="solo", noted=False)
        side.leave(0.1)
        assert load(pair.a.home) is None
