"""The tick-list: of each operation, which fields count, which are taken and change nothing, and which are refused by name.

The help page ``api-clients`` shows this list, and a test holds the two together. A field that stands nowhere here is refused as well.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from appliance.records.base import Record
from appliance.records.language import Code

MESSAGES_MOST = 500
TEXTS_MOST = 512
TEXT_CHARACTERS_MOST = 32_000
TOKENS_MOST = 65_536

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(pattern=r"\S", max_length=TEXT_CHARACTERS_MOST)]
Json = dict[str, Any]


def _plain() -> Json:
    return {"type": "text"}


class Part(Record):
    """A piece of a message; only text is read."""

    type: Annotated[str, Meta(max_length=60)]
    text: str = ""


class ConversationTurn(Record):
    """One message. What a client adds to it besides (a name, what an earlier answer carried) is passed over."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(Record):
    include_usage: bool = False
    include_obfuscation: bool = False


class Wishes(Record, forbid_unknown_fields=True):
    """Our own extension of a request: the customer's language, where it is known. Without it, it is found out."""

    language: Code | None = None


class ChatRequest(Record, forbid_unknown_fields=True):
    """What counts of a request to the model ``tandem``."""

    model: Name
    messages: Annotated[list[ConversationTurn], Meta(min_length=1, max_length=MESSAGES_MOST)]
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    response_format: Json = msgspec.field(default_factory=_plain)
    tandem: Wishes = Wishes()


class RawChatRequest(Record, forbid_unknown_fields=True):
    """What counts of a request to the model ``tandem-raw``."""

    model: Name
    messages: Annotated[list[ConversationTurn], Meta(min_length=1, max_length=MESSAGES_MOST)]
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    response_format: Json = msgspec.field(default_factory=_plain)
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=TOKENS_MOST)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1, le=TOKENS_MOST)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None


class EmbeddingRequest(Record, forbid_unknown_fields=True):
    """What counts of a request for vectors."""

    model: Name
    input: Text | Annotated[list[Text], Meta(min_length=1, max_length=TEXTS_MOST)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class TextWish(Record):
    """How a response is to be written. ``verbosity`` changes nothing."""

    format: Json = msgspec.field(default_factory=_plain)
    verbosity: Any = None


class ResponseItem(Record):
    """One message of a response's input. ``type`` is ``message`` where it is said."""

    role: Literal["system", "developer", "user", "assistant"] = "user"
    content: str | list[Part] = ""
    type: str = "message"


class ResponseRequest(Record, forbid_unknown_fields=True):
    """What counts of a request for a response."""

    model: Name
    input: str | Annotated[list[ResponseItem], Meta(min_length=1, max_length=MESSAGES_MOST)]
    stream: bool = False
    text: TextWish = TextWish()
    metadata: dict[str, str] = {}
    tandem: Wishes = Wishes()


class TranscriptionRequest(Record, forbid_unknown_fields=True):
    """What counts of a form with a clip, beside its ``file``."""

    model: Name
    language: Annotated[str, Meta(max_length=20)] = ""
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    stream: bool = False
    timestamp_granularities: list[Literal["word", "segment"]] = msgspec.field(default_factory=list, name="timestamp_granularities[]")


class Fields(Record):
    """One operation's list. ``refused`` names each field with the values under which it asks for nothing and is let through."""

    takes: Any
    ignored: tuple[str, ...] = ()
    refused: dict[str, tuple[Any, ...]] = {}

    def counted(self) -> tuple[str, ...]:
        """The names of the fields that count."""
        return tuple(field.encode_name for field in msgspec.structs.fields(self.takes))


_PASSED_OVER = (
    "metadata", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "safety_identifier",
    "service_tier", "user", "verbosity",
)  # fmt: skip
_SAMPLING = ("frequency_penalty", "max_completion_tokens", "max_tokens", "presence_penalty", "seed", "temperature", "top_p")
_NO_CHAT: dict[str, tuple[Any, ...]] = {
    "audio": (), "function_call": ("none", "auto"), "functions": ([],), "logit_bias": ({},), "logprobs": (False,),
    "modalities": (["text"],), "n": (1,), "prediction": (), "store": (False,), "tool_choice": ("none", "auto"), "tools": ([],),
    "top_logprobs": (0,), "web_search_options": (),
}  # fmt: skip
_NO_RESPONSE: dict[str, tuple[Any, ...]] = {
    "background": (False,), "context_management": (), "conversation": (), "include": ([],), "max_tool_calls": (),
    "previous_response_id": (), "prompt": (), "store": (False,), "tool_choice": ("none", "auto"), "tools": ([],), "top_logprobs": (0,),
}  # fmt: skip

TICKS: dict[str, Fields] = {
    "chat/completions tandem": Fields(takes=ChatRequest, ignored=(*_PASSED_OVER, *_SAMPLING), refused={**_NO_CHAT, "stop": ([],)}),
    "chat/completions tandem-raw": Fields(takes=RawChatRequest, ignored=_PASSED_OVER, refused=_NO_CHAT),
    "responses": Fields(
        takes=ResponseRequest,
        ignored=(
            "instructions", "max_output_tokens", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "reasoning",
            "safety_identifier", "service_tier", "stream_options", "temperature", "top_p", "truncation", "user",
        ),
        refused=_NO_RESPONSE,
    ),
    "embeddings": Fields(takes=EmbeddingRequest, ignored=("user",)),
    "audio/transcriptions": Fields(
        takes=TranscriptionRequest,
        ignored=("prompt", "temperature"),
        refused={"chunking_strategy": ("auto",), "include[]": (), "known_speaker_names[]": (), "known_speaker_references[]": ()},
    ),
}  # fmt: skip
