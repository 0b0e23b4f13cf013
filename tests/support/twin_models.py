"""The models of a node that lives in memory: one here, one damaged, one half brought, one that a setting names and that is missing."""

from typing import Any, Literal

import msgspec

from appliance.care.models.errors import LicenceNotAccepted, ModelInUse
from appliance.ground.clock import Clock
from appliance.ground.errors import Refused
from appliance.node.model_desk import Job
from appliance.policy import roles
from appliance.records.person import Actor

_PLAIN: dict[str, Any] = {
    "title": "", "about": "", "kind": "mlx", "licence": "Apache-2.0", "licence_url": "https://hub.example/licence", "needs": "llm",
    "note": "", "repository": "maker/model", "languages": ["en"], "accepted": None, "needs_missing": False, "memory_megabytes": 3500,
    "memory_measured": False, "fits": "", "ever_fits": True, "bytes": 2_300_000_000, "partly_bytes": 0, "state": "absent", "source": "",
    "checked_against": "", "revision": "", "at": 0.0, "verified": None, "used_by": [], "missing": False, "at_peer": None, "job": None,
}  # fmt: skip


def model(name: str, task: str = "writer", **said: Any) -> dict[str, Any]:
    """One row of the table."""
    return {**_PLAIN, "name": name, "task": task, **said}


class TwinModels:
    """A test may put other rows there."""

    clock: Clock
    done: list[Any]
    model_rows: dict[str, dict[str, Any]]

    def start_models(self) -> None:
        now = self.clock.now()
        accepted = {"licence": "Apache-2.0", "by": "cli", "at": "2026-11-01T08:00:00Z"}
        here = {"state": "here", "accepted": accepted, "checked_against": "card", "source": "hub", "at": now - 86_400}
        changed = {"at": now - 60, "ok": False, "findings": [{"file": "model.bin", "problem": "changed"}]}
        rows = (
            model("grounded", kind="built-in", state="built_in", bytes=0, memory_megabytes=0, repository="", languages=["fi", "sv", "en"]),
            model("qwen3-4b", title="Qwen3 4B", about="Writes English.", used_by=["writer.model"], missing=True, needs_missing=True),
            model("qwen3-30b", title="Qwen3 30B", memory_megabytes=19_500, ever_fits=False, fits="It needs about 19500 MB of memory."),
            model("minilm", "embedder", needs="embed", memory_measured=True, memory_megabytes=160, bytes=24_000_000, **here),
            model("whisper-small", "ear", needs="voice", **{**here, "state": "damaged", "verified": changed}),
            model("e5", "embedder", needs="embed", state="partly", partly_bytes=40_000_000, accepted=accepted),
        )
        self.model_rows = {row["name"]: row for row in rows}

    def models(self, ask_peer: bool = False) -> dict[str, Any]:
        rows = [dict(row, at_peer=row["name"] == "minilm" if ask_peer else None) for row in self.model_rows.values()]
        working = next((row["job"] for row in rows if row["job"] and row["job"]["state"] == "working"), None)
        memory = {"total_bytes": 16_000_000_000, "available_bytes": 9_000_000_000}
        return {
            "folder": "/var/lib/tandem/models", "hub": "https://hub.example", "free_bytes": 212_400_000_000, "memory": memory,
            "paired": True, "working": working, "models": rows,
        }  # fmt: skip

    def model_job(self, name: str) -> Job | None:
        job = self.model_rows[name]["job"]
        return None if job is None else msgspec.convert(job, Job)

    def accept_licence(self, actor: Actor, name: str) -> dict[str, Any]:
        self._manages(actor, f"accept {name}")
        self.model_rows[name]["accepted"] = {"licence": "Apache-2.0", "by": actor.name, "at": "2026-11-17T11:06:40Z"}
        return {"model": name, "accepted": self.model_rows[name]["accepted"]}

    def pull_model(self, actor: Actor, name: str, accept: bool = False, source: Literal["any", "hub", "peer"] = "any") -> Job:
        row = self.model_rows[name]
        if not (accept or row["accepted"]):
            raise LicenceNotAccepted("The licence of the model has not been accepted here.", "Read it.")
        self._manages(actor, f"pull {name} {source}")
        return self.work(name, "pull", done_bytes=1_000_000_000, total_bytes=2_300_000_000, file="model.safetensors", by=actor.name)

    def verify_model(self, actor: Actor, name: str) -> Job:
        self._manages(actor, f"verify {name}")
        return self.work(name, "verify", by=actor.name)

    def remove_model(self, actor: Actor, name: str, force: bool = False) -> dict[str, Any]:
        if self.model_rows[name]["used_by"] and not force:
            raise ModelInUse(f"{name} is in use.", "Name another one.")
        self._manages(actor, f"remove {name} {force}")
        self.model_rows[name]["state"] = "absent"
        return {"model": name, "freed_bytes": 24_000_000}

    def work(self, name: str, kind: Literal["pull", "import", "verify"], **said: Any) -> Job:
        """A piece of work as a node would tell it."""
        job = Job(model=name, kind=kind, started_at=self.clock.now(), **said)
        self.model_rows[name]["job"] = msgspec.to_builtins(job)
        return job

    def _manages(self, actor: Actor, what: str) -> None:
        if not roles.may(actor.role, "manage_models"):
            raise Refused("Your role does not allow this.", "Ask an admin.")
        self.done.append((actor, what))
