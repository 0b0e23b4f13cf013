"""The document that the CRM gets of a case: who it was, what was said, what was answered, what was quoted.

Its shape follows Standard Webhooks (``type``, ``timestamp``, ``data``). Fields are added, never renamed. What is not known is there,
and empty, so that a receiver need not ask for each. Times are ISO 8601 in UTC; spans are seconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from appliance.desk.quote import totals
from appliance.records.base import Record
from appliance.records.call import CallState, Quote
from appliance.records.case import CaseFile, CaseState
from appliance.records.message import Address
from appliance.records.voice import Caller, HeardClip, Transcript

TYPE = "case.saved"
TEXT_CHARACTERS = 50_000  # of a message, a draft, a transcript
CLIPS_MOST = 20
_ANSWERED = (CaseState.REPLYING, CaseState.REPLIED)


class Contact(Record):
    """Who wrote or called."""

    name: str = ""
    address: str = ""
    telephone: str = ""
    company: str = ""


class Spoken(Record):
    """What was heard in one clip: by the quick stage (``partial``), and what stands (``final``)."""

    clip: str
    seconds: float = 0.0
    state: str = ""
    partial: str = ""
    final: str = ""
    language: str = ""
    confidence: float | None = None
    took_seconds: float = 0.0


class QuotedLine(Record):
    code: str
    name: str
    quantity: str
    unit: str
    unit_price: str
    discount_percent: str
    amount: str


class Quoted(Record):
    """A quote in exact decimals, as text."""

    currency: str
    lines: tuple[QuotedLine, ...]
    net: str
    vat: str
    total: str


class Data(Record):
    """``reply`` is what was sent, or is leaving; until then the words stand in ``draft`` alone. ``demo``: made up, for showing."""

    case: str
    channel: str
    state: str
    language: str = ""
    received_at: str = ""
    changed_at: str = ""
    subject: str = ""
    message: str = ""
    contact: Contact = Contact()
    partial_transcript: str = ""
    final_transcript: str = ""
    clips: tuple[Spoken, ...] = ()
    draft: str = ""
    reply: str = ""
    quote: Quoted | None = None
    cues_used: tuple[str, ...] = ()
    team: str = ""
    score: float | None = None
    versions: dict[str, str] = {}
    demo: bool = False


class Document(Record):
    type: str
    timestamp: str
    data: Data


def document(file: CaseFile, clips: Sequence[HeardClip], call: CallState | None, *, demo: bool, now: float) -> bytes:
    """The document of a case as it stands, in JSON."""
    spoken = tuple(_spoken(clip) for clip in clips[:CLIPS_MOST])
    data = Data(
        **_case(file),
        contact=_contact(file, call),
        partial_transcript=_together(one.partial for one in spoken),
        final_transcript=_together(one.final for one in spoken),
        clips=spoken,
        **_words(file, call),
        quote=_quoted(call.quote) if call is not None and call.quote.lines else None,
        cues_used=(*call.used, *call.briefs_used) if call is not None else (),
        demo=demo,
    )
    return msgspec.json.encode(Document(type=TYPE, timestamp=stamp(now), data=data))


def stamp(at: float | None) -> str:
    """A moment in ISO 8601; "" for none."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else ""


def _case(file: CaseFile) -> dict[str, Any]:
    row, outcome = file.row, file.outcome
    versions = msgspec.to_builtins(outcome.versions) if outcome is not None else {}
    return {
        "case": row.id,
        "channel": row.channel,
        "state": str(row.state),
        "language": row.language,
        "received_at": stamp(row.received_at),
        "changed_at": stamp(row.changed_at),
        "team": row.team,
        "score": row.score,
        "versions": {name: version for name, version in versions.items() if version},
    }


def _contact(file: CaseFile, call: CallState | None) -> Contact:
    """What the agent wrote of the caller counts before what the message says."""
    caller = call.caller if call is not None else Caller()
    said = file.message.caller if file.message is not None else Caller()
    sender = file.message.sender if file.message is not None else Address()
    return Contact(
        name=caller.name or said.name or sender.name,
        address=caller.address or said.address or sender.address,
        telephone=caller.telephone or said.telephone,
        company=caller.company or said.company,
    )


def _words(file: CaseFile, call: CallState | None) -> dict[str, Any]:
    """What an agent wrote at a call counts before the desk's draft."""
    written = call.draft if call is not None else ""
    draft = written or (file.draft.text if file.draft is not None else "")
    message = file.message
    return {
        "subject": message.subject if message is not None else "",
        "message": _cut(message.text) if message is not None else "",
        "draft": _cut(draft),
        "reply": _cut(file.draft.text) if file.draft is not None and file.row.state in _ANSWERED else "",
    }


def _spoken(clip: HeardClip) -> Spoken:
    stands = clip.transcript or clip.first or Transcript()
    return Spoken(
        clip=clip.name,
        seconds=clip.seconds,
        state=clip.state,
        partial=_cut(clip.first.text) if clip.first is not None else "",
        final=_cut(clip.transcript.text) if clip.transcript is not None and clip.transcript.final else "",
        language=stands.language,
        confidence=stands.confidence,
        took_seconds=stands.took_seconds,
    )


def _quoted(quote: Quote) -> Quoted:
    sums = totals(quote)
    lines = tuple(
        QuotedLine(
            code=line.price.code,
            name=line.price.name,
            quantity=str(line.quantity),
            unit=line.price.unit,
            unit_price=str(line.price.price),
            discount_percent=str(line.discount_percent),
            amount=str(amount),
        )
        for line, amount in zip(quote.lines, sums.lines, strict=True)
    )
    return Quoted(currency=quote.currency, lines=lines, net=str(sums.net), vat=str(sums.vat), total=str(sums.total))


def _together(texts: Any) -> str:
    return _cut("\n\n".join(text for text in texts if text))


def _cut(text: str) -> str:
    return text[:TEXT_CHARACTERS]
