"""The rest of the corpus: every type of state in JSONata, activities with workers, tokens that fail, redrives."""

from tests.simulation import machine_corpus
from tests.simulation.machine_corpus import (
    ACTIVITY,
    ALL,
    BROKEN,
    CHILD,
    FUNCTION,
    ITEMS,
    JSONATA,
    QUEUE,
    SQS,
    STATES,
    Case,
    call,
    one,
    passing,
    send,
    task,
)

EXPRESS = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
STANDARD = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
FLAKY = call("flaky", times=1)
SENT = {"QueueUrl": QUEUE, "MessageBody": "{% $string($states.input) %}"}

MORE: dict[str, Case] = {
    "JSONata: pass, succeed": Case(
        {
            "A": {"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}, "Assign": {"v": 1}, "Next": "B"},
            "B": {"Type": "Succeed", "Output": {"n": "{% $states.input.n + $v %}"}},
        },
        {"n": 1},
        top=JSONATA,
    ),
    "JSONata: fail": Case(
        {"A": {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'c' & 1 %}"}},
        {"e": "E"},
        "FAILED",
        JSONATA,
    ),
    "JSONata: an expression that finds nothing": Case(
        {"A": {"Type": "Pass", "Output": "{% $states.input.nothing %}", "End": True}}, ends="FAILED", top=JSONATA
    ),
    "JSONata: wait until an instant, assign": Case(
        {
            "A": {
                "Type": "Wait",
                "Timestamp": "{% $states.input.at %}",
                "Assign": {"w": "{% $states.context.State.Name %}"},
                "Next": "B",
            },
            "B": {"Type": "Succeed", "Output": "{% $w %}"},
        },
        {"at": "2026-01-01T02:00:00Z"},
        top=JSONATA,
    ),
    "JSONata: parallel, with a queue and a retry": Case(
        {
            "A": {
                "Type": "Parallel",
                "Arguments": {"do": "flaky", "times": 1},
                "Branches": [
                    one("One", task(Arguments="{% $states.input %}")),
                    one("Two", task(resource=SQS, Arguments=SENT)),
                    one("Three", {"Type": "Wait", "Seconds": "{% 50 %}", "End": True}),
                ],
                "Retry": [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "MaxAttempts": 1}],
                "Output": "{% $states.result[0] %}",
                "End": True,
            }
        },
        top=JSONATA,
    ),
    "JSONata: parallel, caught": Case(
        {
            "A": {
                "Type": "Parallel",
                "Branches": [one("One", {"Type": "Fail", "Error": "{% 'X' %}"}), one("Two", passing())],
                "Catch": [{"ErrorEquals": ["X"], "Output": "{% $states.errorOutput.Error %}", "Next": "B"}],
                "End": True,
            },
            "B": passing(),
        },
        top=JSONATA,
    ),
    "JSONata: map, distributed over an object": Case(
        {
            "A": {
                "Type": "Map",
                "Items": "{% $states.input %}",
                "Label": "Members",
                "ItemSelector": {
                    "do": "echo",
                    "key": "{% $states.context.Map.Item.Key %}",
                    "value": "{% $states.context.Map.Item.Value %}",
                },
                "ItemProcessor": {**STANDARD, **one("One", task(Arguments="{% $states.input %}"))},
                "Output": "{% $states.result.key %}",
                "Assign": {"values": "{% $states.result.value %}"},
                "End": True,
            }
        },
        {"x": 1, "y": 2},
        top=JSONATA,
    ),
    "JSONata: a token, a choice": Case(
        {
            "A": {
                **task(
                    resource=f"{SQS}.waitForTaskToken",
                    Arguments={"QueueUrl": QUEUE, "MessageBody": "{% $states.context.Task.Token %}"},
                    HeartbeatSeconds="{% 100 %}",
                    Next="B",
                )
            },
            "B": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input = 'yes' %}", "Next": "C"}],
                "Default": "D",
            },
            "C": passing(),
            "D": {"Type": "Fail"},
        },
        top=JSONATA,
    ),
    "JSONata: nested, .sync:2": Case(
        {
            "A": task(
                resource=f"{STATES}.sync:2",
                Arguments={"StateMachineArn": CHILD, "Input": {"n": "{% 1 + 1 %}"}},
                Output="{% $states.result.Output %}",
            )
        },
        top=JSONATA,
    ),
    "map, distributed, Express children in batches, results written": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "ItemBatcher": {"MaxItemsPerBatch": 2},
                "Label": "Batches",
                "ItemProcessor": {
                    **EXPRESS,
                    **one("One", task(Parameters={"do": "echo", "n.$": "$.Items"}, ResultPath="$.r")),
                },
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Parameters": {"Bucket": "bucket", "Prefix": "out"},
                },
                "ResultSelector": {"bucket.$": "$.ResultWriterDetails.Bucket"},
                "End": True,
            }
        },
        ITEMS,
    ),
    "map, distributed, too many failures": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "Label": "Failing",
                "MaxConcurrency": 1,
                "ItemProcessor": {**STANDARD, **one("One", {"Type": "Fail", "Error": "E"})},
                "Catch": [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "ResultPath": None, "Next": "B"}],
                "End": True,
            },
            "B": passing(),
        },
        ITEMS,
    ),
    "an activity and its worker": Case(
        {
            "A": task(resource=ACTIVITY, HeartbeatSeconds=60, ResultPath="$.a", Next="B"),
            "B": task(resource=ACTIVITY, InputPath="$.a"),
        },
        {"n": 1},
    ),
    "JSONata: an activity that fails, retried": Case(
        {
            "A": task(
                resource=ACTIVITY,
                Arguments={"fail": "{% $states.context.State.RetryCount = 0 %}"},
                Retry=[{"ErrorEquals": ["Refused"], "IntervalSeconds": 5, "MaxAttempts": 2}],
            )
        },
        top=JSONATA,
    ),
    "choice, comparisons of types": Case(
        {
            "A": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.t", "IsTimestamp": True},
                            {"Variable": "$.t", "TimestampLessThanPath": "$.u"},
                            {"Variable": "$.s", "StringMatches": "a*c"},
                        ],
                        "Next": "B",
                    }
                ],
            },
            "B": {"Type": "Succeed"},
        },
        {"t": "2026-01-01T00:00:00Z", "u": "2026-01-02T00:00:00Z", "s": "abc"},
    ),
    "redriven: a task": Case({"A": send("before", ResultPath=None, Next="B"), "B": task(**FLAKY)}, redrives=1),
    "redriven: a branch of a parallel": Case(
        {
            "A": {
                "Type": "Parallel",
                "Branches": [one("One", send("once")), one("Two", task(**FLAKY))],
                "ResultSelector": {"two.$": "$[1]"},
                "Next": "B",
            },
            "B": {"Type": "Wait", "Seconds": 3, "End": True},
        },
        redrives=1,
    ),
    "redriven: an iteration of a map": Case(
        {
            "A": {
                "Type": "Map",
                "MaxConcurrency": 1,
                "ItemsPath": "$.items",
                "ItemProcessor": one("One", task(Parameters={"do": "flaky", "times": 1, "n.$": "$.n"})),
                "End": True,
            }
        },
        ITEMS,
        redrives=1,
    ),
    "redriven: a map run": Case(
        {
            "A": {
                "Type": "Map",
                "ItemsPath": "$.items",
                "MaxConcurrency": 1,
                "Label": "Again",
                "ItemProcessor": {**STANDARD, **one("One", task(Parameters={"do": "flaky", "times": 1, "n.$": "$.n"}))},
                "End": True,
            }
        },
        ITEMS,
        redrives=1,
    ),
    "redriven in vain, JSONata": Case(
        {
            "A": task(
                resource=f"{STATES}.sync:2",
                Arguments={"StateMachineArn": BROKEN, "Input": "{% $states.context.Execution.RedriveCount %}"},
                Catch=[{"ErrorEquals": ["Nothing"], "Next": "B"}],
            ),
            "B": task(resource=FUNCTION, Catch=[{"ErrorEquals": ALL, "Next": "A"}]),
        },
        ends="FAILED",
        top=JSONATA,
        redrives=2,
    ),
}

CORPUS = {**machine_corpus.CORPUS, **MORE}
