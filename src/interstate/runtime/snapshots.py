"""Named snapshots of a running instance: a test's fixture in a second, put back as often as it is wanted.

They lie beside the data (``snapshots/NAME.db``), or in memory where the data is. Loading replaces everything: calls that
wait are answered, effects in flight are given up (they are performed again if the snapshot has them), the clock is the
snapshot's.
"""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from interstate.base.errors import ServiceError
from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.instance import Instance
from interstate.store.copying import SqliteSide, copy
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.sqlite.migrate import migrate

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class NoSuchSnapshot(ServiceError):
    """Nothing was saved under this name."""

    code = "NotFound"
    status = 404

    def __init__(self, name: str, known: list[str]) -> None:
        there = ", ".join(known) or "none yet; 'interstate save NAME' makes one"
        super().__init__(f"There is no snapshot {name!r}. There is: {there}.")


class InvalidSnapshot(ServiceError):
    """A snapshot cannot be made or loaded like this."""

    code = "ValidationException"


class Snapshots:
    """Saves and loads whole states of one instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._kept: dict[str, bytes] = {}  # Of an instance in memory.

    def _store(self) -> SqliteStore:
        store = self._instance.store
        if not isinstance(store, SqliteStore):
            raise InvalidSnapshot(
                "Snapshots are of the embedded store; use 'interstate backup --database URL FILE' here."
            )
        return store

    def _file(self, store: SqliteStore, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidSnapshot(f"{name!r} is no name for a snapshot: letters, digits, '.', '_' and '-', 64 at most.")
        assert store.directory is not None
        return store.directory / "snapshots" / f"{name}.db"

    def names(self) -> list[str]:
        """What can be loaded."""
        store = self._store()
        if store.directory is None:
            return sorted(self._kept)
        return sorted(path.stem for path in (store.directory / "snapshots").glob("*.db"))

    async def save(self, name: str) -> dict[str, Any]:
        """Keep the present state under a name; one of the same name is replaced."""
        store = self._store()
        if store.directory is None:
            if not _NAME.fullmatch(name):
                raise InvalidSnapshot(f"{name!r} is no name for a snapshot.")
            await self._instance.commits.between(lambda: self._keep(name, store))
            return {"saved": name, "bytes": len(self._kept[name])}
        path = self._file(store, name)
        try:
            await self._instance.commits.between(lambda: _write(store, path))
        except sqlite3.Error as error:
            path.with_suffix(".new").unlink(missing_ok=True)
            away = store.unavailable(error)
            raise (
                InvalidSnapshot(f"It cannot be saved: {error}.") if away is None else ServiceUnavailable(away)
            ) from error
        return {"saved": name, "bytes": path.stat().st_size}

    def _keep(self, name: str, store: SqliteStore) -> None:
        self._kept[name] = store.writer.serialize()

    async def load(self, name: str) -> dict[str, Any]:
        """Put a saved state back, whatever has happened since.

        Raises:
            NoSuchSnapshot: it was never saved.
        """
        store = self._store()
        if name not in self.names():
            raise NoSuchSnapshot(name, self.names())
        rows = 0

        def put_back() -> None:
            nonlocal rows
            with closing(_opened(self._kept[name] if store.directory is None else self._file(store, name))) as saved:
                migrate(saved)  # It may have been saved by an earlier version.
                store.begin()
                try:
                    rows = copy(
                        SqliteSide(saved, name), SqliteSide(store.writer, "the store"), force=True, progress=_silent
                    )
                except BaseException:
                    store.rollback()
                    raise
                store.commit()

        await self._instance.replace(put_back)
        return {"loaded": name, "rows": rows}


def _write(store: SqliteStore, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)  # It holds everything.
    store.writer.execute("VACUUM INTO ?", (str(fresh),))
    fresh.replace(path)


def _opened(saved: bytes | Path) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    if isinstance(saved, bytes):
        connection.deserialize(saved)
        return connection
    with closing(sqlite3.connect(f"file:{saved}?mode=ro", uri=True)) as file:
        file.backup(connection)  # What is loaded is migrated in memory; the snapshot stays as it was saved.
    return connection


def _silent(_table: str, _count: int) -> None:
    """Snapshots are small."""
