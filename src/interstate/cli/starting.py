"""How a server is started by a command, without what the terminal needs: that would be a third of the time to the first answer."""

import gc
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from interstate.config import Settings

DEFAULT_DATA = Path(".interstate/data")


def serve(options: dict[str, Any]) -> None:
    """Serve as the options of ``interstate serve`` ask for, by their names."""
    settings = settings_of(**options)

    async def ready(_instance: Any, control: Any, bound: int) -> None:
        control.deployed = None
        announce(settings, bound)

    start(settings, ready)


def settings_of(
    *,
    port: int,
    host: str,
    data: Path | None,
    memory: bool,
    database: str | None,
    role: str,
    credentials: Path | None,
    allow_host: list[str] | None,
    clock: str | None,
    workers: int | None,
    mock_config: Path | None,
    enforce_capacity: bool,
    smtp: str | None,
    sms_gateway: str | None,
    push_gateway: str | None,
    log_level: str,
) -> Settings:
    """The settings that the options ask for; ends the command when they contradict each other."""
    if database is not None and (memory or data is not None):
        fail("--database excludes --data and --memory: the database keeps everything.")
    if role not in ("api", "work", "all"):
        fail(f"--role {role} is unknown; use api, work or all.")
    if role == "api" and database is None:
        fail("--role api needs --database: without other nodes nobody would do the work.")
    if memory and data is not None:
        fail("--memory and --data exclude each other.")
    if clock not in (None, "real", "frozen", "skip"):
        fail(f"--clock {clock} is unknown; use real, frozen or skip.")
    if smtp is not None and not smtp.rpartition(":")[2].isdigit():
        fail(f"--smtp {smtp} names no port; use HOST:PORT.")
    return Settings(
        host=host,
        port=port,
        data=None if memory or database is not None else (data or DEFAULT_DATA).resolve(),
        database=database,
        role=role,
        credentials=credentials,
        allow_hosts=tuple(allow_host or ()),
        clock=clock,  # type: ignore[arg-type]  # checked above
        workers=workers,
        smtp=smtp,
        sms_gateway=sms_gateway,
        push_gateway=push_gateway,
        mock_config=mock_config,
        enforce_capacity=enforce_capacity,
        log_level=log_level,
    )


def start(settings: Settings, ready: Any, *, hold_effects: bool = False) -> None:
    """Run the server; what stops it from starting is told in a sentence.

    Nothing that is loaded at the start is garbage: it is not looked for until the server is up, which saves a sixth of the start.
    """
    gc.disable()
    import sqlite3  # noqa: PLC0415 as below

    from interstate.main import Misconfigured, run  # noqa: PLC0415 a wrong option should not wait for the server's imports
    from interstate.runtime.batch import ServiceUnavailable  # noqa: PLC0415
    from interstate.store.sqlite.damage import Damaged, unavailable  # noqa: PLC0415
    from interstate.store.sqlite.engine import DataDirectoryInUse  # noqa: PLC0415
    from interstate.store.sqlite.migrate import NewerSchema  # noqa: PLC0415

    try:
        run(settings, ready, hold_effects=hold_effects)
    except (Misconfigured, DataDirectoryInUse, NewerSchema, Damaged, ServiceUnavailable) as error:
        fail(str(error))
    except sqlite3.Error as error:
        away = unavailable(error, settings.data)
        fail(f"The data in {settings.data} cannot be used: {error}." if away is None else f"It cannot start: {away}.")
    except OSError as error:
        if error.filename is not None:  # A file's, not a socket's.
            fail(f"The data directory {settings.data} cannot be used: {error.strerror} ({error.filename}).")
        fail(
            f"{settings.host}:{settings.port} cannot be used: {error.strerror}. Stop what listens there, or choose another --port."
        )
    finally:
        gc.enable()


def announce(settings: Settings, port: int) -> None:
    """Say where the server is, on one screen."""
    from interstate.runtime.secrets_key import VARIABLE  # noqa: PLC0415 a wrong option should not wait for imports

    url = f"http://{settings.host}:{port}"
    kept = "in memory only" if settings.data is None else f"in {settings.data}"
    if settings.database is not None:
        kept = "in PostgreSQL"
    print(f"Interstate serves at {url} (state {kept}). Ctrl-C stops it.")
    if settings.database is not None and VARIABLE not in os.environ:
        print(
            f"interstate: {VARIABLE} is not set: secrets of connections are sealed under a key that ends with this process, and no "
            "other node opens them. Set it to the path of a file, the same file on every node.",
            file=sys.stderr,
        )
    print(f'  eval "$(interstate env --endpoint-url {url})"   # then: aws sqs create-queue --queue-name hello')
    sys.stdout.flush()


def fail(message: str) -> NoReturn:
    """End the command with a reason."""
    print(f"interstate: {message}", file=sys.stderr)
    raise SystemExit(1)
