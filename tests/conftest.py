"""What all tests share: settings of hypothesis, and a real server on a free port."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.server_process import ServerProcess

settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="The seed of simulations.")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a simulation; make simulate SEED=... sets it."""
    value: int = request.config.getoption("--seed")
    return value


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of its own process on an empty data directory."""
    process = ServerProcess(tmp_path / "data")
    process.start()
    yield process
    process.kill()
