"""The first run of a node that lives in memory: half way through, with one thing wrong."""

from typing import Any

import msgspec

from appliance.ground.clock import Clock
from appliance.ground.errors import ChannelError, Refused
from appliance.records.case import CaseFile
from appliance.records.first_run import Step, StepState, Tried
from appliance.records.person import Actor
from appliance.records.sign_in import SignIn, SignInState
from appliance.reports.dry_day import DryDay

_VALUES: dict[str, Any] = {
    "company.name": "Pohjolan Pumput", "company.languages": ["fi", "sv"], "company.signature": "", "panel.time_zone": "Europe/Helsinki",
    "company.hours": [], "mailbox.0.id": "support", "mailbox.0.sender": "tuki@pumput.example", "mailbox.0.folder.inbox": None,
    "mailbox.0.folder.outbox": None, "mailbox.0.imap.host": "imap.pumput.example", "mailbox.0.imap.port": 993,
    "mailbox.0.imap.security": "tls", "mailbox.0.imap.user": "tuki", "mailbox.0.imap.auth": "password", "mailbox.0.imap.folder": "INBOX",
    "mailbox.0.imap.client_id": "", "mailbox.0.imap.tenant": "", "mailbox.0.imap.password_file": True, "mailbox.0.smtp.host": "",
    "mailbox.0.smtp.port": 587, "mailbox.0.smtp.security": "starttls", "mailbox.0.smtp.user": "", "mailbox.0.smtp.auth": "password",
    "mailbox.0.smtp.password_file": False,
}  # fmt: skip


class TwinSetup:
    """Steps that a test may put others for."""

    clock: Clock
    files: dict[str, CaseFile]
    done: list[Any]
    setup: list[Step] | None = None
    setup_refuses: ChannelError | None = None

    def setup_steps(self, actor: Actor) -> list[Step]:  # noqa: ARG002  the panel's guard asks for the role
        return self.setup if self.setup is not None else _steps(self.clock.now())

    def setup_progress(self, actor: Actor) -> tuple[int, int]:
        steps = self.setup_steps(actor)
        return sum(not step.open for step in steps), len(steps)

    def setup_values(self, actor: Actor) -> dict[str, Any]:  # noqa: ARG002
        return dict(_VALUES)

    def set_up(self, actor: Actor, step: str, values: dict[str, Any], secrets: dict[str, str] | None = None) -> Step:
        if self.setup_refuses is not None:
            raise self.setup_refuses
        self.done.append(("set_up", step, values, secrets))
        return self._step(actor, step)

    def try_step(self, actor: Actor, step: str, wait: bool = False) -> Step:  # noqa: ARG002
        running = msgspec.structs.replace(self._step(actor, step), state=StepState.RUNNING)
        self.setup = [running if one.name == step else one for one in self.setup_steps(actor)]
        return running

    def skip_step(self, actor: Actor, step: str, skip: bool = True) -> Step:
        state, says = (StepState.SKIPPED, "skipped") if skip else (StepState.OPEN, f"{step}_untried")
        changed = msgspec.structs.replace(self._step(actor, step), state=state, says=says)
        self.setup = [changed if one.name == step else one for one in self.setup_steps(actor)]
        return changed

    def setup_sign_in(self, actor: Actor, begin: bool = False) -> SignIn:  # noqa: ARG002
        return SignIn(state=SignInState.NONE)

    def dry_day(self, actor: Actor) -> DryDay:  # noqa: ARG002
        shown = tuple(self.files)[:3]
        return DryDay(since=self.clock.now() - 90_000, hours=25.0, cases=31, would_leave=19, looked_at=17, unchanged=15, edited=1,
                      refused=1, enough=True, shown=shown)  # fmt: skip

    def _step(self, actor: Actor, name: str) -> Step:
        found = next((step for step in self.setup_steps(actor) if step.name == name), None)
        if found is None:
            raise Refused(f"There is no step {name}.", "The page lists them.")
        return found


def _steps(now: float) -> list[Step]:
    refused = Tried(
        state=StepState.TROUBLE, code="sign_in_refused", gaps={"mailbox": "support"}, at=now - 120,
        detail="Mailbox support: imap.pumput.example refuses the sign-in.", remedy="Check the password.",
    )  # fmt: skip
    day = {"cases": "31", "would": "19", "least": "20", "looked": "17", "unchanged": "15"}
    return [
        Step(name="company", state=StepState.DONE, says="company_done", gaps={"company": "Pohjolan Pumput", "languages": "fi, sv"}),
        Step(name="hours", state=StepState.OPEN, says="hours_unset", gaps={"zone": "Europe/Helsinki"}, optional=True),
        Step(name="mail_in", state=StepState.TROUBLE, says="mail_in_untried", tried=refused, gaps={"server": "imap.pumput.example"}),
        Step(name="mail_out", state=StepState.OPEN, says="mail_out_none"),
        Step(name="self_mail", state=StepState.OPEN, says="self_mail_after", optional=True),
        Step(name="race", state=StepState.OPEN, says="race_after", optional=True),
        Step(name="knowledge", state=StepState.DONE, says="knowledge_done", gaps={"passages": "214"}),
        Step(name="person", state=StepState.OPEN, says="person_none"),
        Step(name="levers", state=StepState.DONE, says="levers_careful"),
        Step(name="dry_day", state=StepState.OPEN, says="dry_day_ready", gaps=day, optional=True),
    ]
