"""Bodies that are read straight into a request's struct: what is read so is what the long way reads."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.wire.two_ways import CATALOG, at_length, body_of, decoder, plain, shortly, wire

from interstate.base.errors import ServiceError
from interstate.wire.typed import OPERATIONS

BUSY = sorted((service, name) for service, names in OPERATIONS.items() for name in names)
QUEUE = "http://localhost/000000000000/q"
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}


@pytest.mark.parametrize(("service", "operation"), BUSY)
def test_every_operation_of_the_table_has_a_decoder(service: str, operation: str) -> None:
    assert decoder(service, operation) is not None


def test_an_operation_that_is_called_seldom_has_none() -> None:
    request = CATALOG.operation("dynamodb", "CreateTable").request
    assert wire().codec("dynamodb", "CreateTable").decoder(request) is None


# What clients send is read shortly -----------------------------------------------------------------------------------

USUAL: list[tuple[str, str, Mapping[str, Any]]] = [
    ("dynamodb", "GetItem", {"TableName": "orders", "Key": KEY, "ConsistentRead": True}),
    ("dynamodb", "PutItem", {"TableName": "orders", "Item": {**KEY, "b": {"B": "AAEC"}, "l": {"L": [{"M": {"n": {"NULL": True}}}]}}}),
    ("dynamodb", "PutItem", {"TableName": "orders", "Item": {**KEY, "s": {"SS": ["a"]}, "x": {"BS": ["AA=="]}, "t": {"BOOL": False}}}),
    ("dynamodb", "UpdateItem", {"TableName": "o-1", "Key": KEY, "UpdateExpression": "SET a = :é", "ExpressionAttributeValues": {":é": {"S": "é"}}}),
    ("dynamodb", "Query", {"TableName": "orders", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}, "Limit": 20}),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "orders", "Item": KEY}}, {"Delete": {"TableName": "o-1", "Key": KEY}}]}),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"orders": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": KEY}}]}}),
    ("sqs", "SendMessage", {"QueueUrl": QUEUE, "MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "AA=="}}}),
    ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE, "Entries": [{"Id": "1", "MessageBody": "é", "DelaySeconds": 3}]}),
    ("sqs", "ReceiveMessage", {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]}),
    ("events", "PutEvents", {"Entries": [{"Source": "a", "DetailType": "t", "Detail": "{}", "Time": 1700000000.5}]}),
    ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m", "input": "{}"}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "request_"), USUAL)
def test_a_usual_request_is_read_shortly(service: str, operation: str, request_: Mapping[str, Any]) -> None:
    body = body_of(request_)
    found = shortly(service, operation, body)
    assert found is not None
    assert plain(found) == plain(at_length(service, operation, body))


# What goes the long way ----------------------------------------------------------------------------------------------

GET = {"TableName": "orders", "Key": KEY}
UNUSUAL: list[tuple[str, str, bytes]] = [
    ("dynamodb", "GetItem", b""),
    ("dynamodb", "GetItem", b"[]"),
    ("dynamodb", "GetItem", b"{"),
    ("dynamodb", "GetItem", body_of(GET) + b"x"),
    ("dynamodb", "GetItem", body_of({"TableName": "orders"})),
    ("dynamodb", "GetItem", body_of({**GET, "Unknown": 1})),
    ("dynamodb", "GetItem", body_of({**GET, "ConsistentRead": None})),
    ("dynamodb", "GetItem", body_of({**GET, "ConsistentRead": "true"})),
    ("dynamodb", "GetItem", body_of({**GET, "ReturnConsumedCapacity": "ALL"})),
    ("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": None}})),
    ("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": {"S": 1}}})),
    ("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": {"S": None}}})),
    ("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": {"B": "not base64"}}})),
    ("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": {"S": "\ud800"}}})),
    ("dynamodb", "GetItem", b'{"TableName":"orders","Key":{"pk":{"S":"a","X":"\xff"}}}'),
    ("dynamodb", "GetItem", b'{"TableName":"orders","Key":{"pk":{"S":"\xff"}}}'),
    ("sqs", "SendMessage", body_of({"QueueUrl": QUEUE, "MessageBody": "x", "_Seal": {}})),
    ("sqs", "SendMessage", body_of({"QueueUrl": QUEUE, "MessageBody": "x", "DelaySeconds": 2**31})),
    ("sqs", "SendMessage", body_of({"QueueUrl": QUEUE, "MessageBody": "x", "DelaySeconds": 1.0})),
    ("events", "PutEvents", body_of({"Entries": []})),
    ("events", "PutEvents", body_of({"Entries": [{"Source": "a"}] * 11})),
    ("events", "PutEvents", body_of({"Entries": [{"Source": "a", "Time": "soon"}]})),
    ("stepfunctions", "StartExecution", body_of({"stateMachineArn": "", "input": "{}"})),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "body"), UNUSUAL)
def test_what_is_unusual_goes_the_long_way(service: str, operation: str, body: bytes) -> None:
    assert shortly(service, operation, body) is None


def test_an_attribute_value_may_be_nested_until_it_is_refused_for_its_depth() -> None:
    def nested(levels: int) -> bytes:
        return b'{"TableName":"orders","Key":{"pk":' + b'{"L":[' * levels + b'{"S":"a"}' + b"]}" * levels + b"}}"

    assert plain(shortly("dynamodb", "GetItem", nested(60))) == plain(at_length("dynamodb", "GetItem", nested(60)))
    assert shortly("dynamodb", "GetItem", nested(5000)) is None
    with pytest.raises(ServiceError):
        at_length("dynamodb", "GetItem", nested(5000))


def test_of_a_value_that_is_a_mapping_only_the_members_of_the_model_are_kept() -> None:
    body = body_of({"TableName": "orders", "Key": {"pk": {"S": "a", "Unknown": 1}}})
    found = shortly("dynamodb", "GetItem", body)
    assert plain(found) == plain(at_length("dynamodb", "GetItem", body_of({**GET, "Key": {"pk": {"S": "a"}}})))
