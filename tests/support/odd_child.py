"""An engine's process that does whatever a test asks of it: echo, die, hang, eat memory, write garbage."""

import ctypes
import os
import sys
import time

from appliance.engines import child_side
from appliance.engines.child_side import TellPartial, serve
from appliance.engines.errors import ClipUnreadable, ModelMissing
from appliance.records.base import Record


class Wish(Record):
    """``do`` names what to do; ``text`` is echoed, ``number`` is how many or how long."""

    do: str = "echo"
    text: str = ""
    number: float = 0.0


class Echo(Record):
    text: str
    pid: int


class Count(Record):
    number: int


def handle(wish: Wish, tell: TellPartial) -> Record:
    if wish.do == "die":
        sys.stderr.write("about to die, says anna@example.com\n")
        sys.stderr.flush()
        os._exit(7)
    elif wish.do == "orphan":
        if os.fork() == 0:  # it has every pipe of its parent, and outlives it
            time.sleep(wish.number)
            os._exit(0)
        os._exit(7)
    elif wish.do == "grip":  # a library that never lets go of the interpreter
        ctypes.PyDLL(None).sleep(int(wish.number))
    elif wish.do == "hang":
        time.sleep(wish.number or 600)
    elif wish.do == "eat":
        kept = []
        while True:
            kept.append(b"x" * 20_000_000)
            time.sleep(0.01)
    elif wish.do == "garbage":
        _write_garbage()
    elif wish.do == "print":
        print("a library that chats on standard output")
    elif wish.do == "count":
        for number in range(int(wish.number)):
            tell(Count(number=number))
    elif wish.do == "refuse":
        raise ClipUnreadable("The clip is empty.", "Send another.")
    elif wish.do == "fail":
        raise ValueError(wish.text)
    elif wish.do == "other":
        return Count(number=1)
    elif wish.do == "memory":
        raise MemoryError
    return Echo(text=wish.text, pid=os.getpid())


def _write_garbage() -> None:
    """Past every helper, straight onto the pipe of the frames."""
    for thing in _pipes(child_side.Pipes):
        thing._out.write(b"Segmentation fault (core dumped), and so on")
        thing._out.flush()


def _pipes(kind: type) -> list:  # type: ignore[type-arg]
    import gc

    return [thing for thing in gc.get_objects() if isinstance(thing, kind)]


def prepare() -> None:
    if "--no-model" in sys.argv:
        raise ModelMissing("The model tiny is not on this machine.", "Run: tandem models pull tiny")
    if "--slow" in sys.argv:
        time.sleep(600)
    if "--dead" in sys.argv:
        os._exit(9)


if __name__ == "__main__":
    if "--soon" in sys.argv:
        child_side.HUNG_SECONDS = 2.0
    serve(handle, Wish, prepare)
