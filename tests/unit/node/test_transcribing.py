"""The loop that hears, by itself: its claim goes on while the ear works, its figures keep their shape; clips that come in pieces."""

import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.channels.voice.arrivals import arrival
from appliance.engines.errors import EngineBusy, EngineNonsense, EngineTimeout
from appliance.ground.errors import EngineError, Refused
from appliance.node.clip_pieces import KEPT_SECONDS, UPLOADS_MOST, Pieces
from appliance.node.roles import Alone
from appliance.node.transcribing import BUSY_SECONDS, CLAIM_SECONDS, Transcribing
from appliance.node.transcripts import EAR_CHARACTERS, looked_at
from appliance.records.case import CaseState
from appliance.records.voice import Caller, Segment, Transcript, Word
from appliance.settings.model import VoiceSettings
from appliance.store.replay import differing_tables
from appliance.store.store import Store
from tests.support.clock import FakeClock
from tests.support.told_ear import ToldEar, tone

UNSURE_WORD = Word(text="When", starts=0.0, ends=1.0, probability=math.nan)


class Hearing:
    def __init__(self, home: Path) -> None:
        self.clock, self.ear, self.stop = FakeClock(), ToldEar(), threading.Event()
        self.store = Store.open(home, self.clock)
        self.standing = Alone(self.store.begin_term("node-a"))
        settings = VoiceSettings(enabled=True, streaming=False)
        self.loop = Transcribing("node-a", self.store, lambda: self.ear, settings, ("en",), self.standing, self.clock, self.stop)
        came = arrival("key-1", "call.wav", self.ear.hold(tone(), "When?"), Caller(address="a@example.fi"), self.clock.now())
        self.case = self.store.clips.take(came, again=False, listens=True, term=self.standing.term).case

    def state(self) -> CaseState:
        (row,) = self.store.rows()
        return row.state


@pytest.fixture
def hearing(tmp_path: Path) -> Iterator[Hearing]:
    hearing = Hearing(tmp_path / "home")
    yield hearing
    hearing.store.close()


def test_a_claim_goes_on_for_as_long_as_the_ear_works(hearing: Hearing) -> None:
    hearing.ear.may_go_on.clear()
    worker = threading.Thread(target=hearing.loop.step)
    worker.start()
    while not hearing.ear.heard:
        threading.Event().wait(0.001)
    for _ in range(10):
        hearing.clock.move(CLAIM_SECONDS * 0.6)
        hearing.loop.renew()
        assert hearing.store.clips.claim("other", term=hearing.standing.term, seconds=60) is None
    assert hearing.loop.pulse.heartbeat_at == hearing.clock.now()
    hearing.ear.may_go_on.set()
    worker.join(20)
    assert hearing.state() is CaseState.WAITING
    hearing.loop.renew()  # nothing is held any more


def test_an_ear_that_is_busy_or_a_node_that_stops_costs_the_clip_no_try(hearing: Hearing) -> None:
    hearing.ear.fails["final"] = [EngineBusy("It is busy.", "Come again.")] * 5
    for _ in range(5):
        assert hearing.loop.step()
    hearing.stop.set()
    hearing.ear.fails["final"] = [EngineTimeout("It took too long.", "Try again.")]
    assert hearing.loop.step()
    assert hearing.store.clips.of_case(hearing.case)[0].attempts == 0


def test_an_ear_that_is_busy_is_not_asked_again_at_once_for_each_try_stands_in_the_journal(hearing: Hearing) -> None:
    hearing.ear.fails["final"] = [EngineBusy("It is busy.", "Come again.")]
    began = hearing.clock.elapsed()
    assert hearing.loop.step()
    assert hearing.clock.elapsed() - began >= BUSY_SECONDS


@pytest.mark.parametrize(
    "heard",
    [
        {"seconds": math.inf},
        {"seconds": math.nan},
        {"took_seconds": -1.0},
        {"language_confidence": math.nan},
        {"confidence": math.nan},
        {"confidence": 1.5},
        {"text": json.loads('"half \\ud83d"')},
        {"segments": (Segment(text="When?", starts=math.inf, ends=1.0),)},
        {"segments": (Segment(text="When?", starts=0.0, ends=1.0, words=(UNSURE_WORD,)),)},
    ],
)
def test_what_a_damaged_ear_says_is_not_put_down_and_a_person_gets_the_case(hearing: Hearing, heard: dict[str, Any]) -> None:
    hearing.ear.hear = lambda *_: Transcript(**{"text": "When?", "confidence": 0.9, **heard})  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(EngineNonsense):
            hearing.loop.step()
        hearing.clock.move(60)
    assert hearing.state() is CaseState.REVIEW
    hearing.store.come_to_rest()
    assert not hearing.store._readers.ask(differing_tables)


def test_words_of_an_ear_that_does_not_say_how_sure_it_is_are_unsure_and_silence_is_silence(hearing: Hearing) -> None:
    hearing.ear.hear = lambda *_: Transcript(text="When?")  # type: ignore[method-assign]
    assert hearing.loop.step()
    case = hearing.store.file(hearing.case)
    assert case is not None
    assert case.message is not None
    assert [spoken.confidence for spoken in case.message.spoken] == [0.0]
    assert looked_at(Transcript()).confidence is None


def test_names_that_an_ear_made_up_do_not_get_into_the_journal(hearing: Hearing) -> None:
    told = Transcript(text="When?", confidence=0.9, language="anna@example.com", dropped={"Anna Korhonen": 1, "unsure": 2}, ear="a\n" * 500)
    hearing.ear.hear = lambda *_: told  # type: ignore[method-assign]
    assert hearing.loop.step()
    (clip,) = hearing.store.clips.of_case(hearing.case)
    assert clip.transcript is not None
    assert (clip.transcript.language, clip.transcript.dropped, len(clip.transcript.ear)) == ("", {"unsure": 2}, EAR_CHARACTERS)


def test_an_ear_that_fails_three_times_leaves_the_clip_to_a_person_and_says_why(hearing: Hearing) -> None:
    hearing.ear.fails["final"] = [EngineTimeout("It took too long.", "Try again.")] * 3
    for _ in range(3):
        with pytest.raises(EngineError):
            hearing.loop.step()
        hearing.clock.move(60)
    assert hearing.state() is CaseState.REVIEW
    assert isinstance(hearing.loop.pulse.last_error, EngineTimeout)
    assert hearing.loop.pulse.stages["final"]["failures"] == 3


def test_a_node_that_may_not_act_hears_nothing_and_its_heart_beats(hearing: Hearing) -> None:
    hearing.standing.resign()
    assert hearing.loop.step() is False
    assert hearing.loop.pulse.heartbeat_at == hearing.clock.now()
    assert hearing.ear.heard == []


def test_a_clip_in_pieces_is_put_together_and_a_piece_that_comes_twice_changes_nothing() -> None:
    pieces = Pieces(FakeClock())
    for start in (0, 4, 4, 8):
        pieces.add("u", start, b"0123456789"[start : start + 4], 100)
    assert pieces.take("u", 10) == b"0123456789"
    with pytest.raises(Refused):
        pieces.take("u", 10)


def test_pieces_that_miss_or_are_too_many_are_refused_and_forgotten_in_time() -> None:
    clock = FakeClock()
    pieces = Pieces(clock)
    with pytest.raises(Refused):
        pieces.add("u", 4, b"4567", 100)
    with pytest.raises(Refused):
        pieces.add("u", 0, b"x" * 101, 100)
    for number in range(UPLOADS_MOST):
        pieces.add(f"u{number}", 0, b"x", 100)
    with pytest.raises(Refused):
        pieces.add("more", 0, b"x", 100)
    clock.move(KEPT_SECONDS)
    pieces.add("more", 0, b"x", 100)
    with pytest.raises(Refused):
        pieces.take("more", 2)
