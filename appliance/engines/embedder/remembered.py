"""Vectors that were asked for before, by the digest of their text: bounded, in memory, the longest unused going first."""

import hashlib
import threading
from array import array
from collections import OrderedDict


class Remembered:
    """At most ``most`` vectors. Safe to use from any thread; the texts themselves are not kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._vectors: OrderedDict[bytes, array[float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, text: str) -> list[float] | None:
        """The vector of this text; None when it is not remembered."""
        key = digest(text)
        with self._lock:
            found = self._vectors.get(key)
            if found is not None:
                self._vectors.move_to_end(key)
        return None if found is None else found.tolist()

    def put(self, text: str, vector: "array[float]") -> None:
        """Remember it."""
        if not self._most:
            return
        with self._lock:
            self._vectors[digest(text)] = vector
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)


def digest(text: str) -> bytes:
    """Of a text; two texts with the same one do not occur."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
