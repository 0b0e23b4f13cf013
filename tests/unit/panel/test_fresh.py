"""An answer that many ask for is made once for all of them, and soon again."""

import asyncio

import pytest

from appliance.ground.errors import StoreError
from appliance.panel.fresh import FRESH_SECONDS, STALE_SECONDS, Fresh
from tests.support.clock import FakeClock


def test_who_asks_at_the_same_time_gets_the_same_answer_and_later_a_new_one() -> None:
    async def scene() -> None:
        clock = FakeClock()
        made: list[int] = []

        def make() -> bytes:
            made.append(len(made))
            return f"{len(made)}".encode()

        fresh = Fresh(make, clock)
        answers = await asyncio.gather(*(fresh.response() for _ in range(20)))
        assert {answer.content for answer in answers} == {b"1"}
        clock.move(FRESH_SECONDS / 2)
        assert (await fresh.response()).content == b"1"
        clock.move(STALE_SECONDS)
        assert (await fresh.response()).content == b"2"

    asyncio.run(scene())


def test_nobody_waits_for_the_next_answer_while_the_last_one_is_barely_over_its_time() -> None:
    async def scene() -> None:
        clock, made = FakeClock(), iter((b"1", b"2", b"3"))
        fresh = Fresh(lambda: next(made), clock)
        assert (await fresh.response()).content == b"1"
        clock.move(FRESH_SECONDS)
        assert (await fresh.response()).content == b"1"
        async with asyncio.timeout(5):
            while (await fresh.response()).content != b"2":  # made meanwhile
                await asyncio.sleep(0)

    asyncio.run(scene())


def test_a_failure_is_told_to_those_who_waited_and_not_kept() -> None:
    async def scene() -> None:
        failing = [True]

        def make() -> bytes:
            if failing.pop():
                raise StoreError("The disk is gone.", "Bring it back.")
            return b"well"

        fresh = Fresh(make, FakeClock())
        with pytest.raises(StoreError):
            await fresh.response()
        failing.append(False)
        assert (await fresh.response()).content == b"well"

    asyncio.run(scene())
