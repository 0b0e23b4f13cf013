"""What goes wrong behind the door, as a client of OpenAI's is told it: with a status it acts on, and the field it is about.

Such clients try again by themselves on 409, 429 and from 500 up, unless ``x-should-retry`` says not to.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from appliance.engines.errors import ClipUnreadable, EngineBusy, EngineUnavailable
from appliance.ground.errors import EngineError, Refused, TandemError
from appliance.panel.problems import Problem

BUSY_SECONDS = 5
_NEVER_AGAIN = {"x-should-retry": "false"}


def unsupported(param: str, message: str, remedy: str = "See the help page api-clients for what is supported.") -> Problem:
    """The request asks for something that this door does not do, in this field of its body."""
    return Problem(400, "unsupported", message, remedy, param=param)


def invalid(param: str | None, message: str, remedy: str = "See the help page api-clients for what is supported.") -> Problem:
    """The request is not of the right form."""
    return Problem(400, "invalid", message, remedy, param=param)


def no_such_model(model: str) -> Problem:
    return Problem(404, "model_not_found", f"There is no model {model[:80]!r} here.", "GET /v1/models lists them.", param="model")


def busy(seconds: int = BUSY_SECONDS) -> Problem:
    """As many wait as may."""
    return Problem(
        429, "busy", "As many requests wait as may.", f"Try again in {seconds} seconds.", {"Retry-After": str(seconds)}
    )  # fmt: skip


def starting(message: str, seconds: int = BUSY_SECONDS) -> Problem:
    """What answers is not there yet, or not at the moment."""
    return Problem(503, "unavailable", message, f"Try again in {seconds} seconds.", {"Retry-After": str(seconds)})


def problem_of_engine(error: TandemError) -> Problem:
    """What an engine could not do."""
    if isinstance(error, Refused):
        return Problem(400, error.code, error.message, error.remedy)
    if isinstance(error, ClipUnreadable):
        return Problem(400, "clip_unreadable", error.message, error.remedy, param="file")
    if isinstance(error, EngineBusy):
        return busy(int(error.wait_seconds))
    if isinstance(error, EngineUnavailable):
        return Problem(503, "unavailable", error.message, error.remedy, dict(_NEVER_AGAIN))
    if isinstance(error, EngineError):
        return Problem(503, "unavailable", error.message, error.remedy, {"Retry-After": str(BUSY_SECONDS)})
    return Problem(503, "unavailable", error.message, error.remedy)


@contextmanager
def telling() -> Iterator[None]:
    """Whatever an engine cannot do inside becomes a problem."""
    try:
        yield
    except TandemError as error:
        raise problem_of_engine(error) from error
