"""``tandem witness`` as it is typed: pairs come and go, and a slip is told."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli.main import tandem
from appliance.ground.errors import Refused
from appliance.pair.messages import WitnessRecord
from appliance.pair.witness.keys import line, witness_key
from appliance.pair.witness.shelf import Shelf

KEY = witness_key("p-7m9q", b"s" * 32)


def typed(home: Path, *words: str, text: str = "") -> Result:
    return CliRunner().invoke(tandem, ["witness", "--home", str(home), *words], input=text)


def test_a_pair_is_added_by_its_line_and_listed_with_its_leader(tmp_path: Path) -> None:
    assert "No pair is known yet" in typed(tmp_path, "list").stdout
    assert "is known now" in typed(tmp_path, "add", "-", text=line(KEY) + "\n").stdout
    assert "known already" in typed(tmp_path, "add", text=line(KEY) + "\n").stdout
    Shelf(tmp_path / "witness").write(KEY, WitnessRecord(holder="kallio-7m9q", term=4, in_sync=True, number=9))
    assert json.loads(typed(tmp_path, "list", "--json").stdout) == [
        {"pair": "p-7m9q", "leader": "kallio-7m9q", "term": 4, "in_sync": True, "trouble": ""}
    ]
    assert (tmp_path / "witness").stat().st_mode & 0o777 == 0o700


def test_a_key_that_was_typed_does_not_show(tmp_path: Path) -> None:
    assert line(KEY) not in typed(tmp_path, "add", text=line(KEY) + "\n").output


def test_a_slip_in_a_key_is_told_and_keeps_nothing(tmp_path: Path) -> None:
    done = typed(tmp_path, "add", "-", text=line(KEY)[:-1] + "\n")
    assert isinstance(done.exception, Refused)
    assert Shelf(tmp_path / "witness").pairs() == ()


def test_a_pair_is_forgotten_with_its_record(tmp_path: Path) -> None:
    typed(tmp_path, "add", "-", text=line(KEY))
    Shelf(tmp_path / "witness").write(KEY, WitnessRecord(holder="a", term=4, in_sync=True, number=9))
    assert "is forgotten" in typed(tmp_path, "forget", "p-7m9q").stdout
    typed(tmp_path, "add", "-", text=line(KEY))
    assert Shelf(tmp_path / "witness").record(KEY) == WitnessRecord()
    for pair in ("p-other", "../../x"):
        assert isinstance(typed(tmp_path, "forget", pair).exception, Refused)


def test_a_damaged_file_is_listed_with_its_remedy(tmp_path: Path) -> None:
    typed(tmp_path, "add", "-", text=line(KEY))
    (tmp_path / "witness" / "p-7m9q.record").write_text("{}")
    (row,) = json.loads(typed(tmp_path, "list", "--json").stdout)
    assert "tandem witness forget p-7m9q" in row["trouble"]


@pytest.mark.parametrize("listen", ["8487", "host:", ":8487", "host:port", "0.0.0.0:99999", ""])
def test_an_address_that_is_none_is_a_usage_error(listen: str, tmp_path: Path) -> None:
    done = typed(tmp_path, "--listen", listen)
    assert done.exit_code == click.UsageError.exit_code
    assert "HOST:PORT" in done.output
