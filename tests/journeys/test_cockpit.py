"""A call from the clip to its end at an agent's desk, on a whole node: talking points, quote, draft, sending, and what is left of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.ground.errors import Refused
from appliance.node.node import Node
from appliance.records.call import CallChange, CallState
from appliance.records.case import CaseState
from appliance.records.person import Actor, Approval, Role
from appliance.records.voice import Caller
from tests.support.home import make_home, running_node, sent, settled, wait_for
from tests.support.told_ear import ToldEar, give_ear, tone

AINO = Actor(name="aino", role=Role.AGENT)
GUEST = Actor(name="guest", role=Role.VIEWER)
MAIJA = Caller(name="Maija Virtanen", address="maija@example.fi", telephone="+358 40 123 4567")
SAID = "Hello, what is your discount on garden gnomes, and do you sell a heat pump?"
AGAIN = "Hello, is there any discount on garden gnomes?"
PLAYBOOK = """[[cue]]
id = "discount"
words.en = ["discount"]
title.en = "Discount"
text.en = "Ten percent for new customers."
"""
BRIEF = """[[brief]]
id = "pump"
words.en = ["heat pump"]
title.en = "Heat pump"
values.en = ["Warm"]
price.en = "From 1,490 EUR."
"""
FILES = {
    "playbook.toml": PLAYBOOK,
    "brief.toml": BRIEF,
    "prices.csv": "code;name;price;unit;vat\nPX;Pump;1000,00;pcs;25,5\n",
    "contacts.csv": "kind,title,telephone\njob,Yearly service,040 1234567\n",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = make_home(tmp_path / "home")
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write('\n[voice]\nenabled = true\n[call]\ncontacts = "contacts.csv"\n')
    for name, text in FILES.items():
        (home / name).write_text(text, encoding="utf-8")
    return home


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


@pytest.fixture
def ear(node: Node) -> ToldEar:
    return give_ear(node, ToldEar())


def call(node: Node, ear: ToldEar, caller: Caller = MAIJA, said: str = SAID, pitch: float = 440.0) -> str:
    """A call that waits for a person."""
    row = settled(node, node.commands.take_clip(AINO, "call.wav", ear.hold(tone(pitch), said), caller)["case"])
    assert row.state is CaseState.REVIEW
    return row.id


def change(node: Node, case: str, **wish: object) -> CallState:
    return node.commands.change_call(AINO, case, CallChange(**wish))  # type: ignore[arg-type]


def test_a_call_is_worked_on_and_its_draft_leaves_as_any_reply(node: Node, ear: ToldEar, home: Path) -> None:
    case = call(node, ear)
    view = node.commands.call(AINO, case)
    assert [cue.id for cue in view.cues] == ["discount"]
    assert [brief.id for brief in view.briefs] == ["pump"]
    assert [one.title for one in view.contact.of("job")] == ["Yearly service"]
    change(node, case, draft="Hello Maija,", cue="discount")
    change(node, case, brief="pump")
    change(node, case, add="px", quantity="2", line_discount="10")
    state = change(node, case, quote=True)
    assert state.draft.startswith("Hello Maija,\n\nTen percent for new customers.\n\nHeat pump\n- Warm\nFrom 1,490 EUR.\n\nQuote\n- Pump")
    assert "Total with VAT: €2,259.00" in state.draft
    approval = Approval(case=case, decision="approve", by="aino", text=state.draft)
    node.commands.decide(AINO, approval)
    assert settled(node, case).state is CaseState.REPLIED
    (reply,) = sent(home)
    assert reply["To"].endswith("<maija@example.fi>")


def test_a_draft_that_somebody_else_changed_is_not_written_over_by_an_older_screen(node: Node, ear: ToldEar) -> None:
    case = call(node, ear)
    first = change(node, case, was="", draft="Hello,\r\n\r\nthis is Aino.").draft
    again = change(node, case, was=first, draft=first, cue="discount").draft  # her own screen goes on
    with pytest.raises(Refused) as refused:
        change(node, case, was="", draft="Mine.", brief="pump")
    assert refused.value.code == "call_changed"
    kept = node.commands.call(AINO, case)
    assert (kept.state.draft, kept.state.briefs_used) == (again, ())
    assert change(node, case, was=again, draft="Ours.").draft == "Ours."


def test_a_talking_point_and_a_quote_go_into_the_draft_once(node: Node, ear: ToldEar) -> None:
    case = call(node, ear)
    for _ in range(2):
        change(node, case, cue="discount")
        change(node, case, brief="pump")
    change(node, case, add="PX")
    for _ in range(2):
        state = change(node, case, quote=True)
    assert (state.draft.count("Ten percent"), state.draft.count("Warm"), state.draft.count("Quote")) == (1, 1, 1)
    (cue,) = node.commands.call(AINO, case).cues
    assert cue.used


def test_a_changed_quote_takes_the_place_of_the_one_in_the_draft(node: Node, ear: ToldEar) -> None:
    case = call(node, ear)
    change(node, case, add="PX")
    change(node, case, draft="Before", quote=True)
    change(node, case, discount="50")
    state = change(node, case, quote=True)
    assert (state.draft.count("Quote"), "Discount 50 %" in state.draft, state.draft.startswith("Before")) == (1, True, True)
    edited = change(node, case, draft=state.draft.replace("Pump", "PUMP"), add="PX")
    assert change(node, case, quote=True).draft.count("Quote") == 2  # what a person changed is not taken away from them
    assert edited.quote.lines[0].price.code == "PX"


def test_a_new_transcript_makes_every_talking_point_fresh_again(node: Node, ear: ToldEar) -> None:
    case = call(node, ear)
    change(node, case, cue="discount")
    ear.hold(tone(), AGAIN)
    node.commands.hear_again(AINO, case)
    settled(node, case)
    wait_for(lambda: node.commands.call(AINO, case).reset)
    view = node.commands.call(AINO, case)
    assert [cue.used for cue in view.cues] == [False]
    assert "Ten percent" in view.state.draft
    assert change(node, case, cue="discount").draft.count("Ten percent") == 2


def test_a_customers_earlier_cases_stand_beside_the_call(node: Node, ear: ToldEar) -> None:
    first, second = call(node, ear), call(node, ear, pitch=500.0)
    assert [row.case for row in node.commands.call(AINO, second).earlier] == [first]
    assert [row.case for row in node.commands.calls(AINO)] == [second, first]


def test_what_cannot_be_done_is_refused_with_a_remedy_and_keeps_the_draft(node: Node, ear: ToldEar) -> None:
    case = call(node, ear)
    for wish, code in (({"add": "NO"}, "no_price"), ({"cue": "none"}, "cue_gone"), ({"add": "PX", "quantity": "x"}, "quote_quantity")):
        with pytest.raises(Refused) as refused:
            change(node, case, **wish)
        assert (refused.value.code, bool(refused.value.remedy)) == (code, True)
    with pytest.raises(Refused):
        node.commands.change_call(GUEST, case, CallChange(draft="x"))
    with pytest.raises(Refused):
        node.commands.scrub_reference(AINO)
    assert node.commands.call(AINO, case).state == CallState()


def test_a_bad_file_is_told_in_the_call_and_in_health(node: Node, ear: ToldEar, home: Path) -> None:
    case = call(node, ear)
    assert node.commands.call(AINO, case).troubles == ()
    (home / "playbook.toml").write_text("[[cue]]\n", encoding="utf-8")
    view = node.commands.call(AINO, case)
    assert [cue.id for cue in view.cues] == ["discount"]
    ((what, remedy),) = view.troubles
    assert "playbook.toml" in what
    assert remedy
    row = next(row for row in node.commands.health()["dependencies"] if row["name"] == "call:playbook.toml")
    assert (row["connected"], row["code"]) == (False, "call_file_unusable")


def test_reference_material_is_found_on_the_node_by_words(node: Node) -> None:
    found = node.commands.reference(AINO, "When are you open?", "en")
    assert (found.way, found.found[0].title) == ("keyword", "Opening hours")
    assert node.commands.reference_state(AINO).requests == 1


def test_two_agents_at_one_call_lose_nothing_of_each_other(node: Node, ear: ToldEar, home: Path) -> None:
    """Each puts another talking point in at the same moment: all of them stand in the draft, once."""
    names = [f"point-{number}" for number in range(8)]
    points = "".join(PLAYBOOK.replace('"discount"\n', f'"{name}"\n', 1).replace("Ten percent", name) for name in names)
    (home / "playbook.toml").write_text(points, encoding="utf-8")
    case = call(node, ear)
    with ThreadPoolExecutor(len(names)) as agents:
        list(agents.map(lambda name: change(node, case, cue=name), names))
    state = node.commands.call(AINO, case).state
    assert sorted(state.used) == names
    assert all(state.draft.count(name) == 1 for name in names)
