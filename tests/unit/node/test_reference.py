"""The reference search: by meaning, by words, by the spare index, or not at all; and nothing of what was asked is kept in words."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.desk import cues
from appliance.engines.errors import EngineUnavailable
from appliance.knowledge import vectors
from appliance.knowledge.library import Library
from appliance.knowledge.vectors import IndexUnreadable
from appliance.node.reference import ALARM_AFTER, ReferenceDesk
from appliance.records.call import References
from appliance.settings.model import SourceSettings
from tests.support.clock import FakeClock

KNOWLEDGE = (
    "| Key | Value |\n|---|---|\n| Opening hours | We are open Monday to Friday. |\n| Return period | A pump goes back within 14 days. |\n"
)
PLAYBOOK = '[[cue]]\nid = "discount"\nwords.en = ["discount"]\ntitle.en = "Discount"\ntext.en = "Ten percent for new customers."\n'


class WordEmbedder:
    """Meaning by shared words, as an embedder; fails while ``broken``."""

    name, version, dimensions = "words", "1", 256

    def __init__(self) -> None:
        self.broken = False

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.broken:
            raise EngineUnavailable("The embedder is not there.", "Pull its model.")
        return vectors.stub_vectors(texts)

    def close(self) -> None:
        """Nothing is held."""


def library(home: Path, text: str = KNOWLEDGE) -> Library:
    (home / "en.md").write_text(text, encoding="utf-8")
    found = Library((SourceSettings(path=Path("en.md"), language="en"),), home, FakeClock())
    found.refresh()
    return found


def nothing(home: Path) -> Library:
    return Library((), home, FakeClock())


def desk(home: Path, books: Library, embedder: WordEmbedder | None = None, playbook: str = "", **options: object) -> ReferenceDesk:
    rules = cues.load(playbook) if playbook else ()
    return ReferenceDesk(home / "reference", books, lambda: rules, lambda: embedder, FakeClock(), **options)  # type: ignore[arg-type]


def until_built(found: ReferenceDesk) -> None:
    for thread in threading.enumerate():
        if thread.name == "reference":
            thread.join(20)
    assert found.state().kind


def titles(found: References) -> list[str]:
    return [one.title for one in found.found]


def test_without_an_embedder_it_is_searched_by_words_and_said(tmp_path: Path) -> None:
    found = desk(tmp_path, library(tmp_path), playbook=PLAYBOOK)
    hours = found.search("When are you open?", "en")
    assert (hours.way, hours.code, hours.found[0].kind) == ("keyword", "no_embedder", "knowledge")
    assert hours.found[0].link.startswith("/knowledge/passage/")
    discount = found.search("discount", "en")
    assert discount.found[0].kind == "playbook"
    manual = found.search("hand over the lead to the standby", "en")
    assert [one.link for one in manual.found if one.kind == "manual"]
    until_built(found)


def test_an_embedder_finds_by_meaning_once_its_index_is_built(tmp_path: Path) -> None:
    found = desk(tmp_path, library(tmp_path), WordEmbedder())
    first = found.search("send a pump back", "en")
    assert (first.way, first.code) == ("keyword", "index_building")
    until_built(found)
    second = found.search("a pump goes back", "en")
    assert (second.way, second.code, second.found[0].title) == ("model", "", "Return period")
    meta = json.loads((tmp_path / "reference" / "meta.json").read_text(encoding="utf-8"))
    assert (meta["kind"], meta["engine"], meta["pieces"] > 2) == ("model", "words 1", True)


def test_an_embedder_that_fails_falls_back_to_words_and_many_failures_are_told(tmp_path: Path) -> None:
    embedder = WordEmbedder()
    found = desk(tmp_path, library(tmp_path), embedder)
    found.build()
    embedder.broken = True
    answers = [found.search("When are you open?", "en") for _ in range(ALARM_AFTER)]
    assert {(one.way, one.code) for one in answers} == {("keyword", "embedder_failed")}
    told = found.state()
    assert (told.fallbacks, told.in_a_row, told.last_error) == (ALARM_AFTER, ALARM_AFTER, "The embedder is not there.")
    embedder.broken = False
    assert found.search("When are you open?", "en").way == "model"
    assert found.state().in_a_row == 0


def test_without_knowledge_the_spare_index_answers_and_without_that_nothing_does(tmp_path: Path) -> None:
    desk(tmp_path, library(tmp_path)).build()
    spare = desk(tmp_path, nothing(tmp_path)).search("When are you open on Monday?", "en")
    assert (spare.way, titles(spare)[0]) == ("stub", "Opening hours")
    empty = desk(tmp_path / "elsewhere", nothing(tmp_path))
    assert (empty.search("anything", "en").way, empty.state().fallbacks) == ("none", 1)


def test_the_spare_index_is_the_same_on_every_machine(tmp_path: Path) -> None:
    places = [tmp_path / "a", tmp_path / "b"]
    for place in places:
        place.mkdir()
        desk(place, library(place), mode="stub").search("open", "en")
    first, second = ((place / "reference" / "index").read_bytes() for place in places)
    assert first == second


def test_the_modes_of_the_settings_are_kept_to(tmp_path: Path) -> None:
    books = library(tmp_path)
    by_words = desk(tmp_path, books, WordEmbedder(), mode="keyword").search("open", "en")
    assert (by_words.way, by_words.code) == ("keyword", "")
    assert desk(tmp_path / "stub", books, WordEmbedder(), mode="stub").search("open", "en").way == "stub"


def test_what_was_searched_for_is_told_as_a_keyed_print_and_in_no_words(tmp_path: Path) -> None:
    secret = "Zanzibar pump"
    found = desk(tmp_path, library(tmp_path))
    found.search(secret, "en")
    until_built(found)
    told = found.state()
    assert (told.last_query, told.last_print) == ("", found.print_of(secret))
    assert told.last_print != desk(tmp_path, library(tmp_path)).print_of(secret)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "reference").iterdir())
    assert b"Zanzibar" not in kept
    open_ = desk(tmp_path, library(tmp_path), private=False)
    open_.search(secret, "en")
    assert open_.state().last_query == secret
    until_built(open_)


def test_an_index_is_old_when_the_knowledge_has_changed(tmp_path: Path) -> None:
    books = library(tmp_path)
    found = desk(tmp_path, books)
    assert found.keep_up()
    assert not found.keep_up()
    (tmp_path / "en.md").write_text(KNOWLEDGE.replace("14", "30"), encoding="utf-8")
    books.refresh()
    assert found.state().stale
    assert found.keep_up()
    assert not found.state().stale


def test_a_damaged_index_is_told_and_built_anew(tmp_path: Path) -> None:
    found = desk(tmp_path, library(tmp_path))
    found.build()
    (tmp_path / "reference" / "index").write_bytes(b"no index")
    with pytest.raises(IndexUnreadable, match="cannot be read"):
        vectors.load(tmp_path / "reference")
    again = desk(tmp_path, library(tmp_path))
    assert (again.state().kind, "cannot be read" in again.state().last_error) == ("", True)
    assert again.keep_up()
    assert again.state().kind == "stub"


def test_scrubbing_leaves_nothing_of_the_index_nor_of_the_searches(tmp_path: Path) -> None:
    found = desk(tmp_path, library(tmp_path))
    found.build()
    found.search("open", "en")
    assert found.scrub() == 2
    assert list((tmp_path / "reference").iterdir()) == []
    assert (found.state().requests, found.state().last_print, found.state().kind) == (0, "", "")
    assert found.scrub() == 0
