"""What happened to a case, step by step, in the words of the panel."""

from appliance.desk.deliveries import copies_refused, kind_of, kinds
from appliance.desk.reasons import sentence
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.case import CaseFile
from appliance.records.delivery import DeliveryKind

_EVENTS: dict[DeliveryKind, str] = {
    DeliveryKind.REPLY: "event",
    DeliveryKind.HANDOVER: "event_handover",
    DeliveryKind.DRAFT: "event_draft",
}


class Step(Record):
    """One entry: what happened, a remark on it ("" for none), who did it ("" when that is nobody's name), and when."""

    what: str
    remark: str
    by: str
    at: float


def history(file: CaseFile, voice: Voice) -> tuple[Step, ...]:
    """The steps in order. A delivery is called what it is: a reply, a case on its way to its team, a draft for ourselves."""
    known, steps = kinds(file.lines), []
    for line in file.lines:
        refused = copies_refused(line)
        what = voice.known(_EVENTS[kind_of(line, known)], line.kind, voice.known("event", line.kind))
        steps.append(Step(what=what, remark=sentence(refused, voice.code) if refused else "", by=line.by, at=line.at))
    return tuple(steps)
