"""What a witness keeps and how it answers: one record, changed only forwards.

It needs no clock. A leader by the witness's word has it noted that the peer is *not* in sync, and while that stands nobody else
is given the term; a leader by the peer's word holds no lease here. Only a person's word breaks this, and then the taker waits.
"""

from msgspec.structs import replace

from appliance.pair.messages import Ask, Look, Note, Reply, Take, WitnessRecord


def answer(record: WitnessRecord, ask: Ask, lease_seconds: float) -> tuple[WitnessRecord, Reply]:
    """The record afterwards, which is flushed before the reply leaves, and the reply."""
    if isinstance(ask, Look):
        return record, Reply(number=ask.number, granted=True, record=record)
    after = _take(record, ask) if isinstance(ask, Take) else _note(record, ask)
    forced = isinstance(ask, Take) and ask.forced
    granted = after is not None
    after = after or record
    return after, Reply(number=ask.number, granted=granted, record=after, wait_seconds=lease_seconds if forced else 0.0)


def _take(record: WitnessRecord, take: Take) -> WitnessRecord | None:
    """Give the term to a node that holds every acknowledged entry. A witness that was never written to gives nothing."""
    again = take.term == record.term and record.holder == take.node and take.number > record.number
    entitled = record.term > 0 and (record.in_sync or record.holder == take.node or take.forced)
    if not (again or (take.term > record.term and entitled)):
        return None
    return WitnessRecord(holder=take.node, term=take.term, in_sync=False, number=take.number)


def _note(record: WitnessRecord, note: Note) -> WitnessRecord | None:
    """Write down a leader's word. An empty record is begun only by a leader whose peer stands behind it."""
    if record.term == 0 and not note.in_sync:
        return None
    same_leader = note.term == record.term and note.node == record.holder and note.number > record.number
    if not (note.term > record.term or same_leader):
        return None
    return replace(record, holder=note.node, term=note.term, in_sync=note.in_sync, number=note.number)
