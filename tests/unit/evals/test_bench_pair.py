"""The benchmarks of the pair run and say what they must, and leave nothing behind; how fast anything is stands in no test."""

import psutil
import pytest
from click.testing import CliRunner

from appliance.cli.bench import command
from appliance.evals.bench import accept, accept_pair, replicate


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    yield
    assert not [child for child in psutil.Process().children() if "evals.bench" in " ".join(child.cmdline())]


def test_accepts_on_two_nodes_are_held_against_accepts_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept_pair, "with_slow_flush", lambda *_: "not measured at a 4 ms flush: no compiler")
    monkeypatch.setattr(accept_pair, "_TOGETHER", 40)
    report = accept.run(rounds=1, pair=True)
    assert [one.name for one in report.figures] == [
        "accept on both nodes, 1 client, native flush",
        "accept on both nodes, 32 clients, native flush",
    ]
    assert report.notes == ("not measured at a 4 ms flush: no compiler",)
    assert all(one.ours > 0 and one.peer > 0 for one in report.figures)


def test_a_standby_catches_up_by_entries_and_by_seed() -> None:
    report = replicate.run(rounds=1, entries=1_000)
    names = [one.name for one in report.figures]
    assert names[:2] == ["by entries with bodies", "by seed"]
    assert names[2].endswith("entries behind, by entries as the appliance chooses")
    assert "came, were decided and answered" in report.notes[0]


def test_a_standby_that_is_too_far_behind_is_measured_by_seed_as_the_appliance_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    from appliance.pair.copying.limits import CopyLimits

    monkeypatch.setattr(replicate, "CopyLimits", lambda seed_beyond=500: CopyLimits(seed_beyond=seed_beyond))
    report = replicate.run(rounds=1, entries=1_000)
    assert report.figures[2].name.endswith("entries behind, by seed as the appliance chooses")


def test_an_option_that_a_benchmark_does_not_know_is_refused() -> None:
    refused = CliRunner().invoke(command, ["sse", "--entries", "5000"])
    assert refused.exit_code == 2
    assert "knows no --entries" in refused.output
