"""Is the database file whole? Asked at the start, before anything is opened for writing, so that what is damaged stays as it is.

Theory of operation
-------------------
SQLite takes a write-ahead log as far as its checksums are right and forgets the rest: after a crash that is what was never
acknowledged. It cannot tell that from a log that was cut or overwritten. The log's index (``-shm``) can: it counts a frame only
after the log was synced, and it is left behind by a process that was killed. A log that gives less than its index promises has
lost something that was acknowledged. Without an index, two commits behind the first bad frame say the same: only the last one may
have been on its way.

How far the log is right is asked of SQLite itself, on links to the files in a folder of their own: a connection that may only read
changes nothing there.
"""

import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from interstate.store.ports import StoreUnavailable

_MAGIC = b"SQLite format 3\0"
_HEADER, _FRAME = 32, 24
_INDEX = struct.Struct("=IIIBBHII8s8s8s")
_CHECKED = "check"
_FREE_WANTED = 1 << 20


class Damaged(RuntimeError):
    """A file of the data directory is not what was written."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(
            f"{file} is damaged: {what}. Nothing was changed. Move {file.parent} away and put a backup back: "
            f"'interstate restore BACKUP --data {file.parent}'."
        )


class DiskRefuses(StoreUnavailable):
    """The disk takes no more, or gives back what was not written; the message says what to do."""


class _Index(NamedTuple):
    """What the log's index says: so many frames, of the log with this salt, of which so many are in the database file."""

    frames: int
    salt: bytes
    folded: int


def unavailable(error: Exception, directory: Path | None) -> StoreUnavailable | None:
    """What an error of SQLite's means when it is the disk's: nobody can write now; None when it is about what was written."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskRefuses(f"the disk of {directory} is full: free some space")
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            if (
                directory is not None and shutil.disk_usage(directory).free < _FREE_WANTED
            ):  # The log's index could not grow.
                return DiskRefuses(f"the disk of {directory} is full ({error}): free some space")
            return DiskRefuses(f"the disk of {directory} refuses ({error}): look at it")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DiskRefuses(
                f"{directory}/interstate.db is damaged ({error}): stop the server, move the directory away and put a backup "
                f"back with 'interstate restore BACKUP --data {directory}'"
            )
        case _:
            return None


def refuse_damage(database: Path) -> None:
    """Look at a database file and its log.

    Raises:
        Damaged: something that was acknowledged is missing.
    """
    log, index = database.with_name(f"{database.name}-wal"), _index_of(database.with_name(f"{database.name}-shm"))
    log_bytes = log.stat().st_size if log.exists() else 0
    if not database.exists() or not database.stat().st_size:
        if log_bytes:
            raise Damaged(database, "it is empty, and its log is not")
        return
    if not log_bytes:
        if index is not None and index.frames > index.folded:
            raise Damaged(log, f"it is gone, with {index.frames} pages that are not in the database file")
        _refuse_short(database, _pages_in_header(database), frozenset())
        return
    with _looking(database, log) as found:
        frames, pages = found
    with log.open("rb") as file:
        header = file.read(_HEADER)
        page_bytes = _page_bytes(header)
        _refuse_lost_frames(log, header, frames, index, _later_commits(file, page_bytes, header[16:24], frames))
        held = frozenset(page for page, _, _ in _frames(file, page_bytes, 0, frames))
    _refuse_short(database, pages, held)


def _refuse_lost_frames(log: Path, header: bytes, frames: int, index: _Index | None, later_commits: int) -> None:
    if not frames and any(header) and log.stat().st_size > _HEADER and not _is_log(header):
        raise Damaged(log, "its header is not that of a write-ahead log")
    if index is not None and index.salt == header[16:24]:
        if frames < index.frames:
            raise Damaged(log, f"{index.frames - frames} of its {index.frames} pages are missing or overwritten")
    elif index is not None and index.frames > index.folded and not frames:
        raise Damaged(log, f"it is not the one that held {index.frames} pages when the server ended")
    elif later_commits > 1:
        raise Damaged(log, f"page {frames + 1} is overwritten, and {later_commits} commits follow it")


def _refuse_short(database: Path, pages: int, held: frozenset[int]) -> None:
    """The file must have all pages but those that are in the log."""
    with database.open("rb") as file:
        head = file.read(100)
    if head[:16] != _MAGIC and 1 not in held:
        raise Damaged(database, "it is not a database of SQLite")
    size = int.from_bytes(head[16:18], "big")
    page_bytes = 65536 if size == 1 else size or 4096
    there = database.stat().st_size // page_bytes
    missing = sum(page not in held for page in range(there + 1, pages + 1))
    if missing:
        raise Damaged(database, f"{missing} of its {pages} pages are missing at the end")


def _pages_in_header(database: Path) -> int:
    with database.open("rb") as file:
        head = file.read(100)
    # The count is right only when the version that wrote it is the one that wrote last.
    return int.from_bytes(head[28:32], "big") if head[24:28] == head[92:96] else 0


class _looking:  # noqa: N801 a context manager reads as a verb
    """How many frames of a log SQLite takes, and how many pages the database has with them; nothing is written to either."""

    def __init__(self, database: Path, log: Path) -> None:
        self._database, self._log = database, log
        self._folder = database.parent / _CHECKED

    def __enter__(self) -> tuple[int, int]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        copy = self._folder / self._database.name
        _bring(self._database, copy)
        _bring(self._log, Path(f"{copy}-wal"))
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            try:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise Damaged(self._database, str(error)) from error
                raise
            index = _index_of(copy.with_name(f"{copy.name}-shm"))
        return (0 if index is None else index.frames), pages

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _index_of(path: Path) -> _Index | None:
    """What a log's index says; None when there is none, or it was being written."""
    try:
        with path.open("rb") as file:
            head = file.read(2 * _INDEX.size + 4)
    except FileNotFoundError:
        return None
    if len(head) < 2 * _INDEX.size + 4 or head[: _INDEX.size] != head[_INDEX.size : 2 * _INDEX.size]:
        return None
    _, _, _, ready, _, _, frames, _, _, salt, _ = _INDEX.unpack_from(head)
    (folded,) = struct.unpack_from("=I", head, 2 * _INDEX.size)
    return _Index(frames, salt, folded) if ready else None


def _is_log(header: bytes) -> bool:
    return int.from_bytes(header[:4], "big") & ~1 == 0x377F0682


def _page_bytes(header: bytes) -> int:
    return int.from_bytes(header[8:12], "big") or 4096


def _frames(file: BinaryIO, page_bytes: int, first: int, end: int | None) -> Iterator[tuple[int, int, bytes]]:
    """(page, pages of the database if this ends a commit, salt) of the frames from ``first`` up to ``end``, or the file's end."""
    at = first
    while end is None or at < end:
        file.seek(_HEADER + at * (_FRAME + page_bytes))
        head = file.read(_FRAME)
        if len(head) < _FRAME:
            return
        yield int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big"), head[8:16]
        at += 1


def _later_commits(file: BinaryIO, page_bytes: int, salt: bytes, frames: int) -> int:
    """Commits of this log behind the frames that SQLite takes."""
    return sum(ends > 0 and found == salt for _, ends, found in _frames(file, page_bytes, frames, None))


def _bring(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # A file system without links.
        shutil.copyfile(source, target)
