"""Two machines in one network, as two network namespaces with a cable between them: do they find each other, and how soon?

They have one host name, for namespaces share it with the machine that they are on. Needs Linux, root, ``ip`` and ``nft``.
"""

import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.pair.meeting.addresses import AddressBook
from tests.live.servers.child import CannotStart
from tests.tidy.source import ROOT

_NUMBERS = itertools.count(1)
PATIENCE_SECONDS = 30.0

# One node. It prints what it finds, a line of JSON each, and does what it is told, a word a line.
NODE = """
import json, sys, threading
from appliance.ground.clock import SystemClock
from appliance.pair.discovery import Discovery
from appliance.pair.meeting.announcement import Announcement

class Leaping(SystemClock):
    by = 0.0
    def elapsed(self):
        return super().elapsed() + self.by

def tell(**words):
    print(json.dumps(words), flush=True)

clock, me = Leaping(), Announcement(node=sys.argv[1], port=7789, fingerprint="ab" * 32, version="0.1.0", proto=1, least=1, pair="1" * 16)
node = Discovery(me, lambda found: tell(found=found.node, addresses=found.addresses), lambda gone: tell(gone=gone), clock=clock)
node.start()
for word in sys.stdin:
    if word.strip() == "sleep":
        clock.by += 3600.0
    elif word.strip() == "lead":
        node.publish_leader(True)
    elif word.strip() == "state":
        tell(trouble=node.trouble, leader=node.leader_name)
    else:
        break
node.stop()
"""

# Somebody who has the port of multicast DNS for itself, until its input ends.
TAKER = """
import socket, sys
taken = socket.socket(type=socket.SOCK_DGRAM)
taken.bind(("0.0.0.0", 5353))
print("taken", flush=True)
sys.stdin.read()
"""


def run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"{' '.join(words)}: {done.stderr.strip()}")


class Machine:
    """A network namespace with a node in it, when it is switched on."""

    def __init__(self, name: str, node: str) -> None:
        self.space, self.node = name, node
        self.process: subprocess.Popen[str] | None = None
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()

    def ip(self, *words: str) -> None:
        run("ip", "-n", self.space, *words)

    def nft(self, *words: str) -> None:
        run("ip", "netns", "exec", self.space, "nft", *words)

    def has(self, address: str) -> None:
        """Give it this address and no other."""
        self.ip("addr", "flush", "dev", "eth0")
        self.ip("addr", "add", f"{address}/24", "dev", "eth0")
        self.ip("route", "replace", "default", "dev", "eth0")

    def block(self) -> None:
        """No multicast DNS gets in or out."""
        self.nft("add", "table", "inet", "fault")
        for hook in ("input", "output"):
            self.nft("add", "chain", "inet", "fault", hook, f"{{ type filter hook {hook} priority 0; policy accept; }}")
            self.nft("add", "rule", "inet", "fault", hook, "udp", "dport", "5353", "drop")

    def heal(self) -> None:
        self.nft("delete", "table", "inet", "fault")

    def on(self) -> float:
        """Switch it on; the moment at which it began."""
        self.heard = queue.Queue()
        command = ["ip", "netns", "exec", self.space, sys.executable, "-c", NODE, self.node]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        threading.Thread(target=self._read, args=(self.process, self.heard), daemon=True).start()
        return time.monotonic()

    def _read(self, process: "subprocess.Popen[str]", heard: "queue.Queue[dict[str, Any]]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            heard.put({**json.loads(line), "at": time.monotonic()})

    def says(self, word: str) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hears(self, what: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The first thing of that kind that it tells from now on."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            try:
                told = self.heard.get(timeout=rest)
            except queue.Empty:
                break
            if what(told):
                return told
        raise AssertionError(f"{self.node} heard nothing of that kind within {seconds} s")

    def finds(self, node: str, address: str, seconds: float = PATIENCE_SECONDS) -> float:
        """When it found this node at this address."""
        wanted = [address, 7789]
        return float(self.hears(lambda told: told.get("found") == node and wanted in told["addresses"], seconds)["at"])

    def off(self, kill: bool = False) -> None:
        """Switch it off; or pull its plug."""
        process, self.process = self.process, None
        if process is None:
            return
        if kill:
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them, switched off."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (apt-get install iproute2 nftables)")
    number = f"{os.getpid()}-{next(_NUMBERS)}"
    first, second = Machine(f"tandem-{number}-a", "kallio-7m9q"), Machine(f"tandem-{number}-b", "meri-2x4z")
    try:
        for each in (first, second):
            run("ip", "netns", "add", each.space)
        run("ip", "-n", first.space, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", second.space)
        for each, address in ((first, "10.77.0.1"), (second, "10.77.0.2")):
            each.ip("link", "set", "lo", "up")
            each.ip("link", "set", "eth0", "up")
            each.has(address)
        yield first, second
    except CannotStart as reason:
        pytest.skip(f"network namespaces do not work here: {reason}")
    finally:
        for each in (first, second):
            each.off()
            subprocess.run(["ip", "netns", "delete", each.space], capture_output=True, check=False)


def report(record_property: Callable[[str, object], None], what: str, seconds: float) -> None:
    record_property(what, round(seconds, 3))
    print(f"{what}: {seconds:.2f} s")


def test_two_machines_of_one_host_name_find_each_other_and_are_not_taken_for_one(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    first.on()
    first.says("state")
    first.hears(lambda told: "trouble" in told)
    began = second.on()
    report(record_property, "second finds first", second.finds("kallio-7m9q", "10.77.0.1") - began)
    told = first.hears(lambda told: told.get("found") == "meri-2x4z")
    report(record_property, "first finds second", told["at"] - began)
    assert told["addresses"] == [["10.77.0.2", 7789]]


def test_a_goodbye_is_heard_at_once_and_a_pulled_plug_says_none(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    first.on()
    second.on()
    first.finds("meri-2x4z", "10.77.0.2")
    began = time.monotonic()
    second.off()
    report(record_property, "goodbye", first.hears(lambda told: told.get("gone") == "meri-2x4z")["at"] - began)
    second.on()
    first.finds("meri-2x4z", "10.77.0.2")
    second.off(kill=True)
    began = second.on()
    report(record_property, "found again after a crash", second.finds("kallio-7m9q", "10.77.0.1") - began)


def test_a_machine_with_a_new_address_is_found_there_within_ten_seconds(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    first.on()
    second.on()
    first.finds("meri-2x4z", "10.77.0.2")
    second.finds("kallio-7m9q", "10.77.0.1")
    began = time.monotonic()
    second.has("10.77.0.22")
    report(record_property, "found at the new address", first.finds("meri-2x4z", "10.77.0.22", 10.0) - began)
    alone = first.hears(lambda told: told.get("found") == "meri-2x4z" and ["10.77.0.2", 7789] not in told["addresses"])
    report(record_property, "old address forgotten", alone["at"] - began)


def test_when_both_move_to_another_network_they_find_each_other_there_within_ten_seconds(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    """As when the router is replaced."""
    first, second = machines
    first.on()
    second.on()
    first.finds("meri-2x4z", "10.77.0.2")
    second.finds("kallio-7m9q", "10.77.0.1")
    began = time.monotonic()
    first.has("192.168.9.1")
    second.has("192.168.9.2")
    report(record_property, "first finds second", first.finds("meri-2x4z", "192.168.9.2", 10.0) - began)
    report(record_property, "second finds first", second.finds("kallio-7m9q", "192.168.9.1", 10.0) - began)


def test_where_multicast_is_blocked_the_configured_address_is_still_there_and_what_is_unblocked_is_found(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    second.block()
    first.on()
    second.on()
    for each in machines:  # both have looked around by now
        each.says("state")
        assert each.hears(lambda told: "trouble" in told)["trouble"] == "", "silence of the network is no trouble of this node"
    book = AddressBook(configured=[("10.77.0.2", 7789)])
    assert book.beat_to(0.0) == (("10.77.0.2", 7789),)
    with pytest.raises(AssertionError):
        first.finds("meri-2x4z", "10.77.0.2", 4.0)
    began = time.monotonic()
    second.heal()
    report(record_property, "found after unblocking", first.finds("meri-2x4z", "10.77.0.2", 10.0) - began)
    second.finds("kallio-7m9q", "10.77.0.1", 10.0)


def test_a_machine_that_slept_learns_within_ten_seconds_what_changed_meanwhile(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    first.on()
    second.on()
    first.finds("meri-2x4z", "10.77.0.2")
    second.finds("kallio-7m9q", "10.77.0.1")
    first.block()  # asleep: it hears nothing of the other's move
    second.has("10.77.0.33")
    with pytest.raises(AssertionError):
        first.finds("meri-2x4z", "10.77.0.33", 8.0)
    first.heal()
    began = time.monotonic()
    first.says("sleep")
    report(record_property, "found after waking up", first.finds("meri-2x4z", "10.77.0.33", 10.0) - began)


def test_a_taken_port_is_a_warning_that_ends_when_the_port_is_free(machines: tuple[Machine, Machine]) -> None:
    first, second = machines
    command = ["ip", "netns", "exec", first.space, sys.executable, "-c", TAKER]
    taken = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert taken.stdout is not None
        assert taken.stdout.readline() == "taken\n"
        first.on()
        second.on()
        trouble = ""
        until = time.monotonic() + PATIENCE_SECONDS
        while not trouble and time.monotonic() < until:
            first.says("state")
            trouble = first.hears(lambda told: "trouble" in told)["trouble"]
        assert "Address already in use" in trouble
    finally:
        taken.communicate()
    second.finds("kallio-7m9q", "10.77.0.1")


def test_the_next_leader_takes_the_name_over_though_the_last_one_never_said_goodbye(
    machines: tuple[Machine, Machine], record_property: Callable[[str, object], None]
) -> None:
    first, second = machines
    first.on()
    second.on()
    second.finds("kallio-7m9q", "10.77.0.1")
    first.finds("meri-2x4z", "10.77.0.2")
    first.says("lead")
    assert leader_of(first) == "tandem.local"
    first.off(kill=True)
    began = time.monotonic()
    second.says("lead")
    assert leader_of(second) == "tandem.local"
    report(record_property, "tandem.local taken over", time.monotonic() - began)


def leader_of(machine: Machine) -> str:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        machine.says("state")
        if name := machine.hears(lambda told: "leader" in told)["leader"]:
            return str(name)
    return ""
