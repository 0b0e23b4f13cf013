"""Benchmarks: speed is shown here, as ratios in one run, and never by a timed test.

``BENCHES`` is the list. Each takes at least ``rounds`` and gives a ``BenchReport``; the first line of its docstring says what it is.
"""

from collections.abc import Callable

from appliance.evals.bench import accept, audit, backlog, boot, embed, http, idle, panel, relay, replicate, sse, transcribe
from appliance.evals.bench.report import BenchReport, render

BENCHES: dict[str, Callable[..., BenchReport]] = {
    "accept": accept.run,
    "backlog": backlog.run,
    "audit": audit.run,
    "boot": boot.run,
    "idle": idle.run,
    "http": http.run,
    "panel": panel.run,
    "sse": sse.run,
    "replicate": replicate.run,
    "relay": relay.run,
    "embed": embed.run,
    "transcribe": transcribe.run,
}

__all__ = ["BENCHES", "BenchReport", "render"]
