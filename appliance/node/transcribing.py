"""The loop that hears: take the oldest clip, listen, put down what was said. Of one shape with the others.

Two stages. The quick one's words are put down as soon as they are there; the final one's replace them. A stage that fails leaves the
other standing: without the quick one nothing is shown early, without the final one the quick one's words stand. Neither words nor
names of customers get into the log.
"""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from appliance.engines.ear.protocol import Ear, Hearing
from appliance.engines.errors import ClipUnreadable, EngineBusy, EngineUnavailable
from appliance.ground.clock import Clock
from appliance.ground.errors import EngineError, Refused, StoreError, TandemError
from appliance.ground.faults import reach
from appliance.ground.log import Log, Trouble
from appliance.node.loops import Intake
from appliance.node.roles import Standing
from appliance.node.transcripts import looked_at
from appliance.records.message import Arrival
from appliance.records.policy import Reason
from appliance.records.voice import Segment, Transcript
from appliance.settings.model import VoiceSettings
from appliance.store.clips import ToHear
from appliance.store.effects.desk import STOPPING
from appliance.store.errors import ClaimLost, SameAudio
from appliance.store.hearing import FAILED, OFF, UNREADABLE
from appliance.store.store import Store

log = Log("voice")

CLAIM_SECONDS = 120.0
BUSY_SECONDS = 2.0  # before an ear that had no room is asked again: each try stands in the journal
BACKLOG_FROM = 4  # clips that wait: more than three
STREAMING, FINAL = "streaming", "final"


class Pulse:
    """How the loop does: when it was last alive, what it did last. Its figures have one shape whatever happened."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.heartbeat_at = 0.0
        self.last_success_at = 0.0
        self.working = False
        self.last_error: TandemError | None = None
        self.stages: dict[str, dict[str, Any]] = {name: _stage() for name in (STREAMING, FINAL)}

    def beat(self) -> None:
        self.heartbeat_at = self._clock.now()

    def began(self, stage: str) -> None:
        self.stages[stage]["asked"] += 1
        self.working = True
        self.beat()

    def succeeded(self, stage: str) -> None:
        self.beat()
        self.stages[stage] |= {"condition": "ready", "last_success_at": self._clock.now(), "last_error": "", "cause": ""}
        self.last_success_at = self._clock.now()
        if stage == FINAL:
            self.last_error = None

    def failed(self, stage: str, error: TandemError) -> None:
        """What is wrong with one clip is not the ear's trouble."""
        self.beat()
        if isinstance(error, ClipUnreadable):
            return
        told = {"condition": "failed", "last_error": error.code or type(error).__name__, "cause": error.message}
        self.stages[stage] |= {**told, "failures": self.stages[stage]["failures"] + 1}
        self.last_error = error


def _stage() -> dict[str, Any]:
    return {"condition": "resting", "asked": 0, "failures": 0, "last_success_at": 0.0, "last_error": "", "cause": ""}


class Transcribing:
    """What hears the clips of one node. ``ear`` is asked for anew each time, for engines change while the node runs."""

    def __init__(
        self,
        agent: str,
        store: Store,
        ear: Callable[[], Ear | None],
        settings: VoiceSettings,
        languages: tuple[str, ...],
        standing: Standing,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._agent = agent
        self._store = store
        self._ear = ear
        self._settings = settings
        self._languages = languages
        self._standing = standing
        self._clock = clock
        self._stop = stop
        self._held: tuple[ToHear, float] | None = None
        self.backlog = Trouble(log, "backlog")
        self.pulse = Pulse(clock)

    @property
    def step_seconds(self) -> float:
        """How long one step may take by design: the longest clip through both stages."""
        return 2 * (60.0 + self._settings.clip_seconds * self._settings.timeout_factor)

    def step(self) -> bool:
        """Take the oldest clip, listen, put down what was said; whether there was one."""
        self.pulse.beat()
        if not self._standing.may_act():
            return False
        clip = self._store.clips.claim(self._agent, term=self._standing.term, seconds=CLAIM_SECONDS)
        self._look_at_backlog()
        if clip is None:
            return False
        reach("voice.after_claim")
        self._held = (clip, self._clock.elapsed())
        try:
            self._listen(clip)
        except ClaimLost:  # the case went on without it, or somebody else has the clip: whoever has it puts it down
            log.info("clip_claim_lost", case=clip.case)
        finally:
            self._held, self.pulse.working = None, False
        return True

    def _look_at_backlog(self) -> None:
        queue = self._store.clips.numbers(self._clock.now()).queue
        if queue >= BACKLOG_FROM:
            self.backlog.broke("More clips wait than three.", clips=queue)
        else:
            self.backlog.healed()

    def renew(self) -> None:
        """Asked now and then by the schedule: the claim goes on while the ear is at it."""
        held = self._held
        if held is None or self._clock.elapsed() - held[1] < CLAIM_SECONDS / 2:
            return
        self.pulse.beat()
        try:
            if self._store.clips.renew(held[0], self._agent, term=self._standing.term, seconds=CLAIM_SECONDS) and self._held is held:
                self._held = (held[0], self._clock.elapsed())
        except (StoreError, Refused) as error:  # it does not lead any more, or cannot write: the claim ends by itself
            log.info("clip_not_renewed", case=held[0].case, reason=type(error).__name__)

    # One clip

    def _listen(self, clip: ToHear) -> None:
        ear, term = self._ear(), self._standing.term
        if ear is None:
            self._store.clips.give_up(clip, Reason(code=OFF), term=term)
            return
        try:
            self._hear(ear, clip, term)
        except ClipUnreadable as error:
            self._store.clips.give_up(clip, Reason(code=UNREADABLE, names=_codes(error)), term=term)
            log.info("clip_unreadable", case=clip.case)
        except ClaimLost:
            raise
        except Exception as error:
            self._give_back(clip, error, term)
            if not isinstance(error, EngineBusy) and not self._stop.is_set():
                raise

    def _give_back(self, clip: ToHear, error: Exception, term: int) -> None:
        """Tried again; what is no fault of the ear's counts as no try."""
        blameless = isinstance(error, EngineBusy) or self._stop.is_set()
        self._store.clips.release(clip, Reason(code=STOPPING if blameless else FAILED, names=_codes(error)), term=term)
        if isinstance(error, EngineBusy):
            self._clock.wait(self._stop, BUSY_SECONDS)

    def _hear(self, ear: Ear, clip: ToHear, term: int) -> None:
        quick = clip.first or self._first(ear, clip, term)
        if not self._settings.final and quick is not None:
            self._put_down(clip, quick, term, last=True)
            return
        transcript = self._ask(ear, clip, FINAL)
        self._put_down(clip, transcript, term, last=True)

    def _first(self, ear: Ear, clip: ToHear, term: int) -> Transcript | None:
        """The quick stage's words, put down at once. When it fails, the final stage goes on without it."""
        if not self._settings.streaming:
            return None
        try:
            transcript = self._ask(ear, clip, STREAMING)
        except ClipUnreadable:
            raise
        except EngineError as error:
            log.warning("quick_stage_failed", case=clip.case, kind=type(error).__name__)
            return None
        if self._settings.final:
            self._put_down(clip, transcript, term, last=False)
        return transcript

    def _ask(self, ear: Ear, clip: ToHear, stage: str) -> Transcript:
        if self._stop.is_set():  # asked now, an ear that was taken away would be started once more
            raise EngineUnavailable("The appliance stops.", "The clip is heard after the next start.")
        self.pulse.began(stage)
        wanted = Hearing(data=clip.data, name=clip.name, language=clip.language, languages=self._languages, quick=stage == STREAMING)
        try:
            transcript = looked_at(ear.hear(wanted, self._hears))
        except TandemError as error:
            self.pulse.failed(stage, error)
            raise
        self.pulse.succeeded(stage)
        return msgspec.structs.replace(transcript, final=stage == FINAL)

    def _hears(self, _segment: Segment) -> None:
        self.pulse.beat()

    def _put_down(self, clip: ToHear, transcript: Transcript, term: int, *, last: bool) -> None:
        reach("voice.before_heard")
        state = self._store.clips.heard(clip, transcript, self._agent, last=last, term=term)
        reach("voice.after_heard")
        log.info(
            "clip_heard", case=clip.case, last=last, state=str(state), words=len(transcript.text.split()), seconds=transcript.seconds,
            took_seconds=transcript.took_seconds, confidence=transcript.confidence, language=transcript.language,
        )  # fmt: skip


def _codes(error: Exception) -> tuple[str, ...]:
    return (getattr(error, "code", "") or type(error).__name__,)


class ClipIntake(Intake):
    """The intake of a folder of clips: each is taken in by itself, so that one that was there before stands in nobody's way."""

    listens: Callable[[], bool] = staticmethod(lambda: True)

    def _take(self) -> bool:
        batch = self._inbox.take(None)
        for arrival in batch.arrivals:
            with self._standing.at_work():
                self._take_one(arrival)
        return bool(batch.more or batch.arrivals)

    def _take_one(self, arrival: Arrival) -> None:
        reach("voice.before_take")
        try:
            receipt = self._store.clips.take(arrival, again=False, listens=self.listens(), term=self._standing.term)
            log.info("clip_taken_in", case=receipt.case, known=receipt.known)
        except SameAudio as error:
            log.warning("clip_came_before", case=error.gaps["case"])
        reach("voice.after_take")
        self._inbox.done([arrival.origin])
