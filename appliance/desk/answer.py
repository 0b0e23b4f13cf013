"""What the desk does with a case, from the first word to the decision. Pure: the same case, desk and levers, the same outcome.

    detect the language -> judge (levers, tier, injection, privacy) -> look up -> search -> write -> check -> decide (send, review, route)

Everything starts at what the policy allows and can only become narrower on the way. The writer's words are advice.
"""

from collections.abc import Callable

import msgspec

from appliance.desk import check, compose, decide, holds, lookup, question, search
from appliance.desk.desk import Desk
from appliance.desk.stopwatch import Stopwatch
from appliance.engines.writer.protocol import Refusal, WritingRequest
from appliance.policy import Question, judge, narrow
from appliance.records.account import AccountRecord
from appliance.records.answer import Check, Decision, Draft, Outcome, Usage, Versions
from appliance.records.case import Case
from appliance.records.language import LANGUAGES, Code, Language
from appliance.records.message import MessageKind
from appliance.records.policy import Allowance, Reason, Switches, Tier, Verdict


def answer(case: Case, desk: Desk, switches: Switches, language: str = "", on_stage: Callable[[str], None] | None = None) -> Outcome:
    """What should happen with the case. ``language`` skips the detection: somebody said which one it is.

    ``on_stage`` is told of each stage that has ended, for whoever waits; what it raises ends the work.
    """
    watch = Stopwatch(desk.timer, on_stage)
    nothing_to_do = holds.closed(case)
    if nothing_to_do is not None:
        return _base(Decision.CLOSE, nothing_to_do, Language(), Tier.GROUNDED, desk)

    spoken = detect(case, desk, language)
    code = _code(spoken, desk)
    watch.lap("detect")

    reading = question.read(case.message, code)
    verdict = judge(_question(case, spoken, reading), desk.policy, switches)
    verdict = holds.hold(verdict, case, reading, spoken, desk)
    watch.lap("judge")

    account = lookup.look_up(verdict, case, code, desk)
    if account.reason is not None:
        verdict = narrow(verdict, Allowance.REVIEW, account.reason)

    if verdict.allowance is Allowance.ROUTE or case.message.kind in (MessageKind.BOUNCE, MessageKind.UNREADABLE):
        return watch.onto(_handed_over(verdict, case, spoken, desk))
    if len(reading.parts) > desk.policy.limits.question_parts:
        reading = question.shortened(reading, desk.policy.limits.question_parts)

    parts, trouble = search.sought(reading, desk.library, code, desk.policy, desk.company.name)
    asked = compose.request(case.message, parts, code, desk)
    watch.lap("search")

    draft, checks, refusal, usage = _written(verdict, asked, case, desk, trouble, watch, account.record)
    missing = check.missing_keys(check.Draftwork(draft, asked, case.message, desk)) if draft is not None else ()
    base = _base(Decision.REVIEW, verdict.reason, spoken, verdict.tier, desk)
    outcome = decide.decide(verdict, draft, checks, refusal, desk.policy, base)
    return watch.onto(msgspec.structs.replace(outcome, rule=verdict.rule, team=verdict.team, missing_keys=missing, usage=usage))


def detect(case: Case, desk: Desk, language: str = "") -> Language:
    """The customer's language. A detector that fails is a detector that abstains."""
    if language in LANGUAGES:
        return Language(code=language, source="default", confidence=1.0)
    text = case.message.text
    if sum(letter.isalpha() for letter in text) < check.LANGUAGE_LETTERS:
        text = f"{case.message.subject}\n{text}"
    try:
        return desk.detector.detect(text, case.message.sender.address.rpartition("@")[2])
    except Exception:  # a broken detector must not stop the mail: the case goes to a person
        return Language()


def _written(
    verdict: Verdict, asked: WritingRequest, case: Case, desk: Desk, trouble: str, watch: Stopwatch, record: AccountRecord | None
) -> tuple[Draft | None, tuple[Check, ...], Refusal | None, Usage]:
    """The draft with its checks, or why there is none, and what the writing took."""
    if verdict.template:
        template = desk.policy.templates[verdict.template]
        draft = compose.from_template(template, asked, case.message, desk.policy, record)
        watch.lap("write")
        if draft is None:
            return None, (), Refusal(reason="template_language") if asked.language not in template.text else None, Usage()
        approved = compose.approved_text(template, asked.language, desk.policy, record)
        checks = check.check_template(draft, approved, asked, case.message, desk, record)
        watch.lap("check")
        return draft, checks, None, Usage()
    if trouble or not any(found.score >= asked.minimum for part in asked.parts for found in part.found):
        return None, (), Refusal(reason=trouble or ("no_knowledge" if asked.parts else "no_question")), Usage()
    started = desk.timer()
    answered = compose.written(asked, desk)
    usage = answered.usage if answered.usage.engine else Usage(engine=desk.writer.name, seconds=desk.timer() - started)
    draft = compose.draft(answered.sentences, asked, case.message, desk, usage.engine if usage.cause else "")
    watch.lap("write")
    checks = check.check(draft, asked, case.message, desk) if draft is not None else ()
    watch.lap("check")
    return draft, checks, answered.refusal, usage


def _code(spoken: Language, desk: Desk) -> Code:
    """The language to read and draft in: the customer's, or the company's first when that is not known."""
    return spoken.code if spoken.code and spoken.code in desk.company.languages else desk.company.languages[0]


def _question(case: Case, spoken: Language, reading: question.Reading) -> Question:
    message = case.message
    return Question(
        text=message.text,
        subject=message.subject,
        whole_text=message.full_text if message.full_text.strip() != message.text.strip() else "",
        earlier=tuple(f"{earlier.subject}. {earlier.text}" for earlier in case.thread),
        hidden="hidden_text" in message.oddities,
        language=spoken.code,
        trust=message.trust,
        parts=len(reading.parts),
        asked=tuple(part.text for part in reading.parts),
    )


def _handed_over(verdict: Verdict, case: Case, spoken: Language, desk: Desk) -> Outcome:
    """To the team. But a customer who chats waits in the chat, where only who works in the panel can answer."""
    decision = Decision.ROUTE if verdict.allowance is Allowance.ROUTE and case.channel != "chat" else Decision.REVIEW
    base = _base(decision, verdict.reason, spoken, verdict.tier, desk)
    return msgspec.structs.replace(base, rule=verdict.rule, team=verdict.team, stages=verdict.trail)


def _base(decision: Decision, reason: Reason, spoken: Language, tier: Tier, desk: Desk) -> Outcome:
    return Outcome(decision=decision, reason=reason, language=spoken, tier=tier, versions=versions(desk))


def versions(desk: Desk) -> Versions:
    """What takes part in this desk's decisions now."""
    policy = desk.policy
    return msgspec.structs.replace(
        desk.versions,
        policy=policy.version,
        knowledge=desk.library.version,
        writer=f"{desk.writer.name} {desk.writer.version}",
        prompt=desk.writer.prompt,
        lexicons=policy.lexicons,
        thresholds=policy.thresholds_version,
    )
