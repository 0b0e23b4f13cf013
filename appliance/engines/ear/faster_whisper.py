"""The real ear, from the daemon's side: two stages, each in a process of its own, started by the first clip.

The *final* stage is exact and takes its time. The *streaming* stage is quick and for somebody who waits: a smaller model if one is named,
one reading instead of several, only the last seconds of a recording. It may crash without harm: then it is off, and says so, and clips
are heard by the final stage alone.
"""

import importlib.metadata
import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from appliance.engines.child import Child, ChildLimits, ChildState
from appliance.engines.ear.asked import Asked, EarModel, Told
from appliance.engines.ear.options import EarOptions
from appliance.engines.ear.protocol import Ear, Hearing
from appliance.engines.ear.sound import checked
from appliance.engines.ear.stages import FINAL, STREAMING, Condition, Stage, Stages
from appliance.engines.errors import EngineDied, EngineMissing, EngineNonsense, EngineTimeout, EngineUnavailable, ModelMissing
from appliance.engines.memory import fits
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError
from appliance.ground.log import Log
from appliance.records.voice import Clip, Segment, Transcript

log = Log("engines.ear")

START_SECONDS = 30.0
SOUND_BYTES = 2_000_000_000  # beside the model: the longest clip, decoded, and what is worked on of it
LOAD_SECONDS = 180.0
QUICK_PAUSE_SECONDS = 900.0  # in which a quick stage that crashed is not asked again
DECODE_SECONDS_A_MEGABYTE = 2.0
FINAL_TEMPERATURES = (0.0, 0.2, 0.4)
QUICK_BEAM = 1
INSTALL = 'pip install "tandem-appliance[voice]"'
LanguageOf = Callable[[str], tuple[str, float]]
OnSegment = Callable[[Segment], None] | None
_CONDITIONS: dict[str, Condition] = {
    "stopped": "resting",
    "starting": "starting",
    "ready": "ready",
    "working": "working",
    "failed": "failed",
}


class _Card(Protocol):
    @property
    def memory_megabytes(self) -> int: ...


class ModelShelf(Protocol):
    """Where models lie: :class:`appliance.engines.shelf.Shelf`."""

    def path_of(self, name: str) -> Path: ...

    def card(self, name: str) -> _Card | None: ...


class _StageRun:
    """One stage's model and process. The process is made anew when the model's name leads to another folder."""

    def __init__(self, name: str, model: str, options: EarOptions, clock: Clock, shelf: ModelShelf | None) -> None:
        self.name = name
        self.model = model
        self._disabled_because, self._disabled_until = "", 0.0
        self._options = options
        self._clock = clock
        self._shelf = shelf
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._path = Path()
        self._closed = False

    @property
    def disabled_because(self) -> str:
        """Why it is not asked for now; "" when it is."""
        return self._disabled_because if self._clock.elapsed() < self._disabled_until else ""

    def disable(self, reason: str, seconds: float) -> None:
        self._disabled_because, self._disabled_until = reason, self._clock.elapsed() + seconds

    def ask(self, asked: Asked, seconds: float, on_partial: Callable[[Any], None] | None = None) -> Told:
        return self._up().ask(asked, Told, seconds, on_partial)

    def child_state(self) -> ChildState:
        child = self._child
        return child.state() if child is not None else ChildState(name=self.name)

    def stop(self) -> None:
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.stop()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self.stop()

    def tail(self) -> str:
        child = self._child
        return child.tail() if child is not None else ""

    def _up(self) -> Child:
        path = self.path()
        with self._lock:
            if self._closed:
                raise EngineUnavailable("The ear is not started any more: the appliance is stopping.")
            if self._child is None or self._path != path:
                if self._child is not None:
                    self._child.stop()
                self._child, self._path = self._made(path), path
            child = self._child
        if child.state().state in ("stopped", "failed"):
            self._fits()
        return child

    def path(self) -> Path:
        """The model's folder. Raises ``ModelMissing``."""
        if self._shelf is not None:
            return self._shelf.path_of(self.model)
        if Path(self.model).is_absolute() and Path(self.model).is_dir():
            return Path(self.model)
        raise ModelMissing(f"There is no ear model {self.model} on this machine.", f"Run: tandem models pull {self.model}")

    def _made(self, path: Path) -> Child:
        options = self._options
        wanted = EarModel(path=str(path), device=options.device, compute_type=options.compute_type, threads=options.threads)
        limits = ChildLimits(start_seconds=LOAD_SECONDS, idle_seconds=options.idle_seconds, memory_bytes=self._most_bytes(path))
        return Child(f"ear-{self.name}", "appliance.engines.ear.ear_child", [msgspec.json.encode(wanted).decode()], limits, self._clock)

    def _most_bytes(self, path: Path) -> int:
        """What the process may take: by the model's card, or by its files where it has none."""
        card = self._card()
        model = card.memory_megabytes * 1_000_000 if card is not None else 0
        return 4 * (model or sum(file.stat().st_size for file in path.glob("*") if file.is_file())) + SOUND_BYTES

    def _fits(self) -> None:
        card = self._card()
        reason = fits(card.memory_megabytes) if card is not None else ""
        if reason:
            raise EngineUnavailable(
                f"The ear's model {self.model} does not fit into memory. {reason}",
                "Name a smaller one in voice.model (tandem models list), or close other programs.",
            )

    def _card(self) -> _Card | None:
        return self._shelf.card(self.model) if self._shelf is not None else None


class FasterWhisperEar:
    """Whisper models through faster-whisper. Safe to ask from any thread; clips take turns, each stage by itself."""

    name = "faster_whisper"

    def __init__(self, options: EarOptions, clock: Clock, shelf: ModelShelf | None = None, language_of: LanguageOf | None = None) -> None:
        self._options = options
        self._language_of = language_of
        self._final = _StageRun(FINAL, options.final_model, options, clock, shelf)
        self._quick = _StageRun(STREAMING, options.quick_model, options, clock, shelf)
        self.version = _version()

    def look(self, data: bytes, name: str = "") -> Clip:
        """What a clip is: its true media type, length and channels. Raises ``ClipUnreadable`` or another ``EngineError``."""
        kind = checked(data, self._options.clip_bytes)
        _installed()
        stage = self._final if self._options.final else self._quick
        told = stage.ask(self._asked("look", Hearing(data=data)), self._decode_seconds(data))
        return msgspec.structs.replace(told.clip, name=name, media_type=told.clip.media_type or kind)

    def hear(self, hearing: Hearing, on_segment: OnSegment = None) -> Transcript:
        """The words. With the final stage off, or its model not there while the quick one's is, the quick stage's words, not final."""
        checked(hearing.data, self._options.clip_bytes)
        _installed()
        if hearing.quick:
            return self._hear_quickly(hearing, on_segment)
        if not self._options.final:
            return self._hear_quickly(hearing, on_segment)
        try:
            return self._hear_with(self._final, hearing, on_segment)
        except ModelMissing:
            if not self._quick_stands_in():
                raise
            return self._hear_quickly(hearing, on_segment)

    def stages(self) -> Stages:
        """How both stages are; always both, whatever happened."""
        return {
            STREAMING: _stage_of(self._quick, wanted=self._options.streaming),
            FINAL: _stage_of(self._final, wanted=self._options.final),
        }

    def turn_on_quick_stage(self) -> None:
        """Give the quick stage another chance at once after a crash."""
        self._quick.disable("", 0.0)

    def health(self) -> str:
        """ "" when it is well, else why it could hear nothing now, in words."""
        if importlib.util.find_spec("faster_whisper") is None:
            return "The ear's packages are not installed."
        run = self._final if self._options.final else self._quick
        try:
            run.path()
        except ModelMissing as error:
            return error.message
        state = run.child_state()
        return state.last_error if state.state == "failed" else self._quick.disabled_because

    def fault(self) -> EngineError | None:
        """What keeps it from hearing anything at all, before anybody asked: packages or a model that are not there. None for nothing."""
        try:
            _installed()
            (self._final if self._options.final else self._quick).path()
        except ModelMissing as error:
            return None if self._options.final and self._quick_stands_in() else error
        except EngineMissing as error:
            return error
        return None

    def tail(self) -> str:
        """The last lines that the processes wrote to their standard error, for the diagnosis."""
        return "\n".join(filter(None, (self._final.tail(), self._quick.tail())))

    def close(self) -> None:
        """End both processes for good. A repeat does no harm."""
        self._final.close()
        self._quick.close()

    def _hear_quickly(self, hearing: Hearing, on_segment: OnSegment) -> Transcript:
        stage = self._quick
        if not self._options.streaming:
            raise EngineUnavailable("The quick stage is off.", "Set voice.streaming = true, or wait for the final stage.")
        if stage.disabled_because:
            raise EngineUnavailable(
                f"The quick stage is off since it failed: {stage.disabled_because}",
                "The final stage goes on; this one is tried again in a while.",
            )
        try:
            heard = self._hear_with(stage, hearing, on_segment)
        except (EngineDied, EngineTimeout, EngineNonsense) as error:
            if self._final_is_there():  # where the quick stage is all there is, its process is started again like any other's
                stage.disable(error.message, QUICK_PAUSE_SECONDS)
                log.warning("quick_stage_disabled", reason=error.code)
            raise
        return msgspec.structs.replace(heard, final=False)

    def _hear_with(self, stage: _StageRun, hearing: Hearing, on_segment: OnSegment) -> Transcript:
        looked = stage.ask(self._asked("look", hearing), self._decode_seconds(hearing.data))
        length = min(looked.clip.seconds, hearing.last_seconds or looked.clip.seconds)
        asked = self._asked("hear", hearing, exact=stage is self._final)
        seconds = START_SECONDS + length * self._options.timeout_factor + self._decode_seconds(hearing.data)
        told = stage.ask(asked, seconds, None if on_segment is None else lambda part: on_segment(msgspec.convert(part, Segment)))
        heard = msgspec.structs.replace(told.transcript, ear=f"{self.name} {Path(stage.model).name} {self.version}".strip())
        if heard.text and not heard.language and self._language_of is not None:
            language, sure = self._language_of(heard.text)
            heard = msgspec.structs.replace(heard, language=language, language_confidence=round(sure, 3))
        return heard

    def _asked(self, task: Any, hearing: Hearing, exact: bool = False) -> Asked:
        return Asked(
            task=task,
            data=hearing.data,
            most_bytes=self._options.clip_bytes,
            most_seconds=self._options.clip_seconds,
            language=hearing.language,
            languages=hearing.languages or self._options.languages,
            words=hearing.words,
            last_seconds=hearing.last_seconds if hearing.quick else 0.0,
            beam_size=self._options.beam_size if exact else QUICK_BEAM,
            temperatures=FINAL_TEMPERATURES if exact else (0.0,),
        )

    def _decode_seconds(self, data: bytes) -> float:
        return START_SECONDS + len(data) / 1_000_000 * DECODE_SECONDS_A_MEGABYTE

    def _final_is_there(self) -> bool:
        if not self._options.final:
            return False
        try:
            self._final.path()
        except ModelMissing:
            return False
        return True

    def _quick_stands_in(self) -> bool:
        """Whether the quick stage has a model of its own, and it is there."""
        if not self._options.streaming or self._quick.model == self._final.model:
            return False
        try:
            self._quick.path()
        except ModelMissing:
            return False
        return True


def _installed() -> None:
    """Raises ``EngineMissing`` when the ear's packages are not there; looks without importing them."""
    if importlib.util.find_spec("faster_whisper") is None:
        raise EngineMissing("The ear's packages are not installed.", f"Install them: {INSTALL}")


def _version() -> str:
    try:
        return importlib.metadata.version("faster-whisper")
    except importlib.metadata.PackageNotFoundError:
        return ""


def _stage_of(run: _StageRun, wanted: bool) -> Stage:
    state = run.child_state()
    condition: Condition = "off" if not wanted else "disabled" if run.disabled_because else _CONDITIONS.get(state.state, "failed")
    return Stage(
        name=run.name,
        condition=condition,
        model=Path(run.model).name,
        pid=state.pid,
        heartbeat_at=state.heartbeat_at,
        last_success_at=state.last_success_at,
        waiting=state.waiting,
        asked=state.asked,
        failures=state.failures,
        memory_bytes=state.memory_bytes,
        last_error=state.last_error_code,
        cause=run.disabled_because or state.last_error,
    )


def _is_an_ear(options: EarOptions, clock: Clock) -> Ear:
    """For the type checker: this class is an ear."""
    return FasterWhisperEar(options, clock)
