"""What a search through a text comes back with."""

from appliance.records.base import Record


class Finding(Record):
    """Something found in a text: what it is, where it stands, and by which sign of ours it was known.

    ``start`` and ``end`` are places in the text as given; both 0 when the sign is spread over the text.
    """

    kind: str
    start: int = 0
    end: int = 0
    sign: str = ""
