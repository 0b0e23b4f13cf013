"""A case as a person reads it: the words of its file put in the order in which one decides.

State in, view out. What is shown and what may be pressed is decided here; the template only lays it out.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from appliance.desk.reasons import sentence
from appliance.panel.history import Step, history
from appliance.panel.short import short
from appliance.panel.waiting import WAITING
from appliance.panel.words import Voice
from appliance.records.answer import Draft
from appliance.records.base import Record
from appliance.records.case import CaseFile, CaseState
from appliance.records.knowledge import Passage
from appliance.records.message import Address, Message
from appliance.records.policy import Reason
from appliance.store.cases import beginning
from appliance.store.mailing import recipients

LACKING = frozenset({"no_knowledge", "unanswered_part"})  # what one more fact would have mended
_DECIDED_HERE = (CaseState.REVIEW, CaseState.ROUTED, CaseState.DEAD)


class Cited(Record):
    """A passage a draft rests on: its number in the list below the draft. ``changed``: its source says something else by now."""

    number: int
    id: str
    source: str
    title: str = ""
    text: str = ""
    place: str = ""
    gone: bool = False
    changed: bool = False


class Sentence(Record):
    """A sentence of the draft with what it rests on. ``before`` is the white space that stands before it in the draft."""

    text: str
    before: str = ""
    cited: tuple[Cited, ...] = ()
    courtesy: bool = False


class Opened(Record):
    """Everything the page of a case shows. ``asks`` is ``review``, ``uncertain`` or "" when there is nothing to decide,
    and ``close`` when its words are gone and all that is left is to close it. ``words_gone`` says why they are.

    ``waits``: it stands in somebody's way. A case that a team has may still be answered here, but it does not wait.
    """

    file: CaseFile
    subject: str
    sender: Address
    asks: str
    waits: bool
    why: tuple[str, ...]
    failed: tuple[str, ...]
    passed: tuple[str, ...]
    how: tuple[str, ...]
    message: Message | None
    rest: str
    sentences: tuple[Sentence, ...]
    cited: tuple[Cited, ...]
    recipient: str
    copies: str
    goes_elsewhere: bool
    draft_text: str
    seen: str
    waited_seconds: float
    history: tuple[Step, ...] = ()
    lacks_knowledge: bool = False
    words_gone: str = ""


def open_up(file: CaseFile, how: list[str], passage: Callable[[str], Passage | None], voice: Voice) -> Opened:
    """The view of a file. ``how`` explains the whole decision, line by line; ``passage`` answers what a passage says now."""
    message, draft = file.message, file.draft
    cited = _cited(draft, passage, voice)
    return Opened(
        file=file,
        subject=(message.subject or beginning(message.text) if message else file.row.subject) or voice.text(_untitled(file)),
        sender=message.sender if message else Address(),
        asks=_asks(file),
        waits=file.row.state in WAITING,
        why=_why(file, voice),
        failed=_failed(file, voice),
        passed=_passed(file, voice),
        how=tuple(how),
        message=message,
        rest=rest_of(message) if message else "",
        sentences=_sentences(draft, cited),
        cited=tuple(cited.values()),
        recipient=recipient_of(message) if message else "",
        copies=_copies(message) if message else "",
        goes_elsewhere=_goes_elsewhere(message) if message else False,
        draft_text=draft.text if draft else "",
        seen=print_of(draft),
        waited_seconds=max(0.0, voice.now - file.row.received_at),
        history=history(file, voice),
        lacks_knowledge=file.outcome is not None and file.outcome.reason.code in LACKING,
        words_gone=_words_gone(file, voice),
    )


def _untitled(file: CaseFile) -> str:
    return "case.no_words_left" if file.row.words_removed_at else "case.no_subject"


def _asks(file: CaseFile) -> str:
    if file.erased:
        return "close" if file.row.words_removed_at and file.row.state in _DECIDED_HERE else ""
    return "review" if file.row.state in _DECIDED_HERE else "uncertain" if file.row.state is CaseState.UNCERTAIN else ""


def _words_gone(file: CaseFile, voice: Voice) -> str:
    """Of a case without words, what became of them."""
    at = file.row.words_removed_at
    if not file.erased:
        return ""
    if not at:
        return voice.text("case.erased")
    day = voice.date(at)
    return voice.text("case.removed", day=day, days=file.kept_days) if file.kept_days else voice.text("case.archived", day=day)


def print_of(draft: Draft | None) -> str:
    """A print of a draft's words, so that nobody approves other words than those they read."""
    return hashlib.blake2b((draft.text if draft else "").encode(), digest_size=12).hexdigest()


def recipient_of(message: Message) -> str:
    """To whom an approved reply goes, as the store will address it; "" when there is nobody."""
    return ", ".join(written(address) for address in recipients(message, automatic=False) if address.address)


def written(address: Address) -> str:
    return f"{address.name} <{address.address}>" if address.name and address.name != address.address else address.address


def _goes_elsewhere(message: Message) -> bool:
    """Whether the customer asks for replies at another address than the one they wrote from."""
    own = message.sender.address.lower()
    return any(row.address.lower() != own for row in message.reply_to if row.address)


def _copies(message: Message) -> str:
    taken = {row.address.lower() for row in (*recipients(message, automatic=False), *message.to)}
    return ", ".join(written(row) for row in message.cc if row.address and row.address.lower() not in taken)


def rest_of(message: Message) -> str:
    """What the whole message says beyond its own words: quotes and signature."""
    whole, own = message.full_text.strip(), message.text.strip()
    if not whole or whole == own:
        return ""
    return whole[len(own) :].strip() if own and whole.startswith(own) else whole


def _cited(draft: Draft | None, passage: Callable[[str], Passage | None], voice: Voice) -> dict[str, Cited]:
    """The passages of a draft by id, numbered as they come."""
    if draft is None:
        return {}
    sources = {citation.passage: citation for citation in draft.citations}
    ids = [id_ for row in draft.sentences for id_ in row.passages] + list(sources)
    numbered = enumerate(dict.fromkeys(ids), start=1)
    return {id_: _one_cited(number, id_, sources.get(id_), passage(id_), voice) for number, id_ in numbered}


def _one_cited(number: int, id_: str, citation: Any, now: Passage | None, voice: Voice) -> Cited:
    if now is None:
        source, title = citation.source if citation else "", _beside_knowledge(id_, voice)
        return Cited(number=number, id=id_, source=source, title=title, gone=not title)
    changed = bool(citation and citation.digest and now.digest and citation.digest != now.digest)
    return Cited(number=number, id=id_, source=now.source, title=now.title, text=now.text, place=now.place, changed=changed)


def _beside_knowledge(id_: str, voice: Voice) -> str:
    """What a draft rests on that is no passage: an approved template, or a row of the account sheet; "" for anything else."""
    kind, _, place = id_.partition(":")
    if kind == "accounts":
        row = place.strip().removeprefix("row ").replace("sheet ", "").replace(", row ", "/")
        return voice.text("draft.rests_on.accounts", place=row)
    return voice.text("draft.rests_on.template", place=place.replace("_", " ")) if kind == "template" else ""


def _sentences(draft: Draft | None, cited: dict[str, Cited]) -> tuple[Sentence, ...]:
    """The draft's sentences as they are laid out; none when they are not the draft, which is what a person's edit makes of them."""
    if draft is None or not draft.sentences:
        return ()
    rows, at = [], 0
    for row in draft.sentences:
        text = row.text.strip()
        start = draft.text.find(text, at)
        if start < 0:
            return ()
        before = draft.text[at:start]
        if before.strip():  # a greeting that the layout added
            rows.append(Sentence(text=before.strip(), before=_blank_at(before), courtesy=True))
            before = before[len(before.rstrip()) :]
        rows.append(Sentence(text=text, before=before, cited=tuple(cited[id_] for id_ in row.passages), courtesy=row.courtesy))
        at = start + len(text)
    rest = draft.text[at:]
    return (*rows, *([Sentence(text=rest.strip(), before=_blank_at(rest), courtesy=True)] if rest.strip() else []))


def _blank_at(text: str) -> str:
    """The white space that a text begins with."""
    return text[: len(text) - len(text.lstrip())]


def _why(file: CaseFile, voice: Voice) -> tuple[str, ...]:
    """Why it stands where it stands: what holds now, then what the desk found on the way, each said once."""
    row, outcome = file.row, file.outcome
    lines = [short(row.reason, voice)] if row.reason and (outcome is None or row.reason != outcome.reason.code) else []
    if outcome is not None:
        said_below = [check.reason for check in outcome.checks]
        reasons = (outcome.reason, *(stage for stage in outcome.stages if stage not in said_below))
        lines += [sentence(reason, voice.code) for reason in reasons if reason.code != "allowed"]
    return tuple(dict.fromkeys(lines))


def _failed(file: CaseFile, voice: Voice) -> tuple[str, ...]:
    """What failed in the checks, unless it is what held the case and has been said already."""
    checks = [check for check in file.outcome.checks if not check.passed] if file.outcome else []
    said = set(_why(file, voice))
    told = (sentence(check.reason or Reason(code="check_failed", names=(check.name,)), voice.code) for check in checks)
    return tuple(line for line in dict.fromkeys(told) if line not in said)


def _passed(file: CaseFile, voice: Voice) -> tuple[str, ...]:
    return tuple(voice.known("check.passed", check.name) for check in file.outcome.checks if check.passed) if file.outcome else ()
