"""Only addresses get onto the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.channels.mail.wire_address import NoAddress, usable, wire


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("a@b.fi", "a@b.fi"),
        ("Aino.V@EXAMPLE.fi", "Aino.V@example.fi"),
        ("a@äiti.fi", "a@xn--iti-pla.fi"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ('"two words"@x.fi', '"two words"@x.fi'),
        ("a+b=c@x.fi", "a+b=c@x.fi"),
        ("a@[127.0.0.1]", "a@[127.0.0.1]"),
        ("a@localhost", "a@localhost"),
    ],
)
def test_an_address_goes_as_it_is_with_its_domain_in_ascii(address: str, text: str) -> None:
    assert wire(address).text == text
    assert not wire(address).utf8


def test_a_local_part_in_other_letters_asks_for_a_server_that_knows_them() -> None:
    assert wire("äiti@x.fi").utf8


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@x.fi",
        "a@",
        "a b@x.fi",
        "a@x fi",
        "a@x.fi>",
        "<a@x.fi",
        "a\r\n@x.fi",
        "a@x.fi\r\nRCPT TO:<b@x.fi>",
        "a@x.fi\n",
        "a@.fi",
        "a@x..fi",
        "a,b@x.fi",
        '"a\n"@x.fi',
        "a@" + "x" * 300,
        "a\u2028@x.fi",
        "a@b@x.fi",
        "a@-x.fi",
    ],
)
def test_what_is_no_address_never_gets_onto_the_wire(address: str) -> None:
    assert not usable(address)


@given(st.text())
def test_nothing_that_passes_can_end_a_command(address: str) -> None:
    try:
        text = wire(address).text
    except NoAddress:
        return
    assert text.isprintable() or "\xad" in text or not text.isascii()
    assert not set("\r\n\x00<>") & set(text.split('"')[-1])
    assert "\r" not in text
    assert "\n" not in text
