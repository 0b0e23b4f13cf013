"""The real embedder: a sentence encoder by its card (MiniLM, or a multilingual one), run in a child process.

The child starts with the first text that is not remembered and ends when nobody has embedded for a while. What was embedded before is
given from memory, without the child.
"""

import threading
from array import array
from collections.abc import Iterator, Sequence

from appliance.engines import memory
from appliance.engines.cards import Card
from appliance.engines.child import Child, ChildLimits
from appliance.engines.embedder.embedder_child import Texts, Vectors
from appliance.engines.embedder.protocol import Embedder
from appliance.engines.embedder.remembered import Remembered
from appliance.engines.errors import EngineNonsense, EngineUnavailable
from appliance.engines.shelf import Shelf
from appliance.ground.clock import Clock
from appliance.records.base import Record

MODULE = "appliance.engines.embedder.embedder_child"
TEXTS_AT_ONCE = 512  # of one request to the child: beyond it nobody else would get a turn
SECONDS_AT_LEAST = 20.0
SECONDS_A_TEXT = 0.5
MEMORY_FACTOR = 3  # beyond so many times what the card says, something has gone wrong
_MEGABYTE = 1_000_000


class EmbedderOptions(Record):
    """As in ``[embedder]``: ``kind`` is none, stub, or a card's name."""

    kind: str = "none"
    threads: int = 0
    idle_seconds: float = 600.0
    cached: int = 10_000


class SentenceEmbedder:
    """One sentence encoder. Safe to ask from any thread."""

    def __init__(self, card: Card, options: EmbedderOptions, shelf: Shelf, clock: Clock) -> None:
        self.name = card.name
        self.dimensions = card.dimensions
        self.version = _version(shelf, card)
        self._card = card
        self._options = options
        self._shelf = shelf
        self._clock = clock
        self._remembered = Remembered(options.cached)
        self._child: Child | None = None
        self._making = threading.Lock()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text, in order. Raises ``ModelMissing`` with what brings it, and the errors of ``Child.ask``."""
        found = [self._remembered.get(text) for text in texts]
        missing = list(dict.fromkeys(text for text, vector in zip(texts, found, strict=True) if vector is None))
        fresh = dict(self._fresh(missing)) if missing else {}
        return [vector if vector is not None else fresh[text] for text, vector in zip(texts, found, strict=True)]

    def health(self) -> str:
        """Why it would not answer now, in words; "" when it would."""
        try:
            self._shelf.path_of(self.name)
        except EngineUnavailable as error:
            return error.message
        state = self._child.state() if self._child is not None else None
        return f"Its process ended: {state.last_error}" if state is not None and state.state == "failed" else ""

    def close(self) -> None:
        """End the child for good. A repeat does no harm."""
        if self._child is not None:
            self._child.close()

    def _fresh(self, texts: list[str]) -> Iterator[tuple[str, list[float]]]:
        child = self._started()
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            some = texts[start : start + TEXTS_AT_ONCE]
            answer = child.ask(Texts(texts=tuple(some)), Vectors, SECONDS_AT_LEAST + SECONDS_A_TEXT * len(some))
            for text, vector in zip(some, _rows(answer, len(some)), strict=True):
                self._remembered.put(text, vector)
                yield text, vector.tolist()

    def _started(self) -> Child:
        """The child, made anew where there is none; the model must be here, and fit into memory, before one is begun."""
        with self._making:
            return self._ready()

    def _ready(self) -> Child:
        if self._child is None or self._child.state().state in ("stopped", "failed"):
            folder = self._shelf.path_of(self.name)
            reason = memory.fits(self._card.memory_megabytes)
            if reason:
                raise EngineUnavailable(f"The embedder {self.name} cannot be loaded. {reason}", "Free some memory, or take a smaller one.")
            if self._child is None:
                options = self._options
                limits = ChildLimits(
                    memory_bytes=MEMORY_FACTOR * self._card.memory_megabytes * _MEGABYTE, idle_seconds=options.idle_seconds
                )
                self._child = Child("embedder", MODULE, (str(folder), str(options.threads), self._card.prefix), limits, self._clock)
                self.version = _version(self._shelf, self._card)
        return self._child


def _rows(answer: Vectors, texts: int) -> list["array[float]"]:
    if len(answer.rows) != texts * answer.dimensions * 4:
        raise EngineNonsense(f"The embedder gave {len(answer.rows)} bytes for {texts} texts.")
    size = answer.dimensions * 4
    return [array("f", answer.rows[start : start + size]) for start in range(0, len(answer.rows), size)]


def _version(shelf: Shelf, card: Card) -> str:
    """Of the weights that are here, since vectors of two versions must not be compared; "" while there are none."""
    record = shelf.record(card.name)
    weights = next((file.sha256 for file in record.files if file.name == "model.bin"), "") if record is not None else ""
    return weights[:12]


def _is_an_embedder(card: Card, shelf: Shelf, clock: Clock) -> Embedder:
    """For the type checker: this class is an embedder."""
    return SentenceEmbedder(card, EmbedderOptions(), shelf, clock)
