"""Embedding: what the appliance does around the model, against the model alone.

Ours is the embedder as the door uses it: texts through pipes into its child process, tokens, batches of like length, the mean, vectors
back. The peer is the same model in CTranslate2 in this process, given the same batches, ready cut into tokens. The weights are made up
in MiniLM's shape: a model takes as long whatever it means, and the benchmark needs no download.
"""

import shutil
import statistics
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from appliance.engines.cards import Card
from appliance.engines.embedder import convert, made_up
from appliance.engines.embedder.encoder import Encoder
from appliance.engines.embedder.sentence import EmbedderOptions, SentenceEmbedder
from appliance.engines.shelf import RECORD, Installed, Shelf
from appliance.evals.bench.report import BenchReport, Figure, clock, conditions, figure, seconds

_TEXTS = 512  # a round: one request
_CACHED = 2_000
_CACHED_LIMIT_SECONDS = 50e-6
_QUIET_SECONDS = 0.3  # threads that have just calculated look for more work so long, and would take the other side's time
_NAME = "bench"


def run(rounds: int = 7, texts: int = _TEXTS, shape: made_up.Shape = made_up.MINILM) -> BenchReport:
    """Embedding through the child process against the bare encoder, in batches and one by one, and from memory (P8)."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    try:
        made_up.lay_down(folder / "source", shape)
        convert.convert(folder / "source", folder / "models" / _NAME)
        figures = _measure(rounds, folder / "models", texts, shape.width)
        after = conditions(folder)
    finally:
        shutil.rmtree(folder)
    notes = (f"{texts} texts of 3 to 60 words a round; one thread each side",)
    return BenchReport(name="embed", rounds=rounds, before=before, after=after, figures=figures, notes=notes)


def _measure(rounds: int, models: Path, count: int, width: int) -> tuple[Figure, ...]:
    (models / _NAME / RECORD).write_bytes(msgspec.json.encode(Installed(name=_NAME, source="folder", files=())))
    card = Card(name=_NAME, task="embedder", kind="ctranslate2", dimensions=width)
    ours = SentenceEmbedder(card, EmbedderOptions(threads=1, cached=0), Shelf(models), clock)
    remembering = SentenceEmbedder(card, EmbedderOptions(threads=1), Shelf(models), clock)
    peer = Encoder(models / _NAME, threads=1)
    texts = [made_up.text(number, 3 + number * 37 % 58) for number in range(count)]
    batches = [tokens for _, tokens in peer.batches(texts)]
    question = made_up.text(0, 12)
    one = next(tokens for _, tokens in peer.batches([question]))
    try:
        ours.embed(texts[:8])
        many, single, cached = [], [], []
        remembering.embed(texts[:64])
        for _ in range(rounds):
            bare = _quietly(lambda: [peer.raw(tokens) for tokens in batches])
            many.append((count / _quietly(lambda: ours.embed(texts)), count / bare))
            single.append((_often(lambda: ours.embed([question])), _often(lambda: peer.raw(one))))
            cached.append((_cached(remembering, texts[:64]), _CACHED_LIMIT_SECONDS))
    finally:
        ours.close()
        remembering.close()
    return (
        figure("batch", many, unit="texts/s", limit="the bare encoder with ready tokens", goal=0.95, more_is_better=True),
        figure("one question, not seen before", single, unit="s", limit="the bare encoder with ready tokens", goal=2.0),
        figure("one question, remembered", cached, unit="s", limit="50 µs", goal=1.0),
    )


def _quietly(work: Callable[[], object]) -> float:
    clock.wait(threading.Event(), _QUIET_SECONDS)
    return seconds(work)


def _often(work: Callable[[], object]) -> float:
    return statistics.median(_quietly(work) if turn == 0 else seconds(work) for turn in range(20))


def _cached(embedder: SentenceEmbedder, texts: list[str]) -> float:
    def look() -> None:
        for turn in range(_CACHED):
            embedder.embed(texts[turn % len(texts) :][:1])

    return seconds(look) / _CACHED
