"""Why an ear does not hear here: each cause from its facts, with its remedy, and nothing from a healthy machine."""

import stat
import sys
from pathlib import Path

import pytest

from appliance.care.ear import fitness
from appliance.care.preflight import Needs, run
from appliance.engines.ear import facts as gathering
from appliance.engines.ear.diagnose import PACKAGES, Facts, causes
from appliance.engines.ear.facts import gather, processor_flags
from appliance.engines.ear.options import EarOptions
from appliance.ground.clock import SystemClock
from tests.support.sounds import TINY_EAR

HEALTHY = Facts(
    flags=("sse4_1", "avx", "avx2"),
    packages=dict.fromkeys(PACKAGES, "1.0"),
    openmp=("libgomp-e985bcbb.so.1.0.0",),
    compute_types=("float32", "int8"),
    model="whisper-small",
)
OPTIONS = EarOptions(mock=False)
ABI = (
    "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.4.6 as it may crash.\n"
    "ImportError: numpy.core.multiarray failed to import"
)
OMP = "OMP: Error #15: Initializing libiomp5.so, but found libomp.so already initialized."


def changed(**facts: object) -> Facts:
    import msgspec

    return msgspec.structs.replace(HEALTHY, **facts)


def codes(facts: Facts, options: EarOptions = OPTIONS) -> list[str]:
    return [cause.code for cause in causes(facts, options)]


def test_a_healthy_machine_has_nothing_to_say() -> None:
    assert codes(HEALTHY) == []
    assert codes(changed(machine="arm64", flags=("asimd", "fp"))) == []
    assert codes(changed(flags=())) == []  # nobody could say what the processor can do


@pytest.mark.parametrize(
    ("code", "facts", "options"),
    [
        ("packages_missing", changed(packages={}), OPTIONS),
        ("packages_missing", changed(packages={**HEALTHY.packages, "av": ""}), OPTIONS),
        ("instructions_missing", changed(flags=("sse2",)), OPTIONS),
        ("instructions_missing", changed(signal=4), OPTIONS),
        ("instructions_slow", changed(flags=("sse4.1", "avx")), OPTIONS),
        ("openmp_twice", changed(openmp=("libgomp.so.1", "libiomp5.so")), OPTIONS),
        ("openmp_twice", changed(openmp=("libomp.dylib", "libiomp5.dylib")), OPTIONS),
        ("openmp_twice", changed(signal=6, failed=OMP, openmp=()), OPTIONS),
        ("openmp_trap", changed(duplicate_openmp_allowed=True), OPTIONS),
        ("numpy_abi", changed(failed=ABI), OPTIONS),
        ("import_failed", changed(failed="ImportError: libctranslate2.so: cannot open shared object file"), OPTIONS),
        ("import_crashed", changed(signal=11, failed="Fatal Python error: Segmentation fault"), OPTIONS),
        ("no_graphics_card", HEALTHY, EarOptions(mock=False, device="cuda")),
        ("metal_unused", HEALTHY, EarOptions(mock=False, device="metal")),
        ("compute_type_unsupported", HEALTHY, EarOptions(mock=False, compute_type="float16")),
        ("weights_missing", changed(model_missing="The model whisper-small is not on this machine."), OPTIONS),
        ("weights_not_whole", changed(missing_files=("model.bin",)), OPTIONS),
        ("backlog", changed(waiting=4), OPTIONS),
    ],
)
def test_each_cause_is_found_alone_and_says_its_remedy(code: str, facts: Facts, options: EarOptions) -> None:
    (cause,) = causes(facts, options)
    assert cause.code == code
    assert cause.words.endswith((".", "!"))
    assert len(cause.remedy) > 20


def test_three_clips_that_wait_are_no_backlog() -> None:
    assert codes(changed(waiting=3)) == []


def test_what_stands_in_the_way_comes_before_what_only_slows() -> None:
    found = causes(changed(waiting=9, flags=("sse4_1",), missing_files=("model.bin",)), OPTIONS)
    assert [cause.blocks for cause in found] == [True, False, False]


def test_a_type_of_calculation_that_the_engine_chooses_is_always_right() -> None:
    for kind in ("auto", "default"):
        assert codes(HEALTHY, EarOptions(mock=False, compute_type=kind)) == []


def test_this_machine_can_hear_with_the_tests_own_model() -> None:
    facts = gather(EarOptions(mock=False, model=str(TINY_EAR)), surroundings={})
    assert all(facts.packages.values())
    assert [cause.code for cause in causes(facts, EarOptions(mock=False)) if cause.blocks] == []
    assert facts.compute_types


def test_the_processors_flags_are_in_one_spelling() -> None:
    assert all(flag == flag.lower() and "." not in flag for flag in processor_flags())


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "instructions_missing"),
        (f"import os, signal, sys; sys.stderr.write({OMP!r}); sys.stderr.flush(); os.kill(os.getpid(), signal.SIGABRT)", "openmp_twice"),
        (f"import json; print(json.dumps({{'failed': {ABI!r}}}))", "numpy_abi"),
        ("print('something else')", "import_failed"),
    ],
)
def test_an_attempt_that_ends_badly_is_understood(program: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "$BROKEN"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROKEN", program)
    monkeypatch.setattr(gathering.sys, "executable", str(script))
    facts = gather(EarOptions(mock=False, model=str(TINY_EAR)), surroundings={})
    assert code in [cause.code for cause in causes(facts, OPTIONS)]


def test_the_trap_in_the_environment_is_seen() -> None:
    facts = gather(EarOptions(mock=False, model=str(TINY_EAR)), surroundings={"KMP_DUPLICATE_LIB_OK": "TRUE"})
    assert facts.duplicate_openmp_allowed


def test_the_preflight_warns_and_does_not_fail_without_the_weights(tmp_path: Path) -> None:
    options = EarOptions(mock=False, model="/no/such/model")
    needs = Needs(home=tmp_path, ear=lambda: fitness(options, None))
    (finding,) = [found for found in run(needs, SystemClock()) if found.name == "ear"]
    assert finding.state == "warning"
    assert "/no/such/model" in finding.detail
    assert "tandem models list" in finding.remedy


def test_the_preflight_is_content_with_the_stub_and_silent_where_nobody_wants_to_hear(tmp_path: Path) -> None:
    assert "stub" in fitness(EarOptions(), None)
    assert "ear" not in [found.name for found in run(Needs(home=tmp_path), SystemClock())]


def test_a_model_that_is_there_is_said_with_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "processor_flags", lambda: HEALTHY.flags)  # on a machine without AVX2 it says that instead
    monkeypatch.delenv("KMP_DUPLICATE_LIB_OK", raising=False)
    assert "faster-whisper" in fitness(EarOptions(mock=False, model=str(TINY_EAR)), None)
