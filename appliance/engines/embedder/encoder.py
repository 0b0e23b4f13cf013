"""A sentence encoder inside its own process: texts to tokens, tokens through CTranslate2, the mean of the words' vectors, length one.

Texts are worked on in batches of like length, for a short text beside a long one costs as much as the long one. What is longer than the
model reads is cut there.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from appliance.engines.embedder.convert import FACTS, TOKENIZER
from appliance.engines.errors import EngineMissing, ModelMissing

BATCH_TOKENS = 4096  # of a batch, padding counted
BATCH_TEXTS = 64
CUT_AT_ONCE = 16  # texts made into tokens: what the tokenizer holds of a long text before it is cut is many times what is left of it

Batch = tuple[list[int], list[list[int]]]


class Encoder:
    """One model, loaded. ``threads`` 0 takes as many as the machine has cores."""

    def __init__(self, folder: Path, threads: int = 0, prefix: str = "") -> None:
        try:
            import ctranslate2
            import numpy
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EngineMissing(
                f"The embedder needs the package {error.name}, which is not installed.", 'Install it: pip install "tandem-appliance[embed]"'
            ) from error
        self._numpy = numpy
        try:
            facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
            self.dimensions = int(facts["dimensions"])
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._tokenizer.no_padding()
            self._tokenizer.enable_truncation(int(facts["tokens_most"]))
            cores = threads or os.cpu_count() or 1
            self._model = ctranslate2.Encoder(str(folder), device="cpu", compute_type="default", intra_threads=cores)
        except Exception as error:  # three libraries, each with errors of its own for a file that is not what it should be
            raise ModelMissing(
                f"The model in {folder} cannot be loaded ({type(error).__name__}).",
                "Look at its files: tandem models verify; or bring it anew.",
            ) from error
        self._prefix = prefix

    def embed(self, texts: Sequence[str]) -> Any:
        """A row of 32-bit floats a text, in order, each of length one."""
        vectors = self._numpy.empty((len(texts), self.dimensions), dtype=self._numpy.float32)
        for places, tokens in self.batches(texts):
            vectors[places] = self._pooled(self.raw(tokens), [len(each) for each in tokens])
        return vectors

    def batches(self, texts: Sequence[str]) -> Iterator[Batch]:
        """The texts as tokens, those of like length together, with their places."""
        tokens = [each.ids for start in range(0, len(texts), CUT_AT_ONCE) for each in self._cut(texts[start : start + CUT_AT_ONCE])]
        order = sorted(range(len(texts)), key=lambda place: len(tokens[place]), reverse=True)
        start = 0
        while start < len(order):
            most = max(1, min(BATCH_TEXTS, BATCH_TOKENS // max(1, len(tokens[order[start]]))))
            places = order[start : start + most]
            yield places, [tokens[place] for place in places]
            start += most

    def _cut(self, texts: Sequence[str]) -> Any:
        return self._tokenizer.encode_batch_fast([self._prefix + text for text in texts])

    def raw(self, tokens: list[list[int]]) -> Any:
        """What the model itself gives for a batch of tokens; :meth:`embed` is this and nothing but a mean around it."""
        return self._numpy.asarray(self._model.forward_batch(tokens).last_hidden_state)

    def _pooled(self, hidden: Any, lengths: list[int]) -> Any:
        numpy = self._numpy
        counts = numpy.asarray(lengths)
        own = (numpy.arange(hidden.shape[1])[None, :] < counts[:, None]).astype(numpy.float32)  # what stands behind a text's end is not its
        summed = numpy.matmul(own[:, None, :], hidden)[:, 0]
        return summed / numpy.maximum(numpy.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
