"""What can go wrong with copying, each with its remedy.

PairError
├── CopyError         the other side said what does not fit; the line is closed and tried again
├── StillApplying     entries are being written and did not end in time
├── SeedFailed        the whole database could not be fetched
└── FilesFailed       a shared file could not be fetched
"""

from appliance.ground.errors import TandemError


class CopyError(TandemError):
    """The other node said something that does not fit what was said before."""

    code = "copy_refused"


class StillApplying(TandemError):
    """The standby is in the middle of a transaction that takes too long."""

    code = "still_applying"


class SeedFailed(TandemError):
    """The database of the other node could not be fetched."""

    code = "seed_failed"


class FilesFailed(TandemError):
    """A shared file of the other node could not be fetched."""

    code = "files_failed"
