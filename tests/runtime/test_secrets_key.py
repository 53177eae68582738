"""The key of connections' secrets: made once, kept, readable by its owner only."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from interstate.runtime.secrets_key import FILE, VARIABLE, unlock
from interstate.services.events.vault import KEY_BYTES, Vault, vault


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    key = vault()._key
    yield
    vault().unlock(key)


def test_a_data_directory_keeps_its_key(tmp_path: Path) -> None:
    unlock(tmp_path / "data")
    sealed = vault().seal(b"secret", "place", b"n" * 16)
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
    unlock(tmp_path / "other")
    assert vault().open(sealed, "place") is None
    unlock(tmp_path / "data")
    assert vault().open(sealed, "place") == b"secret"
    assert vault().open(sealed, "another place") is None
    assert vault().open(b"", "place") is None


def test_the_variable_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared.key"))
    unlock(None)
    assert len((tmp_path / "shared.key").read_bytes()) == KEY_BYTES
    unlock(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_without_a_file_the_key_is_the_process_own() -> None:
    sealed = vault().seal(b"secret", "place", b"n" * 16)
    unlock(None)
    assert vault().open(sealed, "place") == b"secret"
    assert Vault().open(sealed, "place") is None
