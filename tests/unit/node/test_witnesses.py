"""Which witness the settings come to on this node."""

from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.care import first_run
from appliance.ground.clock import SystemClock
from appliance.node.trials import Trials
from appliance.node.witnesses import MailboxWitness, address_of, kind_of, make
from appliance.pair.witness.tcp_client import TcpWitness
from appliance.records.first_run import StepState, Tried
from appliance.settings.model import Settings
from appliance.settings.read import load

CLOCK = SystemClock()


class Member(NamedTuple):
    pair: str = "p-7m9q"
    secret: bytes = b"s" * 32


def settings(home: Path, witness: str, host: str = "imap.pumps.example") -> Settings:
    box = '[[mailbox]]\nid = "support"\nsender = "support@pumps.example"\n'
    box += f'[mailbox.imap]\nhost = "{host}"\nuser = "support"\npassword_file = "password"\n'
    (home / "password").write_text("secret")
    (home / "password").chmod(0o600)
    (home / "tandem.toml").write_text(f'{box if host else ""}[pair]\nwitness = "{witness}"\n', encoding="utf-8")
    return load(home=home, environment={})


def raced(settings: Settings, state: StepState = StepState.DONE) -> None:
    tried = Tried(state=state, about=first_run.about("race", settings), at=CLOCK.now())
    Trials(settings.home, CLOCK).ended("race", tried)


def test_auto_is_the_mailbox_once_the_race_at_this_very_server_was_passed(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "auto")
    kind, why = kind_of(chosen, CLOCK)
    assert (kind, "tandem setup try race" in why) == ("none", True)
    raced(chosen)
    assert kind_of(chosen, CLOCK)[0] == "mailbox"
    assert kind_of(settings(tmp_path, "auto", "imap.other.example"), CLOCK)[0] == "none", "another server has not been tried"


def test_a_race_that_was_lost_is_no_witness(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "auto")
    raced(chosen, StepState.TROUBLE)
    assert kind_of(chosen, CLOCK)[0] == "none"


@pytest.mark.parametrize("wish", ["auto", "mailbox"])
def test_without_an_imap_mailbox_there_is_none_to_take(wish: str, tmp_path: Path) -> None:
    witness, why = make(settings(tmp_path, wish, host=""), Member(), CLOCK)
    assert witness is None
    assert "no IMAP mailbox" in why


def test_what_is_named_is_taken_without_a_race(tmp_path: Path) -> None:
    mailbox, _ = make(settings(tmp_path, "mailbox"), Member(), CLOCK)
    assert isinstance(mailbox, MailboxWitness)
    assert mailbox.kind == "mailbox"
    process, why = make(settings(tmp_path, "tcp://192.168.1.9:8487"), Member(), CLOCK)
    assert isinstance(process, TcpWitness)
    assert process.kind == "tcp"
    assert "192.168.1.9, port 8487" in why
    assert make(settings(tmp_path, "none"), Member(), CLOCK) == (None, "There is no witness: pair.witness says so.")


def test_an_address_in_brackets_is_taken_apart() -> None:
    assert address_of("tcp://[fd00::9]:8487") == ("fd00::9", 8487)
    assert address_of("tcp://box:1") == ("box", 1)
