import pytest

from appliance.desk.compose import with_piece

PIECE = "Ask about service."


@pytest.mark.parametrize(
    ("reply", "with_it"),
    [
        ("", PIECE),
        ("Hello,\n\nYes.\n\nKind regards", f"Hello,\n\nYes.\n\n{PIECE}\n\nKind regards"),
        ("Hei,\n\nKyllä.\n\nYstävällisin terveisin\nAino", f"Hei,\n\nKyllä.\n\n{PIECE}\n\nYstävällisin terveisin\nAino"),
        ("Hello,\n\nYes.\n\nAino", f"Hello,\n\nYes.\n\nAino\n\n{PIECE}"),
        ("Kind regards to your mother.", f"Kind regards to your mother.\n\n{PIECE}"),
    ],
)
def test_a_piece_stands_before_the_closing_of_a_reply(reply: str, with_it: str) -> None:
    assert with_piece(reply, PIECE, "Pohjola Pumps") == with_it
