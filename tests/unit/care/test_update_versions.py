"""Which version is newer, and whether two versions can be one pair."""

import itertools

import pytest
from msgspec.structs import replace

from appliance.care.update.facts import Facts, check_fits, ours
from appliance.care.update.versions import is_newer, is_version
from appliance.ground.errors import Refused

RISING = (
    "0.9",
    "1.0.dev1",
    "1.0a1",
    "1.0a2",
    "1.0b1",
    "1.0rc1.dev3",
    "1.0rc1",
    "1.0",
    "1.0.post1",
    "1.0.1",
    "1.2",
    "1.10",
    "2.0+local",
    "10.0",
)
FACTS = Facts(version="1.0", proto=3, least_proto=2, journal=4, schema=9)


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(RISING)))
def test_a_later_version_is_newer_and_never_the_other_way_round(older: str, newer: str) -> None:
    assert is_newer(newer, older)
    assert not is_newer(older, newer)


def test_zeros_at_the_end_make_no_other_version() -> None:
    assert not is_newer("1.0.0", "1")
    assert not is_newer("1", "1.0.0")


@pytest.mark.parametrize("text", ["", "..", "current", "1.0/../2.0", "v1.0", "1.0 ", "1" * 30, "1.0\n", "trial", "١.٠"])
def test_what_is_no_version_names_no_folder(text: str) -> None:
    assert not is_version(text)
    with pytest.raises(Refused):
        is_newer(text, "1.0")


def test_this_version_fits_itself_and_says_what_it_needs() -> None:
    check_fits(ours(), ours())
    assert any(need.startswith("msgspec") for need in ours().needs)


@pytest.mark.parametrize("change", [{"least_proto": 4, "proto": 5}, {"proto": 1, "least_proto": 1}, {"schema": 8}, {"journal": 3}])
def test_a_version_that_the_other_one_cannot_work_with_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(Refused):
        check_fits(replace(FACTS, version="1.1", **change), FACTS, way_back=False)


def test_a_changed_database_is_refused_where_nothing_could_bring_the_old_one_back() -> None:
    grown = replace(FACTS, version="1.1", schema=10)
    check_fits(grown, FACTS, way_back=False)
    with pytest.raises(Refused, match="changes the database"):
        check_fits(grown, FACTS)
