"""``tandem pair`` before a node that lives in memory."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from appliance.cli import pair as cli
from appliance.cli import status as status_cli
from appliance.cli.main import tandem
from appliance.ground.errors import Refused, TandemError
from tests.support.clock import FakeClock
from tests.support.panel_twin import PanelTwin
from tests.support.twin_pair import CODE, PEER


class Later(FakeClock):
    """Time passes only while somebody waits; then what is due happens."""

    def __init__(self) -> None:
        super().__init__()
        self.due: list[tuple[float, Callable[[], None]]] = []

    def at(self, seconds: float, happens: Callable[[], None]) -> None:
        self.due.append((seconds, happens))

    def wait(self, event: Any, seconds: float) -> bool:
        result = super().wait(event, seconds)
        for each in [each for each in self.due if each[0] <= self.elapsed()]:
            self.due.remove(each)
            each[1]()
        return result


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Later:
    clock = Later()
    monkeypatch.setattr(cli, "clock", clock)
    return clock


@pytest.fixture
def twin(clock: Later, monkeypatch: pytest.MonkeyPatch) -> PanelTwin:
    twin = PanelTwin(clock=clock)

    @contextmanager
    def reach(_: click.Context) -> Iterator[PanelTwin]:
        yield twin

    monkeypatch.setattr(cli, "reach", reach)
    monkeypatch.setattr(cli, "running", reach)
    monkeypatch.setattr(status_cli, "reach", reach)
    return twin


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(tandem, ["pair", *words], input=typed)


def refused(done: Result) -> TandemError:
    assert isinstance(done.exception, TandemError), done.output
    assert done.exception.remedy
    assert done.exception.exit_code == 1
    return done.exception


def test_start_prints_the_code_at_once_and_ends_when_both_hold_everything(twin: PanelTwin, clock: Later) -> None:
    seen: list[str] = []
    clock.at(5.0, lambda: (seen.append("met"), twin.make_pair(reason="peer_catches_up", peer={"in_sync": False}, mode="joining"))[0])
    clock.at(9.0, twin.make_pair)
    done = run("start", "--json")
    assert done.exit_code == 0, done.output
    first, rest = json.JSONDecoder().raw_decode(done.stdout)
    assert first == {"code": CODE, "expires_seconds": 118}
    assert json.loads(done.stdout[rest:])["peer"]["in_sync"] is True
    assert seen == ["met"]
    assert 9.0 <= clock.elapsed() < 12.0


def test_start_ends_with_1_when_nobody_came(twin: PanelTwin, clock: Later) -> None:
    clock.at(118.0, lambda: twin.stands["pairing"].update(state="expired", expires_seconds=0))
    assert "Nobody has joined" in refused(run("start")).message
    assert clock.elapsed() < 121.0


def test_start_ends_when_the_code_was_taken_back(twin: PanelTwin, clock: Later) -> None:
    clock.at(3.0, lambda: twin.stands.pop("pairing"))
    assert "Nobody has joined" in refused(run("start")).message
    assert clock.elapsed() < 5.0


def test_join_waits_through_the_copying_says_how_far_it_is_and_outlives_a_node_that_is_built_anew(
    twin: PanelTwin, clock: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, whole = twin.pair, twin.pair
    gone = {"now": False}

    def pair() -> dict[str, Any]:
        if gone["now"]:
            raise ConnectionRefusedError
        return told()

    monkeypatch.setattr(twin, "pair", pair)
    clock.at(2.0, lambda: gone.update(now=True))
    clock.at(6.0, lambda: gone.update(now=False))
    clock.at(8.0, lambda: twin.make_pair(role="standby"))
    done = run("join", CODE, "--address", "10.0.0.2:8485")
    assert done.exit_code == 0, done.output
    assert "Seeding 312 of 1204" in done.stderr
    assert f"Paired with {PEER}; both hold everything." in done.stdout
    assert [what for _, what in twin.done] == ["pair_join 10.0.0.2:8485"]
    assert whole()["paired"]


def test_a_daemon_that_stays_away_is_told_once(twin: PanelTwin, clock: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> dict[str, Any]:
        raise Refused("The daemon went away.", "See its log.")

    twin.make_pair()
    monkeypatch.setattr(twin, "pair", away)
    assert refused(run("handover")).message == "The daemon went away."
    assert clock.elapsed() < 65.0


@pytest.mark.usefixtures("twin")
def test_a_wrong_code_is_refused_with_what_to_do() -> None:
    assert "2 tries are left" in refused(run("join", "1111 2222")).remedy


def test_a_secret_file_goes_by_its_whole_path_and_no_code_is_shown(twin: PanelTwin, clock: Later, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a long secret of more than sixteen letters")
    clock.at(2.0, twin.make_pair)
    done = run("start", "--secret-file", str(file))
    assert done.exit_code == 0, done.output
    assert "Waiting for the machine that has the same secret." in done.stdout
    twin.stands = {}
    clock.at(clock.elapsed() + 2.0, lambda: twin.make_pair(role="standby"))
    assert run("join", "--secret-file", str(file)).exit_code == 0
    assert [what for _, what in twin.done] == [f"pair_start {file}", f"pair_join {file}"]


@pytest.mark.parametrize("words", [("join",), ("join", "1234 5678", "--secret-file", "x"), ("drill", "explode")])
def test_a_call_that_says_too_little_or_too_much_is_a_usage_error(twin: PanelTwin, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
    assert twin.done == []


def test_handover_ends_when_the_other_one_leads(twin: PanelTwin) -> None:
    twin.make_pair()
    done = run("handover")
    assert f"{PEER} leads now" in done.stdout
    assert "does not lead" in refused(run("handover")).message


def test_handover_that_never_comes_is_told(twin: PanelTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    twin.make_pair()
    monkeypatch.setattr(twin, "pair_handover", lambda _: {"asked": True})
    assert "does not lead after 60 s" in refused(run("handover")).message


def test_taking_over_needs_a_person_s_word(twin: PanelTwin) -> None:
    twin.make_pair(role="standby", reason="waits_for_person", peer={"seen": False})
    for words, typed in ((("takeover",), "yes\n"), (("takeover", "--json"), "")):
        assert "Nobody has said" in refused(run(*words, typed=typed)).message
    assert twin.done == []
    assert run("takeover", typed="off\n").exit_code == 0
    twin.make_pair(role="standby", reason="waits_for_person", peer={"seen": False})
    done = run("takeover", "--other-is-off", "--json")
    assert json.loads(done.stdout)["role"] == "leader"


def test_leaving_is_asked_for_and_a_program_says_that_it_means_it(twin: PanelTwin) -> None:
    twin.make_pair()
    assert isinstance(run("leave", typed="n\n").exception, SystemExit | click.Abort)
    refused(run("leave", "--json"))
    assert twin.done == []
    assert json.loads(run("leave", "--yes", "--json").stdout) == {"left": True}


@pytest.mark.parametrize(("kind", "code"), [("kill", 0), ("cut", 1)])
def test_a_drill_ends_with_its_result(twin: PanelTwin, kind: str, code: int) -> None:
    twin.make_pair()
    done = run("drill", kind, "--sandbox", "--json")
    assert done.exit_code == code
    assert json.loads(done.stdout)["kind"] == kind
    assert [what for _, what in twin.done] == [f"pair_drill {kind} sandbox"]


def test_the_pair_is_told_in_two_lines_and_its_history_below(twin: PanelTwin) -> None:
    twin.make_pair()
    lines = click.unstyle(run("status").stdout).splitlines()
    assert lines[0].startswith("Pair: kallio-7m9q (leads) and sampo-2k4d (stands by). This node leads;")
    assert lines[1].strip() == "in step; witness tcp answers; lease 2.6 of 3 s; term 7."
    assert "handover in 0.2 s" in "\n".join(lines)
    assert json.loads(run("status", "--json").stdout)["paired"] is True


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        ({"seen": False, "seen_seconds": 95.0}, "not seen for 1 min"),
        ({"seen": False, "seen_seconds": None}, "never seen"),
    ],
)
def test_a_lost_peer_is_told_with_since_when(twin: PanelTwin, peer: dict[str, Any], said: str) -> None:
    twin.make_pair(role="standby", reason="waits_for_person", peer=peer, witness={"kind": "none"})
    first, second = (click.unstyle(line) for line in cli.lines(twin.pair()))
    assert said in first
    assert "no line between them; witness none" in second


@pytest.mark.usefixtures("twin")
def test_a_machine_in_no_pair_says_how_to_begin() -> None:
    assert run("status").stdout == "In no pair. tandem pair start shows a code for a second machine.\n"
