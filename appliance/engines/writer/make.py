"""Makes the writer that is configured, with those that stand in for it. Nothing heavy is started here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from appliance.engines import memory
from appliance.engines.prompts import PromptBook
from appliance.engines.shelf import Shelf
from appliance.engines.supervision import ChildLimits
from appliance.engines.words import Words
from appliance.engines.writer import mlx, openai
from appliance.engines.writer.chain import ChainWriter, Later
from appliance.engines.writer.grounded import GroundedWriter
from appliance.engines.writer.model import Asking
from appliance.engines.writer.protocol import Writer
from appliance.engines.writer.raw import RawLimits, default_model
from appliance.engines.writer.stub import StubWriter
from appliance.ground.clock import Clock

Kind = Literal["grounded", "quoting", "mlx", "openai", "stub"]
BUILT_IN = ("grounded", "stub")  # need no engine and cannot fail
MEMORY_SHARE = 0.75  # of the machine's memory, where no limit is set


@dataclass(frozen=True)
class WriterOptions:
    """What a writer may need. ``key`` reads the server's key; ``prompts`` is a folder of the company's own; times in seconds."""

    model: str = ""
    base_url: str = ""
    key: Callable[[], str] | None = None
    authorities: str = ""
    fallback: tuple[Kind, ...] = ("grounded",)
    timeout_seconds: float = 60.0
    start_seconds: float = 120.0
    idle_seconds: float = 900.0
    memory_bytes: int = 0
    at_once: int = 4
    waiting_most: int = 16
    temperature: float = 0.0
    answer_tokens: int = 800
    prompts: Path | None = None
    candidates: bool = False  # prompts that are not released may be used: for what is tried and never sent

    @property
    def asking(self) -> Asking:
        """How a model is asked."""
        return Asking(seconds=self.timeout_seconds, tokens=self.answer_tokens, temperature=self.temperature)

    @property
    def child_limits(self) -> ChildLimits:
        """What a model's process may take."""
        return ChildLimits(
            start_seconds=self.start_seconds,
            memory_bytes=self.memory_bytes or int(MEMORY_SHARE * memory.total_bytes()),
            idle_seconds=self.idle_seconds,
            waiting_most=self.waiting_most,
        )


def make_writer(kind: Kind, options: WriterOptions, words: Words, clock: Clock, shelf: Shelf) -> Writer:
    """The writer of this kind; one that needs a model comes with its fallbacks, each kind once."""
    if kind in BUILT_IN:
        return _make(kind, options, words, clock, shelf)
    kinds = dict.fromkeys((kind, *options.fallback))
    # A second kind gets its own model by its card: the name of the first one's means nothing to it.
    others = replace(options, model="", fallback=())
    return ChainWriter([_make(one, options if one == kind else others, words, clock, shelf) for one in kinds], clock)


def _make(kind: Kind, options: WriterOptions, words: Words, clock: Clock, shelf: Shelf) -> Writer:
    if kind == "grounded":
        return GroundedWriter(words)
    if kind == "stub":
        return StubWriter(words)
    return Later(kind, lambda: _with_model(kind, options, words, clock, shelf))


def _with_model(kind: Kind, options: WriterOptions, words: Words, clock: Clock, shelf: Shelf) -> Writer:
    prompts = PromptBook(options.prompts, candidates=options.candidates)
    if kind == "mlx":
        return mlx.make(options.model, shelf, prompts, options.asking, options.child_limits, options.at_once, clock)
    if kind == "openai":
        limits = RawLimits(at_once=options.at_once, waiting=options.waiting_most)
        return openai.make(
            options.base_url, options.model, prompts, options.asking, limits, clock, options.key, options.authorities
        )  # fmt: skip
    from appliance.engines.writer.quoting import QuotingWriter

    model = shelf.path_of(options.model or default_model(shelf))
    return QuotingWriter(words, model, prompts, options.child_limits, options.timeout_seconds, clock)
