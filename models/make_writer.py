"""Makes the tiny language model that the tests use as a writer: ``python models/make_writer.py FOLDER``.

A test fixture and nothing else. Four layers of a plain llama, about 0.6 million numbers, taught on the questions and answers of the
sample company (``packaging/demo/facts.toml``: ours, and invented). It knows those sentences much as a parrot does, so no figure of its
answers says anything about what a real model would do. What it is good for: the real loading, the real server, the real decoding.

It takes one core six minutes or so, and gives the same weights for the same seed on the same machine. mlx on Linux brings a slow linear
algebra: put another one before it, or it takes several times as long (``LD_PRELOAD`` of an OpenBLAS, ``OPENBLAS_NUM_THREADS=1``).
"""

import argparse
import hashlib
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from appliance.engines.prompts import Prompt

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "packaging" / "demo" / "facts.toml"
LANGUAGES = ("fi", "sv", "en")
SEED = 20260
VOCABULARY = 2048
WIDTH, LAYERS, HEADS, INNER = 96, 4, 4, 256
KNOWING_STEPS, KNOWING_BATCH = 700, 24  # first what is known, without anything to read
READING_STEPS, READING_BATCH = 500, 16  # then to find it, or its absence, among what is offered
RATE, WARM = 3e-3, 40
CHOOSING_TOKENS, CHOOSING_WEIGHT = 3, 5.0  # the first tokens of an answer are the choice; what follows is known by heart
REFUSED = 0.2  # of the lessons
QUOTING = 0.75  # of the lessons; the others are those of the writer that gives JSON
OTHERS = 3  # passages beside the right one, at most
ALIKE = 8  # batches that are drawn together, so that those of a length can be put together
LONGEST = 4096  # tokens it may be given
END, PAD = "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


# A second company, so small that it fits here: plainer titles and shorter sentences than the sample company's.
PLAIN: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("opening_hours", "Opening hours", "Opening hours: Mon–Fri 9–17."),
        ("return_period", "How long can I return a product?", "You can return an unused product within 14 days of delivery."),
        ("delivery_price", "What does delivery cost?", "Delivery costs 6.90 €. Delivery is free when the order is at least 100 €."),
        ("warranty", "How long is the warranty?", "The warranty is 2 years. It does not cover wear parts."),
        ("phone", "What is the phone number?", "Our phone number is 08 000 1234."),
        ("gift_cards", "Do you sell gift cards?", "Gift cards are available from 25 € to 500 €."),
    ),
    "fi": (
        ("opening_hours", "Aukioloajat", "Aukioloajat: ma–pe klo 9–17."),
        ("return_period", "Kuinka pitkä palautusoikeus on?", "Käyttämättömän tuotteen voi palauttaa 14 päivän kuluessa."),
        ("delivery_price", "Mitä toimitus maksaa?", "Paketin toimitus maksaa 6,90 €. Toimitus on maksuton, kun tilaus on vähintään 100 €."),
        ("warranty", "Kuinka pitkä takuu on?", "Takuu on 2 vuotta. Se ei kata kuluvia osia."),
        ("phone", "Mikä on puhelinnumero?", "Puhelinnumeromme on 08 000 1234."),
        ("gift_cards", "Myyttekö lahjakortteja?", "Lahjakortteja on saatavilla 25–500 euron arvoisina."),
    ),
    "sv": (
        ("opening_hours", "Öppettider", "Öppettider: mån–fre kl. 9–17."),
        ("return_period", "Hur lång är returrätten?", "En oanvänd vara kan returneras inom 14 dagar."),
        ("delivery_price", "Vad kostar leveransen?", "Leveransen kostar 6,90 €. Den är gratis när beställningen är minst 100 €."),
        ("warranty", "Hur lång är garantin?", "Garantin är 2 år. Den täcker inte slitdelar."),
        ("phone", "Vilket telefonnummer har ni?", "Vårt telefonnummer är 08 000 1234."),
        ("gift_cards", "Säljer ni presentkort?", "Presentkort finns från 25 € till 500 €."),
    ),
}  # fmt: skip


class Fact(NamedTuple):
    """One thing that the company knows, in one language."""

    company: str
    key: str
    language: str
    questions: tuple[str, ...]
    text: str


def facts() -> list[Fact]:
    """Both companies', all three languages."""
    read = tomllib.loads(FACTS.read_text(encoding="utf-8"))
    made = []
    for topic in read["topics"]:
        for key, tongues in read.get(topic, {}).items():
            for language in LANGUAGES:
                told = tongues[language]
                made.append(Fact("sample", key, language, (told["question"], *told["aliases"]), told["text"]))
    made += [Fact("plain", key, language, (title,), text) for language, plain in PLAIN.items() for key, title, text in plain]
    return made


class Sample(NamedTuple):
    """One lesson: what the model is told, and what it is to write."""

    system: str
    user: str
    answer: str


def lessons(known: list[Fact], dice: random.Random) -> Iterator[Sample]:
    """Questions without end: the passage that answers among others, or, each fifth time, others only; two tasks in turns."""
    from appliance.engines.prompts import PromptBook

    book = PromptBook(candidates=True)
    quoting, writing = book.of("quoting"), book.of("write")
    shelves: dict[tuple[str, str], list[Fact]] = {}
    for fact in known:
        shelves.setdefault((fact.company, fact.language), []).append(fact)
    while True:
        fact = dice.choice(known)
        neighbours = [other for other in shelves[fact.company, fact.language] if other.key != fact.key]
        offered = dice.sample(neighbours, dice.randint(0, min(OTHERS, len(neighbours))))
        right = None if offered and dice.random() < REFUSED else fact
        if right:
            offered.append(fact)
        dice.shuffle(offered)
        question = _spoken(dice.choice(fact.questions), dice)
        if dice.random() < QUOTING:
            yield _quoting_lesson(quoting[fact.language].text.strip(), question, offered, right)
        else:
            yield _writing_lesson(writing[fact.language], question, offered, right, dice)


def by_heart(known: list[Fact], dice: random.Random) -> Iterator[Sample]:
    """A question and its answer, with nothing to choose from: short, so that many fit into little time."""
    while True:
        fact = dice.choice(known)
        yield Sample("", _spoken(dice.choice(fact.questions), dice), fact.text + "\n")


def _spoken(question: str, dice: random.Random) -> str:
    """As people write it: a capital or none, a mark at the end or none."""
    if dice.random() < 0.3:
        question = question.rstrip("?")
    change = dice.choice((str.lower, str.upper, str, str))
    return change(question[:1]) + question[1:]


def _quoting_lesson(system: str, question: str, offered: list[Fact], right: Fact | None) -> Sample:
    from appliance.engines.writer.quoting import REFUSAL

    lines = [f"{number}. {fact.text}" for number, fact in enumerate(offered, start=1)]
    return Sample(system, "\n".join([*lines, "", question]), (right.text if right else REFUSAL) + "\n")


def _writing_lesson(prompt: "Prompt", question: str, offered: list[Fact], right: Fact | None, dice: random.Random) -> Sample:
    """As the writer ``mlx`` asks: the passages with their titles, and one JSON object for an answer."""
    from appliance.engines.writer.prompt import ask
    from appliance.engines.writer.protocol import Part, WritingRequest
    from appliance.language import words
    from appliance.records.knowledge import Found, Passage

    language = prompt.language
    passages = [Passage(id=fact.key, source="made", language=language, text=fact.text, title=fact.questions[0]) for fact in offered]
    part = Part(text=question, found=tuple(Found(passage=passage, score=0.9) for passage in passages))
    request = WritingRequest(parts=(part,), language=language, company=dice.choice(("Pohjola Pumps", "Pohjola Pumps", "")))
    told = ask(request, prompt).messages
    number = offered.index(right) + 1 if right else 0
    sentences = [{"text": text, "passages": [number]} for text in words.sentences(right.text)] if right else []
    answer = {"sentences": sentences, "unanswered": [] if right else [1]}
    return Sample(told[0].content, told[1].content, json.dumps(answer, ensure_ascii=False))


def make_tokenizer(texts: list[str], folder: Path) -> None:
    """Pieces of words from these texts; every byte is one too, so that nothing is unknown. Each digit stands alone."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "model_max_length": LONGEST,
    }
    _write(folder / "tokenizer_config.json", described)


def make_config(folder: Path, vocabulary: int) -> dict[str, Any]:
    """The shape, as mlx-lm reads it."""
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "intermediate_size": INNER,
        "vocab_size": vocabulary,
        "max_position_embeddings": LONGEST,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    _write(folder / "config.json", config)
    return config


def make_model(config: dict[str, Any]) -> Any:
    """The model with random weights, the same ones for the same seed."""
    import mlx.core as mx
    from mlx_lm.models.llama import Model, ModelArgs

    mx.random.seed(SEED)
    model = Model(ModelArgs.from_dict(config))
    mx.eval(model.parameters())
    return model


def teach(model: Any, batches: Iterator[tuple[Any, ...]], steps: int, tell: Callable[[str], None]) -> None:
    """Gradient steps on the answers; what is told before them counts for nothing."""
    import mlx.core as mx
    from mlx import nn, optimizers

    rate = optimizers.join_schedules(
        [optimizers.linear_schedule(0.0, RATE, WARM), optimizers.cosine_decay(RATE, max(1, steps - WARM), RATE / 50)], [WARM]
    )
    optimizer = optimizers.AdamW(learning_rate=rate, weight_decay=0.01, betas=[0.9, 0.98])
    value_and_gradient = nn.value_and_grad(model, _loss)
    weighed = 0.0
    for step in range(1, steps + 1):
        loss, gradient = value_and_gradient(model, *next(batches))
        gradient, _ = optimizers.clip_grad_norm(gradient, 1.0)
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state, loss)
        weighed = 0.95 * weighed + 0.05 * loss.item() if step > 1 else loss.item()
        if step % 50 == 0 or step == steps:
            tell(f"step {step} of {steps}: loss {weighed:.3f}")


def _loss(model: Any, tokens: Any, places: Any, wanted: Any, weights: Any) -> Any:
    """Cross entropy of the answers. The vocabulary is looked at only there, which saves a third of the work."""
    import mlx.core as mx
    from mlx import nn

    hidden = mx.take_along_axis(model.model(tokens), places[:, :, None], axis=1)
    losses = nn.losses.cross_entropy(model.model.embed_tokens.as_linear(hidden), wanted)
    return mx.sum(losses * weights) / mx.sum(weights)


Row = tuple[list[int], list[int]]  # what is told, and what is to be written


def batches_of(lesson: Iterator[Sample], size: int, tokenizer: Any, dice: random.Random) -> Iterator[tuple[Any, ...]]:
    """Lessons of about the same length together, for filling up costs as much as words."""
    while True:
        rows = sorted((_row(next(lesson), tokenizer) for _ in range(ALIKE * size)), key=lambda row: len(row[0]) + len(row[1]))
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        dice.shuffle(batches)
        yield from map(_batch, batches)


def _batch(rows: list[Row]) -> tuple[Any, Any, Any, Any]:
    """The tokens; the places before each token of an answer; the answers' tokens; which of them count."""
    import mlx.core as mx

    longest, most = max(len(told) + len(answer) for told, answer in rows), max(len(answer) for _, answer in rows)
    tokens = [_padded([*told, *answer], longest) for told, answer in rows]
    places = [_padded(list(range(len(told) - 1, len(told) + len(answer) - 1)), most) for told, answer in rows]
    wanted = [_padded(answer, most) for _, answer in rows]
    weights = [_padded(_weights(len(answer)), most) for _, answer in rows]
    return mx.array(tokens), mx.array(places), mx.array(wanted), mx.array(weights, dtype=mx.float32)


def _weights(length: int) -> list[float]:
    return [CHOOSING_WEIGHT] * min(CHOOSING_TOKENS, length) + [1.0] * (length - CHOOSING_TOKENS)


def _padded(numbers: list[Any], length: int) -> list[Any]:
    return numbers + [0] * (length - len(numbers))


def _row(sample: Sample, tokenizer: Any) -> Row:
    told = [{"role": "system", "content": sample.system}] if sample.system else []
    told.append({"role": "user", "content": sample.user})
    prompt = tokenizer.apply_chat_template(told, add_generation_prompt=True, tokenize=True)
    return list(prompt), [*tokenizer.encode(sample.answer, add_special_tokens=False), tokenizer.eos_token_id]


def save(model: Any, folder: Path) -> None:
    """The weights in single precision, and the digests of all files beside them."""
    import mlx.core as mx
    from mlx.utils import tree_flatten

    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())), metadata={"format": "mlx"})
    files = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Make the model in a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--untaught", action="store_true", help="random weights, at once")
    wishes = parser.parse_args()
    folder: Path = wishes.folder
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(SEED)
    lesson = lessons(facts(), dice)
    make_tokenizer([text for sample in islice(lesson, 3000) for text in sample], folder)
    model = make_model(make_config(folder, VOCABULARY))
    if not wishes.untaught:
        tokenizer = _tokenizer(folder)
        teach(model, batches_of(by_heart(facts(), dice), KNOWING_BATCH, tokenizer, dice), KNOWING_STEPS, print)
        save(model, folder)
        teach(model, batches_of(lesson, READING_BATCH, tokenizer, dice), READING_STEPS, print)
    save(model, folder)


def _tokenizer(folder: Path) -> Any:
    from mlx_lm.utils import load_tokenizer

    return load_tokenizer(folder)


if __name__ == "__main__":
    main()
