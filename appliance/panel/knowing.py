"""What the company knows as a person reads it: what changed in a text, what is wrong with a file, what the desk would answer."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from appliance.desk.reasons import sentence
from appliance.ground.errors import TandemError
from appliance.panel.short import short
from appliance.panel.troubles import Told
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.policy import Reason

_WORDS = re.compile(r"\s+|\S+")
_COMPARED_MOST = 1_000  # words of either text; longer ones are shown as other as a whole, for comparing costs their product


class Part(Record):
    """A piece of a text; ``other``: the other text does not have it here."""

    text: str
    other: bool = False


class Answered(Record):
    """What the desk would do with a question. ``passed`` and ``failed`` are its checks in words, ``cited`` passages by id and score."""

    outcome: str
    why: str
    language: str
    answer: str
    cited: tuple[tuple[str, str, float], ...] = ()
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def marked(before: str, after: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both texts in parts, so that the words that differ can be told from those that do not."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _COMPARED_MOST:
        return (Part(text=before, other=True),), (Part(text=after, other=True),)
    steps = _steps(old, new)
    return tuple(_parts(old, [(other, i, j) for other, i, j, _, _ in steps])), tuple(
        _parts(new, [(other, i, j) for other, _, _, i, j in steps])
    )


Step = tuple[bool, int, int, int, int]  # whether it differs, and from where to where in either text


def _steps(old: list[str], new: list[str]) -> list[Step]:
    """Neighbours that differ are one step, even with a white space between them that does not."""
    steps: list[Step] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        other = kind != "equal" or not "".join(old[i:j]).strip()
        if steps and steps[-1][0] == other:
            _, first_old, _, first_new, _ = steps.pop()
            steps.append((other, first_old, j, first_new, m))
        else:
            steps.append((other, i, j, k, m))
    return steps


def _parts(words: list[str], steps: list[tuple[bool, int, int]]) -> Iterator[Part]:
    return (Part(text="".join(words[start:end]), other=other) for other, start, end in steps if start < end)


def told(error: TandemError, name: str, voice: Voice) -> Told:
    """Why a file or a fact was not taken, in the reader's language where there are words for it."""
    gaps = {"name": name, **error.gaps}
    own = voice.told(f"problem.{error.code}.message", "", gaps)
    if own:
        return Told(reason=own, remedy=voice.told(f"problem.{error.code}.remedy", error.remedy, gaps), detail=str(error))
    what = voice.told(f"trouble.{error.code}.what", "", gaps)
    if what:
        return Told(reason=what, remedy=voice.told(f"trouble.{error.code}.remedy", error.remedy, gaps), detail=str(error))
    return Told(reason=error.message, remedy=error.remedy)


def answered(said: Mapping[str, Any], voice: Voice) -> Answered:
    """The answer of ``ask`` in words."""
    checks: Mapping[str, Mapping[str, Any]] = said.get("checks", {})
    return Answered(
        outcome=said["outcome"],
        why=_because(said, voice) or short(said["reason"], voice),
        language=said["language"],
        answer=said["answer"],
        cited=tuple((row["passage"], row["source"], row["score"]) for row in said["citations"]),
        passed=tuple(voice.known("check.passed", name) for name, check in checks.items() if check["passed"]),
        failed=tuple(
            _because(check, voice) or sentence(Reason(code="check_failed", names=(name,)), voice.code)
            for name, check in checks.items()
            if not check["passed"]
        ),
    )


def _because(said: Mapping[str, Any], voice: Voice) -> str:
    because = said.get("because")
    return sentence(msgspec.convert(because, Reason), voice.code) if because else ""


def source_address(source: str) -> str:
    """The page of a source. Whatever stands in a name stays one step of the path."""
    return f"/knowledge/source/{quote(source, safe='')}"


def passage_address(passage: str) -> str:
    """The page of a passage."""
    return f"/knowledge/passage/{quote(passage, safe='')}"
