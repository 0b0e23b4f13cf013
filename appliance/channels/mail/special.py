"""Which folder is Sent and which is Drafts: as the server marks them (SPECIAL-USE, RFC 6154), else by the names that mail programs
in Finnish, Swedish and English give them."""

import re
from collections.abc import Iterable
from typing import Literal

Use = Literal["Sent", "Drafts"]
Folders = Iterable[tuple[str, frozenset[bytes]]]

_NAMES: dict[Use, tuple[str, ...]] = {
    "Sent": (
        "sent", "sent items", "sent messages", "sent mail", "lähetetyt", "lähetetyt viestit", "lähetetyt kohteet", "skickat", "skickade",
        "skickade objekt", "skickade meddelanden",
    ),
    "Drafts": ("drafts", "draft", "luonnokset", "utkast"),
}  # fmt: skip
_LAST_PART = re.compile(r"[^/.\\]+$")


def folders_for(use: Use, folders: Folders) -> tuple[str, ...]:
    """The folders that are for this, marked ones alone where there are any, in the server's order."""
    listed = [(name, attributes) for name, attributes in folders if b"\\Noselect" not in attributes]
    mark = b"\\" + use.encode("ascii")
    marked = tuple(name for name, attributes in listed if mark in attributes)
    return marked or tuple(name for name, _ in listed if _is_called(use, name))


def _is_called(use: Use, name: str) -> bool:
    """Whether the last part of the name, after whatever the server parts folders with, is one of the usual ones."""
    last = _LAST_PART.search(name)
    return last is not None and last[0].casefold() in _NAMES[use]
