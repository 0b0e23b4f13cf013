"""The engines of one node: which writer, ear and embedder the settings ask for, made once and closed with the node.

Nothing heavy is started by making them: an engine starts with its first request, the writer's model ahead of it by ``prepare``.
``writer`` and ``ear`` are what the desk and the transcribe loop use; in a pair the other node's stand behind them too, and ``lent`` is
what this node lends to the other one.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.care.models.place import shelf_of
from appliance.engines.child import ChildState
from appliance.engines.ear.protocol import Ear
from appliance.engines.embedder.make import EmbedderOptions, make_embedder
from appliance.engines.embedder.protocol import Embedder
from appliance.engines.errors import EngineUnavailable
from appliance.engines.writer.make import WriterOptions
from appliance.engines.writer.protocol import Writer
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError, TandemError
from appliance.ground.log import Log
from appliance.node.ears import ear_of
from appliance.node.peer_engines import OtherEngines, Shared, SharedEar, SharedWriter
from appliance.node.writers import own_writer, writer_options
from appliance.settings.model import Settings
from appliance.settings.network import host_of, is_loopback

log = Log("engines")

_NO_START = ("engine_missing", "engine_unavailable", "model_missing")
THEIR_SECONDS = 30.0  # beside what the engine itself may take, for the way there and back


@dataclass(frozen=True)
class Lent:
    """This machine's own engines, as the other node may use them."""

    writer: Writer
    ear: Ear | None


@dataclass
class Engines:
    """``ear`` and ``embedder`` are None where none is configured. ``raw`` is the language model itself, for the door's ``tandem-raw``.
    ``candidate`` is shadow mode's writer. ``other`` are the other node's engines, once there is one."""

    lent: Lent
    embedder: Embedder | None = None
    candidate: Writer | None = None
    writes_here: Shared = field(default_factory=lambda: Shared(1, lambda: None))
    hears_here: Shared = field(default_factory=lambda: Shared(1, lambda: None))
    shares_writer: bool = False
    shares_ear: bool = False
    other: OtherEngines | None = None

    def __post_init__(self) -> None:
        lent = self.lent
        self.writer: Writer = SharedWriter(lent.writer, self.writes_here) if self.shares_writer else lent.writer
        self.ear: Ear | None = SharedEar(lent.ear, self.hears_here) if self.shares_ear and lent.ear is not None else lent.ear

    @property
    def raw(self) -> Any:
        return getattr(self.lent.writer, "raw", None)

    def fault(self) -> TandemError | None:
        """What is wrong with the writer, though others may write in its stead; None when nothing is known to be."""
        look: Callable[[], str] | None = getattr(self.lent.writer, "health", None)
        reason = (look() if look is not None else "") or _could_not_start(self.lent.writer)
        return EngineUnavailable(reason, "Until it is well, the writers of writer.fallback write, or a person does.") if reason else None

    def ear_fault(self) -> TandemError | None:
        """What keeps this machine's ear from hearing anything, before anybody asked it; None when nothing is known to."""
        look: Callable[[], TandemError | None] | None = getattr(self.lent.ear, "fault", None)
        return look() if look is not None else None

    def prepare(self) -> None:
        """Load the writer's model ahead of the first case, in a thread of its own. What goes wrong is said by ``fault``."""
        if self.raw is not None:
            threading.Thread(target=self._prepare, name="prepare-model", daemon=True).start()

    def _prepare(self) -> None:
        with suppress(EngineError):  # it is told with the first case, and by the health page
            self.raw.ensure()
            log.info("model_prepared", writer=self.lent.writer.version)

    def close(self) -> None:
        """End every engine's process. A repeat does no harm."""
        for engine in (self.lent.writer, self.lent.ear, self.embedder, self.candidate, self.other):
            close: Callable[[], None] | None = getattr(engine, "close", None)
            if close is not None:
                close()


def _could_not_start(writer: Any) -> str:
    """Why the writer's process did not start when it was tried last; "" when it did. It is tried again with each case."""
    look: Callable[[], ChildState | None] | None = getattr(writer, "state", None)
    state = look() if look is not None else None
    if state is None or state.pid or state.last_error_code not in _NO_START or state.last_success_at > state.since:
        return ""
    return state.last_error


def make_engines(settings: Settings, clock: Clock) -> Engines:
    """The engines of these settings. Nothing heavy is started or imported."""
    options, shelf = writer_options(settings), shelf_of(settings)
    embedding = settings.embedder
    made: list[Engines] = []

    def other() -> OtherEngines | None:
        return made[0].other

    made.append(
        Engines(
            lent=Lent(own_writer(settings, clock), ear_of(settings, clock)),
            embedder=make_embedder(
                EmbedderOptions(
                    kind=embedding.kind, threads=embedding.threads, idle_seconds=embedding.idle_seconds, cached=embedding.cached
                ),
                clock,
                shelf,
            ),
            candidate=_candidate(settings, options, clock),
            writes_here=Shared(1 if settings.writer.kind == "quoting" else settings.writer.at_once, other),
            hears_here=Shared(1, other),
            shares_writer=_runs_here(settings),
            shares_ear=settings.voice.enabled and not settings.voice.mock,
        )
    )
    return made[0]


def their_seconds(settings: Settings) -> float:
    """How long the other node's engine is waited for."""
    return settings.writer.start_seconds + settings.writer.timeout_seconds + THEIR_SECONDS


def hearing_seconds(settings: Settings) -> float:
    """The same of a transcript: the longest clip there may be. A node that is gone is noticed by its line long before."""
    return THEIR_SECONDS + 2 * (60.0 + settings.voice.clip_seconds * settings.voice.timeout_factor)


def writing_seconds(settings: Settings) -> float:
    """How long one writing may take: each writer of the chain, a load of its model, and one more try."""
    writer = settings.writer
    return (1 + len(writer.fallback)) * (writer.start_seconds + 2 * writer.timeout_seconds)


def _runs_here(settings: Settings) -> bool:
    """Whether the writer's model runs on this machine, so that the other machine has one of its own."""
    writer = settings.writer
    return writer.kind in ("mlx", "quoting") or (writer.kind == "openai" and is_loopback(host_of(writer.base_url)))


def _candidate(settings: Settings, options: WriterOptions, clock: Clock) -> Writer | None:
    """Shadow mode's writer; None for none. Its prompts need no release, for nothing leaves by it, and nobody writes in its stead."""
    wished = settings.shadow
    if not wished.kind or not wished.per_day:
        return None
    elsewhere = wished.base_url not in ("", options.base_url)
    tried = replace(
        options,
        key=None if elsewhere else options.key,  # the key is the writer's server's, and nobody else's
        model=wished.model or options.model,
        base_url=wished.base_url or options.base_url,
        prompts=wished.prompts or options.prompts,
        fallback=(),
        candidates=True,
    )
    return own_writer(settings, clock, wished.kind, tried)
