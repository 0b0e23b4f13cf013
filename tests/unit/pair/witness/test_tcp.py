"""A witness process and those who ask it, over real sockets."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.ground.clock import SystemClock
from appliance.ground.errors import Refused
from appliance.pair.messages import Look, Note, Reply, Take, WitnessRecord
from appliance.pair.witness import frames
from appliance.pair.witness.keys import line, witness_key
from appliance.pair.witness.shelf import Shelf, WitnessDamaged
from appliance.pair.witness.tcp_client import TcpWitness
from appliance.pair.witness.tcp_server import LINES_MOST, WitnessServer
from tests.live.servers.wire import Wire

PAIR = "p-7m9q"
KEY = witness_key(PAIR, b"s" * 32)
CLOCK = SystemClock()
SECONDS = 10.0
IN_SYNC = Note(number=1, node="a", term=4, in_sync=True)


class Place:
    """A witness with a folder; started, stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = Shelf(folder)
        self.shelf.add(KEY)
        self._port = 0
        self.begin()

    def begin(self, proof_seconds: float = 5.0) -> None:
        self.server = WitnessServer("127.0.0.1", self._port, self.folder, CLOCK, proof_seconds=proof_seconds)
        self._port = self.server.port
        self.server.start()

    @property
    def port(self) -> int:
        return self._port

    def record(self) -> WitnessRecord:
        return self.shelf.record(KEY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.server.stop()


Node = Callable[..., TcpWitness]


@pytest.fixture
def node() -> Iterator[Node]:
    """Makes what a node asks with; closed at the end."""
    made: list[TcpWitness] = []

    def make(port: int, secret: bytes = b"s" * 32, seconds: float = SECONDS) -> TcpWitness:
        made.append(TcpWitness("127.0.0.1", port, witness_key(PAIR, secret), CLOCK, lease_seconds=3.0, seconds=seconds))
        return made[-1]

    yield make
    for one in made:
        one.close()


def answered(reply: Reply | None) -> Reply:
    assert reply is not None
    return reply


def closed(line: socket.socket) -> bool:
    """Whether the other side hangs up."""
    line.settimeout(SECONDS)
    with contextlib.suppress(ConnectionError):
        while line.recv(4096):
            pass
    return True


def test_a_new_witness_grants_nothing_until_a_leader_says_that_its_peer_is_with_it(place: Place, node: Node) -> None:
    a, b = node(place.port), node(place.port)
    assert not answered(b.ask(Take(number=1, node="b", term=9))).granted
    assert not answered(b.ask(Take(number=2, node="b", term=9, forced=True))).granted
    assert answered(a.ask(IN_SYNC)).granted
    taken = answered(b.ask(Take(number=3, node="b", term=9)))
    assert taken.granted
    assert (taken.number, taken.record.holder, taken.wait_seconds) == (3, "b", 0.0)
    assert answered(a.ask(Look(number=2))).record == place.record() == taken.record
    assert answered(a.ask(Take(number=3, node="a", term=10, forced=True))).wait_seconds == 3.0


def test_the_record_outlives_the_process_and_is_found_again_by_itself(place: Place, node: Node) -> None:
    a = node(place.port)
    assert answered(a.ask(IN_SYNC)).granted
    place.server.stop()
    assert a.ask(Look(number=2)) is None
    assert "gives no answer" in a.trouble
    place.begin()
    assert answered(a.ask(Look(number=3))).record == WitnessRecord(holder="a", term=4, in_sync=True, number=1)
    assert a.trouble == ""


def test_a_witness_that_was_started_anew_meanwhile_costs_no_answer(place: Place, node: Node) -> None:
    a = node(place.port)
    assert a.ask(Look(number=1))
    place.server.stop()
    place.begin()
    assert a.ask(Look(number=2))


def test_of_two_who_take_one_term_at_once_one_gets_it(place: Place, node: Node) -> None:
    asking = {name: node(place.port) for name in ("a", "b")}
    number, term, leader = 1, 4, "a"
    for _ in range(50):
        number, term = number + 1, term + 1
        assert answered(asking[leader].ask(Note(number=number, node=leader, term=term, in_sync=True))).granted
        number, term = number + 1, term + 1
        gate, replies = threading.Barrier(2), {}

        def take(name: str, gate: threading.Barrier, replies: dict[str, Reply], take: Take) -> None:
            gate.wait(SECONDS)
            replies[name] = answered(asking[name].ask(take))

        threads = [threading.Thread(target=take, args=(name, gate, replies, Take(number=number, node=name, term=term))) for name in asking]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        (leader,) = [name for name in asking if replies[name].granted]
        assert place.record().holder == leader


def test_a_pair_that_nobody_added_gets_no_answer_and_is_known_at_once_when_it_is(place: Place, node: Node) -> None:
    place.shelf.forget(PAIR)
    a = node(place.port)
    assert a.ask(Look(number=1)) is None
    assert "tandem witness add" in a.trouble
    place.shelf.add(KEY)
    assert a.ask(Look(number=2))


def test_whoever_lacks_the_key_changes_nothing(place: Place, node: Node) -> None:
    assert answered(node(place.port).ask(IN_SYNC)).granted
    before = place.record()
    stranger = node(place.port, b"x" * 32)
    assert stranger.ask(Take(number=9, node="b", term=99)) is None
    assert "another key" in stranger.trouble
    assert place.record() == before


def test_a_question_that_was_taken_down_cannot_be_put_again(place: Place, node: Node) -> None:
    """Not on another connection, nor twice on its own."""
    wire = Wire(place.port)
    try:
        a = node(wire.port)
        assert answered(a.ask(IN_SYNC)).granted
        assert answered(a.ask(Note(number=2, node="a", term=4, in_sync=False))).granted
        taken_down = wire.said
    finally:
        wire.stop()
    before = place.record()
    with socket.create_connection(("127.0.0.1", place.port), SECONDS) as line:
        frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS)
        line.sendall(taken_down)
        declined = frames.unpack(frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS), frames.Declined)
        assert declined.code == "wrong_key"
        assert closed(line)
    with raw(place.port) as (line, sealed):
        frames.send(line, sealed, CLOCK, CLOCK.elapsed() + SECONDS)
        frames.unpack(frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS), frames.Answered)
        frames.send(line, sealed, CLOCK, CLOCK.elapsed() + SECONDS)
        assert frames.unpack(frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS), frames.Declined).code == "wrong_key"
    assert place.record() == before


@contextlib.contextmanager
def raw(port: int, body: bytes = b"") -> Iterator[tuple[socket.socket, frames.Sealed]]:
    """A line, and a question with a right seal for it, not sent yet."""
    from appliance.pair.witness.words import seal, spoken

    with socket.create_connection(("127.0.0.1", port), SECONDS) as line:
        greeting = frames.unpack(frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS), frames.Greeting)
        body = body or frames.pack(spoken(Look(number=1), 3.0))
        mark = seal(KEY.key, frames.ASKED, greeting.nonce, b"n" * 16, (1).to_bytes(8, "big"), body)
        yield line, frames.Sealed(pair=PAIR, nonce=b"n" * 16, count=1, body=body, seal=mark)


def test_an_answer_that_does_not_hold_the_key_is_not_believed(node: Node) -> None:
    """Somebody stands between, or has taken the witness's address."""
    reply = frames.pack(Reply(number=1, granted=True, record=WitnessRecord()))
    with impostor(frames.pack(frames.Answered(body=reply, seal=b"f" * 32))) as port:
        a = node(port)
        assert a.ask(Take(number=1, node="a", term=9)) is None
        assert "does not hold the key" in a.trouble


@pytest.mark.parametrize("said", [b"", b"\xc1", b"\x93\xa8answered\x01\x02", b"x" * 5000])
def test_an_answer_that_makes_no_sense_is_no_answer(said: bytes, node: Node) -> None:
    with impostor(said) as port:
        assert node(port).ask(Look(number=1)) is None


@contextlib.contextmanager
def impostor(said: bytes) -> Iterator[int]:
    """Greets as a witness does, and answers the first question with these words."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError, EOFError):
                line, _ = listener.accept()
                with line:
                    frames.send(line, frames.Greeting(proto=1, nonce=b"g" * 16), CLOCK, CLOCK.elapsed() + SECONDS)
                    frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS)
                    line.sendall(len(said).to_bytes(4, "big") + said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(SECONDS)


def test_a_witness_that_stands_still_is_no_answer(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a = node(int(listener.getsockname()[1]), seconds=0.2)
        assert a.ask(Look(number=1)) is None
        assert "in time" in a.trouble


def test_a_stranger_who_says_nothing_is_sent_away(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.server.stop()
    place.begin(proof_seconds=0.1)
    with socket.create_connection(("127.0.0.1", place.port), SECONDS) as line:
        assert closed(line)
    place.server.stop()


def test_strangers_do_not_keep_a_node_out_nor_drive_one_out(place: Place, node: Node) -> None:
    wire = Wire(place.port)
    a, b = node(wire.port), node(place.port)
    assert answered(a.ask(IN_SYNC)).granted
    strangers = [socket.create_connection(("127.0.0.1", place.port), SECONDS) for _ in range(LINES_MOST + 5)]
    try:
        assert closed(strangers[0])
        assert b.ask(Look(number=1))
        assert a.ask(Look(number=2))
        assert wire.connections == 1, "it still has the line it had"
    finally:
        wire.stop()
        for stranger in strangers:
            stranger.close()


@pytest.mark.parametrize(
    "words", [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x05GET /", b"\0\0\x0f\xff" + b"\xdd" * 4095, b"\0\0\0\x01\xc1"]
)
def test_nonsense_ends_its_own_line_and_nothing_else(words: bytes, place: Place, node: Node) -> None:
    with socket.create_connection(("127.0.0.1", place.port), SECONDS) as line:
        line.sendall(words)
        assert closed(line)
    assert node(place.port).ask(Look(number=1))


def test_a_question_of_another_version_is_declined(place: Place) -> None:
    with raw(place.port, b"\x91\xa5other") as (line, sealed):
        frames.send(line, sealed, CLOCK, CLOCK.elapsed() + SECONDS)
        assert frames.unpack(frames.receive(line, CLOCK, CLOCK.elapsed() + SECONDS), frames.Declined).code == "not_understood"


@pytest.mark.parametrize("harm", [b"", b"{}", b"\x00" * 100, b"cut", b"edited"])
def test_a_damaged_record_is_no_answer_and_says_the_remedy(harm: bytes, place: Place, node: Node) -> None:
    a = node(place.port)
    assert answered(a.ask(IN_SYNC)).granted
    path = place.folder / f"{PAIR}.record"
    whole = path.read_bytes()
    path.write_bytes({b"cut": whole[:-20], b"edited": whole.replace(b"true", b"false")}.get(harm, harm))
    assert a.ask(Look(number=2)) is None
    assert "damaged" in a.trouble
    with pytest.raises(WitnessDamaged, match=f"tandem witness forget {PAIR}"):
        place.record()
    place.shelf.forget(PAIR)
    place.shelf.add(KEY)
    assert answered(a.ask(Look(number=3))).record == WitnessRecord()


@pytest.mark.parametrize("harm", ["", "\xff", "tandem-witness:p-7m9q:aaaa", line(witness_key("p-other", b"s" * 32))])
def test_a_damaged_key_is_no_answer_and_can_be_forgotten(harm: str, place: Place, node: Node) -> None:
    (place.folder / f"{PAIR}.key").write_bytes(harm.encode("latin-1"))
    a = node(place.port)
    assert a.ask(Look(number=1)) is None
    assert "damaged" in a.trouble
    assert place.shelf.forget(PAIR)
    place.shelf.add(KEY)
    assert a.ask(Look(number=2))


def test_a_record_that_cannot_be_written_is_no_answer(place: Place, node: Node) -> None:
    """What stands where the new file would be written is a folder, which even root cannot write over."""
    import os

    a = node(place.port)
    obstacle = place.folder / f".{PAIR}.record.{os.getpid()}.new"
    obstacle.mkdir()
    assert a.ask(IN_SYNC) is None
    assert "disk" in a.trouble
    obstacle.rmdir()
    assert answered(a.ask(Look(number=2))).record == WitnessRecord()


def test_what_it_keeps_is_for_its_owner_alone(place: Place, node: Node) -> None:
    assert answered(node(place.port).ask(IN_SYNC)).granted
    assert {path.name: path.stat().st_mode & 0o777 for path in place.folder.iterdir()} == {f"{PAIR}.key": 0o600, f"{PAIR}.record": 0o600}


def test_another_key_for_a_pair_begins_its_record_anew(place: Place, node: Node) -> None:
    assert answered(node(place.port).ask(IN_SYNC)).granted
    assert not place.shelf.add(KEY)
    assert place.record().term == 4
    assert place.shelf.add(witness_key(PAIR, b"x" * 32))
    assert answered(node(place.port, b"x" * 32).ask(Look(number=1))).record == WitnessRecord()


@pytest.mark.parametrize("pair", ["../etc", "", "a/b", "A", "a" * 65, "a\n"])
def test_a_pair_cannot_be_named_like_a_place_on_the_disk(pair: str, tmp_path: Path) -> None:
    assert Shelf(tmp_path).key(pair) is None
    assert not Shelf(tmp_path).forget(pair)


def test_a_port_that_is_taken_is_told(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"port {place.port}"):
        WitnessServer("127.0.0.1", place.port, tmp_path, CLOCK)
