"""Subjects of replies and forwards, without a growing row of prefixes.

Finnish and Swedish mail programs write ``Vs:`` and ``Sv:`` where others write ``Re:``, so a thread that wanders between them
gathers ``Re: Vs: Re: Sv:``. All of them mean the same and one of them is enough.
"""

import re

from appliance.channels.mail.header_lines import clean

_COUNT = r"(?:\[\d+\]|\(\d+\)|\^\d+)?"
_REPLY = re.compile(rf"(?:(?:re|vs|sv|aw|antw){_COUNT}\s*[:：]\s*)+", re.IGNORECASE)
_ANY = re.compile(rf"(?:(?:re|vs|sv|aw|antw|fwd?|vl|vb|wg){_COUNT}\s*[:：]\s*)+", re.IGNORECASE)
_DRAFT = {"fi": "Luonnos", "sv": "Utkast", "en": "Draft"}


def reply_subject(subject: str) -> str:
    """``Re:`` and what the customer wrote; one prefix, however many there were."""
    text = clean(subject)
    return f"Re: {text[_prefix(_REPLY, text) :]}".rstrip()


def forward_subject(subject: str) -> str:
    return f"Fwd: {topic(subject)}".rstrip()


def draft_subject(subject: str, language: str) -> str:
    return f"{_DRAFT.get(language, _DRAFT['en'])}: {reply_subject(subject)}"


def topic(subject: str) -> str:
    """What a conversation is about: the subject without any prefix."""
    text = clean(subject)
    return text[_prefix(_ANY, text) :]


def _prefix(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0
