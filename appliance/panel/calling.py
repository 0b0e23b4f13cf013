"""The cockpit's buttons and its live text: what was pressed, what it asks for, and what is heard while somebody is still speaking."""

from typing import Any, Literal, Protocol

import msgspec

from appliance.engines.errors import ClipUnreadable
from appliance.ground.errors import EngineError, TandemError
from appliance.panel.door import Commands
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.call import CallChange
from appliance.records.person import Actor
from appliance.records.voice import Caller

What = Literal["keep", "contact", "cue", "brief", "quote", "add", "remove", "discount", "reference", "send", "done"]
_PLACES: dict[str, str] = {
    "keep": "draft", "contact": "contact", "cue": "cues", "brief": "briefs", "quote": "quote", "add": "quote", "remove": "quote",
    "discount": "quote", "reference": "reference", "send": "draft", "done": "draft",
}  # fmt: skip
LIVE_PROBLEMS = ("denied", "none", "insecure", "busy", "unsent", "same")


class Pressed(Record):
    """A button of the cockpit: what it does, to which thing, and where on the page one looks afterwards."""

    what: What = "keep"
    which: str = ""
    place: str = "draft"


class Filled(Protocol):
    """The cockpit's form."""

    @property
    def draft(self) -> str: ...
    @property
    def was(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def telephone(self) -> str: ...
    @property
    def company(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def quantity(self) -> str: ...
    @property
    def line_discount(self) -> str: ...
    @property
    def discount(self) -> str: ...


def pressed(do: str) -> Pressed:
    """The button by its value: ``add``, ``cue:warranty``. Anything unknown only keeps the draft, which does no harm."""
    name, _, which = do.partition(":")
    if name not in _PLACES:
        return Pressed()
    return Pressed(what=name, which=which, place=_PLACES[name])  # type: ignore[arg-type]


def change_of(form: Filled, done: Pressed) -> CallChange:
    """What the form asks for when this button was pressed."""
    change = CallChange(draft=form.draft, was=form.was, caller=_caller(form))
    which = done.which
    wishes: dict[str, dict[str, Any]] = {
        "cue": {"cue": which},
        "brief": {"brief": which},
        "quote": {"quote": True},
        "add": {"add": form.code, "quantity": form.quantity or "1", "line_discount": form.line_discount},
        "remove": {"remove": int(which) if which.isdecimal() and len(which) < 6 else None},
        "discount": {"discount": form.discount},
    }
    return msgspec.structs.replace(change, **wishes.get(done.what, {}))


def _caller(form: Filled) -> Caller | None:
    """Who calls, as it stands in the form; None when nothing does."""
    caller = Caller(name=form.name.strip(), address=form.address.strip(), telephone=form.telephone.strip(), company=form.company.strip())
    return caller if any(msgspec.structs.astuple(caller)) else None


def live_answer(commands: Commands, actor: Actor, clip: bytes, language: str, voice: Voice) -> dict[str, Any]:
    """The words so far with what they bring up; ``trouble`` says in words why there are none. A recording goes on either way."""
    try:
        heard = commands.hear(actor, clip, "recording.webm", language, False, True) if clip else None
    except ClipUnreadable:  # its beginning alone is often no whole file yet
        heard = None
    except EngineError:
        return {"text": "", "cues": [], "trouble": voice.text("call.live_trouble")}
    except TandemError as error:
        return {"text": "", "cues": [], "trouble": error.message}
    text = heard.text if heard is not None else ""
    spoken = (heard.language if heard is not None else "") or language
    cues, briefs = commands.call_points(actor, text, str(spoken)) if text else ((), ())
    points = [{"title": one.title, "text": one.text} for one in cues] + [{"title": one.title, "text": one.text} for one in briefs]
    return {"text": text, "cues": points, "trouble": ""}
