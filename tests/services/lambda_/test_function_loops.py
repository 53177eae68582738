"""Loops of functions through queues, topics and calls end.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.services.lambda_.conftest import Cloud

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.functions.recursion import CALLS_MAX
from interstate.core.functions.tracing import trace_of
from interstate.services.cloudwatch import SERVICE as CLOUDWATCH

NAME = "Again"
ARN = f"arn:aws:lambda:us-east-1:000000000000:function:{NAME}"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud(CLOUDWATCH)
    yield cloud
    cloud.world.close()


def traced(cloud: Any) -> Caller:
    """Who calls from inside the function's newest call, as its SDK does: under the call's trace header."""
    call, world = cloud.calls[-1], cloud.world
    trace = trace_of(call.trace, request_id=call.request_id, attempt=1, began=world.now, active=False, function=ARN)
    caller: Caller = world.caller
    return msgspec.structs.replace(caller, trace=trace.header)


def dropped(cloud: Any) -> float:
    request = {
        "Namespace": "AWS/Lambda", "MetricName": "RecursiveInvocationsDropped", "Statistics": ["Sum"], "Period": 86_400,
        "Dimensions": [{"Name": "FunctionName", "Value": NAME}],
        "StartTime": cloud.world.now - timedelta(days=1), "EndTime": cloud.world.now + timedelta(days=1),
    }  # fmt: skip
    points = cloud.world.call("cloudwatch", "GetMetricStatistics", request)["Datapoints"]
    total: float = sum(point["Sum"] for point in points)
    return total


def test_a_loop_through_a_queue_ends_in_the_dead_letters(cloud: Any) -> None:
    dead = cloud.queue("dead")
    redrive = f'{{"deadLetterTargetArn": "{dead}", "maxReceiveCount": 2}}'
    queue = cloud.queue("orders", VisibilityTimeout="30", RedrivePolicy=redrive)

    cloud.create(NAME, lambda _event: None)
    cloud.call("CreateEventSourceMapping", EventSourceArn=queue, FunctionName=NAME)
    cloud.send("orders", "first")
    for calls in range(1, CALLS_MAX + 1):
        cloud.world.run_due()
        assert len(cloud.calls) == calls
        request = {"QueueUrl": "http://localhost/000000000000/orders", "MessageBody": str(calls)}
        cloud.world.call("sqs", "SendMessage", request, caller=traced(cloud))
    cloud.send("orders", "of nobody")
    cloud.world.run_due()
    events: list[Any] = [loads(call.payload) for call in cloud.calls[CALLS_MAX:]]
    assert [event["Records"][0]["body"] for event in events] == ["of nobody"]
    cloud.world.advance(timedelta(minutes=5))
    assert (cloud.depth("orders"), cloud.depth("dead")) == (0, 1)
    assert dropped(cloud) == 2


def looped(cloud: Any) -> Caller:
    """Who calls from inside the last call that may be."""
    cloud.create(NAME, lambda event: event)
    caller: Caller = cloud.world.caller
    for _ in range(CALLS_MAX):
        cloud.world.call("lambda", "Invoke", {"FunctionName": NAME}, caller=caller)
        caller = traced(cloud)
    return caller


def test_a_function_that_calls_itself_is_refused(cloud: Any) -> None:
    caller = looped(cloud)
    with pytest.raises(ServiceError) as refused:
        cloud.world.call("lambda", "Invoke", {"FunctionName": NAME}, caller=caller)
    assert refused.value.code == "RecursiveInvocationException"
    assert len(cloud.calls) == CALLS_MAX
    assert dropped(cloud) == 1


def test_an_event_that_goes_on_with_a_loop_goes_where_failures_go(cloud: Any) -> None:
    cloud.queue("failures")
    caller = looped(cloud)
    target = "arn:aws:sqs:us-east-1:000000000000:failures"
    config = {"OnFailure": {"Destination": target}}
    cloud.call("PutFunctionEventInvokeConfig", FunctionName=NAME, DestinationConfig=config)
    request = {"FunctionName": NAME, "InvocationType": "Event", "Payload": b'{"a":1}'}
    assert cloud.world.call("lambda", "Invoke", request, caller=caller)["StatusCode"] == 202
    cloud.world.run_due()
    assert len(cloud.calls) == CALLS_MAX
    assert cloud.depth("failures") == 1
    assert dropped(cloud) == 1


def test_a_function_may_ask_for_its_loops(cloud: Any) -> None:
    caller = looped(cloud)
    cloud.call("PutFunctionRecursionConfig", FunctionName=NAME, RecursiveLoop="Allow")
    cloud.world.call("lambda", "Invoke", {"FunctionName": NAME}, caller=caller)
    assert len(cloud.calls) == CALLS_MAX + 1
