"""Who goes when it gets too full, and how often a stranger is spoken of."""

from appliance.pair.line.lobby import INSIDE_MOST, ROOM, Hushed, Kind, Lobby, Visitor
from tests.support.clock import FakeClock


class Guestbook:
    """Visitors that leave at once when they are sent away."""

    def __init__(self) -> None:
        self.lobby = Lobby()
        self.gone: list[str] = []

    def visitor(self, host: str, name: str = "") -> Visitor:
        return Visitor(host, lambda: self.gone.append(name or host))


def test_whoever_floods_from_one_address_pushes_out_itself() -> None:
    book = Guestbook()
    peer = book.visitor("10.0.0.1", "peer")
    assert book.lobby.enter(peer, 0.0)
    for number in range(ROOM["arriving"] * 2):
        visitor = book.visitor("10.0.0.9", f"stranger {number}")
        assert book.lobby.enter(visitor, 0.0) or number >= INSIDE_MOST - 1
    assert "peer" not in book.gone
    assert book.gone[0] == "stranger 0"


def test_strangers_from_everywhere_go_in_the_order_they_came() -> None:
    book = Guestbook()
    for number in range(ROOM["arriving"] + 3):
        book.lobby.enter(book.visitor(f"10.0.0.{number}"), 0.0)
    assert book.gone == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]


def test_who_was_sent_away_takes_room_until_it_has_left() -> None:
    book = Guestbook()
    visitors = [book.visitor("10.0.0.9") for _ in range(INSIDE_MOST)]
    assert all(book.lobby.enter(visitor, 0.0) for visitor in visitors)
    newcomer = book.visitor("10.0.0.1")
    assert not book.lobby.enter(newcomer, 0.0)
    book.lobby.leave(visitors[0])
    assert book.lobby.enter(newcomer, 0.0)


def test_members_and_guests_are_never_pushed_out_by_those_who_arrive() -> None:
    book = Guestbook()
    kinds: tuple[Kind, ...] = ("guest", "member")
    for kind in kinds:
        for _ in range(ROOM[kind]):
            visitor = book.visitor("10.0.0.1", "inside")
            assert book.lobby.enter(visitor, 0.0)
            assert book.lobby.admit(visitor, kind)
    extra = book.visitor("10.0.0.1", "extra")
    assert book.lobby.enter(extra, 0.0)
    assert not book.lobby.admit(extra, "member")
    assert not book.lobby.admit(extra, "guest")
    for _ in range(ROOM["arriving"] * 2):
        visitor = book.visitor("10.0.0.9")
        book.lobby.enter(visitor, 0.0)
    assert "inside" not in book.gone


def test_who_was_sent_away_is_admitted_to_nothing() -> None:
    book = Guestbook()
    visitor = book.visitor("10.0.0.1")
    book.lobby.enter(visitor, 0.0)
    assert not book.lobby.clear(0.0)
    assert not book.lobby.admit(visitor, "member")
    book.lobby.leave(visitor)
    assert book.lobby.clear(0.0)


def test_a_stranger_is_spoken_of_once_a_minute() -> None:
    clock = FakeClock()
    hushed = Hushed(clock)
    assert [hushed.may_say("10.0.0.9") for _ in range(3)] == [True, False, False]
    assert hushed.may_say("10.0.0.8")
    clock.move(59.0)
    assert not hushed.may_say("10.0.0.9")
    clock.move(1.0)
    assert hushed.may_say("10.0.0.9")


def test_a_crowd_of_strangers_does_not_fill_the_log() -> None:
    hushed = Hushed(FakeClock())
    assert sum(hushed.may_say(f"10.0.{number // 250}.{number % 250}") for number in range(10_000)) == 256
