"""The benchmarks run and say what they must; how fast anything is stands in no test."""

import pytest

from appliance.engines.embedder import made_up
from appliance.evals.bench import BENCHES, accept, audit, backlog, embed, panel, relay, slow_disk
from appliance.evals.bench.report import BenchReport, Conditions, Figure, as_json, figure, from_json, percentile, render


def test_a_figure_is_the_median_of_the_rounds_ratios_with_its_spread() -> None:
    one = figure("x", [(2.0, 1.0), (9.0, 3.0), (4.0, 4.0)], unit="s", limit="l", goal=2.0)
    assert (one.ratio, one.low, one.high, one.met) == (2.0, 1.0, 3.0, True)
    assert not figure("x", [(2.1, 1.0)], unit="s", limit="l", goal=2.0).met
    assert figure("x", [(2.1, 1.0)], unit="s", limit="l", goal=2.0, more_is_better=True).met


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([5.0, 1.0, 3.0], 0.99) == 5.0
    assert percentile([5.0, 1.0, 3.0], 0.5) == 3.0


def test_a_report_says_everything_that_is_needed_to_judge_it() -> None:
    one = Figure(name="accept", ours=2.0, peer=1.0, unit="s", limit="bare", ratio=2.0, low=1.5, high=2.5, goal=1.5, note="n")
    state = Conditions(load=0.5, flush_milliseconds=4.0)
    report = BenchReport(name="x", rounds=7, before=state, after=state, figures=(one,), notes=("why",))
    text = render(report)
    for said in ("7 interleaved rounds", "load 0.50", "4.00 ms", "2.00x", "1.50 to 2.50", "<= 1.5x", "not reached", "bare", "why"):
        assert said in text
    assert from_json(as_json(report)) == report


def test_every_benchmark_says_what_it_is() -> None:
    for bench in BENCHES.values():
        assert (bench.__doc__ or "").strip()


def test_the_audit_and_backlog_benchmarks_run() -> None:
    assert len(audit.run(rounds=1, entries=1_000).figures) == 3
    assert len(backlog.run(rounds=1, waiting=200).figures) == 2


def test_the_panel_benchmark_reads_every_page() -> None:
    report = panel.run(rounds=1, cases=40)
    assert [one.name for one in report.figures if "percentile" not in one.name] == [*panel.PAGES, "one case"]


def test_the_accept_benchmark_runs_and_says_why_a_part_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "with_slow_flush", lambda *_: "not measured at a 4 ms flush: no compiler")
    report = accept.run(rounds=1, clients=4)
    assert [one.name for one in report.figures] == ["accept, 4 clients, native flush"]
    assert report.notes == ("not measured at a 4 ms flush: no compiler",)


def test_without_a_compiler_there_is_no_slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = slow_disk.with_slow_flush("appliance.evals.bench.accept", ["1", "1"])
    assert isinstance(found, str)
    assert "4 ms" in found


def test_the_embedding_benchmark_runs_through_the_child() -> None:
    shape = made_up.Shape(layers=1, width=32, heads=4, inner=64, words=2_000, positions=128)
    report = embed.run(rounds=1, texts=16, shape=shape)
    assert [one.name for one in report.figures] == ["batch", "one question, not seen before", "one question, remembered"]
    assert all(one.ours > 0 and one.peer > 0 for one in report.figures)


def test_the_relay_benchmark_asks_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "STREAMS", (2,))
    monkeypatch.setattr(relay, "PACES", ((0.0, "at once"),))
    monkeypatch.setattr(relay, "TOKENS", 100)
    (one,) = relay.run(rounds=1).figures
    assert one.ours > 0
    assert one.peer > 0
