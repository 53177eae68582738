"""Machines that between them use every type of state, and all that can happen in them; more in ``machine_corpus_more``.

Each is a definition and an input. They run in a world with the function ``f``, the queue ``q``, the activity ``a``, the bucket ``bucket`` with
``items.csv``, and the machines ``child`` and ``broken``.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

REGION = "us-east-1:000000000000"
FUNCTION = f"arn:aws:lambda:{REGION}:function:f"
ACTIVITY = f"arn:aws:states:{REGION}:activity:a"
CHILD = f"arn:aws:states:{REGION}:stateMachine:child"
BROKEN = f"arn:aws:states:{REGION}:stateMachine:broken"
QUEUE = "http://sqs.us-east-1.localhost:4566/000000000000/q"
SQS, STATES = "arn:aws:states:::sqs:sendMessage", "arn:aws:states:::states:startExecution"
ALL = ["States.ALL"]

Fields = Mapping[str, Any]


class Case(NamedTuple):
    """A machine with the input of its execution, and how it ends after so many redrives."""

    states: Fields
    given: Any = None
    ends: str = "SUCCEEDED"
    top: Fields = MappingProxyType({})
    redrives: int = 0
    works: bool = True  # Whether somebody works for the activity.


def passing(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "End": True, **fields}


def task(*, resource: str = FUNCTION, **fields: Any) -> dict[str, Any]:
    made = {"Type": "Task", "Resource": resource, **fields}
    return made if "Next" in fields else {**made, "End": True}


def one(name: str, state: Fields) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state}}


def call(kind: str, **more: Any) -> dict[str, Any]:
    """What the function is told to do: see ``Function`` in the test."""
    return {"Parameters": {"do": kind, **more}}


def send(body: Any, **fields: Any) -> dict[str, Any]:
    return task(resource=SQS, Parameters={"QueueUrl": QUEUE, "MessageBody": body}, **fields)


JSONATA = {"QueryLanguage": "JSONata"}
FULL = {"ErrorEquals": ["Flaky"], "IntervalSeconds": 3, "MaxAttempts": 5, "BackoffRate": 2.5, "JitterStrategy": "FULL"}
ITEMS = {"items": [{"n": n} for n in range(5)]}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}

CORPUS: dict[str, Case] = {
    "pass": Case({"A": {"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.r", "Next": "B"}, "B": passing()}),
    "pass, parameters and intrinsics": Case(
        {"A": passing(Parameters={"sum.$": "States.MathAdd($.x, 2)", "text.$": "States.Format('{}!', $.y)"})},
        {"x": 40, "y": "hi"},
    ),
    "choice, by paths": Case(
        {
            "A": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Big"},
                    {"Not": {"Variable": "$.m", "IsPresent": True}, "Next": "Lone"},
                ],
                "Default": "Small",
            },
            "Big": passing(),
            "Lone": {"Type": "Succeed"},
            "Small": {"Type": "Fail", "Error": "Small"},
        },
        {"n": 2},
    ),
    "choice, a loop in JSONata": Case(
        {
            "A": {"Type": "Pass", "Assign": {"n": 0}, "Next": "Count"},
            "Count": {"Type": "Pass", "Assign": {"n": "{% $n + 1 %}"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $n < 4 %}", "Next": "Count"}],
                "Default": "B",
            },
            "B": {"Type": "Succeed", "Output": {"n": "{% $n %}"}},
        },
        top=JSONATA,
    ),
    "wait, by seconds and path": Case(
        {
            "A": {"Type": "Wait", "Seconds": 10, "Next": "B"},
            "B": {"Type": "Wait", "SecondsPath": "$.s", "Next": "C"},
            "C": {"Type": "Wait", "TimestampPath": "$.at", "End": True},
        },
        {"s": 7, "at": "2026-01-01T01:00:00Z"},
    ),
    "wait, in JSONata": Case({"A": {"Type": "Wait", "Seconds": "{% 3 * 4 %}", "End": True}}, top=JSONATA),
    "fail": Case({"A": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}, ends="FAILED"),
    "fail, by paths": Case(
        {"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}}, {"e": "E", "c": "C"}, "FAILED"
    ),
    "no such path": Case({"A": passing(InputPath="$.none")}, ends="FAILED"),
    "task, a function": Case(
        {"A": task(**call("echo", n=1), ResultSelector={"got.$": "$.n"}, ResultPath="$.a", OutputPath="$.a")}
    ),
    "task, lambda:invoke in JSONata": Case(
        {
            "A": task(
                resource="arn:aws:states:::lambda:invoke",
                Arguments={"FunctionName": FUNCTION, "Payload": {"do": "echo", "n": "{% $states.input.n %}"}},
                Assign={"kept": "{% $states.result.Payload.n %}"},
                Output="{% $states.result.Payload %}",
                Next="B",
            ),
            "B": {"Type": "Pass", "Output": "{% $kept %}", "End": True},
        },
        {"n": 5},
        top=JSONATA,
    ),
    "task, a queue": Case({"A": send("one", Next="B"), "B": send({"two.$": "$.MessageId"})}),
    "task, retried with jitter": Case({"A": task(**call("flaky", times=3), Retry=[FULL])}),
    "task, retried in vain and caught": Case(
        {
            "A": task(
                **call("fail"),
                Retry=[{"ErrorEquals": ["Bad"], "IntervalSeconds": 2, "MaxAttempts": 2}],
                Catch=[{"ErrorEquals": ALL, "ResultPath": "$.error", "Next": "B"}],
            ),
            "B": passing(),
        }
    ),
    "task, caught in JSONata": Case(
        {
            "A": task(
                Arguments={"do": "fail"},
                Catch=[{"ErrorEquals": ALL, "Assign": {"e": "{% $states.errorOutput.Error %}"}, "Next": "B"}],
            ),
            "B": {"Type": "Pass", "Output": "{% $e %}", "End": True},
        },
        top=JSONATA,
    ),
    "task, not caught": Case({"A": task(**call("fail"))}, ends="FAILED"),
    "task, a token that is answered": Case(
        {"A": {**send({"token.$": "$$.Task.Token"}, HeartbeatSeconds=100), "Resource": f"{SQS}.waitForTaskToken"}}
    ),
    "task, a token that times out": Case(
        {
            "A": {
                **send("nobody"),
                "Resource": f"{SQS}.waitForTaskToken",
                "TimeoutSeconds": 50,
                "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "B"}],
            },
            "B": passing(),
        }
    ),
    "task, a heartbeat that fails": Case(
        {
            "A": {
                **send("nobody"),
                "Resource": f"{SQS}.waitForTaskToken",
                "HeartbeatSeconds": 20,
                "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "MaxAttempts": 1}],
            },
        },
        ends="FAILED",
    ),
    "task, an activity that nobody takes": Case(
        {"A": task(resource=ACTIVITY, TimeoutSeconds=30)}, ends="FAILED", works=False
    ),
    "nested, not waited for": Case({"A": task(resource=STATES, Parameters={"StateMachineArn": CHILD, "Input": {}})}),
    "nested, .sync": Case(
        {"A": task(resource=f"{STATES}.sync", Parameters={"StateMachineArn": CHILD, "Input": {"n": 1}})}
    ),
    "nested, .sync:2, and its failure": Case(
        {
            "A": task(resource=f"{STATES}.sync:2", Parameters={"StateMachineArn": CHILD, "Input": {"n": 2}}, Next="B"),
            "B": task(
                resource=f"{STATES}.sync:2",
                Parameters={"StateMachineArn": BROKEN, "Input": {}},
                Catch=[{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.e", "Next": "C"}],
            ),
            "C": {"Type": "Succeed", "OutputPath": "$.Output"},
        }
    ),
    "parallel": Case(
        {
            "A": {
                "Type": "Parallel",
                "Branches": [
                    one("One", task(**call("echo", n=1))),
                    one("Two", {"Type": "Wait", "Seconds": 5, "End": True}),
                    one("Three", send("three", ResultPath=None)),
                ],
                "ResultPath": "$.all",
                "End": True,
            }
        }
    ),
    "parallel, retried and then caught": Case(
        {
            "A": {
                "Type": "Parallel",
                "Branches": [
                    one("One", task(**call("fail"))),
                    one("Two", {"Type": "Wait", "Seconds": 500, "End": True}),
                ],
                "Retry": [{"ErrorEquals": ["Bad"], "MaxAttempts": 1, "IntervalSeconds": 4}],
                "Catch": [{"ErrorEquals": ALL, "ResultPath": "$.e", "Next": "B"}],
                "End": True,
            },
            "B": passing(),
        }
    ),
    "map": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": 2,
                "ItemSelector": {"do": "echo", "n.$": "$$.Map.Item.Value.n", "at.$": "$$.Map.Item.Index"},
                "ItemProcessor": {
                    "StartAt": "One",
                    "States": {"One": task(Next="Two", ResultPath="$.r"), "Two": passing(OutputPath="$.r.n")},
                },
                "End": True,
            }
        },
        ITEMS,
    ),
    "map, of maps in JSONata": Case(
        {
            "A": {
                "Type": "Map",
                "Items": "{% $states.input.items %}",
                "ItemProcessor": one(
                    "Inner",
                    {
                        "Type": "Map",
                        "Items": "{% [1..2] %}",
                        "ItemSelector": {"do": "echo", "n": "{% $states.context.Map.Item.Value %}"},
                        "ItemProcessor": one("One", task(Output="{% $states.result.n %}")),
                        "End": True,
                    },
                ),
                "Output": "{% $sum($reduce($states.result, $append)) %}",
                "End": True,
            }
        },
        {"items": [1, 2, 3]},
        top=JSONATA,
    ),
    "map, an iteration fails": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": 1,
                "ItemProcessor": {
                    "StartAt": "Which",
                    "States": {
                        "Which": {
                            "Type": "Choice",
                            "Choices": [{"Variable": "$.n", "NumericEquals": 2, "Next": "No"}],
                            "Default": "Yes",
                        },
                        "Yes": passing(),
                        "No": {"Type": "Fail", "Error": "Two"},
                    },
                },
                "Catch": [{"ErrorEquals": ["Two"], "Next": "B"}],
                "Next": "B",
            },
            "B": {"Type": "Succeed"},
        },
        ITEMS,
    ),
    "map, distributed": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": 2,
                "Label": "Each",
                "ItemProcessor": {
                    "ProcessorConfig": DISTRIBUTED,
                    **one("One", task(Parameters={"do": "echo", "n.$": "$.n"})),
                },
                "End": True,
            }
        },
        ITEMS,
    ),
    "map, distributed over a file, some failures tolerated": Case(
        {
            "A": {
                "Type": "Map",
                "ToleratedFailureCount": 1,
                "Label": "Rows",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                    "Parameters": {"Bucket": "bucket", "Key": "items.csv"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": DISTRIBUTED,
                    "StartAt": "Which",
                    "States": {
                        "Which": {
                            "Type": "Choice",
                            "Choices": [{"Variable": "$.n", "StringEquals": "2", "Next": "No"}],
                            "Default": "Yes",
                        },
                        "Yes": passing(),
                        "No": {"Type": "Fail", "Error": "Two"},
                    },
                },
                "End": True,
            }
        }
    ),
    "variables, across branches": Case(
        {
            "A": {"Type": "Pass", "Assign": {"x": 1, "y": {"z": [1, 2]}}, "Next": "B"},
            "B": {
                "Type": "Parallel",
                "Branches": [
                    one("One", passing(Parameters={"x.$": "$x"})),
                    one("Two", passing(Assign={"own": 2}, Parameters={"z.$": "$y.z[1]"})),
                ],
                "Assign": {"x.$": "$[0].x"},
                "Next": "C",
            },
            "C": passing(Parameters={"x.$": "$x"}),
        }
    ),
    "both languages": Case(
        {
            "A": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Assign": {"k.$": "$.n"}, "Next": "B"},
            "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"n": "{% $k * 2 %}"}, "End": True},
        },
        {"n": 21},
    ),
    "what is different each time": Case(
        {
            "A": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()", "at.$": "$$.State.EnteredTime"}, "Next": "B"},
            "B": passing(Parameters={"same.$": "$.id", "name.$": "$$.Execution.Name"}),
        }
    ),
    "the whole execution times out": Case(
        {"A": {"Type": "Wait", "Seconds": 500, "End": True}}, ends="TIMED_OUT", top={"TimeoutSeconds": 60}
    ),
}
