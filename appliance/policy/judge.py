"""What the policy says of a message before a word of reply is written.

The most that a case may come to is set by its tier. Then everything that speaks against an automatic reply narrows it, and
each narrowing is kept in ``trail``, so that a person can read later what stood in the way besides the first reason.
"""

import msgspec

from appliance.policy import injection, privacy, switches
from appliance.policy.model import Policy, Rule
from appliance.policy.terms import Hit
from appliance.records.base import Record
from appliance.records.language import Code
from appliance.records.message import Trust
from appliance.records.policy import NARROWNESS, Allowance, Reason, Switches, Tier, Verdict

EARLIER_MESSAGES = 5  # of a conversation that are judged again; the newest


class Question(Record):
    """What the customer wrote, as far as the policy looks at it.

    ``whole_text`` is the message with its quotes and signature: machines read those too, so signs of injection are looked for
    there, but not the topics of the rules, since half of all signatures speak of the law. ``earlier`` are the conversation's
    earlier messages. ``hidden``: the mail carried words that its reader does not see. ``parts`` counts what is asked;
    ``asked`` are their words, where they are known.
    """

    text: str
    whole_text: str = ""
    earlier: tuple[str, ...] = ()
    hidden: bool = False
    subject: str = ""
    language: Code | str = ""
    trust: Trust = Trust.ABSENT
    parts: int = 1
    asked: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """Subject and text: a threat in the subject is a threat."""
        return f"{self.subject}.\n\n{self.text}" if self.subject else self.text


def judge(question: Question, policy: Policy, levers: Switches) -> Verdict:
    """The most that may be done with this message, and why."""
    hits = policy.matcher.find(question.whole)
    verdict = _by_rule(_ruling(hits, policy), hits, policy)
    verdict = _account(verdict, question, policy)
    verdict = _conversation(verdict, question, policy)
    if verdict.tier is Tier.TEMPLATE and question.parts > 1 and not _all_about(verdict.rule, question, policy):
        verdict = narrow(verdict, Allowance.REVIEW, Reason(code="template_and_more", numbers={"parts": question.parts}))
    verdict = _findings(verdict, question)
    for allowance, code in switches.closed_by(levers):
        verdict = narrow(verdict, allowance, Reason(code=code))
    return verdict if verdict.team else msgspec.structs.replace(verdict, team=policy.default_team)


def _all_about(rule: str, question: Question, policy: Policy) -> bool:
    """Does every part by itself ask what the rule is about? "Where is my order? Has it been sent?" is one matter, for the record says
    both; of other templates nobody knows how many questions they answer."""
    ruling = policy.rule(rule)
    if ruling is None or not ruling.needs_account or not question.asked:
        return False
    return all(any(hit.topic == rule for hit in policy.matcher.find(text)) for text in question.asked)


def narrow(verdict: Verdict, allowance: Allowance, reason: Reason) -> Verdict:
    """The verdict with at most this allowance. Never widens: the first reason for the narrowest allowance stands."""
    trail = (*verdict.trail, reason)
    if NARROWNESS[allowance] <= NARROWNESS[verdict.allowance]:
        return msgspec.structs.replace(verdict, trail=trail)
    return msgspec.structs.replace(verdict, allowance=allowance, reason=reason, trail=trail)


def _ruling(hits: tuple[Hit, ...], policy: Policy) -> Rule | None:
    """Of the rules that matched, the one with the lowest tier; of equals the one the policy lists first."""
    found = {hit.topic for hit in hits}
    matched = [rule for rule in policy.rules if rule.name in found]
    return min(matched, key=lambda rule: rule.tier, default=None)


def _by_rule(rule: Rule | None, hits: tuple[Hit, ...], policy: Policy) -> Verdict:
    if rule is None:
        return Verdict(allowance=Allowance.SEND, tier=Tier.GROUNDED, reason=Reason(code="allowed"), team=policy.default_team)
    term = next(hit.term for hit in hits if hit.topic == rule.name)
    verdict = Verdict(
        allowance=Allowance.SEND,
        tier=rule.tier,
        reason=Reason(code="allowed", names=(rule.name,)),
        team=rule.team,
        rule=rule.name,
        template=rule.template,
    )
    if rule.tier is Tier.NEVER:
        return narrow(verdict, Allowance.ROUTE, Reason(code="tier0", names=(rule.name, term)))
    if rule.tier is Tier.ROUTE:
        return narrow(verdict, Allowance.ROUTE, Reason(code="route_only", names=(rule.name, term)))
    return verdict


def _account(verdict: Verdict, question: Question, policy: Policy) -> Verdict:
    """What needs the customer's own records is held: from a sender nobody vouches for in any case, else unless a template shows
    them. Whether there is a record for the template is the desk's to find out (:mod:`appliance.desk.lookup`)."""
    rule = policy.rule(verdict.rule)
    if rule is None or not rule.needs_account:
        return verdict
    if question.trust is Trust.PASSED and rule.template:
        return verdict
    code = "account_data" if question.trust is Trust.PASSED else "not_trusted_account"
    return narrow(verdict, Allowance.REVIEW, Reason(code=code, names=(rule.name,)))


def _conversation(verdict: Verdict, question: Question, policy: Policy) -> Verdict:
    """A friendly question in a conversation that began with a lawyer is still that conversation."""
    for earlier in question.earlier[-EARLIER_MESSAGES:]:
        rule = _ruling(policy.matcher.find(earlier), policy)
        if rule is not None and rule.tier is Tier.NEVER:
            return narrow(verdict, Allowance.REVIEW, Reason(code="earlier_tier0", names=(rule.name,)))
    return verdict


def _findings(verdict: Verdict, question: Question) -> Verdict:
    signs = injection.find(f"{question.whole}\n\n{question.whole_text}" if question.whole_text else question.whole)
    names = tuple(dict.fromkeys([*(sign.kind for sign in signs), *(["hidden_text"] if question.hidden else [])]))
    if names:
        verdict = narrow(verdict, Allowance.REVIEW, Reason(code="injection", numbers={"signs": len(names)}, names=names))
    secrets = tuple(dict.fromkeys(found.kind for found in privacy.find(question.whole) if found.kind in privacy.SECRET))
    if secrets:
        verdict = narrow(verdict, Allowance.REVIEW, Reason(code="personal_data", names=secrets))
    return verdict
