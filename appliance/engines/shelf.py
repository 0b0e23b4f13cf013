"""The models that are on this machine: one folder a model, beside it a record of where it came from and what every file must be.

The shelf only looks: whoever brings, verifies and removes models is in the room ``care``. Several nodes and programs may share one
folder (``[models] path``); a model is put on it whole, in one step, so that nobody ever sees half of one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.engines.cards import Card, CardFile, Name, cards
from appliance.engines.errors import ModelMissing
from appliance.records.base import Record

RECORD = ".tandem-model.json"
PARTIAL = ".partial"  # folder of what is on its way
CARDS = "cards"
FILES_MOST = 2_000


Source = Literal["hub", "folder", "archive", "package", "peer"]
Against = Literal["card", "hub", "record", "found"]


class Installed(Record):
    """One model on the shelf, with every file's size and digest.

    ``checked_against`` is what the digests were compared with when it came: a card, the hub's word, the record of the machine it came
    from, or nothing ("found"). ``made_from`` are the files it was prepared from. ``at`` in Unix seconds; ``by`` who brought it;
    ``revision`` as the hub names it, "" where nobody said.
    """

    name: Name
    source: Source
    files: Annotated[tuple[CardFile, ...], Meta(max_length=FILES_MOST)]
    made_from: Annotated[tuple[CardFile, ...], Meta(max_length=FILES_MOST)] = ()
    checked_against: Against = "found"
    repository: str = ""
    revision: str = ""
    at: float = 0.0
    by: str = ""

    @property
    def bytes(self) -> int:
        """What its files take on the disk."""
        return sum(file.bytes for file in self.files)


class Shelf:
    """The folder of installed models. ``own_cards`` are further folders of cards, beside ``folder/cards``.

    ``objects`` says why a model that is here may not be used ("": it may), as when nobody has accepted its licence.
    """

    def __init__(self, folder: Path, *own_cards: Path, objects: Callable[[Card], str] | None = None) -> None:
        self.folder = folder
        self._objects = objects
        self.own_cards = (folder / CARDS, *own_cards)

    def cards(self) -> dict[str, Card]:
        """Every card by its name. Raises ``CardInvalid``."""
        return cards(*self.own_cards)

    def card(self, name: str) -> Card | None:
        """The card of a model by its name or its repository on the hub; None when there is none."""
        known = self.cards()
        return known.get(name) or next((one for one in known.values() if one.repository and one.repository == name), None)

    def path_of(self, name: str) -> Path:
        """The folder of an installed model: by its name, its repository on the hub, or as an absolute path of a folder.

        Raises :class:`ModelMissing` with what to do about it.
        """
        if Path(name).is_absolute():
            if Path(name).is_dir():
                return Path(name)
            raise ModelMissing(
                f"There is no model folder {name}.", "Correct the path in tandem.toml, or name a model of: tandem models list"
            )
        known = self.card(name)
        if known is None:
            if self.has(name):
                return self.place(name)
            raise ModelMissing(
                f"There is no model {name or 'without a name'} here, and no card of it.", "See which there are: tandem models list"
            )
        if not self.has(known.name):
            remedy = f"Run: tandem models pull {known.name}; without a network: tandem models import FOLDER --as {known.name}"
            raise ModelMissing(f"The model {known.name} is not on this machine.", remedy)
        objection = self._objects(known) if self._objects is not None else ""
        if objection:
            raise ModelMissing(objection, f"It is shown and accepted by: tandem models pull {known.name}")
        return self.place(known.name)

    def place(self, name: str) -> Path:
        """Where a model of that name lies, or would lie."""
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether it is there, whole."""
        return _is_name(name) and (self.place(name) / RECORD).is_file()

    def record(self, name: str) -> Installed | None:
        """What is written down about it; None when it is not there or nothing readable is."""
        if not _is_name(name):
            return None
        try:
            return msgspec.json.decode((self.place(name) / RECORD).read_bytes(), type=Installed)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def installed(self) -> dict[str, Installed]:
        """Every model that is there, by name. A folder whose record is of another model is none."""
        found = {path.parent.name: self.record(path.parent.name) for path in sorted(self.folder.glob(f"*/{RECORD}"))}
        return {name: one for name, one in found.items() if one is not None and one.name == name}


def _is_name(name: str) -> bool:
    return bool(name) and "/" not in name and not name.startswith(".") and name != CARDS
