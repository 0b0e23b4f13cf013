"""What the CRM was told of a case, as a person reads it.

State in, view out. The badges have names that people know from before; each is explained in words beside it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from appliance.panel.door import Commands
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.person import Actor
from appliance.records.push import KEPT_BEFORE, Badge, Push, PushState

TONES: Mapping[str, str] = {"synced": "good", "cached": "quiet", "retrying": "look", "failed": "act", "withdrawn": "quiet"}
SIGNS: Mapping[str, str] = {"synced": "good", "cached": "kept", "retrying": "working", "failed": "dead", "withdrawn": "closed"}
_WORDS = (
    ("partial", "partial_transcript"), ("final", "final_transcript"), ("message", "message"), ("draft", "draft"), ("reply", "reply"),
)  # fmt: skip


class Field(Record):
    """A part of the document by the name of its words."""

    name: str
    text: str


class Shown(Record):
    """A push: its badge by name, what that means, why the last try failed, and what to do. ``next``: when it is tried next."""

    push: Push
    badge: str
    says: str
    why: str = ""
    remedy: str = ""
    next: str = ""
    may_retry: bool = False
    fields: tuple[Field, ...] = ()
    document: str = ""


class Pushed(Record):
    """``last`` is None when the CRM was never told. ``before`` are the five before it."""

    case: str
    last: Shown | None
    before: tuple[Shown, ...]
    enabled: bool
    held: bool


def pushed(commands: Commands, actor: Actor, case: str, voice: Voice) -> Pushed:
    """What a page of a case shows of it."""
    status = commands.push_status()
    rows = [shown(push, voice) for push in commands.pushes(actor, case)]
    before = tuple(rows[1 : KEPT_BEFORE + 1])
    return Pushed(case=case, last=rows[0] if rows else None, before=before, enabled=status["enabled"], held=status["held"])


def shown(push: Push, voice: Voice) -> Shown:
    """One push in words."""
    badge = badge_name(push)
    why = "" if badge == "synced" else _why(push.reason, voice)
    document = _document(push.payload)
    return Shown(
        push=push,
        badge=badge,
        says=voice.text(f"push.says.{badge}"),
        why=why,
        remedy=voice.known(f"trouble.crm_{push.reason}", "remedy") if why and push.state is not PushState.WITHDRAWN else "",
        next=_next(push, voice) if badge == "retrying" else "",
        may_retry=badge in ("retrying", "failed") and not push.scrubbed_at,
        fields=tuple(_fields(document)),
        document=json.dumps(document, ensure_ascii=False, indent=2) if document else "",
    )


def badge_name(push: Push) -> str:
    """The badge as its words and colours are keyed."""
    badge: Badge | None = push.badge
    return "withdrawn" if badge is None else badge.value.lower()


def _why(reason: str, voice: Voice) -> str:
    return voice.told(f"trouble.crm_{reason}.what", voice.told(f"push.reason.{reason}", "", {}), {}) if reason else ""


def _next(push: Push, voice: Voice) -> str:
    seconds = push.not_before - voice.now
    return voice.text(
        "push.next", when=voice.text("push.in", duration=voice.duration(seconds)) if seconds >= 1 else voice.text("push.soon")
    )


def _document(payload: str) -> dict[str, Any]:
    document = json.loads(payload) if payload else {}
    return document if isinstance(document, dict) else {}


def _fields(document: Mapping[str, Any]) -> Iterable[Field]:
    """What a person wants to see at a glance, in the order of a call."""
    data = document.get("data", {})
    contact = data.get("contact", {})
    yield from _one("contact", ", ".join(filter(None, (contact.get(name, "") for name in ("name", "company", "address", "telephone")))))
    for name, key in _WORDS:
        yield from _one(name, data.get(key, ""))
    yield from _one("quote", _quote(data.get("quote") or {}))
    yield from _one("cues", ", ".join(data.get("cues_used", ())))


def _one(name: str, text: str) -> Sequence[Field]:
    return [Field(name=name, text=text)] if text else []


def _quote(quote: Mapping[str, Any]) -> str:
    lines = [f"{line['quantity']} {line['unit']} {line['name']}: {line['amount']}".replace("  ", " ") for line in quote.get("lines", ())]
    return "\n".join([*lines, f"= {quote['total']} {quote['currency']}"]) if lines else ""
