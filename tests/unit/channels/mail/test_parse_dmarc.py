"""Only the server that was named is believed, and only where it writes."""

import pytest

from appliance.channels.mail.parse import parse
from appliance.records.message import Trust

OURS = "mx.example.com"
PASS = f"Authentication-Results: {OURS}; spf=pass smtp.mailfrom=a@bank.example; dmarc=pass header.from=bank.example"
FAIL = f"Authentication-Results: {OURS}; dmarc=fail (p=reject) header.from=bank.example"
RECEIVED_BY_US = f"Received: from bank.example by {OURS} with ESMTPS id 1"
RECEIVED_OUTSIDE = "Received: from evil.example by relay.evil.example with SMTP id 2"


def trust(*fields: str, sender: str = "Bank <a@bank.example>", authserv_id: str = OURS) -> Trust:
    return parse("\n".join([*fields, f"From: {sender}", "Subject: x", "", "y"]).encode(), authserv_id=authserv_id).trust


def test_our_servers_word_is_believed() -> None:
    assert trust(PASS, RECEIVED_BY_US) is Trust.PASSED
    assert trust(RECEIVED_BY_US, PASS, RECEIVED_OUTSIDE) is Trust.PASSED
    assert trust(FAIL, RECEIVED_BY_US) is Trust.FAILED
    assert trust(PASS.replace(OURS, OURS.upper() + " 1")) is Trust.PASSED


def test_without_a_configured_server_nobody_is_believed() -> None:
    assert trust(PASS, authserv_id="") is Trust.ABSENT
    assert trust(PASS.replace(OURS, ""), authserv_id="") is Trust.ABSENT


@pytest.mark.parametrize("name", ["mx.evil.example", "mx.example.com.evil.example", "example.com", "", "(mx.example.com) evil.example"])
def test_another_servers_word_counts_for_nothing(name: str) -> None:
    assert trust(PASS.replace(OURS, name)) is Trust.ABSENT


def test_a_forged_field_below_our_own_is_not_believed() -> None:
    assert trust(FAIL, RECEIVED_BY_US, PASS) is Trust.FAILED
    none = f"Authentication-Results: {OURS}; spf=none"
    assert trust(none, RECEIVED_BY_US, PASS, RECEIVED_OUTSIDE) is Trust.ABSENT


def test_two_words_of_our_server_that_disagree_are_a_failure() -> None:
    assert trust(PASS, "Received-SPF: pass", FAIL) is Trust.FAILED
    assert trust(f"Authentication-Results: {OURS}; spf=pass", "Received-SPF: pass", PASS) is Trust.PASSED


@pytest.mark.parametrize("result", ["none", "temperror", "permerror", "bestguesspass", "softpass"])
def test_anything_but_pass_is_no_trust(result: str) -> None:
    assert trust(PASS.replace("dmarc=pass", f"dmarc={result}")) is Trust.ABSENT


def test_a_pass_for_another_domain_than_the_sender_we_read_is_a_failure() -> None:
    assert trust(PASS, sender="Bank <a@other.example>") is Trust.FAILED
    assert trust(PASS, "From: b@evil.example") is Trust.FAILED
    assert trust(PASS, "From: c@bank.example", sender="b@evil.example") is Trust.FAILED
    assert trust(PASS, sender="") is Trust.FAILED
    assert trust(PASS, sender="a@mail.bank.example") is Trust.PASSED
    assert trust(PASS, sender="a@notbank.example") is Trust.FAILED


def test_a_result_inside_a_comment_or_another_value_is_none() -> None:
    assert trust(f"Authentication-Results: {OURS}; spf=fail (dmarc=pass header.from=bank.example)") is Trust.ABSENT
    assert trust(f"Authentication-Results: {OURS}; spf=fail (no; dmarc=pass header.from=bank.example)") is Trust.ABSENT
    assert trust(f"Authentication-Results: {OURS}; spf=fail reason=dmarc=pass") is Trust.ABSENT
