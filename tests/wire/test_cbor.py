"""The rows are RFC 8949's own examples (appendix A); the law is that what was written is read again.

Source: https://www.rfc-editor.org/rfc/rfc8949.html#name-examples-of-encoded-cbor-da
"""

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.errors import ServiceError
from interstate.wire.cbor import cbor_bytes, read_cbor
from interstate.wire.codec import Wire
from interstate.wire.errors import SerializationException
from interstate.wire.messages import Request
from interstate.wire.model import load
from interstate.wire.routing import Router

WRITTEN: list[tuple[Any, str]] = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-1, "20"),
    (-1000, "3903e7"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (1.1, "fb3ff199999999999a"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"\x01\x02", "420102"),
    ("IETF", "6449455446"),
    ("ü", "62c3bc"),
    ([1, [2, 3]], "8201820203"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    (datetime(2013, 3, 21, 20, 4, 0, 500_000, tzinfo=UTC), "c1fb41d452d9ec200000"),
]
READ: list[tuple[str, Any]] = [
    ("f93c00", 1.0),
    ("fa47c35000", 100000.0),
    ("f7", None),
    ("c249010000000000000000", 18446744073709551616),
    ("c349010000000000000000", -18446744073709551617),
    ("c11a514b67b0", datetime(2013, 3, 21, 20, 4, 0, tzinfo=UTC)),
    ("d74401020304", b"\x01\x02\x03\x04"),
    ("5f42010243030405ff", b"\x01\x02\x03\x04\x05"),
    ("7f657374726561646d696e67ff", "streaming"),
    ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]),
    ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
]
BROKEN = [
    "",
    "18",
    "ff",
    "9f01",
    "0001",
    "a10001",
    "a101",
    "62c3",
    "1c",
    "f800",
    "c16161",
    "9b7fffffffffffffff",
    "5f01ff",
]


@pytest.mark.parametrize(("value", "encoded"), WRITTEN, ids=[row[1] for row in WRITTEN])
def test_values_are_written_as_the_examples(value: Any, encoded: str) -> None:
    assert cbor_bytes(value).hex() == encoded
    assert read_cbor(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(("encoded", "value"), READ, ids=[row[0] for row in READ])
def test_other_forms_are_read(encoded: str, value: Any) -> None:
    assert read_cbor(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize("encoded", BROKEN)
def test_what_is_not_cbor_is_refused(encoded: str) -> None:
    with pytest.raises(SerializationException):
        read_cbor(bytes.fromhex(encoded))


def test_nesting_is_bounded() -> None:
    with pytest.raises(SerializationException, match="deeply"):
        read_cbor(b"\x81" * 1000 + b"\x00")


def test_absent_members_are_left_out() -> None:
    assert read_cbor(cbor_bytes({"a": None, "b": [None]})) == {"b": [None]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner.filter(lambda value: value is not None)),
    max_leaves=20,
)


@given(VALUES)
def test_what_was_written_is_read_again(value: Any) -> None:
    assert read_cbor(cbor_bytes(value)) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(SerializationException):
        read_cbor(body)


def rpc(operation: str, body: bytes) -> Request:
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    return Request("POST", path, "", {b"smithy-protocol": b"rpc-v2-cbor", b"host": b"localhost"}, body)


def test_a_request_of_the_rpc_protocol_is_decoded_and_answered(wire: Wire) -> None:
    """Source: https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html"""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"Namespace": "shop", "MetricData": [{"MetricName": "orders", "Value": 3, "Timestamp": at}]}
    request = rpc("PutMetricData", cbor_bytes(given))
    route = wire.router.route(request)
    assert (route.metadata.name, route.operation) == ("cloudwatch", "PutMetricData")
    assert wire.decode(route, request) == given
    assert wire.encode(route, None, b"id").body == b""
    request = rpc("GetMetricStatistics", b"")
    route = wire.router.route(request)
    response = wire.encode(route, {"Label": "orders", "Datapoints": [{"Timestamp": at, "Sum": 3.0}]}, b"id")
    assert (b"smithy-protocol", b"rpc-v2-cbor") in response.headers
    assert read_cbor(response.body) == {"Label": "orders", "Datapoints": [{"Timestamp": at, "Sum": 3.0}]}
    with pytest.raises(ServiceError) as refused:
        wire.decode(route, request)
    answer = wire.refuse(refused.value, request, route, b"id")
    assert (answer.status, read_cbor(answer.body)) == (
        400,
        {
            "__type": "MissingRequiredParameterException",
            "message": "The request must contain the parameter Namespace.",
        },
    )
    assert (b"x-amzn-query-error", b"MissingParameter;Sender") in answer.headers


def test_a_service_that_is_known_by_name_is_named() -> None:
    """EventBridge's new bus speaks this protocol alone: its operations are refused by their names."""
    path = "/service/AWSEventsV2/operation/ListEventBuses"
    route = Router(load()).route(Request("POST", path, "", {b"smithy-protocol": b"rpc-v2-cbor"}, b""))
    assert (route.metadata.full_name, route.operation) == ("Amazon EventBridgeV2", "ListEventBuses")
