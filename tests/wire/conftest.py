from pathlib import Path

import pytest

from interstate.wire.codec import Wire
from interstate.wire.model import Models, load


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def wire(models: Models) -> Wire:
    return Wire(models)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
