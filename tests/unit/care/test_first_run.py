"""The steps of the first run, from what is configured, tried and there. No server, no store."""

from pathlib import Path

import msgspec
import pytest

from appliance.care.first_run import SENTENCES, STEPS, Facts, about, left, sentence, steps
from appliance.records.first_run import Step, StepState, Tried
from appliance.records.policy import Switches
from appliance.reports.dry_day import DryDay
from appliance.settings.model import CompanySettings, FolderSettings, ImapSettings, MailboxSettings, PanelSettings, Settings, SmtpSettings
from appliance.settings.secret import Secret

CAREFUL = Switches(safe_mode=True, automation_enabled=False, outbound_enabled=True, readable=True)
DRY = Switches(safe_mode=False, automation_enabled=False, outbound_enabled=True, readable=True)
OPEN = Switches(safe_mode=False, automation_enabled=True, outbound_enabled=True, readable=True)
DAY = DryDay(since=0.0)
BOX = MailboxSettings(
    sender="support@pumps.example", imap=ImapSettings(host="imap.example", user="a"), smtp=SmtpSettings(host="smtp.example", user="a")
)
SET = Settings(company=CompanySettings(name="Pohjola", languages=("fi", "en"), hours=("mon-fri 8-16",)), mailbox=(BOX,))
FOLDERS = MailboxSettings(sender="a@pumps.example", folder=FolderSettings(inbox=Path("in"), outbox=Path("out")))


def found(**facts: object) -> dict[str, Step]:
    values: dict[str, object] = {"settings": SET, "switches": CAREFUL, "dry_day": DAY, **facts}
    return {step.name: step for step in steps(Facts(**values))}  # type: ignore[arg-type]


def well(*names: str, settings: Settings = SET) -> dict[str, Tried]:
    return {name: Tried(state=StepState.DONE, about=about(name, settings), at=1.0) for name in names}


ALL_TRIED = well("mail_in", "mail_out", "self_mail", "race")
KNOWN = {"fi": 12, "en": 3}


def test_on_a_bare_machine_everything_is_to_do_but_the_careful_levers() -> None:
    step = found(settings=Settings())
    assert tuple(step) == STEPS
    assert {name for name, one in step.items() if not one.open} == {"levers"}
    assert left(tuple(step.values())) == len(STEPS) - 1


def test_when_everything_was_tried_and_is_there_only_the_dry_day_is_left() -> None:
    step = found(tried=ALL_TRIED, passages=KNOWN, people=1)
    assert {name for name, one in step.items() if one.open} == {"dry_day"}
    assert step["dry_day"].says == "dry_day_safe_mode"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("mail_in", msgspec.structs.replace(BOX, imap=ImapSettings(host="other.example", user="a"))),
        ("mail_out", msgspec.structs.replace(BOX, sender="other@pumps.example")),
        ("self_mail", msgspec.structs.replace(BOX, smtp=SmtpSettings(host="other.example", user="a"))),
        ("race", msgspec.structs.replace(BOX, imap=ImapSettings(host="imap.example", user="b"))),
    ],
)
def test_a_try_says_nothing_about_settings_that_it_was_not_made_with(name: str, changed: MailboxSettings) -> None:
    assert found(tried=ALL_TRIED)[name].state is StepState.DONE
    other = msgspec.structs.replace(SET, mailbox=(changed,))
    tried = {**well("mail_in", "mail_out", "self_mail", "race", settings=other), name: ALL_TRIED[name]}
    assert found(settings=other, tried=tried)[name].state is StepState.OPEN


def test_the_digest_of_what_was_tried_does_not_depend_on_a_password() -> None:
    def with_password(text: str) -> Settings:
        return msgspec.structs.replace(SET, mailbox=(msgspec.structs.replace(BOX, imap=ImapSettings(host="i", password=Secret(text))),))

    assert about("mail_in", with_password("hunter2")) == about("mail_in", with_password("other"))


def test_what_the_server_said_no_to_is_trouble_with_its_words_and_what_comes_after_waits() -> None:
    refused = Tried(state=StepState.TROUBLE, about=about("mail_in", SET), code="sign_in_refused", detail="No.", remedy="Type it again.")
    step = found(tried={**ALL_TRIED, "mail_in": refused})
    assert step["mail_in"].state is StepState.TROUBLE
    assert sentence(step["mail_in"]) == ("No.", "Type it again.")
    assert (step["self_mail"].says, step["race"].says) == ("self_mail_after", "race_after")


def test_a_folder_needs_no_server_no_race_and_no_mail_to_itself() -> None:
    step = found(settings=msgspec.structs.replace(SET, mailbox=(FOLDERS,)))
    states = [step[name].state for name in ("mail_in", "mail_out", "self_mail", "race")]
    assert states == [StepState.DONE, StepState.DONE, StepState.NOT_NEEDED, StepState.NOT_NEEDED]


def test_knowledge_is_asked_for_in_each_language_of_the_company() -> None:
    assert found(passages={"fi": 12})["knowledge"].gaps == {"languages": "en", "first": "en"}
    assert found(passages=KNOWN)["knowledge"].state is StepState.DONE
    assert found(passages={"sv": 3})["knowledge"].says == "knowledge_none"


def test_a_mailbox_that_somebody_must_sign_in_to_at_its_provider_waits_for_that() -> None:
    assert found(tried=ALL_TRIED, signed_in=False)["mail_in"].says == "mail_in_sign_in"


def test_what_may_be_passed_by_is_passed_by_and_what_may_not_is_not() -> None:
    step = found(skipped=frozenset(STEPS))
    skipped = {name for name, one in step.items() if one.state is StepState.SKIPPED}
    assert skipped == {"self_mail", "race", "dry_day"}  # the hours are there already
    assert step["mail_in"].open


def test_automation_before_a_dry_day_is_told_and_after_one_that_was_passed_by_it_is_not() -> None:
    assert found(switches=OPEN)["levers"].state is StepState.TROUBLE
    assert found(switches=OPEN, skipped=frozenset({"dry_day"}))["levers"].state is StepState.DONE


def test_levers_that_cannot_be_read_are_trouble() -> None:
    assert found(switches=Switches())["levers"].says == "levers_unreadable"


def test_the_dry_day_offers_automation_only_when_there_is_enough_to_judge_by() -> None:
    ready = {"tried": ALL_TRIED, "passages": KNOWN, "switches": DRY}
    assert found(**ready)["dry_day"].says == "dry_day_running"
    day = DryDay(since=0.0, cases=31, would_leave=19, looked_at=17, unchanged=15, enough=True)
    step = found(**ready, dry_day=day)["dry_day"]
    assert step.says == "dry_day_ready"
    assert sentence(step)[0].startswith("Of 31 cases 19 would have left")
    assert found(**{**ready, "switches": OPEN}, dry_day=day)["dry_day"].state is StepState.DONE


def test_what_the_file_says_and_the_appliance_does_not_do_yet_waits_for_a_restart() -> None:
    before = msgspec.structs.replace(SET, company=CompanySettings(name="Old"), panel=PanelSettings(time_zone="Europe/Oslo"))
    step = found(running=before)
    assert {name for name, one in step.items() if one.restart} == {"company", "hours"}
    assert not any(one.restart for one in found(running=None).values())


def test_a_file_that_cannot_be_used_is_told_at_every_step_that_it_holds() -> None:
    step = found(broken=True)
    assert {name for name, one in step.items() if one.says == "broken"} == {"company", "hours", "mail_in", "mail_out"}


def test_every_sentence_has_words_and_each_is_used() -> None:
    text = (Path(__file__).parents[3] / "appliance" / "care" / "first_run.py").read_text(encoding="utf-8")
    for name in SENTENCES:
        used = text.count(f'"{name}"') > 1 or name.removesuffix("_untried").removesuffix("_done") in (
            "mail_in",
            "mail_out",
            "self_mail",
            "race",
        )
        assert used, name
