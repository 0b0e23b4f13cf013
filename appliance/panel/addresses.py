"""Which of the two machines the desktop window shows: pure, from what is known and who answers.

A dead machine takes its address with it, so the window knows both. It stays where it is as long as that answers, goes on with the
other when it does not, and does not go back by itself: nobody is moved about while they work.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from appliance.ground.errors import Refused
from appliance.records.base import Record
from appliance.settings.model import PanelSettings
from appliance.settings.network import host_of

ADDRESSES_MOST = 8
ADDRESS_LENGTH_MOST = 200
MISSES_MOST = 3  # a machine that starts anew is silent for a moment and keeps its window
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class Standing(Record):
    """Where the window is, "" when it shows nobody's page, and how often in a row that machine did not answer."""

    at: str = ""
    misses: int = 0


def step(standing: Standing, known: Iterable[str], answering: Iterable[str]) -> Standing:
    """Where the window should be, after every known machine was asked once."""
    there = set(answering)
    if standing.at in there:
        return Standing(at=standing.at)
    if standing.at and standing.misses + 1 < MISSES_MOST:
        return Standing(at=standing.at, misses=standing.misses + 1)
    return Standing(at=next((address for address in known if address in there), ""))


def clean(text: str) -> str:
    """The address as scheme and host alone. Raises ``Refused`` when it is none: a window shows what a person signs in to."""
    text = text.strip().removesuffix("/")
    whole = text if "://" in text else f"http://{text}"
    parts = urlsplit(whole) if len(whole) <= ADDRESS_LENGTH_MOST and whole.isprintable() else urlsplit("")
    host = host_of(whole) if parts.scheme in ("http", "https") else ""
    if not host or parts.username is not None or parts.path or parts.query or parts.fragment or " " in whole:
        raise Refused(f"{text[:ADDRESS_LENGTH_MOST]!r} is not the address of a panel.", "Write it as http://mini-1.local:8484.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def own(panel: PanelSettings) -> str:
    """Where the panel of this machine is reached from this machine; "" when its port is not known beforehand."""
    host = _EVERY_ADDRESS.get(panel.host, panel.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{panel.port}" if panel.port else ""


def together(*groups: Iterable[str]) -> tuple[str, ...]:
    """All of them once, the first group first, and no more than a pair can have."""
    return tuple(dict.fromkeys(address for group in groups for address in group if address))[:ADDRESSES_MOST]


def same_path(shown: str, before: str) -> str:
    """The path of what the machine ``before`` showed: cases have the same path on both machines. The first page otherwise."""
    path = shown.removeprefix(before) if before and shown.startswith(f"{before}/") else "/"
    return "/" if path.startswith(("//", "/sign-in", "/\\")) else path
