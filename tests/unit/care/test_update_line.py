"""The pair's line for updates: a wheel arrives whole or not at all, and nobody who may not has a step done."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from appliance.ground.errors import Refused
from appliance.node.forward import Answer, Call
from appliance.node.update_side import Bring, UpdateSide
from appliance.node.update_steps import FOLDER, WHEELS
from appliance.pair.copying.frames import FilePart
from appliance.pair.line.errors import LineError
from appliance.pair.line.wire import Line, Open, dial
from appliance.records.person import Actor, Role
from tests.unit.pair.line.ends import PATIENCE, World

ADMIN = Actor(name="cli", role=Role.ADMIN)
OPERATOR = Actor(name="otso", role=Role.OPERATOR)


@contextmanager
def connected(base: Path, running: bool = True) -> Iterator[tuple[UpdateSide, Path]]:
    """The asking side, and the home of the other one, joined by a real line."""
    world, home = World(base), base / "there-home"
    home.mkdir()
    node: Any = SimpleNamespace(home=home, running=running)  # of a node these steps need no more
    side = UpdateSide(lambda: node, lambda: None)  # type: ignore[arg-type,return-value]
    with world.listening({"update": side.serve}) as listener:

        def line() -> Line:
            open_ = Open(service="update", node=world.there.node, pair="p", version="1")
            fingerprint = world.here.fingerprint
            return dial(("127.0.0.1", listener.port), world.there, fingerprint=fingerprint, open_=open_, seconds=PATIENCE)[0]

        yield UpdateSide(lambda: None, line), home


def folder_of(base: Path, **files: bytes) -> Path:
    folder = base / "brought"
    (folder / WHEELS).mkdir(parents=True)
    for name, data in files.items():
        (folder / f"{name.replace('__', '/')}.whl").write_bytes(data)
    return folder


def lying(home: Path) -> dict[str, bytes]:
    folder = home / FOLDER
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_file_arrives_as_it_was_and_what_lay_there_is_gone(tmp_path: Path) -> None:
    product, package = bytes(range(256)) * 9000, b"p" * (1 << 20)  # the second fills one part exactly
    with connected(tmp_path) as (side, home):
        (home / FOLDER / WHEELS).mkdir(parents=True)
        (home / FOLDER / "old-1.whl").write_bytes(b"old")
        (home / FOLDER / WHEELS / "old-1.whl").write_bytes(b"old")
        assert side.bring(ADMIN, folder_of(tmp_path, tandem=product, wheels__click=package)) == len(product) + len(package)
        assert lying(home) == {"tandem.whl": product, "wheels/click.whl": package}


def test_whoever_may_not_manage_the_pair_brings_nothing_and_has_no_step_done(tmp_path: Path) -> None:
    with connected(tmp_path) as (side, home):
        with pytest.raises(Refused, match="operator may not"):
            side.bring(OPERATOR, folder_of(tmp_path, tandem=b"w"))
        with pytest.raises(Refused, match="operator may not"):
            side.ask(OPERATOR, "back", {"reason": "I want to"})
        assert lying(home) == {}


def test_a_node_that_is_being_started_says_so(tmp_path: Path) -> None:
    with connected(tmp_path, running=False) as (side, _), pytest.raises(Refused, match="just being started"):
        side.ask(ADMIN, "look", {})


@pytest.mark.parametrize("step", ["do", "__init__", "_end", "rm", ""])
def test_only_the_steps_of_an_update_can_be_asked_for(tmp_path: Path, step: str) -> None:
    with connected(tmp_path) as (side, _), pytest.raises(Refused, match="does not know that step"):
        side.ask(ADMIN, step, {})


def test_words_that_make_no_sense_are_refused_and_the_line_goes_on(tmp_path: Path) -> None:
    with connected(tmp_path) as (side, _):
        line = side._dial()
        for arguments in (b"", b"{}", b'{"actor": 1, "words": {}}', b"[" * 3000):
            line.send(Call(command="start", arguments=arguments))
            assert line.receive(Answer, PATIENCE).error is not None
        line.close()
        with pytest.raises(Refused):
            side.ask(ADMIN, "start", {"version": 2, "seconds": "long"})


@pytest.mark.parametrize(
    "name", ["../tandem.whl", "/tmp/tandem.whl", "wheels/../x.whl", "tandem.txt", ".whl", "a b.whl", "wheels/wheels/a.whl"]
)
def test_a_name_that_leads_elsewhere_is_refused_before_a_byte_comes(tmp_path: Path, name: str) -> None:
    with connected(tmp_path) as (side, home):
        line = side._dial()
        line.send(Bring(actor=ADMIN, name=name, size=1, sha256=bytes(32)))
        answer = line.receive(Answer, PATIENCE)
        line.close()
        assert answer.error is not None
        assert answer.error.message.startswith("That is no name")
        assert lying(home) == {}


@pytest.mark.parametrize(
    ("parts", "size"),
    [([b"changed"], 7), ([b"more than", b" was told"], 9), ([b"less"], 7)],
    ids=["another content", "more", "less"],
)
def test_what_is_not_what_was_announced_gets_no_name(tmp_path: Path, parts: list[bytes], size: int) -> None:
    with connected(tmp_path) as (side, home):
        line = side._dial()
        line.send(Bring(actor=ADMIN, name="tandem.whl", size=size, sha256=hashlib.sha256(b"content").digest()))
        assert line.receive(Answer, PATIENCE).error is None
        for place, part in enumerate(parts):
            line.send(FilePart(data=part, last=place == len(parts) - 1))
        assert line.receive(Answer, PATIENCE).error is not None
        line.close()
        assert lying(home) == {}


def test_a_line_that_is_cut_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with connected(tmp_path) as (side, home):
        line = side._dial()
        line.send(Bring(actor=ADMIN, name="tandem.whl", size=100, sha256=bytes(32)))
        assert line.receive(Answer, PATIENCE).error is None
        line.send(FilePart(data=b"half", last=False))
        line.close()
        with pytest.raises(LineError):
            line.receive(Answer, PATIENCE)
    assert lying(home) == {}  # the listener has stopped, and its threads with it


def test_the_digest_has_its_length_or_there_is_no_such_frame() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(Bring(actor=ADMIN, name="a.whl", size=1, sha256=b"short")), type=Bring)
