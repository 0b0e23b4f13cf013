"""The writer on any OpenAI-compatible server: Ollama, LM Studio, vLLM, a provider."""

from collections.abc import Callable

from appliance.engines.prompts import PromptBook
from appliance.engines.writer.model import Asking, ModelWriter
from appliance.engines.writer.raw import RawLimits, RemoteModel
from appliance.ground.clock import Clock


def make(
    url: str, model: str, prompts: PromptBook, asking: Asking, limits: RawLimits, clock: Clock,
    key: Callable[[], str] | None = None, authorities: str = "",
) -> ModelWriter:  # fmt: skip
    """Nobody is asked before the first request. ``key`` is called for each. Raises ``PromptNotReleased``."""
    return ModelWriter("openai", RemoteModel(url, model, limits, key, authorities), model, prompts, asking, clock)
