"""What must hold of a draft before it may leave without a person. Each check stands alone, and each can only say no.

    relevant    the passages it rests on are about what was asked
    answered    every part of the question has one
    grounded    every sentence, number, date, price and name is borne out by the passages it cites
    complete    the facts that were asked for by name are among them
    agreement   no other passage says otherwise
    private     no personal data but the company's own and what the customer wrote; never identity, card or account numbers
    language    the customer's
    courtesy    greetings are the company's own, at their place
    plain       nothing in it that the eye cannot see
    length      neither empty nor longer than a person would write

A check that cannot be made (an engine that fails) has no score, and no score is a failed check.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.desk import lookup
from appliance.desk.desk import Desk
from appliance.desk.fit import codes, speaks_of, speaks_of_names
from appliance.desk.search import is_ambiguous
from appliance.engines.agreement import rivals
from appliance.engines.writer.protocol import Part, WritingRequest
from appliance.language import words
from appliance.policy import privacy
from appliance.policy.normal import INVISIBLE
from appliance.records.account import AccountRecord
from appliance.records.answer import Check, Draft, DraftSentence
from appliance.records.knowledge import Passage
from appliance.records.message import Message
from appliance.records.policy import Reason

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff\ufffd]")
LANGUAGE_LETTERS = 40  # of a text whose language can be told


@dataclass(frozen=True)
class Draftwork:
    """A draft with all it was made from: what every check looks at."""

    draft: Draft
    asked: WritingRequest
    message: Message
    desk: Desk

    @property
    def body(self) -> tuple[DraftSentence, ...]:
        return tuple(sentence for sentence in self.draft.sentences if not sentence.courtesy)

    @property
    def body_text(self) -> str:
        return "\n".join(sentence.text for sentence in self.body)

    def passages(self, ids: Iterable[str]) -> tuple[Passage, ...]:
        """The passages of these ids among those that were found for the question; invented ids give none."""
        known = {found.passage.id: found.passage for part in self.asked.parts for found in part.found}
        return tuple(known[name] for name in dict.fromkeys(ids) if name in known)

    @property
    def cited(self) -> tuple[Passage, ...]:
        return self.passages(name for sentence in self.body for name in sentence.passages)


Finding = tuple[float, Reason | None]


def check(draft: Draft, asked: WritingRequest, message: Message, desk: Desk) -> tuple[Check, ...]:
    """Every check of the draft, in the order of the table above."""
    work = Draftwork(draft, asked, message, desk)
    return tuple(_made(name, make, work) for name, make in CHECKS.items())


def _made(name: str, make: Callable[[Draftwork], Finding], work: Draftwork) -> Check:
    try:
        score, reason = make(work)
    except Exception:  # an engine, a search: what cannot be checked has not passed
        return Check(name=name, passed=False, score=None, reason=Reason(code="score_missing", names=(name,)))
    return Check(name=name, passed=reason is None, score=round(score, 4), reason=reason)


def _no(code: str, share: float = 0.0, names: Iterable[str] = (), **numbers: float) -> Finding:
    return share, Reason(code=code, numbers={name: round(number, 4) for name, number in numbers.items()}, names=tuple(names))


def _yes(score: float = 1.0) -> Finding:
    return score, None


def _relevant(work: Draftwork) -> Finding:
    """The worst-answered part decides."""
    least = work.desk.policy.thresholds.search
    cited = {passage.id for passage in work.cited}
    scores = [max((found.score for found in part.found if found.passage.id in cited), default=0.0) for part in work.asked.parts]
    score = min(scores, default=0.0)
    return _yes(score) if score >= least else _no("no_knowledge", score, score=score, least=least)


def _answered(work: Draftwork) -> Finding:
    parts = work.asked.parts
    done = [_has_answer(part, work) for part in parts]
    unclear = sum(is_ambiguous(part) for part in parts)
    if any(not part.asks and (not part.found or part.found[0].score < 1.0) for part in parts):
        return _no("no_question")
    if unclear:
        return _no("passages_ambiguous", 1.0 - unclear / len(parts), unclear=unclear, parts=len(parts))
    if all(done) and parts:
        return _yes()
    return _no("unanswered_part", sum(done) / max(1, len(parts)), unanswered=done.count(False), parts=len(parts))


def _has_answer(part: Part, work: Draftwork) -> bool:
    """A cited passage was found for this part, and it speaks of the very product, code or name that was given."""
    cited = {passage.id for passage in work.cited}
    wanted, code, known = codes(part.text), work.asked.language, work.desk.company.name
    least = work.desk.policy.thresholds.search
    return any(
        found.passage.id in cited
        and found.score >= least
        and speaks_of(found.passage, wanted)
        and (found.score >= 1.0 or speaks_of_names(found.passage, part.text, known, code))
        for found in part.found
    )


def _grounded(work: Draftwork) -> Finding:
    """Sentence by sentence as the text falls apart, not as the writer cut it."""
    least = work.desk.policy.thresholds.grounded
    worst = 1.0
    for sentence in work.body:
        passages = work.passages(sentence.passages)
        if not passages or len(passages) != len(set(sentence.passages)):
            return _no("citation_invented" if sentence.passages else "sentence_uncited")
        for text in words.sentences(sentence.text) or [""]:
            support = work.desk.judge.support(text, passages, work.asked.language)
            if support.numbers:
                return _no("unsupported_number", support.score, unknown=len(support.numbers))
            if support.names:
                return _no("unsupported_name", support.score, unknown=len(support.names))
            worst = min(worst, support.score)
    return _yes(worst) if worst >= least else _no("unsupported_sentence", worst, score=worst, least=least)


def missing_keys(work: Draftwork) -> tuple[str, ...]:
    """Facts asked for by name, whose passage fits the question, that the draft does not rest on."""
    held = {passage.key for passage in work.cited}
    missing: dict[str, None] = {}
    for part in work.asked.parts:
        fits = {found.passage.key for found in part.found if found.score >= 0.95 * part.found[0].score}
        due = [key for key in part.keys if key in fits] or list(part.keys if len(part.keys) == 1 else ())
        if not any(key in held for key in due):
            missing.update(dict.fromkeys(due))
    return tuple(missing)


def _complete(work: Draftwork) -> Finding:
    missing = missing_keys(work)
    if not missing:
        return _yes()
    expected = {key for part in work.asked.parts for key in part.keys}
    return _no("missing_keys", 1.0 - len(missing) / max(len(expected), len(missing)), missing, missing=len(missing))


def _agreement(work: Draftwork) -> Finding:
    for part in work.asked.parts:
        mine = {found.passage.id for found in part.found}
        contradiction = rivals(part.found, [passage for passage in work.cited if passage.id in mine], work.asked.language, words)
        if contradiction:
            return _no("passages_disagree", names=contradiction)
    return _yes()


def _private(work: Draftwork) -> Finding:
    """The company's own numbers and addresses come from its passages; the customer's own from the message. Nothing else."""
    there = privacy.values(work.draft.text)
    secret = sorted({kind for kind, _ in there if kind in privacy.SECRET})
    if secret:
        return _no("personal_data_in_draft", names=secret)
    known = privacy.values("\n".join(passage.text for passage in work.cited))
    strange = sorted({kind for kind, value in there if (kind, value) not in known})
    return _no("other_customer_data", names=strange) if strange else _yes()


def _language(work: Draftwork) -> Finding:
    """The passages say which language they are in; a text of some length is looked at as well."""
    code = work.asked.language
    if work.draft.language != code or any(passage.language != code for passage in work.cited):
        return _no("other_language")
    text = work.body_text
    if sum(letter.isalpha() for letter in text) >= LANGUAGE_LETTERS:
        seen = work.desk.detector.detect(text)
        if seen.code not in (code, ""):
            return _no("other_language", names=(seen.code,))
    return _yes()


def _courtesy(work: Draftwork) -> Finding:
    """At most the greeting first and the closing last, and both the company's own."""
    frame = work.asked.courtesy
    texts = [sentence.text for sentence in work.draft.sentences if sentence.courtesy]
    first = [frame.greeting] if frame.greeting and work.draft.sentences[0].text == frame.greeting else []
    last = [frame.closing] if frame.closing and work.draft.sentences[-1].text == frame.closing else []
    return _yes() if texts == [*first, *last] else _no("courtesy_misplaced")


def _plain(work: Draftwork) -> Finding:
    text = work.draft.text
    return _no("unseen_characters") if _UNSEEN.search(text) or INVISIBLE.search(text) else _yes()


def _length(work: Draftwork) -> Finding:
    most = work.desk.policy.limits.reply_characters
    length = len(work.draft.text)
    if not work.body_text.strip():
        return _no("empty_draft")
    return _yes() if length <= most else _no("draft_too_long", characters=length, most=most)


CHECKS: dict[str, Callable[[Draftwork], Finding]] = {
    "relevant": _relevant,
    "answered": _answered,
    "grounded": _grounded,
    "complete": _complete,
    "agreement": _agreement,
    "private": _private,
    "language": _language,
    "courtesy": _courtesy,
    "plain": _plain,
    "length": _length,
}


def check_template(
    draft: Draft, text: str, asked: WritingRequest, message: Message, desk: Desk, record: AccountRecord | None = None
) -> tuple[Check, ...]:
    """An approved template needs no passages; it must be word for word what was approved, and within its frame. ``text`` is what was
    approved, with the values of ``record`` in its gaps, so that nothing else of the accounts can stand in the draft."""
    work = Draftwork(draft, asked, message, desk)
    same = [sentence.text for sentence in work.body] == [text.strip()]
    approved = Check(name="grounded", passed=same, score=1.0 if same else 0.0, reason=None if same else Reason(code="template_changed"))
    private = () if record is None else (_made("private", lambda work: _their_own(record, work), work),)
    return (approved, *private, *(_made(name, CHECKS[name], work) for name in ("courtesy", "plain", "length")))


def _their_own(record: AccountRecord, work: Draftwork) -> Finding:
    """The record is the writer's, whatever the look-up said, and shows no number that never stands in a reply."""
    if not lookup.is_theirs(record, work.message, work.desk.policy.accounts):
        return _no("other_customer_data", names=("account",))
    secret = sorted({kind for value in record.values.values() for kind, _ in privacy.values(value) if kind in privacy.SECRET})
    return _no("personal_data_in_draft", names=secret) if secret else _yes()
