"""Heartbeats in datagrams: only the peer's are heard, and sending never disturbs."""

import queue
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from msgspec.structs import replace

from appliance.pair.line.datagrams import DATAGRAM_MOST, Datagrams
from appliance.pair.line.errors import LineError
from appliance.pair.messages import Beat, End, Hears
from tests.unit.pair.line.ends import PATIENCE

SECRET = bytes(range(32))
Heard = queue.Queue[tuple[Beat, tuple[str, int]]]


def beat(sender: str, term: int = 3, sent_at: float = 12.5) -> Beat:
    return Beat(
        sender=sender,
        boot=1,
        sent_at=sent_at,
        term=term,
        phase="standby",
        end=End(term=3, position=100),
        healthy=True,
        joined=True,
        in_sync=False,
        yields=False,
        hears=Hears(boot=2, sent_at=7.25, countersigns=3),
    )


@contextmanager
def node(
    me: str, peer: str, *, secret: bytes = SECRET, pair: str = "p-1", host: str = "127.0.0.1", port: int = 0
) -> Iterator[tuple[Datagrams, Heard]]:
    heard: Heard = queue.Queue()
    made = Datagrams(host, port, secret=secret, pair=pair, me=me, peer=peer, hear=lambda said, address: heard.put((said, address)))
    made.start()
    try:
        yield made, heard
    finally:
        made.stop()


def at(datagrams: Datagrams) -> tuple[tuple[str, int]]:
    return (("127.0.0.1", datagrams.port),)


class Between:
    """Somebody on the network who sees every datagram, and says what it likes."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)

    @property
    def address(self) -> tuple[tuple[str, int]]:
        return (self.socket.getsockname(),)

    def catch(self) -> bytes:
        return self.socket.recv(65536)

    def say(self, words: bytes, to: Datagrams) -> None:
        self.socket.sendto(words, at(to)[0])


@pytest.fixture
def between() -> Iterator[Between]:
    made = Between()
    yield made
    made.socket.close()


def only_the_last_is_heard(datagrams: Datagrams, heard: Heard, dropped: int) -> None:
    """A genuine beat comes through after all that was not; the socket keeps the order on this machine."""
    with node("b", "a") as (genuine, _):
        genuine.send(beat("b", term=99), at(datagrams))
        assert heard.get(timeout=PATIENCE)[0].term == 99
    assert heard.empty()
    assert datagrams.dropped == dropped


def test_a_beat_arrives_as_it_was_sent_with_the_address_it_came_from() -> None:
    with node("a", "b") as (here, _), node("b", "a") as (there, heard):
        here.send(beat("a"), at(there))
        assert heard.get(timeout=PATIENCE) == (beat("a"), ("127.0.0.1", here.port))


def test_a_beat_goes_to_every_address_that_is_known() -> None:
    with node("a", "b") as (here, _), node("b", "a") as (one, first), node("b", "a") as (other, second):
        here.send(beat("a"), at(one) + at(other))
        assert first.get(timeout=PATIENCE)[0] == second.get(timeout=PATIENCE)[0] == beat("a")


def test_a_datagram_that_was_changed_anywhere_is_dropped(between: Between) -> None:
    with node("b", "a") as (sender, _), node("a", "b") as (here, heard):
        sender.send(beat("b"), between.address)
        genuine = between.catch()
        for place in range(len(genuine)):
            between.say(genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1 :], here)
            if place % 50 == 49:  # the socket's own buffer is finite
                sender.send(beat("b", term=50), at(here))
                assert heard.get(timeout=PATIENCE)[0].term == 50
        only_the_last_is_heard(here, heard, len(genuine))


def test_a_datagram_that_is_cut_or_longer_is_dropped(between: Between) -> None:
    with node("b", "a") as (sender, _), node("a", "b") as (here, heard):
        sender.send(beat("b"), between.address)
        genuine = between.catch()
        for words in (b"", genuine[:1], genuine[:15], genuine[:16], genuine[:-1], genuine + b"\x00"):
            between.say(words, here)
        only_the_last_is_heard(here, heard, 6)


def test_a_beat_that_is_sent_back_to_its_sender_is_dropped(between: Between) -> None:
    with node("a", "b") as (here, heard):
        here.send(beat("a"), between.address)
        between.say(between.catch(), here)
        only_the_last_is_heard(here, heard, 1)


@pytest.mark.parametrize(
    ("secret", "pair", "me", "peer"),
    [
        (bytes(32), "p-1", "b", "a"),
        (SECRET, "p-2", "b", "a"),
        (SECRET, "p-1", "c", "a"),
        (SECRET, "p-1", "b", "c"),
    ],
    ids=["another secret", "another pair", "another sender", "another receiver"],
)
def test_a_beat_of_anybody_else_is_dropped(secret: bytes, pair: str, me: str, peer: str) -> None:
    with node("a", "b") as (here, heard), node(me, peer, secret=secret, pair=pair) as (stranger, _):
        stranger.send(beat(me), at(here))
        only_the_last_is_heard(here, heard, 1)


def test_a_beat_that_speaks_for_somebody_else_is_dropped() -> None:
    with node("a", "b") as (here, heard), node("b", "a") as (peer, _):
        peer.send(beat("a"), at(here))
        peer.send(beat("c"), at(here))
        only_the_last_is_heard(here, heard, 2)


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), float("-inf")])
def test_a_moment_that_is_none_is_dropped(moment: float) -> None:
    with node("a", "b") as (here, heard), node("b", "a") as (peer, _):
        peer.send(beat("b", sent_at=moment), at(here))
        peer.send(replace(beat("b"), hears=Hears(boot=1, sent_at=moment)), at(here))
        only_the_last_is_heard(here, heard, 2)


def test_words_under_a_good_seal_that_are_no_beat_are_dropped(between: Between) -> None:
    from appliance.pair.line import datagrams as module

    key = module._key(SECRET, "p-1", "b", "a")
    with node("a", "b") as (here, heard):
        for words in (b"", b"\xc1", b"\x91" * 1_000, msgspec.msgpack.encode({"sender": "b"}), msgspec.msgpack.encode(["b"] * 12)):
            between.say(module._seal(key, words) + words, here)
        only_the_last_is_heard(here, heard, 5)


def test_a_datagram_over_the_limit_is_dropped_though_its_seal_is_good(between: Between) -> None:
    from appliance.pair.line import datagrams as module

    plain = msgspec.to_builtins(beat("b"))
    more = DATAGRAM_MOST + 1 - 16 - len(msgspec.msgpack.encode({**plain, "later": "x" * 500})) + 500
    words = msgspec.msgpack.encode({**plain, "later": "x" * more})
    assert len(words) + 16 == DATAGRAM_MOST + 1
    with node("a", "b") as (here, heard):
        between.say(module._seal(module._key(SECRET, "p-1", "b", "a"), words) + words, here)
        only_the_last_is_heard(here, heard, 1)


def test_a_field_of_a_newer_version_is_passed_over(between: Between) -> None:
    from appliance.pair.line import datagrams as module

    words = msgspec.msgpack.encode({**msgspec.to_builtins(beat("b")), "later": [1, 2]})
    with node("a", "b") as (here, heard):
        between.say(module._seal(module._key(SECRET, "p-1", "b", "a"), words) + words, here)
        assert heard.get(timeout=PATIENCE)[0] == beat("b")


def test_a_flood_of_nonsense_does_not_silence_the_peer(between: Between) -> None:
    with node("a", "b") as (here, heard), node("b", "a") as (peer, _):
        for number in range(2_000):
            between.say(bytes(100), here)
            if number % 100 == 0:
                peer.send(beat("b", term=number), at(here))
        found = [heard.get(timeout=PATIENCE)[0].term]
        while found[-1] != 5_000:
            peer.send(beat("b", term=5_000), at(here))
            found.append(heard.get(timeout=PATIENCE)[0].term)


def test_whoever_hears_may_break_and_goes_on_hearing() -> None:
    heard: queue.Queue[int] = queue.Queue()

    def hear(said: Beat, _: tuple[str, int]) -> None:
        heard.put(said.term)
        raise ZeroDivisionError

    here = Datagrams("127.0.0.1", 0, secret=SECRET, pair="p-1", me="a", peer="b", hear=hear)
    here.start()
    with node("b", "a") as (peer, _):
        for term in (1, 2):
            peer.send(beat("b", term=term), at(here))
            assert heard.get(timeout=PATIENCE) == term
    here.stop()


@pytest.mark.parametrize(
    "address",
    [
        ("kallio.local", 7788),
        ("", 7788),
        ("127.0.0.1", 0),
        ("127.0.0.1", 70_000),
        ("127.0.0.1", -1),
        ("fe80::1%nowhere", 7788),
        ("1.2.3", 1),
        ("\x00", 1),
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_an_address_that_cannot_be_reached_is_counted_and_disturbs_nobody(host: str, address: tuple[str, int]) -> None:
    with node("a", "b", host=host) as (here, _), node("b", "a") as (there, heard):
        here.send(beat("a"), (address, *at(there)))
        assert heard.get(timeout=PATIENCE)[0] == beat("a")
        assert here.unsent == 1


def test_a_beat_over_the_limit_is_not_sent() -> None:
    with node("a", "b") as (here, _), node("b", "a") as (there, _):
        here.send(beat("a" * DATAGRAM_MOST), at(there))
        assert here.unsent == 1


def test_one_port_hears_both_families_and_names_them_as_they_are() -> None:
    with node("a", "b", host="") as (here, heard), node("b", "a") as (there, back):
        there.send(beat("b"), at(here))
        assert heard.get(timeout=PATIENCE)[1] == ("127.0.0.1", there.port)
        here.send(beat("a"), at(there))
        assert back.get(timeout=PATIENCE)[0] == beat("a")


def test_after_the_network_took_the_socket_there_is_a_new_one_on_the_same_port() -> None:
    with node("a", "b") as (here, heard), node("b", "a") as (there, back):
        port = here.port
        assert here._socket is not None
        here._socket.close()  # what a system does to sockets while it sleeps
        while here.unsent < 50:
            here.send(beat("a"), at(there))
            there.send(beat("b"), at(here))
            try:
                heard.get(timeout=0.1)
                break
            except queue.Empty:
                continue
        assert here.port == port
        back.queue.clear()
        here.send(beat("a", term=8), at(there))
        assert back.get(timeout=PATIENCE)[0].term == 8


def test_an_address_that_is_not_there_yet_is_awaited() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with node("a", "b", host="192.0.2.1", port=port) as (here, _):
        here.send(beat("a"), (("127.0.0.1", port),))
        assert here.unsent == 1


def test_a_port_that_is_taken_is_named_with_a_remedy(between: Between) -> None:
    port = between.address[0][1]
    here = Datagrams("127.0.0.1", port, secret=SECRET, pair="p-1", me="a", peer="b", hear=lambda *_: None)
    with pytest.raises(LineError) as caught:
        here.start()
    assert str(port) in caught.value.message
    assert caught.value.remedy
    here.stop()


@pytest.mark.parametrize("length", [0, 15, 65])
def test_a_secret_that_is_none_seals_nothing(length: int) -> None:
    with pytest.raises(ValueError, match="secret"):
        Datagrams("127.0.0.1", 0, secret=bytes(length), pair="p-1", me="a", peer="b", hear=lambda *_: None)


def test_who_has_stopped_neither_sends_nor_hears() -> None:
    with node("a", "b") as (here, heard), node("b", "a") as (there, _):
        here.stop()
        there.send(beat("b"), at(here))
        here.send(beat("a"), at(there))
        assert here.unsent == 1
        assert heard.empty()
        here.stop()
