"""A trace goes from the caller through functions and queues, as the SDKs carry it.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-amazonsqs-and-amazon-xray.html;
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (_X_AMZN_TRACE_ID)
"""

import io
import json
import time
import zipfile
from typing import Any

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
ROOT = "1-67891233-abcdef012345678912345678"
FIRST = """
import boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="x")
    return os.environ["_X_AMZN_TRACE_ID"]
"""
SECOND = """
import boto3, json, os
def handler(event, context):
    told = {"record": event["Records"][0]["attributes"].get("AWSTraceHeader"), "own": os.environ["_X_AMZN_TRACE_ID"]}
    boto3.client("sqs").send_message(QueueUrl=os.environ["ANSWERS"], MessageBody=json.dumps(told))
"""


def create(server: ServerProcess, name: str, source: str, **parameters: Any) -> Any:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", source)
    functions = server.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": content.getvalue()},
        **parameters,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    return functions


def parts(header: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in header.split(";"))


def test_a_trace_goes_through_functions_and_queues(server: ServerProcess) -> None:
    sqs = server.client("sqs")
    url, answers = (
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
        for name in ("work", "answers")
    )
    functions = create(server, "First", FIRST)
    create(server, "Second", SECOND, Environment={"Variables": {"ANSWERS": answers}}, TracingConfig={"Mode": "Active"})
    functions.create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:us-east-1:000000000000:work", FunctionName="Second"
    )
    header = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"
    functions.meta.events.register(
        "before-call.lambda.Invoke", lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": header})
    )
    answer = functions.invoke(FunctionName="First", Payload=json.dumps({"queue": url}), LogType="Tail")
    first = parts(json.load(answer["Payload"]))
    assert (first["Root"], first["Sampled"]) == (ROOT, "1")
    assert first["Parent"] != "53995c3f42cd8ad8"
    ends = time.monotonic() + 120
    while not (found := sqs.receive_message(QueueUrl=answers, WaitTimeSeconds=20).get("Messages")):
        assert time.monotonic() < ends, server.output()
    (message,) = found
    told = json.loads(message["Body"])
    assert parts(told["record"]) == first, "the SDK in the function hands its trace to the queue"
    own = parts(told["own"])
    assert own["Root"] != ROOT, "a batch may come from many traces: it begins one of its own"
    assert own["Sampled"] == "1", "active tracing records what nobody has decided"
