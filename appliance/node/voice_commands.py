"""What people and programs may do with clips of sound: bring them in, have them heard, look at what was heard, listen themselves."""

from collections.abc import Callable
from typing import Any

import msgspec

from appliance.channels.chat.arrivals import named
from appliance.channels.chat.replies import is_address
from appliance.channels.voice import arrivals
from appliance.engines.ear.protocol import Ear, Hearing
from appliance.ground.errors import Refused
from appliance.ground.ids import new_id
from appliance.node import days
from appliance.node.clip_pieces import PIECE_BYTES
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.topic import Topic
from appliance.node.transcribing import BACKLOG_FROM, FINAL, STREAMING
from appliance.records.language import LANGUAGES
from appliance.records.person import Actor
from appliance.records.voice import NOBODY, Caller, HeardClip, Segment, Transcript

FIELD_CHARACTERS = 200


class VoiceCommands(Topic):
    """The commands about clips."""

    # Bringing a clip in

    @command
    def take_clip(
        self, actor: Actor, name: str, data: bytes, caller: Caller = NOBODY, language: str = "", again: bool = False
    ) -> dict[str, Any]:
        """A clip becomes a case: ``case, known, earlier``. The same sound as before is refused with ``same_audio``, unless ``again``.

        A reply goes to the caller's mail address, as whoever brings the clip says it; without one a person has to call back.
        """
        self._allow(actor, "take_clip")
        self._must_fit(data, language)
        caller = _cleaned(caller)
        if self._node.pair is None or self._node.standing.may_act() or len(data) <= PIECE_BYTES:
            return self.take_whole_clip(actor, name, data, caller, language, again)
        upload = new_id("u")
        for start in range(0, len(data), PIECE_BYTES):
            self.take_piece(actor, upload, start, data[start : start + PIECE_BYTES])
        return self.take_pieced_clip(actor, upload, len(data), name, caller, language, again)

    @leads
    def take_whole_clip(self, actor: Actor, name: str, data: bytes, caller: Caller, language: str, again: bool) -> dict[str, Any]:
        """The same at the node that leads."""
        self._allow(actor, "take_clip")
        self._must_fit(data, language)
        node = self._node
        if not (node.standing.may_act() and node.store.switches().intake_enabled):
            raise Refused("Nothing is taken in at the moment.", "Try again later, or let an operator open intake.", code="intake_closed")
        arrival = arrivals.arrival(new_id("clip"), name, data, _cleaned(caller), node.clock.now(), language=language)
        receipt = node.store.clips.take(arrival, again=again, listens=node.settings.voice.enabled, term=node.term)
        return {"case": receipt.case, "known": receipt.known, "earlier": ""}

    @leads
    def take_piece(self, actor: Actor, upload: str, start: int, data: bytes) -> None:
        """Bytes of a clip that is too large to be handed over at once."""
        self._allow(actor, "take_clip")
        self._node.clip_pieces.add(upload, start, data, self._node.settings.voice.clip_bytes)

    @leads
    def take_pieced_clip(
        self, actor: Actor, upload: str, size: int, name: str, caller: Caller, language: str, again: bool
    ) -> dict[str, Any]:
        """The clip whose bytes came in pieces."""
        self._allow(actor, "take_clip")
        return self.take_whole_clip(actor, name, self._node.clip_pieces.take(upload, size), caller, language, again)

    def _must_fit(self, data: bytes, language: str) -> None:
        most = self._node.settings.voice.clip_bytes
        if not data:
            raise Refused("The clip is empty.", "Record it once more.", code="clip_empty")
        if len(data) > most:
            megabytes = f"{most / 1e6:g}"
            told = (f"The clip has more than {megabytes} MB.", "Send a shorter one, or raise voice.clip_bytes.")
            error = Refused(*told, code="clip_too_large")
            error.gaps = {"most": megabytes}
            raise error
        if language and language not in LANGUAGES:
            raise Refused(f"{language!r} is no language that is heard here.", f"Use one of {', '.join(LANGUAGES)}, or none.")

    # Hearing

    def hear(
        self,
        actor: Actor,
        data: bytes,
        name: str = "",
        language: str = "",
        words: bool = False,
        quick: bool = False,
        on_segment: Callable[[Segment], None] | None = None,
    ) -> Transcript:
        """What is said in a clip; nothing is kept. ``quick``: the first stage, for somebody who waits."""
        self._allow(actor, "transcribe")
        self._must_fit(data, language)
        spoken = tuple(self._node.settings.company.languages)
        wanted = Hearing(data=data, name=name, language=language, languages=spoken, words=words, quick=quick)
        return self._must_hear().hear(wanted, on_segment)

    def _must_hear(self) -> Ear:
        ear = self._node.ear()
        if ear is None:
            raise Refused("No ear is set up here.", "Set voice.enabled, and voice.mock for trying out.", code="ear_off")
        return ear

    @command
    @leads
    def hear_again(self, actor: Actor, case: str) -> str:
        """Have every clip of a case in review heard once more; the desk looks at it afterwards. Returns the state it came to."""
        self._allow(actor, "hear_again")
        if not self._node.settings.voice.enabled:
            raise Refused("No ear is set up here.", "Set voice.enabled, and voice.mock for trying out.", code="ear_off")
        return str(self._node.store.clips.hear_again(case, actor.name, term=self._node.term))

    # Looking

    @command
    @shown_by_leader
    def voice(self) -> dict[str, Any]:
        """The pipeline at a glance: whether it is on, its ear, its heart, its queue, what was heard today, and both stages."""
        node, settings = self._node, self._node.settings.voice
        pulse, ear = node.transcribing.pulse, node.ear() if settings.enabled else None
        numbers = node.store.clips.numbers(days.midnight(node.clock.now(), node.settings.panel.time_zone))
        fault = node.ear_fault()
        return {
            "enabled": settings.enabled,
            "mock": settings.mock,
            "ear": f"{ear.name} {ear.version}".strip() if ear is not None else "",
            "state": _state(settings.enabled, fault is not None, pulse.working),
            "heartbeat_at": pulse.heartbeat_at,
            "queue": numbers.queue,
            "oldest_seconds": numbers.oldest_seconds,
            "backlog": numbers.queue >= BACKLOG_FROM,
            "backlog_from": BACKLOG_FROM,
            "last_success_at": pulse.last_success_at,
            "last_error": "" if fault is None else fault.code or type(fault).__name__,
            "last_error_words": "" if fault is None else str(fault),
            "stages": self._stages(ear),
            "heard_today": numbers.heard,
            "failed_today": numbers.failed,
            "words_today": numbers.words,
            "seconds_today": numbers.seconds,
            "took_seconds_today": numbers.took_seconds,
            "confidence_today": numbers.confidence,
        }

    def _stages(self, ear: Ear | None) -> dict[str, Any]:
        """Each stage in one shape, with what the ear itself tells of it."""
        settings, stages = self._node.settings.voice, self._node.transcribing.pulse.stages
        told = getattr(ear, "stages", None)
        own = msgspec.to_builtins(told()) if told is not None else {}
        on = {STREAMING: settings.enabled and settings.streaming, FINAL: settings.enabled and settings.final}
        return {name: {**stages[name], **own.get(name, {}), "enabled": on[name]} for name in (STREAMING, FINAL)}

    @command
    def clips(self, case: str) -> list[HeardClip]:
        """The clips of a case with what was heard in them, in the order in which they came. Empty once its words are gone."""
        return self._node.store.clips.of_case(case)

    @command
    def clip_audio(self, actor: Actor, case: str, place: int) -> bytes:
        """The sound of a clip as it came."""
        self._allow(actor, "see_cases")
        return self._node.store.clips.audio(case, place)


def _state(enabled: bool, troubled: bool, working: bool) -> str:
    if not enabled:
        return "off"
    return "listening" if working else "troubled" if troubled else "ready"


def _cleaned(caller: Caller) -> Caller:
    """The caller in one line each. Refused for an address that is none."""
    address = caller.address.strip()
    if address and not is_address(address):
        raise Refused("The caller's mail address is none.", "Write it as name@example.com, or leave it out.", code="bad_address")
    name, telephone, company = (named(field[:FIELD_CHARACTERS]) for field in (caller.name, caller.telephone, caller.company))
    return Caller(name=name, address=address, telephone=telephone, company=company)
