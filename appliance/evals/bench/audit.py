"""What the chain costs: appending entries with their hashes against without, verifying them against only reading them."""

import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.evals.bench.report import BenchReport, Figure, conditions, figure, seconds
from appliance.ground.errors import StoreError
from appliance.store.audit import Walk
from appliance.store.bare import JournalOnly, sample_payload

_TRANSACTIONS = 60
_ENTRIES = (1, 32)  # in a transaction: a lone accept, and a shared flush
_VERIFIED = 100_000
_KEY = b"bench" * 6


def run(rounds: int = 7, entries: int = _VERIFIED) -> BenchReport:
    """Append chained entries against plain ones, and verify the chain against a bare scan (P19)."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-bench-"))
    before = conditions(folder)
    try:
        figures = [*_appends(folder, rounds), _verifies(folder, rounds, entries)]
    finally:
        after = conditions(folder)
        shutil.rmtree(folder)
    return BenchReport(name="audit", rounds=rounds, before=before, after=after, figures=tuple(figures))


def _appends(folder: Path, rounds: int) -> list[Figure]:
    figures = []
    for entries in _ENTRIES:
        plain, chained = JournalOnly(folder / f"plain-{entries}.db", _KEY), JournalOnly(folder / f"chained-{entries}.db", _KEY)
        payloads = [sample_payload(number) for number in range(entries)]
        pairs = []
        for _ in range(rounds):
            ours = peer = 0.0
            for _ in range(_TRANSACTIONS):  # by turns within the round too: a transaction is shorter than the disk's moods
                peer += seconds(lambda: plain.append_plain(payloads))  # noqa: B023  (called at once)
                ours += seconds(lambda: chained.append_chained(payloads))  # noqa: B023
            pairs.append((ours / _TRANSACTIONS, peer / _TRANSACTIONS))
            plain.tidy()
            chained.tidy()
        plain.close()
        chained.close()
        name = f"append, {entries} entr{'y' if entries == 1 else 'ies'} a durable transaction"
        figures.append(figure(name, pairs, unit="s", limit="a plain insert", goal=1.1))
    return figures


def _verifies(folder: Path, rounds: int, entries: int) -> Figure:
    journal = JournalOnly(folder / "verify.db", _KEY)
    for start in range(0, entries, 1_000):
        journal.append_chained([sample_payload(number) for number in range(start, start + 1_000)])
    journal.tidy()
    public_key = Ed25519PrivateKey.generate().public_key()

    def verify() -> None:
        walk = Walk(journal.connection, journal.chain, public_key, 10)
        walk.chain()
        if walk.problems or walk.entries != entries:
            raise StoreError("The benchmark's own journal does not verify.", "Report this.")

    verify()
    pairs = [(seconds(verify), seconds(journal.scan)) for _ in range(rounds)]
    journal.close()
    return figure(f"verify {entries:,} entries", pairs, unit="s", limit="a bare scan", goal=2.5)
