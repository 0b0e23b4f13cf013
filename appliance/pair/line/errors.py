"""What may go wrong on a line.

LineError
├── LineLost      there is no line (any more): dial again
├── LineSilent    nothing whole came within the time; the line is as good as before
├── BadFrame      what came, or was to be sent, is none of the words of this line
└── LineRefused   the other side, or this one, will not talk; ``code`` says why
"""

from appliance.ground.errors import TandemError
from appliance.pair.line.refusals import REFUSALS, UNKNOWN


class LineError(TandemError):
    """The line to the other node could not be used."""

    code = "line"


class LineLost(LineError):
    """No line, or none any more. What was sent last may or may not have arrived."""

    code = "pair_line_lost"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The line to the other node is gone: {reason}.", "It is built up again by itself; see help: pair.")


class LineSilent(LineError):
    """Nothing whole arrived in time. What arrived in part is kept, and the next ``receive`` goes on from there."""

    code = "line_silent"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The other node said nothing for {seconds:g} s.", "It may be busy; it is asked again by itself.")


class BadFrame(LineError):
    """A frame over the limit, or with words that this node does not know."""

    code = "bad_frame"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The words between the two nodes cannot be read: {reason}.", "Run the same version of Tandem on both nodes.")


class LineRefused(LineError):
    """Somebody answered, and there will be no line. ``code`` is a key of ``refusals.REFUSALS``, or newer than this node."""

    def __init__(self, code: str) -> None:
        super().__init__(*REFUSALS.get(code, UNKNOWN), code=code)
