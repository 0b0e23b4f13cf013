"""The language of a clip: only one that the company answers in."""

import pytest

from appliance.engines.ear.listening import among


def test_only_the_companys_languages_count_and_share_what_they_have() -> None:
    code, sure = among({"no": 0.6, "sv": 0.3, "fi": 0.1}, ("fi", "sv", "en"))
    assert code == "sv"
    assert sure == pytest.approx(0.75)


def test_without_a_list_the_likeliest_of_all_is_taken() -> None:
    assert among({"no": 0.6, "sv": 0.3}, ())[0] == "no"


def test_what_is_none_of_the_companys_is_its_first_without_any_certainty() -> None:
    assert among({"ja": 1.0}, ("fi", "sv")) == ("fi", 0.0)
    assert among({}, ()) == ("", 0.0)
