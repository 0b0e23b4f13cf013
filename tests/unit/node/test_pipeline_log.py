"""The optional log of decided cases."""

import json
import stat
from pathlib import Path

from appliance.node.pipeline_log import PipelineLog
from appliance.records.answer import Decision, Draft, Outcome
from appliance.records.language import Language
from appliance.records.policy import Reason, Tier

OUTCOME = Outcome(
    decision=Decision.SEND,
    reason=Reason(code="answered"),
    language=Language(code="fi", source="text", confidence=1.0),
    tier=Tier.GROUNDED,
    score=0.96,
    missing_keys=("opening_hours",),
    draft=Draft(language="fi", subject="Hei", text="Asiakkaan sanoja"),
    milliseconds={"detect": 1.0, "search": 2.5},
)


def test_nothing_is_written_unless_a_path_is_configured(tmp_path: Path) -> None:
    PipelineLog(None).write("c-1", "worker-1", Decision.SEND, OUTCOME, 1.0)
    assert list(tmp_path.iterdir()) == []


def test_each_decided_case_is_one_line_with_numbers_and_without_words(tmp_path: Path) -> None:
    log = PipelineLog(tmp_path / "pipeline.jsonl")
    log.write("c-1", "worker-1", Decision.SEND, OUTCOME, 1.0)
    log.write("c-2", "worker-2", Decision.REVIEW, OUTCOME, 2.0)
    first, second = (json.loads(line) for line in (tmp_path / "pipeline.jsonl").read_text().splitlines())
    assert (first["case"], first["agent"], first["score"], first["missing_keys"]) == ("c-1", "worker-1", 0.96, ["opening_hours"])
    assert second["decision"] == "review"
    assert "sanoja" not in (tmp_path / "pipeline.jsonl").read_text()
    assert stat.S_IMODE((tmp_path / "pipeline.jsonl").stat().st_mode) == 0o600


def test_a_disk_that_refuses_the_line_stops_nothing(tmp_path: Path) -> None:
    PipelineLog(tmp_path / "missing" / "pipeline.jsonl").write("c-1", "worker-1", Decision.SEND, OUTCOME, 1.0)
