"""What an embedder is given and what it gives back."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of length one, so that their dot product is their cosine."""

    name: str
    version: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector a text, in order. Raises ``EngineError`` when the engine cannot work."""
        ...

    def close(self) -> None:
        """Let go of the model. A repeat does no harm."""
        ...
