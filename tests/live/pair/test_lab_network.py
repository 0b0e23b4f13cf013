"""The laboratory's cables do what they say: whoever reads a failover figure must be able to believe the fault."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.pair.lab import laboratory
from tests.live.pair.net import Network, namespaces
from tests.live.pair.watch import Watch
from tests.live.servers.child import CannotStart
from tests.support.home import wait_for

_SO_RCVBUFFORCE = 33  # asm-generic/socket.h


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        made = Network.make()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield made
    made.close()


def arrives(network: Network, source: str, target: str, packets: int = 1, port: int = 9999) -> int:
    """How many of so many datagrams from one place reach the other."""
    with network.inside(target):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("0.0.0.0", port))
    with network.inside(source):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.settimeout(0.3)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 4 << 20)  # none may be lost for want of room
        arrived = 0
        for number in range(packets):
            sender.sendto(b"%d" % number, (network.address(target), port))
        try:
            while arrived < packets and receiver.recv(100):
                arrived += 1
        except TimeoutError:
            return arrived
    return arrived


def reaches(network: Network, source: str, target: str, port: int = 9999) -> bool:
    """With patience: two that have not spoken yet ask for each other's address first, once a second."""
    wait_for(lambda: arrives(network, source, target, port=port) == 1)
    return True


def test_every_place_reaches_every_other(network: Network) -> None:
    places = ("a", "b", "w", "mail")
    assert all(reaches(network, source, target) for source in places for target in places if source != target)


def test_a_cable_that_is_out_carries_nothing_and_one_that_is_in_again_does(network: Network) -> None:
    network.cable("a", up=False)
    assert not arrives(network, "a", "b")
    assert not arrives(network, "mail", "a")
    assert reaches(network, "b", "mail")
    network.cable("a", up=True)
    wait_for(lambda: arrives(network, "a", "b") == arrives(network, "mail", "a") == 1)  # they ask for each other's address once a second


def test_a_one_way_cut_stops_one_way_only_until_it_is_healed(network: Network) -> None:
    network.cut("a", "b")
    assert not arrives(network, "a", "b")
    assert reaches(network, "a", "w")
    with network.inside("b"), network_socket() as sender:
        assert sent_reaches(network, sender, "a")
    network.heal()
    assert reaches(network, "a", "b")


def network_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def sent_reaches(network: Network, sender: socket.socket, target: str) -> bool:
    """Whether one datagram arrives that needs no answer: who cannot hear the other's ARP may still have its address."""
    with network.inside(target):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("0.0.0.0", 9998))
    with receiver:
        receiver.settimeout(1.0)
        sender.sendto(b"x", (network.address(target), 9998))
        try:
            return receiver.recv(10) == b"x"
        except TimeoutError:
            return False


def test_a_partition_parts_the_two_sides_and_nobody_else(network: Network) -> None:
    network.partition(("a",), ("b", "w"))
    assert not any(arrives(network, "a", other) or arrives(network, other, "a") for other in ("b", "w"))
    assert reaches(network, "b", "w")
    assert reaches(network, "a", "mail")


def test_loss_takes_about_so_many_of_a_hundred_and_spares_the_mail(network: Network) -> None:
    network.loss("b", 30)
    assert 500 < arrives(network, "a", "b", packets=1000) < 900
    assert arrives(network, "mail", "b", packets=1000) == 1000


def test_mdns_can_be_blocked_alone(network: Network) -> None:
    network.block_mdns("b")
    assert not arrives(network, "a", "b", port=5353)
    assert reaches(network, "a", "b", port=5354)


def test_a_changed_address_is_the_only_one_that_answers(network: Network) -> None:
    old = network.address("a")
    network.change_address("a", "10.77.0.21")
    assert reaches(network, "b", "a")
    assert reaches(network, "a", "b")
    assert network.place_of("10.77.0.21") == "a"
    assert network.place_of(old) == ""


def test_names_and_strangers_are_counted_and_the_four_of_us_are_not(network: Network) -> None:
    watch = Watch(network, ("a", "b"))
    assert reaches(network, "a", "b")
    assert reaches(network, "a", "mail")
    watch.assert_offline()
    with network.inside("a"), network_socket() as sender:
        sender.sendto(b"x", ("224.0.0.251", 5353))
        watch.assert_offline()
        sender.sendto(b"x", ("203.0.113.7", 443))
        sender.sendto(b"x", ("127.0.0.53", 53))
    counted = watch.counted("a")
    assert (counted.dns, counted.mdns, counted.foreign, counted.strangers) == (1, 1, 1, ("203.0.113.7:443",))
    assert watch.counted("b").foreign == 0
    with pytest.raises(AssertionError, match=r"203\.0\.113\.7:443"):
        watch.assert_offline()


def test_a_new_address_that_is_ours_is_no_stranger(network: Network) -> None:
    watch = Watch(network, ("a",))
    network.change_address("b", "10.77.0.22")
    watch.allow("10.77.0.22")
    assert reaches(network, "a", "b")
    watch.assert_offline()


def test_two_networks_with_the_same_addresses_do_not_hear_each_other(network: Network) -> None:
    other = Network.make()
    try:
        other.cable("b", up=False)
        assert not arrives(other, "a", "b")
        assert reaches(network, "a", "b")
    finally:
        other.close()


def test_the_laboratory_leaves_nothing_behind_even_when_a_test_fails(tmp_path: Path) -> None:
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=False).stdout.split("\n")
    left: list[int] = []
    try:
        with laboratory(tmp_path) as lab:
            lab.machine("a").start()
            folders = (lab.post.dovecot.folder, lab.post.exim.folder)
            name = lab.network.name
            left = [pid for place in ("a", "mail") for pid in lab.network.processes(place)]
            assert len(left) >= 3  # the node, Dovecot with its own, Exim
            assert [each for each in namespaces() if each.startswith(f"{name}-")]
            raise ZeroDivisionError
    except CannotStart as reason:
        pytest.skip(str(reason))
    except ZeroDivisionError:
        pass  # as a test that fails
    assert not [each for each in namespaces() if each.startswith(f"{name}-")]
    wait_for(lambda: not [pid for pid in left if Path(f"/proc/{pid}").exists()])
    assert not [folder for folder in folders if folder.exists()]
    assert subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=False).stdout.split("\n") == links
