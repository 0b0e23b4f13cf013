"""The start-up proof: a node answers its own questions before it calls itself ready."""

from appliance.node.proof import TRIES, prove
from tests.support.cases import FACTS, desk, passage
from tests.support.writers import HostileWriter


def test_a_desk_that_answers_its_own_questions_is_ready() -> None:
    assert prove(desk(), FACTS, 0.0) == ""


def test_a_desk_that_knows_nothing_is_ready_to_say_so() -> None:
    assert prove(desk(), (), 0.0) == ""


def test_a_desk_whose_writer_fails_is_not_ready_and_names_the_language_and_the_reason() -> None:
    broken = desk(writer=HostileWriter(RuntimeError("no memory")))
    assert prove(broken, FACTS, 0.0) == "the proof for fi ended with writer_failed"


def test_one_fact_that_people_keep_for_themselves_does_not_keep_the_node_from_being_ready() -> None:
    delicate = passage("en-legal", "Our lawyer answers legal threats.", "en", title="My lawyer will sue you")
    assert prove(desk(), (delicate, *FACTS), 0.0) == ""
    assert TRIES > 1
