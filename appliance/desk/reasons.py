"""Reason codes in words: one table for the panel, the command line, ``explain`` and the help.

A code with its numbers stands in the journal; the sentence is made when somebody reads it, in that person's language.
"""

import re
import tomllib
from functools import lru_cache

from appliance.ground.assets import asset
from appliance.records.language import LANGUAGES, Code
from appliance.records.policy import Reason

_GAP = re.compile(r"\{(\w+)\}")
_FORMS = re.compile(r"\{(\w+)\|([^|{}]*)\|([^|{}]*)\}")  # of a number's word: the one for 1, and the one for any other
_BRACKET = re.compile(r" ?\([^()]*\{\w+\}[^()]*\)")  # goes whole when a gap in it has no value
_UNKNOWN: dict[Code, str] = {"fi": "Syy: {code}.", "sv": "Orsak: {code}.", "en": "Reason: {code}."}


@lru_cache(maxsize=3)
def table(language: Code) -> dict[str, str]:
    """Every code with its sentence in one language."""
    path = asset("models") / "reasons" / f"{language}.toml"
    return {code: str(sentence) for code, sentence in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def _codes() -> frozenset[str]:
    return frozenset(table(LANGUAGES[0]))


CODES: frozenset[str] = _codes()
"""Every reason code that any room may use."""


def sentence(reason: Reason, language: Code) -> str:
    """The reason as a sentence with its numbers woven in. A code from another version is shown as it is."""
    text = table(language).get(reason.code)
    if text is None:
        return _UNKNOWN[language].format(code=reason.code)
    values = {name: _number(number, language) for name, number in reason.numbers.items()}
    values["names"] = ", ".join(_readable(name) for name in reason.names if name)
    for bracket in _BRACKET.findall(text):
        if any(not values.get(gap) for gap in _GAP.findall(bracket)):
            text = text.replace(bracket, "")
    text = _FORMS.sub(lambda forms: forms[2] if reason.numbers.get(forms[1]) == 1 else forms[3], text)
    return _GAP.sub(lambda gap: values.get(gap[1], ""), text).replace(": .", ".").replace("  ", " ")


def _readable(name: str) -> str:
    """A rule's name in plain words; of a lexicon's term with many alternatives only its beginning."""
    short = name if len(name) <= 40 else f"{name[:40].rpartition(' ')[0] or name[:40]} …"
    return short.replace("_", " ")


def _number(value: float, language: Code) -> str:
    text = f"{value:g}" if float(value).is_integer() else f"{value:.2f}"
    return text if language == "en" else text.replace(".", ",")
