"""The device flow as a pure step: what we heard, to what we do next."""

import pytest

from appliance.channels.mail.oauth.device import (
    INTERVAL_SECONDS_MAX,
    Ended,
    Ending,
    Granted,
    NoDevice,
    Reply,
    Waiting,
    begun,
    granted,
    heard,
)
from appliance.channels.mail.oauth.provider import google, microsoft

SHOWN = {"device_code": "d", "user_code": "ABCD", "verification_uri": "https://x.example/device", "expires_in": 900, "interval": 5}


def waiting(**fields: object) -> Waiting:
    return begun(Reply(200, SHOWN | fields), now=100.0)


def test_a_code_is_shown_and_asked_for_after_the_interval() -> None:
    start = waiting()
    assert (start.user_code, start.verification_uri, start.ask_at, start.until) == ("ABCD", "https://x.example/device", 105.0, 1000.0)


@pytest.mark.parametrize("interval", [None, "soon", 0, -3, float("nan")])
def test_without_a_usable_interval_it_is_five_seconds(interval: object) -> None:
    assert waiting(interval=interval).interval_seconds == 5.0


def test_a_code_never_lives_longer_than_an_hour_and_a_provider_is_asked_at_least_each_minute() -> None:
    start = waiting(expires_in=1e8, interval=1e6)
    assert (start.until, start.interval_seconds) == (3700.0, INTERVAL_SECONDS_MAX)


@pytest.mark.parametrize("missing", ["device_code", "user_code", "verification_uri"])
def test_an_answer_without_a_code_is_refused(missing: str) -> None:
    with pytest.raises(NoDevice, match="status 200"):
        begun(Reply(200, {**SHOWN, missing: ""}), 0.0)
    with pytest.raises(NoDevice, match="invalid_client"):
        begun(Reply(401, {"error": "invalid_client"}), 0.0)


def test_an_address_that_is_no_web_page_is_not_shown() -> None:
    with pytest.raises(NoDevice):
        waiting(verification_uri="javascript:alert(1)")


def test_the_older_name_of_the_address_is_understood() -> None:
    assert (
        waiting(verification_uri="", verification_url="https://www.google.com/device").verification_uri == "https://www.google.com/device"
    )


def test_pending_goes_on_at_the_same_pace_and_slow_down_five_seconds_slower_for_good() -> None:
    first = heard(waiting(), Reply(400, {"error": "authorization_pending"}), 105.0)
    assert isinstance(first, Waiting)
    assert first.ask_at == 110.0
    second = heard(first, Reply(400, {"error": "slow_down"}), 110.0)
    assert isinstance(second, Waiting)
    assert (second.interval_seconds, second.ask_at) == (10.0, 120.0)


def test_a_line_that_breaks_is_asked_again_twice_as_slowly() -> None:
    later = heard(waiting(), Reply(0), 105.0)
    assert isinstance(later, Waiting)
    assert later.ask_at == 115.0


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("expired_token", Ending.EXPIRED),
        ("code_expired", Ending.EXPIRED),
        ("access_denied", Ending.DENIED),
        ("authorization_declined", Ending.DENIED),
        ("invalid_client", Ending.REFUSED),
    ],
)
def test_each_refusal_ends_it(code: str, how: Ending) -> None:
    ended = heard(waiting(), Reply(400, {"error": code}), 105.0)
    assert isinstance(ended, Ended)
    assert ended.how is how


def test_it_ends_by_itself_when_nobody_types_the_code() -> None:
    assert heard(waiting(), Reply(400, {"error": "authorization_pending"}), 996.0) == Ended(Ending.EXPIRED)


def test_tokens_end_the_waiting() -> None:
    tokens = heard(waiting(), Reply(200, {"access_token": "a", "refresh_token": "r", "expires_in": "3599"}), 105.0)
    assert tokens == Granted(access_token="a", expires_seconds=3599.0, refresh_token="r")
    assert "a" not in repr(tokens).replace("access", "").replace("Granted", "").replace("_seconds", "")


@pytest.mark.parametrize("reply", [Reply(200), Reply(200, {"access_token": 7}), Reply(500, {"access_token": "a"})])
def test_what_holds_no_token_is_none(reply: Reply) -> None:
    assert granted(reply) is None


def test_the_providers_are_asked_at_their_own_addresses() -> None:
    there = microsoft("desk", "pumps.example")
    assert there.device_url == "https://login.microsoftonline.com/pumps.example/oauth2/v2.0/devicecode"
    assert there.token_url == "https://login.microsoftonline.com/pumps.example/oauth2/v2.0/token"
    assert microsoft("desk").token_url == "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
    here = google("desk", "hush")
    assert (here.device_url, here.token_url) == ("https://oauth2.googleapis.com/device/code", "https://oauth2.googleapis.com/token")
    assert here.scope == "https://mail.google.com/"
    assert here.code_request("d")["client_secret"] == "hush"
    assert "client_secret" not in there.code_request("d")
    assert "hush" not in repr(here)
