"""Runs the gate of the prompts: the sample company's knowledge, and this home's writer working from the prompts as they lie there."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.engines.prompts import Prompt, PromptBook
from appliance.engines.writer.make import Kind
from appliance.evals.prompt_gate import Gate, Probe, pass_through, probes
from appliance.ground.assets import asset
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.node.bare_desk import bare_desk
from appliance.node.demo import prepare
from appliance.node.writers import own_writer, writer_options
from appliance.settings.model import Settings
from appliance.settings.read import load

TASK_OF: dict[Kind, str] = {"mlx": "write", "openai": "write", "quoting": "quoting"}


def book(settings: Settings) -> PromptBook:
    """Every prompt of this home, released or not."""
    return PromptBook(settings.writer.prompts, candidates=True)


def unreleased(settings: Settings) -> tuple[Prompt, ...]:
    """What would go through the gate."""
    return tuple(prompt for prompt in book(settings).all() if not prompt.released)


def judges(kind: Kind, prompt: Prompt) -> bool:
    """Whether a writer of this kind works from that prompt, and so can show what it is worth."""
    return TASK_OF.get(kind) == prompt.task


def judge(
    settings: Settings,
    clock: Clock,
    kind: Kind | None = None,
    model: str = "",
    questions: tuple[Probe, ...] = (),
    tell: Callable[[int], None] = lambda _: None,
) -> Gate:
    """Ask the probes. ``kind`` and ``model`` in place of the configured ones. Raises ``Refused`` for a writer without a prompt."""
    kind = kind or settings.writer.kind
    if kind not in TASK_OF:
        raise Refused(
            f"The writer {kind} works from no prompt, so it cannot judge one.", "Name one that does: --writer mlx, openai or quoting."
        )
    # No fallback: another writer that answers instead would be judged in its place.
    options = replace(writer_options(settings), fallback=(), candidates=True)
    options = replace(options, model=model) if model else options
    with tempfile.TemporaryDirectory(prefix="tandem-gate-") as folder:
        prepare(Path(folder), asset("demo"))
        sample = load(home=Path(folder), environment={})
        with bare_desk(sample, clock, own_writer(settings, clock, kind, options)) as desk:
            return pass_through(desk, iter(questions or tuple(probes())), tell)
