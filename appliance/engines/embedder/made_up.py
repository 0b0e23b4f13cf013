"""A sentence encoder of any size with made-up weights, laid down as real ones are published: for benchmarks and tests without a model.

It takes as long as a real one of its size and means nothing: which texts it holds to be alike is chance, and the same on every machine.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.records.base import Record

_SYLLABLES = tuple(a + b for a in "bdfghjklmnprstvz" for b in "aeiouyäö")  # 128


class Shape(Record):
    """How large it is; by default as MiniLM."""

    layers: int = 6
    width: int = 384
    heads: int = 12
    inner: int = 1536
    words: int = 30_522
    positions: int = 512


MINILM = Shape()


def lay_down(folder: Path, shape: Shape = MINILM) -> None:
    """Write ``config.json``, ``model.safetensors`` and ``tokenizer.json`` there."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": shape.width, "intermediate_size": shape.inner, "layer_norm_eps": 1e-12,
        "max_position_embeddings": shape.positions, "num_attention_heads": shape.heads, "num_hidden_layers": shape.layers,
        "vocab_size": shape.words,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    _tokenizer(shape.words).save(str(folder / "tokenizer.json"))
    _safetensors(folder / "model.safetensors", dict(_weights(shape)))


def text(number: int, words: int) -> str:
    """A text of so many made-up words that such a model knows."""
    return " ".join(_word((number * 7919 + place * 104_729) % 16_384) for place in range(words))


def _word(number: int) -> str:
    return _SYLLABLES[number % 128] + _SYLLABLES[number // 128 % 128]


def _tokenizer(words: int) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(_word(number) for number in range(words - 4))]
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    made = Tokenizer(models.WordPiece(vocab=known, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(strip_accents=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return made


def _weights(shape: Shape) -> Iterator[tuple[str, Any]]:
    width, inner = shape.width, shape.inner
    yield from _matrix("embeddings.word_embeddings", shape.words, width)
    yield from _matrix("embeddings.token_type_embeddings", 2, width)
    yield from _matrix("embeddings.position_embeddings", shape.positions, width)
    yield from _norm("embeddings.LayerNorm", width)
    for number in range(shape.layers):
        name = f"encoder.layer.{number}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            yield from _linear(f"{name}.{part}", width, width)
        yield from _linear(f"{name}.intermediate.dense", inner, width)
        yield from _linear(f"{name}.output.dense", width, inner)
        yield from _norm(f"{name}.attention.output.LayerNorm", width)
        yield from _norm(f"{name}.output.LayerNorm", width)


def _matrix(name: str, rows: int, columns: int) -> Iterator[tuple[str, Any]]:
    """Numbers without a pattern that one would see, and without a dice: the fraction of a multiple of an irrational number."""
    import numpy

    step = 0.618_033_988_749_895 + len(name) / 97 + sum(name.encode()) / 1_009
    numbers = (numpy.arange(rows * columns, dtype=numpy.float64) * step * 1_021.7) % 1.0
    yield f"{name}.weight", ((numbers - 0.5) * 0.12).astype(numpy.float32).reshape(rows, columns)


def _linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, Any]]:
    import numpy

    yield from _matrix(name, rows, columns)
    yield f"{name}.bias", numpy.zeros(rows, dtype=numpy.float32)


def _norm(name: str, width: int) -> Iterator[tuple[str, Any]]:
    import numpy

    yield f"{name}.weight", numpy.ones(width, dtype=numpy.float32)
    yield f"{name}.bias", numpy.zeros(width, dtype=numpy.float32)


def _safetensors(path: Path, tensors: dict[str, Any]) -> None:
    header, end = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + tensor.nbytes]}
        end += tensor.nbytes
    words = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(words)) + words)
        for tensor in tensors.values():
            file.write(tensor.tobytes())
