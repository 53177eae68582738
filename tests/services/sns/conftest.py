"""Keys of SNS."""

import pytest

from interstate.services.sns import signatures


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every instance makes a key of its own, as it does outside of tests."""
    monkeypatch.setattr(signatures, "new_key", vars(signatures.new_key)["__wrapped__"])
