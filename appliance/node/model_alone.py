"""This home's language model by itself, and its writer with other prompts: for measuring and trying, beside a running daemon or without."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from appliance.care.models.place import shelf_of
from appliance.engines.errors import ModelMissing
from appliance.engines.writer.protocol import Writer
from appliance.engines.writer.raw import MlxModel, RawLimits, RawModel, RemoteModel, default_model
from appliance.ground.clock import Clock
from appliance.node.writers import own_writer, writer_options
from appliance.settings.model import Settings


@contextmanager
def model_alone(settings: Settings, model: str, clock: Clock) -> Iterator[tuple[RawModel, Path | None]]:
    """The model behind the configured writer, or the one named, and the folder it is loaded from (None: it runs elsewhere).

    Raises ``ModelMissing`` when the writer has none and none is named.
    """
    options = writer_options(settings)
    if settings.writer.kind == "openai" and not model:
        limits = RawLimits(at_once=options.at_once, waiting=options.waiting_most)
        yield RemoteModel(options.base_url, options.model, limits, options.key, options.authorities), None
        return
    if settings.writer.kind not in ("mlx", "quoting") and not model:
        reason = f"The writer {settings.writer.kind} has no language model."
        raise ModelMissing(reason, "Name one: tandem bench writer --model NAME; tandem models list shows which there are.")
    shelf = shelf_of(settings)
    name = model or options.model or default_model(shelf)
    folder = shelf.path_of(name)
    raw = MlxModel(name, shelf, options.child_limits, options.at_once, clock)
    try:
        yield raw, folder
    finally:
        raw.close()


def candidate_writer(settings: Settings, prompts: Path, clock: Clock) -> Writer:
    """The configured writer working from the prompts of another folder, released or not: for what is tried and never sent."""
    options = replace(writer_options(settings), prompts=prompts, candidates=True)
    return own_writer(settings, clock, options=options)
