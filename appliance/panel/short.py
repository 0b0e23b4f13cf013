"""A reason where only its code is at hand: in a list, where its numbers would be too much."""

from appliance.desk.reasons import sentence
from appliance.panel.words import Voice
from appliance.records.policy import Reason


def short(code: str, voice: Voice) -> str:
    """The reason in a few words: the table's own where a sentence needs numbers to make sense, else the sentence."""
    return voice.known("reason", code, sentence(Reason(code=code), voice.code)) if code else ""
