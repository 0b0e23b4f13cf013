"""A mail as what it asks: greeting, thanks and closing put aside, and each thing asked on its own.

A part is one question or request, in the customer's own words. What only tells a story ("we are coming to Oulu next week") is
context: it is looked at when a part points to it ("what does *it* cost?") or says too little by itself.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from appliance.engines import lexicon
from appliance.language.words import content_stems, sentences, tokens
from appliance.records.language import Code
from appliance.records.message import Message

THIN = 3  # content words of a body; with fewer it says too little by itself
READ_AT_MOST = 40_000  # characters; twice what any policy allows (policy.format), so that a mail with more is held for its length
_CLOSING_LINES = 10  # a closing formula has at most so many lines below it: a name, a title, an address
_NAME_CHARACTERS = 200  # of a line that may be a name
_LOOKED_AT = 500  # characters of a long sentence that tell how it begins, and whether it has anything to say
_SUBJECT_CHARACTERS = 1_000
_SHORT_LINE = 7  # words of a line that may be a greeting or a closing and nothing else
_NAME_LINE = re.compile(r"^\W*(?:[^\W\d_][\w'’.-]*)(?:[ ,]+[^\W\d_][\w'’.-]*){0,3}\W*(?:\d{1,2}[A-Za-z])?\W*$")
_PREFIX = re.compile(r"^(?:(?:re|vs|sv|fwd?|vl|vb)\s*:\s*)+", re.IGNORECASE)
_JOINT = re.compile(r"(?:,\s*|\s)(?P<word>[^\W\d_]+)\s")
_CODE = re.compile(r"\b[A-ZÅÄÖ]{0,5}[-#]?\d{3,}\b")


@dataclass(frozen=True)
class Part:
    """One thing asked. ``context`` is what was said just before it; ``points`` tells that those words may help to understand it,
    ``refers`` that it cannot be understood without them ("what does *it* cost?"). ``asks``: it wants to know something, and not
    something done."""

    text: str
    context: str = ""
    points: bool = False
    refers: bool = False
    asks: bool = True


@dataclass(frozen=True)
class Reading:
    """A mail as it was read. ``words`` is how many words of substance its body has."""

    parts: tuple[Part, ...]
    body: str
    subject: str
    words: int
    points_to_attachment: bool = False

    @property
    def thin(self) -> bool:
        return self.words < THIN


def read(message: Message, code: Code) -> Reading:
    """What the message asks. Its subject helps where the body says little. Of a huge mail only the beginning is read."""
    body = _without_courtesy(message.text[:READ_AT_MOST], code)
    subject = _PREFIX.sub("", message.subject[:_SUBJECT_CHARACTERS]).strip()
    said = [sentence for sentence in sentences(body) if not _is_thanks(sentence, code)]
    words = len(content_stems(" ".join(said), code))
    parts = _parts(said, code)
    if words < THIN and subject and content_stems(subject, code):
        parts = _with_subject(parts, subject, code)
    attached = any(_mentions(sentence, "attachments", code) for sentence in said)
    return Reading(parts=tuple(parts), body=body, subject=subject, words=words, points_to_attachment=attached and not parts)


def shortened(reading: Reading, most: int) -> Reading:
    """The first so many parts: a person gets a start, and the case is held for its many questions anyway."""
    return replace(reading, parts=reading.parts[:most])


def _parts(said: list[str], code: Code) -> list[Part]:
    asked = [place for place, sentence in enumerate(said) if _asks(sentence, code)]
    wanted = frozenset(asked)
    asked = [place for place in asked if not _leads_to_question(place, wanted, said, code)]
    if not asked:
        whole = " ".join(said)
        return [Part(text=whole, asks=False)] if content_stems(whole, code) else []
    parts = []
    for place in asked:
        before = " ".join(said[max(0, place - 2) : place])
        for half in _halves(said[place], code):
            parts.append(_part(half, before, code))
            before = half
    return parts


def _part(text: str, before: str, code: Code) -> Part:
    if before and not content_stems(text, code):
        return Part(text=f"{before} {text}")
    return Part(text=text, context=before, points=_points(text, code), refers=_refers(text, code), asks=_wants_to_know(text, code))


def _leads_to_question(place: int, asked: frozenset[int], said: list[str], code: Code) -> bool:
    """ "I would need the receipt. Where do I get a copy?" is one matter: a request that the next question points back to."""
    following = place + 1
    return "?" not in said[place] and following in asked and "?" in said[following] and _points(said[following], code)


def _halves(sentence: str, code: Code) -> list[str]:
    """ "What does it cost, and when does it come?" asks two things: each half has a question word and something to ask about."""
    half, rest = _half(sentence, code)
    halves = [half]
    while rest is not None:
        half, rest = _half(rest, code)
        halves.append(half)
    return halves


def _half(sentence: str, code: Code) -> tuple[str, str | None]:
    """The first half and what is left; None when it asks one thing."""
    lists = lexicon.lists("question", code)
    for joint in _JOINT.finditer(sentence):
        if joint.group("word").lower() not in lists["joints"]:
            continue
        head, tail = sentence[: joint.start()].strip(" ,"), sentence[joint.end() :].strip()
        if not _begins(_first_words(tail, 3), lists["question_words"]):
            continue
        if content_stems(head[:_LOOKED_AT], code) and content_stems(tail[:_LOOKED_AT], code) and _asks(head, code):
            return f"{head}?", tail
    return sentence, None


def _first_words(sentence: str, count: int) -> str:
    return " ".join(tokens(sentence[:_LOOKED_AT])[:count])


def _with_subject(parts: list[Part], subject: str, code: Code) -> list[Part]:
    if not parts:
        return [Part(text=subject, asks=_wants_to_know(subject, code))]
    return [replace(part, context=f"{subject}. {part.context}".strip(), points=True) for part in parts]


def _asks(sentence: str, code: Code) -> bool:
    """Does it want something: an answer, or something done?"""
    return _wants_to_know(sentence, code) or _begins(_first_words(sentence, 6), lexicon.lists("question", code)["requests"])


def _wants_to_know(sentence: str, code: Code) -> bool:
    """A question mark, a question word at its head, or an asking phrase at its head."""
    if "?" in sentence:
        return True
    head = _first_words(sentence, 6)
    lists = lexicon.lists("question", code)
    return _begins(head, lists["question_words"]) or _begins(head, lists["asks"])


def _points(sentence: str, code: Code) -> bool:
    """Does it speak of something named before: by a pronoun, by beginning with "and", or by saying next to nothing itself?"""
    continuing = lexicon.lists("question", code)["continuing"]
    if _begins(_first_words(sentence, 3), continuing) or _refers(sentence, code):
        return True
    return len(content_stems(sentence, code)) < 2


def _refers(sentence: str, code: Code) -> bool:
    pointing = lexicon.lists("question", code)["pointing"]
    return any(word in pointing for word in tokens(sentence))


def _mentions(sentence: str, name: str, code: Code) -> bool:
    said = f" {' '.join(tokens(sentence))} "
    return any(f" {words} " in said for words in lexicon.lists("question", code)[name])


def _is_thanks(sentence: str, code: Code) -> bool:
    words = tokens(_CODE.sub("", sentence))
    return "?" not in sentence and len(words) <= 12 and _begins(" ".join(words), lexicon.lists("question", code)["thanks"])


def _begins(text: str, beginnings: tuple[str, ...]) -> bool:
    return any(text == words or text.startswith(f"{words} ") for words in beginnings)


def _without_courtesy(text: str, code: Code) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    lines = _without_greeting(lines, code)
    lines = _without_closing(lines, code)
    return "\n".join(lines).strip()


def _without_greeting(lines: list[str], code: Code) -> list[str]:
    """A first line that only greets goes whole; a greeting before a question on the same line goes alone."""
    while lines and not lines[0]:
        lines = lines[1:]
    if not lines:
        return lines
    found = _greeting(code).match(lines[0])
    if found is None:
        return lines
    rest = lines[0][found.end() :].strip(" ,!.:;–-")
    if rest and ("?" in rest or len(tokens(rest)) >= _SHORT_LINE):
        head, comma, tail = rest.partition(",")
        addressed = comma and len(tokens(head)) <= 5 and tail.strip() and "?" not in head and not _asks(head, code)
        return [tail.strip() if addressed else rest, *lines[1:]]
    return lines[1:]


@lru_cache(maxsize=3)
def _greeting(code: Code) -> re.Pattern[str]:
    words = sorted(lexicon.lists("question", code)["greetings"], key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


def _without_closing(lines: list[str], code: Code) -> list[str]:
    """From the closing formula on everything goes, unless something is asked below it; then the writer's name, when it stands alone."""
    closings = lexicon.lists("question", code)["closings"]
    end = len(lines)
    for place in range(max(1, end - 1 - _CLOSING_LINES), end):
        words = tokens(lines[place])
        formula = 0 < len(words) <= _SHORT_LINE and _begins(" ".join(words), closings)
        if formula and not any("?" in line for line in lines[place:]):
            end = place
            break
    while end and (not lines[end - 1] or (end > 1 and _is_name(lines[end - 1]))):
        end -= 1
    return lines[:end]


def _is_name(line: str) -> bool:
    """A line such as ``Matti Virtanen, Kuusamo`` or ``/Anna``: few words, each with a capital, no sentence."""
    if len(line) > _NAME_CHARACTERS or not _NAME_LINE.match(line) or line.endswith(("?", "!")):
        return False
    words = re.findall(r"[^\W\d_]+", line)
    return 0 < len(words) <= 4 and all(word[0].isupper() for word in words)
