"""What is kept no longer: words of ended cases, an archived queue, a queue that is filled anew."""

from typing import Any

from appliance.channels.mail.by_hand import FOLDER
from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.topic import Topic
from appliance.records.person import Actor

CASES_MOST = 1_000

Seen = list[tuple[str, float]]  # cases, each with the time of its last change as whoever decides about it saw it


class KeepingCommands(Topic):
    """Each asks for the cases as somebody saw them: what has changed since, or came in since, is left alone."""

    @command
    def expiring(self) -> dict[str, Any]:
        """After how many days words are removed (0: never), and of how many cases they would be now, by state."""
        days = self._node.settings.store.retention_days
        return {"days": days, "cases": self._node.store.expiring(days) if days else {}}

    @command
    @leads
    def expire(self, actor: Actor) -> dict[str, int]:
        """Remove the words of cases that ended long enough ago now, instead of at the next daily run."""
        self._allow(actor, "expire_words")
        days = self._node.settings.store.retention_days
        return {"days": days, "removed": self._node.store.expire_words(days, actor.name, term=self._node.term) if days else 0}

    @command
    @leads
    def archive(self, actor: Actor, cases: Seen) -> int:
        """Those of these cases that have ended lose their words and leave the ordinary lists; how many."""
        self._allow(actor, "archive_cases")
        return self._node.store.archive(_few(cases), actor.name, term=self._node.term)

    @command
    @leads
    def replace_waiting(self, actor: Actor, cases: Seen) -> int:
        """Close those of these cases that wait for the desk or a person; how many. A table's rows may then come in again."""
        self._allow(actor, "archive_cases")
        return self._node.store.replace_waiting(_few(cases), FOLDER, actor.name, term=self._node.term)

    @command
    def count_messages(self, actor: Actor, files: list[str], mailbox: str = "") -> int:
        """How many messages the files hold. Nothing is taken in; files that cannot be read are refused as they would be then."""
        self._allow(actor, "change_configuration")
        return self._node.count_messages(files, mailbox)


def _few(cases: Seen) -> Seen:
    if len(cases) > CASES_MOST:
        raise Refused(f"{len(cases)} cases are too many for one request.", f"Name at most {CASES_MOST} at a time.")
    return cases
