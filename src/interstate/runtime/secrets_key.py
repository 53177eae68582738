"""The key that seals the secrets of connections: a file beside the database, made at the first start.

A copy of the database alone opens no secret; who copies the data directory copies both. The variable
``INTERSTATE_SECRETS_KEY`` names another file: nodes that share a PostgreSQL database have no directory of their own, and need
one key. Without either, the key dies with the process.
"""

import os
import secrets
from pathlib import Path

from interstate.services.events.vault import KEY_BYTES, vault

FILE = "secrets.key"
VARIABLE = "INTERSTATE_SECRETS_KEY"


def unlock(directory: Path | None) -> None:
    """Give the vault the key of a data directory, made when there is none; nobody else can read its file."""
    named = os.environ.get(VARIABLE)
    if named is None and directory is None:
        return
    path = Path(named) if named is not None else (directory or Path()) / FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        made.unlink(missing_ok=True)
        made.touch(mode=0o600)
        with made.open("wb") as file:  # On the disk before anything is sealed under it.
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        made.rename(path)
    vault().unlock(path.read_bytes())
