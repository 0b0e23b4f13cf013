"""The path of a mail with each of its settings, seen from a running node."""

import base64
import email.message
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.desk.desk import Desk
from appliance.node.node import Node
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.person import Actor, Approval, Role
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import make_home, open_node, running_node, sent, settled, take, wait_for, write_mail

OWNER = Actor(name="owner", role=Role.ADMIN)
QUOTING = "What are your opening hours?\n\nOn Monday the shop wrote:\n> Zanzibar is closed for the winter.\n"
TEMPLATE = """
[[template]]
name = "recycling"
approved_by = "Anna"
approved_on = "2026-01-01"
text.en = "We take your old pump back. Bring it to the shop."
[[rule]]
name = "recycling"
tier = 2
template = "recycling"
words.en = ["recycl*"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    server = FaultySmtp()
    yield server
    server.stop()


def add(home: Path, *lines: str) -> None:
    """Further tables at the end of the home's settings."""
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(("", *lines, "")))


def opened(node: Node, row: CaseRow) -> CaseFile:
    file = node.commands.file(row.id)
    assert file is not None
    return file


def words(mail: email.message.Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()


# What is written down


def test_the_pipeline_log_gets_a_line_for_each_decided_mail_and_none_of_its_words(home: Path, tmp_path: Path) -> None:
    add(home, "[log]", 'pipeline_path = "pipeline.jsonl"')
    with running_node(home) as node:
        answered = take(node, write_mail(tmp_path, "What are your opening hours? Zanzibar is my dog."))
        held = take(node, write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?", sender="ben@example.fi"))
    lines = {line["case"]: line for line in map(json.loads, (home / "pipeline.jsonl").read_text().splitlines())}
    assert {case: line["decision"] for case, line in lines.items()} == {answered.id: "send", held.id: "review"}
    assert lines[answered.id]["score"] >= 0.7
    assert lines[answered.id]["agent"] == answered.agent
    assert "missing_keys" in lines[held.id]
    assert not any(word in (home / "pipeline.jsonl").read_text() for word in ("Zanzibar", "bicycles", "example.fi"))


def test_without_a_path_no_pipeline_log_is_written_anywhere(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        take(node, write_mail(tmp_path, "What are your opening hours?"))
    assert list(home.rglob("*.jsonl")) == []


def test_a_case_carries_its_state_times_latency_score_and_agent(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "What are your opening hours?"))
        outcome = opened(node, row).outcome
    assert row.state is CaseState.REPLIED
    assert row.changed_at > row.received_at
    assert row.score is not None
    assert row.score >= 0.7
    assert row.agent.startswith(node.name)
    assert outcome is not None
    assert sum(outcome.milliseconds.values()) > 0


def test_the_language_is_recorded_with_its_source_and_how_sure_it_is(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        outcome = opened(node, take(node, write_mail(tmp_path, "Hei,\n\nmikä on toimitusaika?\n\nTerveisin Aino"))).outcome
    assert outcome is not None
    assert outcome.language.code == "fi"
    assert outcome.language.source
    assert 0.6 <= outcome.language.confidence <= 1.0


def test_a_sent_case_says_why_it_was_allowed_in_each_language_long_after(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    node = open_node(home)  # another day: the draft's writer is not asked again
    try:
        told = {code: "\n".join(node.commands.explain(row.id, code)) for code in ("en", "fi", "sv")}
    finally:
        node.close()
    assert "en.md/opening_hours" in told["en"]
    assert "Tier 3" in told["en"]
    assert "policy" in told["en"]
    assert len(set(told.values())) == 3


# Who thinks


def test_several_workers_share_the_queue_and_say_so_in_the_journal_before_they_think(home: Path, tmp_path: Path) -> None:
    node = open_node(home)
    together, real = threading.Barrier(2, timeout=20), node.desk
    claimed: list[int] = []

    def desk() -> Desk:
        if len(claimed) < 2 and threading.current_thread().name.startswith("answer"):
            claimed.append(0)
            together.wait()  # both are about to think, each about a case of its own
            claimed[:] = [node.store.counts()[CaseState.CLAIMED]] * 2
        return real()

    try:
        for name in ("aino", "ben"):
            node.take_files([str(write_mail(tmp_path, "What are your opening hours?", sender=f"{name}@example.fi"))], "support")
        node.desk = desk
        node.start()
        rows = [settled(node, row.id) for row in node.store.rows()]
        kinds = [line.kind for line in opened(node, rows[0]).lines]
    finally:
        node.close()
    assert claimed == [2, 2]
    assert len({row.agent for row in rows}) == 2
    assert kinds.index("case_claimed") < kinds.index("case_settled")
    assert len(sent(home)) == 2


def test_the_source_is_the_one_in_the_language_of_the_message(home: Path, tmp_path: Path) -> None:
    with (home / "fi.md").open("a", encoding="utf-8") as file:
        file.write("| Aukioloajat | Olemme avoinna ma–pe klo 8–16. |\n")
    with running_node(home) as node:
        english = opened(node, take(node, write_mail(tmp_path, "What are your opening hours?", sender="ann@example.com")))
        finnish = opened(node, take(node, write_mail(tmp_path, "Hei,\n\nmitkä ovat aukioloaikanne?\n\nTerveisin Aino")))
    assert english.draft is not None
    assert {citation.source for citation in english.draft.citations} == {"en.md"}
    assert finnish.draft is not None
    assert {citation.source for citation in finnish.draft.citations} == {"fi.md"}


def test_an_approved_template_answers_its_topic_alone_and_word_for_word(home: Path, tmp_path: Path) -> None:
    with (home / "policy.toml").open("a", encoding="utf-8") as file:
        file.write(TEMPLATE)
    with running_node(home) as node:
        matched = take(node, write_mail(tmp_path, "Hello, do you recycle old pumps?"))
        more = write_mail(tmp_path, "Hello, do you recycle old pumps? And what does the opera cost?", sender="ben@example.fi")
        not_matched = take(node, write_mail(tmp_path, "Hello, do you take old pumps away?", sender="carl@example.fi"))
        also_other = take(node, more)
    assert (matched.state, matched.tier) == (CaseState.REPLIED, 2)
    assert not_matched.state is CaseState.REVIEW
    assert also_other.state is CaseState.REVIEW
    (reply,) = sent(home)
    assert "We take your old pump back. Bring it to the shop." in words(reply)


def test_a_template_source_helps_only_while_the_source_fails_and_health_says_so_until_it_is_back(home: Path) -> None:
    good = (home / "en.md").read_text(encoding="utf-8")
    (home / "en.md").unlink()
    (home / "template.csv").write_text("Key;Value\nopening hours;Please call us about our opening hours.\n", encoding="utf-8")
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    (home / "tandem.toml").write_text(settings.replace('path = "en.md"', 'path = "en.md"\nfallback = "template.csv"'), encoding="utf-8")
    with running_node(home) as node:
        (state,) = (source for source in node.commands.sources() if source.name == "en.md")
        assert state.fallback
        assert node.commands.search("opening hours", "en")[0].passage.text.startswith("Please call us")
        (row,) = (row for row in node.commands.health()["dependencies"] if row["name"] == "knowledge:en.md")
        assert row["connected"] is False
        assert row["remedy"]
        (home / "en.md").write_text(good, encoding="utf-8")
        wait_for(lambda: node.commands.search("opening hours", "en")[0].passage.text.startswith("Our opening hours"))
        wait_for(lambda: node.commands.health()["status"] == "ok")
        assert not any(source.fallback for source in node.commands.sources())
        (home / "en.md").unlink()
        wait_for(lambda: node.commands.health()["status"] == "degraded")
        assert node.commands.search("opening hours", "en")[0].passage.text.startswith("Our opening hours")  # what was read well stays


def test_a_node_that_cannot_answer_its_own_question_is_not_ready_and_says_why(home: Path) -> None:
    (home / "en.md").write_text("| Key | Value |\n|---|---|\n| My lawyer will sue you | The court decides. |\n", encoding="utf-8")
    with running_node(home) as node:
        assert node.commands.status()["ready"] is False
        assert "en" in node.not_ready_because
    (home / "en.md").write_text("| Key | Value |\n|---|---|\n| Opening hours | We are open on weekdays 9-17. |\n", encoding="utf-8")
    with running_node(home) as node:
        assert node.commands.status()["ready"] is True


def test_a_mail_server_that_cannot_be_reached_is_a_dependency_that_is_not_connected(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false')
    with running_node(home) as node:
        take(node, write_mail(tmp_path, "What are your opening hours?"))
        rows = {row["name"]: row for row in node.commands.health()["dependencies"]}
        assert rows["outbox:support"]["connected"] is True
        faulty.stop()
        node.take_files([str(write_mail(tmp_path, "What are your opening hours?", sender="ben@example.fi"))], "support")
        wait_for(lambda: node.commands.health()["status"] == "degraded")
        (broken,) = (row for row in node.commands.health()["dependencies"] if not row["connected"])
    assert broken["name"] == "outbox:support"
    assert broken["reason"]
    assert broken["remedy"]


# The folder


def test_a_watched_folder_is_taken_as_files_come_and_each_handled_file_moves_to_the_archive(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        for number, name in enumerate(("aino", "ben"), start=1):
            mail = write_mail(tmp_path, "What are your opening hours?", sender=f"{name}@example.fi")
            shutil.move(mail, home / "inbox" / f"{name}.eml")
            wait_for(lambda number=number: node.store.counts()[CaseState.REPLIED] == number)  # type: ignore[misc]
        wait_for(lambda: not list((home / "inbox").iterdir()))
    assert len(list((home / "archive").glob("*.eml"))) == 2


def test_without_an_archive_a_handled_file_is_deleted_once_its_case_is_safe(home: Path, tmp_path: Path) -> None:
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    (home / "tandem.toml").write_text(settings.replace('archive = "archive"\n', ""), encoding="utf-8")
    with running_node(home) as node:
        shutil.move(write_mail(tmp_path, "What are your opening hours?"), home / "inbox" / "a.eml")
        wait_for(lambda: not list((home / "inbox").iterdir()))
        wait_for(lambda: len(node.store.rows()) == 1)
    assert not (home / "archive").exists()


# How a mail is read


def read_by_folder(home: Path, tmp_path: Path, text: str) -> tuple[CaseFile, bytes | None, bytes]:
    """The case of a mail that came by the folder, the raw mail that was kept, and the mail as it was."""
    with running_node(home) as node:
        mail = write_mail(tmp_path, text)
        raw = mail.read_bytes()
        shutil.move(mail, home / "inbox" / "a.eml")
        wait_for(lambda: len(node.store.rows()) == 1)
        row = settled(node, node.store.rows()[0].id)
        return opened(node, row), node.store.raw(row.id), raw


def test_quotes_are_cut_before_the_desk_reads_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    texts = {}
    for clean in (True, False):
        home = make_home(tmp_path / f"clean-{clean}")
        add(home, "[intake]", f"clean = {str(clean).lower()}")
        file, _, _ = read_by_folder(home, tmp_path, QUOTING)
        assert file.message is not None
        texts[clean] = file.message.text
    assert "Zanzibar" not in texts[True]
    assert "Zanzibar" in texts[False]


def test_the_raw_mail_is_kept_only_when_the_settings_ask_for_it_and_then_sealed(tmp_path: Path) -> None:
    for retain in (False, True):
        home = make_home(tmp_path / f"retain-{retain}")
        add(home, "[intake]", f"retain_raw = {str(retain).lower()}")
        _, kept, raw = read_by_folder(home, tmp_path, "What are your opening hours? Zanzibar.")
        assert kept == (raw if retain else None)
        assert b"Zanzibar" not in (home / "tandem.db").read_bytes()


def test_a_mail_taken_in_by_hand_is_read_by_the_rules_of_its_mailbox(home: Path, tmp_path: Path) -> None:
    add(home, "[intake]", "clean = false", "retain_raw = true")
    with running_node(home) as node:
        mail = write_mail(tmp_path, QUOTING)
        row = take(node, mail)
        message = opened(node, row).message
        assert message is not None
        assert "Zanzibar" in message.text
        assert node.store.raw(row.id) == mail.read_bytes()


def test_keys_are_expected_by_name_unless_the_settings_turn_it_off(tmp_path: Path) -> None:
    expected = {}
    for detect in (True, False):
        home = make_home(tmp_path / f"detect-{detect}")
        add(home, "[intake]", f"detect_keys = {str(detect).lower()}")
        node = open_node(home)
        expected[detect] = node.desk().library.expected_keys("What are your opening hours and the return period?", "en")
        node.close()
    assert set(expected[True]) >= {"opening_hours", "return_period"}
    assert expected[False] == ()


# Drafts to the company's own mailbox


def test_a_held_draft_goes_to_the_companys_own_address_and_the_customer_gets_it_only_after_approval(
    tmp_path: Path, faulty: FaultySmtp
) -> None:
    smtp = f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false\ndrafts_to = "service@pumps.example"'
    with running_node(make_home(tmp_path / "home", smtp)) as node:
        node.commands.set_switch(OWNER, "automation_enabled", False)
        row = take(node, write_mail(tmp_path, "What are your opening hours?"))
        wait_for(lambda: len(faulty.accepted) == 1)
        draft = email.message_from_bytes(faulty.accepted[0])
        assert not any("aino@example.fi" in command for command in faulty.commands)
        node.commands.decide(OWNER, Approval(case=row.id, decision="approve", by="owner"))
        wait_for(lambda: len(faulty.accepted) == 2)
    assert "service@pumps.example" in draft["To"]
    assert "Our opening hours are Monday to Friday 9-17." in words(draft)
    assert "aino@example.fi" in email.message_from_bytes(faulty.accepted[1])["To"]


# The conversation


def test_a_reply_goes_on_with_outlooks_thread_index_and_an_answer_by_subject_alone_joins_the_case(home: Path, tmp_path: Path) -> None:
    index = base64.b64encode(bytes([1, 0xD9]) + bytes(range(20))).decode()
    with running_node(home) as node:
        first = take(node, write_mail(tmp_path, "What are your opening hours?", Thread_Index=index, Thread_Topic="Question"))
        (reply,) = sent(home)
        again = take(node, write_mail(tmp_path, "Thank you. And how do I return a pump?", subject=f"Re: {reply['Subject']}"))
        joined = opened(node, again).case
    assert base64.b64decode(reply["Thread-Index"])[:22] == base64.b64decode(index)
    assert len(base64.b64decode(reply["Thread-Index"])) == 27
    assert joined is not None
    assert joined.thread_id == first.id


# Two appliances


def company(folder: Path, name: str, peer: Path) -> Path:
    """A company whose replies fall straight into the other's inbox."""
    home = make_home(folder)
    text = (home / "tandem.toml").read_text(encoding="utf-8")
    text = text.replace("support@pumps.example", f"support@{name}.example").replace('outbox = "outbox"', f'outbox = "{peer / "inbox"}"')
    (home / "tandem.toml").write_text(text, encoding="utf-8")
    return home


def test_two_appliances_that_write_to_each_other_stop_after_one_reply(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    company(first, "first", second)
    company(second, "second", first)
    with running_node(first) as one, running_node(second) as other:
        row = take(one, write_mail(tmp_path, "What are your opening hours?", sender="support@second.example"))
        assert row.state is CaseState.REPLIED
        wait_for(lambda: bool(other.store.rows()))
        assert settled(other, other.store.rows()[0].id).state is CaseState.CLOSED
        assert len(one.store.rows()) == 1
        assert len(other.store.rows()) == 1


def test_even_when_every_sign_of_automation_is_lost_on_the_way_each_sends_at_most_one_reply(tmp_path: Path) -> None:
    """A relay that strips the header fields carries the mails to and fro."""
    homes = {name: make_home(tmp_path / name) for name in ("first", "second")}
    for name, home in homes.items():
        company(home, name, tmp_path / f"post-{name}")
        (tmp_path / f"post-{name}").mkdir()

    def carry(node: Node, sender: str, carried: int) -> CaseRow:
        mails = sorted((tmp_path / f"post-{sender}" / "inbox").glob("*.eml"))
        assert len(mails) == carried + 1
        reply = email.message_from_bytes(mails[-1].read_bytes())
        stripped = write_mail(tmp_path, "What are your opening hours?", sender=f"support@{sender}.example", subject=reply["Subject"])
        return take(node, stripped)

    with running_node(homes["first"]) as first, running_node(homes["second"]) as second:
        asked = take(first, write_mail(tmp_path, "What are your opening hours?", sender="support@second.example"))
        assert asked.state is CaseState.REPLIED
        assert carry(second, "first", 0).state is CaseState.REPLIED
        assert (again := carry(first, "second", 0)).state is CaseState.REVIEW
        assert again.reason == "sender_limit"
    assert len(list(tmp_path.glob("post-*/inbox/*.eml"))) == 2


def test_a_kept_mail_comes_out_again_byte_by_byte_and_one_that_was_not_kept_says_how_to_keep_it(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    mail = write_mail(tmp_path, "What are your opening hours?")
    with running_node(home) as node:
        row = take(node, mail)
        assert node.commands.raw(OWNER, row.id) is None
    (home / "tandem.toml").write_text((home / "tandem.toml").read_text() + "[intake]\nretain_raw = true\n")
    other = write_mail(tmp_path, "How many days do I have to return a pump?", sender="ben@example.fi")
    with running_node(home) as node:
        row = take(node, other)
    out = tmp_path / "out.eml"
    done = CliRunner().invoke(tandem, ["--home", str(home), "cases", "raw", row.id, str(out)])
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == other.read_bytes()
