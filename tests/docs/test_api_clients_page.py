"""The published tick-list is the one that the program goes by, in each language."""

import re

import pytest

from appliance.ground.assets import asset
from appliance.panel.v1.fields import TICKS
from appliance.panel.v1.typed import FIELDS
from appliance.records.language import LANGUAGES


def page(code: str) -> str:
    return (asset("web") / "help" / code / "api-clients.md").read_text(encoding="utf-8")


def sections(code: str) -> dict[str, list[set[str]]]:
    """Of each operation the three lists of names, as the page has them."""
    _, *parts = re.split(r"^### `(.+)`$", page(code), flags=re.MULTILINE)
    lists = ([set(re.findall(r"`([^`]+)`", row)) for row in re.split(r"^- ", body, flags=re.MULTILINE)[1:]] for body in parts[1::2])
    return dict(zip(parts[::2], lists, strict=True))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_lists_the_fields_as_the_program_takes_them(code: str) -> None:
    found = sections(code)
    assert set(found) == set(TICKS)
    for operation, ticks in TICKS.items():
        own = {*ticks.counted(), *(["file"] if operation == "audio/transcriptions" else [])}
        assert found[operation] == [own, set(ticks.ignored), set(ticks.refused)], operation


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_names_what_a_typed_answer_may_have(code: str) -> None:
    (row,) = (row for row in re.split(r"^- ", page(code), flags=re.MULTILINE) if "JSON" in row and "`answer`" in row)
    assert set(FIELDS) <= set(re.findall(r"`(\w+)`", row))


def test_no_field_stands_in_two_lists() -> None:
    for operation, ticks in TICKS.items():
        lists = [*ticks.counted(), *ticks.ignored, *ticks.refused]
        assert len(lists) == len(set(lists)), operation
