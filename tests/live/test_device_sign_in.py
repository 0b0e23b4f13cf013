"""Signing a mailbox in at its provider's page, against a sign-in server of our own and a Dovecot that believes its tokens."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.channels.mail import errors
from appliance.channels.mail.imap_session import Session
from appliance.channels.mail.oauth.provider import microsoft
from appliance.channels.mail.oauth.tokens import AccessTokens, TokenFile, Tokens
from appliance.ground.clock import SystemClock
from appliance.node.accounts import imap_account
from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.person import Actor, Role
from appliance.records.sign_in import SignInState
from tests.live.servers.dovecot import Dovecot
from tests.live.servers.oauth import INTERVAL_SECONDS, OAuthServer
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import open_node, running_node, wait_for
from tests.support.mailbox_home import customer_mail, make_mailbox_home

OWNER = Actor(name="owner", role=Role.ADMIN)


@pytest.fixture
def oauth(dovecot: Dovecot) -> Iterator[OAuthServer]:
    """Dovecot's introspection asks about the tokens that this server has given."""
    server = OAuthServer()
    server.access = dovecot.tokens
    yield server
    server.stop()
    dovecot.tokens.clear()


@pytest.fixture
def home(dovecot: Dovecot, user: str, oauth: OAuthServer, faulty: FaultySmtp, tmp_path: Path) -> Path:
    sign_in = f'auth = "microsoft"\nclient_id = "desk"\ntenant = "pumps.example"\nsign_in_url = "{oauth.url}"'
    smtp = f'user = "{user}"\nauth = "microsoft"'
    place = tmp_path / "home"
    return make_mailbox_home(
        place, dovecot.imap_port, faulty.port, user=user, automation=True, drafts=False, sign_in=sign_in, smtp_sign_in=smtp
    )


def state(node: Node) -> SignInState:
    return node.commands.sign_in_state(OWNER, "support").state


def sign_in(node: Node, oauth: OAuthServer, user: str) -> None:
    begun = node.commands.begin_sign_in(OWNER, "support")
    oauth.type_code(begun.user_code, user)
    wait_for(lambda: state(node) is SignInState.SIGNED_IN)


def tokens(home: Path) -> tuple[TokenFile, AccessTokens]:
    file = TokenFile(home / "sign-in", "support", SystemClock())
    node_like = microsoft("desk", "pumps.example", oauth_url(home))
    return file, AccessTokens(file, node_like)


def oauth_url(home: Path) -> str:
    return next(line.split('"')[1] for line in (home / "tandem.toml").read_text().splitlines() if line.startswith("sign_in_url"))


def written(file: TokenFile) -> Tokens:
    found = file.read()
    assert found is not None
    return found


def test_a_mailbox_that_is_signed_in_takes_mail_and_answers_by_xoauth2(
    home: Path, dovecot: Dovecot, oauth: OAuthServer, user: str, faulty: FaultySmtp
) -> None:
    with running_node(home) as node:
        wait_for(lambda: any("sign-in support" in row["remedy"] for row in node.commands.health()["dependencies"]))
        sign_in(node, oauth, user)
        wait_for(lambda: node.store.cursor("support", "INBOX") is not None)
        dovecot.deliver(user, customer_mail(1))
        wait_for(lambda: [row.state for row in node.store.rows()] == [CaseState.REPLIED], 60)
    assert len(faulty.accepted) == 1
    assert any(words.startswith("AUTH XOAUTH2 ") for words in faulty.commands)
    path, form = oauth.forms[0]
    assert path == "/pumps.example/oauth2/v2.0/devicecode"
    assert form["client_id"] == "desk"
    assert set(form["scope"].split()) == {
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
    }


def test_the_tokens_lie_in_a_file_that_only_its_owner_can_read(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
    finally:
        node.close()
    assert (home / "sign-in" / "support.json").stat().st_mode & 0o777 == 0o600
    assert (home / "sign-in").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("answers", "ends"),
    [
        (["authorization_pending", 503, "authorization_pending"], SignInState.SIGNED_IN),
        (["authorization_pending", "expired_token"], SignInState.EXPIRED),
        (["access_denied"], SignInState.DENIED),
        (["unauthorized_client"], SignInState.FAILED),
    ],
)
def test_what_the_provider_says_is_what_the_person_is_told(
    home: Path, oauth: OAuthServer, user: str, answers: list[str | int], ends: SignInState
) -> None:
    node = open_node(home)
    try:
        oauth.plan(*answers)
        begun = node.commands.begin_sign_in(OWNER, "support")
        assert (begun.user_code, begun.verification_uri) == ("CODE-0001", f"{oauth.url}/device")
        assert 0 < begun.expires_seconds <= 600
        oauth.type_code(begun.user_code, user)
        wait_for(lambda: state(node) is not SignInState.WAITING)
        assert state(node) is ends
        assert (home / "sign-in" / "support.json").exists() is (ends is SignInState.SIGNED_IN)
    finally:
        node.close()


def test_a_provider_that_wants_it_slower_is_asked_five_seconds_later(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        oauth.plan("slow_down")
        begun = node.commands.begin_sign_in(OWNER, "support")
        oauth.type_code(begun.user_code, user)
        wait_for(lambda: state(node) is SignInState.SIGNED_IN)
    finally:
        node.close()
    first, second = oauth.asked_at[:2]
    assert second - first >= INTERVAL_SECONDS + 5


def test_an_access_token_that_is_about_to_end_is_renewed_and_the_new_refresh_token_kept(home: Path, oauth: OAuthServer, user: str) -> None:
    oauth.access_seconds = 299  # five minutes before its end has come already
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
        file, _ = tokens(home)
        before = written(file)
        account = imap_account(node.settings.mailbox[0], node.settings, node.clock)
        for _ in range(3):
            Session(account).log_out()
    finally:
        node.close()
    assert oauth.renewals == 3
    assert written(file).refresh_token != before.refresh_token


def test_a_token_that_the_mail_server_refuses_is_renewed_once(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
        file, _ = tokens(home)
        file.write(_older(written(file)))
        oauth.forget_access()
        account = imap_account(node.settings.mailbox[0], node.settings, node.clock)
        Session(account).log_out()
        assert oauth.renewals == 1
        oauth.forget_access()
        for _ in range(3):  # a fresh one that is refused as well is not to blame, and the provider not asked for ever
            with pytest.raises(errors.SignInRefused):
                Session(account)
        assert oauth.renewals == 1
    finally:
        node.close()


def _older(found: Tokens) -> Tokens:
    return msgspec.structs.replace(found, renewed_at=found.renewed_at - 600)


def test_a_revoked_sign_in_says_what_to_do_and_is_not_asked_for_again(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
        file, access = tokens(home)
        file.write(_older(written(file)))
        oauth.revoke()
        account = imap_account(node.settings.mailbox[0], node.settings, node.clock)
        for _ in range(3):
            with pytest.raises(errors.SignInRefused) as caught:
                Session(account)
            assert caught.value.remedy == "Run: tandem mailbox sign-in support"
        assert oauth.renewals == 1
        assert written(file).refresh_token == ""
        with pytest.raises(errors.SignInRefused):
            access.current()
    finally:
        node.close()
    again = open_node(home)
    try:
        assert state(again) is SignInState.ENDED
    finally:
        again.close()


def test_many_threads_and_two_processes_renew_once(home: Path, oauth: OAuthServer, user: str) -> None:
    """A second use of a refresh token would end the sign-in, and this server ends it."""
    oauth.access_seconds = 3600
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
    finally:
        node.close()
    file, access = tokens(home)
    file.write(msgspec.structs.replace(written(file), expires_at=SystemClock().now() + 10))
    script = (
        "import sys; from pathlib import Path; from tests.live.test_device_sign_in import tokens\n"
        "print(tokens(Path(sys.argv[1]))[1].current())"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(access.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found += [other.communicate(timeout=60)[0].strip() for other in others]
    assert len(found) == 10
    assert set(found) == {written(file).access_token}
    assert oauth.renewals == 1


def test_a_provider_that_is_out_of_reach_does_no_harm_while_the_token_lasts(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
    finally:
        node.close()
    file, access = tokens(home)
    oauth.plan(*[503] * 2)
    file.write(msgspec.structs.replace(written(file), expires_at=SystemClock().now() + 60))
    assert access.current() == written(file).access_token
    file.write(msgspec.structs.replace(written(file), expires_at=SystemClock().now() - 1))
    with pytest.raises(errors.Unreachable):
        access.current()
    assert access.current() != ""


def test_signing_out_forgets_the_tokens(home: Path, oauth: OAuthServer, user: str) -> None:
    node = open_node(home)
    try:
        sign_in(node, oauth, user)
        node.commands.sign_out_mailbox(OWNER, "support")
        assert state(node) is SignInState.NONE
        assert not (home / "sign-in" / "support.json").exists()
    finally:
        node.close()


def test_the_command_shows_the_code_waits_and_tests(home: Path, oauth: OAuthServer, user: str) -> None:
    command = [sys.executable, "-m", "appliance", "--home", str(home), "mailbox"]
    signing = subprocess.Popen([*command, "sign-in", "support", "--json"], stdout=subprocess.PIPE, text=True)
    assert signing.stdout is not None
    try:
        shown = json.loads(signing.stdout.readline())
        assert set(shown) == {"user_code", "verification_uri", "expires_seconds"}
        oauth.type_code(shown["user_code"], user)
        result = json.loads(signing.stdout.readline())
        assert signing.wait(30) == 0
    finally:
        if signing.poll() is None:
            os.kill(signing.pid, signal.SIGKILL)
    assert result == {"mailbox": "support", "state": "signed_in", "code": ""}
    tested = subprocess.run([*command, "test", "support", "--json"], capture_output=True, text=True, check=False)
    findings = {finding["name"]: finding["state"] for finding in json.loads(tested.stdout)}
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert set(findings) == {"imap support", "smtp support"}
    listed = json.loads(subprocess.run([*command, "list", "--json"], capture_output=True, text=True, check=True).stdout)
    assert (listed[0]["auth"], listed[0]["sign_in"]) == ("microsoft", "signed_in")
    oauth.plan("access_denied")
    refused = subprocess.run([*command, "sign-in", "support"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "declined" in refused.stderr
