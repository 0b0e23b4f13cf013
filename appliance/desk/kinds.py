"""What kind of thing is asked for, where the question's words say it, and whether a passage has one of that kind at all.

"How long may I park in front of the shop?" shares every word with a passage that says where one may park, and that parking is free.
What it asks for is a time, and the passage has none: whatever else fits, it is no answer. Only kinds that are plain in both are
looked at; for any other question every passage will do. That a passage has a time does not mean that it is the time of what was
asked: this can only say no.
"""

from collections.abc import Callable

from appliance.engines import lexicon
from appliance.language.words import numbers, tokens
from appliance.records.language import Code

_TIMES_AND_LENGTHS = frozenset(
    ("second", "minute", "hour", "day", "business-day", "week", "month", "year", "mm", "cm", "m", "km")
)  # "how long" asks for either
_NO_COUNTS = ("EUR", "SEK", "USD", "GBP", "NOK", "DKK", "%")


def has_the_kind(question: str, text: str, code: Code) -> bool:
    """Does the text have a thing of the kind that the question asks for? Yes, where the question asks for no kind."""
    asked = _padded(question)
    lists = lexicon.lists("kinds", code)
    return all(has(text, code) for kind, has in _KINDS.items() if any(f" {phrase} " in asked for phrase in lists[kind]))


def _has_time_or_length(text: str, code: Code) -> bool:
    spoken = _padded(text)
    return any(_is_time_or_length(form) for form in numbers(text)) or any(
        f" {word} " in spoken for word in lexicon.lists("kinds", code)["lasting"]
    )


def _is_time_or_length(form: str) -> bool:
    """As :mod:`appliance.language.numbers` writes them: ``14 day``, ``09:00``, ``2026-05-01``."""
    return form.rpartition(" ")[2] in _TIMES_AND_LENGTHS or ":" in form or form.count("-") == 2


def _has_count(text: str, _: Code) -> bool:
    """A number that is neither money, a share, a time of day, a date nor a telephone number."""
    return any(not form.endswith(_NO_COUNTS) and not form.startswith("tel ") and not _is_moment(form) for form in numbers(text))


def _is_moment(form: str) -> bool:
    return ":" in form or form.count("-") == 2


def _padded(text: str) -> str:
    return f" {' '.join(tokens(text))} "


_KINDS: dict[str, Callable[[str, Code], bool]] = {"how_long": _has_time_or_length, "how_many": _has_count}
