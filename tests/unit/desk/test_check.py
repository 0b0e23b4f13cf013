"""Each check alone: a draft that fails this one, so that none leans on another."""

from collections.abc import Sequence

import msgspec
import pytest

from appliance.desk import compose
from appliance.desk.answer import answer
from appliance.desk.check import check
from appliance.desk.desk import Desk
from appliance.desk.search import is_ambiguous
from appliance.engines.writer.protocol import Courtesy, Part, Refusal, WritingRequest, Written
from appliance.records.answer import Check, Decision, Draft, DraftSentence
from appliance.records.knowledge import Found, Passage
from tests.support.cases import OPEN, case, desk, message, passage
from tests.support.writers import HostileWriter

LONG = (
    "For customers in Finland who order before noon on a working day the pump leaves our warehouse in Oulu on the same afternoon,"
    " and the carrier calls you to agree on a time."
)
HOURS = passage("hours", "We are open from Monday to Friday.", key="hours", title="When are you open?")
RETURNS = passage("returns", "You can return a pump. It must not be used.", key="returns", title="Can I return a pump?")
CONTACT = passage("contact", "Write to help@example.com or call 08 000 1234.", key="contact", title="How do I reach you?")
SHIPPING = passage("shipping", LONG, key="shipping", title="When is my pump shipped?")
FRAME = Courtesy(greeting="Hello Anna,", closing="Kind regards")
MAIL = message("When are you open?")


def checked(
    sentences: Sequence[tuple[str, tuple[str, ...]]],
    passages: Sequence[Passage] = (HOURS,),
    part: Part | None = None,
    made: Desk | None = None,
    **draft_fields: object,
) -> dict[str, Check]:
    """The checks of a draft of these sentences, to a question for which these passages were found."""
    part = part or Part(text="When are you open?", found=tuple(Found(passage=one, score=1.0) for one in passages[:1]))
    more = Part(text="?", found=tuple(Found(passage=one, score=1.0) for one in passages[1:]))
    asked = WritingRequest(parts=(part, more) if more.found else (part,), language="en", courtesy=FRAME)
    made = made or desk(passages)
    first, last = (DraftSentence(text=text, courtesy=True) for text in (FRAME.greeting, FRAME.closing))
    body = [DraftSentence(text=text, passages=ids) for text, ids in sentences]
    draft = compose.draft((first, *body, last), asked, MAIL, made)
    assert draft is not None
    draft = msgspec.structs.replace(draft, **draft_fields)
    return {one.name: one for one in check(draft, asked, MAIL, made)}


def failed(checks: dict[str, Check]) -> dict[str, str]:
    return {name: one.reason.code if one.reason else "" for name, one in checks.items() if not one.passed}


GOOD = [("We are open from Monday to Friday.", ("hours",))]


def test_a_good_draft_passes_every_check() -> None:
    checks = checked(GOOD)
    assert failed(checks) == {}
    assert {one.score for one in checks.values()} == {1.0}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("We are open from Monday to Friday. Everything is free.", "unsupported_sentence"),
        ("Everything is free. We are open from Monday to Friday.", "unsupported_sentence"),
        ("We are open from Monday to Friday 9–17.", "unsupported_number"),
        ("We are open from Monday to Friday says Matti Meikäläinen.", "unsupported_name"),
        ("We are not open from Monday to Friday.", "unsupported_sentence"),
        ("", "empty_draft"),
    ],
)
def test_what_no_passage_says_is_not_grounded(text: str, code: str) -> None:
    if not text:
        asked = WritingRequest(parts=(), language="en", courtesy=FRAME)
        assert compose.draft((DraftSentence(text=" "),), asked, MAIL, desk()) is None
        return
    assert failed(checked([(text, ("hours",))]))["grounded"] == code


def test_a_lie_inside_a_long_quotation_is_found() -> None:
    lie = "Your refund is approved."
    for text in (
        f"{LONG} {lie}",
        f"{lie} {LONG}",
        LONG.replace("Oulu", "Turku"),
        LONG.replace("same", "next"),
        LONG.replace("before", "after"),
    ):
        assert "grounded" in failed(checked([(text, ("shipping",))], [SHIPPING])), text
    assert failed(checked([(LONG, ("shipping",))], [SHIPPING])) == {}


def test_sentences_that_a_writer_left_together_are_judged_apart() -> None:
    much = passage("much", "We are open. We sell pumps. We repair them.", title="When are you open?")
    assert failed(checked([("We are open. We repair them.", ("much",))], [much])) == {}


@pytest.mark.parametrize(
    ("ids", "code"), [((), "sentence_uncited"), (("forged",), "citation_invented"), (("hours", "forged"), "citation_invented")]
)
def test_a_citation_that_was_not_found_is_none(ids: tuple[str, ...], code: str) -> None:
    assert failed(checked([(GOOD[0][0], ids)]))["grounded"] == code


def test_numbers_of_identity_cards_and_accounts_never_stand_in_a_reply_not_even_the_companys_own() -> None:
    bank = passage("bank", "Our account is FI21 1234 5600 0007 85.", key="bank", title="What is your account?")
    assert failed(checked([(bank.text, ("bank",))], [bank])) == {"private": "personal_data_in_draft"}


def test_an_address_or_number_must_stand_in_a_cited_passage() -> None:
    assert failed(checked([(CONTACT.text, ("contact",))], [CONTACT])) == {}
    assert failed(checked([(CONTACT.text, ("hours",))], [HOURS, CONTACT]))["private"] == "other_customer_data"
    assert failed(checked([("Write to matti@example.com.", ("contact",))], [CONTACT]))["private"] == "other_customer_data"


def test_another_language_is_noticed_by_the_passages_and_by_the_text() -> None:
    swedish = passage("sv", "Vi har öppet från måndag till fredag och på lördagar fram till lunch.", "sv")
    assert failed(checked([(swedish.text, ("sv",))], [swedish]))["language"] == "other_language"
    mislabelled = msgspec.structs.replace(swedish, language="en")
    assert failed(checked([(swedish.text, ("sv",))], [mislabelled])) == {"language": "other_language"}
    assert failed(checked(GOOD, language="sv"))["language"] == "other_language"


@pytest.mark.parametrize("mark", ["\u200b", "\u202e", "\x00", "\x1b", "\ufeff", "\ue000", "\u2028"])
def test_characters_that_nobody_sees_are_found(mark: str) -> None:
    hidden = passage("hours", f"We are open{mark} from Monday to Friday.", title="When are you open?")
    assert failed(checked([(hidden.text, ("hours",))], [hidden])).get("plain") == "unseen_characters"


def test_a_draft_may_be_only_so_long() -> None:
    much = passage("much", "We are open. " * 500, title="When are you open?")
    assert failed(checked([(much.text.strip(), ("much",))], [much]))["length"] == "draft_too_long"


def test_a_greeting_in_the_middle_is_out_of_place() -> None:
    assert failed(checked([*GOOD, (FRAME.greeting, ()), *GOOD])) == {"courtesy": "courtesy_misplaced"}


def test_who_calls_a_lie_courtesy_makes_it_a_sentence_to_be_supported() -> None:
    lie = DraftSentence(text="Your refund is approved.", courtesy=True)
    asked = WritingRequest(parts=(Part(text="x", found=(Found(passage=HOURS, score=1.0),)),), language="en", courtesy=FRAME)
    true = DraftSentence(text=HOURS.text, passages=("hours",))
    draft = compose.draft((lie, true), asked, MAIL, desk())
    assert isinstance(draft, Draft)
    assert [sentence.courtesy for sentence in draft.sentences] == [False, False]


def test_a_fact_that_was_asked_for_by_name_and_fits_must_be_there() -> None:
    part = Part(text="When are you open?", found=(Found(passage=HOURS, score=0.9), Found(passage=RETURNS, score=0.9)), keys=("returns",))
    result = checked(GOOD, part=part)
    assert failed(result)["complete"] == "missing_keys"
    assert result["complete"].reason is not None
    assert result["complete"].reason.names == ("returns",)


def test_a_passage_that_says_otherwise_is_a_disagreement_whatever_the_writer_says() -> None:
    other = passage("other", "We are open from Monday to Sunday.", key="hours", title="When are you open?")
    part = Part(text="When are you open?", found=(Found(passage=HOURS, score=0.9), Found(passage=other, score=0.6)))
    assert failed(checked(GOOD, part=part)) == {"agreement": "passages_disagree"}


def test_a_part_that_two_passages_fit_equally_is_unclear() -> None:
    part = Part(text="When are you open?", found=(Found(passage=HOURS, score=0.9), Found(passage=RETURNS, score=0.89)))
    assert is_ambiguous(part)
    assert failed(checked(GOOD, part=part)) == {"answered": "passages_ambiguous"}
    assert not is_ambiguous(msgspec.structs.replace(part, keys=("hours",)))
    apart = (Found(passage=HOURS, score=0.9), Found(passage=RETURNS, score=0.7))
    assert not is_ambiguous(msgspec.structs.replace(part, found=apart))


@pytest.mark.parametrize("text", ["When does the px-300 open?", "When is Stockmann open?"])
def test_a_code_or_a_name_that_the_passage_does_not_know_leaves_the_part_unanswered(text: str) -> None:
    part = Part(text=text, found=(Found(passage=HOURS, score=0.9),))
    assert failed(checked(GOOD, part=part)) == {"answered": "unanswered_part"}


def test_the_companys_own_name_needs_no_passage() -> None:
    part = Part(text="When is Testiyhtiö open?", found=(Found(passage=HOURS, score=0.9),))
    assert failed(checked(GOOD, part=part)) == {}


def test_what_is_no_question_is_answered_only_when_it_is_the_passages_own_name() -> None:
    told = Part(text="I stood before a closed door.", found=(Found(passage=HOURS, score=0.9),), asks=False)
    assert failed(checked(GOOD, part=told)) == {"answered": "no_question"}
    named = Part(text="When are you open", found=(Found(passage=HOURS, score=1.0),), asks=False)
    assert failed(checked(GOOD, part=named)) == {}


def test_a_weak_passage_is_no_answer_however_well_it_is_quoted() -> None:
    weak = Part(text="When are you open?", found=(Found(passage=HOURS, score=0.2),))
    assert set(failed(checked(GOOD, part=weak))) == {"relevant", "answered"}


def test_a_check_that_cannot_be_made_has_no_score_and_fails() -> None:
    class Broken:
        name = version = "broken"

        def support(self, *_: object) -> None:
            raise RuntimeError

    result = checked(GOOD, made=desk(judge=Broken()))
    assert (result["grounded"].passed, result["grounded"].score) == (False, None)


def test_a_refusal_brings_no_words_of_its_own_into_the_journal() -> None:
    chatty = Written(refusal=Refusal(reason="Anna lives at 1 Main Street", unanswered=(0, 99, -1), passages=("Anna", "en-warranty")))
    outcome = answer(case("How long is the warranty?"), desk(writer=HostileWriter(chatty)), OPEN)
    assert outcome.decision is Decision.REVIEW
    assert outcome.reason.code == "writer_refused"
    assert outcome.reason.names == ("en-warranty",)
    assert "Anna" not in msgspec.json.encode(outcome).decode()
