"""A model from the other machine, over a real line of the pair: compared, gone on with, and nothing but what stands in its record."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.care.models import bring, errors
from appliance.engines.shelf import PARTIAL, RECORD, Shelf
from appliance.node.model_files import ModelFiles, ModelFileWish, ModelsWish, Offered
from appliance.pair.copying.frames import FilePart, Turned
from appliance.pair.line.errors import BadFrame, LineError
from appliance.pair.line.listener import Service
from appliance.pair.line.wire import Line, Open
from tests.support.models import CARD, FILES, files_with_digests, lay_down, lying, wish
from tests.unit.node.pair_parts import SECONDS, Wire


class Two:
    """One machine with the model ``small``, one without."""

    def __init__(self, folder: Path) -> None:
        self.home, self.there = folder / "here", Shelf(folder / "there" / "models")
        files = {**FILES, "model.safetensors": bytes(range(256)) * 12_000}  # three parts
        bring.bring(wish(folder / "there"), lay_down(folder / "stick", files))
        self.files = files
        self.giving = ModelFiles(self.there, self._nobody)
        self.serve: Service = self.giving.serve
        self.wire = Wire(folder / "keys", {"models": lambda line, open_: self.serve(line, open_)})
        self.asking = ModelFiles(Shelf(self.home / "models"), lambda: self.wire.dial("models"))

    def _nobody(self) -> Line:
        raise AssertionError("the giving side dials nobody")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.wire.close()


def test_a_model_comes_from_the_other_machine_as_it_lies_there(two: Two) -> None:
    assert two.asking.offered().keys() == {"small"}
    said: list[int] = []
    installed = two.asking.fetch(wish(two.home), lambda _file, done, _total: said.append(done))
    assert lying(two.home / "models" / "small") == two.files
    assert (installed.source, installed.checked_against, installed.by) == ("peer", "record", "aino")
    assert said[-1] == sum(map(len, two.files.values()))
    assert said == sorted(said)


def test_a_line_that_broke_is_gone_on_with_from_the_byte_where_it_was(two: Two) -> None:
    asked: list[ModelFileWish] = []

    def breaks(line: Line, _open: Open) -> None:
        while True:
            wished = line.receive(ModelsWish | ModelFileWish, SECONDS)
            if isinstance(wished, ModelsWish):
                line.send(Offered(models=tuple(two.there.installed().values())))
            elif wished.file == "model.safetensors":
                line.send(FilePart(data=two.files["model.safetensors"][: 1 << 20], last=False))
                line.let_go()
                return
            else:
                line.send(FilePart(data=two.files[wished.file], last=True))

    def notes(line: Line, open_: Open) -> None:
        give = two.giving._give
        two.giving._give = lambda line, wished: (asked.append(wished), give(line, wished))[1]  # type: ignore[method-assign]
        two.giving.serve(line, open_)

    two.serve = breaks
    with pytest.raises(LineError):
        two.asking.fetch(wish(two.home))
    assert not (two.home / "models" / "small").exists()
    two.serve = notes
    two.asking.fetch(wish(two.home))
    assert lying(two.home / "models" / "small") == two.files
    assert [(one.file, one.start) for one in asked] == [("model.safetensors", 1 << 20), ("tokenizer.json", 0)]


def test_a_file_that_changed_there_never_comes_to_the_shelf(two: Two) -> None:
    (two.there.place("small") / "config.json").write_bytes(b'{"model_type": "nothinG"}')
    with pytest.raises(errors.ModelDamaged, match=r"config\.json"):
        two.asking.fetch(wish(two.home))
    (two.there.place("small") / "config.json").write_bytes(b"x" * 100)
    with pytest.raises(errors.ModelDamaged, match="More came"):
        two.asking.fetch(wish(two.home))
    (two.there.place("small") / "config.json").unlink()
    with pytest.raises(errors.ModelError, match="does not give"):
        two.asking.fetch(wish(two.home))
    assert not (two.home / "models" / "small").exists()


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("small", RECORD), ("small", "../../accepted.toml"), ("small", "/etc/passwd"), ("small", ""), ("small", "."),
        ("..", "accepted.toml"),
        ("../models/small", "config.json"), (".partial", "x"), ("", ""), ("nobody", "config.json"), ("small", "config.json\x00"),
    ],
)  # fmt: skip
def test_nothing_is_given_but_what_stands_in_the_models_record(two: Two, model: str, file: str) -> None:
    line = two.wire.dial("models")
    line.send(ModelFileWish(model=model, file=file))
    assert line.receive(FilePart | Turned, SECONDS) == Turned(code="no_such_file")
    line.close()


def test_a_link_that_leads_out_of_the_models_folder_is_not_followed(two: Two, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (two.there.place("small") / "config.json").unlink()
    (two.there.place("small") / "config.json").symlink_to(tmp_path / "secret")
    line = two.wire.dial("models")
    line.send(ModelFileWish(model="small", file="config.json"))
    assert isinstance(line.receive(FilePart | Turned, SECONDS), Turned)
    line.close()


def test_a_machine_that_offers_names_outside_the_folder_is_not_believed(two: Two) -> None:
    record = two.there.record("small")
    assert record is not None
    evil = msgspec.json.decode(msgspec.json.encode(record).replace(b"config.json", b"../../../evil"), type=dict)

    def lies(line: Line, _open: Open) -> None:
        line.receive(ModelsWish | ModelFileWish, SECONDS)
        line.send(_Said(models=[evil]))
        line.receive(ModelFileWish, SECONDS)

    two.serve = lies
    with pytest.raises(BadFrame):
        two.asking.fetch(wish(two.home))
    assert not [path for path in two.home.rglob("*") if "evil" in path.name]


class _Said(msgspec.Struct, tag="models_offered"):
    models: list[dict[str, object]]


def test_a_machine_that_shares_no_models_says_so(two: Two) -> None:
    two.serve = ModelFiles(two.there, two._nobody, shared=False).serve
    with pytest.raises(errors.ModelError, match="gives no models"):
        two.asking.offered()


def test_what_the_other_machine_has_not_is_told_and_needs_a_licence_too(two: Two) -> None:
    two.there.place("small").rename(two.there.folder / "away")
    with pytest.raises(errors.ModelError, match="has no model small either"):
        two.asking.fetch(wish(two.home))
    with pytest.raises(errors.LicenceNotAccepted):
        two.asking.fetch(wish(two.home / "other", accepted=False))


def test_a_pull_that_is_stopped_keeps_what_has_come(two: Two) -> None:
    stopped = iter([False, False, True, True, True])
    with pytest.raises(errors.ModelError, match="stopped"):
        two.asking.fetch(wish(two.home), stopped=lambda: next(stopped))
    assert list((two.home / "models" / PARTIAL / "small").glob("*"))


@pytest.mark.parametrize("change", ["fewer", "more"])
def test_half_a_model_or_more_than_one_is_not_what_the_card_names(two: Two, change: str) -> None:
    """The card knows every digest, so nothing that it does not name may come, and nothing that it names may be missing."""
    known = dict(two.files)
    if change == "fewer":
        known["vocabulary.json"] = b"{}"
    else:
        del known["tokenizer.json"]
    with pytest.raises(errors.ModelDamaged, match=r"vocabulary\.json|tokenizer\.json"):
        two.asking.fetch(wish(two.home, f"{CARD}{files_with_digests(known)}"))
    assert not (two.home / "models" / "small").exists()
