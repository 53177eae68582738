"""Requests to a queue's own address, and SQS's errors in both protocols.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests.html;
recorded answers of AWS.
"""

import json
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.core.queues.errors import InvalidParameterValue, MissingParameter, QueueDoesNotExist, QueueNotForYou
from interstate.wire.codec import Wire
from interstate.wire.messages import Request
from interstate.wire.sqs_addressing import ActionNotHere, NothingAsked, is_queue_host, is_queue_path


def asked(path: str, query: str = "", host: str = "localhost:4566") -> Request:
    return Request("GET", path, query, {b"host": host.encode()}, b"")


PATHS = [
    ("/000000000000/orders", True), ("/000000000000/orders.fifo", True), ("/queue/eu-west-1/000000000000/orders", True),
    ("/000000000000/", False), ("/00000000000/orders", False), ("/", False), ("/bucket/key", False),
    ("/000000000000/a/b", False), ("/queue/nowhere/000000000000/orders", False),
]  # fmt: skip


@pytest.mark.parametrize(("path", "is_one"), PATHS)
def test_a_queues_path_has_an_account_and_a_name(path: str, *, is_one: bool) -> None:
    assert is_queue_path(path) is is_one


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("queue.localhost", True), ("eu-west-1.queue.amazonaws.com", True), ("queue", False), ("my.queue.example", False)],
)
def test_a_queues_host_begins_with_it_or_a_region(host: str, *, is_one: bool) -> None:
    assert is_queue_host(host) is is_one


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/000000000000/q", "localhost:4566"), ("/queue/eu-west-1/000000000000/q", "localhost"),
        ("/000000000000/q", "queue.localhost:1"), ("/000000000000/q", "sqs.eu-west-1.localhost"),
    ],
)  # fmt: skip
def test_an_action_needs_neither_version_nor_signature(wire: Wire, path: str, host: str) -> None:
    route = wire.router.route(asked(path, "Action=SendMessage&MessageBody=x", host))
    assert (route.metadata.name, route.operation, route.protocol) == ("sqs", "SendMessage", "query")
    assert route.fields["QueueUrl"] == f"http://{host}{path}"


def test_a_queue_url_among_the_fields_goes_before_the_address(wire: Wire) -> None:
    route = wire.router.route(asked("/000000000000/q", "Action=SendMessage&QueueUrl=other"))
    assert route.fields["QueueUrl"] == "other"


REFUSED = [
    ("Action=CreateQueue&QueueName=x", 400, "<Code>InvalidAction</Code><Message>The action CreateQueue is not valid for this endpoint.</Message><Detail/>"),
    ("Action=ListQueues", 400, "<Message>The action ListQueues is not valid for this endpoint.</Message>"),
    ("Action=FooBar&Version=2012-11-05", 400, "<Type>Sender</Type><Code>InvalidAction</Code>"),
    ("", 404, "<UnknownOperationException/>"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status", "text"), REFUSED)
def test_an_address_refuses_what_concerns_no_queue(wire: Wire, query: str, status: int, text: str) -> None:
    request = asked("/000000000000/q", query)
    with pytest.raises((ActionNotHere, NothingAsked)) as caught:
        wire.router.route(request)
    response = wire.refuse(caught.value, request, None, b"id")
    assert (response.status, text in response.body.decode()) == (status, True)


NOT_FOR_YOU = "The specified queue does not exist or you do not have access to it."
ERRORS = [
    (QueueNotForYou(), "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", NOT_FOR_YOU),
    (QueueDoesNotExist(), "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version."),
    (InvalidParameterValue("no"), "InvalidParameterValueException", "InvalidParameterValue", "no"),
    (MissingParameter("A"), "MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter A."),
]  # fmt: skip


@pytest.mark.parametrize(("error", "name", "code", "query_message"), ERRORS)
def test_an_error_has_a_name_in_json_and_a_code_in_query(
    wire: Wire, error: ServiceError, name: str, code: str, query_message: str
) -> None:
    request = Request("POST", "/", "", {b"x-amz-target": b"AmazonSQS.SendMessage"}, b"{}")
    response = wire.refuse(error, request, wire.router.route(request), b"id")
    assert json.loads(response.body)["__type"].rpartition("#")[2] == name
    assert (b"x-amzn-query-error", f"{code};Sender".encode()) in response.headers
    request = asked("/000000000000/q", "Action=PurgeQueue")
    told = wire.refuse(error, request, wire.router.route(request), b"id").body.decode()
    assert f"<Code>{code}</Code><Message>{query_message}</Message><Detail/>" in told


MISSING = [
    ("SetQueueAttributes", {}, "MissingParameter", "The request must contain the parameter Attribute.Name."),
    ("DeleteMessage", {}, "MissingParameter", "The request must contain the parameter MessageHandle."),
    ("SendMessageBatch", {}, "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."),
    ("DeleteMessageBatch", {"Entries": [{"ReceiptHandle": "x"}]}, "MissingParameter", "The request must contain the parameter DeleteMessageBatchRequestEntry.1.Id."),
    ("SendMessageBatch", {"Entries": [{"Id": "a", "MessageBody": "b"}, {"Id": "b"}]}, "MissingParameter", "The request must contain the parameter SendMessageBatchRequestEntry.2.MessageBody."),
    ("SendMessage", {"MessageBody": "b", "MessageAttributes": {"a": {"StringValue": "x"}}}, "InvalidParameterValue", "The message attribute 'a' must contain non-empty message attribute type."),
    ("SendMessage", {}, "MissingParameter", "The request must contain the parameter MessageBody."),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "code", "message"), MISSING)
def test_what_is_missing_is_asked_for_by_its_old_name(
    wire: Wire, operation: str, params: dict[str, Any], code: str, message: str
) -> None:
    """Source: ``sqs_query.missing`` names each."""
    body = json.dumps({"QueueUrl": "q", **params}).encode()
    request = Request("POST", "/", "", {b"x-amz-target": f"AmazonSQS.{operation}".encode()}, body)
    with pytest.raises(ServiceError) as caught:
        wire.decode(wire.router.route(request), request)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_maps_stand_under_their_names_in_the_model_as_well(wire: Wire) -> None:
    """Source: https://github.com/aws/aws-sdk-java-v2/issues/2524 (``Tags.1.Key`` of the SDK's TagQueue)."""
    request = asked("/000000000000/q", "Action=TagQueue&Tags.1.Key=a&Tags.1.Value=b")
    assert wire.decode(wire.router.route(request), request)["Tags"] == {"a": "b"}


def test_an_entry_without_a_name_is_not_passed_over(wire: Wire) -> None:
    """Source: https://github.com/aws/aws-sdk-php/issues/694 (what is sent, and what the service says of it)."""
    fields = (
        "MessageAttributes.1.key=F&MessageAttributes.1.Value.DataType=String&MessageAttributes.1.Value.StringValue=x"
    )
    request = asked("/000000000000/q", f"Action=SendMessage&MessageBody=b&{fields}")
    assert "" in wire.decode(wire.router.route(request), request)["MessageAttributes"]


def test_an_unknown_action_is_a_fault_of_the_front_door(wire: Wire) -> None:
    """Source: https://github.com/boto/boto/issues/442 (the answer's namespace)."""
    form = {b"content-type": b"application/x-www-form-urlencoded"}
    request = Request("POST", "/", "", form, b"Action=Foo&Version=2012-11-05")
    response = wire.refuse(ServiceError("no", code="InvalidAction"), request, None, b"id")
    assert b'<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09">' in response.body
