"""An escalation: a case that somebody higher up must know of."""

from appliance.records.base import Record

LEVELS: tuple[int, ...] = (1, 2, 3)
BY_HAND = "person"  # the code of an escalation that a person raised
#: How soon somebody says that they have seen it, in seconds; level 3 is at once.
SEEN_WITHIN_SECONDS: dict[int, float] = {1: 4 * 3600.0, 2: 3600.0, 3: 900.0}


class Escalation(Record):
    """``id`` is the place of its entry in the journal. ``by`` raised it: a person, or the policy; ``code`` says by which criterion.

    ``seen_at`` is 0.0 while nobody has said that they look after it. Times are Unix seconds; ``received_at`` is the case's.
    """

    id: int
    case: str
    level: int
    code: str
    by: str
    raised_at: float
    received_at: float
    state: str
    seen_at: float = 0.0
    seen_by: str = ""
    subject: str = ""
    sender: str = ""
