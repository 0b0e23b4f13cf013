"""The twin's side of knowledge: sources and proposals in memory, read and compared as a node does."""

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.ground.ids import new_id
from appliance.knowledge.browse import Leaf, browse
from appliance.knowledge.compare import ChangedPassage, Diff, Disagreement, diff
from appliance.knowledge.earlier import Earlier
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.kept import DiffOnDisk
from appliance.knowledge.passages import digest_of, passages_of
from appliance.knowledge.reading import read
from appliance.knowledge.staged import Fact, Staged
from appliance.records.knowledge import Passage, SourceState
from appliance.records.language import Code
from appliance.records.person import Actor
from appliance.records.work import File

STAGED = "k-000000000000000001"


class TwinKnowledge:
    """One proposal waits from the start, so that its page can be looked at."""

    clock: Clock
    passages: dict[str, Passage]
    source_states: tuple[SourceState, ...]
    position: int

    def start_knowledge(self) -> None:
        change = Diff(
            added=(ChangedPassage(id="fi.xlsx/nouto", key="nouto", title="Nouto", place="taulukko Tiedot, rivi 40", after="Nouto käy."),),
            changed=(
                ChangedPassage(
                    id="p2", key="palautuskulut", title="Palautuskulut", place="taulukko Tiedot, rivi 13",
                    before="Palautus on maksuton Suomessa.", after="Palautus maksaa <script>alert(1)</script> Suomessa.",
                ),
            ),
            removed=(ChangedPassage(id="p9", key="faksi", title="<b>Faksi</b>", place="rivi 9", before="=HYPERLINK(\"http://x\")"),),
        )  # fmt: skip
        told = Disagreement(key="palautuskulut", language="fi", passages=("p2", "q2"), values=("9,90 €", "Maksuton"))
        waiting = Staged(
            id=STAGED, source="fi.xlsx", file="fi-uusi.xlsx", language="fi", by="Oskar", at=self.clock.now() - 600, digest="d", against="a",
            passages=212, added=1, changed=1, removed=1, diff=change, notes=("sheet Tiedot, row 7: there is no value.",),
            disagreements=(told,),
        )  # fmt: skip
        self.told = [told]
        self.proposals = {STAGED: (waiting, b"")}
        self.last = {
            "fi.xlsx": DiffOnDisk(
                source="fi.xlsx",
                at=waiting.at,
                digest="d",
                digest_before="c",
                summary={"added": 1, "changed": 1, "removed": 1},
                diff=change,
            )
        }
        self.versions = {"fi.xlsx": [Earlier(id="20261101T100000.000000Z-c.xlsx", at=waiting.at, digest="c", size_bytes=20_480)]}

    def source_page(self, source: str, text: str = "", start: int = 0, limit: int = 50) -> Leaf:
        return browse([one for one in self.passages.values() if one.source == source], text, start, limit)

    def last_change(self, source: str) -> DiffOnDisk | None:
        return self.last.get(source)

    def disagreements(self) -> list[Disagreement]:
        return self.told

    def earlier_versions(self, source: str) -> list[Earlier]:
        return self.versions.get(source, [])

    def skeleton(self, language: Code, source: str = "") -> File:
        if source and source not in {one.name for one in self.source_states}:
            raise Refused(f"{source} has no passages to take keys from.", "Choose another source, or none.", code="source_unknown")
        return File(name=f"knowledge.{language}.xlsx", media_type="", data=b"PK")

    def staged_knowledge(self) -> list[Staged]:
        return [staged for staged, _ in self.proposals.values()]

    def staged_one(self, staged: str) -> Staged:
        if staged not in self.proposals:
            raise Refused(f"Nothing is staged as {staged}.", "Stage the file again.", code="staged_gone")
        return self.proposals[staged][0]

    def stage_knowledge(self, actor: Actor, name: str, content: bytes, source: str = "", language: Code = "en") -> Staged:
        known = {one.name: one.language for one in self.source_states}
        if source and source not in known:
            raise Refused(f"There is no source {source}.", "tandem knowledge list shows them.", code="source_unknown")
        try:
            reading = read(name, content, language)
        except SourceUnreadable as error:
            raise Refused(error.message, error.remedy, code=error.code) from error
        found = passages_of(reading.pieces, source or name, known.get(source, language))
        change = diff([one for one in self.passages.values() if one.source == source], found)
        return self._keep(actor, source or name, language, content, change, new=not source, file=name, passages=len(found))

    def stage_fact(self, actor: Actor, title: str, text: str, language: Code) -> Staged:
        if not title.strip() or not text.strip():
            raise Refused("A fact needs a title in words, and a text.", "Fill in both.", code="fact_empty")
        change = Diff(added=(ChangedPassage(id=title, title=title, after=text),))
        name = f"added.{language}.csv"
        return self._keep(actor, name, language, b"", change, file=name, fact=Fact(title=title, text=text))

    def stage_earlier(self, actor: Actor, source: str, version: str = "") -> Staged:
        if not any(version in ("", one.id) for one in self.versions.get(source, [])):
            raise Refused(f"There is no earlier version of {source}.", "One is kept whenever a file is activated.", code="no_earlier")
        return self._keep(actor, source, "fi", b"", Diff(), file=source, earlier=True)

    def _keep(self, actor: Actor, source: str, language: Code, content: bytes, change: Diff, **more: object) -> Staged:
        staged = Staged(
            id=new_id("k"), source=source, language=language, by=actor.name, at=self.clock.now(), digest=digest_of(content), diff=change,
            added=len(change.added), changed=len(change.changed), removed=len(change.removed), **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self.proposals[staged.id] = (staged, content)
        return staged

    def activate_knowledge(self, actor: Actor, staged: str) -> SourceState:
        done = self.discard_knowledge(actor, staged)
        state = SourceState(name=done.source, path=f"knowledge/{done.source}", language=done.language, passages=done.passages)
        known = next((one for one in self.source_states if one.name == done.source), None)
        changed = msgspec.structs.replace(known, read_at=self.clock.now()) if known else state
        self.source_states = (*(one for one in self.source_states if one.name != done.source), changed)
        self.position += 1
        return changed

    def discard_knowledge(self, actor: Actor, staged: str) -> Staged:  # noqa: ARG002
        found = self.staged_one(staged)
        del self.proposals[staged]
        return found
