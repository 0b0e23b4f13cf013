"""The conversation of a pairing over a line: one word out, one word in, and a no at any point."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from appliance.pair.line.errors import BadFrame, LineError
from appliance.pair.line.wire import Line
from appliance.pair.meeting.errors import PairingRefused
from appliance.pair.meeting.exchange import Channel
from appliance.pair.meeting.words import Answer, No, Proof, Sealed, Start, Told

WORD_SECONDS = 5.0
"""So long a side may take for its next word. Nobody types meanwhile; a flush of a disk is the longest of it."""

T = TypeVar("T")


def hear(line: Line, kind: type[T]) -> T:
    """The next word. Raises ``PairingRefused`` when it is a no, or none that belongs here; ``LineError`` when nothing comes."""
    word = line.receive(Start | Answer | Proof | Sealed | No, WORD_SECONDS)
    if isinstance(word, No):
        raise Declined(word.code, word.tries_left)
    if not isinstance(word, kind):
        raise PairingRefused("bad_message")
    return word


def tell(line: Line, channel: Channel, told: Told) -> None:
    line.send(channel.seal(told))


def hear_sealed(line: Line, channel: Channel, kind: type[T]) -> T:
    told = channel.open(hear(line, Sealed))
    if not isinstance(told, kind):
        raise PairingRefused("bad_message")
    return told


class Declined(PairingRefused):
    """The other side said no, and need not be told."""


@contextmanager
def conversation(line: Line) -> Iterator[None]:
    """Tell the other side when this one refuses, and let that arrive. Raises ``PairingRefused`` for a line that ends too early."""
    try:
        yield
    except PairingRefused as refused:
        if not isinstance(refused, Declined):
            with suppress(LineError):
                line.send(No(code=refused.code, tries_left=refused.tries_left))
        raise
    except BadFrame as error:
        raise PairingRefused("bad_message") from error
    except LineError as error:
        raise PairingRefused("lost") from error
    finally:
        line.let_go()
