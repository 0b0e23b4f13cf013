"""One voice message from the clip to the answer, through the same queue as a mail, and everything that may happen to it on the way."""

import email.message
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.engines.errors import ClipUnreadable, EngineDied
from appliance.ground.errors import Refused
from appliance.ground.faults import POINTS
from appliance.node.node import Node
from appliance.records.case import CaseFile, CaseRow, CaseState
from appliance.records.person import Actor, Approval, Role
from appliance.records.voice import Caller
from appliance.store.errors import SameAudio
from appliance.store.replay import differing_tables
from tests.journeys.test_one_chat import Customer
from tests.support.home import make_home, open_node, running_node, sent, settled, take, wait_for, write_mail
from tests.support.told_ear import ToldEar, give_ear, silence, tone

AINO = Actor(name="aino", role=Role.AGENT)
OWNER = Actor(name="owner", role=Role.ADMIN)
VIEWER = Actor(name="screen", role=Role.VIEWER)
MAIJA = Caller(name="Maija Virtanen", address="maija@example.fi")
TAKING = [point for point in POINTS if point.startswith("voice.") and point.endswith("_take")]
HEARING = [point for point in POINTS if point.startswith("voice.") and point not in TAKING]
OPENING = "What are your opening hours?"
VOICE = '\n[voice]\nenabled = true\nwatch_folder = "clips"\narchive = "heard"\n'


def voice_home(home: Path, more: str = "") -> Path:
    make_home(home)
    (home / "clips").mkdir(exist_ok=True)
    with (home / "tandem.toml").open("a", encoding="utf-8") as file:
        file.write(VOICE + more)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return voice_home(tmp_path / "home")


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


@pytest.fixture
def ear(node: Node) -> ToldEar:
    return give_ear(node, ToldEar())


def bring(node: Node, data: bytes, caller: Caller = MAIJA, *, name: str = "call.wav", language: str = "") -> CaseRow:
    """Upload a clip and wait for what becomes of its case."""
    return settled(node, node.commands.take_clip(AINO, name, data, caller, language)["case"])


def opened(node: Node, case: str) -> CaseFile:
    file = node.store.file(case)
    assert file is not None
    return file


def body(mail: email.message.Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()  # type: ignore[arg-type]


def test_what_was_asked_in_a_clip_is_answered_by_mail_in_the_companys_words(node: Node, ear: ToldEar, home: Path) -> None:
    row = bring(node, ear.hold(tone(), OPENING))
    assert (row.state, row.channel, row.begins) == (CaseState.REPLIED, "voice", OPENING)
    (reply,) = sent(home)
    assert "Our opening hours are Monday to Friday 9-17." in body(reply)
    assert "Maija" in body(reply)
    assert "maija@example.fi" in reply["To"]
    assert "support@pumps.example" in reply["From"]
    assert reply["Subject"].startswith("Re: Your voice message [#")
    assert ear.heard == ["quick", "final"]


def test_a_finnish_caller_is_answered_in_finnish(node: Node, ear: ToldEar, home: Path) -> None:
    assert bring(node, ear.hold(tone(), "Mikä on toimitusaika?", language="fi")).state is CaseState.REPLIED
    assert "Toimitusaika on 3 arkipäivää." in body(sent(home)[0])
    assert sent(home)[0]["Subject"].startswith("Re: Puheviestisi [#")


def test_the_same_question_by_mail_chat_and_voice_gives_the_same_decision_and_the_same_source(
    node: Node, ear: ToldEar, tmp_path: Path
) -> None:
    cases = (
        take(node, write_mail(tmp_path, OPENING, subject="")).id,
        Customer(node).say(OPENING).case,
        bring(node, ear.hold(tone(), OPENING)).id,
    )
    outcomes = [opened(node, case).outcome for case in cases]
    assert len({(one.decision, one.reason.code, one.tier, tuple(place.passage for place in one.citations)) for one in outcomes if one}) == 1
    unknown = "Do you also repair bicycles and sell tickets to the opera?"
    held = (
        take(node, write_mail(tmp_path, unknown, subject="", sender="b@example.fi")).id,
        Customer(node).say(unknown).case,
        bring(node, ear.hold(tone(220), unknown), Caller(address="c@example.fi")).id,
    )
    assert {(file.row.state, file.outcome.decision, file.outcome.reason.code) for case in held if (file := opened(node, case)).outcome} == {
        (CaseState.REVIEW, "review", "no_knowledge")
    }


def test_without_a_mail_address_a_person_calls_back(node: Node, ear: ToldEar, home: Path) -> None:
    row = bring(node, ear.hold(tone(), OPENING), Caller(name="Maija", telephone="+358 40 123 4567"))
    assert (row.state, row.reason) == (CaseState.REVIEW, "no_address")
    file = opened(node, row.id)
    assert file.draft is not None
    assert "9-17" in file.draft.text
    assert file.message is not None
    assert file.message.caller.telephone == "+358 40 123 4567"
    assert sent(home) == []


def test_two_callers_without_an_address_are_two_customers_and_one_number_is_one(node: Node, ear: ToldEar) -> None:
    for number, pitch in (("040 123", 300), ("+35850", 310), ("040-123", 320)):
        bring(node, ear.hold(tone(pitch), OPENING), Caller(telephone=number))
    assert node.commands.erase(OWNER, "tel:040123")["steps"][2]["count"] == 2


def test_a_caller_whom_nobody_vouches_for_is_told_nothing_of_a_customers_own(node: Node, ear: ToldEar, home: Path) -> None:
    row = bring(node, ear.hold(tone(), "Where is my order 12345? When will my order arrive?"))
    assert row.state is not CaseState.REPLIED
    assert sent(home) == []


def test_speech_that_was_not_heard_surely_is_a_persons_with_a_draft(node: Node, ear: ToldEar, home: Path) -> None:
    row = bring(node, ear.hold(tone(), OPENING, confidence=0.3))
    assert (row.state, row.reason) == (CaseState.REVIEW, "unclear_speech")
    assert "0.3" in " ".join(node.commands.explain(row.id, "en"))
    assert opened(node, row.id).draft is not None
    assert sent(home) == []


def test_silence_and_what_is_no_sound_are_a_persons(home: Path) -> None:
    with running_node(home) as node:  # with the stub ear, which looks at the clip as the real one does
        assert bring(node, silence()).reason == "nothing_said"
        assert bring(node, b"this is a letter and no sound at all, whatever it is called").reason == "clip_unreadable"
        assert [clip.trouble for clip in node.commands.clips(node.store.rows()[0].id)] == ["clip_unreadable"]


def test_the_stub_ear_hears_its_fixed_sentence_in_every_clip(home: Path) -> None:
    with running_node(home) as node:
        row = bring(node, tone())
        assert opened(node, row.id).message.text == "QA transcript: mock worker output."  # type: ignore[union-attr]
        assert row.state is CaseState.REVIEW
        told = node.commands.voice()
        assert (told["ear"].split()[0], told["mock"], told["queue"], told["heard_today"]) == ("stub", True, 0, 1)
        assert told["stages"]["streaming"]["asked"] == told["stages"]["final"]["asked"] == 1
        assert told["last_success_at"]
        assert told["heartbeat_at"]
        assert told["last_error"] == ""


def test_the_same_sound_again_is_refused_with_its_case_and_taken_when_it_is_wanted(node: Node, ear: ToldEar) -> None:
    first = bring(node, ear.hold(tone(), OPENING))
    with pytest.raises(SameAudio) as refused:
        node.commands.take_clip(AINO, "again.wav", tone(), Caller())
    assert refused.value.gaps["case"] == first.id
    assert node.commands.take_clip(AINO, "again.wav", tone(), Caller(), "", True)["case"] != first.id


def test_what_cannot_be_a_clip_is_refused_in_words(node: Node) -> None:
    for data, caller, language, code in (
        (b"", MAIJA, "", "clip_empty"),
        (b"\0" * 25_000_001, MAIJA, "", "clip_too_large"),
        (tone(), Caller(address="not an address"), "", "bad_address"),
    ):
        with pytest.raises(Refused) as refused:
            node.commands.take_clip(AINO, "call.wav", data, caller, language)
        assert refused.value.code == code
    with pytest.raises(Refused):
        node.commands.take_clip(VIEWER, "call.wav", tone(), MAIJA)
    node.commands.set_switch(OWNER, "intake_enabled", False)
    with pytest.raises(Refused):
        node.commands.take_clip(AINO, "call.wav", tone(), MAIJA)
    assert node.store.rows() == []


def test_a_sound_attached_to_a_mail_is_heard_and_answered_with_the_mails_own_trust(tmp_path: Path) -> None:
    home = voice_home(tmp_path / "home", "mock = false\n")
    with running_node(home) as node:
        ear = give_ear(node, ToldEar())
        row = take(node, mail_with(tmp_path, "Hello!", ear.hold(tone(), OPENING)))
        assert row.channel == "mail"
        assert row.state is CaseState.REPLIED
        assert opened(node, row.id).message.text == f"Hello!\n\n{OPENING}"  # type: ignore[union-attr]
        (reply,) = sent(home)
    assert "9-17" in body(reply)
    assert reply["Subject"].startswith("Re: Question")


def test_with_the_mock_a_sound_attached_to_a_mail_is_unheard_and_a_person_gets_the_mail(node: Node, home: Path, tmp_path: Path) -> None:
    row = take(node, mail_with(tmp_path, "When are you open?", tone()))
    assert (row.state, row.reason) == (CaseState.REVIEW, "attachment_question")
    assert opened(node, row.id).message.text.strip() == "When are you open?"  # type: ignore[union-attr]
    assert sent(home) == []


def mail_with(folder: Path, text: str, sound: bytes) -> Path:
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "aino@example.fi", "support@pumps.example", "Question", "<s@example.fi>"
    mail.set_content(text)
    mail.add_attachment(sound, maintype="application", subtype="octet-stream", filename="message.wav")
    path = folder / "sound.eml"
    path.write_bytes(mail.as_bytes())
    return path


def test_a_clip_dropped_into_the_folder_becomes_a_case_and_goes_to_the_archive(node: Node, ear: ToldEar, home: Path) -> None:
    drop(home / "clips" / "one.wav", ear.hold(tone(), OPENING))
    wait_for(lambda: len(node.store.rows()) == 1 and not list((home / "clips").glob("*.wav")))
    row = settled(node, node.store.rows()[0].id)
    assert (row.state, row.reason, row.mailbox) == (CaseState.REVIEW, "no_address", "voice")
    assert (home / "heard" / "one.wav").read_bytes() == tone()
    drop(home / "clips" / "copy.wav", tone())  # the same sound once more is put away, and makes no case
    wait_for(lambda: (home / "heard" / "copy.wav").exists())
    assert len(node.store.rows()) == 1


def drop(path: Path, data: bytes) -> None:
    """A file that has not been written to for a while, as one that was moved there."""
    hidden = path.with_name(f".{path.name}")
    hidden.write_bytes(data)
    os.utime(hidden, (hidden.stat().st_mtime - 60,) * 2)
    shutil.move(hidden, path)


def test_when_the_quick_stage_fails_the_final_one_goes_on_and_the_figures_keep_their_shape(node: Node, ear: ToldEar) -> None:
    shape = {name: set(stage) for name, stage in node.commands.voice()["stages"].items()}
    ear.fails["quick"] = [EngineDied("The ear died.", "It is started again.")]
    row = bring(node, ear.hold(tone(), OPENING))
    assert row.state is CaseState.REPLIED
    (clip,) = node.commands.clips(row.id)
    assert clip.first is None
    assert clip.transcript is not None
    assert clip.transcript.final
    told = node.commands.voice()["stages"]
    assert (told["streaming"]["condition"], told["streaming"]["failures"]) == ("failed", 1)
    assert {name: set(stage) for name, stage in told.items()} == shape


def test_an_ear_that_dies_in_the_middle_is_asked_again(node: Node, ear: ToldEar) -> None:
    ear.fails["final"] = [EngineDied("The ear died.", "It is started again.")]
    case = node.commands.take_clip(AINO, "call.wav", ear.hold(tone(), OPENING), MAIJA)["case"]
    wait_for(lambda: ear.heard.count("final") == 1)
    assert settled(node, case).state is CaseState.REPLIED
    assert ear.heard == ["quick", "final", "final"]


def test_a_clip_that_cannot_be_read_is_not_tried_again(node: Node, ear: ToldEar) -> None:
    ear.fails["quick"] = [ClipUnreadable("It is cut off.", "Record it again.")]
    assert bring(node, ear.hold(tone(), OPENING)).reason == "clip_unreadable"
    assert ear.heard == ["quick"]
    assert node.commands.voice()["last_error"] == ""  # nothing is wrong with the ear


def test_without_the_final_stage_the_quick_words_stand(tmp_path: Path) -> None:
    with running_node(voice_home(tmp_path / "home", "final = false\n")) as node:
        ear = give_ear(node, ToldEar())
        row = bring(node, ear.hold(tone(), OPENING))
        assert (row.state, ear.heard) == (CaseState.REPLIED, ["quick"])


def test_more_than_three_clips_that_wait_are_a_backlog(node: Node, ear: ToldEar) -> None:
    ear.may_go_on.clear()
    cases = [node.commands.take_clip(AINO, "call.wav", ear.hold(tone(pitch), OPENING), MAIJA)["case"] for pitch in range(300, 340, 10)]
    wait_for(lambda: bool(ear.heard))
    told = node.commands.voice()
    assert (told["queue"], told["backlog"], told["state"]) == (4, True, "listening")
    assert node.commands.status()["queue"]["listening"] == 4
    ear.may_go_on.set()
    for case in cases:
        settled(node, case)
    assert (node.commands.voice()["queue"], node.commands.voice()["backlog"]) == (0, False)


def test_a_person_has_a_clip_heard_again_and_the_desk_decides_anew(node: Node, ear: ToldEar) -> None:
    row = bring(node, ear.hold(tone(), "Mumble mumble", confidence=0.2))
    assert row.state is CaseState.REVIEW
    ear.hold(tone(), OPENING)
    assert node.commands.hear_again(AINO, row.id) == "listening"
    assert settled(node, row.id).state is CaseState.REPLIED
    with pytest.raises(Refused):
        node.commands.hear_again(AINO, row.id)
    with pytest.raises(Refused):
        node.commands.hear_again(VIEWER, row.id)


def test_a_person_answers_a_clip_that_nobody_understood(node: Node, ear: ToldEar, home: Path) -> None:
    row = bring(node, ear.hold(tone(), ""))
    assert row.reason == "nothing_said"
    node.commands.decide(AINO, Approval(case=row.id, decision="approve", by="aino", text="We could not hear you. Please call again."))
    assert settled(node, row.id).state is CaseState.REPLIED
    assert "We could not hear you." in body(sent(home)[0])


def test_where_no_ear_is_set_up_each_clip_waits_for_a_person_and_mails_go_on_as_before(tmp_path: Path) -> None:
    with running_node(make_home(tmp_path / "home")) as node:
        row = bring(node, tone())
        assert (row.state, row.reason) == (CaseState.REVIEW, "ear_off")
        assert node.commands.clip_audio(AINO, row.id, 0) == tone()
        assert (node.commands.voice()["state"], node.commands.voice()["enabled"]) == ("off", False)
        mail = take(node, mail_with(tmp_path, OPENING, tone()))
        assert node.commands.clips(mail.id) == []
        with pytest.raises(Refused):
            node.commands.hear_again(AINO, row.id)


def test_what_waited_for_an_ear_that_is_turned_off_goes_to_people(tmp_path: Path) -> None:
    home = voice_home(tmp_path / "home")
    node = open_node(home)
    case = node.commands.take_clip(AINO, "call.wav", tone(), MAIJA)["case"]
    assert opened(node, case).row.state is CaseState.LISTENING
    node.close()
    (home / "tandem.toml").write_text(
        (home / "tandem.toml").read_text(encoding="utf-8").replace("enabled = true\n", "enabled = false\n", 1)
    )
    make_home(home)
    node = open_node(home)
    try:
        node._look_at_clips()
        assert opened(node, case).row.reason == "ear_off"
    finally:
        node.close()


def test_sound_and_words_of_an_erased_customer_are_gone(node: Node, ear: ToldEar) -> None:
    row = bring(node, ear.hold(tone(), OPENING))
    node.commands.erase(OWNER, "maija@example.fi")
    assert node.commands.clips(row.id) == []
    with pytest.raises(Refused):
        node.commands.clip_audio(AINO, row.id, 0)
    assert bring(node, tone()).state is CaseState.REPLIED  # nobody knows that it is the same


_HEAR = """
import sys
from pathlib import Path
from tests.support.told_ear import tone
from tests.support.home import open_node, settled
from appliance.records.person import Actor, Role
from appliance.records.voice import Caller
node = open_node(Path(sys.argv[1]))
node.start()
taken = node.commands.take_clip(Actor(name="aino", role=Role.AGENT), "call.wav", tone(), Caller(address="maija@example.fi"))
settled(node, taken["case"])
"""


@pytest.mark.parametrize("point", HEARING)
def test_a_kill_anywhere_while_a_clip_is_heard_loses_nothing_and_puts_it_down_once(home: Path, point: str) -> None:
    environment = {**os.environ, "TANDEM_FAULT": f"{point}:1", "PYTHONPATH": os.getcwd()}
    killed = subprocess.run([sys.executable, "-c", _HEAR, str(home)], env=environment, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with running_node(home) as node:  # a new term: the claim of the dead one holds nobody up
        (row,) = node.store.rows()
        assert settled(node, row.id).state is CaseState.REVIEW
        kinds = [line.kind for line in opened(node, row.id).lines]
        assert kinds.count("clip_heard") == 2  # the quick words and the final ones
        assert opened(node, row.id).message.text == "QA transcript: mock worker output."  # type: ignore[union-attr]
        assert node.store._readers.ask(differing_tables) == ()


_DROP = """
import sys
from pathlib import Path
from tests.support.home import open_node, wait_for
node = open_node(Path(sys.argv[1]))
node.start()
wait_for(lambda: not list((Path(sys.argv[1]) / "clips").glob("*.wav")))
"""


@pytest.mark.parametrize("point", TAKING)
def test_a_kill_while_a_dropped_clip_is_taken_in_takes_it_in_once(home: Path, point: str) -> None:
    drop(home / "clips" / "one.wav", tone())
    environment = {**os.environ, "TANDEM_FAULT": f"{point}:1", "PYTHONPATH": os.getcwd()}
    killed = subprocess.run([sys.executable, "-c", _DROP, str(home)], env=environment, capture_output=True, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with running_node(home) as node:
        wait_for(lambda: (home / "heard" / "one.wav").exists())
        (row,) = node.store.rows()
        settled(node, row.id)
