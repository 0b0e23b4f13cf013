"""What is let through to a helper, and what is not."""

import json
from pathlib import Path
from typing import Any

from appliance.care.redaction import HIDDEN, SET, Hider, code, entry_shown, frames, log_line, personal_words, settings_shown, signs
from appliance.ground.log import Log, configure
from appliance.settings.describe import describe
from appliance.settings.model import CompanySettings, ImapSettings, MailboxSettings, Settings, SmtpSettings
from appliance.settings.secret import Secret

BOX = MailboxSettings(
    id="support",
    sender="aino@pumps.example",
    imap=ImapSettings(host="imap.pumps.example", user="ainonposti", password=Secret("hunter22"), password_file=Path("secrets/ainon.txt")),
    smtp=SmtpSettings(host="smtp.pumps.example", drafts_to="drafts@pumps.example"),
)
SETTINGS = Settings(company=CompanySettings(name="Pohjola Pumps", signature="Aino Virta\nPumps"), mailbox=(BOX,))


def test_a_setting_shows_choices_and_numbers_and_of_texts_only_that_they_are_set() -> None:
    shown = settings_shown(SETTINGS, with_hosts=False)
    imap = shown["mailbox"][0]["imap"]
    assert shown["company"]["name"] == SET
    assert (imap["host"], imap["user"], imap["password"], imap["password_file"]) == (SET, SET, SET, f"{SET}.txt")
    assert (imap["security"], imap["port"], imap["folder"], shown["mailbox"][0]["id"]) == ("tls", 993, "INBOX", "support")
    for word in ("aino", "pumps", "hunter", "virta"):
        assert word not in json.dumps(shown).lower()


def test_hosts_are_shown_only_when_they_are_asked_for() -> None:
    shown = settings_shown(SETTINGS, with_hosts=True)
    assert shown["mailbox"][0]["imap"]["host"] == "imap.pumps.example"
    assert shown["mailbox"][0]["sender"] == shown["mailbox"][0]["imap"]["user"] == SET


def test_every_setting_stands_there_and_the_home_does_not() -> None:
    shown = settings_shown(SETTINGS, with_hosts=False)
    assert {key.path.partition(".")[0] for key in describe()} == set(shown)


def test_what_a_setting_does_not_show_is_hidden_wherever_else_it_turns_up() -> None:
    hide = Hider(personal_words(SETTINGS, with_hosts=False))
    told: Any = {"a": ["Sign-in of AinonPosti refused", {"imap.pumps.example": 3}], "b": "from hunter22, Aino Virta", "support": 1.5}
    assert hide(told) == {"a": [f"Sign-in of {HIDDEN} refused", {HIDDEN: 3}], "b": f"from {HIDDEN}, {HIDDEN}", "support": 1.5}


def test_what_nobody_chose_is_not_hidden() -> None:
    hide = Hider(personal_words(Settings(), with_hosts=False))
    assert hide(["automation_off", "auto", "mailbox", "policy.toml"]) == ["automation_off", "auto", "mailbox", "policy.toml"]


def test_an_address_that_stands_in_no_setting_is_masked_too() -> None:
    assert Hider([])("550 <matti@example.com> unknown") == "550 <[address]> unknown"


def test_of_a_servers_answer_only_codes_are_told() -> None:
    answer = "Mailbox support: 535 5.7.8 [AUTHENTICATIONFAILED] no AINO here, call 0401234567, order 550123 (250 people)"
    assert signs(answer) == ["535", "5.7.8", "250", "AUTHENTICATIONFAILED"]


def test_a_code_is_one_and_a_sentence_is_none() -> None:
    assert [code(text) for text in ("sign_in_refused", "", "Aino Virta", "aino@x.fi", "x" * 90)] == [
        "sign_in_refused", "", "[words]", "[words]", "[words]",
    ]  # fmt: skip


def logged(tmp_path: Path, write: Any) -> dict[str, Any]:
    """What is shown of a line that is really written."""
    configure(tmp_path)
    try:
        write(Log("test"))
    finally:
        configure(None)
    shown = log_line((tmp_path / "tandem.log").read_text(encoding="utf-8"))
    assert shown is not None
    return shown


def test_of_a_log_line_codes_and_numbers_stay_and_sentences_go(tmp_path: Path) -> None:
    shown = logged(
        tmp_path,
        lambda log: log.warning(
            "outbox_broke", mailbox="support", reason="550 5.1.1 Aino Virta is unknown", text="Aino", tries=3, late=True
        ),
    )
    kept = {name: shown[name] for name in shown if name not in ("time", "thread")}
    assert kept == {
        "level": "warning", "event": "outbox_broke", "mailbox": "support", "tries": 3, "late": True, "signs": ["550", "5.1.1"],
    }  # fmt: skip


def test_a_sentence_in_the_place_of_a_code_is_not_shown(tmp_path: Path) -> None:
    shown = logged(tmp_path, lambda log: log.info("Aino Virta wrote", mailbox="Aino Virta", case="c-1"))
    assert (shown["event"], shown["mailbox"], shown["case"]) == ("[words]", "[words]", "c-1")


def test_a_line_that_is_no_line_of_ours_is_left_out() -> None:
    assert log_line("Traceback: Aino Virta") is None


def stumble(words: str) -> None:
    try:
        int(words)
    except ValueError as error:
        raise KeyError(f"{words}\n{words}: once more") from error


def test_a_trace_tells_places_and_kinds_and_nothing_of_what_an_error_says(tmp_path: Path) -> None:
    def write(log: Log) -> None:
        try:
            stumble("Ai" + "no")
        except KeyError as error:
            log.error("it_failed", error=error)

    trace = logged(tmp_path, write)["trace"]
    assert [line for line in trace if ":" not in line] == ["ValueError", "KeyError"]
    assert any("test_redaction.py" in line and line.endswith(" stumble") for line in trace)
    assert "Aino" not in (tmp_path / "tandem.log").read_text(encoding="utf-8")


def test_a_trace_of_an_older_program_gives_away_no_line_of_a_message() -> None:
    old = '  File "/x/appliance/node/loops.py", line 9, in step\n    run()\nValueError: Aino\nVirta: more\n  of it'
    assert frames(old) == ["appliance/node/loops.py:9 step", "ValueError"]


def test_of_a_journal_entry_stay_kind_time_numbers_and_the_code_of_its_reason() -> None:
    payload = json.dumps({"kind": "case_settled", "at": 5.0, "by": "p-1", "digest": "ab12", "tier": 3, "reason": {"code": "low_score"}})
    shown = entry_shown(7, "case_settled", 5.0, payload.encode())
    assert shown == {"position": 7, "kind": "case_settled", "at": 5.0, "tier": 3, "reason": "low_score"}
