"""Tasks that wait in a long poll: GetActivityTask and ReceiveMessage.

Source: API Reference, GetActivityTask (60 seconds); https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from typing import Any

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.states.integrations.calls import answer_of, request_of
from interstate.store.records.states import ApiAnswer, ApiCall

ROLE = "arn:aws:iam::000000000000:role/r"


class Outside:
    """Performs calls as a server does: through the API."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.calls: list[ApiCall] = []

    def __call__(self, _key: str, body: ApiCall) -> ApiAnswer:
        assert self.world is not None
        self.calls.append(body)
        service, operation, request = request_of(body)
        try:
            return answer_of(body, self.world.call(service, operation, request))
        except ServiceError as error:
            return answer_of(body, error)


def started(world: World, resource: str, parameters: dict[str, Any]) -> str:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{resource}", "Parameters": parameters, "End": True}
    definition = dumps({"StartAt": "T", "States": {"T": task}})
    machine = world.call(
        "stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE}
    )
    arn: str = world.call("stepfunctions", "StartExecution", machine)["executionArn"]
    return arn


def output(world: World, arn: str) -> Any:
    ended = world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})
    assert ended["status"] == "SUCCEEDED", ended
    return loads(ended["output"])


def test_what_is_there_is_taken_in_the_steps_own_transaction() -> None:
    outside = Outside()
    world = World(performers={"states.call": outside})
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "hello"})
    arn = started(world, "sqs:receiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20})
    world.run_due()
    assert [message["Body"] for message in output(world, arn)["Messages"]] == ["hello"]
    assert not outside.calls


def test_where_nothing_is_the_call_waits_outside() -> None:
    outside = Outside()
    outside.world = world = World(performers={"states.call": outside})
    activity = world.call("stepfunctions", "CreateActivity", {"name": "a"})["activityArn"]
    arn = started(world, "sfn:getActivityTask", {"ActivityArn": activity})
    world.run_due(effects=False)
    assert world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})["status"] == "RUNNING"
    task = {"Type": "Task", "Resource": activity, "End": True}
    definition = dumps({"StartAt": "A", "States": {"A": task}})
    worked = {"name": "worked", "definition": definition, "roleArn": ROLE}
    machine = world.call("stepfunctions", "CreateStateMachine", worked)["stateMachineArn"]
    world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine, "input": "7"})
    world.run_due(effects=False)
    world.run_due()
    assert output(world, arn)["Input"] == "7"
    assert len(outside.calls) == 1


def test_without_a_wait_an_empty_queue_answers_at_once() -> None:
    world = World(performers={"states.call": Outside()})
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    arn = started(world, "sqs:receiveMessage", {"QueueUrl": url})
    world.run_due()
    assert output(world, arn) == {}
