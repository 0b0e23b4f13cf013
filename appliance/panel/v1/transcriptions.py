"""``/v1/audio/transcriptions``: the words of a clip, by this node's ear. The clip is not kept."""

import contextlib
from collections.abc import Callable
from typing import Any

from litestar.datastructures import FormMultiDict, UploadFile

from appliance.engines.errors import EngineMissing
from appliance.panel.doors.v1 import V1Door
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.guard import form_of
from appliance.panel.v1 import body, captions
from appliance.panel.v1.asking import Bench, nobody
from appliance.panel.v1.declared import EVENTS, JSON, asks
from appliance.panel.v1.failures import invalid, problem_of_engine, telling, unsupported
from appliance.panel.v1.fields import TICKS, TranscriptionRequest
from appliance.panel.v1.models import ANY_EAR, must_be
from appliance.panel.v1.stream import DONE, Answering, Gone, Line, patiently
from appliance.records.language import LANGUAGES
from appliance.records.person import Actor
from appliance.records.voice import Segment, Transcript

BODY_BYTES_MOST = 26 * 1024 * 1024  # a clip of 25 MB, and the form around it
GRANULARITIES = "timestamp_granularities[]"
PLAIN = "text/plain"
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")
_LISTS = (GRANULARITIES,)


def routes(panel: Panel) -> list[Any]:
    commands, bench = panel.commands, Bench("v1-hear", 1, 8)

    @asks(
        "/v1/audio/transcriptions", action="transcribe", summary="The words of a clip", body=TranscriptionRequest, form=True,
        answers=(JSON, EVENTS, PLAIN), request_max_body_size=BODY_BYTES_MOST,
    )  # fmt: skip
    async def transcriptions(request: Call) -> Answering:
        _must_be_form(request)
        form = await form_of(request)
        wish = read(form)
        must_hear(wish.model, commands)
        data, name = await clip_of(form)
        return Answering(Hearing(commands, bench, actor_of(request), wish, data, name).answer)

    @asks(
        "/v1/audio/translations", action="transcribe", summary="Not done here: refused in words", body=TranscriptionRequest, form=True,
        answers=(JSON,), request_max_body_size=BODY_BYTES_MOST, include_in_schema=False,
    )  # fmt: skip
    async def translations() -> Answering:
        raise unsupported("file", "A clip is not translated here.", "Ask for its words at /v1/audio/transcriptions.")

    return [transcriptions, translations]


def _must_be_form(request: Call) -> None:
    if request.content_type[0] != "multipart/form-data":
        raise invalid("file", "A clip is sent as multipart/form-data.", "Clients of OpenAI's do so by themselves.")


def read(form: FormMultiDict) -> TranscriptionRequest:
    """What counts of the form. Everything in a form is text, whatever it means."""
    given: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        values = [value for value in form.getall(name) if not isinstance(value, UploadFile)]
        if name != "file" and values:
            given[_LISTS[0] if name == "timestamp_granularities" else name] = _value(name, [str(value) for value in values])
    return body.read(given, TICKS["audio/transcriptions"], TranscriptionRequest)


def _value(name: str, values: list[str]) -> Any:
    if name.startswith("timestamp_granularities"):
        return [part for value in values for part in value.strip("[]").replace('"', "").split(",") if part]
    if name != "stream":
        return values[-1]
    said = values[-1].strip().lower()
    if said not in (*_TRUE, *_FALSE):
        raise invalid("stream", "The field stream is true or false.")
    return said in _TRUE


async def clip_of(form: FormMultiDict) -> tuple[bytes, str]:
    """The clip's bytes and its name."""
    files = [value for value in form.getall("file", []) if isinstance(value, UploadFile)]
    if len(files) != 1:
        raise invalid("file", "The form has no clip, or more than one.", "Send one file in the field file.")
    data = await files[0].read()
    if not data:
        raise invalid("file", "The clip is empty.", "Send one with sound in it.")
    return data, files[0].filename[:200]


def must_hear(model: str, commands: V1Door) -> None:
    """Raises a problem unless the model is this node's ear, under its own name or the one that many clients insist on."""
    known = commands.engine_names().ear
    if not known:
        raise problem_of_engine(EngineMissing("This node has no ear.", "Set voice.enabled; the help page api-clients says more."))
    if model != ANY_EAR:
        must_be(model, known, commands)


class Hearing:
    """One clip."""

    def __init__(self, commands: V1Door, bench: Bench, actor: Actor, wish: TranscriptionRequest, data: bytes, name: str) -> None:
        self._commands, self._bench, self._actor = commands, bench, actor
        self._wish, self._data, self._name = wish, data, name
        self._language = wish.language.lower()[:2]
        if wish.language and self._language not in LANGUAGES:
            raise unsupported("language", f"The language {wish.language!r} is not heard here.", f"There are {', '.join(LANGUAGES)}.")
        self._wants = wish.timestamp_granularities or ["segment"]
        if "word" in self._wants and wish.response_format != "verbose_json":
            raise unsupported(GRANULARITIES, "Times of words are told in verbose_json alone.", 'Set response_format to "verbose_json".')
        if wish.stream and wish.response_format not in ("json", "text"):
            raise unsupported("stream", f"A transcript in the shape {wish.response_format} is not streamed.", "Leave stream out.")

    async def answer(self, line: Line) -> None:
        if self._wish.stream:
            await self._streamed(line)
            return
        with telling():
            transcript = await self._bench.work(lambda _: self._hear(None), nobody)
        kind = self._wish.response_format
        if kind == "json":
            await line.whole({"text": transcript.text, "usage": captions.usage(transcript)})
        elif kind == "verbose_json":
            await line.whole(captions.verbose(transcript, self._wants))
        else:
            words = {"text": f"{transcript.text}\n", "srt": captions.srt(transcript), "vtt": captions.vtt(transcript)}[kind]
            await line.body(words.encode(), b"text/plain; charset=utf-8")

    async def _streamed(self, line: Line) -> None:
        """Each segment as it is believed, and then all of it."""

        async def tell(segment: Segment) -> None:
            first = not line.begun
            if first:
                await line.begin()
            await line.tell({"type": "transcript.text.delta", "delta": segment.text.strip() if first else f" {segment.text.strip()}"})

        with telling():
            transcript = await patiently(line, self._bench.work(self._hear, tell))
        if not line.begun:
            await line.begin()
        await line.tell({"type": "transcript.text.done", "text": transcript.text, "usage": captions.usage(transcript)})
        await line.pass_on(DONE)
        await line.end()

    def _hear(self, say: Callable[[Any], None] | None) -> Transcript:
        def tell(segment: Segment) -> None:
            with contextlib.suppress(Gone):  # the ear is in the middle of something: it is let to the end
                if say is not None:
                    say(segment)

        return self._commands.hear(
            self._actor, self._data, name=self._name, language=self._language, words="word" in self._wants, on_segment=tell
        )
