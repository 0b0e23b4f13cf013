"""Getting in, and saying clearly why not."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.channels.mail import errors
from appliance.channels.mail.accounts import ImapAccount
from appliance.channels.mail.imap_session import Session
from tests.live.servers.child import certificate
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.smtp_faults import FaultySmtp
from tests.live.servers.wire import Wire


def sign_in(account: ImapAccount, **fields: object) -> None:
    Session(dataclasses.replace(account, **fields)).log_out()  # type: ignore[arg-type]


def refused(account: ImapAccount, kind: type[errors.MailboxError], **fields: object) -> errors.MailboxError:
    """The error that signing in ends with; it names the mailbox and has a remedy."""
    with pytest.raises(kind) as caught:
        sign_in(account, **fields)
    assert caught.value.message.startswith("Mailbox support: ")
    assert caught.value.remedy
    assert "secret" not in str(caught.value)
    return caught.value


def test_tls_starttls_and_plain_text_on_this_machine_all_get_in(dovecot: Dovecot, account: ImapAccount) -> None:
    sign_in(account)
    sign_in(account, security="starttls", port=dovecot.imap_port)
    sign_in(account, security="none", port=dovecot.imap_port)
    sign_in(account, host="localhost")


@pytest.mark.parametrize(
    ("auth", "on_the_wire"),
    [("password", b"AUTHENTICATE PLAIN"), ("plain", b"AUTHENTICATE PLAIN"), ("login", b"LOGIN"), ("xoauth2", b"AUTHENTICATE XOAUTH2")],
)
def test_each_way_of_signing_in_is_the_one_on_the_wire(
    dovecot: Dovecot, user: str, account: ImapAccount, wire: Callable[[int], Wire], auth: str, on_the_wire: bytes
) -> None:
    dovecot.tokens["token-of-" + user] = user
    cable = wire(dovecot.imap_port)
    sign_in(account, port=cable.port, security="none", auth=auth, secret=lambda: f"token-of-{user}" if auth == "xoauth2" else "secret")
    assert b" " + on_the_wire in cable.said


def test_nothing_of_the_password_is_sent_before_starttls(dovecot: Dovecot, account: ImapAccount, wire: Callable[[int], Wire]) -> None:
    cable = wire(dovecot.imap_port)
    sign_in(account, security="starttls", port=cable.port)
    plain, _, _ = cable.said.partition(b"STARTTLS\r\n")
    assert b"AUTHENTICATE" not in cable.said
    assert b"LOGIN" not in plain


@pytest.mark.parametrize("auth", ["password", "plain", "login", "xoauth2"])
def test_a_wrong_password_or_token_is_named_with_the_user(account: ImapAccount, user: str, auth: str) -> None:
    error = refused(account, errors.SignInRefused, auth=auth, secret=lambda: "wrong")
    assert user in error.message
    assert "AUTHENTICATIONFAILED" in error.message


def test_a_password_with_letters_of_ours_and_a_name_with_a_space_get_in(dovecot: Dovecot, account: ImapAccount) -> None:
    dovecot.add_user("two words", "sälä sana")
    sign_in(account, user="two words", secret=lambda: "sälä sana")
    dovecot.add_user("two words2", 'a "b" \\c')
    sign_in(account, user="two words2", auth="login", secret=lambda: 'a "b" \\c')


def test_a_line_break_in_a_password_never_gets_onto_the_wire(account: ImapAccount) -> None:
    refused(account, errors.SignInRefused, secret=lambda: "x\r\na LOGOUT")


def test_a_server_of_another_kind_on_the_port_is_named(account: ImapAccount, faulty: FaultySmtp) -> None:
    assert "greet as an IMAP server" in refused(account, errors.Unreachable, port=faulty.port, security="none").message


def test_an_unknown_host_is_named(account: ImapAccount) -> None:
    assert "imap.invalid" in refused(account, errors.HostUnknown, host="imap.invalid").message


def test_a_closed_port_is_named(account: ImapAccount) -> None:
    assert "port 1," in refused(account, errors.Unreachable, port=1).message


def test_a_certificate_that_is_not_believed_is_named_with_the_reason(account: ImapAccount, tmp_path: Path, dovecot: Dovecot) -> None:
    assert "self-signed" in refused(account, errors.Untrusted, authorities="").message
    stranger, _ = certificate(tmp_path)
    for security, port in (("tls", dovecot.imaps_port), ("starttls", dovecot.imap_port)):
        refused(account, errors.Untrusted, authorities=str(stranger), security=security, port=port)
    refused(account, errors.Untrusted, authorities=str(tmp_path / "missing.pem"))


def test_a_certificate_for_another_name_is_refused(account: ImapAccount) -> None:
    # 127.0.0.2 is this machine as well, but not a name in the certificate; nothing may listen there, so either error is clear.
    with pytest.raises((errors.Untrusted, errors.Unreachable)):
        sign_in(account, host="127.0.0.2")


def test_tls_on_a_plain_port_says_so(dovecot: Dovecot, account: ImapAccount) -> None:
    assert "starttls" in refused(account, errors.Untrusted, port=dovecot.imap_port).remedy


def test_plain_text_to_another_machine_is_refused_before_anything_is_sent(account: ImapAccount) -> None:
    for host in ("10.1.2.3", "mail.example.com", "0.0.0.0"):
        assert host in refused(account, errors.Unprotected, security="none", host=host).message


def test_a_missing_folder_is_named_with_the_nearest_ones(account: ImapAccount) -> None:
    session = Session(account)
    with pytest.raises(errors.FolderMissing, match="'Snet'") as caught:
        session.open("Snet")
    assert "'Sent'" in caught.value.remedy
    session.log_out()
