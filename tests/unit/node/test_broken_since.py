"""Since when a dependency has been broken."""

from typing import Any

from appliance.node.broken_since import BrokenSince


def row(name: str, connected: bool) -> dict[str, Any]:
    return {"name": name, "connected": connected}


def test_the_time_is_that_of_the_first_look_and_ends_when_it_works_again() -> None:
    since = BrokenSince()
    assert [one["since"] for one in since.noted([row("a", True), row("b", False)], 10.0)] == [0.0, 10.0]
    assert [one["since"] for one in since.noted([row("a", False), row("b", False)], 20.0)] == [20.0, 10.0]
    assert [one["since"] for one in since.noted([row("a", True), row("b", True)], 30.0)] == [0.0, 0.0]
    assert [one["since"] for one in since.noted([row("a", True), row("b", False)], 40.0)] == [0.0, 40.0]
