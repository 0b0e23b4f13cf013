"""The writer that the settings ask for, on this machine alone."""

from appliance.care.models.place import shelf_of
from appliance.engines.writer.make import Kind, WriterOptions, make_writer
from appliance.engines.writer.protocol import Writer
from appliance.ground.clock import Clock
from appliance.language import words
from appliance.settings.model import Settings
from appliance.settings.secret import read_secret


def own_writer(settings: Settings, clock: Clock, kind: Kind | None = None, options: WriterOptions | None = None) -> Writer:
    """The writer of ``[writer]``, or another one beside it. Nothing is loaded yet; what is missing is said when it is asked."""
    return make_writer(kind or settings.writer.kind, options or writer_options(settings), words, clock, shelf_of(settings))


def writer_options(settings: Settings) -> WriterOptions:
    """What ``[writer]`` says, for whoever makes a writer of it or a candidate beside it."""
    writer = settings.writer
    key_file = writer.key_file
    return WriterOptions(
        model=writer.model,
        base_url=writer.base_url,
        key=(lambda: read_secret(key_file)) if key_file is not None else None,
        authorities=str(writer.authorities or ""),
        fallback=writer.fallback,
        timeout_seconds=writer.timeout_seconds,
        start_seconds=writer.start_seconds,
        idle_seconds=writer.idle_minutes * 60.0,
        memory_bytes=writer.memory_megabytes * 1_000_000,
        at_once=writer.at_once,
        waiting_most=writer.waiting_most,
        temperature=writer.temperature,
        answer_tokens=writer.answer_tokens,
        prompts=writer.prompts,
    )
