"""A mail address as it goes over the wire: checked, its domain in ASCII, and nothing in it that could be anything else."""

import re
from dataclasses import dataclass

LENGTH_MAX = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets

# Dots may stand anywhere: addresses with two in a row exist and get mail, whatever the grammar says.
_ATOMS = re.compile(r"[^\x00-\x20\x7f-\xa0\u2028\u2029\ud800-\udfff\"(),:;<>@\[\\\]]+")
_QUOTED = re.compile(r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"')
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]+)\]")


class NoAddress(ValueError):
    """This is not an address that mail can be sent to. The text gives the reason without the address."""


@dataclass(frozen=True, slots=True)
class WireAddress:
    """An address fit for an SMTP command. ``utf8``: its local part has other letters than ASCII, so the server must know
    SMTPUTF8 (RFC 6531)."""

    text: str
    utf8: bool


def wire(address: str) -> WireAddress:
    """The address for the wire. Raises ``NoAddress``; a line break or a space outside quotes never gets through."""
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise NoAddress("it has no part before or after the @")
    if not (_ATOMS.fullmatch(local) or _QUOTED.fullmatch(local)):
        raise NoAddress("the part before the @ has characters that may not stand there")
    text = f"{local}@{_ascii_domain(domain)}"
    if len(text.encode("utf-8")) > LENGTH_MAX:
        raise NoAddress("it is too long")
    return WireAddress(text, utf8=not local.isascii())


def usable(address: str) -> bool:
    """Whether mail can be sent there at all."""
    try:
        wire(address)
    except NoAddress:
        return False
    return True


def _ascii_domain(domain: str) -> str:
    if _LITERAL.fullmatch(domain):
        return domain
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise NoAddress("its domain is not a name") from None
    if not _DOMAIN.fullmatch(ascii_domain):
        raise NoAddress("its domain is not a name")
    return ascii_domain.lower()
