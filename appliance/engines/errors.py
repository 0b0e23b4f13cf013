"""What can go wrong with an engine."""

from appliance.ground.errors import EngineError


class EngineTimeout(EngineError):
    """The engine did not answer within its time limit. The case goes to a person, or is tried again later."""


class EngineUnavailable(EngineError):
    """The engine is not running, or its model is not there. Help: models."""
