"""The files that both nodes must have alike."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.pair.copying.errors import FilesFailed
from appliance.pair.copying.files import FilesDesk, Pulled, Shared, is_safe, pull
from appliance.pair.copying.frames import FileMark, FilePart, FilesWish, FileWish, Manifest, Turned
from appliance.pair.line.errors import BadFrame, LineLost
from appliance.pair.line.listener import Listener, Service
from appliance.pair.line.wire import Line, Open
from tests.unit.pair.copying.conftest import Keys
from tests.unit.pair.copying.support import call


@pytest.fixture
def serve(keys: Keys) -> Iterator[Callable[[Service], Callable[[], Line]]]:
    """Offer a service "files"; how to dial it."""
    listeners: list[Listener] = []

    def start(service: Service) -> Callable[[], Line]:
        mine, peer = keys
        listener = Listener("127.0.0.1", 0, mine, trusted=lambda: (peer.certificate,), services={"files": service}, judge=lambda _: "")
        listener.start()
        listeners.append(listener)
        return lambda: call((peer, mine), listener.port, "files")

    yield start
    for listener in listeners:
        listener.stop()


class Folder:
    """A node's files by name; it takes what begins with a name that it knows."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self.path = path

    def write(self, name: str, content: bytes, mode: int = 0o600) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    def places(self) -> dict[str, Path]:
        return {path.relative_to(self.path).as_posix(): path for path in self.path.rglob("*") if path.is_file()}

    def place(self, name: str) -> Path | None:
        return self.path / name if name.split("/")[0] in ("policy.toml", "macros.toml", "knowledge", "secret") else None

    def content(self) -> dict[str, tuple[bytes, int]]:
        return {name: (path.read_bytes(), path.stat().st_mode & 0o777) for name, path in self.places().items()}


@pytest.fixture
def theirs(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "leader")


@pytest.fixture
def ours(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "standby")


def pull_into(folder: Folder, dial: Callable[[], Line]) -> Pulled:
    return pull(dial, Shared(folder.places).manifest(), folder.place)


def test_a_pull_brings_what_differs_with_its_permissions_and_nothing_else(theirs: Folder, ours: Folder, serve: Callable) -> None:
    theirs.write("policy.toml", b"level = 2", 0o640)
    theirs.write("knowledge/kesä 2026.csv", b"a;b\n" * 700_000)
    theirs.write("knowledge/empty.md", b"")
    theirs.write("secret", b"s3cret")
    theirs.write("macros.toml", b"same", 0o644)
    ours.write("macros.toml", b"same", 0o644)
    ours.write("policy.toml", b"level = 1", 0o640)
    dial = serve(FilesDesk(Shared(theirs.places)).serve)
    before = ours.path.joinpath("macros.toml").stat().st_ino
    assert pull_into(ours, dial).changed == ("knowledge/empty.md", "knowledge/kesä 2026.csv", "policy.toml", "secret")
    assert ours.content() == theirs.content()
    assert ours.path.joinpath("macros.toml").stat().st_ino == before
    assert pull_into(ours, dial) == Pulled()


def test_a_file_whose_permissions_alone_differ_is_brought_too(theirs: Folder, ours: Folder, serve: Callable) -> None:
    theirs.write("secret", b"s3cret", 0o600)
    ours.write("secret", b"s3cret", 0o644)
    assert pull_into(ours, serve(FilesDesk(Shared(theirs.places)).serve)).changed == ("secret",)
    assert ours.content() == theirs.content()


def test_what_the_leader_does_not_have_any_more_is_told_and_left(theirs: Folder, ours: Folder, serve: Callable) -> None:
    ours.write("knowledge/old.md", b"old")
    assert pull_into(ours, serve(FilesDesk(Shared(theirs.places)).serve)).removed == ("knowledge/old.md",)
    assert ours.path.joinpath("knowledge/old.md").exists()


def test_a_change_of_the_same_size_is_seen(theirs: Folder, ours: Folder, serve: Callable) -> None:
    theirs.write("policy.toml", b"level = 1")
    shared = Shared(theirs.places)
    dial = serve(FilesDesk(shared).serve)
    pull_into(ours, dial)
    path = theirs.path / "policy.toml"
    status = path.stat()
    path.write_bytes(b"level = 2")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert pull_into(ours, dial).changed == ("policy.toml",)
    assert ours.content() == theirs.content()


UNSAFE = ("", "/etc/passwd", "../x", "knowledge/../../x", "knowledge//x", "./x", "knowledge/.", "a\\b", "c:x", "a\0b", "a\nb", " x", "x ", 
          "k/ x",          "x" * 256, "\u202etxt")  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_could_leave_its_folder_is_not_safe(name: str) -> None:
    assert not is_safe(name)


@pytest.mark.parametrize("name", ["policy.toml", "knowledge/kesä 2026.csv", "knowledge/a/b/c.pdf", "..a", "a..b", ".hidden"])
def test_a_plain_name_is_safe(name: str) -> None:
    assert is_safe(name)


def hostile(manifest: Manifest, *parts: FilePart | Turned) -> Service:
    """A leader that offers and gives whatever it likes."""

    def service(line: Line, _: Open) -> None:
        line.receive(FilesWish, 5.0)
        line.send(manifest)
        while True:
            line.receive(FileWish, 5.0)
            for part in parts:
                line.send(part)

    return service


def mark(content: bytes, size: int | None = None, mode: int = 0o600) -> FileMark:
    from hashlib import sha256

    return FileMark(sha256=sha256(content).digest(), size=len(content) if size is None else size, mode=mode)


def test_names_that_are_unsafe_or_unknown_here_are_refused_and_the_others_taken(ours: Folder, serve: Callable) -> None:
    content = b"x"
    names = ["../outside", "knowledge/../../outside", "/outside", "unknown.txt", "policy.toml"]
    manifest = Manifest(files={name: mark(content) for name in names})
    pulled = pull_into(ours, serve(hostile(manifest, FilePart(data=content, last=True))))
    assert pulled.changed == ("policy.toml",)
    assert set(pulled.refused) == set(names) - {"policy.toml"}
    assert list(ours.path.parent.rglob("outside")) == []


def test_what_is_not_what_was_announced_is_not_put_in_place(ours: Folder, serve: Callable) -> None:
    ours.write("policy.toml", b"level = 1")
    for parts in (
        (FilePart(data=b"level = 9", last=True),),
        (FilePart(data=b"x" * 100, last=False), FilePart(data=b"", last=True)),
        (FilePart(data=b"", last=True),),
        (Turned(code="unreadable"),),
    ):
        manifest = Manifest(files={"policy.toml": mark(b"level = 2")})
        with pytest.raises(FilesFailed):
            pull_into(ours, serve(hostile(manifest, *parts)))
        assert ours.content() == {"policy.toml": (b"level = 1", 0o600)}, "neither changed nor a part left behind"


def test_a_line_that_is_cut_in_the_middle_of_a_file_leaves_the_old_one(ours: Folder, serve: Callable) -> None:
    ours.write("policy.toml", b"level = 1")

    def service(line: Line, _: Open) -> None:
        line.receive(FilesWish, 5.0)
        line.send(Manifest(files={"policy.toml": mark(b"level = 2")}))
        line.receive(FileWish, 5.0)
        line.send(FilePart(data=b"level", last=False))
        line.let_go()

    with pytest.raises(LineLost):
        pull_into(ours, serve(service))
    assert ours.content() == {"policy.toml": (b"level = 1", 0o600)}


def test_only_what_was_offered_is_given(theirs: Folder, serve: Callable) -> None:
    theirs.write("policy.toml", b"level = 2")
    theirs.write("knowledge/a.md", b"a")
    everything = theirs.places()
    offered = {"policy.toml": everything["policy.toml"]}
    dial = serve(FilesDesk(Shared(lambda: offered)).serve)
    line = dial()
    line.send(FileWish(name="policy.toml"))
    assert line.receive(FilePart | Turned, 5.0) == Turned(code="no_such_file"), "before it was offered"
    line.send(FilesWish())
    line.receive(Manifest, 5.0)
    for name in ("knowledge/a.md", "../leader/policy.toml", str(everything["policy.toml"])):
        line.send(FileWish(name=name))
        assert line.receive(FilePart | Turned, 5.0) == Turned(code="no_such_file")
    line.close()


def test_special_permissions_do_not_travel(theirs: Folder, ours: Folder, serve: Callable) -> None:
    theirs.write("secret", b"x", 0o4711)
    pull_into(ours, serve(FilesDesk(Shared(theirs.places)).serve))
    assert (ours.path / "secret").stat().st_mode & 0o7777 == 0o711
    with pytest.raises(BadFrame):
        pull_into(ours, serve(hostile(Manifest(files={"secret": mark(b"y", mode=0o4755)}))))


def test_a_symbolic_link_in_the_place_of_the_part_is_not_followed(theirs: Folder, ours: Folder, tmp_path: Path, serve: Callable) -> None:
    theirs.write("policy.toml", b"level = 2")
    (tmp_path / "outside").write_bytes(b"untouched")
    (ours.path / f".policy.toml.{os.getpid()}.part").symlink_to(tmp_path / "outside")
    with pytest.raises(FilesFailed):
        pull_into(ours, serve(FilesDesk(Shared(theirs.places)).serve))
    assert (tmp_path / "outside").read_bytes() == b"untouched"
