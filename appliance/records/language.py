"""Which language a text is in, and how sure we are."""

from typing import Literal

from appliance.records.base import Record

Code = Literal["fi", "sv", "en"]
LANGUAGES: tuple[Code, ...] = ("fi", "sv", "en")

Source = Literal["text", "domain", "text+domain", "default"]


class Language(Record):
    """A detected language.

    ``code`` is "" when the detector abstains. ``source`` says what the finding rests on: the text itself, the suffix of
    the sender's domain, both, or nothing but the company's first language. ``confidence`` is 0 to 1.
    """

    code: Code | Literal[""] = ""
    source: Source = "default"
    confidence: float = 0.0
