"""Opening a home: what is wrong with it is said, with the remedy, and nothing is made up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.store import schema, sqlite
from appliance.store.errors import KeyringError, StoreCorrupt, StoreLocked, StoreOutdated, StoreTooNew
from tests.support.clock import FakeClock
from tests.unit.store.support import Desk, message, open_store


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Path:
    home = tmp_path / "home"
    with open_store(home, clock) as store:
        Desk(store, clock).take_in(message())
    return home


_HOLD = """
import sys
from pathlib import Path
from tests.support.clock import FakeClock
from tests.unit.store.support import open_store
store = open_store(Path(sys.argv[1]), FakeClock())
print("open", flush=True)
sys.stdin.read()
"""


def test_a_home_held_by_another_process_names_it(home: Path, clock: FakeClock) -> None:
    child = subprocess.Popen([sys.executable, "-c", _HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "open\n"
    try:
        with pytest.raises(StoreLocked, match=f"pid {child.pid}"):
            open_store(home, clock)
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()
    open_store(home, clock).close()


def test_a_second_store_in_the_same_process_is_refused_too(home: Path, clock: FakeClock) -> None:
    with open_store(home, clock), pytest.raises(StoreLocked):
        open_store(home, clock)


def test_a_database_of_a_newer_program_is_left_alone(home: Path, clock: FakeClock) -> None:
    connection = sqlite.open_writer(home / "tandem.db")
    connection.execute(f"PRAGMA user_version={len(schema.STEPS) + 1}")
    connection.close()
    before = (home / "tandem.db").read_bytes()
    with pytest.raises(StoreTooNew, match="newer release"):
        open_store(home, clock)
    assert (home / "tandem.db").read_bytes() == before


def test_a_file_that_is_no_database_is_named(home: Path, clock: FakeClock) -> None:
    (home / "tandem.db").write_bytes(b"this is not a database, whatever its name says " * 200)
    with pytest.raises(StoreCorrupt, match=r"tandem\.db"):
        open_store(home, clock)


def test_a_database_of_another_program_is_left_alone(tmp_path: Path, clock: FakeClock) -> None:
    home = tmp_path / "other"
    open_store(home, clock).close()
    (home / "tandem.db").unlink()
    connection = sqlite.open_writer(home / "tandem.db")
    connection.execute("CREATE TABLE somebody_elses (x)")
    connection.close()
    with pytest.raises(StoreCorrupt, match="not one of Tandem"):
        open_store(home, clock)


def test_a_missing_keyring_is_never_replaced_beside_a_database(home: Path, clock: FakeClock) -> None:
    (home / "keyring").unlink()
    with pytest.raises(KeyringError, match="missing"):
        open_store(home, clock)
    assert not (home / "keyring").exists()


def test_a_damaged_keyring_is_refused_and_kept(home: Path, clock: FakeClock) -> None:
    path = home / "keyring"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(KeyringError, match="damaged"):
        open_store(home, clock)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 5_000])
def test_a_keyring_that_is_none_is_refused(home: Path, clock: FakeClock, content: bytes) -> None:
    (home / "keyring").write_bytes(content)
    with pytest.raises(KeyringError):
        open_store(home, clock)


def test_another_homes_keyring_opens_no_words_and_fails_the_chain(home: Path, tmp_path: Path, clock: FakeClock) -> None:
    open_store(tmp_path / "other", clock).close()
    (home / "keyring").write_bytes((tmp_path / "other" / "keyring").read_bytes())
    with pytest.raises(KeyringError, match="not the one"):
        open_store(home, clock)


def test_a_failed_opening_lets_go_of_the_home(home: Path, clock: FakeClock) -> None:
    keyring = (home / "keyring").read_bytes()
    (home / "keyring").write_bytes(b"")
    with pytest.raises(KeyringError):
        open_store(home, clock)
    (home / "keyring").write_bytes(keyring)
    open_store(home, clock).close()


def test_secrets_are_for_the_owner_alone(home: Path) -> None:
    for name in ("keyring", "tandem.db", "anchor"):
        assert (home / name).stat().st_mode & 0o077 == 0


def test_a_home_that_the_store_makes_is_for_its_owner_alone(tmp_path: Path, clock: FakeClock) -> None:
    home = tmp_path / "deep" / "home"
    open_store(home, clock).close()
    assert [folder.stat().st_mode & 0o777 for folder in (home, home / "run")] == [0o700, 0o700]


def test_the_rights_of_a_home_that_is_there_are_left_as_they_are(tmp_path: Path, clock: FakeClock) -> None:
    home = tmp_path / "mine"
    home.mkdir(mode=0o750)
    home.chmod(0o750)
    open_store(home, clock).close()
    assert home.stat().st_mode & 0o777 == 0o750


def test_an_old_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "OLDEST_SAFE", (99, 0, 0))
    with pytest.raises(StoreOutdated, match="can corrupt a database"):
        sqlite.check_library()


def _modules_after(script: str, home: Path) -> set[str]:
    code = f"{script}\nimport sys\nprint(' '.join(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    child = subprocess.run([sys.executable, "-c", code, str(home)], env=environment, capture_output=True, text=True, check=True)
    return set(child.stdout.split())


_OPEN = """
import sys
from pathlib import Path
from appliance.ground.clock import SystemClock
from appliance.store.store import Store
Store.open(Path(sys.argv[1]), SystemClock()).close()
"""


def test_the_standard_librarys_sqlite_is_never_loaded_not_even_by_the_migrations(tmp_path: Path) -> None:
    modules = _modules_after(_OPEN, tmp_path / "fresh")
    assert "sqlite_utils" in modules
    assert "_sqlite3" not in modules


def test_opening_an_up_to_date_home_imports_no_migration_tool(home: Path) -> None:
    modules = _modules_after(_OPEN, home)
    assert "sqlite_utils" not in modules
    assert "_sqlite3" not in modules


def test_every_table_is_strict_and_every_commit_reaches_the_disk(home: Path, clock: FakeClock) -> None:
    with open_store(home, clock) as store:
        tables = store._readers.all(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        assert {name for name, _ in tables} == {*schema.STATE_TABLES, *schema.LOCAL_TABLES, "journal", "bodies"}
        assert all(strict for _, strict in tables)
        ask = store._books.connection.execute
        assert ask("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert ask("PRAGMA synchronous").fetchone()[0] == 2
        assert ask("PRAGMA fullfsync").fetchone()[0] == 1
        assert ask("PRAGMA checkpoint_fullfsync").fetchone()[0] == 1


def test_a_reading_connection_cannot_write(home: Path, clock: FakeClock) -> None:
    with open_store(home, clock) as store, pytest.raises(sqlite.Error):
        store._readers.connection().execute("DELETE FROM cases")
