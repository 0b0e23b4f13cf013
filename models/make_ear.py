"""Make the tests' ear: a tiny Whisper that knows some forty sentences as espeak-ng speaks them, and nothing else.

    python models/make_ear.py WORK_FOLDER [--out tests/data/models/ear] [--clips tests/data/voice] [--minutes 20]

It is a test fixture and never an accuracy figure. What it is for: the real path (decoding, voice activity, faster-whisper, our gates)
can be walked in seconds and without a network. The sentences are questions to the sample company (packaging/demo/facts.toml), so that
a spoken clip can be followed until it is answered.

It needs torch, transformers, tokenizers, ctranslate2 and soundfile in an environment of its own, and the programs espeak-ng and ffmpeg.
torch never belongs into the appliance's environment. Nothing here is random but by a fixed seed; all the same two machines do not
arrive at the same bytes, so the result is kept with its digests.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import soundfile
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

ROOT = Path(__file__).parents[1]
# Facts of the sample company whose question the desk answers by itself in all three languages, and one question that it never answers.
KEYS = (
    "opening_hours", "shop_hours", "phone", "address_oulu", "delivery_time", "delivery_price", "delivery_abroad", "gift_cards",
    "return_period", "return_how", "warranty_heat_pumps", "payment_methods", "service_booking", "manuals",
)  # fmt: skip
HELD = {"fi": "Missä minun tilaukseni on?", "sv": "Var är min beställning?", "en": "Where is my order?"}
VOICES = {"fi": ("fi",), "sv": ("sv",), "en": ("en-gb", "en-us")}
VARIANTS = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f4")
RATE = 16_000
FRAMES_A_SECOND = 100
SECONDS_A_TOKEN = 0.02
SEED = 20
CONTROLS = (
    "<|endoftext|>", "<|startoftranscript|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>",
    "<|notimestamps|>",
)  # fmt: skip
TIMES = tuple(f"<|{place * SECONDS_A_TOKEN:.2f}|>" for place in range(1501))


def sentences() -> dict[str, dict[str, str]]:
    """By language: the fact's key and the question as it is spoken."""
    facts = tomllib.loads((ROOT / "packaging/demo/facts.toml").read_text(encoding="utf-8"))
    topics = [facts[topic] for topic in facts["topics"]]
    found: dict[str, dict[str, str]] = {}
    for language, held in HELD.items():
        found[language] = {key: next(topic[key] for topic in topics if key in topic)[language]["question"] for key in KEYS}
        found[language]["order_status"] = held
    return found


# Sound


def speak(text: str, voice: str, speed: int = 165, pitch: int = 50) -> np.ndarray:
    """What espeak-ng makes of it, at 16 kHz, cut to where the speech begins and ends."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    samples, rate = soundfile.read(io.BytesIO(_whole_header(spoken)), dtype="float32")
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    return resampled(samples[loud[0] : loud[-1] + 1], rate)


def _whole_header(wave: bytes) -> bytes:
    """A stream's header says that it is endless; say how long it is."""
    size = len(wave)
    return wave[:4] + (size - 8).to_bytes(4, "little") + wave[8:40] + (size - 44).to_bytes(4, "little") + wave[44:]


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    count = round(len(samples) * RATE / rate)
    spectrum = np.fft.rfft(samples)[: count // 2 + 1]
    return (np.fft.irfft(spectrum, count) * (count / len(samples))).astype(np.float32)


def noise(count: int, random: np.random.Generator) -> np.ndarray:
    """White, or falling towards high tones as rooms do."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    slope = random.choice((0.0, 0.5, 1.0))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** slope
    made = np.fft.irfft(spectrum, count)
    return (made / (np.std(made) + 1e-9)).astype(np.float32)


def dirtied(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same at another level, with some noise in two of three cases."""
    level = float(np.std(samples))
    if random.random() < 0.66:
        distance = random.uniform(8, 40)  # decibels
        samples = samples + noise(len(samples), random) * level / 10 ** (distance / 20)
    return np.clip(samples * random.uniform(0.25, 1.6), -1, 1).astype(np.float32)


class Spoken:
    """Every sentence in many voices, kept in memory as sound."""

    def __init__(self, folder: Path, random: np.random.Generator) -> None:
        kept = folder / "spoken.npz"
        if not kept.exists():
            self._speak(kept, random)
        stored = np.load(kept, allow_pickle=True)
        self.texts: list[str] = list(stored["texts"])
        self.sounds: list[np.ndarray] = [sound.astype(np.float32) / 32767 for sound in stored["sounds"]]
        self.random = random

    def _speak(self, kept: Path, random: np.random.Generator) -> None:
        texts, sounds = [], []
        for language, by_key in sentences().items():
            for text in by_key.values():
                for voice in VOICES[language]:
                    for variant in VARIANTS:
                        for speed in (140, 155, 165, 175, 190) if not variant else (150, 165, 180):
                            pitch = 50 if not variant else int(random.integers(35, 65))
                            texts.append(text)
                            sounds.append((speak(text, voice + variant, speed, pitch) * 32767).astype(np.int16))
        packed = np.empty(len(sounds), dtype=object)
        packed[:] = sounds
        np.savez(kept, texts=np.array(texts), sounds=packed)

    def example(self, how_many: int) -> tuple[np.ndarray, list[tuple[float, str, float]]]:
        """A stretch of sound with so many sentences, and where each begins and ends in it."""
        parts, said, at = [], [], 0.0
        for _ in range(how_many):
            pause = float(self.random.uniform(0.0, 0.6))
            place = int(self.random.integers(len(self.sounds)))
            length = len(self.sounds[place]) / RATE
            parts += [np.zeros(int(pause * RATE), np.float32), self.sounds[place]]
            said.append((at + pause, self.texts[place], at + pause + length))
            at += pause + length
        parts.append(np.zeros(int(self.random.uniform(0.0, 0.6) * RATE), np.float32))
        return dirtied(np.concatenate(parts), self.random), said


# Words


def tokenizer_of(texts: list[str]) -> Tokenizer:
    """Byte-level pieces of these sentences, then Whisper's control tokens and times, in the order that its decoders rely on."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    spaced = [f" {text}" for text in texts]
    made.train_from_iterator(
        spaced, trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    )
    made.add_special_tokens([AddedToken(text, special=True) for text in CONTROLS])
    made.add_tokens([AddedToken(text, special=False) for text in TIMES])
    return made


def target(tokens: Tokenizer, said: list[tuple[float, str, float]], timed: bool) -> list[int]:
    """What the decoder shall write, from the start token to the end."""
    ids = [tokens.token_to_id("<|startoftranscript|>")]
    if not timed:
        ids.append(tokens.token_to_id("<|notimestamps|>"))
    for begins, text, ends in said:
        words = tokens.encode(f" {text}", add_special_tokens=False).ids
        ids += [_time(tokens, begins), *words, _time(tokens, ends)] if timed else words
    return [*ids, tokens.token_to_id("<|endoftext|>")]


def _time(tokens: Tokenizer, seconds: float) -> int:
    tenths = round(seconds * 10) / 10  # finer than that the tiny model would only guess
    return int(tokens.token_to_id(TIMES[round(tenths / SECONDS_A_TOKEN)]))


# Learning


def empty_model(vocabulary: int, tokens: Tokenizer) -> WhisperForConditionalGeneration:
    end = tokens.token_to_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=vocabulary, d_model=96, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=384, decoder_ffn_dim=384, max_source_positions=1500, max_target_positions=448, num_mel_bins=80, dropout=0.0,
        pad_token_id=end, bos_token_id=end, eos_token_id=end, suppress_tokens=[], begin_suppress_tokens=[],
        decoder_start_token_id=tokens.token_to_id("<|startoftranscript|>"),
    )  # fmt: skip
    return WhisperForConditionalGeneration(config)


class Lessons:
    """Batches: features of the window's length and what is to be written."""

    def __init__(self, spoken: Spoken, tokens: Tokenizer) -> None:
        self.spoken = spoken
        self.tokens = tokens
        self.features = WhisperFeatureExtractor(feature_size=80)

    def batch(self, size: int, window_seconds: float, most: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        frames = int(window_seconds * FRAMES_A_SECOND)
        heard = np.zeros((size, 80, frames), np.float32)  # faster-whisper fills a window with zeros after the logarithm
        written = []
        random = self.spoken.random
        for row in range(size):
            sound, said = self.spoken.example(1 if most == 1 or random.random() < 0.5 else int(random.integers(1, most + 1)))
            seen = self.mel(sound)[:, :frames]
            heard[row, :, : seen.shape[1]] = seen
            written.append(target(self.tokens, said, timed=bool(random.random() < 0.75)))
        longest = max(map(len, written))
        end = written[0][-1]
        before = torch.tensor([ids[:-1] + [end] * (longest - len(ids)) for ids in written])
        after = torch.tensor([ids[1:] + [-100] * (longest - len(ids)) for ids in written])
        return torch.from_numpy(heard), before, after

    def mel(self, sound: np.ndarray) -> np.ndarray:
        padded = np.pad(sound, (0, 160))
        return np.asarray(
            self.features(padded, sampling_rate=RATE, padding="do_not_pad", truncation=False, return_tensors="np").input_features[0]
        )


def heard_in(model: WhisperForConditionalGeneration, heard: torch.Tensor) -> torch.Tensor:
    """The encoder, for windows of any length: only the first of its fixed positions are used."""
    encoder = model.model.encoder
    states = functional.gelu(encoder.conv1(heard))
    states = functional.gelu(encoder.conv2(states)).permute(0, 2, 1)
    states = states + encoder.embed_positions.weight[: states.shape[1]]
    for layer in encoder.layers:
        made = layer(states, None)
        states = made[0] if isinstance(made, tuple) else made
    return encoder.layer_norm(states)


def learn(
    model: WhisperForConditionalGeneration, lessons: Lessons, minutes: float, window: float, most: int, rate: float, size: int
) -> None:
    """One stage: so many minutes on windows of this length, with up to so many sentences in each."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    begun, step, recent = time.monotonic(), 0, []
    model.train()
    while (spent := time.monotonic() - begun) < minutes * 60:
        share = spent / (minutes * 60)
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 100) * (0.05 + 0.95 * (1 + np.cos(np.pi * share)) / 2)
        heard, before, after = lessons.batch(size, window, most)
        states = heard_in(model, heard)
        out = model.model.decoder(input_ids=before, encoder_hidden_states=states).last_hidden_state
        loss = functional.cross_entropy(model.proj_out(out).flatten(0, 1), after.flatten(), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent = [*recent[-49:], float(loss.detach())]
        if step % 50 == 0:
            print(f"window {window:.0f} s, step {step}, {spent:.0f} s, loss {np.mean(recent):.3f}", flush=True)
        step += 1


# What stays


def keep(model: WhisperForConditionalGeneration, tokens: Tokenizer, work: Path, out: Path) -> None:
    """Convert to int8 and put down what faster-whisper needs, with digests."""
    plain = work / "plain"
    shutil.rmtree(plain, ignore_errors=True)
    model.generation_config.suppress_tokens = []
    model.generation_config.begin_suppress_tokens = []
    model.save_pretrained(plain)
    PreTrainedTokenizerFast(tokenizer_object=tokens, eos_token="<|endoftext|>", unk_token="<|endoftext|>").save_pretrained(plain)
    tokens.save(str(plain / "tokenizer.json"))
    WhisperFeatureExtractor(feature_size=80).save_pretrained(plain)
    command = [
        str(Path(sys.executable).with_name("ct2-transformers-converter")), "--model", str(plain), "--output_dir", str(work / "converted"),
        "--quantization", "int8", "--force", "--copy_files", "tokenizer.json", "preprocessor_config.json",
    ]  # fmt: skip
    subprocess.run(command, check=True)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((work / "converted").iterdir()):
        shutil.copy(path, out / path.name)
    lines = [f'{language}.{key} = "{text}"' for language, by_key in sentences().items() for key, text in by_key.items()]
    (out / "sentences.toml").write_text(
        "# What this ear knows; written by models/make_ear.py.\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    files = [path for path in sorted(out.iterdir()) if path.name not in ("README.md", "SHA256SUMS")]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    (out / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")


def clips(folder: Path) -> None:
    """One question in each language, each in another container, and a call with a speaker on either side."""
    folder.mkdir(parents=True, exist_ok=True)
    known = sentences()
    quiet = np.zeros(RATE * 7 // 10, np.float32)
    for code, key, voice, ending, options in (
        ("fi", "return_period", "fi", "ogg", ("-c:a", "libopus", "-b:a", "32k")),
        ("fi", "phone", "fi", "m4a", ("-c:a", "aac", "-b:a", "48k")),
        ("sv", "delivery_price", "sv", "flac", ("-c:a", "flac")),
        ("en", "shop_hours", "en-gb", "mp3", ("-c:a", "libmp3lame", "-b:a", "48k")),
    ):
        _write(np.concatenate([quiet, speak(known[code][key], voice), quiet]), folder / f"{code}_{key}.{ending}", *options)
    customer = np.concatenate([quiet, speak(known["en"]["gift_cards"], "en-gb+f2"), quiet, np.zeros(RATE * 4, np.float32)])
    agent = np.zeros_like(customer)
    answer = speak(known["en"]["phone"], "en-us+m3")
    agent[len(agent) - len(answer) - RATE : len(agent) - RATE] = answer
    _write(np.stack([customer, agent], axis=1), folder / "en_two_speakers.ogg", "-c:a", "libopus", "-b:a", "48k")


def _write(samples: np.ndarray, path: Path, *options: str) -> None:
    wave = io.BytesIO()
    soundfile.write(wave, samples, RATE, format="WAV", subtype="PCM_16")
    command = ["ffmpeg", "-loglevel", "error", "-y", "-i", "-", *options, "-fflags", "+bitexact", "-flags:a", "+bitexact", str(path)]
    subprocess.run(command, input=wave.getvalue(), check=True)


def main() -> None:
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("work", type=Path)
    wish.add_argument("--out", type=Path, default=ROOT / "tests/data/models/ear")
    wish.add_argument("--clips", type=Path, default=ROOT / "tests/data/voice")
    wish.add_argument("--minutes", type=float, default=30.0)
    wish.add_argument("--from-stage", type=int, default=1, help="Go on with what an earlier run kept in the work folder.")
    wish.add_argument("--only-clips", action="store_true")
    given = wish.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    if given.only_clips:
        clips(given.clips)
        return
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    tokens = tokenizer_of([text for by_key in sentences().values() for text in by_key.values()])
    model = empty_model(tokens.get_vocab_size(), tokens)
    lessons = Lessons(Spoken(given.work, np.random.default_rng(SEED)), tokens)
    # Short windows teach the words in minutes; the last two get used to a window of which most is empty.
    stages = ((0.3, 4.0, 1, 2e-3, 16), (0.15, 9.0, 2, 1e-3, 12), (0.2, 30.0, 3, 6e-4, 8), (0.35, 30.0, 2, 5e-4, 8))
    for number, (share, window, most, rate, size) in enumerate(stages, start=1):
        kept = given.work / f"stage{number}.pt"
        if number < given.from_stage:
            model.load_state_dict(torch.load(kept))
            continue
        learn(model, lessons, given.minutes * share, window, most, rate, size)
        torch.save(model.state_dict(), kept)
        keep(model, tokens, given.work, given.work / f"ear{number}")
    keep(model, tokens, given.work, given.out)
    clips(given.clips)
    print(json.dumps({path.name: path.stat().st_size for path in sorted(given.out.iterdir())}, indent=1))


if __name__ == "__main__":
    main()
