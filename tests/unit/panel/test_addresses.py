"""Which machine the desktop window shows, from what is known and who answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ground.errors import Refused
from appliance.panel.addresses import ADDRESSES_MOST, MISSES_MOST, Standing, clean, own, same_path, step, together
from appliance.settings.model import PanelSettings

ONE, TWO = "http://mini-1.local:8484", "http://mini-2.local:8484"
BOTH = (ONE, TWO)


def after(standing: Standing, *rounds: set[str]) -> Standing:
    for answering in rounds:
        standing = step(standing, BOTH, answering)
    return standing


def test_the_first_that_answers_is_shown() -> None:
    assert after(Standing(), {ONE, TWO}).at == ONE
    assert after(Standing(), {TWO}).at == TWO
    assert after(Standing(), set()).at == ""


def test_a_machine_that_is_silent_for_a_moment_keeps_its_window() -> None:
    restarting = [{TWO}] * (MISSES_MOST - 1)
    assert after(Standing(at=ONE), *restarting) == Standing(at=ONE, misses=MISSES_MOST - 1)
    assert after(Standing(at=ONE), *restarting, {ONE}) == Standing(at=ONE)


def test_a_machine_that_stays_silent_loses_it_to_the_other() -> None:
    assert after(Standing(at=ONE), *[{TWO}] * MISSES_MOST) == Standing(at=TWO)
    assert after(Standing(at=ONE), *[set()] * MISSES_MOST) == Standing(at="")


def test_nobody_is_moved_back_when_the_first_comes_to_life_again() -> None:
    assert after(Standing(at=TWO), {ONE, TWO}, {ONE, TWO}) == Standing(at=TWO)


def test_when_nobody_answered_the_first_to_come_is_shown_at_once() -> None:
    assert after(Standing(), set(), set(), {TWO}) == Standing(at=TWO)


@given(st.lists(st.sets(st.sampled_from(BOTH)), min_size=1, max_size=30))
def test_the_window_is_never_left_at_a_machine_that_was_silent_for_long(rounds: list[set[str]]) -> None:
    standing = Standing()
    for number, answering in enumerate(rounds, start=1):
        standing = step(standing, BOTH, answering)
        lately = rounds[max(0, number - MISSES_MOST) : number]
        assert standing.misses < MISSES_MOST
        if standing.at:
            assert any(standing.at in each for each in lately)
        else:
            assert not answering


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://mini-1.local:8484", ONE),
        (" mini-1.local:8484/ ", ONE),
        ("HTTPS://Desk.Example.com", "https://desk.example.com"),
        ("http://[::1]:8484", "http://[::1]:8484"),
        ("192.168.1.12:8484", "http://192.168.1.12:8484"),
    ],
)
def test_an_address_is_taken_as_people_write_it(text: str, address: str) -> None:
    assert clean(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "http://", "file:///etc/passwd", "javascript:alert(1)", "http://a b:1", "http://maria:secret@mini-1:8484", "http://mini-1:99999",
        "http://mini-1:8484/sign-in?token=x", "http://mini-1\n:8484", "http://" + "a" * 300, "http://mini-1:8484#x",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_panel_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused) as refused:
        clean(text)
    assert "http://mini-1.local:8484" in refused.value.remedy


def test_a_panel_that_listens_everywhere_is_opened_on_this_machine() -> None:
    assert own(PanelSettings()) == "http://127.0.0.1:8484"
    assert own(PanelSettings(host="0.0.0.0", port=9000)) == "http://127.0.0.1:9000"
    assert own(PanelSettings(host="::")) == "http://[::1]:8484"
    assert own(PanelSettings(host="192.168.1.11")) == "http://192.168.1.11:8484"
    assert own(PanelSettings(port=0)) == ""


def test_each_address_counts_once_and_no_more_than_a_pair_can_have() -> None:
    assert together((ONE, ""), (TWO, ONE)) == BOTH
    assert len(together(f"http://mini-{number}:8484" for number in range(100))) == ADDRESSES_MOST


@pytest.mark.parametrize(
    ("shown", "path"),
    [
        (f"{ONE}/cases/c-1?from=review", "/cases/c-1?from=review"),
        (ONE, "/"),
        (f"{ONE}/sign-in?next=/cases", "/"),
        (f"{ONE}//elsewhere.example/", "/"),
        ("http://mini-1.local:84840/cases", "/"),
        ("about:blank", "/"),
        ("", "/"),
    ],
)
def test_the_other_machine_shows_the_same_page_unless_it_was_signing_in(shown: str, path: str) -> None:
    assert same_path(shown, ONE) == path


def test_before_any_machine_was_shown_there_is_no_page_to_go_on_with() -> None:
    assert same_path("/cases", "") == "/"
