"""The pair's line for models (service ``models``): what one machine has, the other need not fetch from far away.

    asker ──▶ ModelsWish                        ──▶ Offered: every model with the digests of its files
          ──▶ ModelFileWish (from a byte on)    ──▶ FilePart ...

Given are files that stand in a model's record on the shelf and nothing else. Whoever asks compares each with its digest, goes on after
a break where it was, and puts the model on its own shelf whole. Either machine may ask, whoever leads.
"""

import os
from collections.abc import Callable, Set
from pathlib import Path
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from appliance.care.models import prepare
from appliance.care.models.errors import ModelDamaged, ModelError
from appliance.care.models.gathering import Gathering, Told, compare, file_of, gathering, nobody
from appliance.care.models.pull import Wish
from appliance.engines.cards import Card, CardFile
from appliance.engines.shelf import Installed, Shelf
from appliance.ground.log import Log
from appliance.pair.copying.frames import PART_BYTES, FilePart, Turned
from appliance.pair.line.errors import LineError
from appliance.pair.line.wire import Line, Open
from appliance.records.base import Record

log = Log("models")

SERVICE = "models"
ANSWER_SECONDS = 60.0
LOOK_SECONDS = 5.0  # of whoever only looks: a page waits for it
IDLE_SECONDS = 60.0
WISHES_MOST = 10_000
MODELS_MOST = 200


class ModelsWish(Record, tag="models_wish"):
    """Which models are there?"""


class Offered(Record, tag="models_offered"):
    """These."""

    models: Annotated[tuple[Installed, ...], Meta(max_length=MODELS_MOST)]


class ModelFileWish(Record, tag="model_file_wish"):
    """Give me this file of that model, from this byte on."""

    model: Annotated[str, Meta(max_length=100)]
    file: Annotated[str, Meta(max_length=200)]
    start: Annotated[int, Meta(ge=0, le=2**62)] = 0


class ModelFiles:
    """Of one node: what it gives, and how it asks. ``dial`` opens a line for the service, whoever leads."""

    def __init__(self, shelf: Shelf, dial: Callable[[], Line], shared: bool = True) -> None:
        self._shelf = shelf
        self._dial = dial
        self._shared = shared

    # Giving

    def serve(self, line: Line, _open: Open) -> None:
        """Say what is here and give what is asked for, until the other side is done."""
        for _ in range(WISHES_MOST):
            try:
                wish = line.receive(ModelsWish | ModelFileWish, IDLE_SECONDS)
            except LineError:
                return
            if not self._shared:
                line.send(Turned(code="not_shared"))
            elif isinstance(wish, ModelsWish):
                line.send(Offered(models=tuple(self._shelf.installed().values())[:MODELS_MOST]))
            else:
                self._give(line, wish)

    def _give(self, line: Line, wish: ModelFileWish) -> None:
        path = self._path(wish)
        if path is None:
            line.send(Turned(code="no_such_file"))
            return
        try:
            with path.open("rb") as file:
                file.seek(wish.start)
                data = file.read(PART_BYTES)
                while following := file.read(PART_BYTES) if len(data) == PART_BYTES else b"":
                    line.send(FilePart(data=data, last=False))
                    data = following
            line.send(FilePart(data=data, last=True))
        except OSError as error:
            log.warning("model_file_unreadable", model=wish.model, reason=error.strerror or "")
            line.send(Turned(code="unreadable"))

    def _path(self, wish: ModelFileWish) -> Path | None:
        """Where it lies, if it stands in the model's record and lies in the model's folder."""
        record = self._shelf.record(wish.model)
        if record is None or not any(file.name == wish.file for file in record.files):
            return None
        folder = self._shelf.place(wish.model).resolve()
        path = (folder / wish.file).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None

    # Asking

    def offered(self) -> dict[str, Installed]:
        """What the other machine has. Raises ``LineError`` when it is not reached, ``ModelError`` when it gives nothing."""
        line = self._dial()
        try:
            return _offered(line, LOOK_SECONDS)
        finally:
            line.close()

    def fetch(self, wish: Wish, told: Told = nobody, stopped: Callable[[], bool] = bool) -> Installed:
        """Bring a model from the other machine. Raises a ``ModelError`` or ``LineError``; the next try goes on from there."""
        wish.licences.must_be_accepted(wish.card)
        line = self._dial()
        try:
            theirs = _offered(line).get(wish.card.name)
            if theirs is None:
                raise ModelError(
                    f"The other machine has no model {wish.card.name} either.", f"Pull it from the hub: tandem models pull {wish.card.name}"
                )
            with gathering(wish.shelf, wish.card) as place:
                return _Fetching(line, wish, theirs, place, told, stopped).run()
        finally:
            line.close()


class _Fetching:
    """One model on its way over one line."""

    def __init__(self, line: Line, wish: Wish, theirs: Installed, place: Gathering, told: Told, stopped: Callable[[], bool]) -> None:
        self._line, self._wish, self._theirs, self._place, self._told, self._stopped = line, wish, theirs, place, told, stopped
        self._done = 0

    def run(self) -> Installed:
        card, theirs, place = self._wish.card, self._theirs, self._place
        place.begin(f"peer {' '.join(file.sha256 for file in theirs.files)}")
        place.room_for(theirs.bytes)
        ours = {file.name: file for file in card.files} if not card.prepare else {}
        _must_be_the_same(card, ours.keys(), {file.name for file in theirs.files})
        for file in theirs.files:
            self._one(file, ours.get(file.name))
        sure = bool(ours) and all(file.name in ours and ours[file.name].sha256 for file in theirs.files)
        log.info("model_from_peer", model=card.name, bytes=theirs.bytes)
        brought = replace(
            theirs, source="peer", checked_against="card" if sure else "record", at=self._wish.clock.now(), by=self._wish.by
        )  # fmt: skip
        return prepare.onto_shelf(card, place, brought)

    def _one(self, file: CardFile, ours: CardFile | None) -> None:
        path = self._place.place(file.name)
        if not (path.exists() and file_of(path, file.name) == file):
            part = path.with_name(f".{path.name}.part")
            self._parts(file, part)
            try:
                found = file_of(part, file.name)
                compare(found, file, self._wish.card.name)
                compare(found, ours, self._wish.card.name)
            except ModelDamaged:
                part.unlink()
                raise
            os.replace(part, path)
        self._done += file.bytes
        self._told(file.name, self._done, self._theirs.bytes)

    def _parts(self, file: CardFile, part: Path) -> None:
        """What is missing of the file, written behind what is there of it."""
        have = part.stat().st_size if part.exists() else 0
        if have > file.bytes:
            have = 0
        self._line.send(ModelFileWish(model=self._wish.card.name, file=file.name, start=have))
        mode = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_APPEND if have else os.O_TRUNC)
        last = False
        with os.fdopen(os.open(part, mode, 0o644), "wb") as target:
            while not last:
                said = self._line.receive(FilePart | Turned, ANSWER_SECONDS)
                if isinstance(said, Turned):
                    raise ModelError(f"The other machine does not give {file.name} ({said.code}).", "Look there: tandem models verify")
                have, last = have + len(said.data), said.last
                if have > file.bytes:
                    raise ModelDamaged(f"More came of {file.name} than was announced.", "Look at the other machine: tandem models verify")
                if self._stopped():
                    raise ModelError("The pull was stopped.", "Pull again: it goes on from where it was.", code="stopped")
                target.write(said.data)
                self._told(file.name, self._done + have, self._theirs.bytes)


def _must_be_the_same(card: Card, ours: Set[str], theirs: Set[str]) -> None:
    """Raises ``ModelDamaged`` when the other machine has fewer files than the card names, or some that it does not know: with half of a
    model, or with more than one, no digest of the card's says that it is this model."""
    odd = sorted(ours ^ theirs) if ours else []
    if odd:
        what = "lacks" if odd[0] in ours else "has more files than the card, such as"
        raise ModelDamaged(f"The model {card.name} of the other machine {what} {odd[0]}.", "Look there: tandem models verify")


def _offered(line: Line, seconds: float = ANSWER_SECONDS) -> dict[str, Installed]:
    line.send(ModelsWish())
    said = line.receive(Offered | Turned, seconds)
    if isinstance(said, Turned):
        raise ModelError("The other machine gives no models ([models] peer is off there).", "Pull it from the hub, or import it.")
    return {one.name: one for one in said.models}


def has(card: Card, offered: dict[str, Installed]) -> bool:
    """Whether the other machine has this model."""
    return card.name in offered
