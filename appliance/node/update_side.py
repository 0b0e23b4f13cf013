"""The pair's line for updates (service ``update``): the wheel goes to the other machine, and steps are done there.

    asker   ──▶ Bring, FilePart ...    a file, in parts, with its digest        ──▶ Answer
            ──▶ Call                   a step by its name, its words as JSON    ──▶ Answer

Nothing is fetched from a network; what arrives has its name only when all of it is there and has the digest that was told before.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from appliance.ground.errors import Refused, TandemError
from appliance.ground.files import flush_directory, flush_to_disk
from appliance.ground.log import Log
from appliance.node.forward import Answer, Call, problem_of, raised
from appliance.node.update_steps import FOLDER, WHEELS, Steps, clear
from appliance.pair.copying.frames import PART_BYTES, FilePart
from appliance.pair.line.errors import LineError
from appliance.pair.line.wire import Line, Open
from appliance.policy import roles
from appliance.records.base import Record
from appliance.records.person import Actor

if TYPE_CHECKING:
    from appliance.node.node import Node

log = Log("update")

ANSWER_SECONDS = 580.0  # an installation takes its time; the socket that asked for it waits 600 s
PART_SECONDS = 60.0
FILE_BYTES_MOST = 1 << 30
SPARE_BYTES = 64 << 20
_NAME = re.compile(r"(?:wheels/)?[A-Za-z0-9][A-Za-z0-9._+-]{0,150}\.whl", re.ASCII)


class Bring(Record, tag="bring"):
    """A file comes. ``first``: of an update, so that what an earlier one left goes."""

    actor: Actor
    name: Annotated[str, Meta(max_length=200)]
    size: Annotated[int, Meta(ge=0, le=FILE_BYTES_MOST)]
    sha256: Annotated[bytes, Meta(min_length=32, max_length=32)]
    first: bool = False


class Words(Record):
    """The words of a step, and who wants it done."""

    actor: Actor
    words: msgspec.Raw


class UpdateSide:
    """Of one node: asks the other one, and answers it. ``dial`` opens a line for the service ``update``, whoever leads."""

    def __init__(self, node: Callable[[], "Node | None"], dial: Callable[[], Line]) -> None:
        self._node = node
        self._dial = dial

    # Asking

    def ask(self, actor: Actor, step: str, words: Any) -> Any:
        """Have a step done on the other machine. Raises what it raised there, and ``LineError`` when it does not answer."""
        line = self._dial()
        try:
            line.send(Call(command=step, arguments=msgspec.json.encode(Words(actor=actor, words=msgspec.Raw(msgspec.json.encode(words))))))
            return msgspec.json.decode(_answered(line).result)
        finally:
            line.close()

    def bring(self, actor: Actor, folder: Path) -> int:
        """Give the other machine the files of this update; how many bytes they are."""
        line, total = self._dial(), 0
        try:
            for path in (*sorted(folder.glob("*.whl")), *sorted((folder / WHEELS).glob("*.whl"))):
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").digest()
                    size = file.tell()
                    name = path.relative_to(folder).as_posix()
                    line.send(Bring(actor=actor, name=name, size=size, sha256=digest, first=not total))
                    _answered(line)
                    file.seek(0)
                    for start in range(0, size, PART_BYTES):
                        line.send(FilePart(data=file.read(PART_BYTES), last=start + PART_BYTES >= size))
                _answered(line)
                total += size
            return total
        finally:
            line.close()

    # Answering

    def serve(self, line: Line, _open: Open) -> None:
        """Do what the other machine asks for, until its line goes."""
        while True:
            try:
                said = line.receive(Call | Bring, 600.0)
            except LineError:
                return
            line.send(self._done(line, said))

    def _done(self, line: Line, said: Call | Bring) -> Answer:
        try:
            if isinstance(said, Bring):
                self._take(line, said)
                return Answer()
            return Answer(result=msgspec.json.encode(self._step(said)))
        except LineError:
            raise
        except TandemError as error:
            return Answer(error=problem_of(error))
        except (msgspec.ValidationError, msgspec.DecodeError, OSError) as error:
            log.warning("update_step_failed", reason=type(error).__name__)
            reason = f"The other machine could not do that ({type(error).__name__})."
            return Answer(error=problem_of(Refused(reason, "See its log; then try again.")))
        except Exception as error:
            log.error("update_step_failed", error=error)
            return Answer(error=problem_of(Refused("The step failed inside the other machine.", "See errors.log in its home.")))

    def _step(self, call: Call) -> Any:
        told = msgspec.json.decode(call.arguments, type=Words)
        node = self._allowed(told.actor)
        kind = Steps.WORDS.get(call.command)
        return Steps(node).do(call.command, msgspec.json.decode(told.words, type=kind) if kind is not None else None)

    def _allowed(self, actor: Actor) -> "Node":
        node = self._node()
        if node is None or not node.running:
            raise Refused("The other machine is just being started.", "Try again in a few seconds.")
        if not roles.may(actor.role, "manage_pair"):
            raise Refused(f"A {actor.role.name.lower()} may not do this.", "Ask an administrator.")
        return node

    def _take(self, line: Line, said: Bring) -> None:
        """Write a file beside its place, verify it, and give it its name."""
        node = self._allowed(said.actor)
        if not _NAME.fullmatch(said.name):
            raise Refused("That is no name of a wheel.", "Give the files as they were built.")
        folder = node.home / FOLDER
        (folder / WHEELS).mkdir(mode=0o700, parents=True, exist_ok=True)
        if said.first:
            clear(folder)
        if shutil.disk_usage(folder).free < said.size + SPARE_BYTES:
            raise Refused("The other machine's disk has no room for the wheel.", "Make room on that disk.")
        path = folder / said.name
        part = path.with_name(f"{path.name}.part")
        line.send(Answer())
        try:
            digest = _receive(line, part, said.size)
            if digest != said.sha256:
                raise Refused("What arrived is not what was sent.", "Try again.")
            os.replace(part, path)
            flush_directory(path.parent)
        finally:
            part.unlink(missing_ok=True)


def _receive(line: Line, part: Path, size: int) -> bytes:
    """Write the parts; the digest of what came. A file without a byte has no parts."""
    digest, got, last = hashlib.sha256(), 0, size == 0
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        while not last:
            said = line.receive(FilePart, PART_SECONDS)
            got, last = got + len(said.data), said.last
            if got > size:
                raise Refused("More came than was announced.", "Try again.")
            digest.update(said.data)
            file.write(said.data)
        file.flush()
        flush_to_disk(file.fileno())
    return digest.digest()


def _answered(line: Line) -> Answer:
    answer = line.receive(Answer, ANSWER_SECONDS)
    if answer.error is not None:
        raise raised(answer.error)
    return answer
