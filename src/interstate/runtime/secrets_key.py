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


class OtherKey(RuntimeError):
    """Another key lies where one is to be put."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} holds another key of secrets than the one that belongs to this data. Move it away first: what it opens is lost "
            "without it."
        )


def key_file(directory: Path | None) -> Path | None:
    """Where the key of a data directory is, or of a database, which has none; the variable goes before."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named)
    return None if directory is None else directory / FILE


def unlock(directory: Path | None) -> None:
    """Give the vault the key of a data directory, made when there is none; nobody else can read its file."""
    path = key_file(directory)
    if path is None:
        return
    if not path.exists():
        _keep(secrets.token_bytes(KEY_BYTES), path)
    vault().unlock(path.read_bytes())


def carry(source: Path, target: Path, *, replace: bool = False) -> bool:
    """Put the key of some data where a copy of that data looks for it; tells whether it was not there before.

    Raises:
        OtherKey: another one is there, and ``replace`` was not said.
    """
    key = source.read_bytes()
    if target.exists():
        if target.read_bytes() == key:
            return False
        if not replace:
            raise OtherKey(target)
    _keep(key, target)
    return True


def _keep(key: bytes, path: Path) -> None:
    """On the disk before anything is sealed under it, and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    with made.open("wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    made.rename(path)
