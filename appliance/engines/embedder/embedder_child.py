"""The embedder's own process: ``python -m appliance.engines.embedder.embedder_child FOLDER THREADS PREFIX``.

It is a process of its own because the libraries and the model take 150 MB, which a node that embeds nothing now should not hold.
"""

import sys
from pathlib import Path
from typing import Any

from appliance.engines.child_side import serve
from appliance.engines.embedder.encoder import Encoder
from appliance.records.base import Record


class Texts(Record):
    """What is to be embedded."""

    texts: tuple[str, ...]


class Vectors(Record):
    """One row a text, in order: ``dimensions`` 32-bit floats each, in this machine's byte order."""

    rows: bytes
    dimensions: int


def main(arguments: list[str]) -> None:
    """Serve until the daemon is gone."""
    loaded: list[Encoder] = []

    def load() -> None:
        folder, threads, prefix = arguments
        loaded.append(Encoder(Path(folder), int(threads), prefix))

    def embed(request: Texts, _tell: Any) -> Vectors:
        vectors = loaded[0].embed(request.texts)
        return Vectors(rows=vectors.tobytes(), dimensions=loaded[0].dimensions)

    serve(embed, Texts, load)


if __name__ == "__main__":
    main(sys.argv[1:])
