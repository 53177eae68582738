"""A function that calls itself through a queue, a topic or the API is stopped; boto3 in it carries the chain.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: a function is invoked "approximately 16 times"
in one chain of requests; then events go to dead letters, messages to the queue's redrive policy, and
RecursiveInvocationsDropped counts.
"""

import json
import time
from typing import Any

import pytest
from tests.server.test_traces import create
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
CALLS = 16
ACCOUNT = "us-east-1:000000000000"
DEAD = f"arn:aws:sqs:{ACCOUNT}:dead"
AGAIN = {
    "queue": 'boto3.client("sqs").send_message(QueueUrl=os.environ["PLACE"], MessageBody="again")',
    "topic": 'boto3.client("sns").publish(TopicArn=os.environ["PLACE"], Message="again")',
    "itself": 'boto3.client("lambda").invoke(FunctionName="itself", InvocationType="Event", Payload=b"{}")',
}


def looping(server: ServerProcess, name: str, place: str) -> Any:
    """A function that has itself called again; what AWS would not call any more goes to the dead letters."""
    source = f"import boto3, os\ndef handler(event, context):\n    {AGAIN[name]}\n"
    environment = {"Variables": {"PLACE": place}}
    return create(server, name, source, Environment=environment, DeadLetterConfig={"TargetArn": DEAD})


def calls(server: ServerProcess, name: str) -> int:
    events = server.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return sum(event["message"].startswith("START") for event in events)


def test_a_chain_of_a_functions_own_calls_ends(server: ServerProcess) -> None:
    sqs, sns = server.client("sqs"), server.client("sns")
    dead = sqs.create_queue(QueueName="dead", Attributes={"VisibilityTimeout": "43200"})["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 1})
    attributes = {"VisibilityTimeout": "60", "RedrivePolicy": redrive}
    server.control("POST", "clock", {"mode": "frozen"})
    queue = sqs.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    topic = sns.create_topic(Name="news")["TopicArn"]
    functions = looping(server, "queue", queue)
    functions.create_event_source_mapping(EventSourceArn=f"arn:aws:sqs:{ACCOUNT}:work", FunctionName="queue")
    looping(server, "topic", topic)
    permission = {"Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com", "SourceArn": topic}
    functions.add_permission(FunctionName="topic", StatementId="news", **permission)
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"arn:aws:lambda:{ACCOUNT}:function:topic")
    looping(server, "itself", "")

    sqs.send_message(QueueUrl=queue, MessageBody="go")
    sns.publish(TopicArn=topic, Message="go")
    functions.invoke(FunctionName="itself", InvocationType="Event", Payload=b"{}")

    letters: list[Any] = []
    ends = time.monotonic() + 240
    while len(letters) < len(AGAIN):
        assert time.monotonic() < ends, server.output()
        got = sqs.receive_message(
            QueueUrl=dead, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]
        )
        letters += got.get("Messages", [])
        server.control("POST", "clock", {"advance": "61s"})  # What is hidden comes back, and is a dead letter then.
    assert {name: calls(server, name) for name in AGAIN} == dict.fromkeys(AGAIN, CALLS)
    (message,) = (letter for letter in letters if "MessageAttributes" not in letter)
    assert message["Body"] == "again"
    assert message["Attributes"]["AWSTraceHeader"].endswith(f":{CALLS}"), "the SDK's header carries the chain's length"
    events = [letter["MessageAttributes"] for letter in letters if "MessageAttributes" in letter]
    assert all("recursive loop" in event["ErrorMessage"]["StringValue"] for event in events)
    metrics = server.client("cloudwatch").list_metrics(Namespace="AWS/Lambda", MetricName="RecursiveInvocationsDropped")
    counted = {one["Dimensions"][0]["Value"] for one in metrics["Metrics"] if one["Dimensions"]}
    assert counted == set(AGAIN)
