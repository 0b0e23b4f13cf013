"""Run a benchmark once more in a child process whose flushes take 4 ms, as they do on a Mac."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from appliance.evals.bench.report import BenchReport, from_json

FLUSH_MICROSECONDS = 4_000
_SOURCE = Path(__file__).with_name("slowsync.c")


def with_slow_flush(module: str, arguments: list[str]) -> BenchReport | str:
    """The child's report; or, where there can be none, why."""
    if sys.platform != "linux":
        return "not measured at a 4 ms flush: that needs Linux; the disk here has a flush time of its own"
    compiler = shutil.which("cc")
    if compiler is None:
        return "not measured at a 4 ms flush: there is no C compiler (cc) to build the slow disk with"
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        library = Path(folder) / "slowsync.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), "TANDEM_FLUSH_MICROSECONDS": str(FLUSH_MICROSECONDS)}
        child = subprocess.run([sys.executable, "-m", module, *arguments], env=environment, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        return f"not measured at a 4 ms flush: the child ended with {child.returncode}: {child.stderr.strip().splitlines()[-1:]}"
    return from_json(child.stdout)
