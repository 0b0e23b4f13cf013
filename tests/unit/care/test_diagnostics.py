"""The zip: what is in it, what a piece that fails does to it, and its limits."""

import json
from typing import Any

from appliance.care import diagnostics
from appliance.care.diagnostics import PIECE_BYTES_MOST, assemble
from appliance.care.redaction import Hider
from appliance.ground.errors import TandemError
from tests.support.canaries import unpacked

NOW = 1_795_000_000.0


def fails_with(error: Exception) -> Any:
    def make() -> None:
        raise error

    return make


def test_each_piece_is_a_file_and_the_readme_stands_in_front() -> None:
    made = assemble([("a.json", lambda: {"n": 1}), ("b.jsonl", lambda: [{"n": 1}, {"n": 2}])], Hider([]), NOW)
    files = unpacked(made.data)
    assert list(files) == ["README.txt", "a.json", "b.jsonl"]
    assert json.loads(files["a.json"]) == {"n": 1}
    assert files["b.jsonl"] == b'{"n": 1}\n{"n": 2}\n'
    assert [(one.name, one.size_bytes, one.trouble) for one in made.files] == [(name, len(data), "") for name, data in files.items()]
    assert made.name == "tandem-diagnostics-20261118-110640.zip"


def test_a_piece_that_fails_says_so_by_its_code_alone_and_takes_no_other_along() -> None:
    words = "Aino Virta"
    pieces = [
        ("a.json", fails_with(ValueError(words))),
        ("b.json", fails_with(TandemError(words, words, code="disk_full"))),
        ("c.json", lambda: "well"),
    ]
    made = assemble(pieces, Hider([]), NOW)
    files = unpacked(made.data)
    assert [one.trouble for one in made.files] == ["", "ValueError", "disk_full", ""]
    assert json.loads(files["b.json"]) == {"missing": True, "because": "disk_full"}
    assert "a.json could not be made: ValueError" in files["README.txt"].decode()
    assert all(words.encode() not in data for data in files.values())


def test_whatever_a_piece_says_goes_through_the_hider() -> None:
    made = assemble([("a.json", lambda: {"of Aino Virta": ["Aino Virta"]})], Hider(["Aino Virta"]), NOW)
    assert b"Aino" not in unpacked(made.data)["a.json"]


def test_a_piece_that_is_too_large_is_left_out_and_of_lines_the_last_stay() -> None:
    line = {"n": 1, "x": "y" * 1_000}
    made = assemble([("a.json", lambda: ["x y " * 200] * 2_600), ("b.jsonl", lambda: [line] * 3_000 + [{"n": 2}])], Hider([]), NOW)
    files = unpacked(made.data)
    assert made.files[1].trouble == "too_large"
    assert PIECE_BYTES_MOST - 2_000 < len(files["b.jsonl"]) <= PIECE_BYTES_MOST
    assert files["b.jsonl"].endswith(b'{"n": 2}\n')


def test_the_readme_names_every_file_and_says_whether_hosts_are_in() -> None:
    without, with_ = (unpacked(assemble([], Hider([]), NOW, with_hosts=hosts).data)["README.txt"].decode() for hosts in (False, True))
    assert "Host names are not in it" in without
    assert "Host names are in it" in with_
    assert diagnostics.README.count(".json") >= 13
