"""What the line asks of the system's sockets: addresses of both families, and cables that are noticed when they are cut."""

import errno
import socket
import sys
from contextlib import suppress

CUT_SECONDS = 5
"""Sent bytes that nobody confirmed for so long mean that the cable is cut."""
_DARWIN_CONNECTION_DROP_TIME = 0x80  # TCP_RXT_CONNDROPTIME in netinet/tcp.h: what Linux calls TCP_USER_TIMEOUT, in seconds


def listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections; with "" on all addresses of both families, where the machine has both. Raises ``OSError``."""
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64)


def hearing(host: str, port: int) -> socket.socket:
    """A socket for datagrams that never waits; with "" on all addresses, as above. Raises ``OSError``."""
    both = not host and socket.has_dualstack_ipv6()
    opened = socket.socket(socket.AF_INET6 if both or ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        opened.bind((host, port))
    except BaseException:
        opened.close()
        raise
    return opened


def tune(connection: socket.socket) -> None:
    """No waiting for more to send, and a cut cable is noticed within seconds, whether or not something is being sent."""
    options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)), 2),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 1),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), CUT_SECONDS - 2),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", None), CUT_SECONDS * 1000),
    ]
    if sys.platform == "darwin":
        options.append((socket.IPPROTO_TCP, _DARWIN_CONNECTION_DROP_TIME, CUT_SECONDS))
    for level, option, value in options:
        if option is not None:
            with suppress(OSError):  # each of them is a help and none a condition
                connection.setsockopt(level, option, value)


def send_datagram(opened: socket.socket, words: bytes, address: tuple[str, int]) -> None:
    """Hand it to the network, or raise ``OSError`` at once: also for a name, which would have to be looked up."""
    host, port = address
    if not 0 < port < 65536:  # the system would take 70000 for 4464
        raise OSError(errno.EINVAL, "no such port")
    if opened.family == socket.AF_INET6 and ":" not in host:
        host = f"::ffff:{host}"
    found = socket.getaddrinfo(host, port, opened.family, socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    opened.sendto(words, found[0][4])


def plain_host(host: str) -> str:
    """An IPv4 address as such, also where it came through a socket of both families (RFC 4291, 2.5.5.2)."""
    return host.removeprefix("::ffff:") if "." in host else host
