"""The files that both nodes have alike, pulled over a real line from one home into another."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from appliance.node.shared_files import SHARED_SETTINGS, SharedFiles, joined, without_own
from appliance.pair.copying.errors import FilesFailed
from appliance.pair.copying.frames import FileMark, FilePart, FilesWish, FileWish, Manifest, Turned
from appliance.pair.line.listener import Service
from appliance.pair.line.wire import Line, Open
from appliance.settings.read import load
from tests.support.home import SETTINGS, make_home
from tests.unit.node.pair_parts import SECONDS, Wire

OWN = """
[panel]
host = "10.0.0.{n}"
port = 90{n}
[pair]
listen = "10.0.0.{n}"
static_peer = "10.0.0.9:8485"
[log]
level = "debug"  # of machine {n}
"""


class Two:
    """The leader's home ``a`` and the standby's ``b``."""

    def __init__(self, folder: Path) -> None:
        self.a, self.b = make_home(folder / "a"), folder / "b"
        self.b.mkdir(mode=0o700)
        (self.b / "tandem.toml").write_text(OWN.format(n=2))
        self.settings(self.a, SETTINGS.format(smtp="") + OWN.format(n=1))
        (self.a / "secrets").mkdir(mode=0o700)
        self.serve: Service = self.leader().serve
        self.wire = Wire(folder / "keys", {"files": lambda line, open_: self.serve(line, open_)})

    @staticmethod
    def settings(home: Path, text: str) -> None:
        (home / "tandem.toml").write_text(text, encoding="utf-8")

    def leader(self) -> SharedFiles:
        return SharedFiles(load(home=self.a, environment={}), lambda: self.wire.dial("files"))

    def standby(self) -> SharedFiles:
        return SharedFiles(load(home=self.b, environment={}), lambda: self.wire.dial("files"))

    def told(self, home: Path) -> dict[str, object]:
        return tomlkit.parse((home / "tandem.toml").read_text(encoding="utf-8")).unwrap()

    def secret(self, name: str, words: str = "geheim") -> Path:
        path = self.a / "secrets" / name
        path.write_text(words)
        path.chmod(0o600)
        return path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.wire.close()


def test_policy_knowledge_and_settings_come_over_with_the_first_pull(two: Two) -> None:
    standby = two.standby()
    assert standby.pull()
    assert standby.settings_changed
    for name in ("policy.toml", "en.md", "fi.md"):
        assert (two.b / name).read_bytes() == (two.a / name).read_bytes()
    assert load(home=two.b, environment={}).mailbox[0].id == "support"


def test_a_companys_own_prompts_and_model_cards_are_the_same_on_both_and_a_prompt_taken_away_is_gone_on_both(two: Two) -> None:
    for name in ("prompts/write.en.md", "prompts/released.toml", "models/cards/own.toml"):
        (two.a / name).parent.mkdir(parents=True, exist_ok=True)
        (two.a / name).write_text(f"# {name}\n")
    two.standby().pull()
    assert (two.b / "prompts" / "write.en.md").read_text() == "# prompts/write.en.md\n"
    assert (two.b / "models" / "cards" / "own.toml").is_file()
    (two.a / "prompts" / "write.en.md").unlink()
    two.serve = two.leader().serve
    two.standby().pull()
    assert not (two.b / "prompts" / "write.en.md").exists()


def test_once_a_node_was_built_anew_on_what_it_pulled_there_is_nothing_more_to_pull(two: Two) -> None:
    two.secret("imap")
    two.standby().pull()
    before = {path: path.stat().st_mtime_ns for path in two.b.rglob("*") if path.is_file()}
    again = two.standby()
    for each in (again, again, two.standby()):
        assert not each.pull()
        assert not each.settings_changed
    assert {path: path.stat().st_mtime_ns for path in two.b.rglob("*") if path.is_file()} == before


def test_what_the_leader_has_to_give_changes_its_digest_and_nothing_else_does(two: Two) -> None:
    leader = two.leader()
    before = leader.digest
    assert two.leader().digest == before == leader.digest
    (two.a / "tandem.db").write_text("x")
    two.settings(two.a, (two.a / "tandem.toml").read_text().replace("9001", "9007"))
    assert leader.digest == before, "its own port is its own affair"
    (two.a / "en.md").write_text("| Key | Value |\n|---|---|\n")
    assert leader.digest != before


# tandem.toml


def test_each_machine_keeps_its_own_addresses_and_log_and_takes_everything_else(two: Two) -> None:
    two.standby().pull()
    told = two.told(two.b)
    assert told["panel"] == {"host": "10.0.0.2", "port": 902}
    assert told["pair"] == {"listen": "10.0.0.2", "static_peer": "10.0.0.9:8485"}
    assert told["log"] == {"level": "debug"}
    assert told["company"] == two.told(two.a)["company"]


def test_comments_of_both_survive(two: Two) -> None:
    text = SETTINGS.format(smtp="").replace("[company]", "# who we are\n[company]").replace('"Test Pumps"', '"Test Pumps"  # since 1970')
    two.settings(two.a, text)
    two.serve = two.leader().serve
    two.standby().pull()
    written = (two.b / "tandem.toml").read_text(encoding="utf-8")
    assert "# who we are" in written
    assert "# since 1970" in written
    assert "# of machine 2" in written
    assert "# of machine 1" not in written


def test_a_setting_that_is_gone_at_the_leader_is_gone_here(two: Two) -> None:
    two.standby().pull()
    two.settings(two.a, (two.a / "tandem.toml").read_text().replace('signature = "Test Pumps, customer service"\n', ""))
    standby = two.standby()
    assert standby.pull()
    assert standby.settings_changed
    assert two.told(two.b)["company"] == {"name": "Test Pumps"}


@pytest.mark.parametrize("bad", ["[company]\nname = 3\n", "[nobody_knows]\nx = 1\n", "panel = 3\n", "chat = [1]\n"])
def test_settings_that_this_machine_could_not_start_with_are_refused_and_the_old_kept(two: Two, bad: str) -> None:
    two.standby().pull()
    before = (two.b / "tandem.toml").read_bytes()
    two.settings(two.a, bad)
    standby = two.standby()
    standby.pull()
    assert not standby.settings_changed
    assert (two.b / "tandem.toml").read_bytes() == before
    assert not list(two.b.glob(".tandem*"))
    assert not standby.pull()


def test_settings_that_were_refused_are_taken_once_they_are_mended(two: Two) -> None:
    standby = two.standby()
    standby.pull()
    good = (two.a / "tandem.toml").read_text()
    two.settings(two.a, "[company]\nname = 3\n")
    standby.pull()
    two.settings(two.a, good.replace('"Test Pumps"', '"Better Pumps"'))
    assert standby.pull()
    assert load(home=two.b, environment={}).company.name == "Better Pumps"


@pytest.mark.parametrize("harm", ["no toml", "no text", "unreadable"])
def test_a_leader_whose_settings_cannot_be_read_does_not_empty_the_other_ones(two: Two, harm: str) -> None:
    two.standby().pull()
    before = (two.b / "tandem.toml").read_bytes()
    path = two.a / "tandem.toml"
    leader = two.leader()
    if harm == "no toml":
        two.settings(two.a, "[company\n")
    elif harm == "no text":
        path.write_bytes(b"\xff\xfe\xff")
    else:
        path.unlink()
        path.mkdir()
    two.serve = leader.serve
    two.standby().pull()
    assert (two.b / "tandem.toml").read_bytes() == before


def test_settings_whose_pull_was_cut_short_are_taken_at_the_next_one(two: Two) -> None:
    """They are put in place before a later file fails, and the next pull finds nothing new."""
    standby = two.standby()
    (two.a / "zz.md").write_text("| Key | Value |\n|---|---|\n")
    two.settings(two.a, (two.a / "tandem.toml").read_text() + '[[knowledge.source]]\npath = "zz.md"\nlanguage = "en"\n')
    two.serve = two.leader().serve
    (two.b / "zz.md").mkdir()
    with pytest.raises(FilesFailed):
        standby.pull()
    assert not standby.settings_changed
    (two.b / "zz.md").rmdir()
    assert standby.pull()
    assert standby.settings_changed
    assert len(load(home=two.b, environment={}).knowledge.source) == 3


def test_what_was_pulled_is_not_given_as_ones_own_after_a_hand_over(two: Two) -> None:
    standby = two.standby()
    standby.pull()
    first = standby.digest
    two.settings(two.a, "[company]\nname = 3\n")
    standby.pull()
    assert standby.digest == first
    assert 'name = "Test Pumps"' in (two.b / "pair" / SHARED_SETTINGS).read_text(encoding="utf-8")


TABLES = st.dictionaries(
    st.sampled_from(["panel", "pair", "chat", "log", "company", "review"]),
    st.dictionaries(st.sampled_from(["host", "port", "listen", "name", "level", "public_url", "peers"]), st.integers(0, 9), max_size=4),
    max_size=6,
)


@given(shared=TABLES, own=TABLES)
def test_joining_what_was_joined_changes_no_letter(shared: dict[str, dict[str, int]], own: dict[str, dict[str, int]]) -> None:
    told = without_own(tomlkit.dumps(shared))
    assert told is not None
    once = joined(told, tomlkit.dumps(own))
    assert once is not None
    assert joined(told, once) == once
    assert tomlkit.parse(without_own(once) or "").unwrap().get("company") == shared.get("company")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_at_all_makes_joining_raise(shared: str, own: str) -> None:
    joined(shared, own)


@pytest.mark.parametrize(
    "text", ["panel = 3", "pair = [1]\nchat = 'x'", "[[panel]]\nhost = 1", "panel.host = 'x'", "a.b.c = 1\n[a.d]\nx = 1"]
)
def test_tables_that_are_none_do_no_harm(text: str) -> None:
    assert without_own(text) is not None
    assert joined(text, OWN.format(n=1)) is not None
    assert joined(OWN.format(n=1), text) is not None


# Secrets


def test_a_secret_comes_over_readable_by_its_owner_alone(two: Two) -> None:
    two.secret("imap")
    two.standby().pull()
    copy = two.b / "secrets" / "imap"
    assert copy.read_text() == "geheim"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_secret_that_was_removed_goes_here_too(two: Two) -> None:
    gone, kept = two.secret("gone"), two.secret("kept")
    standby = two.standby()
    standby.pull()
    gone.unlink()
    standby.pull()
    assert [path.name for path in (two.b / "secrets").iterdir()] == [kept.name]


def test_knowledge_that_is_not_named_any_more_stays_where_it_is(two: Two) -> None:
    two.standby().pull()
    two.settings(two.a, (two.a / "tandem.toml").read_text().replace("fi.md", "en.md"))
    two.serve = two.leader().serve
    two.standby().pull()
    assert (two.b / "fi.md").exists()


# What does not travel


def test_a_file_outside_the_home_is_each_machines_own_affair(two: Two, tmp_path: Path) -> None:
    share = tmp_path / "share.md"
    share.write_text("| Key | Value |\n|---|---|\n")
    (two.a / "link.md").symlink_to(share)
    more = "".join(f'[[knowledge.source]]\npath = "{path}"\nlanguage = "en"\n' for path in (share, "link.md", "../share.md"))
    two.settings(two.a, (two.a / "tandem.toml").read_text() + more)
    leader = two.leader()
    assert not [name for name in leader._places() if "share" in name or "link" in name]


@pytest.mark.parametrize("own", ["tandem.toml", "tandem.db", "keyring", "node", "pair/membership", "run/control.sock", "logs/x", ".env"])
def test_what_is_about_one_machine_is_not_given_whatever_the_settings_say(two: Two, own: str) -> None:
    path = two.a / own
    path.parent.mkdir(exist_ok=True)
    path.touch()
    two.settings(two.a, (two.a / "tandem.toml").read_text() + f'[[knowledge.source]]\npath = "{own}"\nlanguage = "en"\n')
    assert own not in two.leader()._places()


@pytest.mark.parametrize(
    "name",
    ["../evil", "secrets/../../evil", "/etc/evil", "a/./b", "a\\b", ".env", "tandem.toml", "Tandem.TOML", "tandem.db", "tandem.db-wal",
     "keyring", "KEYRING", "node", "pair/membership", "Pair/kept", "run/store.lock", "logs/x", "divergent/x", "knowledge-state/x",
     "policy-in-force", "anchor"],
)  # fmt: skip
def test_a_name_with_a_way_out_or_of_this_machines_own_files_is_refused(two: Two, name: str) -> None:
    before = sorted(path.relative_to(two.b) for path in two.b.rglob("*"))
    two.serve = offers({name: b"evil"})
    two.standby().pull()
    assert sorted(path.relative_to(two.b) for path in two.b.rglob("*")) == before
    assert not (two.b.parent / "evil").exists()


def test_a_link_that_leads_out_of_the_home_is_not_written_through(two: Two, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (two.b / "secrets").symlink_to(outside)
    two.serve = offers({"secrets/imap": b"x"})
    two.standby().pull()
    assert list(outside.iterdir()) == []


def offers(files: dict[str, bytes]) -> Service:
    """A leader that offers what it likes."""

    def serve(line: Line, _: Open) -> None:
        while True:
            wish: FilesWish | FileWish = line.receive(FilesWish | FileWish, SECONDS)
            if isinstance(wish, FilesWish):
                marks = {name: FileMark(sha256=hashlib.sha256(data).digest(), size=len(data), mode=0o644) for name, data in files.items()}
                line.send(Manifest(files=marks))
            elif wish.name in files:
                line.send(FilePart(data=files[wish.name], last=True))
            else:
                line.send(Turned(code="no_such_file"))

    return serve


def test_a_hostile_leader_cannot_put_a_table_of_its_own_over_this_machines(two: Two) -> None:
    two.serve = offers({SHARED_SETTINGS: b'[panel]\nhost = "0.0.0.0"\nport = 1\n[log]\nlevel = "error"\n'})
    two.standby().pull()
    told = two.told(two.b)
    assert (told["panel"], told["log"]) == ({"host": "10.0.0.2", "port": 902}, {"level": "debug"})
