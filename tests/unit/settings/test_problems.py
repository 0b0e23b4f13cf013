"""What cannot be used: said by its key, with the reason and the remedy, all at once, and never with the value in it."""

from pathlib import Path

import pytest

from appliance.ground.errors import SettingsError
from appliance.settings.problems import Problem, SettingsInvalid
from appliance.settings.read import load

SHARE = '[[knowledge.source]]\nurl = "https://example.com/faq.xlsx"\n'
IMAP = '[[mailbox]]\n[mailbox.imap]\nhost = "imap.example.com"\nuser = "support"\nauth = "microsoft"\nclient_id = "desk"\n'
BOTH = (
    '[[mailbox]]\nsender = "support@example.com"\n[mailbox.imap]\nhost = "imap.example.com"\nuser = "support"\nauth = "microsoft"\n'
    'client_id = "desk"\ndrafts = true\n[mailbox.smtp]\nhost = "smtp.example.com"\n'
)
SMTP = '[[mailbox]]\nsender = "support@example.com"\n[mailbox.smtp]\nhost = "smtp.example.com"\n'


def problems(text: str, folder: Path, environment: dict[str, str] | None = None) -> dict[str, Problem]:
    """What is wrong with this file, by key."""
    (folder / "tandem.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid) as caught:
        load(None, environment or {}, folder)
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, SettingsError)
    return {problem.key: problem for problem in caught.value.problems}


def only_problem(text: str, folder: Path) -> Problem:
    (found,) = problems(text, folder).values()
    assert found.reason
    assert found.remedy
    return found


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    text = '[panel]\nport = 99999\ntime_zone = "Mars/North"\n[company]\nlanguages = ["fi", "de"]\n[store]\nretention_days = "long"\n'
    assert set(problems(text, tmp_path)) == {"panel.port", "panel.time_zone", "company.languages", "store.retention_days"}


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ("[panel]\nprot = 1\n", "panel.prot", "panel.port"),
        ("[panle]\nport = 1\n", "panle", "panel"),
        (SMTP + "copy_to_slef = true\n", "mailbox.0.smtp.copy_to_slef", "mailbox.0.smtp.copy_to_self"),
        (IMAP + 'authserv_id = "mx"\n', "mailbox.0.imap.authserv_id", "mailbox.0.smtp.authserv_id"),
        ('[[mailboxes]]\nid = "support"\n', "mailboxes", "mailbox"),
    ],
)
def test_an_unknown_key_names_the_one_that_was_meant(text: str, key: str, meant: str, tmp_path: Path) -> None:
    assert only_problem(text, tmp_path).key == key
    assert f"Did you mean {meant}?" in only_problem(text, tmp_path).remedy


@pytest.mark.parametrize("name", ["TANDEM_PANEL__PROT", "TANDEM_PANEL_PORT", "TANDEM_PANEL__PORT__X"])
def test_an_unknown_environment_name_names_the_one_that_was_meant(name: str, tmp_path: Path) -> None:
    found = problems("", tmp_path, {name: "1"})[name]
    assert "TANDEM_PANEL__PORT" in found.remedy


@pytest.mark.parametrize("name", ["TANDEM_HOME", "TANDEM_FAULT", "TANDEM_NO_SKIPS", "PANEL__PORT"])
def test_environment_names_that_are_no_settings_are_left_alone(name: str, tmp_path: Path) -> None:
    assert load(None, {name: "1"}, tmp_path).panel.port == 8484


def test_a_gap_in_the_positions_of_the_environment_is_refused(tmp_path: Path) -> None:
    name = "TANDEM_MAILBOX__1__ID"
    assert "there is no entry 1" in problems("", tmp_path, {name: "orders"})[name].reason


def test_ten_mailboxes_can_be_named_by_the_environment(tmp_path: Path) -> None:
    environment = {f"TANDEM_MAILBOX__{n}__ID": f"box-{n}" for n in range(12)} | {
        f"TANDEM_MAILBOX__{n}__FOLDER__INBOX": f"{n}" for n in range(12)
    }
    assert [box.id for box in load(None, environment, tmp_path).mailbox] == [f"box-{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[panel]\nport = -1\n", "panel.port"),
        ("[panel]\nport = 84.5\n", "panel.port"),
        (f"[panel]\nport = {'9' * 40}\n", "panel.port"),
        ('[panel]\n"²" = 1\n', "panel.²"),
        ("[panel]\nport = true\n", "panel.port"),
        ("[panel.port]\nx = 1\n", "panel.port"),
        ("panel = 3\n", "panel"),
        ("[mailbox]\nid = 'support'\n", "mailbox"),
        ("[[panel]]\nport = 1\n", "panel"),
        ("[panel]\nport = 9000\nchat_port = 9000\n", "panel.chat_port"),
        ('[panel]\npublic_url = "desk.example.com"\n', "panel.public_url"),
        ("[company]\nlanguages = []\n", "company.languages"),
        ('[company]\nlanguages = ["fi", "fi"]\n', "company.languages"),
        ('[company]\nname = "a\\nBcc: b"\n', "company.name"),
        ("[pair]\nlease_seconds = nan\n", "pair.lease_seconds"),
        ('[pair]\nwitness = "tcp://host"\n', "pair.witness"),
        ("[[mailbox]]\n", "mailbox.0"),
        ('[[mailbox]]\nid = "Über uns"\nfolder.inbox = "in"\n', "mailbox.0.id"),
        ('[[mailbox]]\nfolder.inbox = "in"\n[[mailbox]]\nfolder.inbox = "other"\n', "mailbox.1.id"),
        ('[[mailbox]]\nfolder.inbox = "in"\nfolder.outbox = "in"\n', "mailbox.0.folder.inbox"),
        (IMAP + '[mailbox.folder]\ninbox = "in"\n', "mailbox.0.folder.inbox"),
        (IMAP.replace("imap.example.com", "imaps://imap.example.com"), "mailbox.0.imap.host"),
        (IMAP.replace('user = "support"\n', ""), "mailbox.0.imap.user"),
        (IMAP.replace('auth = "microsoft"\nclient_id = "desk"\n', ""), "mailbox.0.imap.password_file"),
        (IMAP + 'authorities = "missing.pem"\n', "mailbox.0.imap.authorities"),
        (IMAP + 'security = "none"\n', "mailbox.0.imap.security"),
        (IMAP.replace('client_id = "desk"\n', ""), "mailbox.0.imap.client_id"),
        (IMAP.replace("microsoft", "google"), "mailbox.0.imap.client_secret_file"),
        (IMAP + 'client_secret_file = "missing"\n', "mailbox.0.imap.client_secret_file"),
        (IMAP + 'sign_in_url = "http://login.example.com"\n', "mailbox.0.imap.sign_in_url"),
        (SMTP + 'auth = "microsoft"\n', "mailbox.0.smtp.auth"),
        (BOTH + 'drafts_to = "own@example.com"\n', "mailbox.0.imap.drafts"),
        (SMTP + 'security = "none"\n', "mailbox.0.smtp.security"),
        (SMTP.replace('sender = "support@example.com"\n', ""), "mailbox.0.sender"),
        (SMTP.replace("support@example.com", "Support <support@example.com>"), "mailbox.0.sender"),
        (SMTP.replace("support@example.com", "support@example.com\\r\\nBcc: x@example.com"), "mailbox.0.sender"),
        (SMTP + 'drafts_to = "me"\n', "mailbox.0.smtp.drafts_to"),
        ('[[knowledge.source]]\nlanguage = "fi"\n', "knowledge.source.0.path"),
        ('[[knowledge.source]]\npath = "https://example.com/faq.xlsx"\n', "knowledge.source.0.path"),
        ('[[knowledge.source]]\npath = "a\\u0000b"\n', "knowledge.source.0.path"),
        (SHARE + 'path = "faq.xlsx"\n', "knowledge.source.0.url"),
        (SHARE + 'user = "desk"\n', "knowledge.source.0.user"),
        (SHARE + 'authorities = "missing.pem"\n', "knowledge.source.0.authorities"),
        (SHARE + "poll_seconds = 1\n", "knowledge.source.0.poll_seconds"),
        (SHARE.replace("example.com", "example.com:port"), "knowledge.source.0.url"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_key(text: str, key: str, tmp_path: Path) -> None:
    assert only_problem(text, tmp_path).key == key


def test_the_password_of_a_share_never_travels_unprotected_to_another_machine(tmp_path: Path) -> None:
    (tmp_path / "share").touch(mode=0o600)
    text = SHARE.replace("https", "http") + 'user = "desk"\npassword_file = "share"\n'
    assert only_problem(text, tmp_path).key == "knowledge.source.0.url"
    (tmp_path / "tandem.toml").write_text(text.replace("example.com", "127.0.0.1:8000"))
    assert load(None, {}, tmp_path).knowledge.source[0].user == "desk"


def test_a_share_without_https_is_allowed_and_noted(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(SHARE.replace("https", "http"))
    assert ["without https" in note for note in load(None, {}, tmp_path).notes] == [True]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_an_unprotected_line_is_allowed_inside_this_machine(host: str, tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(SMTP.replace("smtp.example.com", host) + 'security = "none"\n')
    assert load(None, {}, tmp_path).mailbox[0].smtp.security == "none"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "0.0.0.0"])
def test_an_unprotected_line_to_any_other_host_is_refused(host: str, tmp_path: Path) -> None:
    assert only_problem(SMTP.replace("smtp.example.com", host) + 'security = "none"\n', tmp_path).key == "mailbox.0.smtp.security"


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    found = only_problem("[panel]\nport = 8484\nhost = hunter2\n", tmp_path)
    assert "line 3" in found.reason
    assert "hunter2" not in found.line()


def test_a_file_that_was_named_and_is_not_there_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load(tmp_path / "missing.toml", {}, tmp_path)
    assert "tandem config template" in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_bytes(b'[company]\nname = "P\xf6hj\xf6la"\n')
    with pytest.raises(SettingsInvalid, match="not UTF-8"):
        load(None, {}, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '[mailbox.imap]\npassword = "hunter2"\n',
        IMAP + 'password = "hunter2"\n',
        IMAP + 'password_file = "hunter2"\n',
        IMAP.replace('"microsoft"', '"hunter2"'),
        IMAP + 'start = "hunter2"\n',
        IMAP + 'port = "hunter2"\n',
        IMAP + 'passwrod = "hunter2"\n',
        SMTP.replace("support@example.com", "hunter2"),
        'panel = "hunter2"\n',
        '[panel]\npublic_url = "https://user:hunter2@example.com"\n',
        '[[knowledge.source]]\npath = "https://user:hunter2@example.com/"\n',
        '[[knowledge.source]]\nurl = "https://user:hunter2@example.com/"\n',
        SHARE.replace("example.com", "example.com:hunter2"),
        SHARE + 'user = "hunter2"\n',
        '[company]\nlanguages = ["hunter2"]\n',
        '[panel]\ntime_zone = "hunter2"\n',
        'x = "hunter2\n',
        "hunter2\n",
    ],
)
def test_no_message_repeats_a_value(text: str, tmp_path: Path) -> None:
    (tmp_path / "tandem.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid) as caught:
        load(None, {}, tmp_path)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.problems)


def test_a_problem_names_the_file_or_the_environment_name_it_stands_in(tmp_path: Path) -> None:
    assert problems("[panel]\nport = 99999\n", tmp_path)["panel.port"].where == "tandem.toml"
    assert problems("", tmp_path, {"TANDEM_PANEL__PORT": "x"})["panel.port"].where == "TANDEM_PANEL__PORT"
    assert problems("", tmp_path, {"TANDEM_PANEL__TIME_ZONE": "x"})["panel.time_zone"].where == "TANDEM_PANEL__TIME_ZONE"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[company]\nhours = ["mon-fri 8-16", "all day"]\n', "company.hours.1"),
        ('[chat]\norigins = ["https://www.example.com/shop"]\n', "chat.origins.0"),
        ('[chat]\norigins = ["*"]\n', "chat.origins.0"),
        ('[chat]\nproxies = ["proxy.example.com"]\n', "chat.proxies.0"),
        ('[[mailbox]]\nid = "chat"\n[mailbox.folder]\ninbox = "in"\n', "mailbox.0.id"),
        ('[[mailbox]]\nid = "drill"\n[mailbox.folder]\ninbox = "in"\n', "mailbox.0.id"),
    ],
)
def test_what_the_chat_cannot_work_with_is_said(tmp_path: Path, text: str, key: str) -> None:
    assert only_problem(text, tmp_path).key == key


@pytest.mark.parametrize("peer", ["mini-2.local:8484", "http://mini-2.local:8484/review", "http://", "http://maria@mini-2", "file:///etc"])
def test_what_is_no_address_of_another_panel_is_said(tmp_path: Path, peer: str) -> None:
    assert only_problem(f'[panel]\npeers = ["{peer}"]\n', tmp_path).key == "panel.peers.0"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('enabled = true\nsecret_file = "secret"', "crm.url"),
        ('enabled = true\nurl = "https://crm.example.com/hooks"', "crm.secret_file"),
        ('url = "http://crm.example.com/hooks"', "crm.url"),
        ('url = "https://crm.example.com"\nsecret_file = "open"', "crm.secret_file"),
        ('old_secret_file = "missing"', "crm.old_secret_file"),
        ('url = "ftp://crm.example.com"', "crm.url"),
    ],
)
def test_a_crm_that_could_not_be_told_or_not_safely_is_refused(tmp_path: Path, written: str, key: str) -> None:
    for name, mode in (("secret", 0o600), ("open", 0o644)):
        (tmp_path / name).write_text("whsec_AAAA\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "tandem.toml").write_text(f"[crm]\n{written}\n")
    with pytest.raises(SettingsInvalid) as refused:
        load(home=tmp_path, environment={})
    assert key in [problem.key for problem in refused.value.problems]
