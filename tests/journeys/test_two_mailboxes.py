"""Two mailboxes in one appliance: what is wrong with one is no matter to the other."""

import socket
from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError
from appliance.records.case import CaseState
from appliance.records.delivery import Delivery, DeliveryResult, DeliveryState
from appliance.store.errors import DiskFull
from tests.support.home import make_home, open_node, running_node, sent, take, wait_for, write_mail

DEAD = """
[[mailbox]]
id = "sales"
sender = "sales@pumps.example"
[mailbox.smtp]
host = "127.0.0.1"
port = {port}
security = "none"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "home")
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        settings = (home / "tandem.toml").read_text()
        (home / "tandem.toml").write_text(settings + DEAD.format(port=taken.getsockname()[1]))
    return home


def test_a_mail_server_that_is_down_holds_up_no_other_mailbox(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        for number in range(5):
            question = write_mail(tmp_path, "What are your opening hours?", sender=f"sales{number}@example.fi")
            node.take_files([str(question)], "sales")
        wait_for(lambda: node.store.counts().get(CaseState.REPLYING, 0) == 5)
        assert take(node, write_mail(tmp_path, "What are your opening hours?", sender="other@example.fi")).state is CaseState.REPLIED
        assert len(sent(home)) == 1
        wait_for(lambda: not node.commands.status()["healthy"])
        assert node.commands.status()["queue"]["leaving"] == 5


def test_files_without_a_named_mailbox_belong_to_the_first_one(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "")
        wait_for(lambda: node.store.counts().get(CaseState.REPLIED, 0) == 1)
        assert "support@pumps.example" in sent(home)[0]["From"]


def test_files_for_a_mailbox_that_is_not_there_are_refused_before_anything_is_taken(home: Path, tmp_path: Path) -> None:
    node = open_node(home)
    try:
        with pytest.raises(SettingsError, match="support, sales"):
            node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "nowhere")
        assert node.store.rows() == []
    finally:
        node.close()


def test_a_result_that_could_not_be_written_down_is_written_before_anything_else_leaves(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_node(home) as node:
        real, refusals = node.store.delivered, [DiskFull("no room", ""), DiskFull("no room", "")]

        def delivered(delivery: Delivery, result: DeliveryResult, *, term: int) -> DeliveryState:
            if refusals:
                raise refusals.pop()
            return real(delivery, result, term=term)

        monkeypatch.setattr(node.store, "delivered", delivered)
        assert take(node, write_mail(tmp_path, "What are your opening hours?")).state is CaseState.REPLIED
        assert refusals == []
        assert len(sent(home)) == 1
