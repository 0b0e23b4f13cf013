"""The benchmark of the whole way: every mail of a data set, its decision and its times; a line for the chart, a workbook for a person."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from appliance.channels.mail.errors import FolderUnusable
from appliance.cli.main import tandem
from appliance.evals.bench import pipeline
from appliance.evals.bench.trend import TrendUnusable, append, workbook
from appliance.ground.assets import asset
from appliance.node.demo import prepare
from tests.support.cases import desk

QUESTIONS = ("What does delivery cost?", "How long is the warranty?", "Do you sell flowers?", "Mikä on puhelinnumero?")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "questions.csv"
    path.write_text("id,body\n" + "".join(f"{number},{text}\n" for number, text in enumerate(QUESTIONS)), encoding="utf-8")
    return path


def test_every_mail_has_its_row_and_its_stages(dataset: Path) -> None:
    report = pipeline.run(desk(), dataset, warm_up=1)
    assert [row.decision for row in report.rows] == ["send", "send", "review", "send"]
    assert [row.language for row in report.rows][-1] == "fi"
    assert report.decisions == {"send": 3, "review": 1}
    assert set(report.times) == {*pipeline.STAGES, "total"}
    assert all(spread.p50 <= spread.p95 <= spread.p99 for spread in report.times.values())
    assert "send 3" in pipeline.rendered(report)


def test_a_count_beyond_the_data_set_goes_round_again_and_one_below_stops(dataset: Path) -> None:
    assert len(pipeline.run(desk(), dataset, count=6, warm_up=0).rows) == 6
    assert len(pipeline.run(desk(), dataset, count=1, warm_up=0).rows) == 1


def test_no_word_of_a_mail_is_in_what_is_written_down(dataset: Path) -> None:
    report = pipeline.run(desk(), dataset, warm_up=0)
    written = repr((pipeline.sheets(report), pipeline.trend(report), report))
    assert not any(text in written for text in QUESTIONS)


def test_a_folder_of_mails_and_tables_is_a_data_set_and_an_empty_one_is_none(tmp_path: Path, dataset: Path) -> None:
    (tmp_path / "one.eml").write_bytes(b"From: a@example.com\nSubject: Warranty\n\nHow long is the warranty?\n")
    assert len(list(pipeline.read(tmp_path / "one.eml"))) == 1
    assert len(list(pipeline.read(tmp_path))) == 1
    (tmp_path / "empty").mkdir()
    with pytest.raises(pipeline.DatasetEmpty):
        pipeline.run(desk(), tmp_path / "empty")
    dataset.write_text("nothing\nhere\n")
    with pytest.raises(FolderUnusable):
        pipeline.run(desk(), dataset)


def test_each_run_adds_one_line_and_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append(path, 1_800_000_000.0, {"a": 1, "b": "=2+2"})
    append(path, 1_800_003_600.0, {"a": 2, "b": "x"})
    rows = list(csv.DictReader(path.open()))
    assert [(row["at"], row["a"], row["b"]) for row in rows] == [
        ("2027-01-15T08:00:00+00:00", "1", "'=2+2"),
        ("2027-01-15T09:00:00+00:00", "2", "x"),
    ]
    with pytest.raises(TrendUnusable):
        append(path, 1_800_007_200.0, {"a": 1, "c": 2})
    assert len(path.read_text().splitlines()) == 3
    with pytest.raises(TrendUnusable):
        append(tmp_path / "no" / "runs.csv", 0.0, {"a": 1})


def test_the_workbook_has_a_row_for_each_mail(tmp_path: Path, dataset: Path) -> None:
    report = pipeline.run(desk(), dataset, warm_up=0)
    workbook(tmp_path / "run.xlsx", pipeline.sheets(report))
    book = load_workbook(tmp_path / "run.xlsx", read_only=True)
    assert book.sheetnames == ["mails", "times", "run"]
    assert len(list(book["mails"].iter_rows())) == 1 + len(QUESTIONS)


def test_the_command_measures_a_home_with_its_own_writer_and_stores_nothing(tmp_path: Path, dataset: Path) -> None:
    home = tmp_path / "home"
    prepare(home, asset("demo"))
    before = {path for path in home.rglob("*") if path.suffix in (".db", ".sqlite", ".sqlite3")}
    report, log = tmp_path / "run.xlsx", tmp_path / "runs.csv"
    told = [
        "--home",
        str(home),
        "bench",
        "pipeline",
        "--dataset",
        str(dataset),
        "--warm-up",
        "0",
        "--report",
        str(report),
        "--log",
        str(log),
    ]
    done = CliRunner().invoke(tandem, [*told, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.output)["rows"]) == len(QUESTIONS)
    assert report.exists()
    assert len(log.read_text().splitlines()) == 2
    assert {path for path in home.rglob("*") if path.suffix in (".db", ".sqlite", ".sqlite3")} == before
