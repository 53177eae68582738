"""``interstate backup``, ``restore``, ``copy``, ``save``, ``load`` and ``snapshots``: everything, kept and put back."""

import os
import sqlite3
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.starting import DEFAULT_DATA, fail

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: one SQLite file, whatever it was taken from.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what the target holds.")]
Key = Annotated[bool, typer.Option("--key/--no-key", help="Keep the key of connections' secrets in FILE.key, too.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The snapshot's name.")]


def backup(file: File, data: options.Data = None, database: options.Database = None, key: Key = True) -> None:
    """Write everything into one file, while the server runs; the key of secrets goes into a file beside it."""
    file = file if file.suffix else file.with_suffix(".db")
    if file.exists():
        fail(f"{file} exists. Name a new file.")
    place = _place(data, database)
    part = file.with_name(f"{file.stem}.part{file.suffix}")
    part.unlink(missing_ok=True)  # Of a backup that was broken off.
    try:
        rows = _copied(place, str(part), force=False)
        _sync(part)
        part.rename(file)
    finally:
        for left in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            left.unlink(missing_ok=True)
    typer.echo(f"{file}: {rows:,} rows, {file.stat().st_size:,} bytes. 'interstate restore {file}' puts it back.")
    if key:
        _carry_key(place, str(file), force=True)
    _warn_of_secrets(str(file))


def restore(file: File, data: options.Data = None, database: options.Database = None, force: Force = False) -> None:
    """Put a backup back into an empty data directory or database; stop its server first."""
    if not file.is_file():
        fail(f"There is no backup {file}.")
    place = _place(data, database)
    _refuse_other_key(str(file), place, force=force)
    rows = _copied(str(file), place, force=force)
    typer.echo(f"{rows:,} rows are back in {_shown(place)}. Start a server on it: what was running goes on.")
    _carry_key(str(file), place, force=force)
    _warn_of_secrets(str(file))


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A data directory, a backup, or a postgresql:// URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty data directory or database.")],
    force: Force = False,
) -> None:
    """Move between the embedded store and PostgreSQL; stop the server of FROM first, or it goes on without you."""
    _refuse_other_key(source, target, force=force)
    rows = _copied(source, target, force=force)
    typer.echo(f"{rows:,} rows are in {_shown(target)}.")
    _carry_key(source, target, force=force)
    _warn_of_secrets(source)


def _key_of(place: str) -> Path | None:
    """Where the key of what is in a place lies, or has to lie: beside a backup, in a data directory, where the variable says."""
    from interstate.runtime.secrets_key import key_file  # noqa: PLC0415 as below
    from interstate.store.copying import is_database  # noqa: PLC0415

    if is_database(place):
        return key_file(None)
    path = Path(place)
    return path.with_suffix(".key") if path.suffix and not path.is_dir() else key_file(path)


def _keys_for(place: str) -> list[Path]:
    """Where a key is put for what is copied to a place; a data directory has its own, whoever serves it with the variable or without."""
    from interstate.runtime.secrets_key import FILE  # noqa: PLC0415 as below

    path = _key_of(place)
    if path is None:
        return []
    beside = Path(place) / FILE if Path(place).is_dir() else path
    return list(dict.fromkeys((path, beside)))


def _refuse_other_key(source: str, target: str, *, force: bool) -> None:
    """Before anything is copied: rows that were sealed under one key must not come beside another."""
    here = _key_of(source)
    if force or here is None or not here.exists():
        return
    for there in _keys_for(target):
        if there.exists() and here.read_bytes() != there.read_bytes():
            from interstate.runtime.secrets_key import OtherKey  # noqa: PLC0415 as below

            fail(str(OtherKey(there)))


def _carry_key(source: str, target: str, *, force: bool) -> None:
    from interstate.runtime.secrets_key import VARIABLE, carry  # noqa: PLC0415 as below

    here, places = _key_of(source), _keys_for(target)
    if here is None or not here.exists():
        return
    if not places:
        typer.echo(f"Secrets are sealed under {here}: bring it to every node and set {VARIABLE} to its path there.")
    for there in places:
        if carry(here, there, replace=force):
            typer.echo(
                f"The key of secrets is {there}, for its owner only. Keep it apart from the data: both together open it."
            )


def _warn_of_secrets(source: str) -> None:
    """Rows of connections without a key are of no use."""
    from interstate.store.copying import reading  # noqa: PLC0415 as below

    here = _key_of(source)
    if here is not None and here.exists():
        return
    with reading(source) as side:
        columns = side.tables().get("events_connections")
        sealed = 0 if columns is None else sum(len(page) for page in side.rows("events_connections", columns[:1]))
    if sealed:
        typer.echo(
            f"interstate: {sealed} connections have secrets that cannot be opened without the key that sealed them (secrets.key of the "
            "data directory, or the file that INTERSTATE_SECRETS_KEY names), and it is not here. Bring it, or give their parameters "
            "again (UpdateConnection).",
            err=True,
        )


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def save(name: Name, endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Keep the running server's whole state under a name."""
    found = control(endpoint_url, "POST", "save", {"name": name})
    typer.echo(f"Saved {name} ({found['bytes']:,} bytes). 'interstate load {name}' puts it back.")


def load(name: Name, endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Put a saved state back into the running server."""
    found = control(endpoint_url, "POST", "load", {"name": name})
    typer.echo(f"Loaded {name}: {found['rows']:,} rows, the clock and the work that was due.")


def snapshots(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """List what can be loaded."""
    names = control(endpoint_url, "GET", "snapshots")["snapshots"]
    typer.echo("\n".join(names) if names else "No snapshot yet. 'interstate save NAME' makes one.")


def _place(data: Path | None, database: str | None) -> str:
    if database is not None and data is not None:
        fail("--database and --data exclude each other.")
    return database if database is not None else str((data or DEFAULT_DATA).resolve())


def _shown(place: str) -> str:
    from interstate.store.copying import is_database  # noqa: PLC0415 a wrong option should not wait for imports

    return "the database" if is_database(place) else place


def _copied(source: str, target: str, *, force: bool) -> int:
    from interstate.store.copying import (  # noqa: PLC0415 as above
        InUse,
        NoData,
        NotEmpty,
        copy,
        is_database,
        reading,
        writing,
    )
    from interstate.store.sqlite.engine import DataDirectoryInUse, lock_directory  # noqa: PLC0415
    from interstate.store.sqlite.migrate import NewerSchema  # noqa: PLC0415

    lock = None
    try:
        if not is_database(target) and not Path(target).suffix:
            lock = lock_directory(Path(target))
        with _progress() as bar, reading(source) as here, writing(target) as there:
            task = bar.add_task("")
            return copy(
                here,
                there,
                force=force,
                progress=lambda table, count: bar.update(task, description=f"{table} {count:,}"),
            )
    except (NoData, NotEmpty, InUse, NewerSchema, DataDirectoryInUse) as error:
        fail(str(error))
    except (sqlite3.Error, OSError) as error:
        fail(f"The copy failed: {error}. Nothing was changed in {_shown(target)}.")
    except Exception as error:
        if type(error).__module__.startswith("psycopg"):
            fail(f"The database refused: {str(error).strip()}. Nothing was changed in {_shown(target)}.")
        raise
    finally:
        if lock is not None:
            lock.close()


def _progress() -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
