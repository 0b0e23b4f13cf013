"""What the company knows about each thing asked."""

from dataclasses import dataclass

import msgspec

from appliance.desk.desk import Search
from appliance.desk.fit import Asked, coverage, fitted
from appliance.desk.question import Part, Reading
from appliance.engines.writer import protocol
from appliance.language.words import content_stems, stems
from appliance.policy.model import Policy
from appliance.records.knowledge import Found, Passage
from appliance.records.language import Code

NEARLY_AS_GOOD = 0.9  # of the best score: fits about as well
EQUALLY_GOOD = 0.97  # of the best score: no telling which is meant
STRANGE = 0.5  # what is left of the score when what a question points to is something the passage does not speak of
SHARED_CONTEXT = 1 / 3  # share of the words before and of the question that the passage must speak of then
SELF_SUFFICIENT = 3  # words of substance from which a question needs nothing that was said before


@dataclass(frozen=True)
class Shop:
    """Where is looked, and how: the knowledge, the language, the policy, and the words that tell no fact from another here."""

    library: Search
    code: Code
    policy: Policy
    theme: frozenset[str]


def sought(reading: Reading, library: Search, code: Code, policy: Policy, ours: str = "") -> tuple[tuple[protocol.Part, ...], str]:
    """As :func:`seek`; when the knowledge cannot be searched, the parts without passages and the reason code for it."""
    try:
        return seek(reading, library, code, policy, ours), ""
    except Exception:  # whatever is wrong with the knowledge, the case goes to a person
        return tuple(protocol.Part(text=part.text) for part in reading.parts), "search_failed"


def seek(reading: Reading, library: Search, code: Code, policy: Policy, ours: str = "") -> tuple[protocol.Part, ...]:
    """Each part with its passages and the facts it asks for by name. ``ours`` is the company's name: what it sells often stands
    in it, and saying so asks for nothing else."""
    shop = Shop(library, code, policy, library.theme(code) | frozenset(stems(ours, code)))
    return tuple(_seek(part, reading, shop) for part in reading.parts)


def _seek(part: Part, reading: Reading, shop: Shop) -> protocol.Part:
    """The part's own words first: more words would make a clear question less so. Where it points to what was said before,
    those words choose among what fits about equally, and speak for it when it says too little alone."""
    asked, keys, found = part.text, *_search(part.text, shop)
    enough, code = shop.policy.thresholds.search, shop.code
    for before in (part.context, reading.subject) if part.points else ():
        if not before:
            continue
        wider_keys, wider = _search(part.text, shop, before)
        if found and found[0].score >= enough:
            found = _chosen_by(wider, found)
            break
        if wider and wider[0].score >= enough and _carries_its_own(part.text, wider[0].passage, code):
            asked, keys, found = f"{before} {part.text}", wider_keys, wider
            break
    return protocol.Part(text=asked, found=_known_there(part, found, code), keys=keys, asks=part.asks)


def _search(text: str, shop: Shop, before: str = "") -> tuple[tuple[str, ...], tuple[Found, ...]]:
    whole = f"{before} {text}".strip()
    asked = Asked(text=whole, code=shop.code, keys=shop.library.expected_keys(whole, shop.code), theme=shop.theme, told=before)
    return asked.keys, fitted(asked, shop.library.search(whole, shop.code, shop.policy.limits.passages_per_part))


def _chosen_by(wider: tuple[Found, ...], found: tuple[Found, ...]) -> tuple[Found, ...]:
    """Of passages that fit about equally, the one that also fits the words before: "what does *it* mean?" fits every error code."""
    there = {one.passage.id: one.score for one in wider}
    near = [one for one in found if one.score >= NEARLY_AS_GOOD * found[0].score]
    best = max(there.get(one.passage.id, 0.0) for one in near)
    if len(near) < 2 or best <= 0.0:
        return found
    chosen = [_scaled(one, 0.5 + 0.5 * there.get(one.passage.id, 0.0) / best) for one in near]
    return tuple(sorted([*chosen, *found[len(near) :]], key=lambda one: -one.score))


def _known_there(part: Part, found: tuple[Found, ...], code: Code) -> tuple[Found, ...]:
    """A question that points to something of which the passage does not speak is not about the passage: "I have to send money to
    China. How long will *it* take?" is no question about delivery times."""
    if not part.refers or not part.context or len(set(content_stems(part.text, code))) >= SELF_SUFFICIENT:
        return found
    whole = f"{part.context} {part.text}"
    weighed = [one if coverage(whole, one.passage, code) >= SHARED_CONTEXT else _scaled(one, STRANGE) for one in found]
    return tuple(sorted(weighed, key=lambda one: -one.score))


def _scaled(found: Found, by: float) -> Found:
    return msgspec.structs.replace(found, score=round(found.score * by, 4))


def _carries_its_own(text: str, passage: Passage, code: Code) -> bool:
    """What is found by the words before must still speak of what is asked: "and the shipping?" is not answered by the time."""
    return not content_stems(text, code) or coverage(text, passage, code) >= 0.5


def is_ambiguous(part: protocol.Part) -> bool:
    """Two passages about different things fit equally well and the question names neither: which one is meant, a person sees."""
    if len(part.found) < 2 or part.found[0].score >= 1.0:
        return False
    first, second = part.found[0], part.found[1]
    named = {first.passage.key, second.passage.key} & set(part.keys)
    return not named and second.score >= EQUALLY_GOOD * first.score
