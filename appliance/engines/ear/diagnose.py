"""Why an ear does not hear on this machine, and what to do about it: pure, from facts that were gathered elsewhere.

Each cause is one function, and all are said, worst first. :mod:`.facts` gathers.
"""

import re
from collections.abc import Iterator

from appliance.engines.ear.options import EarOptions
from appliance.records.base import Record

BACKLOG_WARNING = 3
EXTRA = '"tandem-appliance[voice]"'
INSTALL = f"pip install {EXTRA}"
INSTALL_ANEW = f"pip install --force-reinstall --no-cache-dir {EXTRA}"
PACKAGES = ("faster_whisper", "ctranslate2", "onnxruntime", "av", "tokenizers", "numpy")
_X86 = ("x86_64", "amd64")
_ABI = re.compile(
    r"numpy.*(abi|binary incompatib|compiled using numpy 1|multiarray|dtype size changed)|_ARRAY_API", re.IGNORECASE | re.DOTALL
)
_OPENMP = re.compile(r"libi?omp5|OMP: Error #15|libgomp|KMP_DUPLICATE_LIB_OK|already initialized", re.IGNORECASE)
_ILLEGAL = 4  # the signal that ends a process at an instruction that the processor does not know
_ABORTED = 6


class Facts(Record):
    """What was found on this machine.

    ``flags`` are the processor's own names of what it can do, lower case. ``packages`` are versions, "" where one is not there.
    ``failed`` is what importing them said, ``signal`` the signal that the attempt ended by (0: none). ``openmp`` are the names of the
    OpenMP libraries that the attempt had in memory. ``compute_types`` are those the device can do. ``missing_files`` are files that
    the model's folder lacks; ``model_missing`` says that there is no folder at all. ``waiting`` are clips that wait to be heard.
    """

    system: str = "linux"
    machine: str = "x86_64"
    flags: tuple[str, ...] = ()
    packages: dict[str, str] = {}
    failed: str = ""
    signal: int = 0
    openmp: tuple[str, ...] = ()
    duplicate_openmp_allowed: bool = False
    graphics_cards: int = 0
    compute_types: tuple[str, ...] = ()
    model: str = ""
    model_missing: str = ""
    missing_files: tuple[str, ...] = ()
    waiting: int = 0


class Cause(Record):
    """One thing that is wrong. ``blocks``: nothing can be heard as long as it stays; otherwise it is slow or at risk."""

    code: str
    words: str
    remedy: str
    blocks: bool = True


def causes(facts: Facts, options: EarOptions) -> tuple[Cause, ...]:
    """Everything that is wrong; empty when the ear can hear. What stands in the way comes before what only slows."""
    every = [cause for look in LOOKS for cause in look(facts, options)]
    return tuple(sorted(every, key=lambda cause: not cause.blocks))


def packages_missing(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    missing = [name for name in PACKAGES if not facts.packages.get(name)]
    if missing:
        yield Cause(code="packages_missing", words=f"Not installed: {', '.join(missing)}.", remedy=f"Install them: {INSTALL}")


def instructions_missing(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    """The engine's library needs SSE 4.1 at least, and is made for AVX2; every ARM processor with 64 bits will do."""
    if facts.machine.lower() not in _X86 or not facts.flags:
        return
    has = {flag.replace(".", "_").lower() for flag in facts.flags}
    if facts.signal == _ILLEGAL or "sse4_1" not in has:
        lacking = ", ".join(name for name, flag in (("SSE 4.1", "sse4_1"), ("AVX", "avx"), ("AVX2", "avx2")) if flag not in has)
        yield Cause(
            code="instructions_missing",
            words=f"This processor lacks instructions that the ear's library needs ({lacking or 'unknown ones'}).",
            remedy='Hear clips on the other node, or set voice.mock = true. In a virtual machine: pass the processor through ("host").',
        )
    elif "avx2" not in has:
        yield Cause(
            code="instructions_slow",
            words="This processor has no AVX2: the ear works, and several times slower.",
            remedy="Take a small model, or in a virtual machine pass the processor through.",
            blocks=False,
        )


def openmp_twice(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    """Two OpenMP libraries in one process abort it, or, when they are told to bear each other, make wrong sums and crashes later."""
    kinds = {_openmp_kind(name) for name in facts.openmp}
    clashed = facts.signal == _ABORTED and _OPENMP.search(facts.failed) is not None
    if len(kinds) > 1 or len(set(facts.openmp)) > 1 or clashed:
        yield Cause(
            code="openmp_twice",
            words=f"Two OpenMP libraries meet in one process: {', '.join(sorted(set(facts.openmp))) or 'named in the error'}.",
            remedy=f"Give the appliance an environment of its own, without torch or conda packages: python -m venv, then {INSTALL}",
            blocks=clashed,
        )
    if facts.duplicate_openmp_allowed:
        yield Cause(
            code="openmp_trap",
            words="KMP_DUPLICATE_LIB_OK is set: it hides that two OpenMP libraries meet, and words may come out wrong without a sign.",
            remedy="Take it out of the environment of the service, and mend the cause that it hides.",
            blocks=False,
        )


def numpy_abi(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    if facts.failed and _ABI.search(facts.failed):
        version = facts.packages.get("numpy", "")
        yield Cause(
            code="numpy_abi",
            words=f"A package was built for another NumPy than the one installed{f' ({version})' if version else ''}.",
            remedy=f"Install all of them anew together: {INSTALL_ANEW}",
        )


def import_failed(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    """What no other look explains."""
    explained = _ABI.search(facts.failed) or _OPENMP.search(facts.failed) or facts.signal == _ILLEGAL
    if not all(facts.packages.get(name) for name in PACKAGES) or explained:
        return
    if facts.signal:
        yield Cause(
            code="import_crashed",
            words=f"Loading the ear's packages ended the process (signal {facts.signal}).",
            remedy=f"Install them anew: {INSTALL_ANEW}",
        )
    elif facts.failed:
        yield Cause(
            code="import_failed",
            words=f"The ear's packages cannot be loaded: {facts.failed.strip().splitlines()[-1][:300].rstrip('.')}.",
            remedy=f"Install them anew: {INSTALL_ANEW}",
        )


def device_missing(facts: Facts, options: EarOptions) -> Iterator[Cause]:
    if options.device == "cuda" and not facts.graphics_cards:
        why = "a Mac has none" if facts.system == "darwin" else "none is there, or its driver or CUDA libraries are missing"
        yield Cause(
            code="no_graphics_card",
            words=f'voice.device is "cuda", and no NVIDIA card can be used: {why}.',
            remedy='Set voice.device = "auto", or install the driver with CUDA 12 and cuDNN 9.',
        )
    elif options.device == "metal":
        yield Cause(
            code="metal_unused",
            words='voice.device is "metal": this engine has no use for the graphics card of a Mac and runs on the processor.',
            remedy='Nothing needs to be done; "auto" says the same.',
            blocks=False,
        )


def compute_type_unsupported(facts: Facts, options: EarOptions) -> Iterator[Cause]:
    wanted = options.compute_type
    if facts.compute_types and wanted not in ("auto", "default", *facts.compute_types):
        yield Cause(
            code="compute_type_unsupported",
            words=f'This device does not calculate in "{wanted}"; it can: {", ".join(sorted(facts.compute_types))}.',
            remedy='Set voice.compute_type = "auto".',
        )


def weights_missing(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    if facts.model_missing:
        yield Cause(
            code="weights_missing",
            words=facts.model_missing,
            remedy=f"{_bring(facts)}; or name another in voice.model (tandem models list).",
        )
    elif facts.missing_files:
        yield Cause(
            code="weights_not_whole",
            words=f"The model {facts.model} is not whole: {', '.join(facts.missing_files)} is not there.",
            remedy=f"{_bring(facts)} again.",
        )


def backlog(facts: Facts, _: EarOptions) -> Iterator[Cause]:
    if facts.waiting > BACKLOG_WARNING:
        yield Cause(
            code="backlog",
            words=f"{facts.waiting} clips wait to be heard.",
            remedy="Take a smaller model, give it more threads (voice.threads), or have people hear some of them.",
            blocks=False,
        )


LOOKS = (
    packages_missing, instructions_missing, openmp_twice, numpy_abi, import_failed, device_missing, compute_type_unsupported,
    weights_missing, backlog,
)  # fmt: skip


def _bring(facts: Facts) -> str:
    return f"Put it into {facts.model}" if facts.model.startswith("/") else f"Bring it: tandem models pull {facts.model}"


def _openmp_kind(name: str) -> str:
    """Intel's and LLVM's libraries are one kind by two names, GNU's the other."""
    return "gnu" if "gomp" in name.lower() else "llvm"
