"""What is wrong with something the appliance stands on, in the reader's language: its code is put into words here.

The log, the command line and the API tell it in English, with what the other side said; here that stands behind the words.
"""

from collections.abc import Mapping
from typing import Any

from appliance.panel import pair_view
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.knowledge import SourceState


class Told(Record):
    """What is wrong and what to do about it. ``detail``: the same in English, as it was logged; "" when that is all there is."""

    reason: str = ""
    remedy: str = ""
    detail: str = ""


def of_dependency(row: Mapping[str, Any], voice: Voice) -> Told:
    """What a row of ``health`` says; a code without words is told in English."""
    reason, remedy = str(row.get("reason", "")), str(row.get("remedy", ""))
    code, gaps = str(row.get("code", "")), row.get("gaps", {})
    if row.get("name") == "pair" and code:  # why a node may not act: the page of the pair says the same
        told = pair_view.sentence(code, gaps.get("node", ""), gaps.get("peer", ""), voice, reason)
        return Told(reason=told.text, remedy=told.remedy or remedy, detail=f"{reason} {remedy}".strip())
    words = voice.told(f"trouble.{code}.what", "", gaps) if code else ""
    if not words:
        return Told(reason=reason, remedy=remedy)
    return Told(reason=words, remedy=voice.told(f"trouble.{code}.remedy", remedy, gaps), detail=f"{reason} {remedy}".strip())


def of_source(source: SourceState, voice: Voice) -> Told:
    """What is wrong with a source of knowledge."""
    row = {"reason": source.trouble, "remedy": source.remedy, "code": source.code, "gaps": {"name": source.name}}
    return of_dependency(row, voice)
