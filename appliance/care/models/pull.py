"""A model from the hub: its list of files, each file, what has to be made of them, and then the shelf."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from appliance.care.models import prepare
from appliance.care.models.errors import HubRefused
from appliance.care.models.gathering import Gathering, Told, file_of, gathering, nobody
from appliance.care.models.hub import Hub, HubFile, Listing
from appliance.care.models.licence import Licences
from appliance.engines.cards import Card, CardFile
from appliance.engines.shelf import Against, Installed, Shelf
from appliance.ground.clock import Clock
from appliance.ground.log import Log

log = Log("models")


class Wish(NamedTuple):
    """Which model, who wants it, and where to."""

    card: Card
    shelf: Shelf
    licences: Licences
    by: str
    clock: Clock


def pull(wish: Wish, hub: Hub, told: Told = nobody) -> Installed:
    """Bring a model from the hub. Raises a ``ModelError``; what came before it is gone on with by the next pull."""
    card = wish.card
    wish.licences.must_be_accepted(card)
    if not card.repository:
        raise HubRefused(f"{card.name} is not on a hub.", card.note or f"Import it: tandem models import FILE --as {card.name}")
    with gathering(wish.shelf, card) as place:
        listing = _listing(hub, card)
        place.begin(f"{hub.url} {card.repository} {listing.revision}")
        room = sum(one.file.bytes for one in listing.files) - _bytes_there(place, listing)
        place.room_for(max(room, 0) + prepare.bytes_made(card))
        found = _fetch_all(hub, card, listing, place, told)
        against: Against = "card" if all(file.sha256 for file in card.files) and card.files else "hub"
        if not all(one.git or one.file.sha256 for one in listing.files):
            against = "found"
        installed = Installed(
            name=card.name, source="hub", files=found, checked_against=against, repository=card.repository,
            revision=listing.revision, at=wish.clock.now(), by=wish.by,
        )  # fmt: skip
        return prepare.onto_shelf(card, place, installed)


def _listing(hub: Hub, card: Card) -> Listing:
    """The card's own list where it has digests and a revision, for then nobody has to be asked; else the hub's, held against the card."""
    if card.files and card.revision and all(file.sha256 and file.bytes for file in card.files):
        return Listing(revision=card.revision, files=tuple(HubFile(file=file) for file in card.files))
    listing = hub.listing(card)
    theirs = {one.file.name: one for one in listing.files}
    missing = [file.name for file in card.files if file.name not in theirs]
    if missing:
        raise HubRefused(f"{card.repository} has no file {missing[0]}, which the card of {card.name} names.", "Correct the card.")
    ours = {file.name: file for file in card.files}
    return Listing(revision=listing.revision, files=tuple(_joined(one, ours.get(one.file.name)) for one in listing.files))


def _joined(one: HubFile, ours: CardFile | None) -> HubFile:
    """What the card says counts more than what the hub says."""
    if ours is None:
        return one
    file = CardFile(name=one.file.name, bytes=ours.bytes or one.file.bytes, sha256=ours.sha256 or one.file.sha256)
    return HubFile(file=file, git=one.git)


def _bytes_there(place: Gathering, listing: Listing) -> int:
    found = 0
    for one in listing.files:
        path = place.place(one.file.name)
        part = path.with_name(f".{path.name}.part")
        found += next((each.stat().st_size for each in (path, part) if each.exists()), 0)
    return found


def _fetch_all(hub: Hub, card: Card, listing: Listing, place: Gathering, told: Told) -> tuple[CardFile, ...]:
    """Every file; those that came whole before are compared and not fetched again."""
    total, done, found = sum(one.file.bytes for one in listing.files), 0, []
    for one in listing.files:
        found.append(_one(hub, card, listing.revision, one, place, partial(_tell, told, one.file.name, done, total)))
        done += found[-1].bytes
        told(one.file.name, done, total)
    log.info("model_pulled", model=card.name, bytes=done, files=len(found))
    return tuple(found)


def _one(hub: Hub, card: Card, revision: str, one: HubFile, place: Gathering, told: Callable[[int], None]) -> CardFile:
    path = place.place(one.file.name)
    if path.exists():
        there = file_of(path, one.file.name)
        if there.sha256 == one.file.sha256:
            return there
        path.unlink()
    return hub.fetch(card, revision, one, path, told)


def _tell(told: Told, name: str, before: int, total: int, have: int) -> None:
    told(name, before + have, total)
