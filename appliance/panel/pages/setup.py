"""The first run as one page: every step with its form, its try and how that went; each can be done again at any time."""

from typing import Annotated, Any, Literal

from litestar import Response
from msgspec import Meta

from appliance.ground.errors import SettingsError, TandemError
from appliance.panel import troubles
from appliance.panel.frame import Call, Panel, actor_of
from appliance.panel.levers import pull
from appliance.panel.pages.forms import FORM, LeverForm, Short, notice, redirect
from appliance.panel.pages.people import Nothing, Password
from appliance.panel.routes import form, page
from appliance.panel.troubles import Told
from appliance.panel.words import Voice
from appliance.records.base import Record
from appliance.records.case import CaseRow
from appliance.records.first_run import Step, StepState
from appliance.records.language import LANGUAGES, Code
from appliance.settings.problems import SettingsInvalid

SET_UP = "set_up"
SHOWN_CASES = 10
PORTS = {"imap": {"tls": 993, "starttls": 143, "none": 143}, "smtp": {"tls": 465, "starttls": 587, "none": 25}}

Port = Annotated[int, Meta(ge=1, le=65535)]
Security = Literal["tls", "starttls", "none"]
Long = Annotated[str, Meta(max_length=2_000)]


class CompanyForm(Record):
    """``usual`` is the language that is taken when a message's own is unsure."""

    name: Short
    usual: Code
    fi: bool = False
    sv: bool = False
    en: bool = False
    signature: Long = ""
    csrf: str = ""

    def values(self) -> dict[str, Any]:
        others = [code for code in LANGUAGES if getattr(self, code) and code != self.usual]
        said = {"company.name": self.name.strip(), "company.languages": [self.usual, *others]}
        return {**said, "company.signature": self.signature.replace("\r\n", "\n").strip() or None}


class HoursForm(Record):
    """``hours`` has a span of days on each line."""

    time_zone: Short
    hours: Long = ""
    csrf: str = ""

    def values(self) -> dict[str, Any]:
        lines = [line.strip() for line in self.hours.splitlines() if line.strip()]
        return {"panel.time_zone": self.time_zone.strip(), "company.hours": lines or None}


class ImapForm(Record):
    """The mailbox. A password that is left empty stays as it was."""

    sender: Short
    host: Short
    port: Port
    security: Security
    user: Short
    auth: Literal["password", "microsoft", "google"] = "password"
    password: Password = ""
    folder: Short = "INBOX"
    client_id: Short = ""
    tenant: Short = ""
    client_secret: Password = ""
    csrf: str = ""

    def values(self) -> dict[str, Any]:
        at = "mailbox.0.imap"
        named = {"host": self.host, "user": self.user, "folder": self.folder, "client_id": self.client_id, "tenant": self.tenant}
        said = {f"{at}.{name}": value.strip() or None for name, value in named.items()}
        kinds = {f"{at}.port": self.port, f"{at}.security": self.security, f"{at}.auth": self.auth}
        return {"mailbox.0.sender": self.sender.strip(), "mailbox.0.folder.inbox": None, **said, **kinds}

    def secrets(self) -> dict[str, str]:
        return {"mailbox.0.imap.password_file": self.password, "mailbox.0.imap.client_secret_file": self.client_secret}


class SmtpForm(Record):
    """The way out. Without a password of its own it uses the mailbox's."""

    host: Short
    port: Port
    security: Security
    user: Short = ""
    password: Password = ""
    auth: Literal["password", "microsoft", "google"] = "password"
    csrf: str = ""

    def values(self) -> dict[str, Any]:
        at = "mailbox.0.smtp"
        said = {f"{at}.host": self.host.strip() or None, f"{at}.user": self.user.strip() or None}
        return {**said, f"{at}.port": self.port, f"{at}.security": self.security, f"{at}.auth": self.auth, "mailbox.0.folder.outbox": None}

    def secrets(self) -> dict[str, str]:
        return {"mailbox.0.smtp.password_file": self.password}


class FolderForm(Record):
    """A folder of mail files instead of a server."""

    folder: Short
    sender: Short = ""
    csrf: str = ""


class PersonForm(Record):
    """The first person, who becomes an admin."""

    name: Short
    password: Password
    csrf: str = ""


class SkipForm(Record):
    skip: bool
    csrf: str = ""


class Shown(Record):
    """A step in words."""

    step: Step
    what: str
    remedy: str
    detail: str = ""


def routes(panel: Panel) -> list[Any]:
    commands = panel.commands

    @page("/setup", action=SET_UP, summary="The first run, step by step")
    def setup(request: Call) -> Response[bytes]:
        return _page(panel, request)

    def change(request: Call, step: str, values: dict[str, Any], secrets: dict[str, str], typed: Record) -> Response[bytes]:
        try:
            commands.set_up(actor_of(request), step, values, secrets)
        except TandemError as error:
            return _page(panel, request, wrong=(step, error), typed=typed)
        notice(request, "done.setup_saved")
        return redirect(f"/setup#step-{step}")

    @form("/setup/company", action=SET_UP)
    def company(request: Call, data: Annotated[CompanyForm, FORM]) -> Response[bytes]:
        return change(request, "company", data.values(), {}, data)

    @form("/setup/hours", action=SET_UP)
    def hours(request: Call, data: Annotated[HoursForm, FORM]) -> Response[bytes]:
        return change(request, "hours", data.values(), {}, data)

    @form("/setup/imap", action=SET_UP)
    def imap(request: Call, data: Annotated[ImapForm, FORM]) -> Response[bytes]:
        return change(request, "mail_in", data.values(), data.secrets(), data)

    @form("/setup/inbox", action=SET_UP)
    def inbox(request: Call, data: Annotated[FolderForm, FORM]) -> Response[bytes]:
        values = {
            "mailbox.0.sender": data.sender.strip(),
            "mailbox.0.folder.inbox": data.folder.strip() or None,
            "mailbox.0.imap.host": None,
        }
        return change(request, "mail_in", values, {}, data)

    @form("/setup/smtp", action=SET_UP)
    def smtp(request: Call, data: Annotated[SmtpForm, FORM]) -> Response[bytes]:
        return change(request, "mail_out", data.values(), data.secrets(), data)

    @form("/setup/outbox", action=SET_UP)
    def outbox(request: Call, data: Annotated[FolderForm, FORM]) -> Response[bytes]:
        values = {"mailbox.0.folder.outbox": data.folder.strip() or None, "mailbox.0.smtp.host": None}
        return change(request, "mail_out", values, {}, data)

    @form("/setup/person", action="manage_people")
    def person(request: Call, data: Annotated[PersonForm, FORM]) -> Response[bytes]:
        try:
            added = commands.add_person(actor_of(request), data.name, 4, data.password)
        except TandemError as error:
            return _page(panel, request, wrong=("person", error), typed=data)
        notice(request, "done.person_added", name=added.name)
        return redirect("/setup#step-person")

    @form("/setup/switches", action="see_status")
    def lever(request: Call, data: Annotated[LeverForm, FORM]) -> Response[bytes]:
        name = pull(commands, actor_of(request), data.name, data.on)
        notice(request, f"done.{name}.{'on' if data.on else 'off'}")
        return redirect("/setup#step-dry_day")

    @form("/setup/{step:str}/try", action=SET_UP)
    def try_step(request: Call, step: Short, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        commands.try_step(actor_of(request), step)
        return redirect(f"/setup#step-{step}")

    @form("/setup/{step:str}/skip", action=SET_UP)
    def skip_step(request: Call, step: Short, data: Annotated[SkipForm, FORM]) -> Response[bytes]:
        commands.skip_step(actor_of(request), step, data.skip)
        return redirect(f"/setup#step-{step}")

    @form("/setup/sign-in", action=SET_UP)
    def sign_in(request: Call, data: Annotated[Nothing, FORM]) -> Response[bytes]:  # noqa: ARG001  the guard read it
        try:
            commands.setup_sign_in(actor_of(request), True)
        except TandemError as error:
            return _page(panel, request, wrong=("mail_in", error))
        return redirect("/setup#step-mail_in")

    return [setup, company, hours, imap, inbox, smtp, outbox, person, lever, try_step, skip_step, sign_in]


def _page(panel: Panel, request: Call, wrong: tuple[str, TandemError] | None = None, typed: Record | None = None) -> Response[bytes]:
    """The page; after a form that could not be done as it was ``typed``, with what was ``wrong`` beside it."""
    commands, actor, voice = panel.commands, actor_of(request), panel.voice(panel.language_of(request))
    steps, values = commands.setup_steps(actor), commands.setup_values(actor)
    day = commands.dry_day(actor)
    needs_code = values.get("mailbox.0.imap.auth") in ("microsoft", "google")
    signing = commands.setup_sign_in(actor) if needs_code else None
    waits = signing is not None and str(signing.state) == "waiting"
    return panel.page(
        request,
        "setup.html",
        code=200 if wrong is None else 422,
        steps=[_shown(step, voice) for step in steps],
        behind=sum(not step.open for step in steps),
        here=wrong[0] if wrong else _next(steps),
        wrong=(wrong[0], _told(wrong[1], voice)) if wrong else ("", None),
        typed=typed,
        values=values,
        day=day,
        rows=_rows(panel, day.shown[:SHOWN_CASES]),
        signing=signing,
        watched=waits or any(step.state is StepState.RUNNING for step in steps),
        ports=PORTS,
        codes=LANGUAGES,
    )


def _next(steps: list[Step]) -> str:
    """The step to go on with: what is wrong before what is missing, what must be done before what may be."""
    waiting = sorted((step for step in steps if step.open), key=lambda step: (step.state is not StepState.TROUBLE, step.optional))
    return waiting[0].name if waiting else ""


def _rows(panel: Panel, cases: tuple[str, ...]) -> list[CaseRow]:
    return [file.row for case in cases if (file := panel.commands.file(case)) is not None]


def _shown(step: Step, voice: Voice) -> Shown:
    tried = step.tried
    if tried is not None and step.state is StepState.TROUBLE:
        told = troubles.of_dependency({"reason": tried.detail, "remedy": tried.remedy, "code": tried.code, "gaps": tried.gaps}, voice)
        return Shown(step=step, what=told.reason, remedy=told.remedy, detail=told.detail)
    says = f"setup.says.{step.says}"
    gaps = {**step.gaps, "languages": ", ".join(voice.known("language", code) for code in step.gaps.get("languages", "").split(", "))}
    remedy = voice.told(f"{says}.remedy", "", gaps)
    return Shown(step=step, what=voice.text(f"{says}.what", **gaps), remedy=remedy, detail=tried.detail if tried else "")


def _told(error: TandemError, voice: Voice) -> Told:
    """What was wrong with a form, in the reader's language where there are words for it; in English behind it."""
    if isinstance(error, SettingsInvalid):
        fields = ", ".join(dict.fromkeys(voice.known("setup.field", _field(problem.key)) for problem in error.problems))
        return Told(reason=voice.text("setup.cannot_be_used", fields=fields), detail=f"{error.message} {error.remedy}".strip())
    if isinstance(error, SettingsError):
        return Told(reason=voice.text("setup.not_changed"), detail=f"{error.message} {error.remedy}".strip())
    words = {"reason": error.message, "remedy": error.remedy, "code": error.code, "gaps": dict(error.gaps)}
    return troubles.of_dependency(words, voice)


def _field(key: str) -> str:
    """The part of a key that names its field: ``company.hours.0`` is about hours."""
    return [part for part in key.split(".") if not part.isdecimal()][-1]
