"""The first run: its steps, what each sets in ``tandem.toml``, and the tries at the servers."""

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.care import first_run
from appliance.ground.errors import Refused, SettingsError
from appliance.node import servers
from appliance.node.control import command
from appliance.node.forward import leads, shown_by_leader
from appliance.node.sign_ins import SignIns
from appliance.node.topic import Topic
from appliance.records.first_run import Step, StepState, Tried
from appliance.records.person import Actor, Role
from appliance.records.sign_in import SignIn, SignInState
from appliance.reports.dry_day import DryDay, dry_day
from appliance.settings.change import set_values
from appliance.settings.model import Settings
from appliance.settings.read import load

ENTRIES_MOST = 20_000  # of the journal that the dry day is counted from

_BOX, _IN, _OUT = "mailbox.0", "mailbox.0.imap", "mailbox.0.smtp"
_IMAP = ("host", "port", "security", "user", "auth", "folder", "start", "authorities", "client_id", "tenant", "sign_in_url")
_SMTP = ("host", "port", "security", "user", "auth", "authorities", "authserv_id")
#: What each step may set, and no other key: the form of one step changes nothing of another.
KEYS: dict[str, tuple[str, ...]] = {
    "company": ("company.name", "company.languages", "company.signature"),
    "hours": ("panel.time_zone", "company.hours"),
    "mail_in": (f"{_BOX}.id", f"{_BOX}.sender", f"{_BOX}.folder.inbox", f"{_BOX}.folder.archive", *(f"{_IN}.{name}" for name in _IMAP)),
    "mail_out": (f"{_BOX}.sender", f"{_BOX}.folder.outbox", *(f"{_OUT}.{name}" for name in _SMTP)),
}
SECRETS: dict[str, tuple[str, ...]] = {
    "mail_in": (f"{_IN}.password_file", f"{_IN}.client_secret_file"),
    "mail_out": (f"{_OUT}.password_file",),
}


class SetupCommands(Topic):
    """The commands of the first run. The settings are the file's, read anew: what runs may be older."""

    @command
    @shown_by_leader
    def setup_steps(self, actor: Actor) -> list[Step]:
        """Every step as it stands now."""
        self._allow(actor, "set_up")
        return list(first_run.steps(self._facts()))

    @command
    @shown_by_leader
    def setup_progress(self, actor: Actor) -> tuple[int, int]:
        """How many steps are behind us, and of how many: without counting the dry day, for a page that is looked at often."""
        self._allow(actor, "set_up")
        found = first_run.steps(self._facts(DryDay(since=0.0)))
        return len(found) - first_run.left(found), len(found)

    @command
    @shown_by_leader
    def setup_values(self, actor: Actor) -> dict[str, Any]:
        """What the file says now under each key that a step may set; of a secret only whether there is one."""
        self._allow(actor, "set_up")
        settings, _ = self._file()
        values = {key: _value(settings, key) for keys in KEYS.values() for key in keys}
        return {**values, **{key: _value(settings, key) is not None for keys in SECRETS.values() for key in keys}}

    @command
    @leads
    def set_up(self, actor: Actor, step: str, values: dict[str, Any], secrets: dict[str, str] | None = None) -> Step:
        """Set keys of one step in ``tandem.toml``; None takes one out. A server is tried first: when it says no, nothing changes.

        Raises ``SettingsInvalid`` with each key that cannot be used, or the ``ChannelError`` of the server.
        """
        self._allow(actor, "set_up")
        given = {key: secret for key, secret in (secrets or {}).items() if secret}
        strange = [key for key in values if key not in KEYS.get(step, ())] + [key for key in given if key not in SECRETS.get(step, ())]
        if strange:
            raise Refused(f"The step {step} does not set {', '.join(strange)}.", "Write it into tandem.toml.")
        if step == "mail_out":
            values = self._with_password(values, given)
        found: list[str] = []
        check = lambda settings: found.append(self._tried_at_server(step, settings))  # noqa: E731
        set_values(self._node.home, values, given, check=check, clock=self._node.clock)
        if detail := "".join(found):
            about = first_run.about(step, self._file()[0])
            self._node.trials.ended(step, Tried(state=StepState.DONE, about=about, detail=detail, at=self._node.clock.now()))
        return self._step(step)

    def _with_password(self, values: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
        """Without a password of its own the way out uses the mailbox's, as most providers want it."""
        settings, _ = self._file()
        box = settings.mailbox[0] if settings.mailbox else None
        key = f"{_OUT}.password_file"
        if secrets or box is None or box.smtp.password_file or not values.get(f"{_OUT}.user") or not box.imap.password_file:
            return values
        path = box.imap.password_file
        return {**values, key: str(path.relative_to(settings.home) if path.is_relative_to(settings.home) else path)}

    def _tried_at_server(self, step: str, settings: Settings) -> str:
        if step == "mail_in" and self._sign_in_is_needed(settings):
            return ""
        if step == "mail_out" and settings.mailbox and settings.mailbox[0].smtp.auth != "password" and self._sign_in_is_needed(settings):
            return ""
        attempt = {"mail_in": servers.mail_in, "mail_out": servers.mail_out}.get(step)
        return attempt(settings, self._node.clock) if attempt is not None and settings.mailbox else ""

    @command
    @leads
    def try_step(self, actor: Actor, step: str, wait: bool = False) -> Step:
        """Try a step at its server, in the background unless ``wait``; ``setup_steps`` then says how far it is."""
        self._allow(actor, "set_up")
        settings, broken = self._file()
        if step not in first_run.TRIED:
            raise Refused(f"There is nothing to try at the step {step}.", f"These are tried: {', '.join(sorted(first_run.TRIED))}.")
        if broken or not settings.mailbox:
            raise Refused(f"There is no mailbox yet to try the step {step} with.", "Set up the mailbox first: tandem init")
        node = self._node
        work = {
            "mail_in": lambda: servers.mail_in(settings, node.clock),
            "mail_out": lambda: servers.mail_out(settings, node.clock),
            "self_mail": lambda: servers.self_mail(settings, node.clock, node.store.own_key, node.stop),
            "race": lambda: servers.mail_race(settings, node.clock),
        }[step]
        about = first_run.about(step, settings)
        node.trials.run(step, about, work) if wait else node.trials.begin(step, about, work)
        return self._step(step)

    @command
    @leads
    def skip_step(self, actor: Actor, step: str, skip: bool = True) -> Step:
        """Pass an optional step by, or take it up again."""
        self._allow(actor, "set_up")
        if step not in first_run.OPTIONAL:
            raise Refused(f"The step {step} cannot be passed by.", f"These can: {', '.join(sorted(first_run.OPTIONAL))}.")
        self._node.trials.skip(step, skip)
        return self._step(step)

    @command
    @leads
    def setup_sign_in(self, actor: Actor, begin: bool = False) -> SignIn:
        """Where the sign-in of the mailbox at its provider stands; ``begin`` asks for a code first."""
        self._allow(actor, "set_up")
        settings, _ = self._file()
        if not settings.mailbox:
            raise Refused("There is no mailbox yet.", "Set up the mailbox first: tandem init")
        sign_ins = self._sign_ins(settings)
        return sign_ins.begin(settings.mailbox[0].id) if begin else sign_ins.state(settings.mailbox[0].id)

    def _sign_ins(self, settings: Settings) -> SignIns:
        """The sign-ins of the file's mailboxes: those that run may not know the mailbox yet. The tokens lie in the same place."""
        node = self._node
        if settings.mailbox == node.settings.mailbox:
            return node.sign_ins
        if node.setup_sign_ins is None or node.setup_sign_ins[0] != settings.mailbox:
            node.setup_sign_ins = (settings.mailbox, SignIns(settings, node.clock, node.stop))
        return node.setup_sign_ins[1]

    @command
    def dry_day(self, actor: Actor) -> DryDay:
        """What would have left by itself since automation was closed with safe mode off."""
        self._allow(actor, "see_numbers")
        return self._dry_day()

    def _dry_day(self) -> DryDay:
        store, now = self._node.store, self._node.clock.now()
        since = max((state.at for state in store.switch_states() if state.name in ("safe_mode", "automation_enabled")), default=now)
        return dry_day(store.shadow_since(since, ENTRIES_MOST), since, now)

    def _file(self) -> tuple[Settings, bool]:
        """The settings as the file has them now; those that run, and True, when it cannot be used."""
        try:
            return load(home=self._node.home, environment=os.environ), False
        except SettingsError:
            return self._node.settings, True

    def _step(self, name: str) -> Step:
        found = next((step for step in first_run.steps(self._facts()) if step.name == name), None)
        if found is None:
            raise Refused(f"There is no step {name}.", f"The steps are {', '.join(first_run.STEPS)}.")
        return found

    def _facts(self, day: DryDay | None = None) -> first_run.Facts:
        node = self._node
        settings, broken = self._file()
        passages = Counter[str]()
        for source in node.library.states():
            passages[source.language] += source.passages
        return first_run.Facts(
            settings=settings,
            switches=node.switches(),
            dry_day=day or self._dry_day(),
            running=node.settings if node.running else None,
            broken=broken,
            tried=node.trials.tried(),
            skipped=node.trials.skipped(),
            passages=passages,
            source_trouble=self._source_trouble(),
            people=sum(known.active and known.role is Role.ADMIN and bool(known.profile.password) for known in node.store.people.all()),
            signed_in=not self._sign_in_is_needed(settings),
        )

    def _source_trouble(self) -> Tried | None:
        """What is wrong with a source that gives no passages."""
        for source in self._node.library.states():
            if source.trouble and not source.passages:
                return Tried(
                    state=StepState.TROUBLE, code=source.code, gaps={"name": source.name}, detail=source.trouble, remedy=source.remedy
                )
        return None

    def _sign_in_is_needed(self, settings: Settings) -> bool:
        box = settings.mailbox[0] if settings.mailbox else None
        if box is None or box.imap.auth == "password":
            return False
        return self._sign_ins(settings).state(box.id).state is not SignInState.SIGNED_IN


def _value(settings: Settings, key: str) -> Any:
    """What the settings have under a key; of a mailbox that is not there yet, None."""
    inner: Any = settings
    for part in key.split("."):
        if part.isdecimal():
            inner = inner[int(part)] if int(part) < len(inner) else None
        elif inner is not None:
            inner = getattr(inner, part)
    return inner if inner is None or isinstance(inner, str | int | bool) else msgspec.to_builtins(inner, enc_hook=str)
