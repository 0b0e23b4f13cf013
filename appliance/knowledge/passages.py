"""Pieces become passages: with ids that last, and a digest of what they say."""

import hashlib
from collections import Counter
from collections.abc import Iterable

from appliance.knowledge.pieces import Piece
from appliance.records.knowledge import Passage
from appliance.records.language import Code


def passages_of(pieces: Iterable[Piece], source: str, language: Code) -> tuple[Passage, ...]:
    """The passages in order. A keyed one is named by its key; another by its title and, without one, by its text.

    A row put in between moves no other row's id, so citations hold. What repeats is numbered.
    """
    seen: Counter[str] = Counter()
    found: list[Passage] = []
    for piece in pieces:
        name = piece.key or _print(piece.title or piece.text)
        seen[name] += 1
        repeated = f"~{seen[name]}" if seen[name] > 1 else ""
        digest = _print(f"{piece.title}\x1f{piece.text}\x1f{piece.aliases}")
        found.append(
            Passage(
                id=f"{source}/{name}{repeated}", source=source, language=language, text=piece.text, key=piece.key, title=piece.title,
                place=piece.place, aliases=piece.aliases, tags=piece.tags, digest=digest,
            )
        )  # fmt: skip
    return tuple(found)


def digest_of(content: bytes) -> str:
    """The digest of a source's bytes."""
    return hashlib.sha256(content).hexdigest()[:32]


def _print(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
