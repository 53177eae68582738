"""The key that seals the secrets of connections: a file beside the database, made at the first start.

A copy of the database alone opens no secret; who copies the data directory copies both.
"""

import secrets
from pathlib import Path

from interstate.services.events.vault import KEY_BYTES, vault

FILE = "secrets.key"


def unlock(directory: Path | None) -> None:
    """Give the vault the key of a data directory, made when there is none; nobody else can read its file."""
    if directory is None:
        return
    path = directory / FILE
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        made.unlink(missing_ok=True)
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(KEY_BYTES))
        made.rename(path)
    vault().unlock(path.read_bytes())
