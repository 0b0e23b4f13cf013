"""What a page of the chat says around the conversation itself, in the customer's language. Pure."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance.panel.words import Table, Voice
from appliance.records.chat import ChatView

PREFIX = "chat."


def widget_words(table: Table) -> dict[str, str]:
    """The widget's part of one language's table, its keys without the prefix."""
    return {key.removeprefix(PREFIX): text for key, text in table.items() if key.startswith(PREFIX)}


def opens(at: float, voice: Voice, zone: ZoneInfo) -> str:
    """ "A person answers again on Monday at 8:00."; "" when there is nothing to say."""
    if not at:
        return ""
    then, now = (datetime.fromtimestamp(moment, UTC).astimezone(zone) for moment in (at, voice.now))
    days = (then.date() - now.date()).days
    day = voice.text(f"chat.day.{('today', 'tomorrow')[days]}") if days < 2 else voice.text(f"chat.day.{then.weekday()}")
    return voice.text("chat.opens", day=day, time=then.strftime("%H.%M" if voice.code == "fi" else "%H:%M").removeprefix("0"))


def conversation(view: ChatView, voice: Voice, zone: ZoneInfo) -> dict[str, Any]:
    """The view as a page takes it: plain values, with the sentence about when a person is there."""
    return {
        "session": view.session,
        "state": str(view.state),
        "case": view.case,
        "position": view.position,
        "entries": [{"id": one.id, "who": one.who, "text": one.text, "at": one.at, "sources": list(one.sources)} for one in view.entries],
        "wants_person": view.wants_person,
        "closed": view.closed,
        "has_address": view.has_address,
        "opens": opens(view.opens_at, voice, zone),
    }
