"""The commands around a whole state. What they refuse changes nothing."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.postgres_server import fresh_database
from typer.testing import CliRunner

from interstate.cli.app import app
from interstate.runtime.secrets_key import FILE, VARIABLE, unlock
from interstate.runtime.testing import World
from interstate.services.events.vault import vault
from interstate.store.copying import NUMBERS_AHEAD
from interstate.store.postgres.engine import PostgresStore
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.events_connections import CONNECTIONS, Connection
from interstate.store.sqlite.engine import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    key = vault()._key
    yield
    vault().unlock(key)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def filled(directory: Path) -> None:
    world = World((), directory=directory)
    world.run(lambda work: work.put(SETTINGS, Setting("mine", "x")))
    world.close()


def test_a_backup_is_restored_elsewhere(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "1 rows" in output) == (0, True), output
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"))
    assert code == 0, output
    world = World((), directory=tmp_path / "other")
    assert world.run(lambda work: work.get(SETTINGS, "mine")) is not None
    world.close()


def test_nothing_is_overwritten_unless_told_so(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "exists" in output) == (1, True)
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "--force" in output) == (1, True)


def test_data_that_a_server_holds_is_not_restored_into(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    world = World((), directory=tmp_path / "data")
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"), "--force")
    world.close()
    assert (code, "in use" in output) == (1, True)


def test_nothing_to_back_up(tmp_path: Path) -> None:
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "absent"))
    assert (code, "no Interstate data" in output) == (1, True)
    assert not (tmp_path / "b.db").exists()


def sealed(directory: Path) -> None:
    """A data directory with a connection whose secrets are sealed under the directory's key."""
    unlock(directory)
    secret = vault().seal(b"password", "arn", b"n" * 16)
    connection = Connection("arn", "scope", "name", "BASIC", "AUTHORIZED", "", {}, secret, NOW, NOW)
    world = World((), directory=directory)
    world.run(lambda work: work.put(CONNECTIONS, connection))
    world.close()


def opened(directory: Path) -> bytes | None:
    """What the connection's secrets are, to whom opens the directory."""
    unlock(directory)
    world = World((), directory=directory)
    found = world.run(lambda work: work.get(CONNECTIONS, "arn"))
    world.close()
    return vault().open(found.sealed, "arn")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_backup_has_its_key_beside_it_and_both_are_for_the_owner_only(tmp_path: Path) -> None:
    sealed(tmp_path / "data")
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "b.key" in output) == (0, True), output
    assert (mode(tmp_path / "b.db"), mode(tmp_path / "b.key")) == (0o600, 0o600)
    assert sorted(path.name for path in tmp_path.glob("b.*")) == ["b.db", "b.key"]
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"))
    assert code == 0, output
    assert mode(tmp_path / "other" / FILE) == 0o600
    assert opened(tmp_path / "other") == b"password"


def test_without_its_key_a_backup_says_what_is_lost(tmp_path: Path) -> None:
    sealed(tmp_path / "data")
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"), "--no-key")
    assert (code, "1 connections have secrets" in output) == (0, True), output
    assert not (tmp_path / "b.key").exists()
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"))
    assert (code, "secrets.key" in output) == (0, True), output
    assert opened(tmp_path / "other") is None


def test_another_key_is_not_overwritten_unless_told_so(tmp_path: Path) -> None:
    sealed(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    unlock(tmp_path / "other")
    before = (tmp_path / "other" / FILE).read_bytes()
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"))
    assert (code, "another key" in output) == (1, True), output
    assert (tmp_path / "other" / FILE).read_bytes() == before
    assert not (tmp_path / "other" / "interstate.db").exists()
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "other"), "--force")
    assert code == 0, output
    assert opened(tmp_path / "other") == b"password"


def test_a_move_to_postgres_and_back_brings_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed(tmp_path / "data")
    url = fresh_database()
    code, output = run("copy", str(tmp_path / "data"), url)
    assert (code, VARIABLE in output, str(tmp_path / "data" / FILE) in output) == (0, True, True), output
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data" / FILE))
    code, output = run("backup", str(tmp_path / "b.db"), "--database", url)
    assert (code, mode(tmp_path / "b.key")) == (0, 0o600), output
    monkeypatch.delenv(VARIABLE)
    code, output = run("restore", str(tmp_path / "b.db"), "--data", str(tmp_path / "back"))
    assert code == 0, output
    assert opened(tmp_path / "back") == b"password"


def test_a_copy_from_postgres_puts_the_key_beside_the_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who serves the directory without the variable would make another key, and open nothing."""
    sealed(tmp_path / "data")
    url = fresh_database()
    assert run("copy", str(tmp_path / "data"), url)[0] == 0
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data" / FILE))
    code, output = run("copy", url, str(tmp_path / "back"))
    assert (code, str(tmp_path / "back" / FILE) in output) == (0, True), output
    monkeypatch.delenv(VARIABLE)
    assert mode(tmp_path / "back" / FILE) == 0o600
    assert opened(tmp_path / "back") == b"password"


def test_a_key_that_lies_beside_the_data_already_is_not_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(tmp_path / "data")
    unlock(tmp_path / "other")
    before = (tmp_path / "other" / FILE).read_bytes()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data" / FILE))
    code, output = run("copy", str(tmp_path / "data"), str(tmp_path / "other"))
    assert (code, "another key" in output) == (1, True), output
    assert (tmp_path / "other" / FILE).read_bytes() == before


def test_numbers_go_on_above_those_that_postgres_gave(tmp_path: Path) -> None:
    """Who reads a log remembers the number up to which it came; what is written after the move must be above it."""
    url = fresh_database()
    store = PostgresStore(url)
    highest = store.rows.line.clock() << 8
    store.rollback()
    store.close()
    code, output = run("copy", url, str(tmp_path / "data"))
    assert code == 0, output
    embedded = SqliteStore(tmp_path / "data")
    ahead = embedded.numbers_ahead()
    embedded.close()
    assert int(NOW.timestamp() * 1_000_000) + ahead + 365 * 86_400_000_000 > highest
    assert ahead > highest // 2
    assert run("copy", str(tmp_path / "data"), str(tmp_path / "again"))[0] == 0
    world = World((), directory=tmp_path / "again")
    assert world.run(lambda work: work.get(SETTINGS, NUMBERS_AHEAD)).value == str(ahead)
    world.close()


def test_a_postgres_database_that_a_node_uses_is_not_restored_into(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    url = fresh_database()
    node = PostgresStore(url)
    code, output = run("restore", str(tmp_path / "b.db"), "--database", url, "--force")
    node.close()
    assert (code, "in use by running nodes" in output) == (1, True), output
    code, output = run("restore", str(tmp_path / "b.db"), "--database", url)
    assert code == 0, output


def test_a_backup_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "interstate.db").write_bytes(b"no database" * 100)
    code, output = run("backup", str(tmp_path / "b.db"), "--data", str(tmp_path / "data"))
    assert (code, "failed" in output) == (1, True), output
    assert list(tmp_path.glob("b.*")) == []
