"""What became of a case's deliveries, read out of its history: which were drafts or handovers, and what a person should be told."""

from collections.abc import Iterable, Iterator, Mapping

from appliance.records.case import HistoryLine
from appliance.records.delivery import DeliveryKind
from appliance.records.policy import Reason

_LOST: dict[str, str] = {"delivery_died": "draft_lost", "delivery_uncertain": "draft_uncertain"}


def kinds(lines: Iterable[HistoryLine]) -> dict[str, DeliveryKind]:
    """The kind of each delivery that the lines speak of, by its id."""
    found: dict[str, DeliveryKind] = {}
    for line in lines:
        queued, resent = str(line.facts.get("delivery_kind", "")), str(line.facts.get("resent_as", ""))
        if queued:
            found[_delivery(line)] = DeliveryKind(queued)
        if resent:
            found[resent] = kind_of(line, found)
    return found


def kind_of(line: HistoryLine, known: Mapping[str, DeliveryKind]) -> DeliveryKind:
    """Of what delivery a line speaks; a reply, unless it is known to be something else."""
    return known.get(_delivery(line), DeliveryKind.REPLY)


def _delivery(line: HistoryLine) -> str:
    return str(line.facts.get("delivery", ""))


def copies_refused(line: HistoryLine) -> Reason | None:
    """How many copies the mail server would not take while it took the mail itself; None when it took them all."""
    copies = line.facts.get("copies_refused", 0)
    return Reason(code="copies_refused", numbers={"copies": float(copies)}) if isinstance(copies, int) and copies else None


def remarks(lines: Iterable[HistoryLine]) -> Iterator[Reason]:
    """What the decision alone does not tell: copies that were refused, a draft that never came to the company's own address."""
    told = tuple(lines)
    known = kinds(told)
    for line in told:
        refused = copies_refused(line)
        if refused is not None:
            yield refused
        if line.kind in _LOST and kind_of(line, known) is DeliveryKind.DRAFT:
            yield Reason(code=_LOST[line.kind])
