"""Tasks that call functions, whose workers are plain Python here. Sources: answers recorded from Step Functions."""

import io
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

ROLE = "arn:aws:iam::000000000000:role/r"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
FAULT = '{"errorMessage": "no", "errorType": "Bad"}'


class Cloud:
    """An instance with the function ``f``, which answers with what it was given, or fails when that has ``fail``."""

    def __init__(self) -> None:
        self.calls: list[Invocation] = []
        self.world = World(performers={"lambda.invoke": self.perform})
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("h.py", "def handler(event, context): ...")
        function = {"FunctionName": "f", "Runtime": "python3.11", "Role": ROLE, "Handler": "h.handler"}
        self.world.call("lambda", "CreateFunction", {**function, "Code": {"ZipFile": content.getvalue()}})
        self.world.run_due()

    def perform(self, _key: str, call: Invocation) -> InvocationResult:
        self.calls.append(call)
        if "fail" in call.payload:
            return InvocationResult(FAULT, function_error="Unhandled")
        return InvocationResult(call.payload, log_tail="the log" if call.tail else "")

    def run(self, state: Any, given: Any = None, **start: Any) -> dict[str, Any]:
        """How an execution of one Task ends."""
        definition = dumps({"StartAt": "T", "States": {"T": {"Type": "Task", "End": True, **state}}})
        request = {"name": f"m{len(self.calls)}", "definition": definition, "roleArn": ROLE}
        machine = self.world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
        started = self.world.call(
            "stepfunctions", "StartExecution", {"stateMachineArn": machine, "input": dumps(given), **start}
        )
        self.world.run_due()
        ended: dict[str, Any] = self.world.call("stepfunctions", "DescribeExecution", started)
        return ended


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    cloud = Cloud()
    yield cloud
    cloud.world.close()


def invoke(parameters: Any, resource: str = "lambda:invoke") -> Any:
    return {"Resource": f"arn:aws:states:::{resource}", "Parameters": {"FunctionName": "f", **parameters}}


def output(ended: dict[str, Any]) -> Any:
    assert ended["status"] == "SUCCEEDED", ended
    return loads(ended["output"])


def test_a_function_goes_on_with_the_trace_of_its_execution(cloud: Cloud) -> None:
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    output(cloud.run({"Resource": ARN}, traceHeader=trace))
    assert cloud.calls[-1].trace == trace


@pytest.mark.parametrize("arn", [ARN, f"{ARN}:$LATEST", "arn:aws:lambda:::function:f"])
def test_a_functions_arn_is_given_the_tasks_input(cloud: Cloud, arn: str) -> None:
    assert output(cloud.run({"Resource": arn}, {"x": [1]})) == {"x": [1]}


PAYLOADS = [
    ({"Payload": {"a": 1}}, {"a": 1}),
    ({"Payload.$": "$.x"}, [1]),
    ({}, {}),
    ({"Payload": None}, {}),
    ({"Payload": '{"a": 1}'}, {"a": 1}),  # A text that is JSON goes as it is.
    ({"Payload": "plain"}, "plain"),
]


@pytest.mark.parametrize(("parameters", "payload"), PAYLOADS)
def test_invoke_answers_in_an_envelope(cloud: Cloud, parameters: Any, payload: Any) -> None:
    answer = output(cloud.run(invoke(parameters), {"x": [1]}))
    assert answer["Payload"] == payload
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["SdkResponseMetadata"]["RequestId"] == cloud.calls[0].request_id


def test_each_form_of_asking_reaches_the_worker(cloud: Cloud) -> None:
    context = b64encode(b'{"client": 1}').decode()
    answer = output(cloud.run(invoke({"LogType": "Tail", "ClientContext": context, "Qualifier": "$LATEST"})))
    assert answer["LogResult"] == b64encode(b"the log").decode()
    (call,) = cloud.calls
    assert (call.client_context, call.qualifier, call.origin) == ('{"client": 1}', "$LATEST", "states.task")
    output(cloud.run(invoke({"ClientContext": "no base64"})))
    assert cloud.calls[1].client_context is None


def test_a_failing_function_fails_its_task_by_the_exceptions_name(cloud: Cloud) -> None:
    plain = cloud.run({"Resource": ARN}, {"fail": 1})
    assert (plain["error"], plain["cause"]) == ("Bad", FAULT)
    enveloped = cloud.run(invoke({"Payload": {"fail": 1}}))
    assert (enveloped["error"], enveloped["cause"]) == ("Bad", '{"errorMessage":"no","errorType":"Bad"}')


def test_a_failing_function_is_an_answer_of_the_sdk_integration(cloud: Cloud) -> None:
    answer = output(cloud.run(invoke({"Payload": {"fail": 1}}, "aws-sdk:lambda:invoke")))
    assert (answer["FunctionError"], loads(answer["Payload"])) == ("Unhandled", loads(FAULT))
    assert output(cloud.run(invoke({"Payload": {"a": 1}}, "aws-sdk:lambda:invoke")))["Payload"] == '{"a":1}'


@pytest.mark.parametrize("state", [invoke({"FunctionName": "no"}), {"Resource": f"{ARN}-no"}])
def test_a_function_that_is_not_there_fails_the_task(cloud: Cloud, state: Any) -> None:
    ended = cloud.run(state)
    assert ended["error"] == "Lambda.ResourceNotFoundException"
    assert ended["cause"].startswith("Function not found: arn:aws:lambda:us-east-1:000000000000:function:")
    assert (
        "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: " in ended["cause"]
    )


def test_a_task_without_a_function_name_fails(cloud: Cloud) -> None:
    given = {"Resource": "arn:aws:states:::lambda:invoke", "QueryLanguage": "JSONata"}
    ended = cloud.run({**given, "Arguments": "{% {'Payload': 1} %}"})
    assert ended["status"] == "FAILED"
    assert "FunctionName" in ended["cause"]


def test_an_event_is_queued_and_the_task_goes_on(cloud: Cloud) -> None:
    answer = output(cloud.run(invoke({"InvocationType": "Event", "Payload": {"a": 1}, "Qualifier": "$LATEST"})))
    assert answer["StatusCode"] == 202
    assert [call.origin for call in cloud.calls] == ["lambda.async"]
    refused = cloud.run(invoke({"InvocationType": "Event", "Qualifier": "7"}))
    assert refused["error"] == "Lambda.ResourceNotFoundException"


def test_a_task_with_a_token_waits_after_the_function_answered(cloud: Cloud) -> None:
    state = invoke({"Payload": {"token.$": "$$.Task.Token"}}, "lambda:invoke.waitForTaskToken")
    assert cloud.run(state)["status"] == "RUNNING"
    token = loads(cloud.calls[0].payload)["token"]  # type: ignore[index,call-overload]  # as the state above sends it
    cloud.world.call("stepfunctions", "SendTaskSuccess", {"taskToken": token, "output": "7"})
    cloud.world.run_due()
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m0"
    (listed,) = cloud.world.call("stepfunctions", "ListExecutions", {"stateMachineArn": machine})["executions"]
    arn = {"executionArn": listed["executionArn"]}
    assert cloud.world.call("stepfunctions", "DescribeExecution", arn)["output"] == "7"
