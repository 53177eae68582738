"""Bad input at every door of a real server: AWS's refusal, nothing changed, nothing lost, no bug in the log."""

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any, NamedTuple
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server

ROLE = "arn:aws:iam::000000000000:role/r"
PASS = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("bad") / "data")
    process.start()
    events = {"Service": "events.amazonaws.com"}
    lets_in = {"Effect": "Allow", "Principal": events, "Action": "sqs:SendMessage", "Resource": "*"}
    attributes = {"Policy": json.dumps({"Statement": [lets_in]})}
    client(process, "sqs").create_queue(QueueName="q", Attributes=attributes)
    client(process, "sns").create_topic(Name="t")
    client(process, "events").put_rule(Name="r", EventPattern='{"source": ["a"]}')
    client(process, "events").put_targets(
        Rule="r", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}]
    )
    client(process, "stepfunctions").create_state_machine(name="m", definition=PASS, roleArn=ROLE)
    table(process, "tab")
    yield process
    process.kill()


@pytest.fixture(autouse=True)
def unharmed(server: ServerProcess) -> Iterator[None]:
    """After every test all is as it was, and the log tells of no bug."""
    before, printed = everything(server), len(server.output())
    yield
    assert everything(server) == before
    assert server.control("GET", "health")["status"] == "ok"
    assert "Traceback" not in server.output()[printed:]


@cache
def client(server: ServerProcess, service: str) -> Any:
    """A client that sends whatever it is given; made once: its model takes a while to read."""
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="interstate",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, inject_host_prefix=False),
    )


def table(server: ServerProcess, name: str) -> None:
    client(server, "dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


LISTS = [
    ("sqs", "list_queues"),
    ("sns", "list_topics"),
    ("sns", "list_subscriptions"),
    ("events", "list_rules"),
    ("events", "list_event_buses"),
    ("stepfunctions", "list_state_machines"),
    ("lambda", "list_functions"),
    ("logs", "describe_log_groups"),
    ("iam", "list_roles"),
    ("cloudformation", "describe_stacks"),
    ("apigatewayv2", "get_apis"),
    ("apigateway", "get_rest_apis"),
    ("dynamodb", "list_tables"),
]


def everything(server: ServerProcess) -> dict[str, Any]:
    """What all lists show, how many messages wait, and the items of the table."""
    found = {
        f"{service} {operation}": {
            name: value
            for name, value in getattr(client(server, service), operation)().items()
            if name != "ResponseMetadata"
        }
        for service, operation in LISTS
    }
    url = f"{server.url}/000000000000/q"
    waiting = client(server, "sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return found | {
        "waiting": waiting["Attributes"],
        "items": client(server, "dynamodb").scan(TableName="tab")["Items"],
    }


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


# AWS's operations --------------------------------------------------------------------------------------------------

QUEUE = {"QueueUrl": "http://localhost/000000000000/q"}
TOPIC = {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t"}
MACHINE = {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:m"}
ENTRY = {"Source": "a", "DetailType": "b", "Detail": "{}"}


class Refused(NamedTuple):
    service: str
    operation: str
    request: dict[str, Any]
    code: str
    message: str


REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("sqs", "send_message", {**QUEUE, "MessageBody": ""}, "MissingParameter", "MessageBody"),
    ("sqs", "send_message", {**QUEUE, "MessageBody": "x" * 1_048_577}, "InvalidParameterValue", "Message must be shorter than 1048576 bytes."),
    ("sqs", "send_message", {**QUEUE, "MessageBody": "\0"}, "InvalidMessageContents", "Invalid characters found."),
    ("sqs", "send_message", {"QueueUrl": "http://localhost/000000000000/nobody", "MessageBody": "x"}, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    ("sqs", "send_message_batch", {**QUEUE, "Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest", "at least one"),
    ("sqs", "send_message_batch", {**QUEUE, "Entries": [{"Id": "a", "MessageBody": "x"}] * 2}, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated."),
    ("sqs", "create_queue", {"QueueName": "q.fifo"}, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"),
    ("sqs", "create_queue", {"QueueName": "a b"}, "InvalidParameterValue", "alphanumeric"),
    ("sqs", "create_queue", {"QueueName": "n", "Attributes": {"VisibilityTimeout": "9" * 5000}}, "InvalidAttributeValue", "VisibilityTimeout"),
    ("sqs", "delete_message", {**QUEUE, "ReceiptHandle": "forged"}, "ReceiptHandleIsInvalid", "forged"),
    ("sns", "publish", {**TOPIC, "Message": "x" * 262_145}, "InvalidParameter", "Message too long"),
    ("sns", "publish", {**TOPIC, "Message": nested(3000), "MessageStructure": "json"}, "InvalidParameter", "JSON message body failed to parse"),
    ("sns", "publish", {"TopicArn": TOPIC["TopicArn"] + "x", "Message": "x"}, "NotFound", "Topic does not exist"),
    ("sns", "subscribe", {**TOPIC, "Protocol": "pigeon", "Endpoint": "x"}, "InvalidParameter", "pigeon"),
    ("events", "put_events", {"Entries": [ENTRY] * 11}, "ValidationException", "Member must have length less than or equal to 10"),
    ("events", "put_events", {"Entries": []}, "ValidationException", "Member must have length greater than or equal to 1"),
    ("events", "put_rule", {"Name": "n", "EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid."),
    ("events", "put_rule", {"Name": "n", "EventPattern": nested(300)}, "InvalidEventPatternException", "Document nesting depth (201)"),
    ("events", "put_rule", {"Name": "n", "ScheduleExpression": "rate(1 minutes)"}, "ValidationException", "Parameter ScheduleExpression is not valid."),
    ("events", "put_targets", {"Rule": "r", "Targets": [{"Id": "x", "Arn": "arn:aws:ec2:us-east-1:000000000000:x"}]}, "NotImplemented", "targets of rules in ec2"),
    ("events", "put_targets", {"Rule": "nobody", "Targets": [{"Id": "x", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}]}, "ResourceNotFoundException", "Rule nobody does not exist"),
    ("stepfunctions", "create_state_machine", {"name": "n", "definition": "{", "roleArn": ROLE}, "InvalidDefinition", "INVALID_JSON_DESCRIPTION"),
    ("stepfunctions", "create_state_machine", {"name": "n", "definition": '{"StartAt": "A", "States": {"A": {"Type": "Nope"}}}', "roleArn": ROLE}, "InvalidDefinition", "SCHEMA_VALIDATION_FAILED"),
    ("stepfunctions", "create_state_machine", {"name": "n", "definition": " " * 1_048_577, "roleArn": ROLE}, "ValidationException", "1048576"),
    ("stepfunctions", "start_execution", {**MACHINE, "input": "{"}, "InvalidExecutionInput", "Unexpected end-of-input"),
    ("stepfunctions", "start_execution", {**MACHINE, "input": nested(5000)}, "InvalidExecutionInput", "nesting depth"),
    ("stepfunctions", "start_execution", {**MACHINE, "input": "9" * 5000}, "InvalidExecutionInput", "Invalid value"),
    ("stepfunctions", "start_execution", {**MACHINE, "input": json.dumps("x" * 262_143)}, "ValidationException", "262144"),
    ("stepfunctions", "start_execution", {"stateMachineArn": MACHINE["stateMachineArn"] + "x"}, "StateMachineDoesNotExist", "State Machine Does Not Exist"),
    ("stepfunctions", "send_task_success", {"taskToken": "forged", "output": "1"}, "InvalidToken", "Invalid Token"),
    ("dynamodb", "put_item", {"TableName": "tab", "Item": {}}, "ValidationException", "Missing the key a in the item"),
    ("dynamodb", "put_item", {"TableName": "tab", "Item": {"a": {"S": "1"}, "b": {"S": "x" * 410_000}}}, "ValidationException", "Item size has exceeded the maximum allowed size"),
    ("dynamodb", "put_item", {"TableName": "tab", "Item": {"a": {"S": "1"}, "b": {"N": "9" * 39}}}, "ValidationException", "more than 38 significant digits"),
    ("dynamodb", "put_item", {"TableName": "tab", "Item": {"a": {"S": "1"}}, "ConditionExpression": "(" * 5000}, "ValidationException", "Invalid ConditionExpression"),
    ("dynamodb", "get_item", {"TableName": "nobody", "Key": {"a": {"S": "1"}}}, "ResourceNotFoundException", "Requested resource not found"),
    ("dynamodb", "transact_write_items", {"TransactItems": [{"Put": {"TableName": "tab", "Item": {"a": {"S": "1"}}}}] * 2}, "ValidationException", "multiple operations on one item"),
    ("logs", "put_log_events", {"logGroupName": "nobody", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "x"}]}, "ResourceNotFoundException", "The specified log group does not exist."),
    ("iam", "create_role", {"RoleName": "n", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument", ""),
    ("sts", "assume_role", {"RoleArn": "x", "RoleSessionName": "s"}, "ValidationError", ""),
    ("apigatewayv2", "create_api", {"Name": "n", "ProtocolType": "WEBSOCKET"}, "NotImplemented", "WebSocket APIs"),
    ("apigateway", "get_rest_api", {"restApiId": "nobody"}, "NotFoundException", "Invalid API identifier specified"),
    ("cloudformation", "create_stack", {"StackName": "a b", "TemplateBody": '{"Resources": {"A": {"Type": "AWS::SNS::Topic"}}}'}, "ValidationError", "at 'stackName' failed to satisfy constraint"),
]  # fmt: skip


@pytest.mark.parametrize(
    "row", [Refused(*row) for row in REFUSED], ids=[f"{row[0]}-{row[1]}-{number}" for number, row in enumerate(REFUSED)]
)
def test_an_operation_refuses(server: ServerProcess, row: Refused) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(server, row.service), row.operation)(**row.request)
    assert refused.value.response["Error"]["Code"] == row.code
    assert row.message in refused.value.response["Error"]["Message"]
    assert refused.value.response["ResponseMetadata"]["RequestId"]


def test_a_bad_entry_of_a_batch_is_refused_alone(server: ServerProcess) -> None:
    entries = [{**ENTRY, "Detail": "{"}, {**ENTRY, "Detail": nested(800)}, {**ENTRY, "Source": "aws.x"}]
    answer = client(server, "events").put_events(Entries=entries)
    assert [entry["ErrorCode"] for entry in answer["Entries"]] == [
        "MalformedDetail",
        "MalformedDetail",
        "NotAuthorizedForSourceException",
    ]


def test_an_event_of_many_levels_arrives(server: ServerProcess) -> None:
    url = f"{server.url}/000000000000/q"
    entry = {**ENTRY, "Detail": nested(400)}
    assert client(server, "events").put_events(Entries=[entry])["FailedEntryCount"] == 0
    (message,) = client(server, "sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert f'"detail":{nested(400)}' in message["Body"]
    client(server, "sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


# Protocols and HTTP -------------------------------------------------------------------------------------------------

SQS_JSON = {"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Raw(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    word: str


RAW: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
    ("POST", "/", SQS_JSON, b"{", 400, "SerializationException"),
    ("POST", "/", SQS_JSON, b"[]", 400, "SerializationException"),
    ("POST", "/", SQS_JSON, b"\xff\xfe", 400, "SerializationException"),
    ("POST", "/", SQS_JSON, b'{"QueueUrl": 1}', 400, "SerializationException"),
    ("POST", "/", SQS_JSON, b'{"QueueUrl":' + b"[" * 100_000, 400, "SerializationException"),
    ("POST", "/", {"X-Amz-Target": "AmazonSQS.Nope"}, b"{}", 400, "Nope"),
    ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.CreateGlobalTable", "Content-Type": "application/x-amz-json-1.0"}, b"{}", 501, "CreateGlobalTable"),
    ("POST", "/", {"X-Amz-Target": "Nobody.Nope"}, b"{}", 400, "Nobody"),
    ("POST", "/", {"X-Amz-Target": "DynamoDB_20120810.PutItem"}, b'{"TableName": "tab", "Item": {"a": {"X": "?"}}}', 400, "Supplied AttributeValue is empty"),
    ("POST", "/", {"X-Amz-Target": "AWSEvents.UntagResource"}, b'{"ResourceARN": "a", "TagKeys": [null]}', 400, "Member must not be null"),
    ("POST", "/", FORM, b"Action=Nope&Version=2010-03-31", 400, "Nope"),
    ("POST", "/", FORM, b"Action=Publish&Version=2010-03-31&Message.member.1=x", 400, "<Code>"),
    ("POST", "/", FORM, b"%%%=%ff&&&=", 404, "UnknownService"),
    ("POST", "/2015-03-31/functions", {}, b"{", 400, "it is not valid JSON"),
    ("GET", "/2015-03-31/functions/" + quote("a/../b", safe=""), {}, b"", 400, ""),
    ("GET", "/2015-03-31/functions?MaxItems=many", {}, b"", 400, ""),
    ("GET", "/v2/apis/nobody", {}, b"", 404, "nobody"),
    ("GET", "/_apis/nobody/x", {}, b"", 404, "Not Found"),
    ("GET", "/_interstate/nobody", {}, b"", 404, "NotFound"),
    ("POST", "/_interstate/clock", {}, b"{", 400, "SerializationException"),
    ("POST", "/_interstate/clock", {}, b'{"advance": "99999999w"}', 400, "ValidationException"),
    ("POST", "/_interstate/clock", {}, b'{"set": "9999-12-31T23:59:59Z"}', 400, "at most 7320 days"),
    ("POST", "/_interstate/deploy", {}, b'{"template": 1, "parameters": [1]}', 400, "ValidationException"),
    ("GET", "/_interstate/mailbox?after=99999999999999999999", {}, b"", 400, "must be a number"),
    ("POST", "/", {"Host": "evil.example"}, b"{}", 403, "evil.example"),
    ("POST", "/", {"Origin": "http://evil.example"}, b"{}", 403, "evil.example"),
]  # fmt: skip


@pytest.mark.parametrize("raw", [Raw(*row) for row in RAW], ids=range(len(RAW)))
def test_a_door_refuses(server: ServerProcess, raw: Raw) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(raw.method, raw.path, raw.body, raw.headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert (answer.status, raw.word in text) == (raw.status, True), text


BYTES = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where there is none.
    b"GET\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
    b"\0" * 1000,
]


@pytest.mark.parametrize("data", BYTES, ids=range(len(BYTES)))
def test_what_is_no_request_is_refused_and_hung_up_on(server: ServerProcess, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(data)
        answer = connection.recv(65_536)
        assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4")


def test_half_requests_hold_nobody_up(server: ServerProcess) -> None:
    """Two hundred clients that never go on, beside one that wants an answer."""
    half = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(200)]
    for number, connection in enumerate(waiting):
        connection.sendall(half[: 1 + number % len(half)])
    assert client(server, "sqs").list_queues()["QueueUrls"]
    for connection in waiting:
        connection.close()


# Races --------------------------------------------------------------------------------------------------------------


def raced(server: ServerProcess, service: str, operation: str, *requests: dict[str, Any]) -> list[str]:
    """What becomes of calls made at once: "" or the error's code, sorted."""
    start = Barrier(len(requests))

    def call(request: dict[str, Any]) -> str:
        start.wait()
        try:
            getattr(client(server, service), operation)(**request)
        except ClientError as refused:
            code: str = refused.response["Error"]["Code"]
            return code
        return ""

    with ThreadPoolExecutor(len(requests)) as threads:
        return sorted(threads.map(call, requests))


def test_of_eight_conditional_writes_one_wins(server: ServerProcess) -> None:
    item = {"TableName": "tab", "ConditionExpression": "attribute_not_exists(a)"}
    puts = [{**item, "Item": {"a": {"S": "raced"}, "by": {"N": str(number)}}} for number in range(8)]
    assert raced(server, "dynamodb", "put_item", *puts) == ["", *["ConditionalCheckFailedException"] * 7]
    client(server, "dynamodb").delete_item(TableName="tab", Key={"a": {"S": "raced"}})


def test_what_is_made_by_many_at_once_is_made_once_and_deleted_once(server: ServerProcess) -> None:
    assert raced(server, "events", "create_event_bus", *[{"Name": "raced"}] * 8) == [
        "",
        *["ResourceAlreadyExistsException"] * 7,
    ]
    client(server, "events").delete_event_bus(Name="raced")
    machines = [
        {"name": "raced", "definition": PASS, "roleArn": ROLE, "type": kind} for kind in ("STANDARD", "EXPRESS")
    ]
    assert raced(server, "stepfunctions", "create_state_machine", *machines) == ["", "StateMachineAlreadyExists"]
    client(server, "stepfunctions").delete_state_machine(stateMachineArn=MACHINE["stateMachineArn"][:-1] + "raced")
    role = {"RoleName": "raced", "AssumeRolePolicyDocument": '{"Version": "2012-10-17", "Statement": []}'}
    assert raced(server, "iam", "create_role", *[role] * 4) == ["", *["EntityAlreadyExists"] * 3]
    assert raced(server, "iam", "delete_role", *[{"RoleName": "raced"}] * 4) == ["", *["NoSuchEntity"] * 3]


# Starting -----------------------------------------------------------------------------------------------------------


def test_a_server_that_cannot_start_says_why(server: ServerProcess, tmp_path: Path) -> None:
    """Data that another server holds, a place that is no folder, a file that is no database, credentials that are none, an address without them."""
    if ServerProcess.database_for is not None:
        pytest.skip("about data directories: tests/nodes and tests/store say what a database answers")
    occupied = tmp_path / "file"
    occupied.write_text("not a folder")
    garbage = tmp_path / "garbage"
    garbage.mkdir()
    (garbage / "interstate.db").write_bytes(b"no database" * 1000)
    broken = tmp_path / "credentials"
    broken.write_text("no section")
    assert server.data is not None
    for data, arguments, words in (
        (server.data, (), str(server.pid)),
        (occupied, (), f"The data directory {occupied} cannot be used: File exists"),
        (garbage, (), f"interstate restore BACKUP --data {garbage}"),
        (garbage, (), f"{garbage / 'interstate.db'} is damaged"),
        (tmp_path / "one", ("--credentials", str(broken)), "credentials"),
        (tmp_path / "two", ("--host", "0.0.0.0"), "--credentials"),
    ):
        second = ServerProcess(data, *arguments)
        second.log = tmp_path / "log"
        second.log.write_text("")
        with pytest.raises(AssertionError, match="the server ended"):
            second.start()
        assert words in second.output()
        assert "Traceback" not in second.output(), second.output()


def test_where_callers_must_sign_nobody_else_gets_in(tmp_path: Path) -> None:
    keys = tmp_path / "credentials"
    keys.write_text("[us]\naws_access_key_id = AKIDUS\naws_secret_access_key = secret\naws_account_id = 123456789012\n")
    guarded = ServerProcess(tmp_path / "data", "--credentials", str(keys))
    guarded.start()

    def outcome(key: str, secret: str) -> str:
        sqs = boto3.client(
            "sqs",
            endpoint_url=guarded.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}),
        )
        try:
            url: str = sqs.create_queue(QueueName="q")["QueueUrl"]
        except ClientError as refused:
            code: str = refused.response["Error"]["Code"]
            return code
        return url

    try:
        assert outcome("AKIDUS", "guessed") == "InvalidSignatureException"
        assert outcome("NOBODY", "secret") == "UnrecognizedClientException"
        connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=60)
        connection.request("POST", "/", b'{"QueueName": "q"}', {"X-Amz-Target": "AmazonSQS.CreateQueue"})
        assert b"MissingAuthenticationToken" in connection.getresponse().read()
        connection.close()
        assert outcome("AKIDUS", "secret") == f"{guarded.url}/123456789012/q"
        assert "Traceback" not in guarded.output()
    finally:
        guarded.kill()
