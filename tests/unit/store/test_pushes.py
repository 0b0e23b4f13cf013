from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.ground.errors import Refused
from appliance.records.push import Badge, Push, PushOutcome, PushResult, PushState
from appliance.store.errors import NoSuchCase, WrongState
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store

DOCUMENT = b'{"data":{"message":"Kalle Korhonen wants two pumps"}}'
DOWN = PushResult(outcome=PushOutcome.TRY_AGAIN, response_code=500, reason="server_error", crm_error="internal_error", blameless=True)
SYNCED = PushResult(outcome=PushOutcome.SYNCED, response_code=200)
TRIES = 3


def a_case(desk: Desk, name: str = "maija") -> str:
    (receipt,) = desk.take_in(message(sender=f"{name}@customer.example", text=f"I am {name}"))
    return receipt.case


def queued(desk: Desk, case: str, document: bytes = DOCUMENT, *, demo: bool = False) -> str:
    return desk.store.pushes.queue(case, document, "aino", demo=demo, term=desk.term)


def start(desk: Desk, seconds: float = 45.0) -> Push | None:
    return desk.store.pushes.start_next("node-a", term=desk.term, seconds=seconds)


def started(desk: Desk) -> Push:
    push = start(desk)
    assert push is not None
    return push


def finish(desk: Desk, push: Push, result: PushResult = SYNCED) -> PushState:
    return desk.store.pushes.finish(push, result, TRIES, term=desk.term)


def given_up(desk: Desk, case: str) -> str:
    push = queued(desk, case)
    for _ in range(TRIES):
        finish(desk, started(desk), DOWN)
        desk.clock.move(3_600)
    assert desk.store.pushes.find(push).state is PushState.DEAD
    return push


def last(desk: Desk, case: str) -> Push:
    return desk.store.pushes.of_case(case)[0]


def is_sound(desk: Desk) -> bool:
    found = desk.store.verify(tables=True)
    assert found.ok, found.problems
    return True


def test_a_push_goes_from_cached_to_synced_and_keeps_its_document(desk: Desk) -> None:
    case = a_case(desk)
    push = queued(desk, case)
    assert last(desk, case).badge is Badge.CACHED
    sent = started(desk)
    assert (sent.id, sent.case, sent.payload.encode(), sent.attempts) == (push, case, DOCUMENT, 1)
    assert finish(desk, sent) is PushState.SYNCED
    assert (last(desk, case).badge, last(desk, case).payload.encode()) == (Badge.SYNCED, DOCUMENT)
    counts = desk.store.pushes.counts()
    assert (counts.depth, counts.synced, counts.last_success_at) == (0, 1, desk.clock.now())
    assert desk.kinds(case)[-2:] == ["push_queued", "push_synced"]
    assert is_sound(desk)


def test_a_list_says_whom_each_push_is_about_and_leaves_the_document_out(desk: Desk) -> None:
    queued(desk, a_case(desk))
    (listed,) = desk.store.pushes.rows(PushState.QUEUED, 10)
    assert (listed.sender, listed.subject, listed.payload) == ("Maija", "A question", "")
    assert desk.store.pushes.rows(PushState.SYNCED, 10) == ()


def test_tries_in_vain_are_further_and_further_apart_and_end_as_failed(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    pauses = []
    for _ in range(TRIES):
        push = started(desk)
        finish(desk, push, DOWN)
        assert start(desk) is None
        pauses.append(last(desk, case).not_before - desk.clock.now())
        desk.clock.move(pauses[-1])
    assert pauses[:2] == [30.0, 60.0]
    dead = last(desk, case)
    assert (dead.badge, dead.attempts, dead.reason, dead.response_code, dead.crm_error) == (
        Badge.FAILED,
        TRIES,
        "server_error",
        500,
        "internal_error",
    )
    desk.clock.move(86_400)
    assert start(desk) is None
    assert is_sound(desk)


def test_a_pause_that_the_crm_asks_for_is_kept_up_to_a_limit(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    finish(desk, started(desk), msgspec.structs.replace(DOWN, retry_after_seconds=90.0))
    assert last(desk, case).not_before == desk.clock.now() + 90
    desk.clock.move(90)
    finish(desk, started(desk), msgspec.structs.replace(DOWN, retry_after_seconds=1e9))
    assert last(desk, case).not_before == desk.clock.now() + 3_600


def test_a_person_gives_a_failed_push_another_round_under_the_same_id(desk: Desk) -> None:
    case = a_case(desk)
    push = given_up(desk, case)
    desk.store.pushes.retry(push, "aino", term=desk.term)
    assert last(desk, case).badge is Badge.RETRYING
    for _ in range(TRIES - 1):
        assert finish(desk, started(desk), DOWN) is PushState.QUEUED
        desk.clock.move(3_600)
    again = started(desk)
    assert (again.id, again.attempts) == (push, 2 * TRIES)
    finish(desk, again)
    with pytest.raises(WrongState):
        desk.store.pushes.retry(push, "aino", term=desk.term)


def test_what_the_crm_refuses_for_good_is_failed_at_once(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    assert finish(desk, started(desk), PushResult(outcome=PushOutcome.REFUSED, response_code=422, reason="refused")) is PushState.DEAD


def test_a_closed_lever_holds_pushes_and_costs_no_try(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    desk.store.set_switch("outbound_enabled", False, "aino", term=desk.term)
    assert start(desk) is None
    desk.store.set_switch("outbound_enabled", True, "aino", term=desk.term)
    push = started(desk)
    assert finish(desk, push, PushResult(outcome=PushOutcome.HELD, reason="lever_closed")) is PushState.QUEUED
    assert (last(desk, case).attempts, last(desk, case).badge) == (0, Badge.CACHED)


def test_a_try_that_nobody_heard_of_again_is_made_once_more_with_the_same_id_and_bytes(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    lost = started(desk)
    assert start(desk) is None
    desk.clock.move(46)
    again = started(desk)
    assert (again.id, again.payload, again.attempts) == (lost.id, lost.payload, 2)
    assert finish(desk, lost) is PushState.SENDING  # whoever comes back late changes nothing
    assert finish(desk, again) is PushState.SYNCED


def test_another_term_sends_again_what_was_under_way(desk: Desk) -> None:
    case = a_case(desk)
    push = queued(desk, case)
    started(desk)
    desk.term = desk.store.begin_term("node-b")
    desk.clock.move(1)
    assert started(desk).id == push


def test_a_newer_push_of_the_case_takes_the_place_of_one_that_waits_or_failed(desk: Desk) -> None:
    case = a_case(desk)
    failed = given_up(desk, case)
    waiting = queued(desk, case)
    newest = queued(desk, case, b'{"newer":1}')
    assert [(one.id, one.state) for one in desk.store.pushes.of_case(case)] == [
        (newest, PushState.QUEUED),
        (waiting, PushState.WITHDRAWN),
        (failed, PushState.WITHDRAWN),
    ]
    assert started(desk).id == newest
    assert start(desk) is None


def test_an_older_push_that_fails_while_a_newer_one_waits_is_not_tried_again(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    older = started(desk)
    newer = queued(desk, case)
    assert finish(desk, older, DOWN) is PushState.WITHDRAWN
    assert started(desk).id == newer
    assert is_sound(desk)


def test_the_last_document_and_the_five_before_it_are_kept_and_no_more(desk: Desk) -> None:
    case = a_case(desk)
    for number in range(9):
        queued(desk, case, f'{{"number":{number}}}'.encode())
        finish(desk, started(desk))
    kept = desk.store.pushes.of_case(case, 20)
    assert [one.payload for one in kept] == [f'{{"number":{number}}}' for number in range(8, 2, -1)] + ["", "", ""]
    assert [bool(one.scrubbed_at) for one in kept] == [False] * 6 + [True] * 3
    assert is_sound(desk)


def test_scrubbing_removes_documents_and_leaves_what_waits(desk: Desk) -> None:
    done, failed, waiting = a_case(desk, "a"), a_case(desk, "b"), a_case(desk, "c")
    queued(desk, done)
    finish(desk, started(desk))
    push = given_up(desk, failed)
    queued(desk, waiting)
    assert desk.store.pushes.scrub("", "owner", term=desk.term) == 2
    assert [bool(last(desk, case).payload) for case in (done, failed, waiting)] == [False, False, True]
    assert last(desk, done).badge is Badge.SYNCED
    with pytest.raises(Refused):
        desk.store.pushes.retry(push, "aino", term=desk.term)
    assert desk.store.pushes.scrub("", "owner", term=desk.term) == 0
    assert is_sound(desk)


def test_scrubbing_one_case_leaves_the_others(desk: Desk) -> None:
    first, second = a_case(desk, "a"), a_case(desk, "b")
    for case in (first, second):
        queued(desk, case)
        finish(desk, started(desk))
    assert desk.store.pushes.scrub(first, "owner", term=desk.term) == 1
    assert last(desk, second).payload


def test_rows_of_a_demonstration_go_or_begin_anew_and_real_ones_stay(desk: Desk) -> None:
    real, shown = a_case(desk, "a"), a_case(desk, "b")
    for case, demo in ((real, False), (shown, True)):
        queued(desk, case, demo=demo)
        finish(desk, started(desk))
    assert desk.store.pushes.counts().demo == 1
    assert desk.store.pushes.reset_demo(True, "owner", term=desk.term) == 1
    assert (last(desk, shown).badge, last(desk, shown).attempts) == (Badge.CACHED, 0)
    assert desk.store.pushes.reset_demo(False, "owner", term=desk.term) == 1
    assert desk.store.pushes.of_case(shown) == ()
    assert last(desk, real).badge is Badge.SYNCED
    assert is_sound(desk)


def test_an_erased_customers_documents_are_gone_and_nothing_of_them_leaves(desk: Desk) -> None:
    case = a_case(desk)
    queued(desk, case)
    desk.store.erase_customer("maija@customer.example", "owner", term=desk.term)
    assert start(desk) is None
    (push,) = desk.store.pushes.of_case(case)
    assert (push.state, push.payload, push.reason, push.badge) == (PushState.WITHDRAWN, "", "words_gone", None)
    with pytest.raises(Refused):
        queued(desk, case)
    assert is_sound(desk)


def test_words_that_expire_take_the_documents_along(desk: Desk) -> None:
    case = a_case(desk)
    desk.settle(desk.claim())
    desk.finish(desk.started())
    queued(desk, case)
    finish(desk, started(desk))
    desk.clock.move(40 * 86_400)
    assert desk.store.expire_words(30, "owner", term=desk.term) == 1
    (push,) = desk.store.pushes.of_case(case)
    assert (push.state, push.payload, push.badge) == (PushState.SYNCED, "", Badge.SYNCED)
    assert is_sound(desk)


def test_no_word_of_a_document_stands_in_the_journal(desk: Desk, tmp_path: Path) -> None:
    case = a_case(desk)
    queued(desk, case)
    finish(desk, started(desk), DOWN)
    desk.store.sign_head()
    told = b"".join(entry.payload for entry in desk.store.last_entries(100))
    assert b"Kalle" not in told
    assert b"pumps" not in told
    assert all(b"Korhonen" not in path.read_bytes() for path in (tmp_path / "home").glob("tandem.db*"))


def test_a_document_that_is_too_large_or_of_no_case_is_refused(desk: Desk) -> None:
    with pytest.raises(WrongState):
        queued(desk, a_case(desk), b"x" * 1_000_001)
    with pytest.raises(NoSuchCase):
        queued(desk, "c-0000000000aaaaaaaa")
    with pytest.raises(NoSuchCase):
        desk.store.pushes.find("w-0000000000aaaaaaaa")


STEPS = st.lists(
    st.sampled_from(["queue", "start", "sync", "fail", "refuse", "hold", "wait", "long", "close", "open", "term", "retry", "scrub"]),
    max_size=40,
)


@settings(max_examples=60)
@given(steps=STEPS, tmp=st.uuids())
def test_every_push_ends_synced_or_failed_or_withdrawn_or_waits_and_none_is_lost(
    steps: list[str], tmp: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = FakeClock()
    with open_store(tmp_path_factory.mktemp(f"p{tmp}") / "home", clock) as store:
        desk = Desk(store, clock)
        cases, made, under_way = [a_case(desk, name) for name in ("a", "b")], [], []
        for place, step in enumerate(steps):
            _take(desk, step, cases[place % 2], made, under_way)
        found = {push.id: push for case in cases for push in store.pushes.of_case(case, 500)}
        assert set(made) == set(found)
        for push in found.values():
            waits = push.state in (PushState.QUEUED, PushState.SENDING)
            assert not waits or push.payload, "what waits has its document"
        assert _drained(desk) <= {PushState.SYNCED, PushState.DEAD, PushState.WITHDRAWN}
        assert is_sound(desk)


def _take(desk: Desk, step: str, case: str, made: list[str], under_way: list[Push]) -> None:
    pushes = desk.store.pushes
    results = {
        "sync": SYNCED,
        "fail": DOWN,
        "refuse": PushResult(outcome=PushOutcome.REFUSED, response_code=400, reason="refused"),
        "hold": PushResult(outcome=PushOutcome.HELD, reason="lever_closed"),
    }
    if step == "queue":
        made.append(queued(desk, case))
    elif step == "start":
        under_way += _as_list(start(desk))
    elif step in results and under_way:
        finish(desk, under_way.pop(0), results[step])
    elif step in ("wait", "long"):
        desk.clock.move(31 if step == "wait" else 4_000)
    elif step in ("close", "open"):
        desk.store.set_switch("outbound_enabled", step == "open", "aino", term=desk.term)
    elif step == "term":
        desk.term = desk.store.begin_term("node-b")
    elif step == "retry":
        for push in pushes.rows(PushState.DEAD, 1):
            if not push.scrubbed_at:
                pushes.retry(push.id, "aino", term=desk.term)
    elif step == "scrub":
        pushes.scrub("", "owner", term=desk.term)


def _as_list(push: Push | None) -> Iterable[Push]:
    return [] if push is None else [push]


def _drained(desk: Desk) -> set[PushState]:
    """Everything is sent once the lever is open and the CRM is well; the states that are left."""
    desk.store.set_switch("outbound_enabled", True, "aino", term=desk.term)
    desk.clock.move(10_000)
    while (push := start(desk)) is not None:
        finish(desk, push)
    return {push.state for push in desk.store.pushes.rows(None, 500)}
