"""What a person decides about a case, the same for the pages and the API."""

from typing import Protocol

from appliance.panel.door import Commands
from appliance.panel.opened import print_of, recipient_of
from appliance.panel.problems import Problem, forbidden
from appliance.panel.reading import case_file
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.case import CaseFile, CaseState
from appliance.records.person import Actor, Approval
from appliance.records.work import File

ACTIONS: dict[str, str] = {"approve": "approve_case", "edit": "approve_case", "reject": "reject_case", "route": "route_case"}
OPEN: tuple[CaseState, ...] = (CaseState.REVIEW, CaseState.ROUTED, CaseState.DEAD)
FINDINGS: tuple[str, ...] = ("sent", "resend", "drop")


class Wish(Protocol):
    """What was asked for. ``seen``: the print of the draft the person had read, "" when a program says that it does not matter."""

    @property
    def decision(self) -> str: ...
    @property
    def seen(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def comment(self) -> str: ...
    @property
    def team(self) -> str: ...


class Done(Record):
    """What was done: ``approve``, ``edit``, ``reject`` or ``route``; the state it came to; and to whom it goes: "" when it is said
    into a chat, whose customers have no address."""

    decision: str
    state: str
    to: str = ""


class Along(Record):
    """What goes along with a reply: files, and the signature of the person who approves it."""

    files: tuple[File, ...] = ()
    signature: str = ""


_ALONE = Along()


def decide(commands: Commands, actor: Actor, case: str, wish: Wish, along: Along = _ALONE) -> Done:
    """Approve, edit and approve, reject or route a case that waits for a person or that a team has."""
    action = ACTIONS.get(wish.decision)
    if action is None:
        raise Problem(400, "decision", "There is no such decision.", f"The decisions are {', '.join(ACTIONS)}.")
    if not roles.may(actor.role, action):
        raise forbidden(actor.role.name.lower())
    file = case_file(commands, case)
    _still_open(file, wish)
    approval = _approval(file, actor, wish, along, commands)
    state = commands.decide(actor, approval)
    edited = approval.text is not None
    to = commands.teams()[approval.team] if approval.decision == "route" else _goes_to(file)
    return Done(decision="edit" if edited else approval.decision, state=str(state), to=to)


def _goes_to(file: CaseFile) -> str:
    return recipient_of(file.message) if file.message and file.row.channel != "chat" else ""


def _still_open(file: CaseFile, wish: Wish) -> None:
    if file.row.state not in OPEN:
        raise Problem(409, "decided", "This case does not wait for a decision any more.", "Open it to see what became of it.")
    if wish.seen and wish.seen != print_of(file.draft):
        raise Problem(409, "draft_changed", "The draft has changed since you opened it.", "Open the case again and read the new draft.")


def _approval(file: CaseFile, actor: Actor, wish: Wish, along: Along, commands: Commands) -> Approval:
    case, by, comment = file.row.id, actor.name, wish.comment.strip()
    if wish.decision == "reject":
        return Approval(case=case, decision="reject", by=by, comment=comment)
    if wish.decision == "route":
        if wish.team not in commands.teams():
            raise Problem(404, "team", "There is no such team.", "Choose one of the teams in policy.toml.")
        return Approval(case=case, decision="route", by=by, comment=comment, team=wish.team)
    text = _edited(file, wish)
    return Approval(case=case, decision="approve", by=by, comment=comment, text=text, files=along.files, signature=along.signature)


def _edited(file: CaseFile, wish: Wish) -> str | None:
    """The person's own words, or None when they left the draft as it was."""
    text = wish.text.replace("\r\n", "\n").strip()
    draft = file.draft.text.replace("\r\n", "\n").strip() if file.draft else ""
    if not (text or draft) or (wish.decision == "edit" and not text):
        raise Problem(409, "no_words", "There is nothing to send.", "Write the reply first.")
    return text if text and text != draft else None


def find_out(commands: Commands, actor: Actor, case: str, decision: str) -> str:
    """A person knows what became of an uncertain delivery. Returns the state it came to."""
    if decision not in FINDINGS:
        raise Problem(400, "decision", "There is no such decision.", f"The decisions are {', '.join(FINDINGS)}.")
    if case_file(commands, case).row.state is not CaseState.UNCERTAIN:
        raise Problem(409, "decided", "This case does not wait for a decision any more.", "Open it to see what became of it.")
    return str(commands.resolve(actor, case, decision))
