"""Mocked integrations, in the form of MockConfigFile.json.

The form of the file, test cases, Return and Throw, and numbers that count the attempts of a state that is retried are documented:
https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html

Three rules are in no document of AWS. They are known only from the recorded expectations of the conformance suite: numbers go on over loops and iterations, children of a Map Run have the mocks of their Map's machine,
and a function that is called by its ARN gives the ``Payload`` of a mocked response.
"""

from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.states.mocking import InvalidMockConfiguration, install, read_mocks

ROLE = "arn:aws:iam::000000000000:role/r"
CONFIGURATION = {
    "StateMachines": {
        "m": {
            "TestCases": {
                "Happy": {"Call": "Good"},
                "Retried": {"Call": "BadTwice", "Send": "Sent"},
                "Short": {"Call": "BadOnce"},
            }
        }
    },
    "MockedResponses": {
        "Good": {"0": {"Return": {"StatusCode": 200, "Payload": {"ok": True}}}},
        "BadOnce": {"0": {"Throw": {"Error": "Lambda.Oops", "Cause": "no"}}},
        "BadTwice": {
            "0": {"Throw": {"Error": "Lambda.Oops", "Cause": "first"}},
            "1-2": {"Throw": {"Error": "Lambda.Oops", "Cause": "more"}},
            "3": {"Return": "at last"},
        },
        "Sent": {"0": {"Return": {"MessageId": "id"}}},
    },
}
STATES = {
    "Call": {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "nobody"},
        "Retry": [{"ErrorEquals": ["Lambda.Oops"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 1}],
        "Next": "Send",
    },
    "Send": {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "nowhere", "MessageBody.$": "$$.Task.Token"},
        "End": True,
    },
}


def world(configuration: Any = CONFIGURATION) -> tuple[World, str]:
    made = World()
    made.run(lambda work: install(dumps(configuration), work))
    definition = dumps({"StartAt": "Call", "States": STATES})
    machine = made.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE})
    return made, machine["stateMachineArn"]


def run(case: str) -> dict[str, Any]:
    made, machine = world()
    begun = made.call("stepfunctions", "StartExecution", {"stateMachineArn": f"{machine}#{case}"})
    made.advance(timedelta(seconds=10))
    found: dict[str, Any] = made.call("stepfunctions", "DescribeExecution", {"executionArn": begun["executionArn"]})
    assert found["stateMachineArn"] == machine
    return found


def test_attempts_get_their_answers_one_after_the_other() -> None:
    ended = run("Retried")
    assert (ended["status"], loads(ended["output"])) == ("SUCCEEDED", {"MessageId": "id"})


def ran(states: dict[str, Any], **responses: Any) -> Any:
    """The output of the machine "m" in the case "c", which mocks the state "Call" by the response "R"."""
    made = World()
    cases = {"StateMachines": {"m": {"TestCases": {"c": {"Call": "R"}}}}, "MockedResponses": {"R": responses}}
    made.run(lambda work: install(dumps(cases), work))
    definition = dumps({"StartAt": next(iter(states)), "States": states})
    machine = made.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE})
    arn = machine["stateMachineArn"]
    begun = made.call("stepfunctions", "StartExecution", {"stateMachineArn": f"{arn}#c", "input": "[1, 2]"})
    made.run_until_idle()
    found = made.call("stepfunctions", "DescribeExecution", {"executionArn": begun["executionArn"]})
    return loads(found["output"]) if found["status"] == "SUCCEEDED" else found["cause"]


FUNCTION = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111111111111:function:nobody"}


def test_iterations_and_loops_count_as_calls() -> None:
    """The guide says so of the attempts of a Retry; of loops, iterations and children only the conformance suite's expectations do."""
    processor = {"StartAt": "Call", "States": {"Call": {**FUNCTION, "End": True}}}
    answers = {"0": {"Return": "a"}, "1": {"Return": "b"}}
    for kind in ("STANDARD", "EXPRESS"):
        config: dict[str, Any] = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}}
        for more in ({}, config):
            state = {"Type": "Map", "ItemProcessor": {**processor, **more}, "End": True}
            assert ran({"Map": state}, **answers) == ["a", "b"]
    loop = {
        "Call": {**FUNCTION, "Next": "Enough"},
        "Enough": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "b", "Next": "Done"}],
            "Default": "Call",
        },
        "Done": {"Type": "Succeed"},
    }
    assert ran(loop, **answers) == "b"
    assert "has nothing for attempt 1" in ran(loop, **{"0": {"Return": "a"}})


def test_a_function_called_by_its_arn_gives_the_payload_of_a_mocked_response() -> None:
    """In no document: the conformance suite's expectation."""
    reply = {"0": {"Return": {"StatusCode": 200, "Payload": {"ok": True}}}}
    assert ran({"Call": {**FUNCTION, "End": True}}, **reply) == {"ok": True}


def test_a_service_that_only_aws_has_is_mocked() -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::bedrock:invokeModel", "Parameters": {}, "End": True}
    assert ran({"Call": state}, **{"0": {"Return": {"Body": 1}}}) == {"Body": 1}


def test_a_state_that_is_not_mocked_calls_what_it_calls() -> None:
    ended = run("Happy")
    assert (ended["status"], ended["error"]) == ("FAILED", "SQS.SdkClientException")


def test_an_attempt_for_which_nothing_is_mocked_says_so() -> None:
    ended = run("Short")
    assert ended["error"] == "States.Runtime"
    assert "nothing for attempt 1" in ended["cause"]


@pytest.mark.parametrize(("configured", "code"), [(True, "InvalidArn"), (False, "StateMachineDoesNotExist")])
def test_a_case_that_is_not_there_is_refused(configured: bool, code: str) -> None:
    made, machine = world()
    if not configured:
        made.run(lambda work: install(None, work))
    with pytest.raises(ServiceError) as refused:
        made.call("stepfunctions", "StartExecution", {"stateMachineArn": f"{machine}#Nobody"})
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "an object is expected at /"),
        ("{", "not JSON"),
        ('{"StateMachines":{"m":{"TestCases":{"c":{"S":"R"}}}}}', "which MockedResponses does not have"),
        ('{"MockedResponses":{"R":{"x":{"Return":1}}}}', "is no attempt"),
        ('{"MockedResponses":{"R":{"0-2":{"Return":1},"1":{"Return":1}}}}', "overlaps"),
        ('{"MockedResponses":{"R":{"0":{}}}}', "either Return or Throw"),
    ],
)
def test_a_file_of_another_form_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidMockConfiguration, match=told):
        read_mocks(text)
