"""Signatures, by the example that Standard Webhooks gives to its implementers, and by what an attacker would try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.channels.crm.errors import BadSecret
from appliance.channels.crm.signature import ID, SIGNATURE, TIMESTAMP, TOLERANCE_SECONDS, holds, key_of, new_secret, sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUSH = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
KEY = key_of(SECRET)
OTHER = key_of(new_secret())


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    assert sign([KEY], PUSH, AT, BODY) == {
        ID: PUSH,
        TIMESTAMP: "1614265330",
        SIGNATURE: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_receiver_believes_its_own_secret_and_no_other() -> None:
    headers = sign([KEY], PUSH, AT, BODY)
    assert holds([KEY], headers, BODY, AT + 1.0)
    assert not holds([OTHER], headers, BODY, AT)


def test_while_a_secret_is_changed_either_one_is_believed() -> None:
    headers = sign([OTHER, KEY], PUSH, AT, BODY)
    assert len(headers[SIGNATURE].split(" ")) == 2
    assert holds([KEY], headers, BODY, AT)
    assert holds([OTHER], headers, BODY, AT)


@pytest.mark.parametrize("later", [TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1])
def test_what_is_too_old_or_from_the_future_is_not_believed(later: float) -> None:
    assert not holds([KEY], sign([KEY], PUSH, AT, BODY), BODY, AT + later)


@pytest.mark.parametrize(
    "changed",
    [{ID: "msg_other"}, {TIMESTAMP: str(AT + 1)}, {TIMESTAMP: "soon"}, {TIMESTAMP: ""}, {SIGNATURE: ""}, {SIGNATURE: "v2,AAAA"}, {ID: ""}],
)
def test_what_was_changed_on_the_way_is_not_believed(changed: dict[str, str]) -> None:
    assert not holds([KEY], {**sign([KEY], PUSH, AT, BODY), **changed}, BODY, AT)
    assert not holds([KEY], sign([KEY], PUSH, AT, BODY), BODY + b" ", AT)


@given(push=st.text("abc0123-_", min_size=1), at=st.integers(1, 10**10), body=st.binary(max_size=200))
def test_whatever_is_signed_is_believed_by_whoever_has_the_secret(push: str, at: int, body: bytes) -> None:
    assert holds([KEY], sign([KEY], push, at, body), body, float(at))


@pytest.mark.parametrize("written", ["", "whsec_", "whsec_short", "whsec_MfKQ9r8GKYqrTwjUPD8I", "secret with words", "whsec_" + "A" * 400])
def test_what_is_no_secret_is_refused_without_telling_it(written: str) -> None:
    with pytest.raises(BadSecret) as refused:
        key_of(written)
    assert written not in str(refused.value) or not written.removeprefix("whsec_")


def test_a_new_secret_is_long_and_never_the_same() -> None:
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()
