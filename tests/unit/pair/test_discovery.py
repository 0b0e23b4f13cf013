"""Nodes in one network find each other, and nothing that discovery meets stops a node."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from appliance.ground.clock import Clock, SystemClock
from appliance.ground.ids import new_id
from appliance.pair.discovery import Discovery, own_hosts
from appliance.pair.meeting.announcement import SERVICE, Announcement, Found, instance, pair_hash

# All on one machine hear each other. So only one of these runs at a time, names are new in each run, and nobody is counted.

FIRST, SECOND, THIRD = (f"{name}-{new_id('n')[-6:]}" for name in ("kallio", "meri", "niemi"))
CALLED = f"leader-{FIRST}.local."
FINGERPRINT = "ab" * 32
PATIENCE_SECONDS = 20.0


class Leaping(SystemClock):
    """The machine's clock, and as if it had slept for so many seconds."""

    by = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.by


class Neighbour:
    """A node with its discovery, and what that told it."""

    def __init__(
        self, node: str, *, pair: str = "", offers: bool = False, host: str = "127.0.0.1", port: int = 7789, clock: Clock | None = None
    ) -> None:
        self.me = Announcement(
            node=node, port=port, fingerprint=FINGERPRINT, version="0.1.0", proto=1, least=1, pair=pair_hash(pair), offers=offers
        )
        self.sees: dict[str, Found] = {}
        self.times: dict[str, int] = {}
        self.changed = threading.Condition()
        self.discovery = Discovery(self.me, self._found, self._gone, hosts=lambda: (host,), clock=clock, called=CALLED)

    def _found(self, found: Found) -> None:
        with self.changed:
            self.sees[found.node] = found
            self.times[found.node] = self.times.get(found.node, 0) + 1
            self.changed.notify_all()

    def _gone(self, node: str) -> None:
        with self.changed:
            del self.sees[node]
            self.changed.notify_all()

    def waits(self, for_: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
        with self.changed:
            return self.changed.wait_for(for_, seconds)


@pytest.fixture
def neighbours() -> Iterator[Callable[..., Neighbour]]:
    """Starts nodes on the loopback interface, and stops them in the end."""
    started: list[Neighbour] = []

    def start(node: str, **options: object) -> Neighbour:
        started.append(Neighbour(node, **options))  # type: ignore[arg-type]
        started[-1].discovery.start()
        return started[-1]

    yield start
    for each in started:
        each.discovery.stop()


def until(true: Callable[[], bool]) -> bool:
    """For what nobody announces: looks often, up to the same deadline."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not true() and time.monotonic() < end:
        threading.Event().wait(0.02)
    return true()


def test_two_nodes_find_each_other_with_all_that_they_say(neighbours: Callable[..., Neighbour]) -> None:
    first = neighbours(FIRST, pair="pair-1", port=7001)
    second = neighbours(SECOND, pair="pair-1", port=7002)
    assert first.waits(lambda: SECOND in first.sees)
    assert second.waits(lambda: FIRST in second.sees)
    assert second.sees[FIRST] == Found(
        node=FIRST, addresses=(("127.0.0.1", 7001),), fingerprint=FINGERPRINT, version="0.1.0", proto=1, least=1,
        pair=pair_hash("pair-1"),
    )  # fmt: skip
    assert FIRST not in first.sees, "a node does not find itself"
    assert first.discovery.trouble == second.discovery.trouble == ""


def test_a_goodbye_is_told_and_a_node_that_comes_back_is_found_again(neighbours: Callable[..., Neighbour]) -> None:
    first, second = neighbours(FIRST), neighbours(SECOND)
    assert first.waits(lambda: SECOND in first.sees)
    second.discovery.stop()
    assert first.waits(lambda: SECOND not in first.sees)
    neighbours(SECOND, port=7003)
    assert first.waits(lambda: SECOND in first.sees)
    assert until(lambda: first.sees[SECOND].addresses == (("127.0.0.1", 7003),))


def test_nothing_of_the_machine_stands_in_what_is_said(neighbours: Callable[..., Neighbour]) -> None:
    """Two machines of one host name would be taken for one; and who leads, or for whom, is nobody's business."""
    from zeroconf import ServiceInfo, Zeroconf

    neighbours(FIRST, pair="pair-of-koneliike")
    with Zeroconf(interfaces=["127.0.0.1"]) as listener:
        info = ServiceInfo(SERVICE, instance(FIRST))
        assert until(lambda: bool(info.request(listener, 1000)))
    assert info.server == f"tandem-{FIRST}.local."
    assert set(info.decoded_properties) == {"id", "pair", "proto", "min", "fp", "v"}
    assert "koneliike" not in str(info.decoded_properties)
    assert socket.gethostname() not in f"{info.server} {info.decoded_properties}"


def test_a_code_that_is_shown_is_found_without_an_address_and_not_any_more_when_it_is_taken_back(
    neighbours: Callable[..., Neighbour],
) -> None:
    shows = neighbours(FIRST, offers=True, port=7001)
    neighbours(SECOND)
    looks = Discovery(None, hosts=lambda: ("127.0.0.1",))
    looks.start()
    try:
        offers = {found.node: found.addresses for found in looks.look_for_offers(PATIENCE_SECONDS)}
        assert offers[FIRST] == (("127.0.0.1", 7001),)
        assert SECOND not in offers
        shows.discovery.announce(Announcement(node=FIRST, port=7001, fingerprint=FINGERPRINT, version="0.1.0", proto=1, least=1))
        assert until(lambda: FIRST not in {found.node for found in looks.look_for_offers(0.0)})
    finally:
        looks.stop()


def test_lies_of_the_network_are_not_believed_and_break_nothing(neighbours: Callable[..., Neighbour]) -> None:
    from zeroconf import ServiceInfo, Zeroconf

    first = neighbours(FIRST)
    lies: list[tuple[str, dict[str, str]]] = [
        (SECOND, {}),
        ("meri-3x4z", {"id": "somebody-else", "fp": FINGERPRINT, "proto": "1", "min": "1", "v": "1"}),
        ("meri-4x4z", {"id": "meri-4x4z", "fp": "none", "proto": "1", "min": "1", "v": "1"}),
        ("meri-5x4z", {"id": "meri-5x4z", "fp": FINGERPRINT, "proto": "-1", "min": "x", "v": "1"}),
        ("a b<script>", {"id": "a b<script>", "fp": FINGERPRINT, "proto": "1", "min": "1", "v": "1"}),
        ("meri-6x4z", {"id": "meri-6x4z", "fp": FINGERPRINT, "proto": "1", "min": "1", "v": "1", "pair": "x" * 200}),
    ]
    with Zeroconf(interfaces=["127.0.0.1"]) as liar:
        for name, text in lies:
            info = ServiceInfo(SERVICE, f"{name}.{SERVICE}", 1, properties=text, server="liar.local.", parsed_addresses=["127.0.0.1"])
            liar.register_service(info, cooperating_responders=True)
        neighbours(THIRD)
        assert first.waits(lambda: THIRD in first.sees)
        assert not set(first.sees) & {"somebody-else", *(name for name, _ in lies)}


def test_where_multicast_does_not_work_the_node_says_so_and_nothing_stops() -> None:
    alone = Neighbour(FIRST)
    alone.discovery = Discovery(alone.me, alone._found, alone._gone, hosts=lambda: _raise(OSError(19, "No such device")))
    alone.discovery.start()
    try:
        assert until(lambda: alone.discovery.trouble != "")
        assert "No such device" in alone.discovery.trouble
        alone.discovery.refresh()
        alone.discovery.publish_leader(True)
        assert alone.discovery.look_for_offers(0.0) == []
    finally:
        alone.discovery.stop()


def test_a_second_machine_of_the_same_name_is_found_out(neighbours: Callable[..., Neighbour]) -> None:
    first, watcher = neighbours(FIRST), neighbours(SECOND)
    assert watcher.waits(lambda: FIRST in watcher.sees)
    twin = neighbours(FIRST)
    assert until(lambda: FIRST in twin.discovery.trouble)
    assert first.discovery.trouble == ""


def test_the_leader_is_called_tandem_local_and_the_next_one_takes_the_name_over(neighbours: Callable[..., Neighbour]) -> None:
    first, second = neighbours(FIRST, pair="p", host="127.0.0.1"), neighbours(SECOND, pair="p", host="127.0.0.1")
    assert first.waits(lambda: SECOND in first.sees)
    assert second.waits(lambda: FIRST in second.sees)
    first.discovery.publish_leader(True)
    assert until(lambda: first.discovery.leader_name == CALLED.rstrip("."))
    assert resolved() == ["127.0.0.1"]
    first.discovery.publish_leader(False)
    second.discovery.publish_leader(True)
    assert until(lambda: (first.discovery.leader_name, second.discovery.leader_name) == ("", CALLED.rstrip(".")))


def test_a_stranger_that_is_called_tandem_local_keeps_the_name(neighbours: Callable[..., Neighbour]) -> None:
    from zeroconf import ServiceInfo, Zeroconf

    with Zeroconf(interfaces=["127.0.0.1"]) as stranger:
        kind = "_printer._tcp.local."
        info = ServiceInfo(kind, f"tandem.{kind}", 1, server=CALLED, parsed_addresses=["127.0.0.99"])
        stranger.register_service(info, cooperating_responders=True)
        leader = neighbours(FIRST, pair="p")
        leader.discovery.publish_leader(True)
        assert until(lambda: leader.discovery.leader_name == f"tandem-{pair_hash('p')[:4]}.local")


def test_an_error_of_whoever_is_told_does_not_end_discovery(neighbours: Callable[..., Neighbour]) -> None:
    told: list[str] = []

    def fails(found: Found) -> None:
        told.append(found.node)
        raise ValueError("no idea what to do with it")

    clumsy = Discovery(None, fails, hosts=lambda: ("127.0.0.1",))
    clumsy.start()
    try:
        for node in (FIRST, SECOND):
            neighbours(node)
            assert until(lambda node=node: node in told)  # type: ignore[misc]
        assert clumsy.trouble == ""
    finally:
        clumsy.stop()


def test_what_still_holds_is_told_again_after_a_minute(neighbours: Callable[..., Neighbour]) -> None:
    """So that an address book may let what nobody repeats run out."""
    leap = Leaping()
    first, second = neighbours(FIRST, clock=leap), neighbours(SECOND)
    assert first.waits(lambda: SECOND in first.sees)
    first.discovery.refresh()
    told = first.times[SECOND]
    leap.by = 61.0
    first.discovery.refresh()
    assert first.waits(lambda: first.times[SECOND] > told)
    assert second.discovery.trouble == ""


def test_the_machines_own_addresses_are_numbers_and_loopback_is_the_last_resort() -> None:
    hosts = own_hosts()
    assert hosts
    for each in hosts:
        socket.inet_aton(each)
    assert not any(each.startswith("127.") for each in hosts) or len(hosts) == 1


def resolved() -> list[str]:
    from zeroconf import AddressResolverIPv4, IPVersion, Zeroconf  # type: ignore[attr-defined]

    with Zeroconf(interfaces=["127.0.0.1"]) as asks:
        found = AddressResolverIPv4(CALLED)
        assert until(lambda: bool(found.request(asks, 1000)))
        return list(found.parsed_addresses(IPVersion.V4Only))


def _raise(error: Exception) -> tuple[str, ...]:
    raise error
