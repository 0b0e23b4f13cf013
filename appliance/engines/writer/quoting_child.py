"""The process of a quoting model: ``python -m appliance.engines.writer.quoting_child FOLDER``.

It does not use mlx-lm's own generate: that runs one step ahead and weighs the whole vocabulary. Here the model is asked only where the
tree of :mod:`.trie` branches; the tokens between two branches are handed to it in one go, which makes a long sentence as cheap as
its first words.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.engines.child_side import serve
from appliance.engines.errors import EngineMissing, EngineNonsense, ModelMissing
from appliance.engines.writer.quoting import QuoteAsked, Quoted
from appliance.engines.writer.trie import Walk, follow

PREFILL_TOKENS = 512  # at once, so that a long prompt does not need memory for all of it
CACHE_TOKENS_MOST = 32_768


class QuotingModel:
    """A loaded model. What two prompts begin with alike is worked on once."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._marks = sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()}, key=len, reverse=True)
        self._cache: Any = None
        self._held: list[int] = []  # the tokens that the cache stands for

    def quote(self, asked: QuoteAsked) -> Quoted:
        """The places of the chosen sentences."""
        walk = Walk(
            [self._tokens(text) for text in asked.choices],
            self._tokens(asked.refusal),
            self._tokens("\n")[-1],
            sorted(self._tokenizer.eos_token_ids),
            min(asked.most, len(asked.choices)),
        )
        prompt = self._prompt(asked)
        cached = self._keep_common(prompt)
        waiting = prompt[cached:]

        def prefer(new: Sequence[int], allowed: Sequence[int]) -> int:
            waiting.extend(new)
            scores = self._scores(waiting, allowed)
            waiting.clear()
            return allowed[max(range(len(allowed)), key=scores.__getitem__)]

        completed = follow(walk, prefer)
        return Quoted(chosen=tuple(walk.chosen), prompt_tokens=len(prompt), cached_tokens=cached, completion_tokens=completed)

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _prompt(self, asked: QuoteAsked) -> list[int]:
        told = [{"role": "system", "content": self._plain(asked.system)}, {"role": "user", "content": self._plain(asked.user)}]
        return list(self._tokenizer.apply_chat_template(told, add_generation_prompt=True, tokenize=True))

    def _plain(self, text: str) -> str:
        """Without the model's own marks: who writes "<|end|>" into a mail is not to end our part of the conversation."""
        for mark in self._marks:
            text = text.replace(mark, " ") if mark.strip() else text
        return text

    def _keep_common(self, prompt: list[int]) -> int:
        """Cut the cache back to what this prompt begins with; how many tokens that is. At least one token is left to work on."""
        from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

        common = 0
        for ours, held in zip(prompt[:-1], self._held, strict=False):
            if ours != held:
                break
            common += 1
        if self._cache is not None and common and can_trim_prompt_cache(self._cache) and len(self._held) <= CACHE_TOKENS_MOST:
            trim_prompt_cache(self._cache, len(self._held) - common)
        else:
            self._cache, common = make_prompt_cache(self._model), 0
        self._held = prompt[:common]
        return common

    def _scores(self, tokens: Sequence[int], allowed: Sequence[int]) -> list[float]:
        """How much the model would like each of the allowed tokens after these."""
        import mlx.core as mx

        logits = None
        for start in range(0, len(tokens), PREFILL_TOKENS):
            logits = self._model(mx.array(list(tokens[start : start + PREFILL_TOKENS]))[None], cache=self._cache)[0, -1]
            mx.eval(logits)
        self._held += tokens
        if logits is None:
            raise EngineNonsense("The quoting model was asked about nothing.")
        scores: list[float] = logits[mx.array(list(allowed))].astype(mx.float32).tolist()
        if any(score != score for score in scores):  # what is not a number is not equal to itself
            self._cache, self._held = None, []
            raise EngineNonsense("The quoting model gives no numbers: its weights are damaged.")
        return scores


def load(folder: Path) -> QuotingModel:
    """Raises ``ModelMissing``, and ``EngineMissing`` when mlx-lm is not installed or does not run on this machine."""
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"The model folder {folder} holds no config.json.", "See which models there are: tandem models list")
    try:
        from mlx_lm.utils import load as load_model
    except ImportError as error:
        remedy = 'pip install "tandem-appliance[llm]"'
        raise EngineMissing(f"The packages of the language models are not installed or do not run here ({error.name}).", remedy) from error
    try:
        model, tokenizer = load_model(str(folder))[:2]
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        remedy = "Run: tandem models verify, and bring the model again if it says so."
        raise ModelMissing(f"The model in {folder} cannot be loaded ({type(error).__name__}).", remedy) from error
    return QuotingModel(model, tokenizer)


def main(folder: Path) -> None:
    """Serve quotes from the model in this folder until the daemon is gone."""
    loaded: list[QuotingModel] = []
    serve(lambda asked, _: loaded[0].quote(asked), QuoteAsked, prepare=lambda: loaded.append(load(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
