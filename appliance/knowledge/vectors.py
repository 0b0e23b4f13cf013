"""An index of pieces by meaning: one vector each, kept on the disk with a meta file, searched by the cosine.

Whose vectors they are is no matter here: an embedder's, or those of ``stub_vectors``, which need no model, no network and no luck.
Plain Python goes through ten thousand pieces of 384 numbers in a tenth of a second, and needs nothing that is not there anyway.
"""

import json
import math
import zlib
from array import array
from collections.abc import Callable, Sequence
from operator import mul
from pathlib import Path

import msgspec

from appliance.ground.errors import KnowledgeError
from appliance.ground.files import write_atomically
from appliance.language.words import content_stems
from appliance.records.base import Record
from appliance.records.call import IndexKind
from appliance.records.knowledge import Found, Passage
from appliance.records.language import Code

FORMAT = 1
PIECES_MOST = 20_000
STUB = "stub 1"
_STUB_DIMENSIONS = 256
_INDEX, _META = "index", "meta.json"
_FILE_BYTES_MOST = 500_000_000


class Meta(Record):
    """What stands beside the index. ``engine`` made the vectors, ``version`` is the digest of what they were made of."""

    built_at: float
    version: str
    kind: IndexKind
    engine: str
    pieces: int
    dimensions: int
    format: int = FORMAT


class _Kept(Record):
    pieces: tuple[Passage, ...]
    vectors: bytes  # 32-bit floats, one piece after the other


class IndexUnreadable(KnowledgeError):
    """The reference index could not be read or written. The search goes on by words; building it anew mends it."""


class VectorIndex:
    """Pieces with their vectors; immutable."""

    def __init__(self, meta: Meta, pieces: Sequence[Passage], vectors: "array[float]") -> None:
        self.meta = meta
        self.pieces = tuple(pieces)
        self._vectors = vectors

    @classmethod
    def built(cls, pieces: Sequence[Passage], vectors: Sequence[Sequence[float]], meta: Meta) -> "VectorIndex":
        """The index of these pieces, each with its vector; vectors are brought to length one."""
        flat = array("f")
        for vector in vectors:
            flat.extend(_unit(vector))
        return cls(meta, pieces, flat)

    def search(self, vector: Sequence[float], language: Code, limit: int, least: float = 0.2) -> tuple[Found, ...]:
        """The pieces of the language whose cosine with the vector is ``least`` or more, best first."""
        width, wanted = self.meta.dimensions, array("f", _unit(vector))
        scored = [
            (sum(map(mul, self._vectors[at * width : (at + 1) * width], wanted)), at)
            for at, piece in enumerate(self.pieces)
            if piece.language == language
        ]
        best = sorted((one for one in scored if one[0] >= least), key=lambda one: (-one[0], one[1]))[:limit]
        return tuple(Found(passage=self.pieces[at], score=min(1.0, round(score, 4))) for score, at in best)

    def save(self, folder: Path) -> None:
        """Write index and meta file, the index first: a meta file never tells of an index that is not there."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = _Kept(pieces=self.pieces, vectors=self._vectors.tobytes())
            write_atomically(folder / _INDEX, msgspec.msgpack.encode(kept))
            write_atomically(folder / _META, json.dumps(msgspec.to_builtins(self.meta), indent=1).encode())
        except OSError as error:
            told = f"The reference index could not be written ({error.strerror})."
            raise IndexUnreadable(told, "Make room on the disk; the search goes on by words.") from error


def load(folder: Path) -> VectorIndex | None:
    """The index as it was kept; None when there is none. Raises :class:`IndexUnreadable` for one that cannot be used."""
    if not (folder / _META).exists():
        return None
    try:
        meta = msgspec.json.decode((folder / _META).read_bytes(), type=Meta)
        with (folder / _INDEX).open("rb") as file:
            kept = msgspec.msgpack.decode(file.read(_FILE_BYTES_MOST), type=_Kept)
        vectors = array("f")
        vectors.frombytes(kept.vectors)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise _unreadable(type(error).__name__) from error
    if meta.format != FORMAT or len(kept.pieces) != meta.pieces or len(vectors) != meta.pieces * meta.dimensions:
        raise _unreadable("its parts do not fit together")
    return VectorIndex(meta, kept.pieces, vectors)


def scrub(folder: Path) -> int:
    """Remove index and meta file; how many files went."""
    gone = 0
    for name in (_META, _INDEX):
        if (folder / name).exists():
            (folder / name).unlink()
            gone += 1
    return gone


def build(
    pieces: Sequence[Passage], version: str, now: float, kind: IndexKind, engine: str, embed: Callable[[Sequence[str]], list[list[float]]]
) -> VectorIndex:
    """Embed the pieces in lots and put them together; at most 20,000. Raises what ``embed`` raises."""
    taken, vectors = pieces[:PIECES_MOST], []
    for start in range(0, len(taken), 64):
        vectors += embed([text_of(piece) for piece in taken[start : start + 64]])
    width = len(vectors[0]) if vectors else 0
    meta = Meta(built_at=now, version=version, kind=kind, engine=engine, pieces=len(taken), dimensions=width)
    return VectorIndex.built(taken, vectors, meta)


def text_of(piece: Passage) -> str:
    """What of a piece is embedded."""
    return "\n".join(filter(None, (piece.title or piece.key, piece.text)))


def stub_vectors(texts: Sequence[str]) -> list[list[float]]:
    """Vectors by counting hashed stems: the same text gives the same vector on every machine, and like texts give like ones."""
    return [_stub_vector(text) for text in texts]


def _stub_vector(text: str) -> list[float]:
    vector = [0.0] * _STUB_DIMENSIONS
    for code in ("fi", "sv", "en"):
        for stem in content_stems(text, code):
            vector[zlib.crc32(stem.encode()) % _STUB_DIMENSIONS] += 1.0
    return vector


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(sum(map(mul, vector, vector)))
    return [value / length for value in vector] if length else list(vector)


def _unreadable(reason: str) -> IndexUnreadable:
    return IndexUnreadable(f"The reference index cannot be read ({reason}).", "Build it anew on the page of a call, under Reference.")
