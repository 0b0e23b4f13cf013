"""A model taken from the shelf. What works with it is named first; its licence stays accepted."""

import os
import shutil
from collections.abc import Sequence

from appliance.care.models.errors import ModelError, ModelInUse
from appliance.care.models.gathering import gathering
from appliance.engines.cards import Card
from appliance.engines.shelf import PARTIAL, Shelf
from appliance.ground.log import Log

log = Log("models")


def remove(shelf: Shelf, card: Card, users: Sequence[str], force: bool = False) -> int:
    """Remove it, and what was left of an unfinished pull; how many bytes that freed. Raises ``ModelInUse`` unless ``force``."""
    if card.built_in:
        raise ModelError(f"{card.name} is part of this program and takes no room.", "There is nothing to remove.")
    if users and not force:
        raise ModelInUse(
            f"{card.name} is in use by {' and '.join(users)}.",
            "Name another model in tandem.toml first; or --force, and what needs it stands still.",
        )
    with gathering(shelf, card) as place:
        freed = sum(
            path.stat().st_size for folder in (shelf.place(card.name), place.folder) for path in folder.rglob("*") if path.is_file()
        )
        if not (shelf.place(card.name).exists() or place.folder.exists()):
            raise ModelError(f"{card.name} is not on this machine.", "See which are: tandem models list")
        gone = shelf.folder / PARTIAL / f"{card.name}.old"
        shutil.rmtree(gone, ignore_errors=True)
        if shelf.place(card.name).exists():
            os.rename(shelf.place(card.name), gone)  # out of sight in one step: nobody finds half of it
        shutil.rmtree(gone, ignore_errors=True)
        place.drop()
    log.info("model_removed", model=card.name, bytes=freed, in_use=bool(users))
    return freed
