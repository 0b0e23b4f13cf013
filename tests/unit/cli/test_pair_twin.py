"""A home that cannot start in its pair is taken out of it without a node."""

from pathlib import Path

from click.testing import CliRunner

from appliance.cli.main import tandem
from appliance.ground.errors import Refused
from appliance.pair.meeting.membership import FILE_NAME, KEPT_FILE_NAME, folder


def test_a_copied_home_leaves_its_pair_without_being_started(tmp_path: Path) -> None:
    folder(tmp_path).mkdir()
    for name in (FILE_NAME, KEPT_FILE_NAME):
        (folder(tmp_path) / name).write_text("damaged")
    done = CliRunner().invoke(tandem, ["--home", str(tmp_path), "pair", "leave", "--yes", "--twin"])
    assert done.exit_code == 0, done.output
    assert list(folder(tmp_path).iterdir()) == []


def test_a_slip_in_the_name_of_the_home_takes_nothing_away(tmp_path: Path) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(tmp_path / "typo"), "pair", "leave", "--yes", "--twin"])
    assert done.exit_code != 0


def test_leaving_as_a_twin_is_meant_by_a_program_only_with_yes(tmp_path: Path) -> None:
    done = CliRunner().invoke(tandem, ["--home", str(tmp_path), "pair", "leave", "--twin", "--json"])
    assert isinstance(done.exception, Refused)
