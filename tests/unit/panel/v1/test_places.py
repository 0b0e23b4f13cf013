"""Places at an engine: so many at once, so many in line, and no place is lost by who leaves."""

import asyncio

import pytest

from appliance.panel.problems import Problem
from appliance.panel.v1.places import Places


async def hold(places: Places, until: asyncio.Event, came: list[int], number: int) -> None:
    async with places.one():
        came.append(number)
        await until.wait()


async def until_waiting(places: Places, number: int) -> None:
    while places.waiting != number:
        await asyncio.sleep(0)


def test_places_are_given_in_the_order_of_coming_and_the_line_has_an_end() -> None:
    async def play() -> None:
        places, until, came = Places(1, 2), asyncio.Event(), list[int]()
        tasks = [asyncio.ensure_future(hold(places, until, came, number)) for number in range(3)]
        await until_waiting(places, 2)
        with pytest.raises(Problem) as told:
            async with places.one():
                pass
        assert told.value.status == 429
        assert told.value.headers["Retry-After"] == "5"
        until.set()
        await asyncio.gather(*tasks)
        assert came == [0, 1, 2]

    asyncio.run(play())


def test_who_leaves_the_line_leaves_their_place_to_the_next() -> None:
    async def play() -> None:
        places, until, came = Places(1, 5), asyncio.Event(), list[int]()
        tasks = [asyncio.ensure_future(hold(places, until, came, number)) for number in range(3)]
        await until_waiting(places, 2)
        tasks[1].cancel()
        until.set()
        await asyncio.gather(tasks[0], tasks[2])
        async with places.one():
            assert places.waiting == 0
        assert came == [0, 2]

    asyncio.run(play())


def test_a_place_that_was_given_to_somebody_just_leaving_is_not_lost() -> None:
    async def play() -> None:
        places, until = Places(1, 5), asyncio.Event()
        first = asyncio.ensure_future(hold(places, until, [], 0))
        second = asyncio.ensure_future(hold(places, until, [], 1))
        await until_waiting(places, 1)
        until.set()
        await first  # the place is given to the second in the same turn in which it is cancelled
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        async with asyncio.timeout(1), places.one():
            pass

    asyncio.run(play())


def test_who_waits_too_long_is_told_so() -> None:
    async def play() -> None:
        places, until = Places(1, 5, wait_seconds=0.01), asyncio.Event()
        first = asyncio.ensure_future(hold(places, until, [], 0))
        await asyncio.sleep(0)
        with pytest.raises(Problem):
            async with places.one():
                pass
        assert places.waiting == 0
        until.set()
        await first

    asyncio.run(play())
