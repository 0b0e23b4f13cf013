"""The language model itself: the OpenAI-compatible server behind a writer, for the writer and for the door's ``tandem-raw``."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from appliance.engines import memory
from appliance.engines.cards import Card
from appliance.engines.errors import EngineUnavailable, KeyRefused, ModelMissing
from appliance.engines.server_child import ServerChild
from appliance.engines.shelf import Shelf
from appliance.engines.supervision import ChildLimits, ChildState, Gate
from appliance.engines.writer.wire import Endpoint, endpoint_of
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError, TandemError
from appliance.records.base import Record

MLX_MODULE = "appliance.engines.writer.mlx_child"
ENSURE_SECONDS = 5.0
_HUB = ".hub"


class RawLimits(Record):
    """How many requests the model takes at once, and how many may wait."""

    at_once: int = 4
    waiting: int = 16


class RawModel(Protocol):
    """A server of a model, wherever it runs."""

    name: str
    limits: RawLimits

    def ensure(self) -> Endpoint:
        """Where it listens; it is started when it is ours and does not run. Raises an ``EngineError``."""
        ...

    def using(self, seconds: float) -> contextlib.AbstractContextManager[Endpoint]:
        """The same for the length of one request, within the limits. Raises ``EngineBusy`` and what ``ensure`` raises."""
        ...

    def health(self) -> str:
        """What is wrong with it; "" when nothing is known to be."""
        ...

    def close(self) -> None: ...


class RemoteModel:
    """A server of somebody else's: Ollama, LM Studio, vLLM, a provider. The key is read anew for each request."""

    def __init__(self, url: str, model: str, limits: RawLimits, key: Callable[[], str] | None = None, authorities: str = "") -> None:
        self.name = model
        self.limits = limits
        self._url = url
        self._key = key
        self._authorities = authorities
        self._gate = Gate("the model's server", limits.at_once, limits.waiting)

    def ensure(self) -> Endpoint:
        """Its address with the key. Raises ``KeyRefused`` when the key's file cannot be read."""
        try:
            key = self._key() if self._key is not None else ""
        except TandemError as error:
            raise KeyRefused(error.message, error.remedy) from error
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return endpoint_of(self._url, self.name, headers, self._authorities)

    @contextlib.contextmanager
    def using(self, seconds: float) -> Iterator[Endpoint]:
        """Its address for one request."""
        with self._gate.turn(seconds):
            yield self.ensure()

    def health(self) -> str:
        """Nothing is known before it is asked."""
        return ""

    def state(self) -> ChildState:
        """It is no process of ours."""
        return ChildState(name=self.name, state="ready", waiting=self._gate.waiting)

    def close(self) -> None:
        """There is nothing to close."""


class MlxModel:
    """mlx-lm's server as a child of ours. The model is looked for, and its memory asked for, when it is started and not before."""

    def __init__(self, model: str, shelf: Shelf, limits: ChildLimits, at_once: int, clock: Clock) -> None:
        self.name = model or "mlx"
        self.limits = RawLimits(at_once=at_once, waiting=limits.waiting_most)
        self._model = model
        self._shelf = shelf
        self._child_limits = limits
        self._clock = clock
        self._server: ServerChild | None = None
        self._lock = threading.Lock()

    def ensure(self) -> Endpoint:
        """Raises ``ModelMissing``, ``EngineMissing``, ``EngineUnavailable`` when there is too little memory, and what the child raises."""
        server = self._ready()
        return self._endpoint(server, server.ensure())

    @contextlib.contextmanager
    def using(self, seconds: float) -> Iterator[Endpoint]:
        """The endpoint for one request. An ``EngineError`` raised inside comes out as what really happened to the process."""
        server = self._ready()
        with server.using(seconds) as port:
            yield self._endpoint(server, port)

    def health(self) -> str:
        """What the last failure was while the process is not well, or that there is no model for one; "" when nothing is known."""
        state = self.state()
        if state.state == "failed":
            return state.last_error
        return self._missing() if self._server is None else ""

    def state(self) -> ChildState:
        """How the process is."""
        return self._server.state() if self._server is not None else ChildState(name=self.name)

    def tail(self) -> str:
        """The last lines of its standard error."""
        return self._server.tail() if self._server is not None else ""

    def close(self) -> None:
        """End the process. A repeat does no harm."""
        if self._server is not None:
            self._server.close()

    def _ready(self) -> ServerChild:
        """The server, found and fit to run. What stands against starting it is asked only when it does not run."""
        with self._lock:
            if self._server is not None and self._server.state().state in ("starting", "ready", "working"):
                return self._server
            folder, card = self._found()
            if card is not None and (wrong := memory.fits(card.memory_megabytes)):
                raise EngineUnavailable(f"The model {self.name} is not loaded. {wrong}", "Take a smaller model: tandem models list")
            if self._server is None:
                self._server = self._make(folder)
            return self._server

    def _found(self) -> tuple[Path, Card | None]:
        name = self._model or default_model(self._shelf)
        self.name = Path(name).name
        return self._shelf.path_of(name), self._shelf.card(name)

    def _missing(self) -> str:
        try:
            self._found()
        except EngineError as error:
            return error.message
        return ""

    def _make(self, folder: Path) -> ServerChild:
        hub = self._shelf.folder / _HUB
        with contextlib.suppress(OSError):
            hub.mkdir(parents=True, exist_ok=True)
        arguments: Sequence[str] = (str(folder), str(self.limits.at_once))
        extra = {"HF_HUB_CACHE": str(hub), "HF_HOME": str(hub)}
        return ServerChild(
            f"the model {self.name}", MLX_MODULE, arguments, self._child_limits, self._clock, extra, self.limits.at_once
        )  # fmt: skip

    def _endpoint(self, server: ServerChild, port: int) -> Endpoint:
        headers = {"Authorization": f"Bearer {server.key}"}
        return Endpoint(host="127.0.0.1", port=port, tls=False, path_prefix="/v1", model=self.name, headers=headers)


def default_model(shelf: Shelf) -> str:
    """The writer's model where none is named: one that is here, by its card. Raises ``ModelMissing``."""
    fitting = [card.name for card in shelf.cards().values() if card.task == "writer" and card.kind == "mlx"]
    here = next((name for name in fitting if shelf.has(name)), "")
    if not here:
        raise ModelMissing("No language model is on this machine.", "See which there are, and bring one: tandem models list")
    return here
