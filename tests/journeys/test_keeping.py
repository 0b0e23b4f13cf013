"""What is kept no longer: words that have run out, an archived queue, a queue that is begun anew from a table."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.cli import copies
from appliance.desk.reasons import sentence
from appliance.ground.errors import Refused
from appliance.node.build import build
from appliance.node.node import Node
from appliance.node.retention import EVERY_SECONDS, FIRST_SECONDS, Retention
from appliance.records.case import CaseState
from appliance.records.person import Actor, Role
from appliance.records.policy import Reason
from appliance.settings.read import load
from tests.journeys.test_features_tables import read, tandem
from tests.support.clock import FakeClock
from tests.support.home import make_home, running_node, settled, take, write_mail

DAY = 86_400.0
OWNER = Actor(name="owner", role=Role.ADMIN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


def table(folder: Path, name: str, *bodies: str) -> Path:
    path = folder / name
    rows = [f"{name}-{number};{name[0]}{number}@example.fi;Hello;{body}" for number, body in enumerate(bodies)]
    path.write_text("\n".join(("id;sender;subject;body", *rows)), encoding="utf-8")
    return path


def listed(home: Path, *words: str) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in json.loads(tandem(home, "cases", "list", "--json", *words).stdout)}


def two_cases(node: Node, folder: Path) -> tuple[str, str]:
    """One that was answered, and one that waits for a person."""
    answered = take(node, write_mail(folder, "What are your opening hours?"))
    held = take(node, write_mail(folder, "Do you also repair bicycles and sell tickets to the opera?", sender="ben@example.fi"))
    assert (answered.state, held.state) == (CaseState.REPLIED, CaseState.REVIEW)
    return answered.id, held.id


# By age


def kept_for(home: Path, days: int) -> None:
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    (home / "tandem.toml").write_text(f"{settings}\n[store]\nretention_days = {days}\n", encoding="utf-8")


@pytest.fixture
def aged(home: Path, tmp_path: Path) -> Iterator[tuple[Node, FakeClock, str]]:
    """A node that does not run, with a case that ended the moment it was opened, and a clock that is moved by hand."""
    clock = FakeClock()
    kept_for(home, 30)
    node = build(load(home=home, environment={}), clock)
    node.take_files([str(write_mail(tmp_path, "What are your opening hours?"))], "support")
    (row,) = node.store.rows()
    node.store.replace_waiting([(row.id, row.changed_at)], "", "owner", term=node.term)
    yield node, clock, row.id
    node.close()


def test_the_daily_job_removes_what_is_due_soon_after_the_start_and_then_once_a_day(aged: tuple[Node, FakeClock, str]) -> None:
    node, clock, case = aged
    retention = Retention(node.store, node.standing, clock, 30)
    clock.move(FIRST_SECONDS)
    retention.look()
    clock.move(30 * DAY - FIRST_SECONDS)  # due, but not before tomorrow's look
    position = node.store.position
    node.store.archive([], "nobody", term=node.term)
    assert node.store.position == position
    retention.look()
    assert node.store.rows()[0].words_removed_at == clock.now()
    clock.move(EVERY_SECONDS / 2)
    position = node.store.position
    retention.look()
    assert node.store.position == position
    assert node.commands.file(case).erased  # type: ignore[union-attr]


def test_before_its_time_the_job_looks_at_nothing(aged: tuple[Node, FakeClock, str]) -> None:
    node, clock, _ = aged
    clock.move(31 * DAY)
    retention = Retention(node.store, node.standing, clock, 30)
    retention.look()
    clock.move(FIRST_SECONDS - 1)
    retention.look()
    assert node.store.rows()[0].words_removed_at == 0.0
    clock.move(1)
    retention.look()
    assert node.store.rows()[0].words_removed_at == clock.now()


@pytest.mark.parametrize("years", [1, -1])
def test_words_are_kept_while_the_clock_has_been_set_since_the_start(aged: tuple[Node, FakeClock, str], years: int) -> None:
    node, clock, _ = aged
    clock.move(31 * DAY)
    retention = Retention(node.store, node.standing, clock, 30)
    clock.move(FIRST_SECONDS)
    clock.jump_wall_clock(years * 365 * DAY)
    retention.look()
    assert node.store.rows()[0].words_removed_at == 0.0
    clock.jump_wall_clock(-years * 365 * DAY)
    clock.move(EVERY_SECONDS)
    retention.look()
    assert node.store.rows()[0].words_removed_at == clock.now()


def test_nought_days_keep_the_words_for_ever_and_a_node_that_may_not_act_removes_nothing(aged: tuple[Node, FakeClock, str]) -> None:
    node, clock, _ = aged
    for_ever, resigned = Retention(node.store, node.standing, clock, 0), Retention(node.store, node.standing, clock, 30)
    clock.move(3_650 * DAY)
    for_ever.look()
    node.standing.resign()
    resigned.look()
    assert node.store.rows()[0].words_removed_at == 0.0


def test_a_case_whose_time_is_over_says_so_wherever_it_is_opened(aged: tuple[Node, FakeClock, str], home: Path) -> None:
    node, clock, case = aged
    clock.move(31 * DAY)
    assert node.commands.expiring() == {"days": 30, "cases": {"closed": 1}}
    assert node.commands.expire(OWNER) == {"days": 30, "removed": 1}
    told = [node.commands.explain(case, language)[0] for language in ("fi", "sv", "en")]
    assert "15.2.2027 30 päivän" in told[0]
    assert "2027-02-15 efter 30 dygns" in told[1]
    assert told[2] == "The words were removed on 2027-02-15, when their 30-day keeping time was over; numbers and decisions stay."
    assert node.commands.replay(case)["why"] == "erased"
    assert node.commands.verify()["ok"]
    node.close()
    assert told[2] in tandem(home, "cases", "show", case).stdout
    assert "(words removed)" in tandem(home, "cases", "list").stdout


def test_only_an_admin_removes_words(node: Node) -> None:
    operator = Actor(name="olga", role=Role.OPERATOR)
    for order in (lambda: node.commands.expire(operator), lambda: node.commands.archive(operator, [])):
        with pytest.raises(Refused, match="may not"):
            order()
    with pytest.raises(Refused, match="may not"):
        node.commands.replace_waiting(operator, [])


def test_the_command_says_beforehand_what_would_go(home: Path, node: Node, tmp_path: Path) -> None:
    case, _ = two_cases(node, tmp_path)
    assert "over 30 days ago and would lose their words: none." in tandem(home, "cases", "expire", "--dry-run").stdout
    assert json.loads(tandem(home, "cases", "expire", "--json").stdout) == {"days": 30, "cases": {}, "removed": 0}
    assert node.store.file(case).message is not None  # type: ignore[union-attr]


def test_the_command_says_when_words_are_kept_for_ever(home: Path) -> None:
    kept_for(home, 0)
    assert "kept for ever" in tandem(home, "cases", "expire", "--dry-run").stdout


# An archived queue


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_archived_queue_is_in_the_audit_copy_and_what_ended_is_out_of_the_lists(
    node: Node, home: Path, tmp_path: Path, kind: str
) -> None:
    answered, held = two_cases(node, tmp_path)
    copy = tmp_path / f"copy.{kind}"
    done = tandem(home, "cases", "archive", "--words", "--to", str(copy))
    assert (done.returncode, done.stdout) == (0, f"In {copy}: 2 cases. Archived: 1; still listed: 1.\n")
    assert {row["id"]: row["state"] for row in read(copy)} == {answered: "replied", held: "review"}
    assert {row["sender"] for row in read(copy)} == {"aino@example.fi", "ben@example.fi"}
    assert list(listed(home)) == [held]
    assert set(listed(home, "--archived")) == {answered, held}
    assert "when the queue was archived" in tandem(home, "cases", "show", answered).stdout
    assert "bicycles" in tandem(home, "cases", "show", held).stdout
    assert tandem(home, "cases", "export", str(tmp_path / "all.csv")).stdout.startswith("2 cases")
    assert tandem(home, "verify").returncode == 0
    assert copy.stat().st_mode & 0o077 == 0


def test_archiving_twice_adds_nothing_and_an_audit_copy_is_never_written_over(node: Node, home: Path, tmp_path: Path) -> None:
    two_cases(node, tmp_path)
    copy = tmp_path / "copy.csv"
    assert tandem(home, "cases", "archive", "--to", str(copy)).returncode == 0
    before = copy.read_bytes()
    refused = tandem(home, "cases", "archive", "--to", str(copy))
    assert refused.returncode == 1
    assert "is there already; nothing was archived." in refused.stderr
    assert copy.read_bytes() == before
    again = tandem(home, "cases", "archive", "--json", "--to", str(tmp_path / "second.csv"))
    assert json.loads(again.stdout) == {"copied": 1, "archived": 0}


class _Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["while the copy is written", "before it is on the disk"])
def test_nothing_is_archived_before_the_whole_copy_is_on_the_disk(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    answered, _ = two_cases(node, tmp_path)
    copy = tmp_path / "copy.csv"

    def killed(*_: object) -> None:
        raise _Killed

    where = "appliance.cli.copies._plain" if moment == "while the copy is written" else "appliance.ground.files.flush_to_disk"
    with monkeypatch.context() as cut:
        cut.setattr(where, killed)
        with pytest.raises(_Killed):
            copies.archive(node.commands, copy, words=False)
    assert node.store.file(answered).message is not None  # type: ignore[union-attr]
    assert not copy.exists()
    assert copies.archive(node.commands, copy, words=False)[:2] == (2, 1)


def test_a_copy_that_cannot_be_written_archives_nothing(node: Node, home: Path, tmp_path: Path) -> None:
    answered, _ = two_cases(node, tmp_path)
    done = tandem(home, "cases", "archive", "--to", str(tmp_path / "nowhere" / "copy.csv"))
    assert done.returncode == 1
    assert "nothing was archived" in done.stderr
    assert node.store.file(answered).message is not None  # type: ignore[union-attr]


# A queue that is begun anew


def test_a_table_begins_the_queue_anew_only_when_that_is_asked_for(node: Node, home: Path, tmp_path: Path) -> None:
    answered, held = two_cases(node, tmp_path)
    new, copy = table(tmp_path, "new.csv", "What are your opening hours?", "Do you sell tickets to the opera?"), tmp_path / "copy.csv"
    done = tandem(home, "intake", str(new), "--overwrite", "--to", str(copy))
    assert done.stdout == (
        f"In {copy}: 2 cases. Archived: 1; closed unanswered: 1; left as they were: 0.\n2 messages are in the journal.\n"
    ), done.stderr
    assert {row["id"]: row["state"] for row in read(copy)} == {answered: "replied", held: "review"}
    rows = listed(home)
    assert answered not in rows
    assert (rows[held]["state"], rows[held]["reason"]) == ("closed", "replaced")
    told = [sentence(Reason(code="replaced"), language) for language in ("fi", "sv", "en")]
    assert told[2] == "The queue was filled anew before anybody decided this case."
    assert len({*told, "replaced"}) == 4
    fresh = {row["sender"]: str(settled(node, case).state) for case, row in rows.items() if case != held}
    assert fresh == {"n0@example.fi": "replied", "n1@example.fi": "review"}
    assert tandem(home, "verify").returncode == 0


def test_without_the_flag_a_table_is_added(node: Node, home: Path, tmp_path: Path) -> None:
    _, held = two_cases(node, tmp_path)
    assert tandem(home, "intake", str(table(tmp_path, "new.csv", "Do you sell tickets to the opera?"))).returncode == 0
    assert len(listed(home)) == 3
    assert listed(home)[held]["state"] == "review"


@pytest.mark.parametrize("flags", [("--overwrite",), ("--to", "copy.csv")])
def test_the_flag_and_the_copy_belong_together(home: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    done = tandem(home, "intake", str(table(tmp_path, "new.csv", "Hello?")), *flags)
    assert done.returncode == 2
    assert "--overwrite --to FILE" in done.stderr


@pytest.mark.parametrize(
    ("content", "beside"), [("id;subject\n1;no words\n", True), ("id;subject\n1;no words\n", False), ("id;body\n1;\n", False)]
)
def test_a_table_that_cannot_be_taken_in_leaves_the_queue_as_it_was(
    node: Node, home: Path, tmp_path: Path, content: str, beside: bool
) -> None:
    answered, held = two_cases(node, tmp_path)
    (tmp_path / "bad.csv").write_text(content, encoding="utf-8")
    files = [str(tmp_path / "bad.csv"), *([str(table(tmp_path, "good.csv", "Hello?"))] if beside else [])]
    done = tandem(home, "intake", *files, "--overwrite", "--to", str(tmp_path / "copy.csv"))
    assert done.returncode == 1
    assert not (tmp_path / "copy.csv").exists()
    assert {case: row["state"] for case, row in listed(home).items()} == {answered: "replied", held: "review"}


def test_a_table_that_was_replaced_by_another_can_be_put_back(home: Path, tmp_path: Path) -> None:
    one, two = table(tmp_path, "a.csv", "What are your opening hours?"), table(tmp_path, "b.csv", "What is the return period?")
    assert tandem(home, "intake", str(one)).returncode == 0
    for number, path in enumerate((two, one)):
        assert tandem(home, "intake", str(path), "--overwrite", "--to", str(tmp_path / f"copy{number}.csv")).returncode == 0
    waiting = [row["sender"] for row in listed(home).values() if row["state"] == "waiting"]
    assert waiting == ["a0@example.fi"]
