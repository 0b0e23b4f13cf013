"""A folder of mails is read whole: every mail is a case, a bounce, or named with its reason."""

from pathlib import Path

import pytest

from appliance.evals.folder import FolderMissing
from appliance.evals.mail import evaluate, render

DATA = Path(__file__).parents[2] / "data" / "mail"


def test_every_sample_is_accounted_for() -> None:
    result = evaluate(DATA)
    assert (result["files"], result["cases"], result["bounces"], result["automatic"], result["lost"]) == (57, 30, 23, 4, 0)
    assert result["files"] == result["cases"] + result["bounces"] + len(result["named"])
    assert len(result["per_file"]) == result["files"]


def test_each_mail_gives_its_subject_its_whole_text_and_its_kind(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.eml").write_bytes(b"From: a@example.com\nSubject: =?utf-8?q?P=C3=A4iv=C3=A4?=\n\nHei\n> lainaus\n")
    result = evaluate(tmp_path)
    assert result["per_file"] == [{"file": "sub/a.eml", "subject": "Päivä", "body": "Hei\n> lainaus", "kind": "message"}]


def test_an_mbox_holds_several_mails(tmp_path: Path) -> None:
    one = b"From a@example.com Mon Jan  1 00:00:00 2024\nFrom: a@example.com\nSubject: one\n\n>From here\nFrom there\n\n"
    two = b"From b@example.com Mon Jan  1 00:00:00 2024\nFrom: b@example.com\nSubject: two\n\ntext\n"
    for name in ("box.mbox", "box"):
        (tmp_path / name).write_bytes(one + two)
    result = evaluate(tmp_path)
    assert (result["files"], result["messages"], result["cases"], result["lost"]) == (2, 4, 4, 0)
    assert [(entry["file"], entry["subject"]) for entry in result["per_file"]][:2] == [("box#1", "one"), ("box#2", "two")]
    assert result["per_file"][0]["body"] == "From here\nFrom there"


def test_what_is_no_mail_is_named_and_gold_and_licences_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / "noise.eml").write_bytes(bytes(range(256)))
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "gold.json").write_text("{}")
    result = evaluate(tmp_path)
    assert (result["files"], result["unreadable"], result["lost"]) == (2, 2, 0)
    assert {entry["file"] for entry in result["named"]} == {"empty.eml", "noise.eml"}


def test_the_table_names_the_counts_and_the_exceptions(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"From: a@example.com\nAuto-Submitted: auto-replied\n\nAway")
    table = render(evaluate(tmp_path))
    assert "1 files read" in table
    assert "a.eml  automatic: auto_submitted" in table


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match="There is no folder"):
        evaluate(tmp_path / "nowhere")
