"""A language model made by hand, for the path through the real server: it says one sentence by heart, whatever it is asked.

It is a llama of one layer whose attention and feed-forward add nothing, so that each token follows from the one before it: a chain of
tokens that are written into its weights. Nothing is trained, and nothing about a model's quality can be learned from it.
"""

import json
from pathlib import Path
from typing import Any

ANSWER = (
    '{"sentences": ', '[{"text": "', "According to our ", "first passage, ", "so it is.", '", "passages": ', '[1]}], "unanswered": []}',
)  # fmt: skip
NONSENSE = ("I am only ", "a language model ", "and would rather ", "talk of the weather.")
_BYTES = 256
_WIDTH = 128
_BEGIN = "<|answer|>"
_END = "<|end|>"
_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}" + _BEGIN


def make(folder: Path, says: tuple[str, ...] = ANSWER, endless: bool = False) -> Path:
    """The model's folder, in the format of the hub. ``endless``: the last word leads back to the first."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [_BEGIN, *says, _END]
    _tokenizer(folder, tokens)
    following = {_BYTES + place: _BYTES + place + 1 for place in range(len(tokens) - 1)}
    if endless:
        following[_BYTES + len(says)] = _BYTES + 1
    _weights(folder, _BYTES + len(tokens), following)
    _write(folder / "config.json", _config(_BYTES + len(tokens)))
    return folder


def _config(vocabulary: int) -> dict[str, Any]:
    return {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": _WIDTH, "num_hidden_layers": 1,
        "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": vocabulary,
        "tie_word_embeddings": False, "max_position_embeddings": 32768, "torch_dtype": "float32",
        "bos_token_id": _BYTES, "eos_token_id": vocabulary - 1,
    }  # fmt: skip


def _tokenizer(folder: Path, tokens: list[str]) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_tokens([AddedToken(text, normalized=False, special=text in (_BEGIN, _END)) for text in tokens])
    made.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "chat_template": _TEMPLATE, "model_max_length": 32768}
    _write(folder / "tokenizer_config.json", told)


def _weights(folder: Path, vocabulary: int, following: dict[int, int]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    rows = np.random.default_rng(7).standard_normal((vocabulary, _WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    head = np.zeros((vocabulary, _WIDTH), np.float32)
    for before, after in following.items():
        head[after] += 10 * rows[before]
    one, nothing = np.ones(_WIDTH, np.float32), np.zeros((_WIDTH, _WIDTH), np.float32)
    layer = "model.layers.0"
    weights = {
        "model.embed_tokens.weight": rows, "lm_head.weight": head, "model.norm.weight": one,
        f"{layer}.input_layernorm.weight": one, f"{layer}.post_attention_layernorm.weight": one,
        **{f"{layer}.self_attn.{name}_proj.weight": nothing for name in "qkvo"},
        **{f"{layer}.mlp.{name}_proj.weight": nothing[:8] for name in ("gate", "up")},
        f"{layer}.mlp.down_proj.weight": nothing[:, :8],
    }  # fmt: skip
    save_file(
        {name: np.ascontiguousarray(value.copy()) for name, value in weights.items()}, str(folder / "model.safetensors"), {"format": "mlx"}
    )


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
