"""Prompts are files, ``<task>.<language>.md``, and each that is used was released: its digest stands in ``released.toml`` beside it.

A prompt decides what a model writes, so a changed one is a changed product. It takes effect only when somebody has let it through the
gate (``tandem prompts release``); until then a writer that would work from it does not start, and says why. Templates of the policy
and the sentences in ``models/reasons`` are different: they are sent or shown as they stand, nothing is generated from them, and what
is sent passes the checks each time. They need no gate.

The program brings its own prompts. A person's lie in a folder of the home and win over ours of the same name.
"""

import hashlib
import re
import tomllib
from pathlib import Path

from appliance.engines.errors import PromptNotReleased
from appliance.ground.assets import asset
from appliance.records.base import Record

RELEASED = "released.toml"
PROMPT_BYTES_MOST = 64_000
_NAME = re.compile(r"^(?P<task>[a-z][a-z0-9_-]*)\.(?P<language>[a-z]{2})\.md$")
_RELEASE = "Run: tandem prompts release"


class Prompt(Record):
    """One prompt file. ``own``: a person's, and not the program's. ``digest`` is the SHA-256 of the file."""

    name: str
    task: str
    language: str
    text: str
    digest: str
    own: bool = False
    released: bool = False


class PromptBook:
    """The prompts in use. ``own``: the folder of a person's prompts. ``candidates``: the gate's book, which reads unreleased ones too."""

    def __init__(self, own: Path | None = None, shipped: Path | None = None, candidates: bool = False) -> None:
        self._own = own
        self._shipped = shipped or asset("models") / "prompts"
        self._candidates = candidates

    def all(self) -> tuple[Prompt, ...]:
        """Every prompt, by name, released or not. Raises ``PromptNotReleased`` for a file or a list that cannot be read."""
        found = {prompt.name: prompt for prompt in self._in(self._shipped, own=False)}
        if self._own is not None:
            found.update({prompt.name: prompt for prompt in self._in(self._own, own=True)})
        return tuple(found[name] for name in sorted(found))

    def of(self, task: str) -> dict[str, Prompt]:
        """The prompts of a task by language. Raises :class:`PromptNotReleased` when one was changed since its release, or none is there."""
        prompts = {prompt.language: prompt for prompt in self.all() if prompt.task == task}
        if not prompts:
            raise PromptNotReleased(f"There is no prompt for the task {task}.", "Install the program again: a file of it is missing.")
        for prompt in prompts.values():
            if not prompt.released and not self._candidates:
                raise PromptNotReleased(f"The prompt {prompt.name} was changed and not released.", f"{_RELEASE}, or put the file back.")
        return prompts

    def version(self, task: str) -> str:
        """What stands in a decision: the task and a digest of its prompts in all languages."""
        digests = [prompt.digest for _, prompt in sorted(self.of(task).items())]
        return f"{task}@{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:12]}"

    def _in(self, folder: Path, own: bool) -> list[Prompt]:
        if not folder.is_dir():
            return []
        released = read_released(folder)
        return [_read(path, found, own, released) for path in sorted(folder.iterdir()) if (found := _NAME.match(path.name))]


def read_released(folder: Path) -> dict[str, str]:
    """The released digests by file name; none where there is no list. Raises :class:`PromptNotReleased` when it cannot be read."""
    path = folder / RELEASED
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("released", {})
        return {name: value for name, value in table.items() if isinstance(value, str)}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
        raise PromptNotReleased(
            f"The list of released prompts {path} cannot be read.", "Restore it, or release the prompts again."
        ) from error


def digest_of(text: bytes) -> str:
    """Of a prompt file. Line ends do not count: a file that travelled over Windows is still the same prompt."""
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def _read(path: Path, found: re.Match[str], own: bool, released: dict[str, str]) -> Prompt:
    try:
        raw = path.read_bytes()
        text = raw[: PROMPT_BYTES_MOST + 1].decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptNotReleased(f"The prompt {path} cannot be read.", "It must be UTF-8 text that this user may read.") from error
    if len(raw) > PROMPT_BYTES_MOST:
        raise PromptNotReleased(f"The prompt {path} is larger than {PROMPT_BYTES_MOST:,} bytes.", "Make it shorter.")
    digest = digest_of(raw)
    return Prompt(
        name=path.name,
        task=found["task"],
        language=found["language"],
        text=text,
        digest=digest,
        own=own,
        released=released.get(path.name) == digest,
    )
