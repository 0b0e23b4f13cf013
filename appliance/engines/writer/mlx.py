"""The writer on this machine's own model: mlx-lm's server as a child process."""

from appliance.engines.prompts import PromptBook
from appliance.engines.shelf import Shelf
from appliance.engines.supervision import ChildLimits
from appliance.engines.writer.model import Asking, ModelWriter
from appliance.engines.writer.raw import MlxModel
from appliance.ground.clock import Clock


def make(
    model: str, shelf: Shelf, prompts: PromptBook, asking: Asking, limits: ChildLimits, at_once: int, clock: Clock
) -> ModelWriter:  # fmt: skip
    """Nothing is loaded before the first request. Raises ``PromptNotReleased``."""
    return ModelWriter("mlx", MlxModel(model, shelf, limits, at_once, clock), model, prompts, asking, clock)
