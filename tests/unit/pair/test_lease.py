"""One step at a time: what follows from what."""

from msgspec.structs import replace

from appliance.pair.lease import step
from appliance.pair.messages import AskWitness, Beat, End, Heard, Hears, Keep, Kept, Look, Note, Own, Reply, Send, Stop, WitnessRecord
from appliance.pair.permission import leave, may_acknowledge, may_send, turn
from appliance.pair.reasons import CODES
from appliance.pair.standing import Pace, Standing, ask, eligible, lease_end, paced, peer_agrees, start

KEPT = Kept(boot=3, term=7, supports="b", joined=True)


def standby(now: float = 100.0) -> Standing:
    return start("a", "b", kept=KEPT, now=now, witness="tcp")


def leads(now: float = 100.0) -> Standing:
    return replace(standby(now), phase="leader", mode="pair", noted=True, lease_from_peer=now + 3.0, counts_from=now, promise_left=0.0)


def beat(**changed: object) -> Beat:
    word = Beat(
        sender="b", boot=1, sent_at=5.0, term=7, phase="leader", end=End(term=7, position=4), healthy=True, joined=True, in_sync=False,
        yields=False,
    )  # fmt: skip
    return replace(word, **changed)


def test_a_node_starts_as_a_standby_that_owes_a_whole_lease() -> None:
    standing = standby()
    assert (standing.phase, standing.promise_left, standing.kept.boot) == ("standby", 3.0, 4)
    assert leave(standing, 100.0).sends == "nothing"


def test_a_countersignature_leaves_only_after_the_term_is_written_down() -> None:
    _, actions = step(standby(), Heard(beat=beat(term=9)), 100.1)
    assert [type(action) for action in actions[:2]] == [Keep, Send]
    assert isinstance(actions[1], Send)
    assert actions[1].beat.hears == Hears(boot=1, sent_at=5.0, countersigns=9)


def test_the_lease_runs_from_before_the_countersigned_words_left() -> None:
    hears = Hears(boot=4, sent_at=100.2, countersigns=7)
    after, _ = step(leads(), Heard(beat=beat(phase="standby", hears=hears)), 100.9)
    assert after.lease_from_peer == 103.2


def test_a_countersignature_of_another_boot_or_term_counts_for_nothing() -> None:
    for hears in (Hears(boot=3, sent_at=100.2, countersigns=7), Hears(boot=4, sent_at=100.2, countersigns=6)):
        after, _ = step(leads(), Heard(beat=beat(phase="standby", hears=hears)), 100.9)
        assert after.lease_from_peer == 103.0


def test_a_leader_stops_before_its_lease_ends_whether_or_not_it_is_stepped() -> None:
    standing, _ = step(leads(), Heard(), 102.5)
    standing = replace(standing, lease_from_peer=103.0)
    assert may_send(standing, 102.6)
    assert not may_send(standing, 102.7)


def test_a_leader_that_was_paused_drops_its_lease() -> None:
    standing = replace(leads(), lease_from_peer=110.0)
    after, _ = step(standing, Heard(), 101.1)
    assert leave(after, 101.1).sends == "nothing"
    assert not may_send(standing, 101.1), "also before the first step"


def test_time_that_a_node_slept_does_not_shorten_its_promise() -> None:
    after, _ = step(standby(), Heard(), 200.0)
    assert after.promise_left == 2.7


def test_a_clock_that_goes_back_ends_the_process() -> None:
    after, actions = step(leads(), Heard(), 99.9)
    assert actions == (Stop(reason="clock_went_back"),)
    assert leave(after, 101.0).reason == "clock_went_back"
    assert step(after, Heard(), 102.0) == (after, ())


def test_a_leader_supports_nobody_while_its_last_mail_is_leaving() -> None:
    stepped_down, _ = step(leads(), Heard(beat=beat(phase="standby", term=9)), 100.1)
    word = beat(phase="stands", term=10, sent_at=6.0)
    busy, _ = step(stepped_down, Heard(own=Own(sending=True), beat=word), 100.2)
    free, _ = step(busy, Heard(beat=replace(word, sent_at=6.1)), 100.3)
    assert busy.kept.supports == ""
    assert free.kept.supports == "b"


def test_a_node_supports_nobody_whose_journal_is_shorter() -> None:
    word = beat(phase="stands", term=10)
    after, _ = step(standby(), Heard(own=Own(end=End(term=7, position=5)), beat=word), 100.1)
    assert after.kept.supports == ""


def test_a_late_heartbeat_says_nothing() -> None:
    fresh, _ = step(standby(), Heard(beat=beat()), 100.1)
    after, _ = step(fresh, Heard(beat=beat(sent_at=4.0, term=12)), 100.2)
    assert after.kept.term == 7


def test_a_persons_word_is_on_disk_before_the_node_leads_by_it() -> None:
    standing = replace(start("a", "b", kept=KEPT, now=100.0), promise_left=0.0)
    after, actions = step(standing, Heard(wish="takeover"), 100.1)
    assert after.phase == "stands"
    assert after.kept.term == 1000
    assert isinstance(actions[0], Keep)
    assert step(after, Heard(), 100.2)[0].phase == "leader"


def test_a_persons_word_that_the_other_is_off_ends_when_the_other_is_heard() -> None:
    standing = start("a", "b", kept=KEPT, now=100.0)
    asked, _ = step(standing, Heard(wish="takeover"), 100.1)
    heard, _ = step(asked, Heard(beat=beat(phase="standby")), 100.2)
    assert (asked.wish, heard.wish) == ("takeover", None)


def stands_by_a_persons_word(now: float = 100.0) -> Standing:
    kept = replace(KEPT, boot=4, term=1000, supports="a", forced=True)
    return replace(standby(now), phase="stands", kept=kept, forced=True, stood_at=now, counts_from=now, won=True, promise_left=2.0)


def test_a_node_that_stands_by_a_persons_word_stands_back_when_the_other_is_heard() -> None:
    for phase in ("standby", "stands", "leader"):
        heard, _ = step(stands_by_a_persons_word(), Heard(beat=beat(phase=phase)), 100.1)
        assert (heard.phase, heard.forced, heard.won) == ("standby", False, False)
        assert heard.kept.forced, "it may still lack what the other sent alone"
    assert step(replace(stands_by_a_persons_word(), promise_left=0.0), Heard(), 100.1)[0].phase == "leader"


def test_words_of_a_node_whose_last_mail_is_leaving_release_nobody_from_a_promise() -> None:
    busy, _ = step(standby(), Heard(beat=beat(phase="standby", sending=True)), 100.1)
    done, _ = step(busy, Heard(beat=beat(phase="standby", sent_at=5.1)), 100.2)
    assert (busy.promise_left > 2.8, done.promise_left) == (True, 0.0)


def test_a_heartbeat_says_that_the_data_of_a_mail_is_leaving() -> None:
    _, actions = step(standby(), Heard(own=Own(sending=True)), 100.1)
    assert [action.beat.sending for action in actions if isinstance(action, Send)] == [True]


def test_whoever_once_stood_by_a_persons_word_waits_a_whole_lease_for_each_term_that_the_witness_gives_it() -> None:
    for forced, longest, wait in ((True, 3.0, 3.0), (True, 10.0, 10.0), (False, 10.0, 0.0)):
        kept = replace(KEPT, boot=4, term=1001, supports="a", forced=forced, lease_seconds=longest)
        asked = ask(replace(standby(), phase="stands", kept=kept, stood_at=100.0, promise_left=0.0), 100.0, take=True)
        reply = Reply(number=asked.number, granted=True, record=WitnessRecord(holder="a", term=1001, number=asked.number))
        after, _ = step(asked, Heard(reply=reply), 100.1)
        assert (after.phase, after.promise_left) == ("stands" if wait else "leader", wait)


def test_no_reply_leaves_for_a_message_that_carries_no_claim() -> None:
    by_word = replace(leads(), kept=replace(KEPT, forced=True))
    turns = {
        who: [turn(standing, 100.1, claim) for claim in ("none", "mine", "other")]
        for who, standing in {"leads": leads(), "by a person's word": by_word, "stands by": standby()}.items()
    }
    assert turns == {
        "leads": ["claim", "send", "send"],
        "by a person's word": ["claim", "send", "hold"],
        "stands by": ["wait", "wait", "wait"],
    }


def test_a_standby_asks_the_witness_once_the_promise_has_run_out() -> None:
    standing = replace(standby(), beat=beat(), promise_left=0.05)
    after, actions = step(standing, Heard(), 100.1)
    assert [action.ask for action in actions if isinstance(action, AskWitness)] == [Look(number=after.number)]


def test_an_entry_that_the_peer_lacks_is_acknowledged_only_by_a_leader_whose_loneliness_is_on_record() -> None:
    assert not may_acknowledge(leads(), 100.1, peer_holds=False)
    assert may_acknowledge(leads(), 100.1, peer_holds=True)
    assert may_acknowledge(replace(leads(), mode="solo"), 100.1, peer_holds=False)
    assert not may_acknowledge(standby(), 100.1, peer_holds=True)


def test_a_leader_gives_up_the_witnesss_lease_before_it_lets_the_peer_take_over() -> None:
    standing = replace(leads(), noted=False, lease_from_witness=103.5)
    after, actions = step(standing, Heard(), 100.1)
    assert [action.ask.in_sync for action in actions if isinstance(action, AskWitness) and isinstance(action.ask, Note)] == [True]
    assert lease_end(after) == 103.0


def test_a_leader_whose_peer_is_silent_works_alone_only_once_the_witness_has_noted_it() -> None:
    standing = replace(leads(), at=101.0, lease_from_peer=102.5, noted=True)
    asked, _ = step(standing, Heard(), 101.1)
    answered, _ = step(asked, Heard(reply=Reply(number=asked.number, granted=True, record=WitnessRecord(holder="a", term=7))), 101.2)
    assert (asked.mode, answered.mode) == ("pair", "solo")
    late, _ = step(asked, Heard(reply=Reply(number=asked.number - 1, granted=True, record=WitnessRecord(holder="a", term=7))), 101.2)
    assert late.mode == "pair", "an answer to another question is none to this one"


def test_a_peer_is_in_sync_only_when_it_holds_what_was_written_after_the_leader_began_to_wait_for_it() -> None:
    standing = replace(leads(), mode="solo", noted=False)
    joining, _ = step(standing, Heard(own=Own(written=9, shipped=8)), 100.1)
    behind, _ = step(joining, Heard(own=Own(written=12, shipped=9)), 100.2)
    still, _ = step(behind, Heard(own=Own(written=14, shipped=11)), 100.3)
    there, _ = step(still, Heard(own=Own(written=15, shipped=12)), 100.4)
    assert [each.mode for each in (joining, behind, still, there)] == ["joining", "joining", "joining", "pair"]


def test_a_leader_by_its_peers_word_acknowledges_nothing_alone_before_the_witness_says_so() -> None:
    mine = replace(KEPT, boot=4, supports="a")
    standing = replace(standby(), phase="stands", kept=mine, stood_at=100.0, counts_from=100.0)
    hears = Hears(boot=4, sent_at=100.0, countersigns=7)
    after, _ = step(standing, Heard(own=Own(written=500), beat=beat(phase="standby", hears=hears)), 100.1)
    assert (after.phase, after.mode) == ("leader", "joining")
    assert not may_acknowledge(after, 100.1, peer_holds=False)


def test_late_words_of_a_candidate_that_won_do_not_end_the_promise_to_it() -> None:
    late = beat(phase="stands", end=End(term=6, position=3))
    after, _ = step(standby(), Heard(own=Own(end=End(term=7, position=4)), beat=late), 100.1)
    assert after.promise_left > 2.8


def test_two_nodes_that_stand_in_one_term_do_not_block_each_other() -> None:
    standing = replace(standby(), phase="stands", kept=replace(KEPT, supports="a"), stood_at=100.0, promise_left=0.0)
    after, _ = step(standing, Heard(beat=beat(phase="stands", end=End())), 100.1)
    assert (after.phase, after.kept.term) == ("stands", 8)


def test_a_longer_lease_asks_a_far_witness_less_often_and_waits_longer() -> None:
    assert paced(3.0) == Pace()
    assert (paced(30.0).renew_seconds, paced(30.0).patience_seconds) == (10.0, 10.0)


def test_every_reason_has_a_sentence() -> None:
    for standing in (standby(), leads(), replace(leads(), kept=replace(KEPT, forced=True)), replace(leads(), giving_up_since=1.0)):
        assert leave(standing, 100.0).reason in CODES


RULES = "tcp:10.0.0.9:8487/3.0"
OTHERS = "none/10.0"


def with_rules(standing: Standing) -> Standing:
    return replace(standing, rules=RULES, kept=replace(standing.kept, rules=RULES))


def said(actions: tuple[object, ...]) -> Beat:
    return next(action.beat for action in actions if isinstance(action, Send))


def test_a_heartbeat_says_by_which_rules_its_node_plays() -> None:
    _, actions = step(start("a", "b", kept=KEPT, now=100.0, rules=RULES), Heard(), 100.1)
    assert (said(actions).rules, said(actions).led_otherwise) == (RULES, 7)


def test_a_node_supports_nobody_who_leads_or_stands_by_other_rules() -> None:
    for phase in ("leader", "stands"):
        for rules, term in ((RULES, 9), (OTHERS, 0)):
            after, actions = step(with_rules(standby()), Heard(beat=beat(phase=phase, term=9, rules=rules)), 100.1)
            assert (after.kept.term, after.kept.supports) == (9, "b" if term else "")
            assert [each.beat.hears for each in actions if isinstance(each, Send)] == [Hears(boot=1, sent_at=5.0, countersigns=term)]


def test_a_node_that_supports_a_leader_countersigns_no_more_once_its_rules_differ() -> None:
    after, actions = step(with_rules(standby()), Heard(beat=beat(rules=OTHERS)), 100.1)
    assert after.kept.supports == "b"
    assert said(actions).hears == Hears(boot=1, sent_at=5.0, countersigns=0)
    assert after.promise_left < 3.0, "what it promised before runs out, and is not renewed"


def test_a_leader_whose_peer_has_other_rules_counts_it_as_lost() -> None:
    hears = Hears(boot=4, sent_at=100.05, countersigns=7)
    after, actions = step(with_rules(leads()), Heard(beat=beat(phase="standby", hears=hears, rules=OTHERS)), 100.1)
    assert (after.lease_from_peer, peer_agrees(after, 100.1)) == (103.0, False)
    assert [action.ask.in_sync for action in actions if isinstance(action, AskWitness) and isinstance(action.ask, Note)] == [False]
    assert may_send(after, 100.2), "the lease that it has was promised, and runs"


def test_a_leader_does_not_hand_over_to_a_peer_with_other_rules() -> None:
    for rules, gives_up in ((RULES, True), (OTHERS, False)):
        hears = Hears(boot=4, sent_at=100.05, countersigns=7)
        after, _ = step(with_rules(leads()), Heard(beat=beat(phase="standby", hears=hears, rules=rules), wish="handover"), 100.1)
        assert (after.giving_up_since is not None) == gives_up


def test_a_node_neither_stands_nor_goes_on_standing_beside_one_with_other_rules() -> None:
    record = WitnessRecord(holder="b", term=7, in_sync=True)
    silent = replace(with_rules(standby()), beat=beat(rules=OTHERS), promise_left=0.0, record=record, witness_at=100.1)
    after, _ = step(silent, Heard(), 100.1)
    assert (after.phase, leave(after, 100.1).reason) == ("standby", "rules_differ")
    assert step(replace(silent, beat=beat(rules=RULES)), Heard(), 100.1)[0].phase == "stands"
    stands = replace(with_rules(standby()), phase="stands", stood_at=100.0, counts_from=100.0, won=True, promise_left=0.0)
    assert step(stands, Heard(beat=beat(phase="standby", rules=OTHERS)), 100.1)[0].phase == "standby"


def test_a_persons_word_makes_a_node_lead_that_last_heard_other_rules_once_the_other_is_silent() -> None:
    record = WitnessRecord(holder="b", term=7, in_sync=True)
    deaf = beat(phase="standby", rules=OTHERS)
    silent = replace(with_rules(standby()), beat=deaf, promise_left=0.0, record=record, witness_at=100.1, heard_at=100.0)
    here, _ = step(silent, Heard(wish="takeover"), 100.1)
    gone, _ = step(replace(silent, heard_at=90.0), Heard(wish="takeover"), 100.1)
    assert (here.phase, gone.phase, gone.forced) == ("standby", "stands", True)


def test_a_shorter_lease_does_not_shorten_what_was_promised_by_the_longer_one() -> None:
    long = start("a", "b", kept=KEPT, now=100.0, pace=paced(10.0), rules="none/10.0")
    short = start("a", "b", kept=long.kept, now=200.0, pace=paced(3.0), rules="none/3.0")
    again = start("a", "b", kept=short.kept, now=201.0, pace=paced(3.0), rules="none/3.0")
    assert [each.promise_left for each in (long, short, again)] == [10.0, 10.0, 10.0]
    supports, _ = step(again, Heard(beat=beat(rules="none/3.0")), 201.1)
    assert supports.promise_left > 9.8
    assert supports.kept.lease_seconds == 10.0


def test_a_longer_promise_is_forgotten_when_it_has_run_out_and_the_peer_plays_by_the_shorter_one() -> None:
    standing = start("a", "b", kept=replace(KEPT, lease_seconds=10.0), now=100.0, pace=paced(3.0), rules=RULES)
    standing = replace(standing, promise_left=2.0)
    other, _ = step(standing, Heard(beat=beat(rules=OTHERS)), 100.1)
    alike, actions = step(standing, Heard(beat=beat(rules=RULES)), 100.1)
    assert (other.kept.lease_seconds, alike.kept.lease_seconds) == (10.0, 3.0)
    assert isinstance(actions[0], Keep)


def test_a_witness_says_nothing_about_terms_that_were_led_by_other_rules() -> None:
    record = WitnessRecord(holder="b", term=7, in_sync=True)
    assert eligible(start("a", "b", kept=replace(KEPT, rules=RULES), now=100.0, rules=RULES), record)
    changed = start("a", "b", kept=replace(KEPT, rules=OTHERS), now=100.0, rules=RULES)
    assert not eligible(changed, record)
    assert eligible(changed, replace(record, term=8))


def test_which_terms_were_led_by_other_rules_is_learnt_from_a_peer_and_a_leader_knows_it_best() -> None:
    standing = replace(with_rules(standby()), kept=replace(KEPT, rules=RULES, led_otherwise=5))
    for word, led in (
        (beat(phase="standby", led_otherwise=6, rules=RULES), 6),
        (beat(phase="standby", led_otherwise=3, rules=RULES), 5),
        (beat(phase="leader", led_otherwise=3, rules=RULES), 3),
        (beat(phase="leader", term=9, rules=OTHERS), 9),
        (beat(phase="standby", led_otherwise=9, rules=OTHERS), 5),
    ):
        assert step(standing, Heard(beat=word), 100.1)[0].kept.led_otherwise == led
