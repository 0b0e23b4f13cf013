"""Words over a line: whole, in order, both ways at once, and never more than there is room for."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
import pytest

from appliance.ground.clock import SystemClock
from appliance.pair.line.errors import BadFrame, LineLost, LineRefused, LineSilent
from appliance.pair.line.refusals import REFUSALS
from appliance.pair.line.stream import Stream, called_context, calling_context
from appliance.pair.line.wire import FRAME_MOST, GUEST_FRAME_MOST, Line, Open, Opened, agree, dial
from appliance.records.base import Record
from tests.unit.pair.line.ends import PATIENCE, Held, Say, Shout, World, outcome


@contextmanager
def pair_of_lines(world: World) -> Iterator[tuple[Line, Line]]:
    held = Held()
    with world.listening({"held": held}) as listener:
        called = world.call(listener, "held")
        yield called, held.wait()
        held.let_go()


class Raw:
    """The other end of a line as bytes: says what no honest node would."""

    def __init__(self, world: World) -> None:
        near, far = socket.socketpair()
        clock = SystemClock()
        self.stream = Stream(far, called_context(world.here, world.trusted), clock, server=True)
        stream = Stream(near, calling_context(world.there), clock, server=False)
        shaken = outcome(lambda: self.stream.shake_hands(PATIENCE))
        stream.shake_hands(PATIENCE)
        assert shaken() is None
        self.line = Line(stream, ("127.0.0.1", 1), clock)

    def say(self, data: bytes) -> None:
        self.stream.write(data)


@pytest.fixture
def raw(world: World) -> Iterator[Raw]:
    made = Raw(world)
    yield made
    made.line.close()
    made.stream.cut()


def frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def test_words_arrive_whole_and_in_order(world: World) -> None:
    with pair_of_lines(world) as (here, there):
        for number in range(100):
            here.send(Say(number=number, data=bytes(number * 100)))
        for number in range(100):
            assert there.receive(Say, PATIENCE) == Say(number=number, data=bytes(number * 100))


def test_each_side_knows_who_is_at_the_other_end(world: World) -> None:
    with pair_of_lines(world) as (caller, called):
        assert (caller.fingerprint, called.fingerprint) == (world.here.fingerprint, world.there.fingerprint)
        assert (caller.certificate, called.certificate) == (world.here.certificate, world.there.certificate)
        assert called.address[0] == "127.0.0.1"


def test_whoever_was_dialled_by_name_is_known_by_number_afterwards(world: World) -> None:
    """Heartbeats go to numbers alone: they must not wait for a name to be looked up."""
    held = Held()
    with world.listening({"held": held}) as listener:
        open_ = Open(service="held", node="b", pair="p-1", version="1")
        line, _ = dial(("localhost", listener.port), world.there, fingerprint=world.here.fingerprint, open_=open_, seconds=PATIENCE)
        assert line.address == ("127.0.0.1", listener.port)
        held.let_go()
        line.close()


def test_the_largest_message_passes_and_one_byte_more_is_not_sent(world: World) -> None:
    room = FRAME_MOST - len(msgspec.msgpack.encode(Say(data=bytes(70_000)))) + 70_000
    with pair_of_lines(world) as (here, there):
        with pytest.raises(BadFrame):
            here.send(Say(data=bytes(room + 1)))
        sent = outcome(lambda: here.send(Say(data=bytes(room))))
        assert len(there.receive(Say, PATIENCE).data) == room
        assert sent() is None


def test_one_of_several_kinds_is_told_by_its_tag(world: World) -> None:
    with pair_of_lines(world) as (here, there):
        here.send(Shout(data=b"fire"))
        assert there.receive(Say | Shout, PATIENCE) == Shout(data=b"fire")


def test_both_sides_talk_at_once_and_many_threads_share_one_line(world: World) -> None:
    with pair_of_lines(world) as (here, there):
        every = range(200)

        def talk(line: Line, thread: int) -> None:
            for number in every:
                line.send(Say(number=number, data=bytes([thread]) * 3_000))

        def listen(line: Line, heard: dict[int, list[int]]) -> None:
            for _ in range(3 * len(every)):
                said = line.receive(Say, PATIENCE)
                assert said.data == said.data[:1] * 3_000
                heard.setdefault(said.data[0], []).append(said.number)

        heard_here: dict[int, list[int]] = {}
        heard_there: dict[int, list[int]] = {}
        acts = [outcome(lambda: listen(here, heard_here)), outcome(lambda: listen(there, heard_there))]
        acts += [outcome(partial(talk, line, thread)) for line in (here, there) for thread in range(3)]
        assert [act() for act in acts] == [None] * 8
        assert heard_here == heard_there == {thread: list(every) for thread in range(3)}


def test_silence_is_told_and_harms_nothing(world: World) -> None:
    with pair_of_lines(world) as (here, there):
        with pytest.raises(LineSilent):
            there.receive(Say, 0.01)
        here.send(Say(number=1))
        assert there.receive(Say, PATIENCE).number == 1


def test_half_a_frame_and_silence_lose_nothing(raw: Raw) -> None:
    words = frame(msgspec.msgpack.encode(Say(number=7, data=b"whole")))
    for end in (2, 9):
        raw.say(words[:end] if end == 2 else words[2:9])
        with pytest.raises(LineSilent):
            raw.line.receive(Say, 0.05)
    raw.say(words[9:])
    assert raw.line.receive(Say, PATIENCE) == Say(number=7, data=b"whole")


def test_a_trickle_does_not_stretch_the_time(raw: Raw) -> None:
    over = threading.Event()

    def trickle() -> None:
        raw.say(struct.pack(">I", 60_000))
        while not over.wait(0.01):
            raw.say(b"x")

    trickling = outcome(trickle)
    with pytest.raises(LineSilent):
        raw.line.receive(Say, 0.2)
    over.set()
    assert trickling() is None


@pytest.mark.parametrize("limit", [GUEST_FRAME_MOST, FRAME_MOST])
def test_a_frame_over_the_limit_is_refused_when_it_is_announced(raw: Raw, limit: int) -> None:
    raw.line.frame_most = limit
    raw.say(struct.pack(">I", limit + 1))
    with pytest.raises(BadFrame):
        raw.line.receive(Say, PATIENCE)
    with pytest.raises(LineLost):
        raw.line.send(Say())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x00" * 40,
        b'{"type":"say","number":1}',
        msgspec.msgpack.encode({"type": "whisper"}),
        msgspec.msgpack.encode({"type": "say", "number": "one"}),
        msgspec.msgpack.encode({"type": "say", "data": 1}),
        msgspec.msgpack.encode({"type": "say", "number": 1})[:-1],
        b"\x81\xa1x" + b"\x91" * 50_000 + b"\x00",
        b"\x82\xa4type\xa3say\xa1x" + b"\x91" * 50_000 + b"\x00",
        b"\x81\xa4type\xa3\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
    ],
)
def test_garbage_is_refused_and_ends_the_line(raw: Raw, data: bytes) -> None:
    raw.say(frame(data))
    with pytest.raises(BadFrame):
        raw.line.receive(Say, PATIENCE)
    with pytest.raises(LineLost):
        raw.line.receive(Say, PATIENCE)


def test_a_field_of_a_newer_version_is_passed_over(raw: Raw) -> None:
    raw.say(frame(msgspec.msgpack.encode({"type": "say", "number": 3, "tomorrow": [1, {"a": b"b"}]})))
    assert raw.line.receive(Say, PATIENCE) == Say(number=3)


def test_garbage_under_the_protection_ends_the_line(world: World) -> None:
    near, far = socket.socketpair()
    clock = SystemClock()
    called = Stream(far, called_context(world.here, world.trusted), clock, server=True)
    stream = Stream(near, calling_context(world.there), clock, server=False)
    shaken = outcome(lambda: called.shake_hands(PATIENCE))
    stream.shake_hands(PATIENCE)
    assert shaken() is None
    far.send(b"\x17\x03\x03\x00\x20" + bytes(32))  # looks like a record, and is sealed by nobody
    with pytest.raises(LineLost):
        Line(stream, ("127.0.0.1", 1), clock).receive(Say, PATIENCE)
    called.cut()


def test_closing_wakes_whoever_receives(world: World) -> None:
    with pair_of_lines(world) as (here, _):
        waiting = outcome(lambda: here.receive(Say, 600.0))
        here.close()
        assert isinstance(waiting(), LineLost)
        here.close()


def test_closing_wakes_whoever_sends_to_somebody_who_takes_nothing(world: World) -> None:
    with pair_of_lines(world) as (here, _):
        sent = threading.Semaphore(0)

        def fill() -> None:
            while True:
                here.send(Say(data=bytes(1_000_000)))
                sent.release()

        filling = outcome(fill)
        while sent.acquire(timeout=0.2):
            pass  # the buffers of two sockets take some
        here.close()
        assert isinstance(filling(), LineLost)


def test_a_closed_line_neither_sends_nor_receives(world: World) -> None:
    with pair_of_lines(world) as (here, there):
        here.close()
        for act in (lambda: here.send(Say()), lambda: here.receive(Say, 1.0), lambda: there.receive(Say, PATIENCE)):
            with pytest.raises(LineLost):
                act()


def test_what_was_sent_before_the_end_still_arrives(world: World) -> None:
    said = threading.Event()

    def answers_once(line: Line, _: Open) -> None:
        said.wait(PATIENCE)
        line.send(Say(number=line.receive(Say, PATIENCE).number))

    with world.listening({"once": answers_once}) as listener:
        line = world.call(listener, "once")
        for _ in range(300):  # more than is ever read: an end without care would take back the answer
            line.send(Say(number=5, data=bytes(1_000)))
        said.set()
        for thread in threading.enumerate():
            if thread.name == "line":
                thread.join(PATIENCE)
        assert line.receive(Say, PATIENCE).number == 5
        with pytest.raises(LineLost):
            line.receive(Say, PATIENCE)


def test_nobody_at_the_address_is_a_lost_line(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    open_ = Open(service="echo", node="n", pair="p", version="1")
    with pytest.raises(LineLost):
        dial(address, world.there, fingerprint=world.here.fingerprint, open_=open_, seconds=PATIENCE)


def test_somebody_who_takes_the_call_and_says_nothing_is_a_lost_line(world: World) -> None:
    open_ = Open(service="echo", node="n", pair="p", version="1")
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(LineLost):
        dial(silent.getsockname(), world.there, fingerprint=world.here.fingerprint, open_=open_, seconds=0.2)


def test_a_line_to_somebody_unknown_is_for_pairing_only(world: World) -> None:
    open_ = Open(service="echo", node="n", pair="p", version="1")
    with pytest.raises(ValueError, match="pairing"):
        dial(("127.0.0.1", 1), world.there, fingerprint=None, open_=open_, seconds=1.0)


def test_a_called_side_that_knows_only_tls_1_2_is_no_peer(world: World) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(world.here.path)
    open_ = Open(service="echo", node="n", pair="p", version="1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        calling = outcome(
            lambda: dial(server.getsockname(), world.there, fingerprint=world.here.fingerprint, open_=open_, seconds=PATIENCE)
        )
        connection = server.accept()[0]
        with connection, pytest.raises(OSError):  # noqa: PT011 - which one depends on who gives up first
            context.wrap_socket(connection, server_side=True)
        assert isinstance(calling(), LineLost)


def test_an_answer_in_a_language_that_was_not_offered_is_refused(world: World) -> None:
    def answers(proto: int) -> LineRefused | None:
        open_ = Open(service="echo", node="n", pair="p", version="1", proto=2, least=2)
        with socket.create_server(("127.0.0.1", 0)) as server:
            calling = outcome(
                lambda: dial(server.getsockname(), world.there, fingerprint=world.here.fingerprint, open_=open_, seconds=PATIENCE)
            )
            stream = Stream(server.accept()[0], called_context(world.here, world.trusted), SystemClock(), server=True)
            stream.shake_hands(PATIENCE)
            line = Line(stream, ("127.0.0.1", 1), SystemClock())
            line.receive(Open, PATIENCE)
            line.send(Opened(node="n", version="1", proto=proto))
            found = calling()
            line.close()
            assert found is None or isinstance(found, LineRefused)
            return found

    assert answers(2) is None
    assert [getattr(answers(proto), "code", "") for proto in (1, 3)] == ["too_new", "too_old"]


def test_two_versions_speak_the_newest_language_of_both() -> None:
    assert agree(1, 1) == (1, "")
    assert agree(7, 1) == (1, "")
    assert agree(7, 2) == (0, "too_new")
    assert agree(0, 0) == (0, "too_old")


def test_every_refusal_has_a_sentence_and_a_remedy() -> None:
    for code in REFUSALS:
        refused = LineRefused(code)
        assert refused.code == code
        assert refused.message.endswith(".")
        assert refused.remedy.endswith(".")


def test_a_refusal_of_a_newer_version_keeps_its_code() -> None:
    refused = LineRefused("full_moon")
    assert refused.code == "full_moon"
    assert refused.remedy


class Deep(Record):
    """Only here so that a kind without a tag is read as well."""

    number: int


def test_a_kind_without_a_tag_is_read_as_it_is(raw: Raw) -> None:
    raw.say(frame(msgspec.msgpack.encode({"number": 4})))
    assert raw.line.receive(Deep, PATIENCE) == Deep(number=4)
