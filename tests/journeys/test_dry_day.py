"""A dry day on a whole node: what would have left is counted, people look at it, and automation is opened."""

from pathlib import Path

import pytest

from appliance.ground.errors import Refused
from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.first_run import StepState
from appliance.records.person import Actor, Approval, Role
from tests.support.home import make_home, running_node, sent, settled, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)
ADMIN = Actor(name="owner", role=Role.ADMIN)


def mail(node: Node, home: Path, number: int, text: str = "What are your opening hours?") -> str:
    return take(node, write_mail(home / "mails", text, sender=f"customer{number}@example.fi", subject=f"Question {number}")).id


def replies(home: Path) -> int:
    """What left to customers; the lawyer's case goes to the team besides."""
    return sum("customer" in str(mail["To"]) for mail in sent(home))


def test_what_would_have_left_is_counted_looked_at_and_then_leaves_by_itself(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "mails").mkdir()
    text = (home / "tandem.toml").read_text(encoding="utf-8")
    (home / "tandem.toml").write_text(text.replace("automation_enabled = true", "automation_enabled = false"), encoding="utf-8")
    with running_node(home) as node:
        commands = node.commands
        dull = [mail(node, home, number) for number in range(3)]
        held = mail(node, home, 10, "My lawyer will sue you. What are your opening hours?")
        day = commands.dry_day(ADMIN)
        assert (day.cases, day.would_leave, day.looked_at) == (4, 3, 0)
        assert held not in day.shown
        assert replies(home) == 0

        commands.decide(AINO, Approval(case=dull[0], decision="approve", by="aino"))
        commands.decide(AINO, Approval(case=dull[1], decision="approve", by="aino", text="We are open."))
        commands.decide(AINO, Approval(case=dull[2], decision="reject", by="aino"))
        day = commands.dry_day(ADMIN)
        assert (day.looked_at, day.unchanged, day.edited, day.refused) == (3, 1, 1, 1)
        assert not day.enough

        for number in range(20, 36):
            mail(node, home, number)
        step = next(one for one in commands.setup_steps(ADMIN) if one.name == "dry_day")
        assert (step.says, step.gaps["cases"], step.gaps["would"]) == ("dry_day_ready", "20", "19")
        wait_for(lambda: replies(home) == 2)  # what people approved, and nothing else
        with pytest.raises(Refused):
            commands.set_switch(AINO, "automation_enabled", True)
        commands.set_switch(ADMIN, "automation_enabled", True)
        assert next(one for one in commands.setup_steps(ADMIN) if one.name == "dry_day").state is StepState.DONE
        assert settled(node, mail(node, home, 50)).state is CaseState.REPLIED
        assert replies(home) == 3


def test_a_decision_that_is_taken_back_counts_as_not_looked_at(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "mails").mkdir()
    text = (home / "tandem.toml").read_text(encoding="utf-8")
    text = text.replace("automation_enabled = true", "automation_enabled = false").replace("undo_seconds = 0", "undo_seconds = 60")
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    with running_node(home) as node:
        case = mail(node, home, 1)
        node.commands.decide(AINO, Approval(case=case, decision="approve", by="aino"))
        assert node.commands.dry_day(ADMIN).looked_at == 1
        node.commands.undo(AINO, case)
        assert node.commands.dry_day(ADMIN).looked_at == 0
