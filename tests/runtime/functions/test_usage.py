"""The memory of a worker and of what it forked is what the machine gives for them, not the sum of what each sees."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from interstate.runtime.functions import usage

FORKS = """
import os, sys, time
for _ in range(60):
    if not os.fork():
        sys.stdin.read()
        os._exit(0)
print("forked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """A process with 60 forked children, all of which share nearly all of their memory."""
    if usage.own_kb(os.getpid()) is None:
        pytest.skip("this system does not tell what processes share")
    with subprocess.Popen([sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"forked\n"
        yield process.pid
        process.stdin.close()


def test_forked_processes_with_less_than_a_mebibyte_each_are_not_counted_whole(parent: int) -> None:
    children = usage.descendants(parent)
    assert len(children) == 60
    shares = [usage.own_kb(child) for child in children]
    assert all(share is not None and share < 1024 for share in shares), shares
    own = usage.resident_mb(parent)
    seen = sum(usage.resident_mb(child) for child in children)
    assert usage.family_mb(parent, children, limit_mb=1) < own + 60 < own + seen


def test_below_the_limit_nothing_dear_is_asked_for(parent: int) -> None:
    children = usage.descendants(parent)
    together = usage.resident_mb(parent) + sum(map(usage.resident_mb, children))
    assert usage.family_mb(parent, children, limit_mb=10_000) == pytest.approx(together, abs=5)  # They may still grow.
