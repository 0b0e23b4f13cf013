"""``tandem update`` on a real pair with real versions of the wheel: mails come all the while, and each is answered once."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import __version__
from tests.live.update_pair import Customers, UpdatedPair, Watcher, alone, longest_gap, wait_until
from tests.live.update_versions import DEAD, GOOD, LAME, UNPROVEN, another, build

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("versions"))


@pytest.fixture
def pair(tmp_path: Path, wheel: Path) -> Iterator[UpdatedPair]:
    pair = UpdatedPair(tmp_path, wheel)
    try:
        pair.start(lambda text: print(text, file=sys.stderr))
        yield pair
    finally:
        pair.stop()


def outcome(done: "subprocess.CompletedProcess[str]", code: int) -> dict[str, Any]:
    """What the command said, once it is known to have ended so."""
    assert done.returncode == code, done.stdout + done.stderr
    print(done.stderr, file=sys.stderr)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def all_answered_once(pair: UpdatedPair, customers: Customers) -> None:
    answered = wait_until(lambda: set(customers.written) <= pair.replies().keys(), 30)
    replies = pair.replies()
    left = {row.state: row.reason for row in pair.commands("a").rows(limit=500) if row.state != "replied"}
    assert answered, f"{len(customers.written)} written, {len(replies)} answered; left: {left}"
    assert set(replies.values()) == {1}
    assert all(pair.commands(name).verify()["ok"] for name in pair.nodes)
    print(f"{len(replies)} mails, each answered once; the longest silence was {longest_gap(pair.outbox):.1f} s", file=sys.stderr)


def seeds(pair: UpdatedPair, name: str) -> int:
    """How often a node was given a whole database."""
    return (pair.base / f"{name}.log").read_text(encoding="utf-8").count('"seed_installed"')


def both(version: str) -> dict[str, str]:
    return {"a": version, "b": version}


def test_a_pair_is_updated_and_taken_back_while_every_mail_is_answered_once(pair: UpdatedPair, wheel: Path) -> None:
    leader = pair.leader()
    standby = "b" if leader == "a" else "a"
    with Watcher(pair) as watcher, Customers(pair.inbox) as customers:
        # Told on the machine that leads: its own daemon is replaced under the command.
        forward = outcome(pair.tandem(leader, "update", str(another(wheel, GOOD)), "--json"), 0)
        assert pair.versions() == both(GOOD)
        assert pair.leader() == standby
        seen_forward = set(watcher.seen)
        back = outcome(pair.tandem(leader, "update", "--rollback", "--json"), 0)
        assert pair.versions() == both(__version__)
        assert pair.leader() == leader
    all_answered_once(pair, customers)
    # Old and new led and followed each other, both ways, on the way there and on the way back.
    assert {(__version__, __version__), (__version__, GOOD), (GOOD, __version__), (GOOD, GOOD)} <= seen_forward
    assert len(forward["updated"]) == len(back["updated"]) == 2
    status = json.loads(pair.tandem(leader, "update", "--status", "--json").stdout)
    for machine in (status["here"], status["there"]):
        assert [row["event"] for row in reversed(machine["updates"])] == ["installed", *2 * ["started", "confirmed"]]
        assert machine["trial"] == ""
    assert set(pair.nodes[leader].ends) == {75}  # type: ignore[attr-defined]  # it ended by itself, when told to, and never otherwise
    print(f"forward {forward['seconds']} s, back {back['seconds']} s", file=sys.stderr)


def test_a_version_that_is_bad_on_the_standby_is_left_again_and_the_leader_is_never_touched(pair: UpdatedPair, wheel: Path) -> None:
    leader = pair.leader()
    standby = "b" if leader == "a" else "a"
    with Customers(pair.inbox) as customers:
        before = seeds(pair, standby)
        dead = outcome(pair.tandem(standby, "update", str(another(wheel, DEAD)), "--patience", "60", "--json"), 1)
        assert "did not start there, and the machine went back by itself" in dead["reason"]
        unproven = outcome(pair.tandem(leader, "update", str(another(wheel, UNPROVEN)), "--patience", "20", "--json"), 1)
        assert "not_ready" in unproven["reason"]
        assert seeds(pair, standby) == before + 1  # its database had been changed, and came back as it was kept
        assert pair.versions() == both(__version__)
        assert pair.leader() == leader
    all_answered_once(pair, customers)
    for said in (dead, unproven):
        assert said["updated"] == []
        assert len(said["taken_back"]) == 1
    assert left_again(pair, standby) == [DEAD, UNPROVEN]
    assert pair.nodes[leader].ends == []  # type: ignore[attr-defined]
    print(", ".join(f"{said['version']} {said['seconds']} s" for said in (dead, unproven)), file=sys.stderr)


def test_a_version_that_cannot_lead_gives_the_lead_back_and_is_left_again(pair: UpdatedPair, wheel: Path) -> None:
    leader = pair.leader()
    standby = "b" if leader == "a" else "a"
    with Watcher(pair) as watcher, Customers(pair.inbox) as customers:
        lame = outcome(pair.tandem(leader, "update", str(another(wheel, LAME)), "--patience", "30", "--json"), 1)
        assert "loops: deliver" in lame["reason"]
        assert (lame["updated"], len(lame["taken_back"])) == ([], 1)
        assert pair.versions() == both(__version__)
        assert pair.leader() == leader
        assert (LAME, __version__) in watcher.seen
    all_answered_once(pair, customers)
    assert left_again(pair, standby) == [LAME]
    assert pair.nodes[leader].ends == []  # type: ignore[attr-defined]
    print(f"{lame['version']} {lame['seconds']} s", file=sys.stderr)


def left_again(pair: UpdatedPair, name: str) -> list[str]:
    """The versions that this machine has gone back from, in order."""
    told = json.loads(pair.tandem(name, "update", "--status", "--json").stdout)["here"]
    return [row["left"] for row in reversed(told["updates"]) if row["event"] == "rolled_back"]


def test_one_machine_alone_is_updated_taken_back_when_it_does_not_start_and_goes_back_when_told(tmp_path: Path, wheel: Path) -> None:
    with alone(tmp_path, wheel) as machine, Customers(tmp_path / "home" / "inbox") as customers:
        good = outcome(machine.tandem("update", str(another(wheel, GOOD)), "--json"), 0)
        assert machine.version() == GOOD
        dead = outcome(machine.tandem("update", str(another(wheel, DEAD)), "--patience", "60", "--json"), 1)
        assert machine.version() == GOOD
        back = outcome(machine.tandem("update", "--rollback", "--json"), 0)
        assert machine.version() == __version__
        customers.stop()
        assert wait_until(lambda: set(customers.written) <= machine.answered().keys(), 60)
        assert set(machine.answered().values()) == {1}
    print(", ".join(f"{said['version']} {said['seconds']} s" for said in (good, dead, back)), file=sys.stderr)
