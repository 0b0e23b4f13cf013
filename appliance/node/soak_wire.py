"""The wire between the two nodes of a sandbox, in our hands: it can be cut, one way or both, and its lines can be broken.

Each node is reached by the other at a port of ours, TCP and UDP under one number. A heartbeat goes on from the port at which its sender is
reached, so that both nodes see only the wire. While a way is cut its datagrams are lost, and the bytes of its lines are held
back and go on afterwards, as a network's do that sends them again.
"""

import select
import socket
import threading
from collections import Counter
from contextlib import suppress

from appliance.ground.errors import TandemError
from appliance.ground.log import Log

log = Log("soak")

HOST = "127.0.0.1"
_BYTES = 65_536
_LOOK_SECONDS = 0.05
_TRIES = 50
_CONNECT_SECONDS = 5.0
_END_SECONDS = 5.0

Direction = tuple[str, str]
"""From a node to a node."""


class Wire:
    """Between two nodes by name. ``reach`` is told each node's own port and gives the wire's."""

    def __init__(self, first: str, second: str) -> None:
        self._other = {first: second, second: first}
        self._ends = {name: _bound() for name in (first, second)}
        self._ports: dict[str, int] = {}
        self._cuts: Counter[Direction] = Counter()
        self._lines: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.lines = 0
        self.datagrams = 0

    def reach(self, name: str, port: int) -> int:
        """Where the other one reaches this node, which listens on ``port``; from now on it goes on to there."""
        self._ports[name] = port
        tcp, udp = self._ends[name]
        self._go(self._beats, name, udp)
        self._go(self._accept, name, tcp)
        return int(tcp.getsockname()[1])

    def cut(self, source: str, target: str) -> None:
        """Who cuts twice mends twice."""
        with self._lock:
            self._cuts[source, target] += 1

    def mend(self, source: str, target: str) -> None:
        with self._lock:
            self._cuts[source, target] = max(0, self._cuts[source, target] - 1)

    def mend_all(self) -> None:
        with self._lock:
            self._cuts.clear()

    def break_lines(self) -> None:
        """Every line that is open ends at once; a new one may be opened."""
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            _end(line)

    def close(self) -> None:
        self._stop.set()
        self.break_lines()
        for tcp, udp in self._ends.values():
            _end(tcp)
            udp.close()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(_END_SECONDS)

    def _go(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="soak-wire", daemon=True)  # type: ignore[arg-type]
        with self._lock:
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            thread.start()

    def _is_cut(self, source: str, target: str) -> bool:
        return self._cuts[source, target] > 0

    # Heartbeats

    def _beats(self, target: str, udp: socket.socket) -> None:
        source = self._other[target]
        out = self._ends[source][1]
        while not self._stop.is_set():
            with suppress(OSError, ValueError):  # a node that is down refuses, and that is told to the sender here; or it was closed
                if select.select([udp], [], [], _LOOK_SECONDS)[0]:
                    data = udp.recv(_BYTES)
                    if not self._is_cut(source, target):
                        out.sendto(data, (HOST, self._ports[target]))
                        self.datagrams += 1

    # Lines

    def _accept(self, target: str, tcp: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                if select.select([tcp], [], [], _LOOK_SECONDS)[0]:
                    self._go(self._join, target, tcp.accept()[0])
            except (OSError, ValueError):  # whoever knocked went away again; or it was closed
                self._stop.wait(_LOOK_SECONDS)

    def _join(self, target: str, near: socket.socket) -> None:
        """To open a line takes both ways."""
        source = self._other[target]
        while self._is_cut(source, target) or self._is_cut(target, source):
            if self._stop.wait(_LOOK_SECONDS):
                break
        try:
            far = socket.create_connection((HOST, self._ports[target]), _CONNECT_SECONDS)
            for each in (near, far):
                each.settimeout(None)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # nobody is there, or whoever knocked went away again
            _end(near)
            return
        with self._lock:
            self._lines |= {near, far}
            self.lines += 1
        if self._stop.is_set():
            self.break_lines()
        self._go(self._pump, near, far, source, target)
        self._pump(far, near, target, source)

    def _pump(self, here: socket.socket, there: socket.socket, source: str, target: str) -> None:
        try:
            while data := here.recv(_BYTES):
                self._hold(source, target)
                there.sendall(data)
        except OSError as error:
            log.debug("line_ended", reason=error.strerror or type(error).__name__)
        self._hold(source, target)  # nor does the end of a line come through
        with self._lock:
            self._lines -= {here, there}
        _end(here)
        _end(there)

    def _hold(self, source: str, target: str) -> None:
        while self._is_cut(source, target) and not self._stop.wait(_LOOK_SECONDS):
            pass


def _end(line: socket.socket) -> None:
    """Also for a thread that waits in it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


def _bound() -> tuple[socket.socket, socket.socket]:
    """A listening TCP and a UDP socket of one port number."""
    for _ in range(_TRIES):
        tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            tcp.bind((HOST, 0))
            udp.bind((HOST, tcp.getsockname()[1]))
        except OSError:
            tcp.close()
            udp.close()
            continue
        tcp.listen(16)
        return tcp, udp
    raise TandemError("No port is free both for lines and for heartbeats.", "Try again.")
