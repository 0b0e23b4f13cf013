"""What becomes of a case when the mail server misbehaves, seen from the whole appliance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.node import Node
from appliance.records.case import CaseState, HistoryLine
from appliance.records.person import Actor, Role
from tests.live.servers.smtp_faults import DROP, FaultySmtp
from tests.support.home import make_home, running_node, settled, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)


@pytest.fixture
def node(faulty: FaultySmtp, tmp_path: Path) -> Iterator[Node]:
    smtp = f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false'
    home = make_home(tmp_path / "home", smtp)
    with running_node(home) as node:
        yield node


def test_a_server_that_takes_the_data_and_drops_the_line_leaves_the_case_to_a_person(
    node: Node, faulty: FaultySmtp, tmp_path: Path
) -> None:
    faulty.plan("dot", DROP)
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert row.state is CaseState.UNCERTAIN
    assert len(faulty.dotted) == 1
    assert node.commands.status()["queue"]["review"] == 1


@pytest.mark.parametrize(
    ("decision", "state", "mails"), [("sent", CaseState.REPLIED, 1), ("resend", CaseState.REPLIED, 2), ("drop", CaseState.CLOSED, 1)]
)
def test_a_person_says_what_became_of_it(
    node: Node, faulty: FaultySmtp, tmp_path: Path, decision: str, state: CaseState, mails: int
) -> None:
    faulty.plan("dot", DROP)
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    node.commands.resolve(AINO, row.id, decision)
    assert settled(node, row.id).state is state
    assert len(faulty.dotted) == mails


def test_a_refusal_for_good_is_a_dead_letter(node: Node, faulty: FaultySmtp, tmp_path: Path) -> None:
    faulty.plan("rcpt", "550 no such user")
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert row.state is CaseState.DEAD
    assert faulty.dotted == []


def test_a_refusal_for_now_keeps_the_reply_in_the_outbox(node: Node, faulty: FaultySmtp, tmp_path: Path) -> None:
    faulty.plan("rcpt", "451 later")
    node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "support")
    wait_for(lambda: any(line.kind == "delivery_put_off" for row in node.store.rows() for line in _lines(node, row.id)))
    assert node.store.rows()[0].state is CaseState.REPLYING
    assert faulty.dotted == []


def _lines(node: Node, case: str) -> tuple[HistoryLine, ...]:
    file = node.commands.file(case)
    return file.lines if file is not None else ()
