"""What a node knows about its models, and the one long piece of work that is under way with them."""

import importlib.util
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace

from appliance.care.models import bring, verify
from appliance.care.models.errors import ModelInUse
from appliance.care.models.licence import Licences
from appliance.care.models.place import shelf_of, users
from appliance.engines import memory
from appliance.engines.cards import Card
from appliance.engines.shelf import PARTIAL, Installed, Shelf
from appliance.ground.errors import TandemError
from appliance.ground.log import Log
from appliance.records.base import Record

if TYPE_CHECKING:
    from appliance.node.node import Node

log = Log("models")

JOBS_KEPT = 20
_AS_IN_THE_CARD = ("name", "title", "about", "task", "kind", "licence", "licence_url", "needs", "note", "repository")
_MODULES = {"llm": ("mlx_lm",), "voice": ("faster_whisper",), "embed": ("ctranslate2", "tokenizers")}

JobKind = Literal["pull", "import", "verify"]
JobState = Literal["working", "done", "failed"]


class Job(Record):
    """A piece of work with a model. ``total_bytes`` 0: not known yet. ``message``, ``remedy`` and ``code`` say why it failed; ``note``
    what a person should know although it went well. Times in Unix seconds."""

    model: str
    kind: JobKind
    source: str = ""
    state: JobState = "working"
    file: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    started_at: float = 0.0
    ended_at: float = 0.0
    by: str = ""
    message: str = ""
    remedy: str = ""
    code: str = ""
    note: str = ""
    damaged: tuple[str, ...] = ()


class Reporter:
    """Tells how far a job is."""

    def __init__(self, change: Callable[..., None]) -> None:
        self.change = change

    def __call__(self, file: str, done: int, total: int) -> None:
        self.change(file=file, done_bytes=done, total_bytes=total)


Work = Callable[[Reporter], str]


class ModelDesk:
    """Of one node. One job at a time: two downloads at once end no sooner."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.stop = threading.Event()

    @property
    def shelf(self) -> Shelf:
        return shelf_of(self._node.settings)

    @property
    def licences(self) -> Licences:
        return Licences(self._node.home)

    def close(self, seconds: float = 5.0) -> None:
        """End what is under way; it is gone on with by the next pull."""
        self.stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    # Work

    def begin(self, kind: JobKind, model: str, source: str, by: str, work: Work) -> Job:
        """Do this in a thread of its own. Raises ``ModelInUse`` while something else is being done."""
        with self._lock:
            busy = next((job for job in self._jobs.values() if job.state == "working"), None)
            if busy is not None:
                raise ModelInUse(
                    f"{busy.model} is being worked on ({busy.kind}).", "Wait until that has ended: tandem models list", code="model_busy"
                )
            job = Job(model=model, kind=kind, source=source, by=by, started_at=self._node.clock.now())
            self._jobs.pop(model, None)
            self._jobs[model] = job
            for old in list(self._jobs)[:-JOBS_KEPT]:
                del self._jobs[old]
            self._thread = threading.Thread(target=self._run, args=(model, work), name="models", daemon=True)
            self._thread.start()
        return job

    def job(self, model: str) -> Job | None:
        """The last piece of work with this model; None when there was none since the start."""
        with self._lock:
            return self._jobs.get(model)

    def working(self) -> Job | None:
        """What is being done now."""
        with self._lock:
            return next((job for job in self._jobs.values() if job.state == "working"), None)

    def _run(self, model: str, work: Work) -> None:
        reporter = Reporter(lambda **changes: self._change(model, **changes))
        try:
            note = work(reporter)
        except TandemError as error:
            log.warning("model_work_failed", model=model, code=error.code, reason=error.message)
            self._end(model, state="failed", message=error.message, remedy=error.remedy, code=error.code)
        except Exception as error:
            log.error("model_work_failed", model=model, error=error)
            self._end(
                model,
                state="failed",
                message=f"It failed inside ({type(error).__name__}).",
                remedy="See errors.log in the home.",
                code="model",
            )
        else:
            self._end(model, state="done", note=note)

    def _end(self, model: str, **changes: Any) -> None:
        self._change(model, ended_at=self._node.clock.now(), **changes)

    def _change(self, model: str, **changes: Any) -> None:
        with self._lock:
            if model in self._jobs:
                self._jobs[model] = replace(self._jobs[model], **changes)

    # Looking

    def table(self, at_peer: dict[str, Installed] | None = None) -> dict[str, Any]:
        """Every model that a card or the shelf knows, and what this machine has to offer them. Raises ``CardInvalid``."""
        shelf, licences = self.shelf, self.licences
        installed, known = shelf.installed(), shelf.cards()
        strangers = {name: Card(name=name, task="writer", kind="mlx") for name in installed if name not in known}
        rows = [self._row(card, shelf, licences, installed.get(card.name), at_peer) for card in (*known.values(), *strangers.values())]
        working = self.working()
        return {
            "folder": str(shelf.folder),
            "hub": self._node.settings.models.hub,
            "free_bytes": bring.free_bytes(shelf.folder),
            "memory": {"total_bytes": memory.total_bytes(), "available_bytes": memory.available_bytes()},
            "paired": self._node.pair is not None,
            "working": msgspec.to_builtins(working) if working is not None else None,
            "models": rows,
        }

    def _row(
        self, card: Card, shelf: Shelf, licences: Licences, here: Installed | None, at_peer: dict[str, Installed] | None
    ) -> dict[str, Any]:
        accepted, seen, job = licences.accepted(card), verify.last_look(shelf, card.name), self.job(card.name)
        partly = shelf.folder / PARTIAL / card.name
        state = _state(card, here, seen, partly.is_dir())
        used_by = users(self._node.settings, card, shelf)
        return {
            **{
                key: getattr(card, key)
                for key in ("name", "title", "about", "task", "kind", "licence", "licence_url", "needs", "note", "repository")
            },
            "languages": list(card.languages),
            "accepted": msgspec.to_builtins(accepted) if accepted is not None else None,
            "needs_missing": not _installed(card.needs),
            "memory_megabytes": card.memory_megabytes,
            "memory_measured": card.memory_measured,
            "fits": memory.fits(card.memory_megabytes),
            "ever_fits": memory.ever_fits(card.memory_megabytes),
            "bytes": here.bytes if here is not None else card.disk_megabytes * 1_000_000,
            "partly_bytes": bring.size_of(partly) if state == "partly" else 0,
            "state": state,
            "source": here.source if here is not None else "",
            "checked_against": here.checked_against if here is not None else "",
            "revision": here.revision if here is not None else "",
            "at": here.at if here is not None else 0.0,
            "verified": {"at": seen.at, "ok": seen.ok, "findings": msgspec.to_builtins(seen.findings)}
            if here is not None and seen
            else None,
            "used_by": list(used_by),
            "missing": bool(used_by) and state not in ("here", "built_in"),
            "at_peer": None if at_peer is None else card.name in at_peer,
            "job": msgspec.to_builtins(job) if job is not None else None,
        }


def _state(card: Card, here: Installed | None, seen: verify.Verified | None, partly: bool) -> str:
    if card.built_in:
        return "built_in"
    if here is not None:
        return "damaged" if seen is not None and not seen.ok else "here"
    return "partly" if partly else "absent"


def _as_told(seen: verify.Verified) -> dict[str, Any]:
    return {"at": seen.at, "ok": seen.ok, "findings": msgspec.to_builtins(seen.findings)}


def _installed(needs: str) -> bool:
    """Whether the optional part of this program is here; nothing of it is loaded for that."""
    return all(importlib.util.find_spec(name) is not None for name in _MODULES.get(needs, ()))
