"""A sentence encoder as it is published (BERT in safetensors) into the form that runs here (CTranslate2, int8): once, when it is brought.

    python -m appliance.engines.embedder.convert SOURCE TARGET

Read with numpy alone: neither torch nor transformers is needed. What it cannot convert it names, and ends with code 1 (3: the packages
for it are not installed). What this is not: a converter for any model; the parts must be those of BERT, the pooling the mean.
"""

import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

HEADER_BYTES_MOST = 100_000_000
FACTS = "embedder.json"
TOKENIZER = "tokenizer.json"
CANNOT_RUN = 3
_POOLING = "1_Pooling/config.json"
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8"}
_ACTIVATIONS = {"gelu": "GELU", "gelu_new": "GELUTanh", "relu": "RELU", "silu": "SWISH"}


class Unconvertible(Exception):
    """The model is not one of those that can be converted here."""


class Weights:
    """The tensors of a safetensors file: a header of JSON, then plain numbers. Nothing in such a file can be run."""

    def __init__(self, path: Path) -> None:
        import numpy

        self._data = numpy.memmap(path, mode="r") if path.stat().st_size else numpy.zeros(0, dtype=numpy.uint8)
        if len(self._data) < 8 or (length := struct.unpack("<Q", self._data[:8].tobytes())[0]) > min(
            len(self._data) - 8, HEADER_BYTES_MOST
        ):
            raise Unconvertible(f"{path.name} is no safetensors file")
        try:
            said = json.loads(self._data[8 : 8 + length].tobytes())
        except ValueError as error:
            raise Unconvertible(f"the header of {path.name} cannot be read") from error
        self._start = 8 + length
        names = [name for name in said if name != "__metadata__"]
        self._prefix = "bert." if any(name.startswith("bert.") for name in names) else ""
        self._said = {name.removeprefix(self._prefix): said[name] for name in names}

    def __call__(self, name: str) -> Any:
        """One tensor as 32-bit floats."""
        import numpy

        one = self._said.get(name)
        if one is None:
            raise Unconvertible(f"there is no {name} in it: its parts are not those of BERT")
        try:
            begin, end = one["data_offsets"]
            raw = numpy.frombuffer(self._data[self._start + begin : self._start + end].tobytes(), dtype=_DTYPES[one["dtype"]])
            if one["dtype"] == "BF16":  # the upper half of a 32-bit float
                raw = (raw.astype(numpy.uint32) << 16).view(numpy.float32)
            return raw.astype(numpy.float32).reshape(one["shape"])
        except (KeyError, ValueError, TypeError) as error:
            raise Unconvertible(f"{name} in it cannot be read") from error

    def has(self, name: str) -> bool:
        return name in self._said


def convert(source: Path, target: Path, quantization: str = "int8") -> None:
    """Read the model in ``source`` and write it to ``target``. Raises ``Unconvertible`` and ``ImportError``."""
    config = _json(source / "config.json")
    if config.get("model_type") != "bert" or config.get("position_embedding_type", "absolute") != "absolute":
        raise Unconvertible(f"it is a {config.get('model_type')!s:.40} model, and only BERT with plain positions can be converted here")
    pooling = _json(source / _POOLING) if (source / _POOLING).exists() else {"pooling_mode_mean_tokens": True}
    if not pooling.get("pooling_mode_mean_tokens") or pooling.get("pooling_mode_cls_token"):
        raise Unconvertible("it does not take the mean of its words' vectors")
    spec = _spec(config, Weights(source / "model.safetensors"))
    spec.register_vocabulary(_vocabulary(source / TOKENIZER, int(config["vocab_size"])))
    spec.config.unk_token = "[UNK]" if "[UNK]" in spec._vocabulary else "<unk>"
    spec.config.layer_norm_epsilon = config.get("layer_norm_eps", 1e-12)
    spec.validate()
    spec.optimize(quantization=quantization)
    target.mkdir(parents=True, exist_ok=True)
    spec.save(str(target))
    shutil.copyfile(source / TOKENIZER, target / TOKENIZER)
    facts = {"dimensions": int(config["hidden_size"]), "tokens_most": _tokens_most(source, config), "quantization": quantization}
    (target / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _spec(config: dict[str, Any], weights: Weights) -> Any:
    from ctranslate2.specs import common_spec, transformer_spec

    activation = _ACTIVATIONS.get(str(config.get("hidden_act")))
    if activation is None:
        raise Unconvertible(f"its activation {config.get('hidden_act')!s:.40} is not known here")
    encoder = transformer_spec.TransformerEncoderSpec(
        int(config["num_hidden_layers"]),
        int(config["num_attention_heads"]),
        pre_norm=False,
        activation=getattr(common_spec.Activation, activation),
        layernorm_embedding=True,
        num_source_embeddings=2,
        embeddings_merge=common_spec.EmbeddingsMerge.ADD,
    )
    spec = transformer_spec.TransformerEncoderModelSpec(encoder, pooling_layer=False)
    spec.encoder.scale_embeddings = False
    spec.encoder.embeddings[0].weight = weights("embeddings.word_embeddings.weight")
    spec.encoder.embeddings[1].weight = weights("embeddings.token_type_embeddings.weight")
    spec.encoder.position_encodings.encodings = weights("embeddings.position_embeddings.weight")
    _norm(spec.encoder.layernorm_embedding, weights, "embeddings.LayerNorm")
    for number, layer in enumerate(spec.encoder.layer):
        _layer(layer, weights, f"encoder.layer.{number}")
    return spec


def _layer(layer: Any, weights: Weights, name: str) -> None:
    import numpy

    three = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    layer.self_attention.linear[0].weight = numpy.concatenate([weights(f"{each}.weight") for each in three])
    layer.self_attention.linear[0].bias = numpy.concatenate([weights(f"{each}.bias") for each in three])
    _linear(layer.self_attention.linear[1], weights, f"{name}.attention.output.dense")
    _norm(layer.self_attention.layer_norm, weights, f"{name}.attention.output.LayerNorm")
    _linear(layer.ffn.linear_0, weights, f"{name}.intermediate.dense")
    _linear(layer.ffn.linear_1, weights, f"{name}.output.dense")
    _norm(layer.ffn.layer_norm, weights, f"{name}.output.LayerNorm")


def _linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight, spec.bias = weights(f"{name}.weight"), weights(f"{name}.bias")


def _norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma, spec.beta = weights(f"{name}.weight"), weights(f"{name}.bias")


def _vocabulary(path: Path, size: int) -> list[str]:
    """The tokens in the order of their numbers; places that no token has get a name of their own."""
    from tokenizers import Tokenizer

    try:
        known = Tokenizer.from_file(str(path)).get_vocab(with_added_tokens=True)
    except Exception as error:  # the library raises nothing more precise
        raise Unconvertible("its tokenizer.json cannot be read") from error
    by_number = {number: token for token, number in known.items()}
    if max(by_number, default=0) >= size:
        raise Unconvertible("its tokenizer knows more tokens than the model")
    return [by_number.get(number, f"<extra_id_{number}>") for number in range(size)]


def _tokens_most(source: Path, config: dict[str, Any]) -> int:
    positions = int(config.get("max_position_embeddings", 512))
    said = _json(source / "sentence_bert_config.json") if (source / "sentence_bert_config.json").exists() else {}
    return min(int(said.get("max_seq_length") or 512), positions)


def _json(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unconvertible(f"{path.name} cannot be read") from error
    if not isinstance(said, dict):
        raise Unconvertible(f"{path.name} is no table")
    return said


def main(arguments: list[str]) -> int:
    """Convert, and say in one line of standard error why not."""
    try:
        convert(Path(arguments[0]), Path(arguments[1]))
    except ImportError as error:
        print(f"the package {error.name} is not installed", file=sys.stderr)
        return CANNOT_RUN
    except Unconvertible as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyError, ValueError, TypeError, OSError) as error:
        print(f"its files do not fit together ({type(error).__name__})", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
