"""Vectors of each protocol. Sources: the examples of the SQS API Reference (query protocol), smithy.io protocol pages."""

import json
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.wire.codec import Wire
from interstate.wire.messages import Request, Response
from interstate.wire.routing import Route, Router

FORM = b"application/x-www-form-urlencoded; charset=utf-8"


def signed(service: str, key: str = "test", region: str = "us-east-1") -> bytes:
    scope = f"{key}/20261121/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00".encode()


def json_call(target: str, params: Any) -> Request:
    body = params if isinstance(params, bytes) else json.dumps(params).encode()
    return Request("POST", "/", "", {b"x-amz-target": target.encode(), b"host": b"localhost"}, body)


def form_call(service: str, body: str, path: str = "/") -> Request:
    headers = {b"authorization": signed(service), b"content-type": FORM, b"host": b"localhost:4566"}
    return Request("POST", path, "", headers, body.encode())


def decoded(wire: Wire, request: Request) -> tuple[str, str, dict[str, Any]]:
    route = wire.router.route(request)
    return route.metadata.name, route.operation, wire.decode(route, request)


QUERIES: list[tuple[str, str, dict[str, Any]]] = [
    (
        (
            "Action=SendMessage&MessageBody=hi%20there&Version=2012-11-05"
            "&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Number&MessageAttribute.1.Value.StringValue=7"
            "&MessageAttribute.2.Name=b&MessageAttribute.2.Value.DataType=Binary&MessageAttribute.2.Value.BinaryValue=aGk%3D"
        ),
        "/123456789012/orders",
        {
            "QueueUrl": "http://localhost:4566/123456789012/orders",
            "MessageBody": "hi there",
            "MessageAttributes": {
                "n": {"DataType": "Number", "StringValue": "7"},
                "b": {"DataType": "Binary", "BinaryValue": b"hi"},
            },
        },
    ),
    (
        (
            "Action=SendMessageBatch&QueueUrl=q&SendMessageBatchRequestEntry.2.Id=b&SendMessageBatchRequestEntry.2.MessageBody=2"
            "&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=1"
            "&SendMessageBatchRequestEntry.1.DelaySeconds=5"
        ),
        "/",
        {
            "QueueUrl": "q",
            "Entries": [{"Id": "a", "MessageBody": "1", "DelaySeconds": 5}, {"Id": "b", "MessageBody": "2"}],
        },
    ),
    (
        (
            "Action=CreateQueue&QueueName=orders&Attribute.1.Name=DelaySeconds&Attribute.1.Value=7"
            "&Tag.1.Key=team&Tag.1.Value=a"
        ),
        "/",
        {"QueueName": "orders", "Attributes": {"DelaySeconds": "7"}, "tags": {"team": "a"}},
    ),
    (
        "Action=ReceiveMessage&QueueUrl=q&AttributeName.1=All&MessageAttributeName.1=a&MessageAttributeName.2=b",
        "/",
        {"QueueUrl": "q", "AttributeNames": ["All"], "MessageAttributeNames": ["a", "b"]},
    ),
]


@pytest.mark.parametrize(("body", "path", "params"), QUERIES)
def test_sqs_still_speaks_its_query_protocol(wire: Wire, body: str, path: str, params: dict[str, Any]) -> None:
    assert decoded(wire, form_call("sqs", body, path))[2] == params


def answered(wire: Wire, service: str, operation: str, protocol: Any, answer: Any) -> Response:
    return wire.encode(Route(wire.models.metadata[service], operation, protocol), answer, b"id-1")


def test_sqs_answers_queries_in_flat_xml(wire: Wire) -> None:
    answer = {
        "Messages": [
            {
                "MessageId": "m-1",
                "Body": "a < b",
                "Attributes": {"SenderId": "me"},
                "MessageAttributes": {"n": {"DataType": "Number", "StringValue": "7"}},
            }
        ]
    }
    body = answered(wire, "sqs", "ReceiveMessage", "query", answer).body.decode()
    assert body == (
        '<ReceiveMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><ReceiveMessageResult><Message>'
        "<MessageId>m-1</MessageId><Body>a &lt; b</Body><Attribute><Name>SenderId</Name><Value>me</Value></Attribute>"
        "<MessageAttribute><Name>n</Name><Value><StringValue>7</StringValue><DataType>Number</DataType></Value>"
        "</MessageAttribute></Message></ReceiveMessageResult>"
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    )


def test_an_operation_without_output_answers_queries_with_metadata_alone(wire: Wire) -> None:
    body = answered(wire, "sqs", "DeleteMessage", "query", None).body
    root = ET.fromstring(body)
    assert [child.tag.rpartition("}")[2] for child in root] == ["ResponseMetadata"]


def test_instants_are_seconds_in_json_and_iso_in_xml(wire: Wire) -> None:
    at = datetime(2026, 11, 21, 9, 12, 12, 345678, UTC)
    in_json = answered(wire, "stepfunctions", "StartExecution", "json", {"executionArn": "a", "startDate": at})
    assert json.loads(in_json.body) == {"executionArn": "a", "startDate": 1795252332.345}
    roles = {"Role": {"RoleName": "r", "CreateDate": at}}
    assert b"<CreateDate>2026-11-21T09:12:12.345Z</CreateDate>" in answered(wire, "iam", "GetRole", "query", roles).body


def test_dynamodb_answers_carry_their_checksum(wire: Wire) -> None:
    response = answered(wire, "dynamodb", "GetItem", "json", {"Item": {"b": {"B": b"hi"}}})
    assert json.loads(response.body) == {"Item": {"b": {"B": "aGk="}}}
    assert dict(response.headers)[b"x-amz-crc32"] == str(crc32(response.body)).encode()


def test_members_of_a_rest_answer_go_where_the_model_binds_them(wire: Wire) -> None:
    answer = {"StatusCode": 200, "FunctionError": "Unhandled", "ExecutedVersion": "$LATEST", "Payload": b'{"a":1}'}
    response = answered(wire, "lambda", "Invoke", "rest-json", answer)
    headers = dict(response.headers)
    assert (response.status, response.body) == (200, b'{"a":1}')
    assert headers[b"x-amz-function-error"] == b"Unhandled"
    assert headers[b"x-amz-executed-version"] == b"$LATEST"


def test_members_of_a_rest_request_are_found_where_the_model_binds_them(wire: Wire) -> None:
    headers = {b"authorization": signed("lambda"), b"x-amz-invocation-type": b"Event", b"host": b"localhost"}
    path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations"
    request = Request("POST", path, "Qualifier=live", headers, b'{"a":1}')
    assert decoded(wire, request) == (
        "lambda",
        "Invoke",
        {
            "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "InvocationType": "Event",
            "Qualifier": "live",
            "Payload": b'{"a":1}',
        },
    )


# Errors ------------------------------------------------------------------------------------------------------------


def refused(wire: Wire, request: Request, error: ServiceError, *, known: bool = True) -> Response:
    route = wire.router.route(request) if known else None
    return wire.refuse(error, request, route, b"id-1")


def test_a_modelled_error_in_json_keeps_its_query_code_in_a_header(wire: Wire) -> None:
    error = ServiceError("The specified queue does not exist.", code="QueueDoesNotExist")
    response = refused(wire, json_call("AmazonSQS.SendMessage", {}), error)
    assert response.status == 400
    assert json.loads(response.body) == {
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    }
    assert dict(response.headers)[b"x-amzn-query-error"] == b"AWS.SimpleQueueService.NonExistentQueue;Sender"


def test_a_modelled_error_in_xml_has_its_code_and_status(wire: Wire) -> None:
    error = ServiceError("Topic does not exist", code="NotFoundException")
    response = refused(wire, form_call("sns", "Action=Publish&Version=2010-03-31&Message=m"), error)
    assert response.status == 404
    assert response.body.decode() == (
        '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>NotFound</Code>'
        "<Message>Topic does not exist</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"
    )


def test_a_modelled_error_over_rest_has_its_name_in_a_header(wire: Wire) -> None:
    headers = {b"authorization": signed("lambda"), b"host": b"localhost"}
    request = Request("GET", "/2015-03-31/functions/f", "", headers, b"")
    response = refused(wire, request, ServiceError("Function not found: f", code="ResourceNotFoundException"))
    assert response.status == 404
    assert json.loads(response.body) == {"Type": "User", "Message": "Function not found: f"}
    assert dict(response.headers)[b"x-amzn-errortype"] == b"ResourceNotFoundException"


def test_further_members_of_an_error_travel_with_it(wire: Wire) -> None:
    reasons = [{"Code": "ConditionalCheckFailed"}]
    error = ServiceError("cancelled", code="TransactionCanceledException", members={"CancellationReasons": reasons})
    response = refused(wire, json_call("DynamoDB_20120810.TransactWriteItems", {}), error)
    assert json.loads(response.body) == {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "cancelled",
        "CancellationReasons": reasons,
    }


def test_a_service_that_speaks_cbor_is_refused_in_cbor(wire: Wire) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    request = Request("POST", path, "", {b"smithy-protocol": b"rpc-v2-cbor", b"host": b"localhost"}, b"\xa0")
    response = refused(wire, request, NotImplementedHere("CloudWatch: PutMetricData"))
    assert response.status == 501
    assert response.body.startswith(b"\xa2\x66__type\x6eNotImplemented\x67message")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (json_call("AmazonSQS.Nonsense", {}), "UnknownOperationException"),
        (json_call("Nobody.Nonsense", {}), "UnknownOperationException"),
        (json_call("nonsense", {}), "UnknownOperationException"),
        (form_call("sns", "Action=Nonsense&Version=2010-03-31"), "InvalidAction"),
        (form_call("sns", ""), "InvalidAction"),
        (Request("GET", "/2015-03-31/nonsense", "", {b"authorization": signed("lambda")}, b""), "UnknownOperationException"),
        (Request("GET", "/nonsense", "", {}, b""), "UnknownService"),
        (Request("GET", "/", "", {b"authorization": signed("quantum")}, b""), "UnknownService"),
        (Request("POST", "/service/x/operation/y", "", {b"smithy-protocol": b"rpc-v2-cbor"}, b""), "UnknownOperationException"),
    ],
)  # fmt: skip
def test_what_cannot_be_recognized_is_refused(wire: Wire, request_: Request, code: str) -> None:
    with pytest.raises(ServiceError) as error:
        wire.router.route(request_)
    assert error.value.code == code
    assert wire.refuse(error.value, request_, None, b"id-1").status in (400, 404)


@pytest.mark.parametrize("body", [b"{", b"nonsense", b"[]", b'"text"', b"7", b"\xff\xfe", b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(wire: Wire, body: bytes) -> None:
    with pytest.raises(ServiceError) as error:
        decoded(wire, json_call("AmazonSQS.SendMessage", body))
    assert error.value.code == "SerializationException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages=many", "MalformedInput"),
        ("Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages.1=3", "MalformedInput"),
        ("Action=ReceiveMessage&QueueUrl=q&MaxNumberOfMessages=٣", "MalformedInput"),
        ("Action=ReceiveMessage&" + "&".join(f"a{n}=1" for n in range(10_001)), "MalformedQueryString"),
        ("Action=SendMessage&QueueUrl=q", "MissingParameter"),
    ],
)
def test_form_fields_that_are_no_values_of_their_type_are_refused(wire: Wire, body: str, code: str) -> None:
    with pytest.raises(ServiceError) as error:
        decoded(wire, form_call("sqs", body))
    assert error.value.code == code


def outcome(wire: Wire, request: Request) -> int:
    """The status that the request would get before the engine sees it; 200 when the engine would."""
    try:
        decoded(wire, request)
    except ServiceError as error:
        return refused(wire, request, error).status
    return 200


NAMES = st.sampled_from(("Entries", "Item", "Key", "Name", "M", "L", "B", "S", "Tags", "QueueUrl", "MessageBody", "x"))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))
TARGETS = st.sampled_from(
    ("AmazonSQS.SendMessageBatch", "DynamoDB_20120810.PutItem", "AWSEvents.PutEvents", "Logs_20140328.PutLogEvents")
)


@given(target=TARGETS, params=JSON)
def test_whatever_comes_is_read_or_refused(wire: Wire, target: str, params: Any) -> None:
    request = json_call(target, params)
    assert outcome(wire, request) in (200, 400)


@given(names=st.lists(st.text(alphabet="aEntries.123member=&%+", max_size=30), max_size=5))
def test_whatever_form_comes_is_read_or_refused(wire: Wire, names: list[str]) -> None:
    request = form_call("sns", "Action=PublishBatch&Version=2010-03-31&" + "&".join(names))
    assert outcome(wire, request) in (200, 400)


# Who calls ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "caller"),
    [
        (signed("sqs"), Caller("000000000000", "us-east-1", "test")),
        (signed("sqs", "123456789012", "ap-northeast-2"), Caller("123456789012", "ap-northeast-2", "123456789012")),
        (b"Bearer nonsense", Caller()),
        (b"AWS4-HMAC-SHA256 Credential=short", Caller()),
    ],
)
def test_the_credential_scope_tells_account_and_region(wire: Wire, authorization: bytes, caller: Caller) -> None:
    request = Request("POST", "/", "", {b"authorization": authorization}, b"")
    assert Router(wire.models).scope(request)[1] == caller


@pytest.mark.parametrize(
    ("request_", "service", "operation"),
    [
        (Request("POST", "/", "", {b"content-type": FORM}, b"Action=Publish&Version=2010-03-31"), "sns", "Publish"),
        (Request("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", {}, b""), "sts", "GetCallerIdentity"),
        (Request("GET", "/2015-03-31/functions", "", {}, b""), "lambda", "ListFunctions"),
        (Request("GET", "/v2/apis", "", {b"authorization": signed("apigateway")}, b""), "apigatewayv2", "GetApis"),
        (Request("GET", "/restapis", "", {b"authorization": signed("apigateway")}, b""), "apigateway", "GetRestApis"),
        (
            Request(
                "POST", "/", "", {b"content-type": FORM, b"host": b"sqs.us-east-1.localhost"}, b"Action=ListQueues"
            ),
            "sqs",
            "ListQueues",
        ),
        (Request("GET", "/", "", {b"authorization": signed("s3")}, b""), "s3", "ListBuckets"),
    ],
)
def test_requests_are_recognized_without_a_target(wire: Wire, request_: Request, service: str, operation: str) -> None:
    route = wire.router.route(request_)
    assert (route.metadata.name, route.operation) == (service, operation)


def test_an_operation_can_name_its_call(wire: Wire) -> None:
    """Lambda's calls have ids of their own, which are the answers' ids as well."""
    call = Request("POST", "/2015-03-31/functions/f/invocations", "", {b"authorization": signed("lambda")}, b"{}")
    route = wire.router.route(call)
    answer = wire.encode(route, {"StatusCode": 202, "_RequestId": "own"}, b"other")
    assert (b"x-amzn-requestid", b"own") in answer.headers
    assert b"own" not in answer.body


def test_one_element_of_a_flat_list_needs_no_number(wire: Wire) -> None:
    """Source: SQS API Reference, ReceiveMessage's example; https://github.com/softwaremill/elasticmq/pull/448."""
    body = "Action=ReceiveMessage&AttributeName=All&MessageAttributeName=a"
    params = decoded(wire, form_call("sqs", body, "/000000000000/q"))[2]
    assert (params["AttributeNames"], params["MessageAttributeNames"]) == (["All"], ["a"])
