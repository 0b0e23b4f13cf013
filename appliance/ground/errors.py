"""The root of every error a person may see, and the rule they follow.

    TandemError                 what went wrong, why, and what to do about it
    ├── SettingsError           tandem.toml, policy.toml or the environment is not usable (exit code 2)
    ├── StoreError              the database, the keyring or the disk under them
    ├── KnowledgeError          a source could not be read; the last good passages stay in use
    ├── ChannelError            a mailbox, an SMTP server, a folder
    ├── EngineError             a writer, ear, embedder or judge
    └── Refused                 the caller may not do this, or not now

Each room derives its own below these. Whoever runs a loop answers for what goes wrong in it.
"""

from collections.abc import Mapping
from types import MappingProxyType


class TandemError(Exception):
    """Something a person can act on: a message that names the thing and the reason, and a remedy.

    ``message`` and ``remedy`` are whole sentences without a customer's words in them.
    ``exit_code`` is what the command line ends with. ``code`` says the same to whoever has words of their own for it, as the
    panel has in three languages, and ``gaps`` what they are filled with; "" for what only the message tells.
    """

    exit_code = 1
    code = ""
    gaps: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, remedy: str = "", *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if code:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(TandemError):
    """What was configured cannot be used."""

    exit_code = 2
    code = "settings"


class StoreError(TandemError):
    """The database, the keyring, or the disk under them."""


class KnowledgeError(TandemError):
    """A source of knowledge could not be used."""


class ChannelError(TandemError):
    """A mailbox, an SMTP server or a folder could not be used."""


class EngineError(TandemError):
    """A writer, ear, embedder or judge could not do its work."""


class Refused(TandemError):
    """The caller may not do this, or not now. ``code`` names the words for it in each language; it does not change with them."""

    code = "refused"
