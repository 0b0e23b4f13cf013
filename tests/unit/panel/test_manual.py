"""The manual in the panel: every chapter in three languages, offline, its links among themselves."""

import re

import pytest

from appliance.panel.manual import chapters
from appliance.records.language import LANGUAGES, Code
from tests.unit.panel.conftest import Desk


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_manual_begins_with_the_first_steps_and_has_the_same_chapters_everywhere(code: Code) -> None:
    manual = chapters(code)
    assert next(iter(manual)) == "start"
    assert set(manual) == set(chapters("en"))
    assert all(chapter.title and not chapter.title.startswith("#") for chapter in manual.values())


@pytest.mark.parametrize("code", LANGUAGES)
def test_links_lead_to_chapters_that_are_there(code: Code) -> None:
    manual = chapters(code)
    for chapter in manual.values():
        assert ".md" not in "".join(re.findall(r'href="([^"]*)"', chapter.html)), chapter.name
        for name in re.findall(r'href="/help/([^"#]*)', chapter.html):
            assert name in manual, (chapter.name, name)


def test_every_chapter_is_read_in_the_reader_s_language_and_by_any_role(desk: Desk) -> None:
    with desk.browser("key-of-a-viewer") as browser:
        assert "Aloita tästä" in browser.get("/help?lang=fi").text or chapters("fi")["start"].title in browser.get("/help?lang=fi").text
        for name, chapter in chapters("sv").items():
            assert chapter.title in browser.get(f"/help/{name}?lang=sv").text
        assert browser.get("/help/none").status_code == 404
        assert browser.get("/help/..%2Fstart").status_code == 404


def test_the_manual_is_no_stranger_s(desk: Desk) -> None:
    with desk.client(html=True) as nobody:
        assert nobody.get("/help").status_code == 401
