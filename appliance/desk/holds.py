"""What speaks against an automatic reply before anything is written, beyond what the policy finds in the words.

Each hold is a row: the most it leaves, and its reason. ``closed`` are the cases with nothing to answer at all.
"""

from collections.abc import Iterator
from functools import lru_cache

from appliance.desk.desk import Desk
from appliance.desk.question import Reading
from appliance.engines import lexicon
from appliance.language.html import html_to_text
from appliance.language.words import tokens
from appliance.policy import narrow
from appliance.records.case import Case
from appliance.records.language import LANGUAGES, Language
from appliance.records.message import Message, MessageKind, Trust
from appliance.records.policy import Allowance, Reason, Verdict

_BOUNCE_IS_FINE = ("delayed", "delivered", "relayed", "expanded")  # RFC 3464, 2.3.3: it may still arrive, or has

# Signs under which a customer may write all the same: through a group address, a web form, a gateway. Never answered by the
# appliance, but a person looks; all other automatic mail is closed.
PERHAPS_A_PERSON = frozenset({"list", "robot_sender", "null_return_path", "loop", "suppresses_replies"})

GREETING = "only_greets"
_GREETING_CHARACTERS = 60

UNREAD_WORDS, UNREAD_SHARE = 6, 0.2  # above both, the two parts of a mail are two mails: links and footers differ by less

# What the parser had to work around, when it makes the words unsafe to answer.
UNSAFE_ODDITIES = frozenset({"several_senders", "too_large"})


def closed(case: Case) -> Reason | None:
    """Why there is nothing to answer, or None. A bounce of our own reply closes too; the store shows the replied case."""
    message = case.message
    if case.duplicate_of:
        return Reason(code="duplicate", names=(case.duplicate_of,))
    if message.kind is MessageKind.AUTOMATIC and message.automatic_reason not in PERHAPS_A_PERSON:
        return Reason(code="automatic", names=(message.automatic_reason,) if message.automatic_reason else ())
    if message.kind is MessageKind.BOUNCE:
        return _closed_bounce(case)
    if case.channel == "chat" and only_greets(message.text):
        return Reason(code=GREETING)
    return None


def only_greets(text: str) -> bool:
    """Whether somebody says hello in one of our languages and nothing else, as many do before they ask."""
    said = " ".join(tokens(text[:_GREETING_CHARACTERS]))
    return len(text) <= _GREETING_CHARACTERS and said in _greetings()


@lru_cache(maxsize=1)
def _greetings() -> frozenset[str]:
    return frozenset(greeting for code in LANGUAGES for greeting in lexicon.lists("question", code)["greetings"])


def _closed_bounce(case: Case) -> Reason | None:
    bounce = case.message.bounce
    if bounce is not None and bounce.action in _BOUNCE_IS_FINE:
        return Reason(code="delivery_report", names=(bounce.action,))
    if case.about:
        return Reason(code="bounced", names=(case.about,))
    return None if _is_ours(case) else Reason(code="delivery_report")


def _is_ours(case: Case) -> bool:
    """A bounce in one of our threads, or with our key in it, whose case is not known: a person looks."""
    return bool(case.thread or case.message.tandem_key)


def hold(verdict: Verdict, case: Case, reading: Reading, language: Language, desk: Desk) -> Verdict:
    """The verdict, narrowed by everything that holds this case for a person."""
    for reason in (*_by_case(case, desk), *_by_language(language, desk), *_by_reading(case.message, reading, desk)):
        verdict = narrow(verdict, Allowance.REVIEW, reason)
    return verdict


def _by_case(case: Case, desk: Desk) -> Iterator[Reason]:
    message, limits = case.message, desk.policy.limits.of(case.channel)
    if message.kind is MessageKind.UNREADABLE:
        yield Reason(code="unreadable")
    if parts_differ(message):
        yield Reason(code="parts_differ")
    if message.tandem_key:  # our own copies never become cases: this key is another appliance's, or somebody took it from a reply
        yield Reason(code="foreign_key")
    if message.trust is Trust.FAILED:  # whoever is named as the sender most likely did not write this
        yield Reason(code="sender_not_trusted")
    if message.kind is MessageKind.AUTOMATIC:
        yield Reason(code="perhaps_automatic", names=(message.automatic_reason,))
    odd = tuple(sorted(code for code in message.oddities if code in UNSAFE_ODDITIES or code.endswith("_over_limit")))
    if odd:
        yield Reason(code="odd_mail", names=odd)
    if message.kind is MessageKind.BOUNCE:
        yield Reason(code="bounced")
    if case.hold:
        yield Reason(code=case.hold)
    if case.history.earlier_unanswered:
        yield Reason(code="follow_up", numbers={"earlier": case.history.earlier_unanswered})
    if not message.sender.address:
        yield Reason(code="no_address")
    if replies_go_elsewhere(message):
        yield Reason(code="reply_to_differs")
    unsure = least_sure(message)
    if unsure < desk.policy.thresholds.speech:
        yield Reason(code="unclear_speech", numbers={"confidence": round(unsure, 2), "least": desk.policy.thresholds.speech})
    if case.attempts > limits.attempts:
        yield Reason(code="gave_up", numbers={"attempts": case.attempts})
    sent, most = case.history.automatic_replies_to_sender, limits.replies_per_sender_per_day
    if sent >= most:
        yield Reason(code="sender_limit", numbers={"sent": sent, "most": most})
    sent, most = case.history.automatic_replies_last_hour, limits.replies_per_hour
    if sent >= most:
        yield Reason(code="hourly_limit", numbers={"sent": sent, "most": most})


def least_sure(message: Message) -> float:
    """How sure the ear was of what was said where it was least sure; 1.0 where nobody spoke."""
    return min((spoken.confidence for spoken in message.spoken if spoken.confidence is not None), default=1.0)


def _unheard(message: Message) -> bool:
    """Whether a recording came along that nobody heard: most likely it is what the customer wanted to say."""
    return sum(file.media_type.startswith("audio/") for file in message.attachments) > len(message.spoken)


def parts_differ(message: Message) -> bool:
    """Does the part of the mail that the eye sees say a good deal that the part the desk reads does not?"""
    if not message.html:
        return False
    shown = set(tokens(html_to_text(message.html)))
    unread = shown - set(tokens(message.full_text))
    return len(unread) > max(UNREAD_WORDS, UNREAD_SHARE * len(shown))


def _by_language(language: Language, desk: Desk) -> Iterator[Reason]:
    confidence = round(language.confidence, 2)
    if not language.code or language.confidence < desk.policy.thresholds.language:
        yield Reason(code="language_unsure", numbers={"confidence": confidence})
    elif language.code not in desk.company.languages:
        yield Reason(code="language_not_served", names=(language.code,))


def _by_reading(message: Message, reading: Reading, desk: Desk) -> Iterator[Reason]:
    limits = desk.policy.limits
    if not message.text.strip():
        yield Reason(code="empty_body")
    elif not reading.parts:
        yield Reason(code="no_question")
    if len(message.text) > limits.question_characters:
        yield Reason(code="too_long", numbers={"characters": len(message.text), "most": limits.question_characters})
    if len(reading.parts) > limits.question_parts:
        yield Reason(code="too_many_parts", numbers={"parts": len(reading.parts), "most": limits.question_parts})
    unread = len(message.attachments) - len(message.spoken)  # what was heard stands in the text
    if unread > 0 and (reading.thin or reading.points_to_attachment or _unheard(message)):
        yield Reason(code="attachment_question", numbers={"attachments": unread})


def replies_go_elsewhere(message: Message) -> bool:
    return any(address.address.lower() != message.sender.address.lower() for address in message.reply_to)
