"""One mail from the door to the outbox, and everything that may happen to it on the way."""

import email.message
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from tests.support.home import make_home, open_node, running_node, sent, settled, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)
OWNER = Actor(name="owner", role=Role.ADMIN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


def body(mail: email.message.Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]


def test_a_question_the_company_can_answer_is_answered_in_its_words_and_signed(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "Hello,\n\nwhat are your opening hours?\n\nAino", Message_ID="<one@example.fi>"))
    assert row.state is CaseState.REPLIED
    (reply,) = sent(home)
    assert "Our opening hours are Monday to Friday 9-17." in body(reply)
    assert "Test Pumps, customer service" in body(reply)
    assert "aino@example.fi" in reply["To"]
    assert reply["In-Reply-To"] == "<one@example.fi>"
    assert "<one@example.fi>" in reply["References"]
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["X-Tandem-Key"]
    assert reply.get_content_type() == "multipart/alternative"


def test_a_finnish_question_is_answered_in_finnish(node: Node, home: Path, tmp_path: Path) -> None:
    assert take(node, write_mail(tmp_path, "Hei,\n\nmikä on toimitusaika?\n\nTerveisin Aino")).state is CaseState.REPLIED
    assert "Toimitusaika on 3 arkipäivää." in body(sent(home)[0])


def test_a_question_no_source_answers_waits_for_a_person(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?"))
    assert row.state is CaseState.REVIEW
    assert sent(home) == []


def test_a_legal_threat_goes_to_a_team_and_gets_no_answer(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "My lawyer will sue you. By the way, what are your opening hours?"))
    assert row.state is CaseState.ROUTED
    assert all("aino@example.fi" not in str(mail["To"]) for mail in sent(home))


def test_a_person_approves_and_only_then_it_leaves(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "automation_enabled", False)
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert row.state is CaseState.REVIEW
    assert sent(home) == []
    node.commands.decide(AINO, Approval(case=row.id, decision="approve", by="aino"))
    assert settled(node, row.id).state is CaseState.REPLIED
    (reply,) = sent(home)
    assert reply["Auto-Submitted"] in (None, "no")


def test_an_edited_reply_leaves_in_the_persons_words(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "Do you also repair bicycles?"))
    node.commands.decide(AINO, Approval(case=row.id, decision="approve", by="aino", text="No, only pumps."))
    assert settled(node, row.id).state is CaseState.REPLIED
    assert "No, only pumps." in body(sent(home)[0])


def test_a_viewer_may_look_and_not_approve(node: Node, tmp_path: Path) -> None:
    from appliance.ground.errors import Refused

    row = take(node, write_mail(tmp_path, "Do you also repair bicycles?"))
    with pytest.raises(Refused):
        node.commands.decide(Actor(name="guest", role=Role.VIEWER), Approval(case=row.id, decision="approve", by="guest", text="x"))


def test_a_rejected_case_is_closed_and_nothing_leaves(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "Do you also repair bicycles?"))
    node.commands.decide(AINO, Approval(case=row.id, decision="reject", by="aino", comment="spam"))
    assert settled(node, row.id).state is CaseState.CLOSED
    assert sent(home) == []


def test_safe_mode_routes_everything(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "safe_mode", True)
    assert take(node, write_mail(tmp_path, "What are your opening hours?")).state is CaseState.ROUTED
    assert all("aino@example.fi" not in str(mail["To"]) for mail in sent(home))


def test_with_outbound_off_mail_comes_in_and_nothing_leaves_until_it_is_on_again(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "outbound_enabled", False)
    node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "support")
    wait_for(lambda: node.store.counts().get(CaseState.WAITING, 0) == 0 and bool(node.store.rows()))
    assert sent(home) == []
    node.commands.set_switch(OWNER, "outbound_enabled", True)
    row = settled(node, node.store.rows()[0].id)
    if row.state is CaseState.REVIEW:  # held while the lever was closed: a person lets it go
        node.commands.decide(AINO, Approval(case=row.id, decision="approve", by="aino"))
        row = settled(node, row.id)
    assert row.state is CaseState.REPLIED
    assert len(sent(home)) == 1


def test_a_lever_stays_where_it_was_over_a_restart(home: Path) -> None:
    with running_node(home) as node:
        node.commands.set_switch(OWNER, "safe_mode", True)
    again = open_node(home)
    try:
        assert again.store.switches().safe_mode is True
        assert next(state for state in again.commands.switch_states() if state.name == "safe_mode").by == "owner"
    finally:
        again.close()


def test_a_newer_message_of_the_customer_retires_the_draft(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "automation_enabled", False)
    first = take(node, write_mail(tmp_path, "What are your opening hours?", Message_ID="<first@example.fi>"))
    assert first.state is CaseState.REVIEW
    newer = write_mail(tmp_path, "Never mind, I found them. Thank you!", Message_ID="<second@example.fi>", In_Reply_To="<first@example.fi>")
    second = take(node, newer)
    assert settled(node, first.id).state is CaseState.CLOSED
    assert second.state is CaseState.REVIEW
    assert sent(home) == []


def test_the_same_mail_twice_is_linked_and_answered_once(node: Node, home: Path, tmp_path: Path) -> None:
    first = take(node, write_mail(tmp_path, "What are your opening hours?", Message_ID="<same@example.fi>"))
    again = write_mail(tmp_path, "What are your opening hours?", Message_ID="<same@example.fi>", X_Path="another way")
    second = take(node, again)
    assert (second.state, second.duplicate_of) == (CaseState.CLOSED, first.id)
    assert len(sent(home)) == 1


def test_the_same_words_from_two_people_are_two_questions(node: Node, home: Path, tmp_path: Path) -> None:
    take(node, write_mail(tmp_path, "What are your opening hours?", sender="aino@example.fi"))
    take(node, write_mail(tmp_path, "What are your opening hours?", sender="ben@example.fi"))
    assert {mail["To"].strip("<>") for mail in sent(home)} == {"aino@example.fi", "ben@example.fi"}


def test_one_sender_gets_one_automatic_reply_a_day(node: Node, home: Path, tmp_path: Path) -> None:
    assert take(node, write_mail(tmp_path, "What are your opening hours?")).state is CaseState.REPLIED
    second = take(node, write_mail(tmp_path, "How many days do I have to return a pump?", subject="Another"))
    assert (second.state, second.reason) == (CaseState.REVIEW, "sender_limit")
    assert len(sent(home)) == 1


def test_another_appliances_automatic_reply_is_not_answered(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "What are your opening hours?", Auto_Submitted="auto-replied"))
    assert row.state is CaseState.CLOSED
    assert sent(home) == []


def test_a_customers_mail_that_carries_our_own_key_is_not_taken_for_ours_and_waits_for_a_person(
    node: Node, home: Path, tmp_path: Path
) -> None:
    take(node, write_mail(tmp_path, "What are your opening hours?"))
    key = str(sent(home)[0]["X-Tandem-Key"])
    assert node.store.is_own(key)
    mail = write_mail(tmp_path, "My lawyer will sue you.", sender="ben@example.fi")
    mail.write_bytes(f"X-Tandem-Key: {key}\n".encode() + mail.read_bytes())  # as it was: a mail writer might fold it
    row = take(node, mail)
    assert row.state in (CaseState.REVIEW, CaseState.ROUTED)


def test_the_copy_of_our_reply_to_ourselves_becomes_no_case(node: Node, home: Path, tmp_path: Path) -> None:
    take(node, write_mail(tmp_path, "What are your opening hours?"))
    copy = tmp_path / "copy.eml"
    copy.write_bytes(sent(home)[0].as_bytes())
    node.take_files([str(copy)], "support")
    assert len(node.store.rows()) == 1


def test_a_reply_to_elsewhere_is_held(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "What are your opening hours?", Reply_To="other@example.net"))
    assert (row.state, row.reason) == (CaseState.REVIEW, "reply_to_differs")
    assert sent(home) == []


def test_an_edit_of_the_knowledge_is_live_without_a_restart(node: Node, home: Path, tmp_path: Path) -> None:
    text = (home / "en.md").read_text()
    (home / "en.md").write_text(text.replace("9-17", "10-18"))
    wait_for(lambda: any("10-18" in found.passage.text for found in node.commands.search("opening hours", "en")), 10.0)
    take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert "10-18" in body(sent(home)[0])


def test_a_broken_source_keeps_the_last_good_version_and_says_so(node: Node, home: Path) -> None:
    (home / "en.md").write_bytes(b"")
    wait_for(lambda: any(source.trouble for source in node.commands.sources()), 10.0)
    assert node.commands.search("opening hours", "en")
    assert not node.commands.status()["healthy"]


def test_why_it_was_sent_can_be_told_and_decided_again(node: Node, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert any("opening" in line for line in node.commands.explain(row.id))
    assert node.commands.replay(row.id)["same"] is True


def test_everything_that_happened_is_in_an_unbroken_chain(node: Node, tmp_path: Path) -> None:
    take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert node.commands.verify()["ok"] is True


def test_erasing_a_customer_leaves_no_word_and_a_chain_that_verifies(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, write_mail(tmp_path, "What are your opening hours? My cat is called Mirri."))
    node.commands.erase(OWNER, "aino@example.fi")
    file = node.commands.file(row.id)
    assert file is not None
    assert file.erased
    assert file.message is None
    assert node.commands.verify()["ok"] is True
    assert b"Mirri" not in (home / "tandem.db").read_bytes()


def test_the_customers_words_stand_nowhere_in_the_home_but_sealed(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        take(node, write_mail(tmp_path, "What are your opening hours? Zanzibar is my secret word.", sender="canary.bird@example.fi"))
    for path in home.rglob("*"):
        if path.is_file() and path.parent.name not in ("inbox", "outbox", "archive"):
            content = path.read_bytes()
            assert b"Zanzibar" not in content, path
            assert b"canary.bird" not in content, path
