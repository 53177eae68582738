"""What all tests share: settings of hypothesis, what the quick check leaves out, and a real server on a free port."""

import gc
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.server_process import ServerProcess

from interstate.runtime.testing import World
from interstate.services.sns import signatures
from tests import postgres_server

settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("default"), max_examples=10)
settings.register_profile("long", deadline=None, max_examples=2000)
# This process, and those that tests start, read what was compiled before; compiling all of it takes seconds each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
# Instances of one process sign with one key: to make one and to read it costs a tenth of a second.
signatures.new_key = cache(signatures.new_key)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="The seed of simulations.")
    parser.addoption("--store", default="sqlite", choices=("sqlite", "postgres"), help="The store under every World.")
    parser.addoption(
        "--quick", action="store_true", help="Without servers, without what is slow, and with fewer examples."
    )


def pytest_configure(config: pytest.Config) -> None:
    """``--store postgres``: each World has a database of its own, kept for its directory."""
    postgres_server.name_directory()
    if config.getoption("--quick") and "HYPOTHESIS_PROFILE" not in os.environ:
        settings.load_profile("quick")
    if config.getoption("--store") == "postgres":
        config.pluginmanager.register(_OnPostgres())
        postgres_server.server_url()  # Here, so that it lives as long as the run.
        postgres_server.keep_connections()
        World.open_store = staticmethod(postgres_server.open_for_world)
        ServerProcess.database_for = staticmethod(postgres_server.database_for)


_EMBEDDED = ("tests/cli/test_backup.py", "tests/store/test_copying.py")
"""Tests of data directories: they are the embedded store's, whatever store the suite runs on."""
_open_embedded = World.__dict__["open_store"]


class _OnPostgres:
    """What each test needs there, and only there."""

    @pytest.fixture(autouse=True)
    def _embedded(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.path.as_posix().endswith(_EMBEDDED):
            monkeypatch.setattr(World, "open_store", _open_embedded)
            monkeypatch.setattr(ServerProcess, "database_for", None)

    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Connections of instances that crashed are no test's business."""
        postgres_server.close_all()
        if nextitem is None or nextitem.path != item.path:
            postgres_server.servers_are_done()


_LONG = (
    "tests/runtime/functions/",  # They start processes of functions.
    "tests/runtime/test_transformer.py",
    "tests/runtime/test_watch.py",
    "tests/runtime/test_deploy.py",
    "tests/runtime/test_overlapping_commits.py",
    "tests/runtime/test_read_turns.py",
    "tests/apps/test_orders_races.py",
    "tests/apps/test_orders_saga.py",
    "tests/apps/test_orders_history.py",
    "tests/apps/test_orders_lost_notices.py",
    "tests/nodes/",
    "tests/simulation/",
    # Properties with many examples, a crash at every commit, and tests that wait for a socket.
    "tests/cli/test_backup.py",
    "tests/cli/test_doctor.py",
    "tests/cli/test_plain_options.py",
    "tests/core/asl/test_machine_laws.py",
    "tests/core/functions/test_retry.py",
    "tests/core/patterns/test_pattern_index.py",
    "tests/core/tables/test_fuzzed_texts.py",
    "tests/http/test_short_way.py",
    "tests/services/cloudformation/test_stack_slices.py",
    "tests/services/dynamodb/test_against_a_model.py",
    "tests/services/events/test_event_crashes.py",
    "tests/services/lambda_/test_mapping_scaling.py",
    "tests/services/sqs/test_group_lists.py",
    "tests/services/sqs/test_many_readers.py",
    "tests/services/sqs/test_messages_kept.py",
    "tests/services/sqs/test_move_tasks.py",
    "tests/services/states/distributed/test_map_redrive.py",
    "tests/store/test_postgres_pipe.py",
    "tests/store/test_sqlite_engine.py",
    "tests/store/test_sqlite_rows.py",
)
"""What belongs to the whole suite and not to the quick check."""


@cache
def _is_long(path: Path) -> bool:
    return any(part in path.as_posix() for part in _LONG)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick check does not even read what it leaves out as a whole."""
    return True if config.getoption("--quick") and _is_long(collection_path) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests are left out of the quick check, and with them everything that wants PostgreSQL."""
    for item in items:
        if _is_long(item.path) or "postgres" in item.name:
            item.add_marker(pytest.mark.slow)
    if config.getoption("--quick"):
        left_out = {item for item in items if item.get_closest_marker("server") or item.get_closest_marker("slow")}
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Tests are collected for good: looking through thousands of them for garbage, again and again, took a third of the run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000)  # As rarely as memory allows: a test leaves little behind.
        gc.enable()


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
