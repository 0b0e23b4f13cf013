"""The reference search of a node: the company's knowledge, its playbook and this program's manual, by meaning, by words, or not at all.

    model      an embedder's vectors, with the index that was made by them
    keyword    the library's own search by words
    stub       an index without a model, made ahead: what is left when the knowledge itself cannot be read
    none       nothing: no index, and nothing to search by words

Which way was taken, and why it was not a better one, is told with every answer. What was searched for is told in words to nobody: the
telemetry has a print of it under a key that lives as long as this process. An index that is old is used until the new one is there.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from appliance.desk.cues import Rule
from appliance.engines.embedder.protocol import Embedder
from appliance.ground.assets import asset
from appliance.ground.clock import Clock
from appliance.ground.errors import TandemError
from appliance.ground.ids import random_bytes
from appliance.ground.log import Log
from appliance.knowledge import reading, vectors
from appliance.knowledge.errors import SourceUnreadable
from appliance.knowledge.library import Library
from appliance.knowledge.shelf import Shelf
from appliance.knowledge.vectors import VectorIndex
from appliance.records.call import Reference, References, ReferenceState
from appliance.records.knowledge import Found, Passage
from appliance.records.language import LANGUAGES, Code

log = Log("reference")

FOUND_MOST = 8
QUERY_CHARACTERS = 1_000
REST_SECONDS = 30.0  # after a failure, before the index is built again by itself
ALARM_AFTER = 5  # fallbacks one after the other
NO_EMBEDDER, BUILDING, FAILED, NO_MATERIAL = "no_embedder", "index_building", "embedder_failed", "no_material"
MANUAL, PLAYBOOK = "manual", "playbook"


class ReferenceDesk:
    """Searches, builds and tells. Any thread may ask; one builds.

    ``mode`` is ``live``, ``keyword`` or ``stub`` as in the settings; ``playbook`` gives the rules in force.
    """

    def __init__(
        self,
        folder: Path,
        library: Library,
        playbook: Callable[[], tuple[Rule, ...]],
        embedder: Callable[[], Embedder | None],
        clock: Clock,
        *,
        mode: str = "live",
        private: bool = True,
    ) -> None:
        self._folder = folder
        self._library = library
        self._playbook = playbook
        self._embedder = embedder
        self._clock = clock
        self._mode = mode
        self._private = private
        self._key = random_bytes(32)
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._index: VectorIndex | None = None
        self._looked = False
        self._rests_until = 0.0
        self._beside: tuple[tuple[Rule, ...], Shelf] | None = None
        self._told = ReferenceState(private=private)

    # Searching

    def search(self, text: str, language: Code, limit: int = FOUND_MOST) -> References:
        """The best pieces and how they were found. Never raises for an engine or a file: what failed is told in ``code``."""
        query = " ".join(text[:QUERY_CHARACTERS].split())
        if not query:
            return References()
        found = self._by_mode(query, language, limit)
        self._tell(query, found)
        if self._is_stale():
            self._build_aside()
        return found

    def _by_mode(self, query: str, language: Code, limit: int) -> References:
        if self._mode == "stub":
            return self._by_stub(query, language, limit, "")
        code = "" if self._mode == "keyword" else NO_EMBEDDER
        embedder = self._embedder() if self._mode == "live" else None
        if embedder is not None:
            found = self._by_model(embedder, query, language, limit)
            if isinstance(found, References):
                return found
            code = found
        return self._by_words(query, language, limit, code)

    def _by_model(self, embedder: Embedder, query: str, language: Code, limit: int) -> References | str:
        """What the model finds, or the code of why it cannot be asked."""
        index, engine = self._current(), _name(embedder)
        if index is None or index.meta.engine != engine:
            return BUILDING
        try:
            (vector,) = embedder.embed([query])
        except TandemError as error:
            self._failed(error)
            return FAILED
        return References(found=_shown(index.search(vector, language, limit)), way="model")

    def _by_words(self, query: str, language: Code, limit: int, code: str) -> References:
        if not self._library.passages() and not self._playbook():
            return self._by_stub(query, language, limit, code or NO_MATERIAL)
        found = [*self._library.search(query, language, limit), *self._shelf().search(query, language, limit)]
        best = sorted(found, key=lambda one: -one.score)[:limit]
        return References(found=_shown(best), way="keyword", code=code)

    def _by_stub(self, query: str, language: Code, limit: int, code: str) -> References:
        index = self._current()
        if index is None and self._mode == "stub":
            index = self.build()
        if index is None or index.meta.kind != "stub":
            return References(way="none", code=code or NO_MATERIAL)
        (vector,) = vectors.stub_vectors([query])
        return References(found=_shown(index.search(vector, language, limit)), way="stub", code=code)

    # The index

    def version(self, engine: str) -> str:
        """The digest of everything an index of this engine would be made of."""
        told = "\x1f".join((engine, self._library.version, self._shelf().version, str(vectors.FORMAT)))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def build(self) -> VectorIndex:
        """Make the index of what there is now and keep it: by the embedder, or without one the stub. Raises what either raises."""
        with self._building:
            embedder = self._embedder() if self._mode == "live" else None
            engine = vectors.STUB if embedder is None else _name(embedder)
            pieces = [*self._library.passages(), *self._shelf().passages]
            kind, embed = ("stub", vectors.stub_vectors) if embedder is None else ("model", embedder.embed)
            index = vectors.build(pieces, self.version(engine), self._clock.now(), kind, engine, embed)  # type: ignore[arg-type]
            index.save(self._folder)
            with self._lock:
                self._index, self._looked = index, True
            log.info("reference_built", kind=index.meta.kind, pieces=index.meta.pieces)
            return index

    def keep_up(self) -> bool:
        """Build the index anew when it is missing or old; whether it was. What goes wrong is told in the state."""
        if not self._is_stale():
            return False
        try:
            self.build()
        except TandemError as error:
            self._failed(error)
            return False
        return True

    def scrub(self) -> int:
        """Remove the index, its meta file and what is told of the searches; how many files went."""
        with self._building, self._lock:
            self._index, self._looked = None, True
            self._told = ReferenceState(private=self._private)
            gone = vectors.scrub(self._folder)
        log.info("reference_scrubbed", files=gone)
        return gone

    def _build_aside(self) -> None:
        """Build in a thread of its own, unless somebody builds already or it went wrong just now: nobody on the telephone waits for it."""
        if not self._building.locked() and self._clock.now() >= self._rests_until:
            threading.Thread(target=self.keep_up, name="reference", daemon=True).start()

    def _current(self) -> VectorIndex | None:
        with self._lock:
            if not self._looked:
                self._looked = True
                try:
                    self._index = vectors.load(self._folder)
                except TandemError as error:
                    self._note(last_error=error.message)
            return self._index

    def _is_stale(self) -> bool:
        index = self._current()
        embedder = self._embedder() if self._mode == "live" else None
        engine = vectors.STUB if embedder is None else _name(embedder)
        return index is None or index.meta.engine != engine or index.meta.version != self.version(engine)

    def _shelf(self) -> Shelf:
        """The playbook and the manual, to be searched like knowledge."""
        rules = self._playbook()
        with self._lock:
            if self._beside is None or self._beside[0] != rules:
                cues, manual = playbook_passages(rules), manual_passages()
                told = hashlib.sha256(repr([(one.id, one.text) for one in cues]).encode()).hexdigest()
                self._beside = (rules, Shelf({PLAYBOOK: (told, cues), MANUAL: (str(len(manual)), manual)}))
            return self._beside[1]

    # Telling

    def state(self) -> ReferenceState:
        """Index and use, for the page and for whoever looks after the appliance."""
        index = self._current()
        with self._lock:
            told = self._told
        if index is None:
            return _with(told, kind="", stale=True)
        meta = index.meta
        return _with(told, kind=meta.kind, built_at=meta.built_at, version=meta.version, pieces=meta.pieces, stale=self._is_stale())

    def _tell(self, query: str, found: References) -> None:
        fell = found.code in (BUILDING, FAILED, NO_MATERIAL)
        with self._lock:
            told = self._told
            in_a_row = told.in_a_row + 1 if fell else 0
            self._note(
                requests=told.requests + 1, fallbacks=told.fallbacks + (found.code != ""), in_a_row=in_a_row, last_way=found.way,
                last_print=self.print_of(query), last_query="" if self._private else query,
            )  # fmt: skip
        if in_a_row == ALARM_AFTER:
            log.warning("reference_falls_back", code=found.code, times=in_a_row)

    def print_of(self, query: str) -> str:
        """The keyed print of what was searched for: the same words give the same print, and nobody can guess at them by it."""
        return hmac.new(self._key, query.casefold().encode(), hashlib.sha256).hexdigest()[:16]

    def _failed(self, error: TandemError) -> None:
        with self._lock:
            self._rests_until = self._clock.now() + REST_SECONDS
            self._note(last_error=error.message)

    def _note(self, **changes: object) -> None:
        self._told = _with(self._told, **changes)


def playbook_passages(rules: tuple[Rule, ...]) -> tuple[Passage, ...]:
    """The playbook's cues as passages."""
    return tuple(
        Passage(
            id=f"{PLAYBOOK}:{rule.id}:{code}", source=PLAYBOOK, language=code, text=text, title=rule.title[code],
            aliases=tuple(word.rstrip("*") for word in rule.words.get(code, ())),
        )
        for rule in rules
        for code, text in rule.text.items()
    )  # fmt: skip


def manual_passages() -> tuple[Passage, ...]:
    """This program's manual, section by section; ``place`` is the page."""
    found = []
    for code in LANGUAGES:
        for path in sorted((asset("web") / "help" / code).glob("*.md")):
            try:
                pieces = reading.read(path.name, path.read_bytes(), code).pieces
            except SourceUnreadable:
                continue
            for number, piece in enumerate(pieces):
                name = f"{MANUAL}:{path.stem}:{number}:{code}"
                found.append(Passage(id=name, source=MANUAL, language=code, text=piece.text, title=piece.title, place=path.stem))
    return tuple(found)


def _shown(found: "list[Found] | tuple[Found, ...]") -> tuple[Reference, ...]:
    return tuple(_reference(one) for one in found)


def _reference(found: Found) -> Reference:
    passage, kind, link = found.passage, _kind(found.passage), f"/knowledge/passage/{found.passage.id}"
    if kind != "knowledge":
        link = f"/help/{passage.place}" if kind == "manual" else ""
    title = passage.title or passage.key.replace("_", " ")
    shown = {"title": title, "text": passage.text, "link": link, "source": passage.source}
    return Reference(kind=kind, score=found.score, language=passage.language, **shown)


def _kind(passage: Passage) -> Literal["knowledge", "playbook", "manual"]:
    """Where a piece comes from. A source of the company's own may be called what it likes; its passages have ids of another shape."""
    if passage.source == MANUAL and passage.id.startswith(f"{MANUAL}:"):
        return "manual"
    return "playbook" if passage.source == PLAYBOOK and passage.id.startswith(f"{PLAYBOOK}:") else "knowledge"


def _name(embedder: Embedder) -> str:
    return f"{embedder.name} {embedder.version}"


def _with(state: ReferenceState, **changes: object) -> ReferenceState:
    return msgspec.structs.replace(state, **changes)
