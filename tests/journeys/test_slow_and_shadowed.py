"""What a whole node does around its writer: the claim goes on while one takes its time, and a candidate looks at what was settled."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.protocol import WritingRequest, Written
from appliance.language import words
from appliance.node import loops
from appliance.node import node as whole_node
from appliance.records.case import CaseState
from tests.support.home import make_home, open_node, running_node, take, wait_for, write_mail

CLAIM_SECONDS = 1.0
RENEWALS = 4  # by then the first claim alone would have run out


class SlowWriter(GroundedWriter):
    """Takes its time until a test lets it go on."""

    def __init__(self) -> None:
        super().__init__(words)
        self.asked = 0
        self.go_on = threading.Event()

    def write(self, request: WritingRequest) -> Written:
        self.asked += 1
        assert self.go_on.wait(30)
        return super().write(request)


def kinds(node: whole_node.Node, case: str) -> list[str]:
    return [entry.kind for entry in node.store.last_entries(200) if case in entry.payload.decode()]


def test_a_case_whose_writer_takes_longer_than_a_claim_is_taken_once_and_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "CLAIM_SECONDS", CLAIM_SECONDS)
    monkeypatch.setattr(whole_node, "RENEW_SECONDS", 0.1)
    node, slow = open_node(make_home(tmp_path / "home")), SlowWriter()
    desk = node.desk
    node.desk = lambda: replace(desk(), writer=slow)
    try:
        node.start()
        node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "support")
        wait_for(lambda: slow.asked > 0)
        (row,) = node.store.rows()
        wait_for(lambda: kinds(node, row.id).count("claim_renewed") >= RENEWALS)
        slow.go_on.set()
        wait_for(lambda: node.store.rows()[0].state is CaseState.REPLIED)
        assert (slow.asked, kinds(node, row.id).count("case_claimed")) == (1, 1)
    finally:
        slow.go_on.set()
        node.close()


def test_a_candidate_of_the_settings_looks_at_what_the_desk_settled_and_the_command_shows_it(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    settings = home / "tandem.toml"
    settings.write_text(f'{settings.read_text()}\n[shadow]\nkind = "stub"\nper_day = 1\n')
    with running_node(home) as node:
        for sender in ("aino@example.fi", "pekka@example.fi"):
            take(node, write_mail(tmp_path, "What are your opening hours?", sender=sender))
        wait_for(lambda: node.commands.shadow().answered == 1)
        told = json.loads(CliRunner().invoke(tandem, ["--home", str(home), "shadow", "--json"]).stdout)
    assert told["summary"]["asked_today"] == told["summary"]["per_day"] == 1
    assert told["candidates"][0]["writer"] == "stub 1"
