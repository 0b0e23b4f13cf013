"""While taking mail in is paused, what gathers in the mailbox is counted and left where it is."""

from pathlib import Path

from appliance.cli.status import lines
from appliance.records.person import Actor, Role
from tests.support.home import make_home, running_node, wait_for, write_mail

MARIA = Actor(name="maria", role=Role.ADMIN)


def in_mailboxes(node) -> dict[str, int]:  # type: ignore[no-untyped-def]
    left: dict[str, int] = node.commands.status()["queue"]["in_mailboxes"]
    return left


def test_what_gathers_in_a_folder_meanwhile_is_counted_and_taken_once_it_goes_on(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    with running_node(home) as node:
        wait_for(lambda: node.store.cursor("support", node.inboxes[0].folder) is not None)
        node.commands.set_switch(MARIA, "intake_enabled", False)
        for number in range(3):
            write_mail(home / "inbox", f"What are your opening hours? {number}")
        wait_for(lambda: in_mailboxes(node) == {"support": 3})
        assert node.commands.rows() == []
        assert any("3 in support" in line for line in lines(node.commands.status(), node.commands.health()))
        node.commands.set_switch(MARIA, "intake_enabled", True)
        wait_for(lambda: len(node.commands.rows()) == 3)
        wait_for(lambda: in_mailboxes(node) == {})
