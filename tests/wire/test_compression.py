"""Compressed bodies are unpacked within a bound."""

import gzip

import pytest

from interstate.base.errors import ServiceError
from interstate.wire.compression import BODY_BYTES_MAX, unpacked
from interstate.wire.messages import Request

PACKED = {b"content-encoding": b"gzip"}


def request(body: bytes, headers: dict[bytes, bytes]) -> Request:
    return Request("POST", "/", "", headers, body)


def test_a_body_is_unpacked() -> None:
    assert unpacked(request(gzip.compress(b"x" * 1000), PACKED)).body == b"x" * 1000
    assert unpacked(request(b"as it is", {})).body == b"as it is"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no gzip", "SerializationException"),
        (gzip.compress(b"x" * 1000)[:-9], "SerializationException"),
        (gzip.compress(b"x" * (BODY_BYTES_MAX + 1)), "RequestEntityTooLargeException"),
    ],
    ids=["not gzip", "cut", "too large"],
)
def test_what_cannot_be_unpacked_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        unpacked(request(body, PACKED))
    assert refused.value.code == code
