"""The stub twin: no model, only which word beginnings occur how often, spread over a vector by their digests.

Two texts are near when they use the same words, and for no other reason: it knows no meaning, no synonyms and no languages. For tests,
and for trying the door's embeddings without a model.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence

from appliance.engines.embedder.protocol import Embedder

DIMENSIONS = 256
STEM_LETTERS = 5  # of a word: its endings vary in Finnish and Swedish, its beginning hardly
_WORD = re.compile(r"\w+")


class StubEmbedder:
    """Deterministic: the same text gives the same vector on every machine."""

    name = "stub"
    version = "1"
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length one a text."""
        return [_vector(text) for text in texts]

    def health(self) -> str:
        """Nothing can be wrong with it."""
        return ""

    def close(self) -> None:
        """There is nothing to let go of."""


def _vector(text: str) -> list[float]:
    vector = [0.0] * DIMENSIONS
    stems = Counter(word[:STEM_LETTERS] for word in _WORD.findall(text.casefold()))
    for stem, times in stems.items():
        digest = hashlib.blake2b(stem.encode(), digest_size=4).digest()
        vector[digest[0] % DIMENSIONS] += math.sqrt(times) * (1.0 if digest[1] & 1 else -1.0)
        vector[(digest[2] + 128) % DIMENSIONS] += math.sqrt(times) * (1.0 if digest[3] & 1 else -1.0)
    length = math.sqrt(sum(value * value for value in vector))
    if not length:  # a text without words is still a text
        return [1.0, *vector[1:]]
    return [value / length for value in vector]


def _is_an_embedder() -> Embedder:
    """For the type checker: this class is an embedder."""
    return StubEmbedder()
