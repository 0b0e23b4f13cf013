"""Hosts: which one an address names, and which are this machine itself."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether this host can only be this machine. No name is looked up: one that merely resolves to it does not count."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_address(text: str) -> bool:
    """Whether it is a network address and no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def host_of(url: str) -> str:
    """The host of a web address; "" when it names none that can be asked: no host, or a port that is no port."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        return host if parts.port != 0 else ""
    except (ValueError, UnicodeError):
        return ""
