"""Query requests that ask for JSON.

Source: https://docs.aws.amazon.com/prescriptive-guidance/latest/patterns/integrate-amazon-api-gateway-with-amazon-sqs-to-handle-asynchronous-rest-apis.html
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.wire.codec import Wire
from interstate.wire.messages import Request

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def call(service: str, action: str) -> Request:
    scope = f"test/20261121/us-east-1/{service}/aws4_request"
    headers = {
        b"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00".encode(),
        b"content-type": b"application/x-www-form-urlencoded",
        b"accept": b"application/json",
        b"host": b"localhost",
    }
    return Request("POST", "/", "", headers, f"Action={action}&QueueUrl=q".encode())


# Service, operation, answer, what stands in the result; None for operations without one.
ANSWERS: list[tuple[str, str, dict[str, Any] | None, Any]] = [
    ("sqs", "DeleteMessage", None, None),
    ("sqs", "SendMessage", {"MessageId": "m", "MD5OfMessageBody": "d"},
     {"MD5OfMessageAttributes": None, "MD5OfMessageBody": "d", "MD5OfMessageSystemAttributes": None, "MessageId": "m",
      "SequenceNumber": None}),
    ("sqs", "ReceiveMessage",
     {"Messages": [{"MessageId": "m", "Body": "b", "Attributes": {"SenderId": "1"},
                    "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"hi"}}}]},
     {"messages": [{"Attributes": [{"Name": "SenderId", "Value": "1"}], "Body": "b", "MD5OfBody": None,
                    "MD5OfMessageAttributes": None,
                    "MessageAttributes": [{"Name": "n", "Value": {"BinaryListValues": None, "BinaryValue": "aGk=",
                                                                  "DataType": "Binary", "StringListValues": None,
                                                                  "StringValue": None}}],
                    "MessageId": "m", "ReceiptHandle": None}]}),
    ("sqs", "ListQueues", {"QueueUrls": ["u"]}, {"NextToken": None, "queueUrls": ["u"]}),
    ("sqs", "GetQueueAttributes", {"Attributes": {"DelaySeconds": "0"}},
     {"Attributes": [{"Name": "DelaySeconds", "Value": "0"}]}),
    ("sns", "Publish", {"MessageId": "m"}, {"MessageId": "m", "SequenceNumber": None}),
    ("sns", "GetTopicAttributes", {"Attributes": {"Owner": "1"}}, {"Attributes": {"Owner": "1"}}),
    ("sts", "GetWebIdentityToken", {"WebIdentityToken": "t", "Expiration": AT},
     {"Expiration": AT.timestamp(), "WebIdentityToken": "t"}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "answer", "result"), ANSWERS, ids=[row[1] for row in ANSWERS])
def test_an_answer_has_the_names_of_the_document(
    wire: Wire, service: str, operation: str, answer: dict[str, Any] | None, result: Any
) -> None:
    response = wire.encode(wire.router.route(call(service, operation)), answer, b"r-1")
    assert (response.status, dict(response.headers)[b"content-type"]) == (200, b"application/json")
    inside = {f"{operation}Result": result} if result is not None else {}
    assert json.loads(response.body) == {f"{operation}Response": {"ResponseMetadata": {"RequestId": "r-1"}, **inside}}


def test_an_error_tells_code_message_and_side(wire: Wire) -> None:
    request = call("sqs", "GetQueueUrl")
    error = ServiceError("The specified queue does not exist.", code="QueueDoesNotExist")
    response = wire.refuse(error, request, wire.router.route(request), b"r-1")
    assert response.status == 400
    assert json.loads(response.body) == {
        "Error": {
            "Code": "AWS.SimpleQueueService.NonExistentQueue",
            "Message": "The specified queue does not exist for this wsdl version.",
            "Type": "Sender",
        },
        "RequestId": "r-1",
    }
