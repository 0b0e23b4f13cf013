"""Clips in a folder: taken once they are whole, put away once they are safe, and nothing else touched."""

import os
from pathlib import Path

import pytest

from appliance.channels.voice.errors import ClipsUnusable
from appliance.channels.voice.watch_folder import WatchFolder
from tests.support.clock import FakeClock
from tests.support.told_ear import tone


class Folder:
    def __init__(self, home: Path, archive: bool = True, most_bytes: int = 1_000_000) -> None:
        self.home, self.clock = home, FakeClock()
        self.inbox, self.archive = home / "clips", home / "heard"
        self.inbox.mkdir()
        self.watch = WatchFolder(self.inbox, self.archive if archive else None, most_bytes, ("fi", "en"), self.clock)

    def drop(self, name: str, data: bytes = b"RIFF0000WAVE", age: float = 0.0) -> Path:
        path = self.inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (self.clock.now() - age,) * 2)
        return path

    def names(self) -> list[str]:
        return [arrival.message.attachments[0].name for arrival in self.watch.take(None).arrivals]

    def put_away(self) -> None:
        self.watch.done([arrival.origin for arrival in self.watch.take(None).arrivals])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_file_that_still_grows_is_left_until_it_has_been_still_for_a_while(folder: Folder) -> None:
    folder.drop("a.wav", b"RIFF")
    assert folder.names() == []
    folder.clock.move(1)
    folder.drop("a.wav", b"RIFF0000WAVE")
    folder.clock.move(1.5)
    assert folder.names() == []
    folder.clock.move(1)
    assert folder.names() == ["a.wav"]


def test_the_oldest_comes_first_and_what_is_no_clip_stays_where_it_lies(folder: Folder) -> None:
    for name, age in (("new.ogg", 10), ("old.mp3", 30), ("letter.txt", 30), (".hidden.wav", 30)):
        folder.drop(name, age=age)
    folder.drop("empty.wav", b"", age=30)
    assert folder.names() == ["old.mp3", "new.ogg"]
    folder.put_away()
    assert sorted(path.name for path in folder.inbox.iterdir()) == [".hidden.wav", "empty.wav", "letter.txt"]
    assert sorted(path.name for path in folder.archive.iterdir()) == ["new.ogg", "old.mp3"]


def test_it_is_offered_again_until_it_is_put_away_and_under_the_same_name(folder: Folder) -> None:
    folder.drop("a.wav", age=10)
    first, again = folder.watch.take(None).arrivals, folder.watch.take(None).arrivals
    assert first[0].origin == again[0].origin
    folder.watch.done([first[0].origin])
    assert folder.names() == []
    folder.watch.done([first[0].origin])


def test_another_clip_under_an_old_name_is_another_clip(folder: Folder) -> None:
    folder.drop("a.wav", age=10)
    (first,) = folder.watch.take(None).arrivals
    folder.drop("a.wav", tone(), age=5)
    folder.watch.done([first.origin])  # it is not the one that was taken
    (second,) = folder.watch.take(None).arrivals
    assert second.origin != first.origin
    folder.watch.done([second.origin])
    folder.drop("a.wav", tone(300), age=4)
    folder.put_away()
    assert len(list(folder.archive.iterdir())) == 2


def test_without_an_archive_a_handled_clip_is_deleted(tmp_path: Path) -> None:
    folder = Folder(tmp_path, archive=False)
    folder.drop("a.wav", age=10)
    folder.put_away()
    assert list(folder.inbox.iterdir()) == []


def test_a_folder_below_named_for_a_language_says_what_is_spoken(folder: Folder) -> None:
    folder.drop("fi/a.wav", age=10)
    folder.drop("sv/b.wav", age=10)
    (arrival,) = folder.watch.take(None).arrivals
    assert arrival.message.spoken[0].language == "fi"


def test_a_clip_over_the_limit_is_left_and_holds_up_nobody(tmp_path: Path) -> None:
    folder = Folder(tmp_path, most_bytes=100)
    folder.drop("large.wav", b"RIFF" * 100, age=20)
    folder.drop("small.wav", age=10)
    assert folder.names() == ["small.wav"]
    assert folder.names() == ["small.wav"]
    assert (folder.inbox / "large.wav").exists()


def test_a_batch_holds_a_few_clips_and_says_that_there_are_more(folder: Folder) -> None:
    for number in range(6):
        folder.drop(f"{number}.wav", age=20 - number)
    batch = folder.watch.take(None)
    assert (len(batch.arrivals), batch.more) == (4, True)
    folder.watch.done([arrival.origin for arrival in batch.arrivals])
    assert folder.names() == ["4.wav", "5.wav"]


def test_a_folder_that_cannot_be_used_is_told_with_its_remedy(tmp_path: Path) -> None:
    clock = FakeClock()
    with pytest.raises(ClipsUnusable, match="Create it"):
        WatchFolder(tmp_path / "none", None, 100, (), clock).take(None)
    with pytest.raises(ClipsUnusable, match="archive"):
        WatchFolder(tmp_path, tmp_path, 100, (), clock)


def test_the_origin_tells_nothing_of_what_is_in_the_clip(folder: Folder) -> None:
    folder.drop("a.wav", tone(), age=10)
    (one,) = folder.watch.take(None).arrivals
    folder.drop("a.wav", tone(300), age=10)
    (other,) = folder.watch.take(None).arrivals
    assert one.origin == other.origin  # as long, and written at the same moment
