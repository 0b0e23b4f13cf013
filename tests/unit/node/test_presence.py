"""Who is at a case: told by open pages, forgotten when they fall silent."""

from appliance.node.presence import FORGOTTEN_SECONDS, PLACES_MOST, Presence
from tests.support.clock import FakeClock


def test_people_are_at_a_case_until_they_go_or_fall_silent() -> None:
    clock = FakeClock()
    presence = Presence(clock)
    presence.tell("c-1", "oskar", "editing")
    presence.tell("c-1", "aino", "editing")
    presence.tell("c-2", "aino", "looking")
    assert (presence.at("editing"), presence.at("looking")) == ({"c-1": ["aino", "oskar"]}, {"c-2": ["aino"]})
    presence.tell("c-1", "oskar", "gone")
    clock.move(FORGOTTEN_SECONDS - 1)
    presence.tell("c-2", "aino", "editing")
    assert presence.at("editing") == {"c-1": ["aino"], "c-2": ["aino"]}
    clock.move(1)
    assert presence.at("editing") == {"c-2": ["aino"]}
    clock.move(FORGOTTEN_SECONDS)
    assert presence.at("editing") == {}


def test_the_oldest_word_is_forgotten_when_there_are_too_many() -> None:
    presence = Presence(FakeClock())
    for number in range(PLACES_MOST + 10):
        presence.tell(f"c-{number}", "aino", "editing")
    there = presence.at("editing")
    assert len(there) == PLACES_MOST
    assert "c-9" not in there
    assert "c-10" in there
