"""What people may tell a node about its models. It is about this machine alone: the other one of a pair has a shelf of its own."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from appliance.care.models import bring, pull, remove, verify
from appliance.care.models.errors import ModelError
from appliance.care.models.hub import Hub
from appliance.care.models.place import users
from appliance.care.models.pull import Wish
from appliance.engines.cards import Card
from appliance.engines.shelf import Installed
from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.node.control import command
from appliance.node.model_desk import Job, Reporter
from appliance.node.model_files import ModelFiles
from appliance.node.topic import Topic
from appliance.pair.line.errors import LineError
from appliance.records.person import Actor
from appliance.settings.secret import read_secret

log = Log("models")

From = Literal["any", "hub", "peer"]


class ModelCommands(Topic):
    """The commands about models; part of ``Commands``."""

    @command
    def models(self, ask_peer: bool = False) -> dict[str, Any]:
        """Every model as it stands: ``folder, hub, free_bytes, memory, paired, working`` and ``models``, one mapping each.

        ``ask_peer``: also which of them the other machine has, which takes a line to it.
        """
        return self._node.models.table(self._at_peer() if ask_peer else None)

    @command
    def model_job(self, name: str) -> Job | None:
        """How far the last piece of work with a model is."""
        return self._node.models.job(self._card(name).name)

    @command
    def accept_licence(self, actor: Actor, name: str) -> dict[str, Any]:
        """This person accepts the licence of a model, which they were shown; who accepted it, and when."""
        self._allow(actor, "manage_models")
        card, licences = self._card(name), self._node.models.licences
        licences.accept(card, actor.name, self._node.clock)
        return {"model": card.name, "accepted": msgspec.to_builtins(licences.accepted(card))}

    @command
    def pull_model(self, actor: Actor, name: str, accept: bool = False, source: From = "any") -> Job:
        """Begin to bring a model: from the other machine when it has it, else from the hub; or from the one that is named.

        ``accept``: this person accepts the model's licence, which they were shown. Raises ``LicenceNotAccepted`` without.
        """
        self._allow(actor, "manage_models")
        card = self._card(name)
        if card.built_in:
            raise ModelError(f"{card.name} is part of this program.", "There is nothing to pull.")
        wish = self._wish(actor, card, accept)
        side = self._peer()
        if source == "peer" and side is None:
            raise ModelError(
                "There is no other machine to ask: this one is in no pair, or its appliance does not run.",
                f"Pull it from the hub: tandem models pull {card.name}",
            )
        if wish.shelf.has(card.name) and source == "any":
            raise ModelError(f"{card.name} is here already.", "Look at its files: tandem models verify; anew: pull it with --from-hub")
        return self._node.models.begin("pull", card.name, source, actor.name, lambda told: self._pulled(wish, side, source, told))

    @command
    def import_model(self, actor: Actor, path: str, name: str = "", accept: bool = False) -> Job:
        """Begin to take in a model that lies in a folder or an archive of this machine; without a name it is guessed."""
        self._allow(actor, "manage_models")
        place = Path(path)
        card = self._card(name) if name else bring.guess(self._node.models.shelf, place)
        if card is None:
            raise ModelError(f"It cannot be told which model {place.name} is.", "Say it: tandem models import PATH --as NAME")
        wish = self._wish(actor, card, accept)

        def work(told: Reporter) -> str:
            return _note(bring.bring(wish, place, told))

        return self._node.models.begin("import", card.name, path, actor.name, work)

    @command
    def guess_model(self, path: str) -> str:
        """Which model lies there; "" when that cannot be told."""
        card = bring.guess(self._node.models.shelf, Path(path))
        return card.name if card is not None else ""

    @command
    def verify_model(self, actor: Actor, name: str) -> Job:
        """Begin to read every file of a model and compare it with its digest."""
        self._allow(actor, "manage_models")
        desk, shelf = self._node.models, self._node.models.shelf
        card = self._card(name)
        if not shelf.has(card.name):
            raise ModelError(f"{card.name} is not on this machine.", f"Bring it: tandem models pull {card.name}")

        def work(told: Reporter) -> str:
            found = verify.verify(shelf, card.name, self._node.clock, told)
            told.change(damaged=tuple(f"{one.file} ({one.problem})" for one in found.findings))
            return "" if found.ok else "damaged"

        return desk.begin("verify", card.name, "", actor.name, work)

    @command
    def remove_model(self, actor: Actor, name: str, force: bool = False) -> dict[str, Any]:
        """Remove a model; ``freed_bytes``. Raises ``ModelInUse`` when something works with it, unless ``force``."""
        self._allow(actor, "manage_models")
        card = self._card(name)
        freed = remove.remove(self._node.models.shelf, card, users(self._node.settings, card, self._node.models.shelf), force)
        return {"model": card.name, "freed_bytes": freed}

    # What these share

    def _card(self, name: str) -> Card:
        shelf = self._node.models.shelf
        card = shelf.card(name)
        if card is None and name in shelf.installed():
            return Card(name=name, task="writer", kind="mlx", licence="unknown")
        if card is None:
            raise ModelError(
                f"There is no card of a model {name[:100]}.",
                "See which there are: tandem models list; models/cards/README.md says how to add one.",
            )
        return card

    def _wish(self, actor: Actor, card: Card, accept: bool) -> Wish:
        desk = self._node.models
        if accept:
            desk.licences.accept(card, actor.name, self._node.clock)
        desk.licences.must_be_accepted(card)
        return Wish(card, desk.shelf, desk.licences, actor.name, self._node.clock)

    def _peer(self) -> ModelFiles | None:
        """The other machine, where it can be asked."""
        pair = self._node.pair
        return pair.models if pair is not None and self._node.running and self._node.settings.models.peer else None

    def _at_peer(self) -> dict[str, Installed]:
        side = self._peer()
        try:
            return side.offered() if side is not None else {}
        except TandemError as error:
            log.info("peer_models_unknown", reason=error.message)
            return {}

    def _pulled(self, wish: Wish, side: ModelFiles | None, source: From, told: Reporter) -> str:
        """From the other machine first: it is nearer. When it has not got it or is not reached, from the hub, unless it was named."""
        stop = self._node.models.stop
        if source == "peer" or (source == "any" and side is not None and wish.card.name in self._at_peer()):
            assert side is not None
            told.change(source="peer")
            try:
                return _note(side.fetch(wish, told, stop.is_set))
            except LineError:
                if source == "peer":
                    raise
        told.change(source="hub")
        return _note(pull.pull(wish, self._hub(), told))

    def _hub(self) -> Hub:
        models = self._node.settings.models
        token = read_secret(self._node.home / models.hub_token_file) if models.hub_token_file is not None else ""
        return Hub(models.hub, self._node.clock, token, self._node.models.stop)


def _note(installed: Installed) -> str:
    """ "" when somebody else vouches for each file; "found" when the files were taken as they are."""
    return "found" if installed.checked_against == "found" else ""
