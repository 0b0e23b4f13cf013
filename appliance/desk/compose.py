"""A draft is put together here, by the desk and not by a writer: its courtesies, its layout, its citations.

A writer hands over sentences. What it says of them beyond their passages is not believed: a sentence counts as courtesy only
when it is, letter by letter, one of the company's own, and the text of the draft is laid out from the sentences.
"""

import re
from collections.abc import Iterable

import msgspec

from appliance.desk import lookup
from appliance.desk.desk import Company, Desk
from appliance.engines import lexicon
from appliance.engines.writer.protocol import Courtesy, Part, Refusal, WritingRequest, Written
from appliance.ground.errors import EngineError
from appliance.policy.model import Policy, Template
from appliance.records.account import AccountRecord
from appliance.records.answer import Draft, DraftSentence, Usage
from appliance.records.knowledge import Citation, Found
from appliance.records.language import LANGUAGES, Code
from appliance.records.message import Address, Message

REFUSALS = ("unanswered_part", "passages_disagree", "writer_refused")  # what a writer may give as its reason
ENGINES = ("grounded", "quoting", "mlx", "openai", "stub")  # who may be named as having written
# Why there is no draft, or why another writer wrote it: the code of the engine's error, and the reason that a person reads.
FAILURES = {
    "engine_timeout": "writer_timeout",
    "engine_died": "writer_died",
    "engine_busy": "writer_busy",
    "engine_nonsense": "writer_nonsense",
    "engine_unavailable": "writer_unavailable",
    "engine_missing": "writer_missing",
    "engine_failed": "writer_failed",
    "model_missing": "writer_model_missing",
    "key_refused": "writer_key_refused",
    "limit_reached": "writer_limit",
    "prompt_not_released": "writer_prompt",
}
MOST_SENTENCES = 60  # of a draft that is looked at; a writer that gives more is not well
_NAME = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_COMPANY_FORMS = ("oy", "oyj", "ab", "ltd", "inc", "llc", "plc", "gmbh")
_DESKS = ("team", "support", "info", "sales", "service", "office", "noreply", "asiakaspalvelu", "kundtjänst")
_NO_PERSON = frozenset((*_COMPANY_FORMS, *_DESKS))


def request(message: Message, parts: tuple[Part, ...], code: Code, desk: Desk) -> WritingRequest:
    """What the writer is told."""
    return WritingRequest(
        parts=parts,
        language=code,
        subject=message.subject,
        company=desk.company.name,
        courtesy=courtesy(message.sender, code, desk.company),
        minimum=desk.policy.thresholds.search,
        longest=desk.policy.limits.reply_characters,
    )


def courtesy(customer: Address, code: Code, company: Company) -> Courtesy:
    """Greeting and closing in the customer's language. The company's name and signature come below, from the channel."""
    lists = lexicon.lists("courtesy", code)
    name = first_name(customer)
    greeting = lists["greeting"][0].replace("{name}", name) if name else lists["greeting_unnamed"][0]
    return Courtesy(greeting=greeting.replace("{company}", company.name), closing=lists["closing"][0].replace("{company}", company.name))


def first_name(customer: Address) -> str:
    """The customer's first name when the sender's name is clearly that of a person; "" otherwise."""
    family, comma, given = customer.name.partition(",")
    words = (given if comma else customer.name).split()
    everything = [*words, *family.split()]
    if not 1 <= len(words) <= 4 or any(word.strip(".").lower() in _NO_PERSON for word in everything):
        return ""
    if not all(_NAME.fullmatch(word.rstrip(".")) and word[0].isupper() and len(word) <= 20 for word in everything):
        return ""
    return words[0] if comma or len(words) >= 2 else ""


def written(asked: WritingRequest, desk: Desk) -> Written:
    """What the writer gives back, whatever it does: an error, a timeout and nonsense become a refusal with its cause."""
    try:
        answer = desk.writer.write(asked)
    except TimeoutError:
        return Written(refusal=Refusal(reason="writer_timeout"))
    except EngineError as error:
        return Written(refusal=Refusal(reason=FAILURES.get(error.code, "writer_failed")))
    except Exception:  # whatever a writer raises, the case goes to a person and the loop goes on
        return Written(refusal=Refusal(reason="writer_failed"))
    return _sound(answer, asked, desk.writer.name) or Written(refusal=Refusal(reason="writer_nonsense"))


def _sound(answer: object, asked: WritingRequest, writer: str) -> Written | None:
    """What a writer must give, rebuilt from plain values, when it is of a size and kind that can be looked at."""
    if not isinstance(answer, Written) or not isinstance(answer.sentences, tuple) or len(answer.sentences) > MOST_SENTENCES:
        return None
    if not all(isinstance(sentence, DraftSentence) and isinstance(sentence.text, str) for sentence in answer.sentences):
        return None
    if sum(len(sentence.text) for sentence in answer.sentences) > 4 * asked.longest:
        return None
    try:
        rebuilt = msgspec.convert(msgspec.to_builtins(answer), Written)
        msgspec.json.encode(rebuilt)  # half a character cannot be stored or sent
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
        return None
    return msgspec.structs.replace(rebuilt, refusal=_our_words(rebuilt.refusal, asked), usage=_our_usage(rebuilt.usage, writer))


def _our_usage(usage: Usage, writer: str) -> Usage:
    """What the writing took goes into the journal too: known names and codes only, and numbers that can be added up."""
    went_in, cached, came_out = (
        min(max(number, 0), 10**9) for number in (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
    )
    return Usage(
        engine=usage.engine if usage.engine in (*ENGINES, "") else writer,
        prompt_tokens=went_in,
        cached_tokens=cached,
        completion_tokens=came_out,
        seconds=usage.seconds if 0 <= usage.seconds < 10**6 else 0.0,
        cause=usage.cause if usage.cause in (*FAILURES, "") else "engine_failed",
    )


def _our_words(refusal: Refusal | None, asked: WritingRequest) -> Refusal | None:
    """A refusal goes into the journal, where no word of a customer may stand: known codes and known passages only."""
    if refusal is None:
        return None
    known = {found.passage.id for part in asked.parts for found in part.found}
    return Refusal(
        reason=refusal.reason if refusal.reason in REFUSALS else "writer_refused",
        unanswered=tuple(place for place in refusal.unanswered if 0 <= place < len(asked.parts)),
        passages=tuple(name for name in refusal.passages if name in known),
    )


def draft(sentences: tuple[DraftSentence, ...], asked: WritingRequest, message: Message, desk: Desk, engine: str = "") -> Draft | None:
    """The draft as a person or the customer would read it; None when there is nothing in it.

    ``engine``: who wrote it instead of the desk's own writer, "" when that did."""
    own = {asked.courtesy.greeting, asked.courtesy.closing}
    kept = tuple(msgspec.structs.replace(sentence, courtesy=sentence.text in own) for sentence in sentences if sentence.text.strip())
    if all(sentence.courtesy for sentence in kept):
        return None
    return Draft(
        language=asked.language,
        subject=message.subject,
        text=layout(kept, asked.courtesy),
        sentences=kept,
        citations=citations(kept, asked.parts),
        writer=engine or f"{desk.writer.name} {desk.writer.version}",
    )


def from_template(
    template: Template, asked: WritingRequest, message: Message, policy: Policy, record: AccountRecord | None = None
) -> Draft | None:
    """An approved text between greeting and closing; None when there is none in the customer's language, or when it shows the
    customer's record and that is not there."""
    text = approved_text(template, asked.language, policy, record)
    if not text:
        return None
    cited = f"template:{template.name}"
    places = [Citation(source="policy.toml", passage=cited, score=1.0)]
    if record is not None:
        places.append(Citation(source="accounts", passage=record.citation, score=1.0))
    sentences = [DraftSentence(text=text, passages=tuple(place.passage for place in places))]
    if asked.courtesy.greeting:
        sentences.insert(0, DraftSentence(text=asked.courtesy.greeting, courtesy=True))
    if asked.courtesy.closing:
        sentences.append(DraftSentence(text=asked.courtesy.closing, courtesy=True))
    return Draft(
        language=asked.language,
        subject=message.subject,
        text=layout(tuple(sentences), asked.courtesy),
        sentences=tuple(sentences),
        citations=tuple(places),
        writer=cited,
        account=record,
    )


def approved_text(template: Template, code: Code, policy: Policy, record: AccountRecord | None) -> str:
    """What was approved to be sent in this language, with the customer's record in its gaps; "" when that cannot be had."""
    text = template.text.get(code, "").strip()
    if not template.needs_account:
        return text
    return lookup.filled(text, record, code, policy.accounts) if record is not None else ""


def layout(sentences: Iterable[DraftSentence], frame: Courtesy) -> str:
    """Greeting, one paragraph for each passage, closing."""
    paragraphs: list[str] = []
    before: tuple[str, ...] | None = None
    for sentence in sentences:
        if sentence.text in (frame.greeting, frame.closing) or sentence.passages != before or not paragraphs:
            paragraphs.append(sentence.text)
        else:
            paragraphs[-1] += f" {sentence.text}"
        before = None if sentence.courtesy else sentence.passages
    return "\n\n".join(paragraphs)


def with_piece(text: str, piece: str, company: str) -> str:
    """A reply with one more piece: before its closing where it ends with one of ours, else at its end; a blank line between."""
    paragraphs = [paragraph for paragraph in text.strip().split("\n\n") if paragraph.strip()]
    place = len(paragraphs)
    if paragraphs and paragraphs[-1].split("\n")[0].strip() in _closings(company):
        place -= 1
    return "\n\n".join([*paragraphs[:place], piece, *paragraphs[place:]])


def _closings(company: str) -> set[str]:
    """How our replies end, in each language."""
    return {closing.replace("{company}", company) for code in LANGUAGES for closing in lexicon.lists("courtesy", code)["closing"]}


def citations(sentences: Iterable[DraftSentence], parts: Iterable[Part]) -> tuple[Citation, ...]:
    """Each cited passage once, in the order of the draft, with the best score it was found with. Invented ids cite nothing."""
    best: dict[str, Found] = {}
    for part in parts:
        for found in part.found:
            known = best.get(found.passage.id)
            if known is None or found.score > known.score:
                best[found.passage.id] = found
    cited = dict.fromkeys(name for sentence in sentences if not sentence.courtesy for name in sentence.passages if name in best)
    return tuple(
        Citation(source=best[name].passage.source, passage=name, score=best[name].score, digest=best[name].passage.digest) for name in cited
    )
