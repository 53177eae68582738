"""``interstate backup``, ``restore``, ``copy``, ``save``, ``load`` and ``snapshots``: everything, kept and put back."""

import sqlite3
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.serve import DEFAULT_DATA, fail

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup: one SQLite file, whatever it was taken from.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what the target holds.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The snapshot's name.")]


def backup(file: File, data: options.Data = None, database: options.Database = None) -> None:
    """Write everything into one file, while the server runs."""
    file = file if file.suffix else file.with_suffix(".db")
    if file.exists():
        fail(f"{file} exists. Name a new file.")
    rows = _copied(_place(data, database), str(file), force=False)
    typer.echo(f"{file}: {rows:,} rows, {file.stat().st_size:,} bytes. 'interstate restore {file}' puts it back.")


def restore(file: File, data: options.Data = None, database: options.Database = None, force: Force = False) -> None:
    """Put a backup back into an empty data directory or database; stop its server first."""
    if not file.is_file():
        fail(f"There is no backup {file}.")
    place = _place(data, database)
    rows = _copied(str(file), place, force=force)
    typer.echo(f"{rows:,} rows are back in {_shown(place)}. Start a server on it: what was running goes on.")


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A data directory, a backup, or a postgresql:// URL.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="An empty data directory or database.")],
    force: Force = False,
) -> None:
    """Move between the embedded store and PostgreSQL; stop the server of FROM first, or it goes on without you."""
    rows = _copied(source, target, force=force)
    typer.echo(f"{rows:,} rows are in {_shown(target)}.")


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
    except (NoData, NotEmpty, NewerSchema, DataDirectoryInUse) as error:
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
