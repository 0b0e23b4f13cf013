"""What was spoken: clips, and the words that the ear heard in them."""

from appliance.records.base import Record
from appliance.records.language import Code

UNHEARD = "unheard"


class Word(Record):
    """One word with its place in the clip, in seconds from the beginning. ``probability`` is the ear's own, 0 to 1."""

    text: str
    starts: float
    ends: float
    probability: float = 0.0


class Segment(Record):
    """A stretch of speech. ``speaker`` is the channel that it was heard on: 0 for the left or the only one, 1 for the right."""

    text: str
    starts: float
    ends: float
    speaker: int = 0
    confidence: float = 0.0
    words: tuple[Word, ...] = ()


class Transcript(Record):
    """What an ear made of a clip. ``text`` is the segments laid out for reading; "" when nobody spoke.

    ``seconds`` is the clip's length, ``speech_seconds`` how much of it is speech, ``took_seconds`` how long the ear needed.
    ``confidence`` is 0 to 1, None when there are no words. ``dropped`` counts what was heard and not believed, by the gate's code.
    ``final`` is False for the first, quick stage.
    """

    text: str = ""
    language: Code | str = ""
    language_confidence: float = 0.0
    segments: tuple[Segment, ...] = ()
    speakers: int = 1
    seconds: float = 0.0
    speech_seconds: float = 0.0
    took_seconds: float = 0.0
    confidence: float | None = None
    dropped: dict[str, int] = {}
    ear: str = ""  # its name, model and version: "faster_whisper tiny-test 1"
    final: bool = True


class Clip(Record):
    """A piece of sound that came in. ``media_type`` is what it really is, whatever it was called."""

    name: str
    media_type: str = ""
    size_bytes: int = 0
    seconds: float = 0.0
    channels: int = 1


class ClipMark(Record):
    """What the journal knows of a clip: which attachment of its message it is, and a print of its sound under the customer's key."""

    place: int
    print: str
    size_bytes: int


class Spoken(Record):
    """That an attachment of a message was heard, and its words stand in the message's text. ``confidence`` None: nobody spoke.

    ``final`` is False when only the quick stage's words are known.
    """

    place: int
    confidence: float | None = None
    language: str = ""
    final: bool = True


class HeardClip(Record):
    """A clip of a case as a person sees it. ``state``: ``waiting``, ``claimed`` (the ear is at it), ``heard`` or ``failed``.

    ``first`` is what the quick stage made of it, ``transcript`` what stands. ``trouble`` is the code of why it was not heard.
    ``waited_seconds`` went by between its coming in and its last change.
    """

    place: int
    name: str
    media_type: str = ""
    size_bytes: int = 0
    seconds: float = 0.0
    state: str = "waiting"
    attempts: int = 0
    transcript: Transcript | None = None
    first: Transcript | None = None
    trouble: str = ""
    waited_seconds: float = 0.0


class Caller(Record):
    """Who spoke, as far as it is known: words of the customer's, sealed like the others."""

    name: str = ""
    address: str = ""  # a mail address; a reply can only go there
    telephone: str = ""
    company: str = ""


NOBODY = Caller()
