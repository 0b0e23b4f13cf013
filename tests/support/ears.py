"""Ears for tests: the tiny one with what it knows."""

import os
import signal
import threading
import time
import tomllib
from collections.abc import Callable

import numpy as np
import psutil

from appliance.engines.ear.decoding import decode
from appliance.engines.ear.faster_whisper import FasterWhisperEar
from appliance.engines.ear.options import EarOptions
from appliance.ground.clock import SystemClock
from tests.support.sounds import TINY_EAR, VOICE, wave_file

KNOWN: dict[str, dict[str, str]] = tomllib.loads((TINY_EAR / "sentences.toml").read_text(encoding="utf-8"))
# The kept clips and what is said in them.
CLIPS = {
    "fi_return_period.ogg": KNOWN["fi"]["return_period"],
    "fi_phone.m4a": KNOWN["fi"]["phone"],
    "sv_delivery_price.flac": KNOWN["sv"]["delivery_price"],
    "en_shop_hours.mp3": KNOWN["en"]["shop_hours"],
}


def tiny_ear(**options: object) -> FasterWhisperEar:
    """The real path with the tests' own model: one thread, so that many may run beside each other."""
    return FasterWhisperEar(EarOptions(**{"mock": False, "model": str(TINY_EAR), "threads": 1, **options}), SystemClock())  # type: ignore[arg-type]


def samples_of(name: str) -> list[np.ndarray]:
    """The channels of a kept clip."""
    return list(decode((VOICE / name).read_bytes(), 25_000_000, 3600).channels)


def noisy(name: str, decibels: float, seed: int = 1) -> bytes:
    """A kept clip with white noise so far below its speech."""
    (clean,) = samples_of(name)
    level = np.std(clean[np.abs(clean) > 0.01]) / 10 ** (decibels / 20)
    return wave_file(clean + level * np.random.default_rng(seed).standard_normal(len(clean)))


def pid_of(ear: FasterWhisperEar, stage: str) -> int:
    return ear.stages()[stage].pid


class Frozen:
    """A process that stands still: it hangs for whoever waits for it, until it is let go or killed."""

    def __init__(self, pid: int) -> None:
        assert pid > 0, "there is no such process, and a signal to 0 would go to the tests themselves"
        self.pid = pid

    def __enter__(self) -> "Frozen":
        os.kill(self.pid, signal.SIGSTOP)
        return self

    def __exit__(self, *_: object) -> None:
        if psutil.pid_exists(self.pid):
            os.kill(self.pid, signal.SIGKILL)


def caught_in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """The work in a thread of its own, with what it raised."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something is so, looking often; fails when it does not become so."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, "it did not become so"
        time.sleep(0.01)
