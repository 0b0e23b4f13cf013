"""One chat from the first word to the answer, through the same queue as a mail: the desk, a person, a restart, a kill."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from appliance.ground.errors import Refused
from appliance.ground.faults import POINTS
from appliance.node.node import Node
from appliance.panel.api.chat import ChatMessage, say
from appliance.records.case import CaseState
from appliance.records.chat import ChatState, ChatView
from appliance.records.person import Actor, Approval, Role
from appliance.records.work import File
from appliance.settings.hours import DAYS
from appliance.store.replay import differing_tables
from tests.journeys.test_features_daemon import Daemon, free_port
from tests.support.home import make_home, open_node, running_node, sent, settled, take, wait_for, write_mail

AINO = Actor(name="aino", role=Role.AGENT)
VIEWER = Actor(name="screen", role=Role.VIEWER)
OPENING = "What are your opening hours?"
OPERA = "Do you also repair bicycles and sell tickets to the opera?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    with running_node(home) as node:
        yield node


class Customer:
    """Somebody who chats with a node."""

    def __init__(self, node: Node) -> None:
        self.node, self.said = node, 0
        begun = node.commands.chat_open("en")
        self.session, self.secret = begun["session"], begun["secret"]

    def say(self, text: str, key: str = "") -> ChatView:
        """Say something and wait for what becomes of it."""
        self.said += 1
        case = self.node.commands.chat_say(self.session, text, key or f"message-{self.said:03}")
        return self.node.commands.chat_wait(self.session, case, 20.0)

    def view(self) -> ChatView:
        return self.node.commands.chat_view(self.session)

    def heard(self) -> list[tuple[str, str]]:
        return [(entry.who, entry.text) for entry in self.view().entries]


def approve(node: Node, case: str, text: str) -> None:
    node.commands.decide(AINO, Approval(case=case, decision="approve", by=AINO.name, text=text))


def test_a_question_the_company_can_answer_is_answered_in_the_chat_with_its_source(node: Node, home: Path) -> None:
    view = Customer(node).say(OPENING)
    assert view.state is ChatState.ANSWERED
    question, reply = view.entries
    assert (question.who, question.text) == ("customer", OPENING)
    assert (reply.who, reply.text) == ("desk", "Our opening hours are Monday to Friday 9-17.")
    assert reply.sources == ("Opening hours",)
    assert sent(home) == []  # nothing went by mail


def test_a_conversation_goes_on_being_answered_where_a_mail_would_have_had_its_one_reply_a_day(node: Node) -> None:
    customer = Customer(node)
    states = [customer.say(question).state for question in (OPENING, "What is the delivery time?", "What is the return period?")]
    assert states == [ChatState.ANSWERED] * 3
    assert [who for who, _ in customer.heard()] == ["customer", "desk"] * 3


@pytest.mark.parametrize("hello", ["Hi", "Hello there!", "Moi", "Hej", "good morning"])
def test_who_says_hello_first_is_asked_what_they_want_and_then_answered(node: Node, hello: str) -> None:
    customer = Customer(node)
    assert customer.say(hello).state is ChatState.GREETED
    assert customer.say(OPENING).state is ChatState.ANSWERED


def test_a_greeting_with_anything_more_in_it_is_a_message_like_any_other(node: Node) -> None:
    assert Customer(node).say("Hello, my pump is broken").state is ChatState.PERSON


def test_a_question_no_source_answers_is_for_a_person_and_so_is_a_legal_threat(node: Node) -> None:
    assert Customer(node).say(OPERA).state is ChatState.PERSON
    threat = Customer(node).say("My lawyer will sue you. By the way, what are your opening hours?")
    assert threat.state is ChatState.PERSON
    assert [entry.who for entry in threat.entries] == ["customer"]


def test_the_same_question_comes_to_the_same_decision_and_source_as_by_mail(node: Node, tmp_path: Path) -> None:
    mail = node.commands.file(take(node, write_mail(tmp_path, OPENING)).id)
    chat = node.commands.file(Customer(node).say(OPENING).case)
    assert mail is not None
    assert mail.outcome is not None
    assert chat is not None
    assert chat.outcome is not None
    assert (chat.outcome.decision, chat.outcome.tier) == (mail.outcome.decision, mail.outcome.tier)
    assert [one.passage for one in chat.outcome.citations] == [one.passage for one in mail.outcome.citations]


def test_what_an_agent_approves_in_their_own_words_stands_in_the_customers_conversation_at_once(node: Node) -> None:
    customer = Customer(node)
    case = customer.say(OPERA).case
    approve(node, case, "We repair pumps only, and sing when nobody listens.")
    wait_for(lambda: customer.view().state is ChatState.ANSWERED)
    assert customer.heard()[-1] == ("person", "We repair pumps only, and sing when nobody listens.")


def test_outside_business_hours_the_customer_learns_when_a_person_is_there_again(home: Path) -> None:
    now = datetime.now(ZoneInfo("Europe/Helsinki"))
    later = now + timedelta(days=3)
    text = (home / "tandem.toml").read_text(encoding="utf-8")
    hours = f'[company]\nhours = ["{DAYS[later.weekday()]} 8-16"]\n'
    (home / "tandem.toml").write_text(text.replace("[company]\n", hours), encoding="utf-8")
    with running_node(home) as node:
        customer = Customer(node)
        assert customer.say(OPENING).opens_at == 0  # nobody waits for a person
        opens = datetime.fromtimestamp(customer.say(OPERA).opens_at, ZoneInfo("Europe/Helsinki"))
    assert (opens.date(), opens.hour, opens.minute) == (later.date(), 8, 0)


def test_files_cannot_be_sent_into_a_chat_and_are_not_lost_in_silence(node: Node) -> None:
    case = Customer(node).say(OPERA).case
    enclosed = (File(name="prices.pdf", media_type="application/pdf", data=b"%PDF"),)
    with pytest.raises(Refused):
        node.commands.decide(AINO, Approval(case=case, decision="approve", by=AINO.name, text="See there.", files=enclosed))
    assert settled(node, case).state is CaseState.REVIEW


def test_whoever_asks_for_a_person_gets_none_but_people_until_an_agent_closes_the_conversation(node: Node) -> None:
    customer = Customer(node)
    case = customer.say(OPENING).case
    node.commands.chat_ask_for_person(customer.session)
    node.commands.chat_ask_for_person(customer.session)  # a second press changes nothing
    row = settled(node, case)
    assert (row.state, row.reason) == (CaseState.REVIEW, "customer_asked_for_person")
    later = customer.say("What is the delivery time?")
    assert later.state is ChatState.PERSON
    assert settled(node, later.case).reason == "customer_asked_for_person"
    approve(node, later.case, "Three days, I promise. Matti")
    wait_for(lambda: customer.view().state is ChatState.ANSWERED)
    assert customer.say("What is the return period?").state is ChatState.PERSON
    node.commands.close_chat(AINO, customer.session)
    assert customer.view().closed
    assert node.commands.chat_session(customer.secret) == ""
    with pytest.raises(Refused):
        customer.say(OPENING)
    assert Customer(node).say(OPENING).state is ChatState.ANSWERED


def test_only_an_agent_may_close_a_conversation_or_see_whose_it_is(node: Node) -> None:
    customer = Customer(node)
    case = customer.say(OPENING).case
    for forbidden in (lambda: node.commands.close_chat(VIEWER, customer.session), lambda: node.commands.chat_of(VIEWER, case)):
        with pytest.raises(Refused):
            forbidden()
    assert not customer.view().closed


def test_an_address_left_in_a_conversation_is_for_agents_and_goes_with_an_erasure(node: Node) -> None:
    customer = Customer(node)
    with pytest.raises(Refused):
        node.commands.chat_leave_address(customer.session, "aino@example.fi")  # before the first word there is no key to seal it
    case = customer.say(OPERA).case
    with pytest.raises(Refused):
        node.commands.chat_leave_address(customer.session, "aino at example")
    node.commands.chat_leave_address(customer.session, "aino@example.fi")
    assert customer.view().has_address
    assert node.commands.chat_of(AINO, case)["address"] == "aino@example.fi"
    node.store.tidy()
    assert all(b"aino@example.fi" not in file.read_bytes() for file in node.home.glob("tandem.db*"))
    node.commands.erase(Actor(name="owner", role=Role.ADMIN), f"{customer.session}@chat.invalid")
    assert node.commands.chat_of(AINO, case)["address"] == ""
    assert customer.view().entries == ()
    assert node.commands.verify()["ok"]


def test_a_message_sent_twice_under_one_name_was_said_once(node: Node) -> None:
    customer = Customer(node)
    first = customer.say(OPENING, key="the-same-key")
    again = customer.say(OPENING, key="the-same-key")
    assert again.case == first.case
    assert [who for who, _ in customer.heard()] == ["customer", "desk"]


def test_a_newer_message_overtakes_the_one_nobody_has_answered_and_a_person_gets_both(node: Node) -> None:
    customer = Customer(node)
    first = customer.say(OPERA).case
    second = customer.say("Well then, what is the delivery time?")
    assert second.state is ChatState.PERSON
    assert settled(node, first).state is CaseState.CLOSED
    opened = node.commands.file(second.case)
    assert opened is not None
    assert [message.text for message in opened.thread] == [OPERA]


def test_nobodys_words_reach_another_conversation(node: Node) -> None:
    one, other = Customer(node), Customer(node)
    one.say("My name is Kaarina. " + OPENING)
    assert other.say("What is the delivery time?").state is ChatState.ANSWERED
    assert all("Kaarina" not in text for _, text in other.heard())
    file = node.commands.file(other.view().case)
    assert file is not None
    assert file.thread == ()


def test_a_conversation_goes_on_after_a_restart(home: Path) -> None:
    with running_node(home) as node:
        customer = Customer(node)
        customer.say(OPENING)
    with running_node(home) as node:
        customer.node = node
        assert node.commands.chat_session(customer.secret) == customer.session
        assert customer.say("What is the delivery time?").state is ChatState.ANSWERED
        assert [who for who, _ in customer.heard()] == ["customer", "desk"] * 2
        assert node.store._readers.ask(differing_tables) == ()


def test_what_was_said_while_automation_was_off_waits_for_a_person_and_with_the_tap_closed_nothing_is_taken_in(node: Node) -> None:
    owner = Actor(name="owner", role=Role.ADMIN)
    customer = Customer(node)
    node.commands.set_switch(owner, "automation_enabled", False)
    assert customer.say(OPENING).state is ChatState.PERSON
    node.commands.set_switch(owner, "intake_enabled", False)
    with pytest.raises(Refused):
        customer.say(OPENING)


def test_a_program_with_a_key_gets_the_answer_in_one_call(node: Node) -> None:
    answer = say(node.commands, ChatMessage(message=OPENING, wait_seconds=20))
    assert (answer.state, answer.reply, answer.language) == ("answered", "Our opening hours are Monday to Friday 9-17.", "en")
    assert [one.title for one in answer.citations] == ["Opening hours"]
    held = say(node.commands, ChatMessage(message=OPERA, session=answer.session, wait_seconds=20))
    assert (held.session, held.state, held.reply, held.citations) == (answer.session, "person", "", [])
    assert say(node.commands, ChatMessage(message="Hello!", wait_seconds=20)).state == "greeted"  # nobody is on the way


def fetched(port: int, path: str, message: str = "") -> tuple[int, str]:
    """What the chat's port answers; 0 when nobody listens."""
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            answer = client.post(path, json={"message": message}) if message else client.get(path)
            return answer.status_code, answer.text
    except httpx.ConnectError:
        return 0, ""


@contextmanager
def running_daemon(home: Path, **environment: str) -> Iterator[Daemon]:
    daemon = Daemon(home, **environment)
    try:
        yield daemon
    finally:
        daemon.stop()


def test_the_daemon_opens_the_chat_on_its_own_port_and_a_customer_is_answered_there(home: Path) -> None:
    port = free_port()
    with running_daemon(home, TANDEM_PANEL__CHAT_PORT=str(port)) as daemon:
        wait_for(lambda: fetched(port, "/readyz")[0] == 200)
        status, told = fetched(port, "/api/ai/chat", OPENING)
        assert status == 200
        session = json.loads(told)["session"]
        wait_for(lambda: daemon.commands.counts()["replied"] == 1)
        assert session.startswith("s-")
        assert fetched(port, "/api/v1/cases")[0] == 404
        assert fetched(daemon.port, "/widget.js")[0] == 401


def test_a_chat_that_is_switched_off_opens_no_port(home: Path) -> None:
    port = free_port()
    with running_daemon(home, TANDEM_PANEL__CHAT_PORT=str(port), TANDEM_CHAT__ENABLED="false"):
        assert fetched(port, "/healthz") == (0, "")


def test_a_chat_port_that_is_taken_is_named_with_its_setting(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"TANDEM_PANEL__PORT": str(free_port()), "TANDEM_PANEL__CHAT_PORT": str(taken.getsockname()[1])}
        command = [sys.executable, "-m", "appliance", "--home", str(home), "run"]
        done = subprocess.run(command, env={**os.environ, **ports}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "is taken by" in done.stderr
    assert "[panel] chat_port" in done.stderr


def test_the_demonstration_shows_the_chat_and_it_answers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "appliance", "demo", "--port", "0", "--no-browser", "--keep", str(tmp_path / "demo")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "NO_COLOR": "1"}
    ) as demo:
        try:
            assert demo.stdout is not None
            line = next(line for line in demo.stdout if "/chat" in line)
            port = int(line.rpartition(":")[2].partition("/")[0])
            assert fetched(port, "/chat")[0] == 200
            assert fetched(port, "/api/ai/chat", "How long is the warranty?")[0] == 200
        finally:
            demo.terminate()
            demo.wait(30)
    assert demo.returncode == 0


_TALK = """
import sys
from pathlib import Path
from tests.support.home import open_node
node = open_node(Path(sys.argv[1]))
node.start()
print(node.commands.chat_say(sys.argv[2], "What are your opening hours?", "message-001"), flush=True)
node.commands.chat_wait(sys.argv[2], "", 0)
import threading
threading.Event().wait(30)
"""


# A chat has no line to connect and no data to send over it.
@pytest.mark.parametrize(
    "point", [*(point for point in POINTS if point.startswith("answer.")), "deliver.after_start", "deliver.before_delivered"]
)
def test_a_kill_anywhere_on_the_way_loses_nothing_and_says_nothing_twice(home: Path, point: str) -> None:
    begun = open_node(home)
    session = begun.commands.chat_open("en")["session"]
    begun.close()
    environment = {**os.environ, "TANDEM_FAULT": f"{point}:1", "PYTHONPATH": os.getcwd()}
    killed = subprocess.run(
        [sys.executable, "-c", _TALK, str(home), session], env=environment, capture_output=True, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    with running_node(home) as node:
        node.commands.chat_say(session, OPENING, "message-001")  # the page sends it again, for it does not know
        wait_for(lambda: node.commands.chat_view(session).state is ChatState.ANSWERED)
        entries = node.commands.chat_view(session).entries
        assert [entry.who for entry in entries] == ["customer", "desk"]


def test_in_safe_mode_a_chat_waits_where_people_look_and_not_with_a_team_that_works_by_mail(node: Node) -> None:
    node.commands.set_switch(Actor(name="maria", role=Role.ADMIN), "safe_mode", True)
    customer = Customer(node)
    assert customer.say(OPENING).state is ChatState.PERSON
    (row,) = node.commands.rows()
    assert (row.state, row.reason) == (CaseState.REVIEW, "safe_mode")
    approve(node, row.id, "Nine to five.")
    wait_for(lambda: ("person", "Nine to five.") in customer.heard())
