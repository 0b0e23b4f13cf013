"""What engines may not do to a node by being damaged, late, elsewhere or somebody else's."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from appliance.engines.ear.protocol import Hearing
from appliance.engines.errors import EngineDied, EngineTimeout
from appliance.engines.prompts import PromptBook
from appliance.engines.supervision import ChildLimits
from appliance.engines.writer.chain import Later
from appliance.engines.writer.quoting import QuotingWriter
from appliance.engines.writer.stub import StubWriter
from appliance.ground.clock import SystemClock
from appliance.language import words
from appliance.node import peer_engines
from appliance.node.accounts import reader_of
from appliance.node.engines import make_engines
from appliance.node.peer_engines import OtherEngines, Shared, SharedWriter
from appliance.node.renewing import Renewals
from appliance.records.answer import Usage
from appliance.records.case import Case
from appliance.records.voice import Transcript
from appliance.settings.model import MailboxSettings, Settings, ShadowSettings, VoiceSettings, WriterSettings
from appliance.settings.rules import notes_of
from tests.support.cases import case
from tests.support.clock import FakeClock
from tests.unit.node.test_peer_engines import ASKED, Pen, Two, said, wrote


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("sk-secret\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    both = Two(tmp_path)
    yield both
    both.close()


def settings(home: Path, key: Path, shadow: str) -> Settings:
    writer = WriterSettings(kind="openai", model="large", base_url="https://writer.example/v1", key_file=key)
    return Settings(home=home, writer=writer, shadow=ShadowSettings(kind="openai", model="other", base_url=shadow))


@pytest.mark.parametrize(("shadow", "shown"), [("https://candidate.example/v1", False), ("https://writer.example/v1", True), ("", True)])
def test_the_writers_key_is_shown_to_the_writers_server_and_to_no_other(tmp_path: Path, key: Path, shadow: str, shown: bool) -> None:
    engines = make_engines(settings(tmp_path, key, shadow), FakeClock())
    endpoint = engines.candidate.raw.ensure()  # type: ignore[union-attr]
    assert endpoint.host == ("candidate.example" if "candidate" in shadow else "writer.example")
    assert bool(endpoint.headers) is shown


def test_a_quoting_model_that_failed_once_and_writes_again_is_well(tmp_path: Path) -> None:
    clock = FakeClock()
    writer = QuotingWriter(words, tmp_path, PromptBook(), ChildLimits(), 60.0, clock)
    keeper = writer._child._keeper
    keeper.failed(EngineDied("It died."))
    keeper.failed(EngineDied("It died again."))
    assert writer.health() == "It died again."
    clock.move(60.0)
    with keeper.work():
        pass
    assert writer.health() == ""


def test_a_writer_that_is_made_later_goes_by_its_own_version_and_prompt_from_then_on() -> None:
    there: list[StubWriter] = []

    class Prompted(StubWriter):
        prompt = "abc"

    def make() -> StubWriter:
        if not there:
            raise EngineDied("Its model is not there yet.")
        return there[0]

    later = Later("quoting", make)
    shared = SharedWriter(later, Shared(1, lambda: None))
    assert (shared.version, shared.prompt) == ("0", "")
    there.append(Prompted(words))
    shared.write(ASKED)
    assert (shared.version, shared.prompt) == (there[0].version, "abc")


def test_a_case_that_is_claimed_anew_while_its_older_claim_is_renewed_keeps_the_newer_one() -> None:
    clock, asked = FakeClock(), list[int]()
    older = case("When are you open?")
    newer = replace(older, claim=older.claim + 1)
    renewals: Renewals

    def renew(one: Case) -> bool:
        asked.append(one.claim)
        if one is older:  # in this very moment it is given back and taken again
            leave.__exit__(None, None, None)
            then.__enter__()
        return one is newer

    renewals = Renewals(clock, 120.0, renew)
    leave, then = renewals.holding(older), renewals.holding(newer)
    leave.__enter__()
    clock.move(60.0)
    renewals.look()
    clock.move(60.0)
    renewals.look()
    assert asked == [older.claim, newer.claim]


def test_a_line_is_closed_whatever_goes_wrong_on_it(two: Two) -> None:
    def odd() -> None:
        raise MemoryError

    dialled = []
    really = two.wire.dial

    def dial() -> object:
        line = really("engine")
        line.send = lambda _: odd()  # type: ignore[method-assign]
        dialled.append(line)
        return line

    other = OtherEngines(dial, two.clock, 5.0)  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        other.write(ASKED)
    assert dialled[0]._stream._socket.fileno() == -1


def test_a_line_that_comes_back_after_the_closing_is_closed_too(two: Two) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> object:
        begun.set()
        assert go_on.wait(20)
        return wrote("there")

    two.there.writer._act = slow  # type: ignore[attr-defined]
    told: list[object] = []
    thread = threading.Thread(target=lambda: told.append(two.other.write(ASKED)))
    thread.start()
    assert begun.wait(20)
    two.other.close()
    go_on.set()
    thread.join(20)
    assert told
    assert two.other._idle == []


def test_a_draft_that_another_writer_wrote_over_there_is_written_here(two: Two) -> None:
    two.there.writer = Pen(lambda: replace(wrote("there"), usage=Usage(engine="grounded", cause="engine_died")))
    pen = Pen(lambda: wrote("here"))
    pen.trouble = "it was not well a moment ago"
    shared = Shared(1, lambda: two.other)
    assert said(SharedWriter(pen, shared).write(ASKED)) == "here"
    assert (shared.lent, shared.taken_back) == (0, 1)


def test_a_node_that_has_stopped_with_its_lines_open_is_left_long_before_the_time_of_a_transcript_is_over(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_engines, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(peer_engines, "BEAT_SECONDS", 60.0)  # it says nothing any more
    go_on = threading.Event()
    two.there.ear.hear = lambda *_: go_on.wait(20)  # type: ignore[union-attr, method-assign, assignment, return-value]
    other = OtherEngines(lambda: two.wire.dial("engine"), SystemClock(), 5.0, 3600.0)
    with pytest.raises(EngineTimeout):
        other.hear(Hearing(data=b"abc"))
    go_on.set()
    assert not other.worth_asking


def test_a_node_that_is_at_work_is_waited_for_however_long_it_says_nothing_else(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_engines, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(peer_engines, "BEAT_SECONDS", 0.05)
    go_on = threading.Event()
    hear = two.there.ear.hear  # type: ignore[union-attr]
    two.there.ear.hear = lambda hearing, *_: hear(hearing) if not go_on.wait(1.0) else Transcript()  # type: ignore[union-attr, method-assign]
    other = OtherEngines(lambda: two.wire.dial("engine"), SystemClock(), 0.2, 20.0)
    assert other.hear(Hearing(data=b"abc")).text.startswith("3 ")
    assert other.hear(Hearing(data=b"abcd")).text.startswith("4 "), "and the line is as good as before"
    other.close()


def test_a_transcript_of_the_other_node_is_waited_for_longer_than_a_draft(two: Two) -> None:
    wire_clock_seconds = 0.3
    go_on = threading.Event()
    shell = two.there.ear
    hear = shell.hear  # type: ignore[union-attr]

    def slow(hearing: Hearing, on_segment: object = None) -> Transcript:
        del on_segment
        go_on.wait(2 * wire_clock_seconds)
        return hear(hearing)

    shell.hear = slow  # type: ignore[union-attr, method-assign, assignment]
    other = OtherEngines(lambda: two.wire.dial("engine"), two.clock, wire_clock_seconds, 20.0)
    assert other.hear(Hearing(data=b"abc")).text.startswith("3 ")
    other.close()


@pytest.mark.parametrize(("enabled", "mock", "hears"), [(True, True, False), (True, False, True), (False, False, False)])
def test_a_clip_in_a_mail_does_not_count_as_heard_when_only_the_mock_would_hear_it(
    tmp_path: Path, enabled: bool, mock: bool, hears: bool
) -> None:
    settings = Settings(home=tmp_path, voice=VoiceSettings(enabled=enabled, mock=mock))
    assert reader_of(MailboxSettings(id="support"), settings).hears is hears


def test_a_candidate_that_is_asked_in_plain_text_over_a_network_is_pointed_out(tmp_path: Path) -> None:
    told = list(notes_of(Settings(home=tmp_path, shadow=ShadowSettings(kind="openai", base_url="http://candidate.example/v1"))))
    assert [note for note in told if note.startswith("shadow.base_url is asked without https")]
    assert not list(notes_of(Settings(home=tmp_path, shadow=ShadowSettings(kind="openai", base_url="http://127.0.0.1:1/v1"))))
