"""Letting a prompt into use, and taking it back: the list ``released.toml`` beside the prompts, and the texts that were in use before.

Of a company's own prompts each released text is kept, so that one step back is always there; the step before the first leads to the
program's own prompt. The program's prompts go back with the program itself.
"""

import os
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from appliance.engines.errors import PromptNotReleased
from appliance.engines.prompts import RELEASED, Prompt, digest_of
from appliance.ground.errors import Refused
from appliance.ground.files import write_atomically

KEPT = "kept"
HISTORY_MOST = 20
_HEAD = "The prompts that went through the gate, by the SHA-256 of each file. Written by: tandem prompts release"


def release(folder: Path, prompts: tuple[Prompt, ...]) -> None:
    """Put these prompts of the folder into use. The gate is the caller's affair.

    Raises ``Refused`` when a file has changed since it was judged, and :class:`PromptNotReleased` when the folder cannot be written.
    """
    for prompt in prompts:
        if digest_of((folder / prompt.name).read_bytes()) != prompt.digest:
            raise Refused(f"{prompt.name} was changed while it was judged.", "Release it again.")
    document = _document(folder)
    for prompt in prompts:
        document["released"][prompt.name] = prompt.digest
        if prompt.own:
            _keep(folder, prompt)
            history = [digest for digest in document["history"].get(prompt.name, []) if digest != prompt.digest]
            document["history"][prompt.name] = [*history, prompt.digest][-HISTORY_MOST:]
    _write(folder, document)


def back(folder: Path, name: str) -> str:
    """Undo the last release of one of a company's own prompts; the digest now in use, "" when that is the program's own prompt again.

    What lay in the file is kept beside it. Raises ``Refused`` when there is nothing to go back to.
    """
    document = _document(folder)
    history = [str(digest) for digest in document["history"].get(name, [])]
    if not history:
        raise Refused(
            f"No release of {name} is known in {folder}.", "The program's own prompts go back with the program: tandem update --rollback"
        )
    before = history[-2] if len(history) > 1 else ""
    text = _kept(folder, name, before).read_bytes() if before else b""
    path = folder / name
    if path.exists():
        _save(folder / KEPT / f"{name}.before-going-back", path.read_bytes())
    if before:
        document["released"][name] = before
        document["history"][name] = history[:-1]
        _write(folder, document)
        _save(path, text)
    else:
        path.unlink(missing_ok=True)
        document["released"].pop(name, None)
        document["history"].pop(name, None)
        _write(folder, document)
    return before


def _keep(folder: Path, prompt: Prompt) -> None:
    _save(_kept(folder, prompt.name, prompt.digest), prompt.text.encode())


def _kept(folder: Path, name: str, digest: str) -> Path:
    return folder / KEPT / f"{name}.{digest[:16]}"


def _document(folder: Path) -> tomlkit.TOMLDocument:
    path = folder / RELEASED
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise PromptNotReleased(f"The list of released prompts {path} cannot be read.", "Restore it from a backup.") from error
    if not path.exists():
        document.add(tomlkit.comment(_HEAD))
    for table in ("released", "history"):
        if table not in document:
            document[table] = tomlkit.table()
    return document


def _write(folder: Path, document: tomlkit.TOMLDocument) -> None:
    if not document["history"]:
        document.pop("history")
    _save(folder / RELEASED, tomlkit.dumps(document).encode())


def _save(path: Path, text: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text, mode=0o644)  # a prompt is no secret, and in a checkout others read it too
    except OSError as error:
        remedy = "The program's own prompts belong to the program: copy the file into the folder of writer.prompts and change it there."
        raise PromptNotReleased(f"{path} cannot be written ({os.strerror(error.errno or 0)}).", remedy) from error
