"""What every record is made of."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen value. Fields may be added with a default, never renamed or given another meaning: peers of two versions talk."""
