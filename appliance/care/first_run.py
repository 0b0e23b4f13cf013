"""The first run, step by step: from what is configured, what was tried and what is there to a list of what is left to do. Pure.

A step is never remembered as done: it is looked at anew each time, so that what breaks later shows up here again. Only what cannot
be seen from here, whether a mail server lets us in, rests on the last try, and a try counts for the very settings it was made with.
"""

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from appliance.records.base import Record
from appliance.records.first_run import Step, StepState, Tried
from appliance.records.policy import Switches
from appliance.reports.dry_day import CASES_LEAST, DryDay
from appliance.settings.model import MailboxSettings, Settings

STEPS: tuple[str, ...] = (
    "company", "hours", "mail_in", "mail_out", "self_mail", "race", "knowledge", "person", "levers", "dry_day",
)  # fmt: skip
OPTIONAL = frozenset({"hours", "race", "self_mail", "dry_day"})
TRIED = frozenset({"mail_in", "mail_out", "self_mail", "race"})  # the steps that are tried at a server

#: What each sentence says in English, with its remedy; the panel has them in three languages.
SENTENCES: dict[str, tuple[str, str]] = {
    "company_done": ("{company}, in {languages}.", ""),
    "company_nameless": ("The company has no name yet.", "Customers read it under every reply."),
    "hours_done": ("{hours}; the time zone is {zone}.", ""),
    "hours_unset": (
        "The time zone is {zone}; when people answer is not said.",
        "Say when, as in mon-fri 8-16: tandem init --hours \"mon-fri 8-16\"",
    ),
    "mail_in_none": ("No mail comes in yet.", "Name the mailbox's IMAP server, or a folder of mail files."),
    "mail_in_sign_in": ("Nobody has signed in to the mailbox at its provider.", "Sign in: tandem mailbox sign-in {mailbox}"),
    "mail_in_untried": ("{server} has not been tried.", "Try it: tandem setup try mail_in"),
    "mail_in_done": ("Mail comes in from {server}.", ""),
    "mail_out_none": ("No reply can leave yet.", "Name the SMTP server, or a folder for outgoing mail."),
    "mail_out_untried": ("{server} has not been tried.", "Try it: tandem setup try mail_out"),
    "mail_out_done": ("Replies leave by {server}.", ""),
    "self_mail_after": ("This comes after the mailbox and the way out.", ""),
    "self_mail_untried": ("No mail has been sent to ourselves yet.", "Send one, which is taken out again: tandem setup try self_mail"),
    "self_mail_done": ("A mail to ourselves left and came in.", ""),
    "race_after": ("This comes after the mailbox.", ""),
    "race_untried": (
        "Whether two appliances can share the mailbox is not known.",
        "Only a pair needs it; with one appliance: tandem setup skip race",
    ),
    "race_done": ("Two appliances can share the mailbox.", ""),
    "race_not_needed": ("A folder is read by one appliance only.", ""),
    "self_mail_not_needed": ("A folder needs no mail to itself.", ""),
    "knowledge_none": ("There is nothing to answer from.", "Add a file for each language: tandem knowledge add FILE --lang fi"),
    "knowledge_lacking": ("Nothing is known in {languages}.", "Add a file for it: tandem knowledge add FILE --lang {first}"),
    "knowledge_done": ("{passages} passages are there to answer from.", ""),
    "person_none": ("Nobody can sign in with a name and a password.", "Add the first person: tandem people add NAME"),
    "person_done": ("People who can sign in: {people}.", ""),
    "levers_unreadable": ("The levers cannot be read; everything is held.", "Run: tandem verify"),
    "levers_open": ("Automation is on before a dry day.", "Switch it off first: tandem switch automation off"),
    "levers_outbound": ("Outgoing mail is closed: nothing leaves.", "Open it: tandem switch outbound on"),
    "levers_careful": ("Nothing leaves without a person.", ""),
    "levers_automatic": ("Automation was opened.", ""),
    "dry_day_after": ("This comes after mail and knowledge.", ""),
    "dry_day_safe_mode": ("Safe mode is on: no draft is written.", "Begin the dry day: tandem switch safe-mode off"),
    "dry_day_running": (
        "Of {cases} cases {would} would have left by themselves. {least} cases, or a day, are needed to judge.",
        "Look at what waits for a person meanwhile.",
    ),
    "dry_day_ready": (
        "Of {cases} cases {would} would have left by themselves. People looked at {looked}: {unchanged} went out unchanged.",
        "When you would have sent them: tandem switch automation on",
    ),
    "dry_day_done": ("Automation is on.", ""),
    "skipped": ("Skipped.", ""),
    "broken": ("tandem.toml cannot be used.", "Mend it, then run: tandem config check"),
}  # fmt: skip


class Facts(Record):
    """What the steps are worked out from. ``settings`` are the file's, ``running`` those that the appliance runs with (None: it
    does not run). ``passages`` counts them by language; ``signed_in`` is False where somebody has to sign in at a provider."""

    settings: Settings
    switches: Switches
    dry_day: DryDay
    running: Settings | None = None
    broken: bool = False
    tried: Mapping[str, Tried] = {}
    skipped: frozenset[str] = frozenset()
    passages: Mapping[str, int] = {}
    source_trouble: Tried | None = None
    people: int = 0
    signed_in: bool = True


def steps(facts: Facts) -> tuple[Step, ...]:
    """Every step in its order."""
    made: dict[str, Step] = {}
    for name in STEPS:
        made[name] = _finished(_LOOKS[name](facts, made), facts)
    return tuple(made.values())


def left(found: tuple[Step, ...]) -> int:
    """How many steps somebody still has to do something about."""
    return sum(step.open for step in found)


def sentence(step: Step) -> tuple[str, str]:
    """What there is to say about a step and what to do, in English; the words of its last try where that failed."""
    if step.tried is not None and step.tried.state is StepState.TROUBLE and step.state is StepState.TROUBLE:
        return step.tried.detail, step.tried.remedy
    what, remedy = SENTENCES[step.says]
    return what.format_map(step.gaps), remedy.format_map(step.gaps)


def about(name: str, settings: Settings) -> str:
    """A digest of the settings that a try of this step depends on; "" for a step that is not tried."""
    box = _box(settings)
    if name not in TRIED or box is None:
        return ""
    parts = {"mail_in": (box.imap,), "mail_out": (box.smtp, box.sender), "race": (box.imap,), "self_mail": (box.imap, box.smtp, box.sender)}
    # As they show themselves, for a secret shows itself as stars: its digest would give it away.
    return hashlib.sha256(repr(parts[name]).encode("utf-8", "surrogatepass")).hexdigest()[:16]


# Each step


def _company(facts: Facts, _: Mapping[str, Step]) -> Step:
    company = facts.settings.company
    if not company.name:
        return _step("company", StepState.OPEN, "company_nameless")
    return _step("company", StepState.DONE, "company_done", company=company.name, languages=", ".join(company.languages))


def _hours(facts: Facts, _: Mapping[str, Step]) -> Step:
    hours, zone = facts.settings.company.hours, facts.settings.panel.time_zone
    if not hours:
        return _step("hours", StepState.OPEN, "hours_unset", zone=zone)
    return _step("hours", StepState.DONE, "hours_done", hours=", ".join(hours), zone=zone)


def _mail_in(facts: Facts, _: Mapping[str, Step]) -> Step:
    box = _box(facts.settings)
    if box is None or not (box.imap.host or box.folder.inbox):
        return _step("mail_in", StepState.OPEN, "mail_in_none")
    if not box.imap.host:
        return _step("mail_in", StepState.DONE, "mail_in_done", server=str(box.folder.inbox))
    if not facts.signed_in:
        return _step("mail_in", StepState.OPEN, "mail_in_sign_in", mailbox=box.id, server=box.imap.host)
    return _by_try("mail_in", facts, server=box.imap.host)


def _mail_out(facts: Facts, _: Mapping[str, Step]) -> Step:
    box = _box(facts.settings)
    if box is None or not (box.smtp.host or box.folder.outbox):
        return _step("mail_out", StepState.OPEN, "mail_out_none")
    if not box.smtp.host:
        return _step("mail_out", StepState.DONE, "mail_out_done", server=str(box.folder.outbox))
    return _by_try("mail_out", facts, server=box.smtp.host)


def _self_mail(facts: Facts, before: Mapping[str, Step]) -> Step:
    box = _box(facts.settings)
    if box is not None and not (box.imap.host and box.smtp.host) and before["mail_out"].state is StepState.DONE:
        return _step("self_mail", StepState.NOT_NEEDED, "self_mail_not_needed")
    if any(before[name].state is not StepState.DONE for name in ("mail_in", "mail_out")):
        return _step("self_mail", StepState.OPEN, "self_mail_after")
    return _by_try("self_mail", facts)


def _race(facts: Facts, before: Mapping[str, Step]) -> Step:
    box = _box(facts.settings)
    if box is not None and not box.imap.host and before["mail_in"].state is StepState.DONE:
        return _step("race", StepState.NOT_NEEDED, "race_not_needed")
    if before["mail_in"].state is not StepState.DONE:
        return _step("race", StepState.OPEN, "race_after")
    return _by_try("race", facts)


def _knowledge(facts: Facts, _: Mapping[str, Step]) -> Step:
    languages = [code for code in facts.settings.company.languages if not facts.passages.get(code)]
    if facts.source_trouble is not None:
        return msgspec.structs.replace(_step("knowledge", StepState.TROUBLE, "knowledge_none"), tried=facts.source_trouble)
    if len(languages) == len(facts.settings.company.languages):
        return _step("knowledge", StepState.OPEN, "knowledge_none")
    if languages:
        return _step("knowledge", StepState.OPEN, "knowledge_lacking", languages=", ".join(languages), first=languages[0])
    return _step("knowledge", StepState.DONE, "knowledge_done", passages=str(sum(facts.passages.values())))


def _person(facts: Facts, _: Mapping[str, Step]) -> Step:
    if not facts.people:
        return _step("person", StepState.OPEN, "person_none")
    return _step("person", StepState.DONE, "person_done", people=str(facts.people))


def _levers(facts: Facts, _: Mapping[str, Step]) -> Step:
    levers = facts.switches
    if not levers.readable:
        return _step("levers", StepState.TROUBLE, "levers_unreadable")
    if not levers.outbound_enabled:
        return _step("levers", StepState.OPEN, "levers_outbound")
    if not _automatic(levers):
        return _step("levers", StepState.DONE, "levers_careful")
    if "dry_day" in facts.skipped:
        return _step("levers", StepState.DONE, "levers_automatic")
    return _step("levers", StepState.TROUBLE, "levers_open")


def _dry_day(facts: Facts, before: Mapping[str, Step]) -> Step:
    day = facts.dry_day
    if facts.switches.readable and _automatic(facts.switches):
        return _step("dry_day", StepState.DONE, "dry_day_done")
    mail_works = all(before[name].state is StepState.DONE for name in ("mail_in", "mail_out"))
    if not day.cases and not (mail_works and any(facts.passages.values())):
        return _step("dry_day", StepState.OPEN, "dry_day_after")
    if facts.switches.safe_mode:
        return _step("dry_day", StepState.OPEN, "dry_day_safe_mode")
    told = {"cases": day.cases, "would": day.would_leave, "least": CASES_LEAST, "looked": day.looked_at, "unchanged": day.unchanged}
    says = "dry_day_ready" if day.enough else "dry_day_running"
    return _step("dry_day", StepState.OPEN, says, **{name: str(number) for name, number in told.items()})


_LOOKS: dict[str, Callable[[Facts, Mapping[str, Step]], Step]] = {
    "company": _company, "hours": _hours, "mail_in": _mail_in, "mail_out": _mail_out, "self_mail": _self_mail, "race": _race,
    "knowledge": _knowledge, "person": _person, "levers": _levers, "dry_day": _dry_day,
}  # fmt: skip


# What they share


def _step(name: str, state: StepState, says: str, **gaps: str) -> Step:
    return Step(name=name, state=state, says=says, gaps=gaps, optional=name in OPTIONAL)


def _by_try(name: str, facts: Facts, **gaps: str) -> Step:
    """A step that a server has the last word on: as its last try went, when that was made with the settings of now."""
    tried = facts.tried.get(name)
    if tried is None or tried.about != about(name, facts.settings):
        return _step(name, StepState.OPEN, f"{name}_untried", **gaps)
    says = f"{name}_done" if tried.state is StepState.DONE else f"{name}_untried"
    return msgspec.structs.replace(_step(name, tried.state, says, **gaps), tried=tried)


_FROM_THE_FILE: dict[str, Callable[[Settings], object]] = {
    "company": lambda settings: (settings.company.name, settings.company.languages, settings.company.signature),
    "hours": lambda settings: (settings.company.hours, settings.panel.time_zone),
    "mail_in": lambda settings: [(box.id, box.imap, box.folder.inbox) for box in settings.mailbox],
    "mail_out": lambda settings: [(box.id, box.sender, box.smtp, box.folder.outbox) for box in settings.mailbox],
    "knowledge": lambda settings: settings.knowledge,
}


def _finished(step: Step, facts: Facts) -> Step:
    """The step with what holds for any: a file that cannot be used, a person who passed it by, what waits for a restart."""
    part = _FROM_THE_FILE.get(step.name)
    if facts.broken and part is not None and step.name != "knowledge":
        return _step(step.name, StepState.TROUBLE, "broken")
    if step.open and step.optional and step.name in facts.skipped and step.state is not StepState.RUNNING:
        step = msgspec.structs.replace(step, state=StepState.SKIPPED, says="skipped", gaps={})
    changed = facts.running is not None and part is not None and part(facts.running) != part(facts.settings)
    live = step.name == "knowledge" and not step.open  # a source that gives passages has been taken in without a restart
    return msgspec.structs.replace(step, restart=changed and not live)


def _box(settings: Settings) -> MailboxSettings | None:
    """The mailbox that the first run is about; further ones are written into the file by hand."""
    return settings.mailbox[0] if settings.mailbox else None


def _automatic(levers: Switches) -> bool:
    return levers.automation_enabled and not levers.safe_mode
