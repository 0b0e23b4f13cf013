"""Builders of what a desk test needs: cases, passages, a small library, a desk with everything open."""

from collections.abc import Sequence
from typing import Any

import msgspec

from appliance.desk.desk import Company, Desk
from appliance.engines.judge.rules import RuleJudge
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.protocol import Writer
from appliance.language import words
from appliance.language.detect import Detector
from appliance.policy import Policy, default_policy
from appliance.records.case import Case, CaseState, History
from appliance.records.knowledge import Found, Passage
from appliance.records.language import Code
from appliance.records.message import Address, Message, Trust
from appliance.records.policy import Switches

OPEN = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)
DETECTOR = Detector()

_FACTS: dict[Code, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("opening_hours", "Opening hours", "Mon–Fri 9–17"),
        ("return_period", "How long can I return a product?", "You can return an unused product within 14 days of delivery."),
        ("delivery_price", "What does delivery cost?", "Delivery costs 6.90 €. Delivery is free when the order is at least 100 €."),
        ("warranty", "How long is the warranty?", "The warranty is 2 years. It does not cover wear parts."),
        ("phone", "What is the phone number?", "Our phone number is 08 000 1234."),
        ("gift_cards", "Do you sell gift cards?", "Gift cards are available from 25 € to 500 €."),
    ),
    "fi": (
        ("opening_hours", "Aukioloajat", "ma–pe klo 9–17"),
        ("return_period", "Kuinka pitkä palautusoikeus on?", "Käyttämättömän tuotteen voi palauttaa 14 päivän kuluessa."),
        ("delivery_price", "Mitä toimitus maksaa?", "Paketin toimitus maksaa 6,90 €. Toimitus on maksuton, kun tilaus on vähintään 100 €."),
        ("warranty", "Kuinka pitkä takuu on?", "Takuu on 2 vuotta. Se ei kata kuluvia osia."),
        ("phone", "Mikä on puhelinnumero?", "Puhelinnumeromme on 08 000 1234."),
        ("gift_cards", "Myyttekö lahjakortteja?", "Lahjakortteja on saatavilla 25–500 euron arvoisina."),
    ),
    "sv": (
        ("opening_hours", "Öppettider", "mån–fre kl. 9–17"),
        ("return_period", "Hur lång är returrätten?", "En oanvänd vara kan returneras inom 14 dagar."),
        ("delivery_price", "Vad kostar leveransen?", "Leveransen kostar 6,90 €. Den är gratis när beställningen är minst 100 €."),
        ("warranty", "Hur lång är garantin?", "Garantin är 2 år. Den täcker inte slitdelar."),
        ("phone", "Vilket telefonnummer har ni?", "Vårt telefonnummer är 08 000 1234."),
        ("gift_cards", "Säljer ni presentkort?", "Presentkort finns från 25 € till 500 €."),
    ),
}  # fmt: skip


def passage(name: str, text: str, language: Code = "en", **fields: Any) -> Passage:
    """A passage whose id is its name."""
    return Passage(**{"id": name, "source": "facts", "language": language, "text": text, "digest": f"d-{name}", **fields})


FACTS: tuple[Passage, ...] = tuple(
    passage(f"{code}-{key}", text, code, key=key, title=title) for code, facts in _FACTS.items() for key, title, text in facts
)


class Shelf:
    """A library of a few passages, searched by the real index."""

    def __init__(self, passages: Sequence[Passage] = FACTS, version: str = "k1") -> None:
        from appliance.knowledge.shelf import Shelf as RealShelf

        self._shelf = RealShelf({"facts": (version, tuple(passages))})
        self.version = version

    def search(self, text: str, language: Code, limit: int = 8) -> tuple[Found, ...]:
        return self._shelf.search(text, language, limit)

    def expected_keys(self, text: str, language: Code) -> tuple[str, ...]:
        return self._shelf.expected_keys(text, language)

    def theme(self, language: Code) -> frozenset[str]:
        return self._shelf.theme(language)

    def passage(self, name: str) -> Passage | None:
        return self._shelf.passage(name)


def desk(passages: Sequence[Passage] = FACTS, writer: Writer | None = None, policy: Policy | None = None, **fields: Any) -> Desk:
    """A desk with the real detector, search, writer and judge, and the policy of a fresh machine."""
    made = Desk(
        company=Company(name="Testiyhtiö Pumps"),
        detector=DETECTOR,
        policy=policy or default_policy(),
        library=Shelf(passages),
        writer=writer or GroundedWriter(words),
        judge=RuleJudge(words),
    )
    return Desk(**{**{name: getattr(made, name) for name in made.__dataclass_fields__}, **fields})


def message(text: str, subject: str = "", sender: str = "matti@example.com", name: str = "", **fields: Any) -> Message:
    """A mail of a customer whose sender is vouched for."""
    values: dict[str, Any] = {
        "channel": "mail",
        "sender": Address(name=name, address=sender),
        "subject": subject,
        "text": text,
        "full_text": text,
        "trust": Trust.PASSED,
    }
    return Message(**{**values, **fields})


def case(text: str = "", subject: str = "", *, mail: Message | None = None, **fields: Any) -> Case:
    """A claimed case about a mail with this text, or this mail itself."""
    values: dict[str, Any] = {
        "id": "c-1",
        "channel": "mail",
        "mailbox": "support",
        "state": CaseState.CLAIMED,
        "received_at": 1_800_000_000.0,
        "message": mail or message(text, subject),
        "history": History(),
    }
    return Case(**{**values, **fields})


def closed(**levers: bool) -> Switches:
    """The open levers, but for those named here."""
    return msgspec.structs.replace(OPEN, **levers)
