"""Working on cases: taking a decision back, taking care of a case, who is at it, notes, ready-made answers, files."""

from typing import Literal

from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.topic import Topic
from appliance.policy import macros
from appliance.records.case import CaseFile
from appliance.records.language import LANGUAGES, Code
from appliance.records.person import Actor
from appliance.records.policy import Tier
from appliance.records.work import Correction, File, Macro, Note
from appliance.store.errors import NoSuchPerson

CORRECTIONS_MOST = 1_000
Doing = Literal["editing", "looking", "gone"]


class WorkCommands(Topic):
    """The commands of people at work on a case. People are named as they stand in the journal: a person's id, a key's name."""

    # Taking a decision back

    @command
    @leads
    def undo(self, actor: Actor, case: str) -> str:
        """Take the last decision about a case back; it is in review as it was. Refused once its time is over or its mail leaves."""
        self._allow(actor, "undo_decision")
        return self._node.store.work.undo(case, actor.name, term=self._node.term)

    @command
    def undo_until(self, case: str) -> float:
        """Until when the last decision about a case can be taken back, in Unix seconds; 0.0 when it cannot."""
        return self._node.store.work.undo_until(case)

    @command
    @leads
    def reopen(self, actor: Actor, case: str) -> str:
        """A case that was closed or answered is in review again. What has left stays sent; a second reply is another mail."""
        self._allow(actor, "reopen_case")
        return self._node.store.work.reopen(case, actor.name, term=self._node.term)

    # Who is at it

    @command
    @leads
    def assign(self, actor: Actor, case: str, person: str) -> str:
        """Somebody takes care of the case from now on; "": nobody in particular. Returns who: a person that we know by their id."""
        self._allow(actor, "assign_case")
        people, who = self._node.store.people, person.strip()
        known = people.find(who) if who else None
        if known is None and who and who != actor.name and people.all():
            raise NoSuchPerson(f"There is no person {who}.", "`tandem people list` shows them.")
        who = known.id if known is not None else who
        self._node.store.work.assign(case, who, actor.name, term=self._node.term)
        return who

    @command
    @shown_by_leader
    def editing(self, actor: Actor, case: str, what: Doing = "editing") -> dict[str, list[str]]:
        """This person is at the case, until 30 s have passed without a word; returns who else is editing it, by the case."""
        self._allow(actor, "see_cases")
        self._node.store.work.must_exist(case)
        self._node.presence.tell(case, actor.name, what)
        return {case: [name for name in self._node.presence.at("editing").get(case, []) if name != actor.name]}

    @command
    @shown_by_leader
    def presence(self, what: Doing = "editing") -> dict[str, list[str]]:
        """By case who is editing it now, or looking at it."""
        return self._node.presence.at(what)

    # Notes

    @command
    @leads
    def note(self, actor: Actor, case: str, text: str) -> Note:
        """Write something about the case for the others; it never leaves the house."""
        self._allow(actor, "note_case")
        return self._node.store.work.note(case, text.replace("\r\n", "\n").strip(), actor.name, term=self._node.term)

    @command
    def notes(self, actor: Actor, case: str) -> list[Note]:
        """What people noted about the case, oldest first."""
        self._allow(actor, "see_cases")
        return list(self._node.store.work.notes(case))

    # Ready-made answers

    @command
    def macros(self, actor: Actor, case: str, language: str = "") -> list[Macro]:
        """Pieces of an answer that fit the case's tier and language ("": its own), filled in for the person who asks."""
        self._allow(actor, "see_cases")
        file = self._node.store.file(case)
        if file is None:
            raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
        policy, tier = self._node.policy(), file.row.tier
        return macros.fitting(
            self._node.macros(),
            policy.templates.values(),
            None if tier is None else Tier(tier),
            self._tongue(file, language),
            self._gaps(actor, file),
        )

    def _tongue(self, file: CaseFile, language: str) -> Code:
        wanted = language or file.row.language
        return next((code for code in LANGUAGES if code == wanted), self._node.settings.company.languages[0])

    def _gaps(self, actor: Actor, file: CaseFile) -> dict[str, str]:
        return {
            "customer_name": file.message.sender.name if file.message is not None else "",
            "agent_name": self._node.store.people.names().get(actor.name, actor.name),
            "company": self._node.settings.company.name,
            "case": file.row.id,
        }

    # Files, and what was corrected

    @command
    def attachment(self, actor: Actor, case: str, index: int) -> File:
        """An attachment of the case's message with its bytes; ``index`` is its place in the message's list, from 0."""
        self._allow(actor, "see_cases")
        return self._node.store.work.attachment(case, index)

    @command
    def corrections(self, actor: Actor, limit: int = 100) -> list[Correction]:
        """What the desk had drafted and people sent instead, newest cases first: to learn from."""
        self._allow(actor, "see_cases")
        return list(self._node.store.work.corrections(min(max(limit, 1), CORRECTIONS_MOST)))
