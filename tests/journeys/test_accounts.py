"""An order asked about by mail, with a running node, a real sheet on disk and the reply in the outbox."""

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.node.node import Node
from appliance.records.case import CaseState
from tests.support.accounts import POLICY, ROWS, csv
from tests.support.home import POLICY as TEAMS
from tests.support.home import make_home, open_node, running_node, sent, take, wait_for, write_mail

PASSED = "mx.pumps.example; dmarc=pass header.from={}"
SECRETS = ("10001", "10002", "matti@example.com", "4711", "neighbour's", "2026-11-25", "25 November")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = make_home(tmp_path / "home")
    (made / "policy.toml").write_text(TEAMS + POLICY.replace("version = 1", ""), encoding="utf-8")
    with (made / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('\n[accounts]\npath = "accounts.csv"\n')
    (made / "accounts.csv").write_bytes(csv())
    return made


def ask(node: Node, folder: Path, order: str, sender: str = "matti@example.com", results: str = PASSED) -> tuple[CaseState, str]:
    """Ask by mail where an order is; the state the case comes to, and its reason."""
    header = results.format(sender.partition("@")[2])
    text = f"Hello, where is my order {order}? I am waiting for it at home."
    row = take(node, write_mail(folder, text, sender=sender, Authentication_Results=header, Message_ID=f"<{time.monotonic_ns()}@x>"))
    return row.state, row.reason


def row_of(node: Node) -> dict[str, object]:
    (row,) = (row for row in node.commands.health()["dependencies"] if row["name"] == "accounts")
    return dict(row)


def test_an_order_is_answered_to_its_owner_and_its_words_stand_nowhere_but_in_the_reply(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_node(home) as node:
        assert ask(node, tmp_path, "AB-10001") == (CaseState.REPLIED, "answered_account")
        assert ask(node, tmp_path, "AB-10001", "aino@example.fi") == (CaseState.REVIEW, "account_other_customer")
        assert ask(node, tmp_path, "AB-10009", "aino@example.fi") == (CaseState.REVIEW, "account_no_match")
        assert ask(node, tmp_path, "AB-10002", "aino@example.fi", "mx.pumps.example; dmarc=fail header.from={}")[0] is CaseState.REVIEW
        assert ask(node, tmp_path, "AB-10002", "aino@example.fi", "evil.example; dmarc=pass header.from={}")[1] == "not_trusted_account"
        case = next(row.id for row in node.store.rows() if row.state is CaseState.REPLIED)
        assert any("accounts: row 2" in line for line in node.commands.explain(case, "en"))
        assert node.commands.replay(case)["same"] is True
    (reply,) = sent(home)
    assert "<matti@example.com>" in str(reply["To"])
    text = reply.get_payload(decode=True) if not reply.is_multipart() else reply.get_payload(0).get_payload(decode=True)  # type: ignore[union-attr]
    assert b"The status of your order AB-10001 is: shipped. The expected delivery date is 25 November 2026." in bytes(text)  # type: ignore[arg-type]
    assert b"row" not in bytes(text)  # type: ignore[arg-type]
    written = "".join(capfd.readouterr()) + "".join(path.read_text() for path in home.glob("log*/*"))
    kept = b"".join(path.read_bytes() for path in home.glob("*.db*")) + b"".join(
        path.read_bytes() for path in home.glob("knowledge-state/*")
    )
    assert kept
    assert not [secret for secret in SECRETS if secret in written or secret.encode() in kept]


def test_an_edit_of_the_sheet_is_live_within_ten_seconds_and_a_broken_one_changes_nothing(home: Path, tmp_path: Path) -> None:
    with running_node(home) as node:
        assert row_of(node)["rows"] == 6
        (home / "accounts.csv").write_bytes(csv([*ROWS, ("AB-10042", "new@example.com", "shipped", "2026-12-24", "")]))
        wait_for(lambda: row_of(node)["rows"] == 7, 10.0)
        assert ask(node, tmp_path, "AB-10042", "new@example.com")[0] is CaseState.REPLIED
        (home / "accounts.csv").write_bytes(b"order;status\n1;x")
        wait_for(lambda: not row_of(node)["connected"], 10.0)
        row = row_of(node)
        assert (row["rows"], row["code"]) == (7, "source_broken")
        assert row["remedy"]
        assert ask(node, tmp_path, "AB-10001")[0] is CaseState.REPLIED
    assert open_node_rows(home) == 0  # no copy outlives the file: after a restart everything about orders is for a person


def open_node_rows(home: Path) -> object:
    node = open_node(home)
    try:
        return row_of(node)["rows"]
    finally:
        node.close()


def test_health_tells_rows_and_age_of_the_sheet_and_that_it_is_old_and_nothing_it_says(home: Path) -> None:
    old = time.time() - 30 * 86_400
    os.utime(home / "accounts.csv", (old, old))
    node = open_node(home)
    try:
        row, whole = row_of(node), json.dumps(node.commands.health())
        assert (row["rows"], row["duplicates"], row["code"]) == (6, 2, "accounts_stale")
        assert row["modified_at"] == pytest.approx(old)
        assert not any(secret in whole for secret in SECRETS)
        assert str(home / "accounts.csv") in " ".join(node.places_outside())
    finally:
        node.close()


def test_a_company_without_account_records_hears_nothing_of_them(tmp_path: Path) -> None:
    node = open_node(make_home(tmp_path / "home"))
    try:
        assert not [row for row in node.commands.health()["dependencies"] if row["name"] == "accounts"]
    finally:
        node.close()


def test_the_list_of_sources_shows_the_sheet_with_its_rows(home: Path) -> None:
    shown = CliRunner().invoke(tandem, ["--home", str(home), "knowledge", "list"])
    assert shown.exit_code == 0
    assert "The account sheet: 6 rows" in shown.output


def test_the_check_of_the_sheet_counts_and_says_what_is_missing(home: Path) -> None:
    def check(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(tandem, ["--home", str(home), "accounts", "check", *more])
        return done.exit_code, done.output

    code, output = check("--json")
    found = json.loads(output)
    assert (code, found["good"]) == (0, True)
    assert (found["rows"], found["duplicates"], found["incomplete"], found["missing_columns"]) == (6, 2, 0, [])
    assert not any(secret in output for secret in SECRETS)
    assert "6  rows" in check()[1]
    (home / "accounts.csv").write_bytes(b"order;email;status\nAB-1;a@b.fi;shipped")
    code, output = check("--json")
    assert (code, json.loads(output)["missing_columns"]) == (1, ["expected"])
    (home / "accounts.csv").unlink()
    assert check()[0] == 1
