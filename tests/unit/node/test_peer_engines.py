"""The other node's engines over a real line: lent, asked, taken back."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.engines.ear.protocol import Ear, Hearing
from appliance.engines.errors import ClipUnreadable, EngineDied, EngineTimeout, EngineUnavailable
from appliance.engines.writer.protocol import Writer, WritingRequest, Written
from appliance.node.peer_engines import PAUSE_SECONDS, EngineService, OtherEngines, Shared, SharedEar, SharedWriter
from appliance.records.answer import DraftSentence, Usage
from appliance.records.voice import Segment, Transcript
from tests.support.clock import FakeClock
from tests.unit.node.pair_parts import Wire

ASKED = WritingRequest(parts=(), language="en")


def wrote(words: str) -> Written:
    return Written(sentences=(DraftSentence(text=words, passages=("p",)),), usage=Usage(engine="mlx"))


class Pen:
    """A writer that does what a test says."""

    name, version, prompt = "pen", "1", ""

    def __init__(self, act: Callable[[], Written]) -> None:
        self._act = act
        self.trouble = ""

    def write(self, request: WritingRequest) -> Written:
        del request
        return self._act()

    def health(self) -> str:
        return self.trouble


class Shell:
    """An ear that says how many bytes it heard."""

    name, version = "shell", "1"

    def hear(self, hearing: Hearing, on_segment: Callable[[Segment], None] | None = None) -> Transcript:
        del on_segment
        if not hearing.data:
            raise ClipUnreadable("The clip is empty.", "Send another.")
        return Transcript(text=f"{len(hearing.data)} {hearing.name} {hearing.data[-1]}")

    def close(self) -> None:
        pass


class There:
    """The other node's own engines."""

    def __init__(self) -> None:
        self.writer: Writer = Pen(lambda: wrote("there"))
        self.ear: Ear | None = Shell()


class Two:
    """This node's side of a line, and what stands at its other end."""

    def __init__(self, folder: Path) -> None:
        self.there, self.clock = There(), FakeClock()
        self.wire = Wire(folder, {"engine": EngineService(lambda: self.there).serve})
        self.other = OtherEngines(lambda: self.wire.dial("engine"), self.clock, 5.0)

    def close(self) -> None:
        self.other.close()
        self.wire.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    both = Two(tmp_path)
    yield both
    both.close()


def said(written: Written) -> str:
    return written.sentences[0].text


def test_a_writer_that_is_busy_here_is_helped_by_the_other_one(two: Two) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Written:
        begun.set()
        assert go_on.wait(10)
        return wrote("here")

    shared = Shared(1, lambda: two.other)
    writer = SharedWriter(Pen(slowly), shared)
    first: list[Written] = []
    busy = threading.Thread(target=lambda: first.append(writer.write(ASKED)))
    busy.start()
    assert begun.wait(10)
    assert said(writer.write(ASKED)) == "there"
    assert said(writer.write(ASKED)) == "there"  # on the same line
    go_on.set()
    busy.join(10)
    assert (said(first[0]), shared.lent) == ("here", 2)


def test_a_writer_that_is_not_well_here_is_stood_in_for_by_the_other_one(two: Two) -> None:
    pen = Pen(lambda: wrote("here"))
    writer = SharedWriter(pen, Shared(4, lambda: two.other))
    assert said(writer.write(ASKED)) == "here"
    pen.trouble = "its model is gone"
    assert said(writer.write(ASKED)) == "there"


@pytest.mark.parametrize("trouble", [EngineDied("It was killed.", "Look there."), ZeroDivisionError(), EngineTimeout("Slow.", "Wait.")])
def test_what_fails_there_is_taken_back_and_not_asked_there_again_at_once(two: Two, trouble: Exception) -> None:
    def fail() -> Written:
        raise trouble

    two.there.writer = Pen(fail)
    shared = Shared(0, lambda: two.other)
    writer = SharedWriter(Pen(lambda: wrote("here")), shared)
    assert said(writer.write(ASKED)) == "here"
    two.there.writer = Pen(lambda: wrote("there"))
    assert said(writer.write(ASKED)) == "here"
    assert shared.taken_back == 1
    two.clock.move(PAUSE_SECONDS)
    assert said(writer.write(ASKED)) == "there"


def test_a_node_that_dies_with_our_request_on_its_engine_costs_us_nothing(two: Two) -> None:
    def die() -> Written:
        two.wire.listener.cut()
        return wrote("too late")

    two.there.writer = Pen(die)
    assert said(SharedWriter(Pen(lambda: wrote("here")), Shared(0, lambda: two.other)).write(ASKED)) == "here"


def test_without_another_node_all_is_done_here() -> None:
    assert said(SharedWriter(Pen(lambda: wrote("here")), Shared(0, lambda: None)).write(ASKED)) == "here"


def test_a_clip_larger_than_one_frame_is_heard_there(two: Two) -> None:
    clip = bytes(20_000_001) + b"\x07"
    heard = SharedEar(Shell(), Shared(0, lambda: two.other)).hear(Hearing(data=clip, name="long.wav"))
    assert heard.text == "20000002 long.wav 7"


def test_a_clip_that_is_no_good_is_no_fault_of_the_engine_there(two: Two) -> None:
    ear = SharedEar(Shell(), Shared(0, lambda: two.other))
    with pytest.raises(ClipUnreadable):
        ear.hear(Hearing(data=b""))
    assert two.other.worth_asking


def test_a_node_without_an_ear_says_so(two: Two) -> None:
    two.there.ear = None
    with pytest.raises(EngineUnavailable, match="No ear"):
        two.other.hear(Hearing(data=b"x"))
