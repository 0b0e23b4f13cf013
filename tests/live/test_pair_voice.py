"""Clips on two real nodes with a real ear each: whichever machine's door they come in by, both hold them, and whoever leads hears them.

The ear is the tests' own tiny one, which knows a few sentences and nothing else.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from appliance.node.clip_pieces import PIECE_BYTES
from appliance.node.sandbox import OWNER, SandboxPair
from appliance.records.case import CaseState
from appliance.records.person import Role
from appliance.records.voice import Caller
from tests.live.pair_desk import PairDesk
from tests.support.ears import CLIPS, samples_of
from tests.support.home import POLICY, wait_for
from tests.support.sounds import RATE, TINY_EAR, VOICE, wave_file

pytestmark = pytest.mark.timeout(180)

KNOWLEDGE = """| Key | Value |
|---|---|
| When is the shop in Oulu open? | The shop in Oulu is open Monday to Friday 10-18. |
"""
KNOWLEDGE_FI = """| Avain | Arvo |
|---|---|
| Kuinka pitkä palautusoikeus on? | Palautusoikeus on 14 päivää. |
| Mikä on asiakaspalvelun puhelinnumero? | Asiakaspalvelun puhelinnumero on 08 000 1234. |
"""
SETTINGS = f"""
[company]
name = "Test Pumps"
[[mailbox]]
id = "support"
sender = "support@pumps.example"
[mailbox.folder]
inbox = "inbox"
outbox = "outbox"
archive = "archive"
[[knowledge.source]]
path = "en.md"
language = "en"
[[knowledge.source]]
path = "fi.md"
language = "fi"
[policy]
safe_mode = false
automation_enabled = true
[voice]
enabled = true
mock = false
model = "{TINY_EAR}"
threads = 1
[review]
undo_seconds = 0
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PairDesk]:
    base = tmp_path_factory.mktemp("pair")
    company = base / "company"
    company.mkdir()
    (company / "tandem.toml").write_text(SETTINGS, encoding="utf-8")
    (company / "policy.toml").write_text(POLICY, encoding="utf-8")
    (base / "a").mkdir(mode=0o700)
    (base / "a" / "en.md").write_text(KNOWLEDGE, encoding="utf-8")
    (base / "a" / "fi.md").write_text(KNOWLEDGE_FI, encoding="utf-8")
    pair = SandboxPair(base, company, 0)
    pair.inbox.mkdir(parents=True)
    try:
        pair.start(lambda _: None)
        yield PairDesk(pair)
    finally:
        pair.stop()


class Window:
    """The owner before a node's panel."""

    def __init__(self, desk: PairDesk, node: str) -> None:
        self.panel = httpx.Client(base_url=desk.address(node), headers={"Accept": "text/html", "Accept-Language": "en"}, timeout=60)
        token = desk.commands(node).new_token()
        assert self.panel.get(f"/sign-in?token={token}&next=/call").status_code == 303
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.panel.get("/call").text)
        assert found is not None
        self.csrf = found[1]

    def brings(self, name: str, data: bytes, address: str) -> str:
        """A clip through the form; the case that it became."""
        answer = self.panel.post("/call/clip", data={"csrf": self.csrf, "address": address}, files={"clip": (name, data)})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].removeprefix("/call/")


def children_of(desk: PairDesk, node: str) -> list[psutil.Process]:
    """The processes of a node's ear."""
    (process,) = (one for one in psutil.process_iter(["cmdline"]) if str(desk.home(node)) in (one.info["cmdline"] or []))
    return [child for child in process.children(recursive=True) if "ear_child" in " ".join(child.cmdline())]


def state(desk: PairDesk, node: str, case: str) -> CaseState:
    rows: Any = desk.commands(node).rows(limit=100)
    return next((row.state for row in rows if row.id == case), CaseState.ARRIVED)


def answered_once(desk: PairDesk, case: str, address: str, words: str) -> None:
    """The case is replied at whoever leads, and one mail with these words left."""
    wait_for(lambda: state(desk, desk.leader(), case) is CaseState.REPLIED, 60)
    ((_, mail),) = desk.sent(address)
    assert words in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def said(desk: PairDesk, node: str, case: str) -> str:
    (clip,) = desk.commands(node).clips(case)
    return clip.transcript.text if clip.transcript is not None else ""


def test_a_clip_brought_to_the_leader_is_answered_and_lies_on_the_other_node_with_its_words_and_its_sound(desk: PairDesk) -> None:
    leader, other = desk.roles()
    name = "fi_return_period.ogg"
    case = Window(desk, leader).brings(name, (VOICE / name).read_bytes(), "aino@customer.example")
    answered_once(desk, case, "aino@customer.example", "14 päivää")
    wait_for(lambda: state(desk, other, case) is CaseState.REPLIED)
    assert said(desk, other, case) == CLIPS[name]
    assert Window(desk, other).panel.get(f"/api/v1/cases/{case}/clips/0/sound").content == (VOICE / name).read_bytes()


def test_a_clip_brought_to_the_standbys_panel_is_heard_by_the_leader_and_answered(desk: PairDesk) -> None:
    _, other = desk.roles()
    window, name = Window(desk, other), "fi_phone.m4a"
    case = window.brings(name, (VOICE / name).read_bytes(), "eino@customer.example")
    answered_once(desk, case, "eino@customer.example", "08 000 1234")
    again = window.panel.post("/call/clip", data={"csrf": window.csrf}, files={"clip": (name, (VOICE / name).read_bytes())})
    assert case in again.text  # the same sound is known there too


def test_a_clip_too_large_for_one_frame_of_the_pairs_line_comes_over_in_pieces(desk: PairDesk) -> None:
    _, other = desk.roles()
    (question,) = samples_of("en_shop_hours.mp3")
    long = wave_file(np.concatenate([question, np.zeros(375 * RATE)]))
    assert len(long) > 12_000_000 > PIECE_BYTES
    case = Window(desk, other).brings("long.wav", long, "john@customer.example")
    answered_once(desk, case, "john@customer.example", "Monday to Friday 10-18")
    wait_for(lambda: said(desk, other, case) == CLIPS["en_shop_hours.mp3"])
    assert desk.commands(other).clip_audio(OWNER, case, 0) == long


def test_the_standbys_own_ear_answers_programs_and_nothing_of_it_is_kept(desk: PairDesk) -> None:
    leader, other = desk.roles()
    key = desk.commands(other).issue_key(OWNER, "programs", int(Role.ADMIN))["secret"]
    cases = desk.commands(leader).counts()
    name = "sv_delivery_price.flac"
    answer = httpx.post(
        f"{desk.address(other)}/v1/audio/transcriptions", headers={"Authorization": f"Bearer {key}"}, timeout=60,
        files={"file": (name, (VOICE / name).read_bytes())}, data={"model": "whisper-1"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["text"]) == (200, CLIPS[name])
    assert children_of(desk, other)  # it was this machine's ear
    assert desk.commands(leader).counts() == cases


def test_what_a_leader_heard_when_it_was_killed_is_heard_and_answered_by_the_other_one_once(desk: PairDesk) -> None:
    leader, other = desk.roles()
    ears = children_of(desk, leader)
    assert ears
    for ear in ears:  # as slow as an ear can be
        ear.suspend()
    (question,) = samples_of("en_shop_hours.mp3")
    clip = wave_file(np.concatenate([question, np.zeros(RATE)]))
    case = desk.commands(leader).take_clip(OWNER, "last.wav", clip, Caller(address="last@customer.example"), "", False)["case"]
    wait_for(lambda: desk.commands(leader).voice()["state"] == "listening")
    desk.kill(leader)
    for ear in ears:
        ear.resume()
    wait_for(lambda: not any(ear.is_running() and ear.status() != psutil.STATUS_ZOMBIE for ear in ears), 10)
    answered_once(desk, case, "last@customer.example", "Monday to Friday 10-18")
    assert desk.leader() == other
    assert said(desk, other, case) == CLIPS["en_shop_hours.mp3"]
    desk.start(leader)
    desk.whole()
    assert len(desk.sent("last@customer.example")) == 1
    assert all(desk.commands(node).verify()["ok"] for node in (leader, other))
