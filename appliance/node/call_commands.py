"""A call at an agent's desk: who calls, what was said, what to say, what it costs, what stands in the reference material."""

import hashlib

import msgspec

from appliance.desk import quote as quotes
from appliance.desk.compose import with_piece
from appliance.desk.heard import Heard
from appliance.desk.quote_text import written
from appliance.ground.errors import Refused
from appliance.node.control import command
from appliance.node.forward import leads
from appliance.node.topic import Topic
from appliance.records.call import (
    CallChange,
    CallRow,
    CallState,
    CallView,
    Contact,
    Cue,
    Positioning,
    Quote,
    References,
    ReferenceState,
)  # fmt: skip
from appliance.records.case import CaseFile
from appliance.records.language import LANGUAGES, Code
from appliance.records.person import Actor
from appliance.records.voice import Caller

TEXT_CHARACTERS = 200_000  # of a call that are looked at for words; an hour has a quarter of them


class CallCommands(Topic):
    """The commands of the cockpit. Whatever leaves for the customer goes by ``decide``, like every other reply."""

    # The call

    @command
    def calls(self, actor: Actor, limit: int = 100) -> list[CallRow]:
        """The calls that nobody archived, newest first."""
        self._allow(actor, "see_cases")
        return self._node.store.calls.rows(limit)

    @command
    def call(self, actor: Actor, case: str) -> CallView:
        """Everything around one call: what was kept, who calls, and what its words bring up."""
        self._allow(actor, "see_cases")
        file = self._call_file(case)
        state, code = self._call_state(file), self._call_language(file)
        cues, briefs = self._node.call_desk.said(Heard(_said(file), code), state.used, state.briefs_used)
        desk = self._node.call_desk
        return CallView(
            state=state,
            contact=desk.contact(_caller(file, state)),
            earlier=tuple(self._node.store.calls.earlier(case)),
            cues=cues,
            briefs=briefs,
            prices=quotes.offered(desk.prices(), code),
            totals=quotes.totals(state.quote) if state.quote.lines else None,
            quote_text=written(state.quote, code),
            troubles=tuple((fault.message, fault.remedy) for _, fault in desk.faults()),
            reset=self._call_is_reset(file),
            language=code,
        )

    @command
    @leads
    def change_call(self, actor: Actor, case: str, change: CallChange) -> CallState:
        """Do one thing at a call and keep the draft with it. A talking point or a quote goes into the draft once."""
        self._allow(actor, "work_on_call")
        with self._node.call_desk.changing:
            file = self._call_file(case)
            state = self._changed_call(file, self._call_state(file), change)
            self._node.store.calls.keep(case, state, actor.name, term=self._node.term)
        return state

    def _changed_call(self, file: CaseFile, state: CallState, change: CallChange) -> CallState:
        draft = state.draft if change.draft is None else _one_kind_of_lines(change.draft)
        if state.heard and change.draft is not None and change.was is not None:
            _must_be_fresh(state.draft, _one_kind_of_lines(change.was), draft)
        state = msgspec.structs.replace(
            state,
            draft=draft,
            caller=change.caller or state.caller,
            heard=_digest(_said(file)),
            quote=self._quoted_call(file, state, change),
        )
        if change.cue:
            state = self._with_cue(file, state, change.cue)
        if change.brief:
            state = self._with_brief(file, state, change.brief)
        return self._with_quote(file, state) if change.quote else state

    def _with_cue(self, file: CaseFile, state: CallState, cue: str) -> CallState:
        if cue in state.used:
            return state
        rule = next((rule for rule in self._node.call_desk.playbook() if rule.id == cue), None)
        text = rule.text.get(self._call_language(file), "") if rule is not None else ""
        if not text:
            raise _no_longer(cue, "playbook")
        return msgspec.structs.replace(state, draft=self._added(state, text), used=(*state.used, cue))

    def _with_brief(self, file: CaseFile, state: CallState, brief: str) -> CallState:
        if brief in state.briefs_used:
            return state
        _, briefs = self._node.call_desk.said(Heard(_said(file), self._call_language(file)), (), (brief,))
        text = next((one.text for one in briefs if one.id == brief), "")
        if not text:
            raise _no_longer(brief, "briefs")
        return msgspec.structs.replace(state, draft=self._added(state, text), briefs_used=(*state.briefs_used, brief))

    def _with_quote(self, file: CaseFile, state: CallState) -> CallState:
        """The quote stands in the draft once: a changed one takes the place of the one before, where that stands there untouched."""
        text = written(state.quote, self._call_language(file))
        if not text or text == state.quote_text:
            return state
        there = bool(state.quote_text) and state.quote_text in state.draft
        draft = state.draft.replace(state.quote_text, text, 1) if there else self._added(state, text)
        return msgspec.structs.replace(state, draft=draft, quote_text=text)

    def _added(self, state: CallState, text: str) -> str:
        return with_piece(state.draft, text, self._node.settings.company.name)

    def _quoted_call(self, file: CaseFile, state: CallState, change: CallChange) -> Quote:
        quote = msgspec.structs.replace(state.quote, currency=self._node.settings.call.currency)
        if change.discount is not None:
            quote = quotes.with_discount(quote, change.discount)
        if change.remove is not None:
            quote = quotes.without_line(quote, change.remove)
        if not change.add:
            return quote
        offered = quotes.offered(self._node.call_desk.prices(), self._call_language(file))
        price = next((one for one in offered if one.code.casefold() == change.add.strip().casefold()), None)
        if price is None:
            raise Refused("The price list has no such code.", "Choose one that is offered.", code="no_price")
        return quotes.with_line(quote, price, change.quantity, change.line_discount)

    def _call_file(self, case: str) -> CaseFile:
        found = self._node.store.file(case)
        if found is None:
            raise Refused(f"There is no case {case}.", "tandem cases list shows them.")
        return found

    def _call_state(self, file: CaseFile) -> CallState:
        """What was kept; until something is, the desk's own draft. With another transcript nothing counts as used."""
        state = self._node.store.calls.state(file.row.id)
        if not state.heard:
            return msgspec.structs.replace(state, draft=state.draft or (file.draft.text if file.draft else ""))
        return msgspec.structs.replace(state, used=(), briefs_used=()) if state.heard != _digest(_said(file)) else state

    def _call_is_reset(self, file: CaseFile) -> bool:
        kept = self._node.store.calls.state(file.row.id)
        return bool(kept.used or kept.briefs_used) and kept.heard != _digest(_said(file))

    def _call_language(self, file: CaseFile) -> Code:
        languages = self._node.settings.company.languages
        return next((code for code in LANGUAGES if code == file.row.language), languages[0] if languages else "en")

    # Beside the call

    @command
    def call_points(self, actor: Actor, text: str, language: str = "") -> tuple[tuple[Cue, ...], tuple[Positioning, ...]]:
        """What these words bring up, while somebody is still speaking. Nothing is kept."""
        self._allow(actor, "see_cases")
        return self._node.call_desk.said(Heard(text[-TEXT_CHARACTERS:], self._language_of_reference(language)), (), ())

    @command
    def contact(self, actor: Actor, caller: Caller) -> Contact:
        """What the company knows of a caller, with the reason when nothing newer is known."""
        self._allow(actor, "see_cases")
        return self._node.call_desk.contact(caller)

    @command
    def reference(self, actor: Actor, text: str, language: str = "") -> References:
        """Search the knowledge, the playbook and the manual; the answer says by which way, and why not by a better one."""
        self._allow(actor, "see_cases")
        return self._node.reference.search(text, self._language_of_reference(language))

    def _language_of_reference(self, language: str) -> Code:
        languages = self._node.settings.company.languages
        return next((code for code in LANGUAGES if code == language), languages[0] if languages else "en")

    @command
    def reference_state(self, actor: Actor) -> ReferenceState:
        """The reference index and how it was used, without what was searched for (unless ``call.privacy`` is off)."""
        self._allow(actor, "see_cases")
        return self._node.reference.state()

    @command
    def build_reference(self, actor: Actor) -> ReferenceState:
        """Build this node's reference index anew."""
        self._allow(actor, "work_on_reference")
        self._node.reference.build()
        return self._node.reference.state()

    @command
    def scrub_reference(self, actor: Actor) -> int:
        """Remove this node's reference index and its telemetry; how many files went."""
        self._allow(actor, "work_on_reference")
        return self._node.reference.scrub()


def _said(file: CaseFile) -> str:
    return file.message.text[:TEXT_CHARACTERS] if file.message is not None else ""


def _caller(file: CaseFile, state: CallState) -> Caller:
    """Who calls: what an agent wrote down goes before what came with the call."""
    came = Caller()
    if file.message is not None:
        sender = file.message.sender
        came = file.message.caller or Caller(name=sender.name, address=sender.address)
    return Caller(**{name: getattr(state.caller, name) or getattr(came, name) for name in ("name", "address", "telephone", "company")})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _one_kind_of_lines(text: str) -> str:
    """As kept: a form sends its lines with CR LF."""
    return text.replace("\r\n", "\n")


def _must_be_fresh(kept: str, was: str, written: str) -> None:
    """What is kept is what this screen began with, or what it has now. Another person's words are never written over unseen."""
    if kept.strip() not in (was.strip(), written.strip()):
        told = "Somebody else has changed this draft meanwhile."
        raise Refused(told, "Copy what you wrote, open the call again, and put it in there.", code="call_changed")


def _no_longer(name: str, where: str) -> Refused:
    return Refused(f"There is no {name} in the {where} any more.", "Open the call again: the file has changed.", code="cue_gone")
