"""Damaged files are refused at the start, by name and with what to do; what a crash leaves is not damage."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from interstate.store.ports import StoreUnavailable
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.sequences import Sequences
from interstate.store.sqlite.damage import Damaged, refuse_damage, unavailable
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.unit_of_work import UnitOfWork

ROWS = 40


@cache
def _left(restarts_log_at: int) -> Path:
    directory = Path(tempfile.mkdtemp(prefix="interstate-damage-"))
    store = SqliteStore(directory / "lives")
    for number in range(ROWS):
        store.begin()
        work = UnitOfWork(store.rows, Sequences())
        work.put(SETTINGS, Setting(f"k{number}", "x" * 3000))
        work.flush()
        store.commit()
        if number == restarts_log_at:
            store.shorten_wal(truncate=False)
    shutil.copytree(directory / "lives", directory / "left")  # What is on the disk now is what a kill -9 leaves.
    store.close()
    return directory / "left"


def killed(directory: Path, restarts_log_at: int = -1) -> Path:
    """A data directory whose process was killed after its last commit."""
    shutil.copytree(_left(restarts_log_at), directory)
    assert (directory / "interstate.db-wal").stat().st_size
    return directory


def rows(directory: Path) -> int:
    store = SqliteStore(directory)
    count = sum(found is not None for found in store.rows.fetch(SETTINGS, [(f"k{number}",) for number in range(ROWS)]))
    store.close()
    return count


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * 64)


def middle(path: Path) -> None:
    overwrite(path, path.stat().st_size // 2)


def head(path: Path) -> None:
    overwrite(path, 0)


@pytest.mark.parametrize("restarts_log_at", [-1, ROWS // 2])
def test_what_a_killed_process_leaves_is_whole(tmp_path: Path, restarts_log_at: int) -> None:
    assert rows(killed(tmp_path / "data", restarts_log_at)) == ROWS


@pytest.mark.parametrize(
    ("file", "damage", "index"),
    [
        ("interstate.db", cut, "kept"),
        ("interstate.db", cut, "gone"),
        (
            "interstate.db-wal",
            cut,
            "kept",
        ),  # Without its index, a log that ends early looks like one that was never longer.
        ("interstate.db-wal", middle, "kept"),
        ("interstate.db-wal", middle, "gone"),
        ("interstate.db-wal", head, "kept"),
        ("interstate.db-wal", head, "gone"),
        ("interstate.db-wal", Path.unlink, "kept"),
    ],
)
def test_a_damaged_log_or_file_is_refused_and_left_as_it_is(
    tmp_path: Path, file: str, damage: Callable[[Path], None], index: str
) -> None:
    directory = killed(tmp_path / "data", ROWS // 2 if file == "interstate.db" else -1)
    damage(directory / file)
    if index == "gone":
        (directory / "interstate.db-shm").unlink()
    before = {path.name: path.read_bytes() for path in directory.glob("interstate.db*")}
    for _ in range(2):  # The second look finds the same: the first one has mended nothing.
        with pytest.raises(Damaged, match="interstate restore BACKUP") as refused:
            SqliteStore(directory)
        assert file in str(refused.value)
    assert {path.name: path.read_bytes() for path in directory.glob("interstate.db*")} == before


def test_a_file_that_was_closed_and_cut_or_overwritten_is_refused(tmp_path: Path) -> None:
    assert rows(killed(tmp_path / "data")) == ROWS
    assert not (tmp_path / "data" / "interstate.db-wal").exists()
    for damage in (cut, head):
        copy = tmp_path / damage.__name__
        shutil.copytree(tmp_path / "data", copy)
        damage(copy / "interstate.db")
        with pytest.raises(Damaged, match=r"interstate\.db is damaged"):
            SqliteStore(copy)


def test_a_commit_that_was_on_its_way_is_not_damage(tmp_path: Path) -> None:
    """The last frames of a power loss: written in part, never acknowledged."""
    directory = killed(tmp_path / "data")
    log = directory / "interstate.db-wal"
    (directory / "interstate.db-shm").unlink()  # It counts only what was synced; a power loss may lose it, too.
    overwrite(log, log.stat().st_size - 2000)
    assert rows(directory) in (ROWS - 1, ROWS)


def test_an_empty_file_beside_a_log_is_refused_and_nothing_at_all_is_a_new_store(tmp_path: Path) -> None:
    refuse_damage(tmp_path / "interstate.db")
    directory = killed(tmp_path / "data")
    os.truncate(directory / "interstate.db", 0)
    with pytest.raises(Damaged, match="empty"):
        SqliteStore(directory)


def test_a_full_disk_is_nobodys_fault(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.writer.execute("PRAGMA max_page_count = 1")  # SQLite's own word for a disk that is full.
    store.begin()
    work = UnitOfWork(store.rows, Sequences())
    work.put(SETTINGS, Setting("large", "x" * 20_000_000))
    with pytest.raises(sqlite3.OperationalError) as refused:
        work.flush()
    away = store.unavailable(refused.value)
    assert isinstance(away, StoreUnavailable)
    assert f"the disk of {tmp_path} is full" in str(away)
    assert store.unavailable(sqlite3.IntegrityError("a row is there already")) is None
    store.close()


@pytest.mark.parametrize(("free", "told"), [(0, "is full (disk I/O error): free some space"), (1 << 30, "refuses")])
def test_a_disk_that_refuses_is_full_when_it_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, told: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=free))
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR | (19 << 8)  # SQLITE_IOERR_SHMSIZE
    assert told in str(unavailable(error, tmp_path))
