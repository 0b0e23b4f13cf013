"""From what is configured to an embedder. Nothing heavy is started here, and a model that is missing is told with the first text."""

from appliance.engines.embedder.protocol import Embedder
from appliance.engines.embedder.sentence import EmbedderOptions, SentenceEmbedder
from appliance.engines.embedder.stub import StubEmbedder
from appliance.engines.errors import ModelMissing
from appliance.engines.shelf import Shelf
from appliance.ground.clock import Clock

__all__ = ["EmbedderOptions", "make_embedder"]


def make_embedder(options: EmbedderOptions, clock: Clock, shelf: Shelf) -> Embedder | None:
    """The embedder that is wished, None for none. Raises ``ModelMissing`` for a name that no embedder's card has."""
    if options.kind == "none":
        return None
    if options.kind == "stub":
        return StubEmbedder()
    card = shelf.card(options.kind)
    if card is None or card.task != "embedder":
        known = ", ".join(sorted(one.name for one in shelf.cards().values() if one.task == "embedder"))
        raise ModelMissing(f"There is no embedder {options.kind}.", f"[embedder] kind is none, stub, or one of: {known}")
    return SentenceEmbedder(card, options, shelf, clock)
