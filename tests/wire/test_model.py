import subprocess
import sys
from pathlib import Path

import pytest

from interstate.wire.model import NAMES_ONLY, SERVED, Models, load


def test_models_that_were_cached_equal_models_that_were_compiled(cache: Path) -> None:
    compiled, cached = load(cache), load(cache)
    for name in SERVED:
        assert cached.service(name) == compiled.service(name)


@pytest.mark.parametrize(
    "content",
    [b"nonsense", *(pytest.param(content, marks=pytest.mark.slow) for content in (b"", b"\x93\x01\xa1x\x90"))],
)
def test_a_broken_cache_is_compiled_again(cache: Path, content: bytes) -> None:
    load(cache)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    assert load(cache).service("sqs").operations["SendMessage"].input == "SendMessageRequest"
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    assert "sqs" in load(occupied / "cache").metadata


def test_services_known_by_name_only_have_operations_without_shapes(models: Models) -> None:
    for name in NAMES_ONLY:
        model = models.service(name)
        assert model.operations
        assert not model.shapes


def test_errors_are_found_by_shape_and_by_code(models: Models) -> None:
    faults = models.service("sns").faults
    assert faults["NotFound"] == faults["NotFoundException"]
    assert faults["NotFound"][1].status == 404


def test_sqs_keeps_the_codes_of_its_query_protocol(models: Models) -> None:
    _, fault = models.service("sqs").faults["QueueDoesNotExist"]
    assert fault.code == "AWS.SimpleQueueService.NonExistentQueue"


def test_starting_from_a_cache_imports_no_botocore(cache: Path) -> None:
    load(cache)
    program = (
        "import sys; from pathlib import Path; from interstate.wire.codec import Wire; from interstate.wire.model import load;"
        f"Wire(load(Path({str(cache)!r}))).codec('sqs', 'SendMessage'); assert 'botocore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
