"""The twin's cockpit: the real pure parts behind a small playbook, kept in memory, refusing what a node refuses."""

from datetime import date
from typing import Any

import msgspec

from appliance.desk import brief, contacts, cues, quote
from appliance.desk.heard import Heard
from appliance.desk.quote_text import written
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.records.call import (
    CallChange,
    CallRow,
    CallState,
    CallView,
    Contact,
    Cue,
    Positioning,
    Quote,
    Reference,
    References,
    ReferenceState,
)  # fmt: skip
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.message import Address, Message
from appliance.records.person import Actor
from appliance.records.voice import Caller, Transcript
from appliance.store.errors import SameAudio

PLAYBOOK = """
[[cue]]
id = "warranty"
words.en = ["warranty", "guarantee"]
words.fi = ["takuu*"]
title.en = "Warranty"
title.fi = "Takuu"
text.en = "The warranty is five years when we install the pump."
text.fi = "Takuu on viisi vuotta, kun asennamme pumpun."
[[cue]]
id = "delivery"
words.en = ["delivery", "when can you come"]
title.en = "Delivery"
text.en = "We deliver within two weeks, and call the day before."
"""
BRIEF = """
[[brief]]
id = "heat-pump"
words.en = ["heat pump"]
title.en = "Air-to-water heat pump"
values.en = ["Heats a house of 150 m2 down to -25 °C", "Installed within two weeks"]
promotion.en = "Installation at half price until the end of the year."
price.en = "From 6,900 EUR installed, VAT included."
"""
PRICES = (
    (2, {"code": "PX-200", "name": "Heat pump PX-200", "price": "4 800,00", "unit": "pcs", "vat": "25.5"}),
    (3, {"code": "INST", "name": "Installation", "price": "890.00", "unit": "h", "vat": "25.5"}),
)
ANNA = {"address": "anna.virtanen@example.fi"}
ROWS = (
    (2, {"kind": "job", "title": "Yearly service PX-100", "day": "2026-03-12", "state": "done", "amount": "180 €", **ANNA}),
    (3, {"kind": "quote", "title": "Heat pump for Rantatie 4", "day": "2026-11-02", "state": "sent", "amount": "6 900 €", **ANNA}),
    (4, {"kind": "promotion", "title": "Installation at half price", "day": "2026-12-31"}),
)


class TwinCall:
    """Calls in memory. ``call_fault``: what is wrong with the contact service; ``references``: what a search finds."""

    clock: Clock
    files: dict[str, CaseFile]
    done: list[Any]
    position: int

    def start_calls(self) -> None:
        self.call_states: dict[str, CallState] = {}
        self.call_fault = ""
        self.sounds: dict[bytes, str] = {}  # what was taken in, and the case that it became
        self.references = References(way="none", code="no_material")
        self.reference_told = ReferenceState()
        self.rules, self.brief_rules = cues.load(PLAYBOOK), brief.load(BRIEF)
        self.price_list = quote.prices(PRICES)

    def calls(self, actor: Actor, limit: int = 100) -> list[CallRow]:  # noqa: ARG002
        rows = [file.row for file in self.files.values() if file.row.channel == "voice"]
        rows.sort(key=lambda row: -row.received_at)
        return [
            CallRow(
                case=row.id, state=row.state, received_at=row.received_at, changed_at=row.changed_at, language=row.language,
                reason=row.reason, sender=row.sender_name or row.sender.partition(" <")[0], subject=row.subject or row.begins,
                kept_at=row.received_at if row.id in self.call_states else 0.0,
            )
            for row in rows[:limit]
        ]  # fmt: skip

    def call(self, actor: Actor, case: str) -> CallView:
        file, state = self.files[case], self._state(case)
        points, briefs = self._said(self._text(file), state)
        return CallView(
            state=state, contact=self.contact(actor, self._caller(file, state)), cues=points, briefs=briefs,
            earlier=tuple(row for row in self.calls(actor) if row.case != case)[:2],
            prices=quote.offered(self.price_list, "en"), totals=quote.totals(state.quote) if state.quote.lines else None,
            quote_text=written(state.quote, "en"), language="en",
        )  # fmt: skip

    def change_call(self, actor: Actor, case: str, change: CallChange) -> CallState:  # noqa: ARG002
        state, file = self._state(case), self.files[case]
        if change.draft is not None:
            state = msgspec.structs.replace(state, draft=change.draft.replace("\r\n", "\n"))
        state = msgspec.structs.replace(state, heard="kept", caller=change.caller or state.caller, quote=self._quoted(state.quote, change))
        points, briefs = self._said(self._text(file), state)
        for one in (one for one in points if one.id == change.cue and not one.used):
            state = msgspec.structs.replace(state, draft=_with(state.draft, one.text), used=(*state.used, one.id))
        for told in (one for one in briefs if one.id == change.brief and not one.used):
            state = msgspec.structs.replace(state, draft=_with(state.draft, told.text), briefs_used=(*state.briefs_used, told.id))
        text = written(state.quote, "en")
        if change.quote and text and text != state.quote_text:
            state = msgspec.structs.replace(state, draft=_with(state.draft, text), quote_text=text)
        if self.call_states.get(case) != state:
            self.position += 1
        self.call_states[case] = state
        return state

    def _quoted(self, now: Quote, change: CallChange) -> Quote:
        if change.discount is not None:
            now = quote.with_discount(now, change.discount)
        if change.remove is not None:
            now = quote.without_line(now, change.remove)
        price = next((one for one in quote.offered(self.price_list, "en") if one.code == change.add), None)
        if change.add and price is None:
            raise Refused("The price list has no such code.", "Choose one that is offered.", code="no_price")
        return now if price is None else quote.with_line(now, price, change.quantity, change.line_discount)

    def call_points(self, actor: Actor, text: str, language: str = "") -> tuple[tuple[Cue, ...], tuple[Positioning, ...]]:  # noqa: ARG002
        return self._said(text, CallState())

    def contact(self, actor: Actor, caller: Caller) -> Contact:  # noqa: ARG002
        if self.call_fault:
            return Contact(caller=caller, code="source_unreachable", trouble=self.call_fault, remedy="Check the server and the network.")
        return contacts.from_rows(ROWS, caller)

    def reference(self, actor: Actor, text: str, language: str = "") -> References:  # noqa: ARG002
        told, found = self.reference_told, self.references
        fell = bool(found.code)
        self.reference_told = msgspec.structs.replace(
            told, requests=told.requests + 1, fallbacks=told.fallbacks + fell, last_way=found.way, last_print=f"{len(text):016x}"
        )
        return found

    def reference_state(self, actor: Actor) -> ReferenceState:  # noqa: ARG002
        return self.reference_told

    def build_reference(self, actor: Actor) -> ReferenceState:  # noqa: ARG002
        self.reference_told = msgspec.structs.replace(self.reference_told, kind="stub", built_at=self.clock.now(), pieces=3)
        return self.reference_told

    def scrub_reference(self, actor: Actor) -> int:  # noqa: ARG002
        self.reference_told = ReferenceState()
        return 2

    def _state(self, case: str) -> CallState:
        draft = self.files[case].draft
        return self.call_states.get(case) or CallState(draft=draft.text if draft else "")

    def _said(self, text: str, state: CallState) -> tuple[tuple[Cue, ...], tuple[Positioning, ...]]:
        heard = Heard(text, "en")
        today = date(2026, 11, 20)
        return cues.fresh(self.rules, heard, state.used), brief.fitting(self.brief_rules, heard, state.briefs_used, today)

    def _text(self, file: CaseFile) -> str:
        return file.message.text if file.message else ""

    def _caller(self, file: CaseFile, state: CallState) -> Caller:
        sender = file.message.sender if file.message else None
        came = (file.message and file.message.caller) or (Caller(name=sender.name, address=sender.address) if sender else Caller())
        return Caller(**{name: getattr(state.caller, name) or getattr(came, name) for name in ("name", "address", "telephone", "company")})


A_REFERENCE = Reference(
    kind="knowledge", title="Warranty", text="The warranty of a pump is five years.", score=0.9, link="/knowledge/passage/p3"
)


def _with(draft: str, text: str) -> str:
    return f"{draft.rstrip()}\n\n{text}" if draft.strip() else text


NOBODY = Caller()


class TwinSound:
    """An ear in memory: each clip becomes a case whose words are ``spoken``."""

    clock: Clock
    files: dict[str, CaseFile]
    position: int
    sounds: dict[bytes, str]
    spoken = "Hello, what is the price of a heat pump, and does the warranty cover the delivery?"

    def voice(self) -> dict[str, Any]:
        return {
            "enabled": True, "mock": True, "ear": "stub 1", "state": "ready", "heartbeat_at": self.clock.now(), "queue": 0,
            "backlog": False, "last_success_at": self.clock.now() - 240, "last_error": "", "last_error_words": "", "stages": {},
            "heard_today": 7,
        }  # fmt: skip

    def listen(self) -> None:
        """From now on every sound holds ``spoken``, whatever it is."""
        self.__dict__["hear"] = self.hear_spoken

    def hear_spoken(self, *_: Any, quick: bool = False, **__: Any) -> Transcript:
        return Transcript(text=self.spoken, language="en", final=not quick)

    def take_clip(
        self,
        actor: Actor,  # noqa: ARG002
        name: str,  # noqa: ARG002
        data: bytes,
        caller: Caller = NOBODY,
        language: str = "",  # noqa: ARG002
        again: bool = False,
    ) -> dict[str, Any]:
        sounds = self.sounds
        if data in sounds and not again:
            error = SameAudio(f"The same sound came in before, as case {sounds[data]}.", "Look at that case.")
            error.gaps = {"case": sounds[data]}
            raise error
        file = a_call(90 + len(self.files), self.clock, text=self.spoken, caller=caller)
        sounds[data] = file.row.id
        self.files[file.row.id] = file
        self.position += 1
        return {"case": file.row.id, "known": False, "earlier": ""}


def a_call(number: int, clock: Clock, *, text: str, caller: Caller, state: CaseState = CaseState.REVIEW, minutes: float = 0.0) -> CaseFile:
    """A call as the store would open it."""
    at = clock.now() - 60 * minutes
    row = CaseRow(
        id=f"c-{number:018d}", channel="voice", mailbox="voice", state=state, received_at=at, changed_at=at, language="en", tier=2,
        reason="" if caller.address else "no_address", sender=caller.name, sender_name=caller.name, begins=text[:80],
    )  # fmt: skip
    sender = Address(name=caller.name, address=caller.address)
    message = Message(channel="voice", sender=sender, caller=caller, subject="", text=text, full_text=text, sent_at=at)
    return CaseFile(row=row, message=message)
