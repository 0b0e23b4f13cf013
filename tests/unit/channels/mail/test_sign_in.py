"""Which mechanism is used, and what it sends."""

import pytest

from appliance.channels.mail.accounts import Mechanism
from appliance.channels.mail.errors import while_connecting
from appliance.channels.mail.imap_session import numbers_in
from appliance.channels.mail.tls import on_this_machine
from appliance.channels.mail.xoauth2 import NoMechanism, choose, responder


@pytest.mark.parametrize(
    ("wanted", "offered", "bare", "chosen"),
    [
        ("password", ["LOGIN", "PLAIN"], True, "PLAIN"),
        ("password", ["login"], False, "LOGIN"),
        ("password", [], True, ""),
        ("login", ["PLAIN", "LOGIN"], True, ""),
        ("login", ["LOGIN"], False, "LOGIN"),
        ("xoauth2", ["XOAUTH2", "PLAIN"], True, "XOAUTH2"),
    ],
)
def test_the_best_mechanism_that_both_know_is_used(wanted: Mechanism, offered: list[str], bare: bool, chosen: str) -> None:
    assert choose(wanted, offered, bare) == chosen


@pytest.mark.parametrize(("wanted", "offered"), [("xoauth2", ["PLAIN"]), ("password", ["XOAUTH2"]), ("plain", ["LOGIN"])])
def test_a_secret_is_never_sent_by_another_mechanism_than_asked_for(wanted: Mechanism, offered: list[str]) -> None:
    with pytest.raises(NoMechanism):
        choose(wanted, offered, bare_login=False)


def test_each_mechanism_sends_what_its_rules_say() -> None:
    assert responder("PLAIN", "käyttäjä", "sana")(b"") == "\0käyttäjä\0sana".encode()
    login = responder("LOGIN", "u", "p")
    assert [login(b"Username:"), login(b"Password:")] == [b"u", b"p"]
    token = responder("XOAUTH2", "u@x.fi", "t0ken")
    assert token(b"") == b"user=u@x.fi\x01auth=Bearer t0ken\x01\x01"
    assert token(b'{"status":"401"}') == b""  # the refusal follows only after an empty answer


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("mail.example.com", False),
    ],
)
def test_only_loopback_is_this_machine(host: str, here: bool) -> None:
    assert on_this_machine(host) is here


def test_a_set_of_numbers_is_read_as_the_server_means_it() -> None:
    assert numbers_in("7,9:11,14:13") == {7, 9, 10, 11, 13, 14}


def test_an_error_names_the_mailbox_the_reason_and_the_remedy() -> None:
    error = while_connecting("support", "imap", "mail.example.com", 993, ConnectionRefusedError(111, "Connection refused"))
    assert "support" in str(error)
    assert "Connection refused" in error.message
    assert "mailbox.imap.host" in error.remedy
