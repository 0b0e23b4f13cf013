"""What the company knows, for people: looking at it, and changing it with the difference before their eyes."""

from pathlib import Path

import msgspec

from appliance.ground.errors import Refused
from appliance.knowledge import skeleton
from appliance.knowledge.browse import Leaf, browse
from appliance.knowledge.compare import Disagreement
from appliance.knowledge.earlier import Earlier
from appliance.knowledge.kept import DiffOnDisk
from appliance.knowledge.staged import SHOWN_MOST, Fact, Staged
from appliance.knowledge.staging import first
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.topic import Topic
from appliance.records.knowledge import SourceState
from appliance.records.language import Code
from appliance.records.person import Actor
from appliance.records.work import File
from appliance.settings.edit import add_source
from appliance.settings.model import SourceSettings

DISAGREEMENTS_MOST = 200
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class KnowledgeCommands(Topic):
    """The knowledge's part of a node's commands. Nothing that is answered from changes but by ``activate_knowledge``."""

    # Looking

    @command
    def source_page(self, source: str, text: str = "", start: int = 0, limit: int = 50) -> Leaf:
        """Passages of a source in their order, those with all words of the text; none of a source that nobody knows."""
        return browse([one for one in self._node.library.passages() if one.source == source], text, start, limit)

    @command
    @shown_by_leader
    def last_change(self, source: str) -> DiffOnDisk | None:
        """How the source's passages changed last; at most 100 of each kind are spelled out."""
        found = self._node.library.last_change(source)
        return None if found is None else msgspec.structs.replace(found, diff=first(found.diff, SHOWN_MOST))

    @command
    def disagreements(self) -> list[Disagreement]:
        """Facts that one language tells in more than one way; at most 200."""
        return list(self._node.library.disagreements()[:DISAGREEMENTS_MOST])

    @command
    @shown_by_leader
    def earlier_versions(self, source: str) -> list[Earlier]:
        """The versions of a source that were in use before, newest first."""
        return list(self._node.staging.earlier(source))

    @command
    def skeleton(self, language: Code, source: str = "") -> File:
        """An empty workbook in this language: with the keys of a source, or those of nearly every company."""
        passages = [one for one in self._node.library.passages() if one.source == source]
        if source and not passages:
            raise Refused(f"{source} has no passages to take keys from.", "Choose another source, or none.", code="source_unknown")
        return File(name=f"knowledge.{language}.xlsx", media_type=_WORKBOOK, data=skeleton.workbook_for(language, passages))

    # Changing

    @command
    @shown_by_leader
    def staged_knowledge(self) -> list[Staged]:
        """The new versions of sources that wait for a yes, newest first."""
        return list(self._node.staging.waiting())

    @command
    @shown_by_leader
    def staged_one(self, staged: str) -> Staged:
        """One of them."""
        return self._node.staging.find(staged)

    @command
    @leads
    def stage_knowledge(self, actor: Actor, name: str, content: bytes, source: str = "", language: Code = "en") -> Staged:
        """Hand in a file for a source, or for a new one ("") in this language, and compare it with what is live."""
        self._allow(actor, "change_knowledge")
        self._node.refresh_knowledge()
        return self._node.staging.upload(name, content, source, language, actor.name)

    @command
    @leads
    def stage_fact(self, actor: Actor, title: str, text: str, language: Code) -> Staged:
        """Write one more fact, and compare it with what is live."""
        self._allow(actor, "change_knowledge")
        self._node.refresh_knowledge()
        return self._node.staging.fact(Fact(title=title, text=text), language, actor.name)

    @command
    @leads
    def stage_earlier(self, actor: Actor, source: str, version: str = "") -> Staged:
        """Propose a version of a source that was in use before, the newest by default."""
        self._allow(actor, "change_knowledge")
        self._node.refresh_knowledge()
        return self._node.staging.back(source, version, actor.name)

    @command
    @leads
    def activate_knowledge(self, actor: Actor, staged: str) -> SourceState:
        """Answer from this version from now on. Refused, with a new comparison, when the file was changed meanwhile."""
        self._allow(actor, "change_knowledge")
        node = self._node
        done = node.staging.activate(staged, self._enlist)
        node.refresh_knowledge(by={done.source: actor.name})
        return next(state for state in node.library.states() if state.name == done.source)

    @command
    @leads
    def discard_knowledge(self, actor: Actor, staged: str) -> Staged:
        """Throw a proposal away."""
        self._allow(actor, "change_knowledge")
        return self._node.staging.discard(staged)

    def _enlist(self, file: Path, language: Code) -> None:
        """Make the file a source: in ``tandem.toml`` for the next start, and on the shelf now."""
        add_source(self._node.home, file, language)
        self._node.library.add(SourceSettings(path=file, language=language))
