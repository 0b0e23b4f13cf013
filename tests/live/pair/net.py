"""A network for one test: a switch with the mail server on it, and the nodes a and b and the witness w on cables of their own.

    network = Network.make()                 raises CannotStart: not Linux, not root, ip or nft missing
    network.address("b")                     "10.77.0.2"; "mail" is the server's
    with network.inside("a"): ...            sockets and processes made here by this thread belong to a
    network.cable("a", up=False)             the cable out of its socket; up=True puts it back in
    network.cut("a", "b")                    nothing that a sends reaches b; the other way all is well
    network.partition(("a",), ("b", "w"))    nothing passes between the two sides, either way
    network.loss("b", 30)                    of what a and w send, three of ten packets do not reach b
    network.heal()                           every cut, loss and block is gone, every cable is in
    network.close()                          ends what still runs in the namespaces and takes them away

The switch stands in the mail server's namespace, so nothing of the machine's own network is touched, and many networks with the
same addresses stand beside each other. IPv4 only: what is cut by address is cut.
"""

import contextlib
import ctypes
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.live.servers.child import CannotStart

NODES = ("a", "b", "w")
LINK_SECONDS = 5.0  # Linux looks at its links once a second at most
_HOSTS = {"a": 1, "b": 2, "w": 3, "mail": 254}
_PREFIX = "tandem-lab"
_NAMES = itertools.count(1)
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_FOLDER = Path("/run/netns")


def run(*words: str, text: str | None = None) -> str:
    """Run a command to its end; what it printed. Raises ``CannotStart`` with its own words."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def check_possible() -> None:
    """Raises ``CannotStart`` with the reason where there can be no such network."""
    if sys.platform != "linux":
        raise CannotStart("network namespaces need Linux")
    if os.geteuid() != 0:
        raise CannotStart("network namespaces need root")
    for program, package in (("ip", "iproute2"), ("nft", "nftables")):
        if shutil.which(program) is None:
            raise CannotStart(f"{program} is not installed (Debian: apt-get install {package})")


class Network:
    """One network. Its namespaces are named for this process, so that those of a run that was killed can be told and taken away."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._addresses = {place: f"10.77.0.{number}" for place, number in _HOSTS.items()}

    @classmethod
    def make(cls) -> "Network":
        check_possible()
        _take_away_orphans()
        network = cls(f"{_PREFIX}-{os.getpid()}-{next(_NAMES)}")
        try:
            network._build()
        except BaseException:
            network.close()
            raise
        return network

    def namespace(self, place: str) -> str:
        return f"{self.name}-{place}"

    def address(self, place: str) -> str:
        return self._addresses[place]

    @property
    def addresses(self) -> dict[str, str]:
        return dict(self._addresses)

    def place_of(self, address: str) -> str:
        """Who has this address now; "" nobody."""
        return next((place for place, known in self._addresses.items() if known == address), "")

    @contextlib.contextmanager
    def inside(self, place: str) -> Iterator[None]:
        """This thread is there meanwhile; so are the sockets, threads and processes that it makes."""
        with (_FOLDER / self.namespace(place)).open() as there, Path("/proc/thread-self/ns/net").open() as here:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(here.fileno())

    def cable(self, node: str, up: bool) -> None:
        """Pull the node's cable out, or put it in and wait until the link stands; the node sees its link go, as with a real cable."""
        self._ip("mail", "link", "set", f"v{node}", "up" if up else "down")
        end = time.monotonic() + LINK_SECONDS
        while up and '"operstate":"UP"' not in run("ip", "-n", self.namespace(node), "-json", "link", "show", "eth0"):
            if time.monotonic() > end:
                raise CannotStart(f"the link of {node} does not come up")
            time.sleep(0.01)

    def cut(self, source: str, target: str) -> None:
        self._drop(target, f"ip saddr {self.address(source)} drop")

    def partition(self, side: Iterable[str], other: Iterable[str]) -> None:
        for one, two in itertools.product(tuple(side), tuple(other)):
            self.cut(one, two)
            self.cut(two, one)

    def loss(self, node: str, percent: int, sources: Iterable[str] = NODES) -> None:
        """Drop so many of a hundred packets that reach the node from these."""
        others = ", ".join(self.address(source) for source in sources if source != node)
        self._drop(node, f"ip saddr {{ {others} }} numgen random mod 100 < {percent} drop")

    def block_mdns(self, node: str) -> None:
        self._drop(node, "udp dport 5353 drop")
        self._drop(node, "udp dport 5353 drop", chain="out")

    def change_address(self, node: str, new: str) -> None:
        """As a router does that hands out another address: the old one is gone at once."""
        self._ip(node, "address", "flush", "dev", "eth0")
        self._addresses[node] = new
        self._give_address(node)

    def heal(self) -> None:
        for place in _HOSTS:
            self.nft(place, "add table inet fault\ndelete table inet fault\n")  # what is not there cannot be deleted
        for node in NODES:
            self.cable(node, up=True)

    def processes(self, place: str) -> list[int]:
        """Who runs there."""
        return [int(word) for word in run("ip", "netns", "pids", self.namespace(place)).split()]

    def close(self) -> None:
        _take_away([self.namespace(place) for place in _HOSTS])

    def nft(self, place: str, rules: str) -> str:
        """Run nft's own language there; what it printed."""
        with self.inside(place):
            return run("nft", "-f", "-", text=rules)

    def nft_table(self, place: str, table: str) -> list[dict[str, Any]]:
        """What nft knows of a table there."""
        with self.inside(place):
            return list(json.loads(run("nft", "--json", "list", "table", "inet", table))["nftables"])

    def _build(self) -> None:
        for place in _HOSTS:
            run("ip", "netns", "add", self.namespace(place))
            with self.inside(place):
                Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
            self._ip(place, "link", "set", "lo", "up")
        self._ip("mail", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self._ip("mail", "address", "add", f"{self.address('mail')}/24", "dev", "br0")
        self._ip("mail", "link", "set", "br0", "up")
        for node in NODES:
            there = self.namespace(node)
            self._ip("mail", "link", "add", f"v{node}", "type", "veth", "peer", "name", "eth0", "netns", there)
            self._ip("mail", "link", "set", f"v{node}", "master", "br0", "up")
            self._ip(node, "link", "set", "eth0", "up")
            self._give_address(node)

    def _give_address(self, node: str) -> None:
        self._ip(node, "address", "add", f"{self.address(node)}/24", "dev", "eth0")
        self._ip(node, "route", "replace", "default", "dev", "eth0")  # without one, multicast has nowhere to go

    def _drop(self, place: str, rule: str, chain: str = "in") -> None:
        hooks = "".join(
            f"add chain inet fault {name} {{ type filter hook {hook}put priority 0; policy accept; }}\n"
            for name, hook in (("in", "in"), ("out", "out"))
        )
        self.nft(place, f"add table inet fault\n{hooks}add rule inet fault {chain} {rule}\n")

    def _ip(self, place: str, *words: str) -> None:
        run("ip", "-n", self.namespace(place), *words)


def namespaces() -> list[str]:
    """The names of all laboratories' namespaces on this machine."""
    return sorted(path.name for path in _FOLDER.glob(f"{_PREFIX}-*")) if _FOLDER.is_dir() else []


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise CannotStart(f"setns: {os.strerror(ctypes.get_errno())}")


def _take_away(names: list[str]) -> None:
    """End whoever is left in these namespaces, wait until they are gone, and delete them."""
    there = [name for name in names if (_FOLDER / name).exists()]
    end = time.monotonic() + 10.0
    while left := [pid for name in there for pid in run("ip", "netns", "pids", name).split()]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    for name in there:
        run("ip", "netns", "delete", name)


def _take_away_orphans() -> None:
    """What a run left that was killed itself: its process is gone, and its namespaces are named for it."""
    for name in namespaces():
        owner = re.match(rf"{_PREFIX}-(\d+)-", name)
        if owner is not None and not Path(f"/proc/{owner[1]}").exists():
            _take_away([name])
