"""Signs that a message talks to the machine and not to the company: the first line of defence, and not the last.

What is found only narrows: the case goes to a person. What is missed meets the rest of the desk, where no words of a customer
become words of a reply: a writer cites passages, and every sentence is held against them.

Two sorts of sign. *Words* in three languages, by kind (``override``, ``role``, ``reveal``, ``steer``, ``command``), from the
lexicons. *Structure*: markers of a chat format, code, encoded blobs, characters that no eye can see.
"""

import re
import tomllib
from functools import lru_cache

from appliance.policy import lexicon, normal
from appliance.policy.findings import Finding
from appliance.policy.terms import Matcher
from appliance.records.language import LANGUAGES, Code

KINDS = ("override", "role", "reveal", "steer", "command")

_ANY_CASE = re.IGNORECASE | re.MULTILINE
_STRUCTURE: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "chat_markup",  # the special tokens of chat models, and tags that imitate them
        re.compile(r"<\|\w+\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|prompt|instructions?|user_input|tool)>", _ANY_CASE),
    ),
    (
        "chat_markup",  # a line that begins as a speaker in a transcript
        re.compile(r"^\W{0,4}(?:system|assistant|developer|ai|bot|user|human|chatgpt|gpt)\s?(?:message|prompt)?\s?\W?:", _ANY_CASE),
    ),
    ("chat_markup", re.compile(r"^#{2,}\s*(?:instruction|system|response|prompt|input|ohje|järjestelmä)", _ANY_CASE)),
    ("chat_markup", re.compile(r"[%=*#-]{3,}\s*(?:END|BEGIN|START|STOP)\b[^\n]{0,40}", re.MULTILINE)),
    ("chat_markup", re.compile(r"\{\{?\s*(?:system|user|prompt|input)\b|\[(?:system|assistant|admin|override)\b[^\]]{0,40}\]", _ANY_CASE)),
    (
        "code",
        re.compile(r"```|^\s*(?:import \w+|from \w+ import|def \w+\(|#include\b|<script\b|SELECT .+ FROM )", _ANY_CASE),
    ),
    (
        "encoded",  # base64: long, of both cases and with digits; a link's path is not
        re.compile(r"(?<![\w/+.=-])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{60,}={0,2}(?![\w/+])"),
    ),
    (
        "encoded",  # escapes, binary and hexadecimal numbers in a row
        re.compile(
            r"(?:\\x[0-9a-fA-F]{2}){6,}|(?:\\u[0-9a-fA-F]{4}){4,}|(?:%[0-9a-fA-F]{2}){12,}"
            r"|(?<!\w)(?:[01]{8}\s){6,}|(?<![0-9a-fA-F-])[0-9a-fA-F]{64,}"
        ),
    ),
    ("hidden_text", re.compile(r"[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]")),
    ("hidden_text", re.compile(r"(?:\w[\u200b\u200c\u2060\ufeff\u00ad]+){3,}\w")),
)


@lru_cache(maxsize=1)
def _matcher() -> Matcher:
    """The words of all languages together, one topic a kind."""
    topics = []
    for kind in KINDS:
        parts = []
        for code in LANGUAGES:
            path = lexicon.folder() / code / "injection.toml"
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            parts.append(lexicon.from_table(tables.get(kind, {})))
        topics.append((kind, lexicon.merge(tuple(parts))))
    return Matcher(topics)


def find(text: str, language: Code | str = "") -> tuple[Finding, ...]:  # noqa: ARG001  every language is looked for in every text
    """Every sign in the text. ``language`` makes no difference: who wants to get past a filter writes in another one."""
    text = text[: normal.LONGEST_TEXT]
    words = tuple(Finding(kind=hit.topic, sign=hit.term) for hit in _matcher().find(text))
    shapes = (
        Finding(kind=kind, start=match.start(), end=match.end(), sign=kind)
        for kind, pattern in _STRUCTURE
        if (match := pattern.search(text)) is not None
    )
    return (*words, *shapes)
