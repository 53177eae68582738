"""Settings of a server, typed; read once by ``main``."""

from datetime import datetime
from pathlib import Path

import msgspec

from interstate.runtime.clock import Mode

DEFAULT_PORT = 4566
DEFAULT_HOST = "127.0.0.1"


class Settings(msgspec.Struct, frozen=True):
    """How ``interstate serve`` was asked to run. ``data`` None keeps everything in memory, unless a ``database`` does."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    data: Path | None = None
    database: str | None = None
    role: str = "all"
    credentials: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    clock: Mode | None = None
    clock_at: datetime | None = None
    workers: int | None = None
    smtp: str | None = None
    sms_gateway: str | None = None
    push_gateway: str | None = None
    log_level: str = "warning"
    mock_config: Path | None = None
    enforce_capacity: bool = False  # Tables and EventBridge throttle what is above their rates.
    seed: str | None = None  # Hexadecimal; makes ids repeatable.
