"""Tables in and out, approvals, samples, skeletons and preflight: what a person does with files and commands."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pysqlite3
import pytest

from appliance.node.node import Node
from appliance.records.case import CaseState
from appliance.records.person import Actor, Role
from tests.live.servers.smtp_faults import FaultySmtp
from tests.support.home import make_home, running_node, sent, settled, take, wait_for, write_mail

OWNER = Actor(name="owner", role=Role.ADMIN)
ROWS = [
    ("id", "sender", "subject", "body"),
    ("1", "aino@example.fi", "Hours", "What are your opening hours?"),
    ("2", "ben@example.fi", "=1+1", "Do you also repair bicycles and sell tickets to the opera?"),
]


def tandem(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a person types it. No traceback, whatever happens."""
    command = [sys.executable, "-m", "appliance", "--home", str(home), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    server = FaultySmtp()
    yield server
    server.stop()


def table(folder: Path, kind: str) -> Path:
    path = folder / f"table.{kind}"
    if kind == "csv":
        path.write_text("\n".join(";".join(row) for row in ROWS), encoding="utf-8-sig")
        return path
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
        book.active.cell(book.active.max_row, 3).data_type = "s"  # a subject that looks like a formula is words
    book.save(path)
    return path


# The queue from a table, and back into one


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_of_messages_is_a_batch_that_the_next_run_works_off(home: Path, tmp_path: Path, kind: str) -> None:
    taken = tandem(home, "intake", "--mailbox", "support", "--json", str(table(tmp_path, kind)))
    assert json.loads(taken.stdout) == {"taken": 2, "refused": []}
    status = json.loads(tandem(home, "status", "--json").stdout)
    assert (status["running"], status["queue"]["waiting"]) == (False, 2)
    with running_node(home) as node:
        states = {row.sender: settled(node, row.id).state for row in node.store.rows()}
    assert states == {"aino@example.fi": CaseState.REPLIED, "ben@example.fi": CaseState.REVIEW}
    assert [str(mail["To"]).strip("<>") for mail in sent(home)] == ["aino@example.fi"]


def test_a_table_is_answered_from_the_first_mailbox_when_none_is_named(home: Path, tmp_path: Path) -> None:
    assert tandem(home, "intake", str(table(tmp_path, "csv"))).returncode == 0
    with running_node(home):
        wait_for(lambda: len(sent(home)) == 1)
    assert "support@pumps.example" in sent(home)[0]["From"]


def test_the_same_table_again_adds_nothing_to_the_queue(home: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert tandem(home, "intake", "--mailbox", "support", str(table(tmp_path, "csv"))).returncode == 0
    assert len(json.loads(tandem(home, "cases", "list", "--json").stdout)) == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_audit_copy_of_the_queue_is_a_table_with_every_case_and_no_formula(node: Node, home: Path, tmp_path: Path, kind: str) -> None:
    node.take_files([str(table(tmp_path, "csv"))], "support")
    states = {row.id: str(settled(node, row.id).state) for row in node.store.rows()}
    plain, full = tmp_path / f"plain.{kind}", tmp_path / f"full.{kind}"
    assert tandem(home, "cases", "export", str(plain)).returncode == 0
    assert tandem(home, "cases", "export", "--words", str(full)).returncode == 0
    assert {row["id"]: row["state"] for row in read(plain)} == states
    assert not any("example.fi" in str(row.values()) for row in read(plain))
    assert {row["subject"] for row in read(full)} == {"Hours", "'=1+1"}
    (answered,) = (row for row in read(full) if row["sender"] == "aino@example.fi")
    assert float(str(answered["score"])) >= 0.7
    assert str(answered["agent"]).startswith(node.name)


def read(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".csv":
        return list(csv.DictReader(path.open(encoding="utf-8")))
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


# The queue at a glance


def test_status_says_how_many_wait_since_when_and_how_many_are_dead(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false')
    faulty.plan("rcpt", "550 no such user")
    with running_node(home) as node:
        assert take(node, write_mail(tmp_path, "What are your opening hours?")).state is CaseState.DEAD
        today = node.commands.today()
        assert (today["arrived"], today["dead"], today["answered"]) == (1, 1, 0)
    for sender in ("ben@example.fi", "carl@example.fi"):
        mail = write_mail(tmp_path, "What are your opening hours?", sender=sender)
        assert tandem(home, "intake", "--mailbox", "support", str(mail)).returncode == 0
    queue = json.loads(tandem(home, "status", "--json").stdout)["queue"]
    assert (queue["waiting"], queue["dead"]) == (2, 1)
    assert queue["oldest_seconds"] > 0
    assert "2 waiting, 0 for a person, 1 dead letters; the oldest since" in tandem(home, "status").stdout


# Approvals by CSV


def test_of_a_filled_in_approvals_file_only_the_approved_replies_leave(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "automation_enabled", False)
    for name in ("aino", "ben", "carl", "dora"):
        take(node, write_mail(tmp_path, "What are your opening hours?", sender=f"{name}@example.fi"))
    sheet = tandem(home, "review", "list", "--csv").stdout
    assert sheet.splitlines()[0] == "id,decision,comment,decided_at"
    senders = {row.id: row.sender for row in node.store.rows()}
    decisions = {"aino@example.fi": "approved", "ben@example.fi": "Approve", "carl@example.fi": "rejected", "dora@example.fi": ""}
    lines = [f"{row['id']};{decisions[senders[row['id']]]};;2026-11-20" for row in csv.DictReader(io.StringIO(sheet))]
    (tmp_path / "approvals.csv").write_text("\n".join(("id;decision;comment;decided_at", *lines)), encoding="utf-8-sig")
    assert tandem(home, "review", "import", str(tmp_path / "approvals.csv")).returncode == 0
    wait_for(lambda: len(sent(home)) == 2)
    states = {senders[case]: settled(node, case).state for case in senders}
    assert states == {
        "aino@example.fi": CaseState.REPLIED,
        "ben@example.fi": CaseState.REPLIED,
        "carl@example.fi": CaseState.CLOSED,
        "dora@example.fi": CaseState.REVIEW,
    }
    assert {str(mail["To"]).strip("<>") for mail in sent(home)} == {"aino@example.fi", "ben@example.fi"}


def test_an_approvals_file_carried_out_twice_sends_nothing_twice(node: Node, home: Path, tmp_path: Path) -> None:
    node.commands.set_switch(OWNER, "automation_enabled", False)
    row = take(node, write_mail(tmp_path, "What are your opening hours?"))
    (tmp_path / "approvals.csv").write_text(f"id,decision,comment,decided_at\n{row.id},approved,,\n", encoding="utf-8")
    assert tandem(home, "review", "import", str(tmp_path / "approvals.csv")).returncode == 0
    assert settled(node, row.id).state is CaseState.REPLIED
    assert row.id in tandem(home, "review", "import", str(tmp_path / "approvals.csv")).stderr
    assert len(sent(home)) == 1


# Why


def test_the_command_explains_why_a_case_was_sent_and_why_another_was_held(node: Node, home: Path, tmp_path: Path) -> None:
    answered = take(node, write_mail(tmp_path, "What are your opening hours?"))
    held = take(node, write_mail(tmp_path, "Do you also repair bicycles and sell tickets to the opera?", sender="ben@example.fi"))
    told = tandem(home, "cases", "explain", answered.id).stdout
    assert "answered automatically" in told
    assert "en.md/opening_hours" in told
    assert "policy" in told
    assert "answered automatically" not in tandem(home, "cases", "explain", held.id).stdout
    assert tandem(home, "cases", "replay", answered.id).returncode == 0


# Samples and skeletons


def test_the_demo_writes_as_many_sample_mails_as_asked_with_an_index(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    assert tandem(home, "demo", "--write-mails", str(folder), "--count", "12").returncode == 0
    index = list(csv.DictReader((folder / "index.csv").open(encoding="utf-8")))
    assert sorted(row["file"] for row in index) == sorted(path.name for path in folder.glob("*.eml"))
    assert len(index) == 12
    taken = tandem(home, "intake", "--mailbox", "support", "--json", *(str(path) for path in folder.glob("*.eml")))
    assert json.loads(taken.stdout) == {"taken": 12, "refused": []}


def test_a_skeleton_in_each_language_is_a_source_once_somebody_fills_it_in(home: Path, tmp_path: Path) -> None:
    told = ("--from", str(home / "en.md"), "--to", str(tmp_path / "new"), "--json")
    done = tandem(home, "knowledge", "skeleton", "--langs", "fi", "sv", *told)
    paths = {Path(path).stem[-2:]: Path(path) for path in json.loads(done.stdout)}
    assert set(paths) == {"fi", "sv"}
    book = openpyxl.load_workbook(paths["sv"])
    values = [[str(cell or "") for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert any("pening" in cell for row in values for cell in row)
    value_column = next(place for place, cell in enumerate(values[0], start=1) if cell.lower() in ("value", "värde", "arvo"))
    book.worksheets[0].cell(2, value_column).value = "Vi har öppet vardagar 9-17."
    book.save(paths["sv"])
    listed = json.loads(tandem(home, "knowledge", "list", "--json", KNOWLEDGE_SOURCE_SV=str(paths["sv"])).stdout)
    assert {source["language"]: source["passages"] for source in listed}["sv"] == 1
    found = json.loads(tandem(home, "knowledge", "search", "öppet", "--lang", "sv", "--json", KNOWLEDGE_SOURCE_SV=str(paths["sv"])).stdout)
    assert found[0]["text"] == "Vi har öppet vardagar 9-17."


# Preflight


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_preflight_of_everything_passes_where_everything_is_there(tmp_path: Path, faulty: FaultySmtp) -> None:
    home = make_home(tmp_path / "home", f'host = "127.0.0.1"\nport = {faulty.port}\nsecurity = "none"\ncopy_to_self = false')
    done = tandem(home, "preflight", "--all", "--json")
    assert done.returncode == 0, done.stdout
    found = {finding["name"]: finding["state"] for finding in json.loads(done.stdout)}
    assert found["smtp support"] == "good"
    assert found["knowledge"] == "good"
    assert "failed" not in found.values()
    assert faulty.dotted == []


def broken_home(folder: Path) -> Path:
    """A home whose mail servers are not there and whose English source is empty."""
    home = make_home(folder, f'host = "127.0.0.1"\nport = {closed_port()}\nsecurity = "none"')
    (home / "secret").write_text("secret")
    (home / "secret").chmod(0o600)
    imap = f'[mailbox.imap]\nhost = "127.0.0.1"\nport = {closed_port()}\nsecurity = "none"\nuser = "x"\npassword_file = "secret"\n'
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    folders = settings[settings.index("[mailbox.folder]") : settings.index("[mailbox.smtp]")]
    (home / "tandem.toml").write_text(settings.replace(folders, imap), encoding="utf-8")
    (home / "en.md").write_bytes(b"")
    return home


def test_preflight_names_each_thing_that_is_missing_with_its_remedy(tmp_path: Path) -> None:
    done = tandem(broken_home(tmp_path / "home"), "preflight", "--all", "--json")
    failed = {finding["name"]: finding for finding in json.loads(done.stdout) if finding["state"] == "failed"}
    assert set(failed) == {"imap support", "smtp support", "knowledge"}
    assert all(finding["detail"] and finding["remedy"] for finding in failed.values())


def test_preflight_of_a_broken_configuration_ends_with_2(home: Path) -> None:
    (home / "tandem.toml").write_text("[panel]\nport = 99999\n", encoding="utf-8")
    done = tandem(home, "preflight", "--all")
    assert done.returncode == 2
    assert "panel.port" in done.stderr


def test_preflight_ends_with_1_when_something_is_missing(tmp_path: Path) -> None:
    assert tandem(broken_home(tmp_path / "home"), "preflight", "--all").returncode == 1


def test_preflight_names_a_source_that_is_not_there(home: Path) -> None:
    (home / "en.md").unlink()
    done = tandem(home, "preflight")
    assert "en.md" in done.stdout
    assert done.returncode == 1


def test_an_approvals_file_that_could_not_be_carried_out_ends_with_1(node: Node, home: Path, tmp_path: Path) -> None:  # noqa: ARG001
    (tmp_path / "approvals.csv").write_text("id,decision,comment,decided_at\nc-nothing,approved,,\n", encoding="utf-8")
    assert tandem(home, "review", "import", str(tmp_path / "approvals.csv")).returncode == 1


def test_verify_ends_with_1_when_an_entry_is_missing(home: Path) -> None:
    assert tandem(home, "verify").returncode == 0
    with pysqlite3.connect(home / "tandem.db") as database:
        database.execute("DELETE FROM journal WHERE position = 3")
    assert tandem(home, "verify").returncode == 1
