"""E26, E27: knowledge on a web server, from the command that adds it to the reply that rests on it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.main import tandem
from tests.support.home import KNOWLEDGE, make_home, open_node, running_node, sent, take, wait_for, write_mail
from tests.support.web_share import Share, answers, hangs, web_share

PLACE = "/kb/en.md"


@pytest.fixture
def share() -> Iterator[Share]:
    with web_share() as running:
        running.files[PLACE] = KNOWLEDGE.encode()
        yield running


@pytest.fixture
def home(tmp_path: Path, share: Share) -> Path:
    """A company whose English source lies on the share."""
    home = make_home(tmp_path / "home")
    (home / "en.md").unlink()
    settings = (home / "tandem.toml").read_text(encoding="utf-8")
    remote = f'url = "{share.url(PLACE)}?token=hunter2"\npoll_seconds = 5'
    (home / "tandem.toml").write_text(settings.replace('path = "en.md"', remote), encoding="utf-8")
    return home


def test_a_mail_is_answered_from_the_share_and_an_edit_there_is_live_without_a_restart(home: Path, share: Share, tmp_path: Path) -> None:
    with running_node(home) as node:
        share.files[PLACE] = KNOWLEDGE.replace("9-17", "10-18").encode()
        wait_for(lambda: "10-18" in node.commands.search("opening hours", "en")[0].passage.text, 15.0)
        take(node, write_mail(tmp_path, "What are your opening hours?"))
        assert "10-18" in sent(home)[0].as_string()


def test_without_the_share_the_last_good_version_answers_and_health_says_what_is_wrong(home: Path, share: Share) -> None:
    open_node(home).close()
    share.wrong[PLACE] = answers(200, b"<!doctype html><title>Sign in</title>", "text/html")
    node = open_node(home)
    try:
        assert "9-17" in node.commands.search("opening hours", "en")[0].passage.text
        (row,) = (row for row in node.commands.health()["dependencies"] if row["name"] == "knowledge:en.md")
        assert (row["connected"], "a web page instead of the file" in row["reason"]) == (False, True)
        assert row["remedy"]
    finally:
        node.close()


def test_a_share_that_hangs_stops_neither_the_other_sources_nor_the_mail(home: Path, share: Share, tmp_path: Path) -> None:
    with running_node(home) as node:
        share.wrong[PLACE] = hangs
        finnish = (home / "fi.md").read_text(encoding="utf-8")
        (home / "fi.md").write_text(finnish.replace("3 arkipäivää", "4 arkipäivää"), encoding="utf-8")
        wait_for(lambda: "4 arki" in node.commands.search("toimitusaika", "fi")[0].passage.text, 10.0)
        take(node, write_mail(tmp_path, "What are your opening hours?"))
        assert "9-17" in sent(home)[0].as_string()
        wait_for(lambda: any(source.trouble for source in node.commands.sources()), 20.0)


def test_a_web_address_is_added_by_command_and_listed_without_its_key(tmp_path: Path, share: Share) -> None:
    home, runner = tmp_path / "home", CliRunner()
    url = f"{share.url(PLACE)}?token=hunter2"
    done = runner.invoke(tandem, ["--home", str(home), "knowledge", "add", url, "--lang", "en", "--json"])
    assert (done.exit_code, json.loads(done.output)["passages"]) == (0, 3), done.output
    listed = runner.invoke(tandem, ["--home", str(home), "knowledge", "list"])
    assert share.url(PLACE) in listed.output
    assert "hunter2" not in listed.output
    assert "good" in listed.output


def test_preflight_reads_the_share_too(home: Path, share: Share) -> None:
    def knowledge() -> str:
        done = CliRunner().invoke(tandem, ["--home", str(home), "preflight", "--json"])
        return str(next(row for row in json.loads(done.output) if row["name"] == "knowledge"))

    assert f"{share.url(PLACE)}: 3 passages" in knowledge()
    share.wrong[PLACE] = answers(500)
    assert "HTTP 500" in knowledge()


def test_a_web_address_that_gives_no_source_is_not_added(tmp_path: Path, share: Share) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(tmp_path), "knowledge", "add", share.url("/kb/missing.xlsx"), "--lang", "en"])
    assert done.exit_code != 0
    assert not (tmp_path / "tandem.toml").exists()
