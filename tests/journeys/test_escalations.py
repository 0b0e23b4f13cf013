"""A grave mail comes in: somebody is told, says that they look after it, and it goes from the list when it is done."""

from pathlib import Path

from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from tests.support.home import make_home, running_node, settled, wait_for, write_mail

MARIA = Actor(name="maria", role=Role.AGENT)


def test_what_is_never_automated_is_escalated_by_itself_and_seen_by_a_person(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with running_node(home) as node:
        write_mail(home / "inbox", sender="anna@example.fi", subject="Invoice", text="I will take you to court, and my lawyer will write.")
        wait_for(lambda: bool(node.commands.rows()))
        row = settled(node, node.commands.rows()[0].id)
        assert row.tier == 0
        wait_for(lambda: bool(node.commands.escalations(MARIA)), seconds=40)
        (one,) = node.commands.escalations(MARIA)
        assert (one.case, one.level, one.code, one.by, one.seen_by) == (row.id, 2, "tier", "policy", "")
        node.commands.see_escalation(MARIA, row.id)
        assert node.commands.unseen_escalations() == {}
        if settled(node, row.id).state is CaseState.REVIEW:
            node.commands.decide(MARIA, Approval(case=row.id, decision="reject", by="maria"))
            assert node.commands.escalations(MARIA) == []


def test_a_case_escalated_by_hand_has_its_note_and_is_never_lowered(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    with running_node(home) as node:
        write_mail(home / "inbox", sender="anna@example.fi", subject="Question", text="Is the moon made of cheese?")
        wait_for(lambda: bool(node.commands.rows()))
        case = settled(node, node.commands.rows()[0].id).id
        node.commands.escalate(MARIA, case, 3, "The customer is a ministry.")
        node.commands.escalate(MARIA, case, 1)
        (one,) = node.commands.escalations(MARIA)
        assert (one.level, one.code, one.by) == (3, "person", "maria")
        assert [note.text for note in node.commands.notes(MARIA, case)] == ["The customer is a ministry."]
        assert node.store.verify(tables=True).ok
