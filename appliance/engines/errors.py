"""What can go wrong with an engine.

EngineError
├── EngineTimeout        it did not answer in time
├── EngineUnavailable    it is not running, or its model is not there
│   ├── ModelMissing     the weights are not on this machine
│   ├── KeyRefused       a server does not take our key
│   └── EngineMissing    the program's own part is not installed, or does not run on this machine
├── EngineBusy           as many wait for it as may
│   └── LimitReached     a server's own limit is used up
├── EngineDied           its process ended while it worked
├── EngineNonsense       what it answered is not what was asked for
├── ClipUnreadable       the clip is no sound that can be read
├── CardInvalid          a model's card cannot be used
└── PromptNotReleased    a prompt was changed and nobody let it through the gate
"""

from appliance.ground.errors import EngineError


class EngineTimeout(EngineError):
    """The engine did not answer within its time limit. The case goes to a person, or is tried again later."""

    code = "engine_timeout"


class EngineUnavailable(EngineError):
    """The engine is not running, or its model is not there. Help: models."""

    code = "engine_unavailable"


class ModelMissing(EngineUnavailable):
    """The model's files are not on this machine, or not all of them. ``tandem models pull`` or ``import`` brings them."""

    code = "model_missing"


class EngineMissing(EngineUnavailable):
    """The engine's own packages are not installed or do not run here. The message says which, the remedy what to install."""

    code = "engine_missing"


class KeyRefused(EngineUnavailable):
    """The server of the model does not take our key, or the key may not use the model."""

    code = "key_refused"


class EngineBusy(EngineError):
    """As many requests wait for the engine as may. ``wait_seconds``: when to come again."""

    code = "engine_busy"
    wait_seconds = 5.0


class LimitReached(EngineBusy):
    """The server of the model lets us ask no more for now: its limit of requests or of money is used up."""

    code = "limit_reached"


class EngineDied(EngineError):
    """The engine's process ended while it worked: killed, out of memory, or by a fault. It is started again on the next request."""

    code = "engine_died"


class EngineNonsense(EngineError):
    """What the engine answered is not what was asked for, and cannot be used."""

    code = "engine_nonsense"


class ClipUnreadable(EngineError):
    """The clip is empty, cut off, or no sound that can be read. Trying again does not help; the caller may send another."""

    code = "clip_unreadable"


class CardInvalid(EngineError):
    """A model's card cannot be used: the message names the file and the key, and no model is offered before it is mended."""


class PromptNotReleased(EngineError):
    """A prompt is not the one that was released, or cannot be read. No writer works from it. Help: prompts."""

    code = "prompt_not_released"
