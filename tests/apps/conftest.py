"""The functions are imported as Lambda does it: their folder is a root of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ORDERS = Path(__file__).parents[2] / "apps" / "orders"
for root in (ORDERS, ORDERS / "functions"):
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))

# Handlers make their clients when they are imported; no test in here but the end-to-end ones lets them talk.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")


@pytest.fixture(autouse=True)
def _partner() -> Iterator[None]:
    """Who stands where HTTP stands otherwise does so for one test."""
    from ordering import partner  # noqa: PLC0415 the path to it is made above

    call = partner.call
    yield
    partner.call = call
