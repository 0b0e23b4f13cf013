"""Every hint is tried, what answers is used, and no lie of the network takes the peer's place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.pair.meeting.addresses import ADDRESSES_MOST, Address, AddressBook, Manners, as_text, from_text

CONFIGURED, LAST, FOUND, SEEN, NEW = (("10.0.0.1", 7789), ("10.0.0.2", 7789), ("10.0.0.3", 7789), ("10.0.0.4", 7789), ("10.0.0.5", 7789))
SILENT = Manners().silent_seconds

KINDS = st.sampled_from(["seen", "worked", "discovered", "withdrawn", "beat"])
hosts = st.integers(0, 40).map(lambda number: (f"10.1.0.{number}", 7789))


def test_all_four_sources_are_tried_and_what_worked_last_comes_first() -> None:
    book = AddressBook([CONFIGURED], LAST)
    book.discovered([FOUND], 0.0)
    assert book.all(0.0) == (LAST, CONFIGURED, FOUND)
    assert book.worked(FOUND, 0.0)
    book.seen(SEEN, 0.0)
    assert book.all(0.0) == (FOUND, CONFIGURED, SEEN)


def test_without_discovery_the_configured_and_the_last_address_are_still_there() -> None:
    book = AddressBook([CONFIGURED], LAST)
    book.discovered([FOUND], 0.0)
    book.withdrawn()
    assert book.all(1.0) == book.beat_to(1.0) == (LAST, CONFIGURED)


def test_what_was_discovered_runs_out_and_what_is_told_again_holds_on() -> None:
    book = AddressBook()
    book.discovered([FOUND], 0.0)
    book.discovered([FOUND, NEW], 60.0)
    assert book.all(239.0) == (FOUND, NEW)
    assert book.all(240.0) == ()


def test_what_discovery_does_not_say_any_more_is_dropped() -> None:
    book = AddressBook()
    book.discovered([FOUND], 0.0)
    book.discovered([NEW], 1.0)
    assert book.all(1.0) == (NEW,)


def test_heartbeats_go_everywhere_until_one_answers_and_then_there() -> None:
    book = AddressBook([CONFIGURED])
    book.discovered([FOUND], 0.0)
    assert set(book.beat_to(0.0)) == set(book.beat_to(0.3)) == {CONFIGURED, FOUND}
    assert book.seen(FOUND, 0.4)
    assert book.beat_to(0.6) == (FOUND,)


def test_the_others_hear_a_heartbeat_now_and_then() -> None:
    book = AddressBook([CONFIGURED])
    everywhere = 0
    for step in range(200):  # a minute of heartbeats, each of them answered
        now = step * 0.3
        book.seen(FOUND, now)
        everywhere += CONFIGURED in book.beat_to(now)
    assert 10 <= everywhere <= 13


def test_a_peer_that_falls_silent_is_looked_for_everywhere_within_a_second() -> None:
    book = AddressBook([CONFIGURED])
    book.seen(FOUND, 0.0)
    book.beat_to(0.0)
    assert book.beat_to(SILENT - 0.1) == (FOUND,)
    assert set(book.beat_to(SILENT)) == {FOUND, CONFIGURED}


def test_a_peer_that_moved_is_followed_as_soon_as_its_old_address_is_silent() -> None:
    book = AddressBook()
    book.seen(SEEN, 0.0)
    assert not book.seen(NEW, 0.3), "the old address may still answer"
    assert book.seen(NEW, SILENT)
    assert book.last == NEW
    assert book.beat_to(SILENT + 0.1)[0] == NEW


def test_a_heartbeat_repeated_from_elsewhere_does_not_lead_away_from_a_peer_that_is_heard() -> None:
    book = AddressBook()
    for step in range(50):
        book.seen(SEEN, step * 0.3)
        assert not book.seen(("10.9.9.9", 666), step * 0.3 + 0.1)
    assert book.last == SEEN


def test_the_last_address_is_told_when_it_changes_so_that_it_can_be_kept() -> None:
    book = AddressBook()
    assert book.last is None
    assert book.worked(NEW, 0.0)
    assert not book.worked(NEW, 1.0)
    assert book.last == NEW


@given(
    configured=st.lists(hosts, max_size=12, unique=True),
    events=st.lists(st.tuples(KINDS, st.lists(hosts, max_size=12), st.floats(0, 400))),
)  # fmt: skip
def test_there_are_never_more_than_eight_and_the_trusted_ones_are_always_among_them(
    configured: list[Address], events: list[tuple[str, list[Address], float]]
) -> None:
    """What anybody in the network says crowds out neither a configured address nor the one that works."""
    book, now = AddressBook(configured), 0.0
    for kind, addresses, seconds in events:
        now += seconds
        if kind == "discovered":
            book.discovered(addresses, now)
        elif kind == "withdrawn":
            book.withdrawn()
        elif kind == "beat":
            assert set(book.beat_to(now)) <= set(book.all(now))
        for address in addresses if kind in ("seen", "worked") else ():
            (book.seen if kind == "seen" else book.worked)(address, now)
        known = book.all(now)
        assert len(known) == len(set(known)) <= ADDRESSES_MOST
        assert set(configured[: ADDRESSES_MOST - 1]) <= set(known)
        assert book.last is None or known[0] == book.last


@pytest.mark.parametrize("address", [("10.0.0.7", 7789), ("fd00::7", 7789), ("fe80::1%en0", 1), ("mini.example", 65535)])
def test_an_address_is_read_as_it_was_written(address: Address) -> None:
    assert from_text(as_text(address)) == address


@pytest.mark.parametrize(
    "text", ["", "10.0.0.7", "10.0.0.7:0", "10.0.0.7:65536", "a b:1", "http://x:1", "x" * 300 + ":1", "::1:1", "x:1:2", "x:²"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert from_text(text) is None


def test_a_host_alone_takes_the_usual_port() -> None:
    assert from_text("10.0.0.7", 7789) == ("10.0.0.7", 7789)
    assert from_text("10.0.0.7:1", 7789) == ("10.0.0.7", 1)
