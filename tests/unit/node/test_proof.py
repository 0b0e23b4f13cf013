"""The start-up proof: a node answers its own questions before it calls itself ready."""

from appliance.engines.judge.protocol import Support
from appliance.node.proof import TRIES, prove
from tests.support.cases import FACTS, desk, passage
from tests.support.writers import HostileWriter


def test_a_desk_that_answers_its_own_questions_is_ready() -> None:
    assert prove(desk(), FACTS, 0.0) == ""


def test_a_desk_that_knows_nothing_is_ready_to_say_so() -> None:
    assert prove(desk(), (), 0.0) == ""


class BlindJudge:
    """A judge whose model is gone."""

    name, version = "blind", "1"

    def support(self, *_: object) -> Support:
        raise RuntimeError("no memory")


def test_a_desk_that_cannot_check_is_not_ready_and_names_the_language_and_the_reason() -> None:
    assert prove(desk(judge=BlindJudge()), FACTS, 0.0).startswith("the proof for fi ended with ")


def test_a_model_that_cannot_be_had_keeps_no_node_from_being_ready_for_others_write_in_its_stead() -> None:
    assert prove(desk(writer=HostileWriter(RuntimeError("no memory"))), FACTS, 0.0) == ""


def test_one_fact_that_people_keep_for_themselves_does_not_keep_the_node_from_being_ready() -> None:
    delicate = passage("en-legal", "Our lawyer answers legal threats.", "en", title="My lawyer will sue you")
    assert prove(desk(), (delicate, *FACTS), 0.0) == ""
    assert TRIES > 1
