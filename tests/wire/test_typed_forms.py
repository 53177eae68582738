"""Query requests whose fields are read straight into a struct: what is read so is what the long way reads."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.wire.two_ways import CATALOG, plain, wire

from interstate.base.errors import ServiceError
from interstate.wire.form import fields
from interstate.wire.typed import FORMS

BUSY = sorted((service, name) for service, names in FORMS.items() for name in names)
TOPIC = "arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3Aorders"
VALUES = (
    "",
    "a",
    "A-1",
    "é",
    "%C3%A9",
    "%E9",
    "a+b",
    "%2B",
    "YQ%3D%3D",
    "YQ",
    "12",
    "true",
    "%00",
    "a%0D",
    TOPIC,
    "b" * 300,
)
KIND = "MessageAttributes.entry.1."
ENTRY = "PublishBatchRequestEntries.member.1."
NAMES = (
    "TopicArn", "TargetArn", "PhoneNumber", "Message", "Subject", "MessageStructure", "MessageGroupId", "Unknown", "Message.x",
    "MessageAttributes", KIND + "Name", KIND + "Value.DataType", KIND + "Value.StringValue", KIND + "Value.BinaryValue",
    KIND + "Value", "MessageAttributes.entry.2.Name", "MessageAttributes.entry.x.Name", "MessageAttributes.entry",
    "PublishBatchRequestEntries", ENTRY + "Id", ENTRY + "Message", ENTRY + "MessageAttributes.entry.1.Name",
    ENTRY + "MessageAttributes.entry.1.Value.DataType", ENTRY + "MessageAttributes.entry.1.Value.StringValue",
    "PublishBatchRequestEntries.member.2.Id", "PublishBatchRequestEntries.member.2.Message", "PublishBatchRequestEntries.member",
    "Message%47roupId", ".", "..", "a.b.c",
)  # fmt: skip


def shortly(operation: str, body: bytes) -> Any:
    """What the short way reads; None when it lets it be."""
    decode = wire().codec("sns", operation).form_decoder(CATALOG.operation("sns", operation).request)
    assert decode is not None
    try:
        return decode(fields(body))
    except Exception:  # noqa: BLE001 whatever it is: the long way is to read it
        return None


def at_length(operation: str, body: bytes) -> Any:
    params = wire().codec("sns", operation).decode_form(fields(body))
    return CATALOG.request("sns", operation, params, checked=True)


def body_of(pairs: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in pairs.items()).encode()


USUAL: list[tuple[str, dict[str, str]]] = [
    ("Publish", {"TopicArn": TOPIC, "Message": "Hello+world%21"}),
    ("Publish", {"TopicArn": TOPIC, "Message": "%7B%22a%22%3A1%7D", "Subject": "News", "MessageStructure": "json"}),
    ("Publish", {"TopicArn": TOPIC, "Message": "x", KIND + "Name": "k", KIND + "Value.DataType": "String", KIND + "Value.StringValue": "v"}),
    ("Publish", {"TopicArn": TOPIC, "Message": "x", KIND + "Name": "k", KIND + "Value.DataType": "Binary", KIND + "Value.BinaryValue": "YQ%3D%3D"}),
    ("PublishBatch", {"TopicArn": TOPIC, ENTRY + "Id": "1", ENTRY + "Message": "x", "PublishBatchRequestEntries.member.2.Id": "2", "PublishBatchRequestEntries.member.2.Message": "y"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "pairs"), USUAL)
def test_a_usual_request_is_read_shortly(operation: str, pairs: dict[str, str]) -> None:
    body = body_of({"Action": operation, "Version": "2010-03-31", **pairs})
    found = shortly(operation, body)
    assert found is not None
    assert plain(found) == plain(at_length(operation, body))


UNUSUAL: list[tuple[str, dict[str, str]]] = [
    ("Publish", {"TopicArn": TOPIC}),
    ("Publish", {"TopicArn": TOPIC, "Message.x": "1"}),
    ("Publish", {"TopicArn": TOPIC, "Message": "x", KIND + "Name": "k", KIND + "Value.BinaryValue": "YQ%3D%3D"}),
    ("Publish", {"TopicArn": TOPIC, "Message": "x", KIND + "Name": "k", KIND + "Value.DataType": "Binary", KIND + "Value.BinaryValue": "Y"}),
    ("PublishBatch", {"TopicArn": TOPIC}),
    ("PublishBatch", {"TopicArn": TOPIC, ENTRY + "Id": "1"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "pairs"), UNUSUAL)
def test_what_the_model_refuses_is_left_to_the_long_way(operation: str, pairs: dict[str, str]) -> None:
    body = body_of({"Action": operation, **pairs})
    assert shortly(operation, body) is None
    with pytest.raises(ServiceError):
        at_length(operation, body)


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    operation=st.sampled_from([name for _, name in BUSY]),
    pairs=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES), max_size=8),
    whole=st.booleans(),
)
def test_what_is_read_shortly_is_what_the_long_way_reads(operation: str, pairs: dict[str, str], *, whole: bool) -> None:
    usual = next(usual for name, usual in USUAL if name == operation)
    body = body_of({"Action": operation, **(usual if whole else {}), **pairs})
    found = shortly(operation, body)
    if found is not None:
        assert isinstance(found, CATALOG.operation("sns", operation).request)
        assert plain(found) == plain(at_length(operation, body))


def test_an_operation_that_is_called_seldom_has_no_short_way() -> None:
    request = CATALOG.operation("sns", "CreateTopic").request
    assert wire().codec("sns", "CreateTopic").form_decoder(request) is None


@given(pairs=st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=6))
def test_fields_are_what_a_form_says(pairs: list[tuple[str, str]]) -> None:
    pairs = [
        (name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode()) for name, value in pairs
    ]
    body = urlencode(pairs)
    told = {name: value for name, value in parse_qsl(body, keep_blank_values=True) if name}
    assert fields(body.encode()) == told
