"""Models from whoever wishes us ill, or from a stick that is going bad: told in words, nothing of it kept, and nothing of ours in it."""

import errno
import io
import os
import random
import tarfile
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.care.models import bring, errors, gathering, verify
from appliance.care.models.hub import Hub, _Redirects
from appliance.care.models.licence import Licences
from appliance.care.models.pull import pull
from appliance.engines.cards import CardFile, read_card
from appliance.engines.errors import CardInvalid
from appliance.engines.shelf import RECORD
from tests.support.clock import FakeClock
from tests.support.model_hub import ModelHub, serving
from tests.support.models import CARD, FILES, lay_down, wish
from tests.unit.care.test_models_carry import zipped

NO_TEXT = b'{"name": "\xff\xfe"}'


@pytest.mark.parametrize(("mode", "ending"), [("w:gz", "tar.gz"), ("w:xz", "tar.xz"), ("w:bz2", "tar.bz2")])
def test_a_packed_archive_that_is_damaged_is_never_taken_as_it_is_found(tmp_path: Path, mode: Any, ending: str) -> None:
    path, noise = tmp_path / f"small.{ending}", random.Random(1).randbytes(300_000)
    with tarfile.open(path, mode) as archive:
        for name, data in {**FILES, "model.safetensors": noise}.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            archive.addfile(one, io.BytesIO(data))
    packed = bytearray(path.read_bytes())
    for place in range(len(packed) // 2, len(packed) // 2 + 30):
        packed[place] ^= 0xFF
    path.write_bytes(packed)
    with pytest.raises(errors.ModelUnusable):
        bring.bring(wish(tmp_path), path)
    assert not wish(tmp_path).shelf.has("small")


def test_an_archive_under_a_password_is_told_in_words(tmp_path: Path) -> None:
    path = zipped(tmp_path / "small.zip", {**FILES, RECORD: b"{}"})
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    with pytest.raises(errors.ModelUnusable):
        bring.bring(wish(tmp_path), path)


def test_a_link_on_a_stick_brings_no_file_of_this_machine(tmp_path: Path) -> None:
    secret = tmp_path / "home-secret"
    secret.write_bytes(b"of the house")
    stick = lay_down(tmp_path / "stick")
    (stick / "weights.safetensors").symlink_to(secret)
    with pytest.raises(errors.ModelUnusable, match="leads out"):
        bring.bring(wish(tmp_path), stick)


def test_the_links_of_a_hubs_own_cache_are_followed(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "models--maker--model" / "snapshots" / "5f1c", lay_down(tmp_path / "models--maker--model" / "blobs")
    (snapshot / "extra").mkdir(parents=True)
    for name in FILES:
        (snapshot / name).symlink_to(blobs / name)
    assert {file.name for file in bring.bring(wish(tmp_path), snapshot).files} == FILES.keys()


def test_a_folder_with_a_whole_disk_below_it_is_not_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bring, "PLACES_MOST", 3)
    with pytest.raises(errors.ModelUnusable, match="more than 3"):
        bring.bring(wish(tmp_path), lay_down(tmp_path / "stick"))


def test_records_that_are_no_text_are_no_records_and_stop_nothing(tmp_path: Path) -> None:
    shelf = wish(tmp_path).shelf
    bring.bring(wish(tmp_path), lay_down(tmp_path / "stick"))
    (shelf.place("small") / verify.FILE).write_bytes(NO_TEXT)
    assert verify.last_look(shelf, "small") is None
    (shelf.place("small") / RECORD).write_bytes(NO_TEXT)
    assert shelf.installed() == {}
    (tmp_path / "stick" / RECORD).write_bytes(NO_TEXT)
    assert bring.guess(shelf, tmp_path / "stick") is None
    Licences(tmp_path).path.write_text("a = " + "[" * 5_000)
    with pytest.raises(errors.ModelError, match=r"accepted\.toml"):
        wish(tmp_path)


@pytest.mark.parametrize("name", ["cards", "small.made", "small.old", "small.lock"])
def test_a_card_may_not_be_called_what_the_folder_of_models_calls_something_else(tmp_path: Path, name: str) -> None:
    card = tmp_path / f"{name}.toml"
    card.write_text(CARD.replace('"small"', f'"{name}"'))
    with pytest.raises(CardInvalid, match="uses this name"):
        read_card(card)


@pytest.mark.parametrize("text", ["name = " + "[" * 50_000, "memory_megabytes = " + "9" * 5_000])
def test_a_card_that_is_meant_to_break_the_reader_is_refused_like_any_other(tmp_path: Path, text: str) -> None:
    (tmp_path / "small.toml").write_text(text)
    with pytest.raises(CardInvalid):
        read_card(tmp_path / "small.toml")


@pytest.mark.parametrize("file", [{"name": "a\n"}, {"name": "a", "sha256": "0" * 64 + "\n"}])
def test_a_line_s_end_belongs_to_no_name_and_no_digest(file: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(file, CardFile)


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, errors.NoRoomForModel), (errno.EROFS, errors.ModelError)])
def test_a_disk_that_fails_in_the_middle_is_told_in_words(tmp_path: Path, number: int, kind: type[errors.ModelError]) -> None:
    wished = wish(tmp_path)
    with pytest.raises(kind, match="could not be written"), gathering.gathering(wished.shelf, wished.card):
        raise OSError(number, os.strerror(number))


def test_a_hub_that_says_no_size_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = ModelHub(dict(FILES))
    listing = hub.listing()
    for one in listing["siblings"]:
        one.pop("size")
    monkeypatch.setattr(hub, "listing", lambda: listing)
    free = iter([10**12, 10**12])  # as it is looked at before the pull, and then at the first piece that comes
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": next(free, 1_000)}))
    with serving(hub), pytest.raises(errors.NoRoomForModel):
        pull(wish(tmp_path), Hub(hub.url, FakeClock()))


@pytest.mark.parametrize(("hub", "there"), [("https://hub", "http://hub"), ("http://hub", "ftp://hub"), ("https://hub", "ftp://hub")])
def test_a_hub_leads_to_no_other_kind_of_line(hub: str, there: str) -> None:
    asked = urllib.request.Request(f"{hub}/x", headers={"Authorization": "Bearer secret"})
    with pytest.raises(errors.HubRefused):
        _Redirects().redirect_request(asked, io.BytesIO(), 302, "", Message(), f"{there}/y")


@pytest.mark.parametrize(("there", "kept"), [("https://hub/y", True), ("https://hub:444/y", False), ("https://elsewhere/y", False)])
def test_the_token_goes_to_the_hub_alone(there: str, kept: bool) -> None:
    asked = urllib.request.Request("https://hub/x", headers={"Authorization": "Bearer secret"})
    followed = _Redirects().redirect_request(asked, io.BytesIO(), 302, "", Message(), there)
    assert followed is not None
    assert followed.has_header("Authorization") is kept
