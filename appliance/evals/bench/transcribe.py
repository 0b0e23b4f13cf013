"""Transcription: what the appliance does around the model, against the model alone.

Ours is the ear as a clip meets it: bytes through pipes into its process, decoded, searched for speech, heard, judged by the gates, told
back. The peer is faster-whisper in this process with the same model, threads, readings and detector. Both are warm. What is heard
does not matter here, only how long it takes; so the tests' tiny model will do where no other is named, and is the hardest case: the
less a model has to think, the more everything around it weighs.
"""

from pathlib import Path

from appliance.engines.ear.faster_whisper import FINAL_TEMPERATURES, FasterWhisperEar
from appliance.engines.ear.options import EarOptions
from appliance.engines.ear.protocol import Hearing
from appliance.engines.errors import ModelMissing
from appliance.evals.bench.report import BenchReport, clock, conditions, figure, seconds

_OURS = Path(__file__).parents[3] / "tests" / "data"  # in a checkout
_GOAL = 1.02
_LANGUAGE = "en"
_CLIPS_A_ROUND = 8


def run(rounds: int = 7, model: str = "", clip: str = "") -> BenchReport:
    """Transcription through the ear's process and gates against bare faster-whisper in the same run (P18)."""
    path, sound = _model(model), _sound(clip)
    options = EarOptions(mock=False, model=str(path), threads=1, languages=(_LANGUAGE,), clip_seconds=28_800.0)
    ours = FasterWhisperEar(options, clock)
    hearing = Hearing(data=sound, language=_LANGUAGE)
    before = conditions()
    try:
        heard = ours.hear(hearing)
        from appliance.engines.ear.bare import BareWhisper  # late: its packages are an extra, and every benchmark is listed without them

        peer = BareWhisper(str(path), threads=1)
        told = peer.transcribe(sound, _LANGUAGE, options.beam_size, FINAL_TEMPERATURES)
        pairs = []
        for _ in range(rounds):
            bare, around = 0.0, 0.0
            for _ in range(_CLIPS_A_ROUND):
                bare += seconds(lambda: peer.transcribe(sound, _LANGUAGE, options.beam_size, FINAL_TEMPERATURES))
                around += seconds(lambda: ours.hear(hearing))
            pairs.append((around / _CLIPS_A_ROUND, bare / _CLIPS_A_ROUND))
    finally:
        ours.close()
    after = conditions()
    one = figure("one clip", pairs, unit="s", limit="bare faster-whisper", goal=_GOAL)
    alike = "both wrote the same" if heard.text == told else "they did not write the same: compare with care"
    note = f"{path.name}, a clip of {heard.seconds:.1f} s with {heard.speech_seconds:.1f} s of speech; one thread each side; {alike}"
    return BenchReport(name="transcribe", rounds=rounds, before=before, after=after, figures=(one,), notes=(note,))


def _model(named: str) -> Path:
    path = Path(named) if named else _OURS / "models" / "ear"
    if not (path / "model.bin").is_file():
        raise ModelMissing(f"There is no Whisper model in {path}.", "Name a folder in CTranslate2's format: --model FOLDER")
    return path.absolute()


def _sound(named: str) -> bytes:
    """The file that is named, else one of the tests' clips: a sentence that their model knows, so that both sides write the same."""
    return (Path(named) if named else _OURS / "voice" / "en_shop_hours.mp3").read_bytes()
