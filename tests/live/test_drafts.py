"""Drafts in the mailbox's own Drafts folder, and people who answer from there, on a real Dovecot."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.node.node import Node
from appliance.records.case import CaseRow, CaseState
from appliance.records.delivery import DeliveryState
from appliance.records.person import Actor, Approval, Role
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.smtp_faults import FaultySmtp, Slow
from tests.support.home import running_node, wait_for
from tests.support.mailbox_home import customer_mail, in_folder, make_mailbox_home, persons_answer, take_away

AINO = Actor(name="aino", role=Role.AGENT)


class Desk(NamedTuple):
    """A running node, and the mailbox that people work in."""

    node: Node
    dovecot: Dovecot
    user: str
    smtp: FaultySmtp

    def hold(self, number: int = 1) -> CaseRow:
        """A customer writes; the case is held with its draft in Drafts."""
        self.dovecot.deliver(self.user, customer_mail(number))
        wait_for(lambda: self.row(number) is not None and bool(self.drafts(number)))
        row = self.row(number)
        assert row is not None
        assert row.state is CaseState.REVIEW
        return row

    def row(self, number: int = 1) -> CaseRow | None:
        rows = [row for row in self.node.store.rows(limit=100) if row.sender == f"customer{number}@example.com"]
        return rows[0] if rows else None

    def drafts(self, number: int = 1) -> list:  # type: ignore[type-arg]
        return [mail for mail in in_folder(self.dovecot, self.user, "Drafts") if f"customer{number}@" in str(mail["To"])]

    def approve(self, row: CaseRow) -> None:
        self.node.commands.decide(AINO, Approval(case=row.id, decision="approve", by="aino"))

    def came_to(self, state: CaseState, number: int = 1) -> None:
        wait_for(lambda: (row := self.row(number)) is not None and row.state is state)

    def reason(self, number: int = 1) -> str:
        row = self.row(number)
        return "" if row is None else row.reason

    def forgotten(self) -> bool:
        """Whether the store knows of no draft in the mailbox any more."""
        return self.node.store._readers.all("SELECT 1 FROM drafts") == []


@pytest.fixture
def desk(dovecot: Dovecot, user: str, faulty: FaultySmtp, tmp_path: Path) -> Iterator[Desk]:
    home = make_mailbox_home(tmp_path / "home", dovecot.imap_port, faulty.port, user=user)
    with running_node(home) as node:
        # The lines of the inbox and of Sent are drawn: what comes from here on is new.
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None and node.store.cursor("support", "Sent") is not None)
        yield Desk(node, dovecot, user, faulty)


def test_a_held_draft_lies_in_drafts_as_a_person_can_send_it(desk: Desk) -> None:
    row = desk.hold()
    (draft,) = desk.drafts()
    assert draft["To"] == "customer1@example.com" or "customer1@example.com" in draft["To"]
    assert draft["From"].addresses[0].addr_spec == "support@pumps.example"
    assert draft["In-Reply-To"] == "<1@example.com>"
    assert draft["References"] == "<1@example.com>"
    assert draft["Subject"].startswith("Re: Question 1")
    assert desk.node.store.is_own(draft["X-Tandem-Key"])
    assert draft["Auto-Submitted"] is None
    assert "Monday to Friday 9-17" in draft.get_body(("plain",)).get_content()
    assert desk.smtp.dotted == []
    with desk.dovecot.client(desk.user, "Drafts") as client:
        assert rb"\Draft" in client.fetch("1", "(FLAGS)")[1][0]
    file = desk.node.store.file(row.id)
    assert file is not None
    assert [line.kind for line in file.lines].count("delivery_sent") == 1


def test_approving_takes_the_draft_out_before_the_reply_leaves(desk: Desk) -> None:
    row = desk.hold()
    desk.approve(row)
    desk.came_to(CaseState.REPLIED)
    assert desk.drafts() == []
    assert len(desk.smtp.accepted) == 1
    assert desk.forgotten()


def test_a_draft_that_somebody_took_holds_the_reply_and_nothing_is_sent(desk: Desk) -> None:
    row = desk.hold()
    take_away(desk.dovecot, desk.user)
    desk.approve(row)
    wait_for(lambda: desk.reason() == "draft_gone")
    assert desk.row().state is CaseState.REVIEW  # type: ignore[union-attr]
    assert desk.smtp.dotted == []
    desk.approve(row)  # whoever knows better may still send it
    desk.came_to(CaseState.REPLIED)
    assert len(desk.smtp.accepted) == 1


def test_an_answer_from_outlook_closes_the_waiting_case_and_removes_its_draft(desk: Desk) -> None:
    desk.hold()
    desk.dovecot.append(desk.user, persons_answer(1), "Sent")
    desk.came_to(CaseState.CLOSED)
    assert desk.reason() == "answered_in_mailbox"
    wait_for(lambda: desk.drafts() == [] and desk.forgotten())
    assert desk.smtp.dotted == []


def test_a_draft_that_was_sent_from_the_mail_program_closes_the_case(desk: Desk) -> None:
    desk.hold()
    (draft,) = desk.drafts()
    del draft["In-Reply-To"], draft["References"]
    draft.replace_header("Message-ID", "<exchange-made-this@pumps.example>")
    take_away(desk.dovecot, desk.user)
    desk.dovecot.append(desk.user, draft.as_bytes(), "Sent")
    desk.came_to(CaseState.CLOSED)
    assert desk.reason() == "answered_in_mailbox"


def test_a_persons_answer_takes_back_the_approved_reply_that_is_still_queued(desk: Desk) -> None:
    row = desk.hold()
    desk.smtp.plan("connect", *["421 later"] * 1000)
    desk.approve(row)
    wait_for(lambda: desk.smtp.connections >= 1)
    desk.dovecot.append(desk.user, persons_answer(1), "Sent")
    desk.came_to(CaseState.CLOSED)
    assert desk.reason() == "answered_in_mailbox"
    assert desk.smtp.dotted == []
    rows = desk.node.store._readers.all("SELECT state FROM deliveries WHERE kind = 'reply'")
    assert rows == [(DeliveryState.RETIRED,)]


def test_a_persons_answer_at_the_moment_before_data_is_seen_and_nothing_leaves(desk: Desk) -> None:
    row = desk.hold()
    # The server answers RCPT only after the person has answered: nothing but the last look can see it.
    desk.node.watches["support"].next_look = float("inf")
    desk.smtp.plan("rcpt", Slow(1.0, "250 ok"))
    desk.approve(row)
    wait_for(lambda: any(words.startswith("MAIL") for words in desk.smtp.commands))
    desk.dovecot.append(desk.user, persons_answer(1), "Sent")
    desk.came_to(CaseState.CLOSED)
    assert desk.reason() == "answered_in_mailbox"
    assert desk.smtp.dotted == []
    assert not any(words.startswith("DATA") for words in desk.smtp.commands)


def test_a_draft_that_is_sent_at_the_moment_before_data_holds_the_reply(desk: Desk) -> None:
    row = desk.hold()
    desk.node.watches["support"].next_look = float("inf")
    desk.smtp.plan("rcpt", Slow(1.0, "250 ok"))
    desk.approve(row)
    wait_for(lambda: any(words.startswith("MAIL") for words in desk.smtp.commands))
    take_away(desk.dovecot, desk.user)
    wait_for(lambda: desk.reason() == "draft_gone")
    assert desk.smtp.dotted == []


def test_a_mailbox_that_cannot_be_looked_at_keeps_the_reply_back(desk: Desk, dovecot: Dovecot) -> None:
    row = desk.hold()
    dovecot.halt()
    try:
        desk.approve(row)
        wait_for(lambda: "delivery_put_off" in [line.kind for line in desk.node.store.file(row.id).lines])  # type: ignore[union-attr]
        assert desk.smtp.dotted == []
    finally:
        dovecot.resume()
    wait_for(lambda: desk.row().state is CaseState.REPLIED, 60)  # type: ignore[union-attr]
    assert len(desk.smtp.accepted) == 1


@pytest.mark.parametrize("decision", ["reject", "route"])
def test_a_case_that_ends_in_any_other_way_loses_its_draft(desk: Desk, decision: str) -> None:
    row = desk.hold()
    desk.node.commands.decide(AINO, Approval(case=row.id, decision=decision, by="aino", team="orders"))
    wait_for(lambda: desk.drafts() == [] and desk.forgotten())


def test_a_forward_to_a_colleague_and_other_peoples_mail_close_nothing(desk: Desk) -> None:
    desk.hold()
    desk.dovecot.append(desk.user, persons_answer(1, to="colleague@pumps.example", Message_ID="<forward@pumps.example>"), "Sent")
    desk.dovecot.append(desk.user, persons_answer(9, In_Reply_To="<nobody-knows@example.com>"), "Sent")
    last = persons_answer(2, In_Reply_To="<2@example.com>", Message_ID="<last@pumps.example>")
    desk.dovecot.append(desk.user, last, "Sent")
    wait_for(lambda: desk.node.store.cursor("support", "Sent").uid >= 3)  # type: ignore[union-attr]
    assert desk.row().state is CaseState.REVIEW  # type: ignore[union-attr]
    assert len(desk.drafts()) == 1


def test_our_own_reply_in_sent_is_no_persons_answer(desk: Desk) -> None:
    """As Gmail and Exchange put whatever left by their SMTP into Sent."""
    row = desk.hold()
    desk.approve(row)
    desk.came_to(CaseState.REPLIED)
    desk.dovecot.append(desk.user, desk.smtp.accepted[0], "Sent")
    wait_for(lambda: desk.node.store.cursor("support", "Sent").uid >= 1)  # type: ignore[union-attr]
    assert desk.row().state is CaseState.REPLIED  # type: ignore[union-attr]
    assert desk.node.store.file(row.id).lines[-1].kind != "answered_elsewhere"  # type: ignore[union-attr]


def test_mail_that_is_not_ours_stays_in_drafts(desk: Desk) -> None:
    row = desk.hold()
    (ours,) = desk.drafts()
    key = ours["X-Tandem-Key"].encode()
    desk.dovecot.append(desk.user, ours.as_bytes().replace(key, key + b"x"), "Drafts")  # a search for the key finds this one as well
    desk.dovecot.append(desk.user, b"Subject: my own\r\nTo: a@example.com\r\n\r\nnot done yet\r\n", "Drafts")
    with desk.dovecot.client(desk.user, "Drafts") as client:
        client.store("3", "+FLAGS", r"(\Deleted)")  # marked by a person, who may still change their mind
    desk.approve(row)
    desk.came_to(CaseState.REPLIED)
    with desk.dovecot.client(desk.user, "Drafts") as client:
        assert client.search(None, "ALL")[1][0].split() == [b"1", b"2"]


def test_what_lay_in_sent_before_we_came_is_left_alone(dovecot: Dovecot, user: str, faulty: FaultySmtp, tmp_path: Path) -> None:
    dovecot.append(user, persons_answer(1), "Sent")
    home = make_mailbox_home(tmp_path / "home", dovecot.imap_port, faulty.port, user=user)
    with running_node(home) as node:
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None and node.store.cursor("support", "Sent") is not None)
        desk = Desk(node, dovecot, user, faulty)
        desk.hold()
        assert node.store.cursor("support", "Sent").uid == 1  # type: ignore[union-attr]
