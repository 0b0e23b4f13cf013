"""What a version speaks, asked of the version itself: ``python -m appliance.care.update.facts`` prints it as JSON.

Two versions work side by side when each understands what the other says and writes. The one that follows is always the newer one at
first, and may then lead the older one for as long as it takes to update that.
"""

import sys

import msgspec

from appliance import __version__
from appliance.ground.errors import Refused
from appliance.records.base import Record


class Facts(Record):
    """``proto`` and ``least_proto``: of the line between the nodes; ``journal``: of the operations; ``schema``: of the database."""

    version: str
    proto: int
    least_proto: int
    journal: int
    schema: int
    sha256: str = ""
    needs: tuple[str, ...] = ()


def ours() -> Facts:
    """Of the version that runs."""
    from importlib.metadata import PackageNotFoundError, requires  # late, as below: a command's start needs none of it

    from appliance.care.update.wheel import PRODUCT
    from appliance.pair.line.wire import LEAST_PROTO, PROTO
    from appliance.store.journal import VERSION
    from appliance.store.schema import STEPS

    try:
        needs = tuple(sorted(requires(PRODUCT) or ()))
    except PackageNotFoundError:
        needs = ()
    return Facts(version=__version__, proto=PROTO, least_proto=LEAST_PROTO, journal=VERSION, schema=len(STEPS), needs=needs)


def check_fits(new: Facts, old: Facts, *, way_back: bool = True) -> None:
    """Raises ``Refused`` when the two cannot be one pair, or the new one cannot open what the old one wrote.

    ``way_back``: also when the old one could not open what the new one writes.
    """
    if new.least_proto > old.proto or old.least_proto > new.proto:
        raise Refused(
            f"Version {new.version} does not understand what {old.version} says on the line between the machines.",
            "Take a version in between first.",
        )
    if new.schema < old.schema or new.journal < old.journal:
        raise Refused(
            f"Version {new.version} cannot open what {old.version} has written.",
            "Install a newer version that mends what is wrong; this way there is no way back.",
        )
    if way_back and new.schema != old.schema:
        raise Refused(
            f"Version {new.version} changes the database, and {old.version} could not open it again.",
            "Copy the home while the appliance is stopped; then say --no-way-back.",
        )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(ours()))
