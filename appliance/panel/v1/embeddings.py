"""``/v1/embeddings``: texts as vectors, by this node's own embedder."""

import struct
from base64 import b64encode
from typing import Any

from appliance.engines.errors import EngineMissing
from appliance.panel.doors.v1 import V1Door
from appliance.panel.frame import Call, Panel
from appliance.panel.v1 import body
from appliance.panel.v1.asking import Bench, nobody
from appliance.panel.v1.declared import JSON, asks
from appliance.panel.v1.failures import problem_of_engine, telling, unsupported
from appliance.panel.v1.fields import TICKS, EmbeddingRequest
from appliance.panel.v1.models import must_be
from appliance.panel.v1.stream import Answering, Line
from appliance.records.asking import Embedded

BODY_BYTES_MOST = 8 * 1024 * 1024


def routes(panel: Panel) -> list[Any]:
    commands, bench = panel.commands, Bench("v1-embed", 1, 32)

    @asks(
        "/v1/embeddings", action="embed", summary="Texts as vectors", body=EmbeddingRequest, answers=(JSON,),
        request_max_body_size=BODY_BYTES_MOST,
    )  # fmt: skip
    async def embeddings(request: Call) -> Answering:
        given = body.mapping_of(await request.body())
        must_be_texts(given.get("input"))
        wish = body.read(given, TICKS["embeddings"], EmbeddingRequest)
        must_have_one(wish.model, commands)
        texts = [wish.input] if isinstance(wish.input, str) else wish.input

        async def work(line: Line) -> None:
            with telling():
                found = await bench.work(lambda _: commands.embed(texts), nobody)
            await line.whole(listed(found, wish))

        return Answering(work)

    return [embeddings]


def must_have_one(model: str, commands: V1Door) -> None:
    """Raises a problem unless the model is this node's embedder."""
    known = commands.engine_names().embedder
    if not known:
        raise problem_of_engine(EngineMissing("This node has no embedder.", "Set embedder.kind; the help page api-clients says more."))
    must_be(model, known, commands)


def must_be_texts(given: Any) -> None:
    """Raises a problem in words for tokens, which some clients send where others send texts."""
    inside = [each for one in given for each in (one if isinstance(one, list) else [one])] if isinstance(given, list) else [given]
    if any(isinstance(one, int | float) for one in inside):
        raise unsupported("input", "Tokens cannot be taken: the embedder here has its own.", "Send texts.")


def listed(found: Embedded, wish: EmbeddingRequest) -> dict[str, Any]:
    """The vectors as they were asked for."""
    dimensions = len(found.vectors[0])
    if wish.dimensions not in (None, dimensions):
        raise unsupported("dimensions", f"The model {found.model} has {dimensions} dimensions and no others.")
    encode = _packed if wish.encoding_format == "base64" else list
    data = [{"object": "embedding", "index": number, "embedding": encode(vector)} for number, vector in enumerate(found.vectors)]
    return {
        "object": "list",
        "data": data,
        "model": found.model,
        "usage": {"prompt_tokens": found.tokens, "total_tokens": found.tokens},
    }


def _packed(vector: list[float]) -> str:
    """As clients ask for it unless told otherwise: 32-bit floats, little end first, in base64."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
