"""A line that was opened from an address which this machine has lost."""

import socket
from collections.abc import Callable, Iterator

import pytest

from appliance.channels.mail.imap_connect import is_stranded

FOREIGN = {socket.AF_INET: ("192.0.2.1", 50_000), socket.AF_INET6: ("2001:db8::1", 50_000, 0, 0)}  # RFC 5737, RFC 3849: nobody has them


class Moved(socket.socket):
    """A line as the system leaves it when its address goes: it still says the address that it was opened from."""

    def getsockname(self) -> tuple[object, ...]:
        return FOREIGN[self.family]


def line(family: socket.AddressFamily, host: str, make: Callable[..., socket.socket] = socket.socket) -> Iterator[socket.socket]:
    with socket.create_server((host, 0), family=family) as server, make(family, socket.SOCK_STREAM) as opened:
        opened.connect(server.getsockname())
        yield opened


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def test_a_line_from_an_address_that_is_still_ours_is_not_stranded(family: socket.AddressFamily, host: str) -> None:
    for opened in line(family, host):
        assert not is_stranded(opened)


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["IPv4", "IPv6"])
def test_a_line_from_an_address_that_has_gone_is_stranded(family: socket.AddressFamily, host: str) -> None:
    for opened in line(family, host, Moved):
        assert is_stranded(opened)


def test_a_line_that_is_closed_is_for_others_to_notice() -> None:
    for opened in line(socket.AF_INET, "127.0.0.1"):
        opened.close()
        assert not is_stranded(opened)
