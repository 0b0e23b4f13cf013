"""Mails, outcomes and a store to try them on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from appliance.records.answer import Decision, Draft, Outcome
from appliance.records.case import Case
from appliance.records.delivery import Delivery, DeliveryOutcome, DeliveryResult, DeliveryState
from appliance.records.language import Language
from appliance.records.message import Address, Arrival, Cursor, Message, Origin, Receipt
from appliance.records.policy import Reason, Tier
from appliance.store.limits import Sending, StoreLimits
from appliance.store.mailing import Directory
from appliance.store.store import Store
from tests.support.clock import FakeClock

FREELY = Sending(replies_per_sender_per_day=1_000, replies_per_hour=1_000)
OPEN_LEVERS = {"safe_mode": False, "automation_enabled": True, "outbound_enabled": True}


def teams(name: str) -> str:
    return {"billing": "billing@company.example"}.get(name, "")


DIRECTORY = Directory(senders={"support": "support@company.example"}, team=teams)


def open_store(home: Path, clock: FakeClock, limits: StoreLimits | None = None, directory: Directory | None = None) -> Store:
    return Store.open(home, clock, directory=directory or DIRECTORY, limits=limits)


def message(sender: str = "maija@customer.example", text: str = "When are you open?", **fields: Any) -> Message:
    fields.setdefault("subject", "A question")
    fields.setdefault("message_id", f"<{crc32(f'{sender} {text}'.encode())}@customer.example>")
    return Message(channel="mail", sender=Address(name="Maija", address=sender), text=text, full_text=text, **fields)


def outcome(decision: Decision = Decision.SEND, text: str = "From nine to five.", team: str = "") -> Outcome:
    draft = Draft(language="en", subject="Re: A question", text=text) if decision in (Decision.SEND, Decision.REVIEW) else None
    return Outcome(
        decision=decision,
        reason=Reason(code="grounded"),
        language=Language(code="en", source="text", confidence=0.9),
        tier=Tier.GROUNDED,
        team=team,
        draft=draft,
        score=0.9,
    )


class Desk:
    """A store with its term, and the usual steps as one call each."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.term = store.begin_term("node-a")
        self.uid = 0
        store.first_switches(term=self.term, **OPEN_LEVERS)

    def arrival(self, mail: Message, **fields: Any) -> Arrival:
        self.uid += 1
        fields.setdefault("origin", Origin(mailbox="support", folder="INBOX", uid_validity=7, uid=self.uid))
        return Arrival(message=mail, received_at=self.clock.now(), **fields)

    def receive(self, *mails: Message, **fields: Any) -> tuple[Receipt, ...]:
        return self.store.receive([self.arrival(mail, **fields) for mail in mails], term=self.term)

    def take_in(self, *mails: Message, **fields: Any) -> tuple[Receipt, ...]:
        """Receive and acknowledge."""
        receipts = self.receive(*mails, **fields)
        cursor = Cursor(mailbox="support", folder="INBOX", uid_validity=7, uid=self.uid)
        self.store.acknowledge(receipts, cursor, term=self.term)
        return receipts

    def claim(self, agent: str = "desk-1", seconds: float = 60.0) -> Case:
        case = self.store.claim(agent, term=self.term, seconds=seconds)
        assert case is not None
        return case

    def settle(self, case: Case, result: Outcome | None = None, limits: Sending = FREELY) -> Decision:
        return self.store.settle(case, result or outcome(), limits, term=self.term)

    def answer(self, mail: Message, result: Outcome | None = None) -> Case:
        """Take a mail in, claim it, settle it."""
        self.take_in(mail)
        case = self.claim()
        self.settle(case, result)
        return case

    def start(self) -> Delivery | None:
        return self.store.next_delivery("sender", term=self.term)

    def started(self) -> Delivery:
        delivery = self.start()
        assert delivery is not None
        return delivery

    def finish(self, delivery: Delivery, what: DeliveryOutcome = DeliveryOutcome.SENT, **fields: Any) -> DeliveryState:
        return self.store.delivered(delivery, DeliveryResult(outcome=what, **fields), term=self.term)

    def state(self, case: str) -> str:
        opened = self.store.file(case)
        assert opened is not None
        return opened.row.state.value

    def reason(self, case: str) -> str:
        opened = self.store.file(case)
        assert opened is not None
        return opened.row.reason

    def kinds(self, case: str) -> Sequence[str]:
        opened = self.store.file(case)
        assert opened is not None
        return [line.kind for line in opened.lines]
