"""Clips in the store: claimed, heard, given up, heard once more; the same sound; words that go; a replay that gives the same."""

import hashlib
import json

import pytest

from appliance.channels.voice.arrivals import arrival
from appliance.records.answer import Decision
from appliance.records.case import CaseState
from appliance.records.message import Attachment, Message
from appliance.records.policy import Reason
from appliance.records.voice import Caller, Segment, Transcript
from appliance.store.clips import ToHear
from appliance.store.errors import ClaimLost, NoSuchCase, SameAudio, WrongState
from appliance.store.replay import differing_tables
from tests.unit.store.support import Desk, message, outcome

MAIJA = Caller(name="Maija", address="maija@customer.example")
WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt one"
OTHER = b"RIFF\x24\x00\x00\x00WAVEfmt two"
BROKEN = Reason(code="ear_failed", names=("EngineDied",))


def transcript(text: str = "When are you open?", **fields: object) -> Transcript:
    told = {"language": "en", "confidence": 0.9, "seconds": 2.0, "speech_seconds": 1.5, "took_seconds": 0.5, "ear": "stub 1"}
    return Transcript(text=text, **{**told, **fields})  # type: ignore[arg-type]


class Voice:
    """A desk whose store is given clips."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.store, self.clips, self.count = desk, desk.store, desk.store.clips, 0

    def take(self, data: bytes = WAVE, caller: Caller = MAIJA, *, again: bool = False, listens: bool = True, key: str = "") -> str:
        self.count += 1
        came = arrival(key or f"key-{self.count}", "call.wav", data, caller, self.desk.clock.now())
        return self.clips.take(came, again=again, listens=listens, term=self.desk.term).case

    def claim(self, seconds: float = 60.0) -> ToHear:
        clip = self.clips.claim("ear-1", term=self.desk.term, seconds=seconds)
        assert clip is not None
        return clip

    def hear(self, clip: ToHear, words: Transcript | None = None, *, last: bool = True) -> CaseState:
        return self.clips.heard(clip, words or transcript(), "ear-1", last=last, term=self.desk.term)

    def release(self, clip: ToHear, reason: Reason = BROKEN) -> str:
        return self.clips.release(clip, reason, term=self.desk.term)

    def mail(self, text: str, *files: bytes) -> str:
        """A mail with sounds attached; its case."""
        named = tuple(
            Attachment(name=f"{place}.wav", media_type="audio/wav", size_bytes=len(data), kept=True) for place, data in enumerate(files)
        )
        mail = message(text=text, attachments=named)
        (receipt,) = self.desk.take_in(mail, attachments=dict(enumerate(files)), clips=tuple(range(len(files))))
        return receipt.case

    def message(self, case: str) -> Message:
        opened = self.store.file(case)
        assert opened is not None
        assert opened.message is not None
        return opened.message

    def journal(self) -> str:
        return b"\n".join(row[0] for row in self.store._readers.all("SELECT payload FROM journal ORDER BY position")).decode()

    def same_after_replay(self) -> bool:
        self.store.come_to_rest()
        return not self.store._readers.ask(differing_tables)


@pytest.fixture
def voice(desk: Desk) -> Voice:
    return Voice(desk)


def test_a_clip_is_listened_to_before_the_desk_looks_and_its_words_are_the_message(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    assert desk.state(case) == "listening"
    assert desk.store.claim("desk-1", term=desk.term, seconds=60) is None
    clip = voice.claim()
    assert (clip.case, clip.name, clip.data, clip.first) == (case, "call.wav", WAVE, None)
    assert voice.hear(clip) is CaseState.WAITING
    claimed = desk.claim()
    assert (claimed.id, claimed.channel, claimed.message.text) == (case, "voice", "When are you open?")
    assert claimed.message.spoken[0].confidence == 0.9
    assert desk.settle(claimed) is Decision.SEND
    assert desk.started().to[0].address == "maija@customer.example"
    assert voice.same_after_replay()


def test_the_journal_holds_numbers_of_what_was_said_and_not_a_word_nor_the_sound(voice: Voice) -> None:
    voice.take()
    voice.hear(voice.claim(), transcript("Open the gate"))
    written = voice.journal()
    assert all(secret not in written for secret in ("gate", "Maija", "maija", "call.wav", hashlib.sha1(WAVE).hexdigest()))
    heard = next(json.loads(line) for line in written.splitlines() if '"clip_heard"' in line)
    assert (heard["words"], heard["confidence"], heard["language"], heard["seconds"], heard["took_seconds"]) == (3, 0.9, "en", 2.0, 0.5)


def test_the_quick_words_are_kept_as_the_first_and_the_final_ones_replace_them(voice: Voice) -> None:
    case = voice.take()
    clip = voice.claim()
    assert voice.hear(clip, transcript("When are you", final=False), last=False) is CaseState.LISTENING
    assert voice.message(case).text == ""
    voice.hear(clip)
    (shown,) = voice.clips.of_case(case)
    assert shown.first is not None
    assert shown.transcript is not None
    assert (shown.state, shown.first.text, shown.transcript.text) == ("heard", "When are you", "When are you open?")
    assert voice.message(case).text == "When are you open?"
    assert voice.same_after_replay()


def test_a_claim_that_ended_is_taken_again_and_whoever_comes_late_is_told_so(voice: Voice, desk: Desk) -> None:
    voice.take()
    late = voice.claim(seconds=30)
    assert voice.clips.claim("ear-2", term=desk.term, seconds=30) is None
    desk.clock.move(31)
    again = voice.claim()
    for what in (lambda: voice.hear(late), lambda: voice.release(late)):
        with pytest.raises(ClaimLost):
            what()
    assert voice.hear(again) is CaseState.WAITING
    with pytest.raises(ClaimLost):
        voice.hear(again)


def test_a_claim_that_is_renewed_goes_on_and_a_new_term_ends_it(voice: Voice, desk: Desk) -> None:
    voice.take()
    clip = voice.claim(seconds=30)
    for _ in range(5):
        desk.clock.move(20)
        assert voice.clips.renew(clip, "ear-1", term=desk.term, seconds=30)
    assert voice.clips.claim("ear-2", term=desk.term, seconds=30) is None
    desk.term = desk.store.begin_term("node-b")
    again = voice.claim()
    assert not voice.clips.renew(clip, "ear-1", term=desk.term, seconds=30)
    assert voice.hear(again) is CaseState.WAITING


def test_after_three_tries_a_person_gets_the_case(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    for _ in range(3):
        assert desk.state(case) == "listening"
        voice.release(voice.claim())
        desk.clock.move(3600)
    assert (desk.state(case), desk.reason(case)) == ("review", "ear_failed")
    assert voice.clips.of_case(case)[0].trouble == "ear_failed"
    assert voice.same_after_replay()


def test_a_clip_whose_three_claims_all_ran_out_is_a_persons(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    for _ in range(3):
        voice.claim(seconds=30)
        desk.clock.move(31)
    assert voice.clips.claim("ear-1", term=desk.term, seconds=30) is None
    assert (desk.state(case), desk.reason(case)) == ("review", "ear_failed")


def test_a_try_that_failed_is_repeated_after_a_pause_and_a_stop_counts_as_none(voice: Voice, desk: Desk) -> None:
    voice.take()
    for _ in range(9):
        voice.release(voice.claim(), Reason(code="stopping"))
    voice.release(voice.claim())
    assert voice.clips.claim("ear-1", term=desk.term, seconds=30) is None
    desk.clock.move(6)
    assert voice.claim().claimed.kept.attempts == 2


def test_when_the_final_stage_fails_for_good_the_quick_words_stand(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    voice.hear(clip := voice.claim(), transcript("When are you open", final=False), last=False)
    voice.release(clip)
    for _ in range(2):
        desk.clock.move(3600)
        clip = voice.claim()
        assert clip.first is not None
        assert clip.first.text == "When are you open"
        voice.release(clip)
    assert desk.state(case) == "waiting"
    told = voice.message(case)
    assert (told.text, told.spoken[0].final) == ("When are you open", False)
    assert voice.same_after_replay()


def test_silence_is_a_persons_and_so_is_what_cannot_be_read(voice: Voice, desk: Desk) -> None:
    silent, unreadable = voice.take(), voice.take(OTHER)
    voice.hear(voice.claim(), transcript("", confidence=None))
    voice.clips.give_up(voice.claim(), Reason(code="clip_unreadable"), term=desk.term)
    assert (desk.state(silent), desk.reason(silent)) == ("review", "nothing_said")
    assert (desk.state(unreadable), desk.reason(unreadable)) == ("review", "clip_unreadable")


def test_a_mail_waits_until_each_of_its_clips_is_heard_and_the_desk_reads_both_its_text_and_what_was_said(voice: Voice, desk: Desk) -> None:
    case = voice.mail("Please listen.", WAVE, OTHER)
    assert voice.hear(voice.claim(), transcript("Where are you?")) is CaseState.LISTENING
    assert voice.hear(voice.claim(), transcript("And when?")) is CaseState.WAITING
    assert desk.claim().message.text == "Please listen.\n\nWhere are you?\n\nAnd when?"
    assert [clip.name for clip in voice.clips.of_case(case)] == ["0.wav", "1.wav"]
    assert voice.same_after_replay()


def test_a_mail_whose_one_clip_cannot_be_read_is_a_persons_with_the_words_of_the_other(voice: Voice, desk: Desk) -> None:
    case = voice.mail("", WAVE, OTHER)
    voice.clips.give_up(voice.claim(), Reason(code="clip_unreadable"), term=desk.term)
    assert voice.hear(voice.claim(), transcript("And when?")) is CaseState.REVIEW
    assert (desk.reason(case), voice.message(case).text) == ("clip_unreadable", "And when?")


def test_a_silent_clip_does_not_hold_up_a_mail_that_says_something(voice: Voice) -> None:
    voice.mail("When are you open?", WAVE)
    assert voice.hear(voice.claim(), transcript("", confidence=None)) is CaseState.WAITING


def test_two_people_are_read_as_they_took_turns(voice: Voice) -> None:
    case = voice.take()
    turns = (("Hello.", 0), ("Hello,", 1), ("are you open?", 1), ("Yes.", 0))
    voice.hear(voice.claim(), transcript("", segments=tuple(Segment(text=text, starts=0, ends=1, speaker=who) for text, who in turns)))
    assert voice.message(case).text == "Hello.\nHello, are you open?\nYes."


def test_the_same_sound_is_refused_with_its_case_and_taken_when_it_is_wanted(voice: Voice, desk: Desk) -> None:
    first = voice.take()
    with pytest.raises(SameAudio) as refused:
        voice.take(caller=Caller(name="Pekka", address="pekka@other.example"))
    assert refused.value.gaps["case"] == first
    again = voice.take(again=True)
    assert again != first
    assert desk.state(again) == "listening"
    assert voice.take(OTHER)


def test_the_very_same_arrival_is_known_and_refused_to_nobody(voice: Voice) -> None:
    assert voice.take(key="one") == voice.take(key="one")


def test_clips_without_words_yet_are_no_repeats_of_each_other(voice: Voice, desk: Desk) -> None:
    assert [desk.state(case) for case in (voice.take(), voice.take(OTHER))] == ["listening", "listening"]


def test_of_an_erased_customer_nothing_tells_which_sound_was_theirs(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    voice.hear(voice.claim(), transcript("Quite unheard of"))
    assert desk.store.rows(text="unheard")
    desk.store.erase_customer("maija@customer.example", "aino", term=desk.term)
    assert voice.clips.of_case(case) == []
    with pytest.raises(NoSuchCase):
        voice.clips.audio(case, 0)
    assert desk.store.rows(text="unheard") == []
    roles = desk.store._readers.all("SELECT DISTINCT role FROM bodies")
    assert roles == []
    assert desk.state(voice.take()) == "listening"  # nobody knows that it is the same
    assert voice.same_after_replay()
    assert desk.store.verify(tables=True).ok


def test_a_clip_that_is_being_heard_when_its_customer_is_erased_is_put_down_nowhere(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    clip = voice.claim()
    desk.store.erase_customer("maija@customer.example", "aino", term=desk.term)
    with pytest.raises(ClaimLost):
        voice.hear(clip)
    assert desk.state(case) == "closed"
    assert voice.clips.numbers(0.0).queue == 0


def test_sound_and_transcript_go_with_the_words_of_the_case(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    voice.hear(clip := voice.claim(), transcript("When", final=False), last=False)
    voice.hear(clip)
    desk.settle(desk.claim(), outcome(Decision.CLOSE))
    desk.clock.move(40 * 86_400)
    assert desk.store.expire_words(30, "retention", term=desk.term) == 1
    assert desk.store._readers.all("SELECT id FROM bodies") == []
    assert voice.clips.of_case(case) == []
    assert desk.store.verify(tables=True).ok


def test_what_was_said_is_found_by_its_words_as_soon_as_it_is_heard(voice: Voice, desk: Desk) -> None:
    case = voice.take()
    assert desk.store.rows(text="lämpöpumppu") == []
    voice.hear(voice.claim(), transcript("Onko lämpöpumppuja varastossa?"))
    assert [row.id for row in desk.store.rows(text="pumppu")] == [case]
    assert next(iter(desk.store.rows())).begins == "Onko lämpöpumppuja varastossa?"


def test_what_one_clip_says_is_found_when_the_other_cannot_be_read(voice: Voice, desk: Desk) -> None:
    case = voice.mail("Please listen.", WAVE, OTHER)
    voice.hear(voice.claim(), transcript("Onko lämpöpumppuja?"))
    assert desk.store.rows(text="pumppu") == []
    voice.clips.give_up(voice.claim(), Reason(code="clip_unreadable"), term=desk.term)
    assert [row.id for row in desk.store.rows(text="pumppu")] == [case]


def test_without_an_ear_a_person_gets_the_case_and_what_waited_for_one_too(voice: Voice, desk: Desk) -> None:
    waiting = voice.take()
    at_once = voice.take(OTHER, listens=False)
    assert (desk.state(at_once), desk.reason(at_once)) == ("review", "ear_off")
    assert voice.clips.leave_to_people(term=desk.term) == 1
    assert (desk.state(waiting), desk.reason(waiting)) == ("review", "ear_off")
    assert voice.clips.leave_to_people(term=desk.term) == 0


def test_a_case_in_review_is_heard_once_more_and_no_other(voice: Voice, desk: Desk) -> None:
    case = voice.take(listens=False)
    assert voice.clips.hear_again(case, "aino", term=desk.term) is CaseState.LISTENING
    with pytest.raises(WrongState):
        voice.clips.hear_again(case, "aino", term=desk.term)
    voice.hear(voice.claim())
    assert desk.state(case) == "waiting"
    (mail,) = (receipt.case for receipt in desk.take_in(message()))
    with pytest.raises(WrongState):
        voice.clips.hear_again(mail, "aino", term=desk.term)
    assert voice.same_after_replay()


def test_counts_and_numbers_tell_what_waits_and_what_was_heard(voice: Voice, desk: Desk) -> None:
    voice.take()
    voice.take(OTHER)
    desk.clock.move(30)
    numbers = voice.clips.numbers(0.0)
    assert (numbers.queue, numbers.oldest_seconds, numbers.heard) == (2, 30.0, 0)
    assert desk.store.counts()[CaseState.LISTENING] == 2
    voice.hear(voice.claim())
    numbers = voice.clips.numbers(0.0)
    assert (numbers.queue, numbers.heard, numbers.words, numbers.seconds) == (1, 1, 4, 2.0)


def test_sound_is_handed_out_by_its_place(voice: Voice) -> None:
    case = voice.take()
    assert voice.clips.audio(case, 0) == WAVE
    with pytest.raises(NoSuchCase):
        voice.clips.audio(case, 1)


def test_a_newer_mail_of_the_thread_overtakes_one_that_is_still_being_heard(voice: Voice, desk: Desk) -> None:
    case = voice.mail("Please listen.", WAVE)
    clip = voice.claim()
    first = voice.message(case).message_id
    desk.take_in(message(text="Never mind, when are you open?", in_reply_to=(first,), message_id="<two@customer.example>"))
    assert desk.state(case) == "closed"
    with pytest.raises(ClaimLost):
        voice.hear(clip)
