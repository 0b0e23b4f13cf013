"""Whose word stands for a model's licence: who accepted which one, and when. Kept in the home, so that the answer can be shown later.

A licence is accepted by its name: when a card says another one later, it has to be accepted anew.
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.care.models.errors import LicenceNotAccepted, ModelError
from appliance.engines.cards import Card
from appliance.ground.clock import Clock
from appliance.ground.files import write_atomically
from appliance.records.base import Record

FILE = "accepted.toml"


class Acceptance(Record):
    """One licence, accepted. ``at`` is a time in UTC as text."""

    licence: str
    by: str
    at: str


class Licences:
    """The accepted licences of one home."""

    def __init__(self, home: Path) -> None:
        self.path = home / "models" / FILE

    def accepted(self, card: Card) -> Acceptance | None:
        """Who accepted this card's licence; None when nobody has, and for what needs none."""
        said = self._all().get(card.name)
        known = isinstance(said, dict) and said.get("licence") == card.licence
        return Acceptance(licence=card.licence, by=str(said.get("by", "")), at=str(said.get("at", ""))) if known and said else None

    def objection(self, card: Card) -> str:
        """Why the model may not be used: "" when its licence was accepted, or when it is part of this program."""
        if card.built_in or self.accepted(card) is not None:
            return ""
        return f"The licence of the model {card.name} ({card.licence}) has not been accepted here."

    def accept(self, card: Card, by: str, clock: Clock) -> None:
        """Write down that this person accepts this licence. A repeat changes nothing."""
        if card.built_in or self.accepted(card) is not None:
            return
        import tomlkit  # late: only a change needs it

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        at = datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = {**self._all(), card.name: {"licence": card.licence, "by": by, "at": at, "url": card.licence_url}}
        write_atomically(self.path, tomlkit.dumps(known).encode("utf-8"))

    def must_be_accepted(self, card: Card) -> None:
        """Raises ``LicenceNotAccepted`` with where to read it."""
        objection = self.objection(card)
        if objection:
            where = f" It stands at {card.licence_url}." if card.licence_url else ""
            raise LicenceNotAccepted(f"{objection}{where}", f"Read it; then: tandem models pull {card.name} --yes")

    def _all(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:  # no text, no TOML, or nested without end
            raise ModelError(
                f"{self.path} cannot be read ({type(error).__name__}).", "Correct it, or remove it and accept the licences again."
            ) from error
