"""Definitions: what is read, and how what is wrong with one is told.

Wording and places as recorded from Step Functions (CreateStateMachine, ValidateStateMachineDefinition), where there is a record.
"""

from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.core.asl.definition import Map, Parallel, Task
from interstate.core.asl.faults import InvalidDefinition
from interstate.core.asl.parse import parse, resources_of, states_of
from interstate.core.asl.parse_task import parse_resource

END = {"Type": "Pass", "End": True}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


def machine(states: dict[str, Any], **top: Any) -> str:
    return dumps({"StartAt": next(iter(states)), "States": states, **top})


def one(**fields: Any) -> str:
    """A machine of one state X that ends."""
    return machine({"X": fields})


def faults(text: str, **options: Any) -> list[str]:
    with pytest.raises(InvalidDefinition) as raised:
        parse(text, **options)
    return [str(fault) for fault in raised.value.faults]


SCHEMA = "SCHEMA_VALIDATION_FAILED"
RESOURCE = (
    "The resource provided {} is not recognized. The value is not a valid resource ARN, "
    "or the resource is not available in this region."
)
NO_ARN = "Value is not a valid resource ARN"
EXPRESSION = "The value for the field '{}' must be a valid JSONPath or a valid intrinsic function call"
ALL_LAST = "States.ALL must appear alone and at end of list"
TYPES = "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"

FAULTS: list[tuple[str, list[str]]] = [
    ("", [f"{SCHEMA}: Definition must be a valid JSON object at null"]),
    ("[]", [f"{SCHEMA}: Definition must be a valid JSON object at null"]),
    ("{}", [f"{SCHEMA}: These fields are required: [States, StartAt] at /"]),
    ('{"StartAt": "A"}', [f"{SCHEMA}: These fields are required: [States] at /"]),
    ('{"States": {}}', [f"{SCHEMA}: These fields are required: [StartAt] at /"]),
    (one(Type="Nothing"), [f"{SCHEMA}: {TYPES} at /States/X/Type"]),
    (one(Type=["Pass"]), [f"{SCHEMA}: {TYPES} at /States/X/Type"]),
    (one(End=True), [f"{SCHEMA}: These fields are required: [Type] at /States/X"]),
    (one(Type="Pass", End=True, TimeoutSeconds=1), [f"{SCHEMA}: Field 'TimeoutSeconds' is not supported at /States/X"]),
    (one(Type="Pass", End=True, Catch=[]), [f"{SCHEMA}: Field 'Catch' is not supported at /States/X"]),
    (one(Type="Parallel", End=True, Branches=[]), [f"{SCHEMA}: Value cannot be empty at /States/X/Branches"]),
    (
        one(Type="Wait", End=True, Timestamp="2026-01-01 00:00:00Z"),
        [f"{SCHEMA}: String does not match RFC3339 timestamp at /States/X/Timestamp"],
    ),
    (one(Type="Task", End=True, Resource="nothing"), [f"{SCHEMA}: {NO_ARN} at /States/X/Resource"]),
    (one(Type="Task", End=True), [f"{SCHEMA}: These fields are required: [Resource] at /States/X"]),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Credentials={}),
        [f"{SCHEMA}: The field 'RoleArn' is required but was missing at /States/X/Credentials"],
    ),
    (
        one(Type="Pass", End=True, Parameters={"a.$": "nope"}),
        [
            f"{SCHEMA}: {EXPRESSION.format('a.$')} at /States/X/Parameters",
        ],
    ),
    (
        machine({"pass1": {"Type": "Pass", "Next": "pass3"}, "pass2": END}),
        [
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: pass3 at /States/pass1/Next",
            'MISSING_TRANSITION_TARGET: State "pass2" is not reachable. at /States/pass2',
        ],
    ),
    (
        machine({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}),
        ["MISSING_END_STATE: Workflow has no terminal state at null"],
    ),
    (
        '{"StartAt": "Z", "States": {"A": {"Type": "Pass", "End": true}}}',
        [
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: Z at /StartAt",
            'MISSING_TRANSITION_TARGET: State "A" is not reachable. at /States/A',
        ],
    ),
    (
        machine(
            {
                "C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "Q"}], "Default": "D"},
                "E": END,
            }
        ),
        [
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: Q at /States/C/Choices[0]/Next",
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: D at /States/C/Default",
            'MISSING_TRANSITION_TARGET: State "E" is not reachable. at /States/E',
        ],
    ),
    (
        machine({"C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True}]}, "E": END}),
        [f"{SCHEMA}: These fields are required: [Next] at /States/C/Choices[0]"],
    ),
    (
        machine({"P": {"Type": "Parallel", "Branches": [{"StartAt": "P", "States": {"P": END}}], "End": True}}),
        ["DUPLICATE_STATE_NAME: Duplicate State name: P at /States/P/Branches[0]/States/P"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, TimeoutSeconds=5, HeartbeatSeconds=5),
        [f"{SCHEMA}: HeartbeatSeconds must be smaller than TimeoutSeconds at /States/X/HeartbeatSeconds"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]),
        [
            f"{SCHEMA}: {ALL_LAST} at /States/X/Retry[0]/ErrorEquals",
        ],
    ),
    (
        one(Type="Wait", End=True),
        [
            f"{SCHEMA}: This object should have only one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] at /States/X"
        ],
    ),
    (one(Type="Wait", End=True, Seconds=-1), [f"{SCHEMA}: Value is less than 0 at /States/X/Seconds"]),
    (one(Type="Wait", End=True, Seconds="1"), [f"{SCHEMA}: Expected value of type Integer at /States/X/Seconds"]),
    (
        one(Type="Pass"),
        [f"{SCHEMA}: This object should have only one of the following fields: [Next, End] at /States/X"],
    ),
    ('{"StartAt": "X", "States": {"X": 1}}', [f"{SCHEMA}: Expected value of type Object at /States/X"]),
    (
        one(Type="Map", End=True, ItemProcessor={"StartAt": "A"}),
        [f"{SCHEMA}: These fields are required: [States] at /States/X/ItemProcessor"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), FAULTS)
def test_every_fault_has_its_place(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_the_message_lists_all_faults() -> None:
    with pytest.raises(InvalidDefinition) as raised:
        parse(machine({"a": {"Type": "Pass", "Next": "c"}, "b": END}))
    assert str(raised.value) == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: c at /States/a/Next, "
        'MISSING_TRANSITION_TARGET: State "b" is not reachable. at /States/b\''
    )


def test_broken_json_is_told_like_the_reader_of_step_functions_does() -> None:
    place = '[Source: (String)"not a definition"; line: 1, column: 4]'
    expected = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    with pytest.raises(InvalidDefinition) as raised:
        parse("not a definition")
    (fault,) = raised.value.faults
    assert (fault.code, fault.message, fault.place) == (
        "INVALID_JSON_DESCRIPTION",
        f"Unrecognized token 'not': {expected}\n at {place}",
        place,
    )
    assert faults('{"a": ')[0].startswith("INVALID_JSON_DESCRIPTION: ")


SERVICE = "arn:aws:states:::sqs:sendMessage"

EXPRESS_FAULTS = [
    (f"{SERVICE}.waitForTaskToken", "Express state machine does not support '.waitForTaskToken' service integration "),
    (
        "arn:aws:states:::states:startExecution.sync",
        "Express state machine does not support '.sync' service integration",
    ),
    (
        "arn:aws:states:us-east-1:000000000000:activity:a",
        "Express state machine does not support Activity ARN",
    ),
]


@pytest.mark.parametrize(("arn", "message"), EXPRESS_FAULTS)
def test_express_machines_wait_for_nobody(arn: str, message: str) -> None:
    text = one(Type="Task", Resource=arn, End=True)
    parse(text)
    assert faults(text, express=True) == [f"{SCHEMA}: {message} at /States/X/Resource"]


def test_unknown_integrations_are_refused_by_who_knows_them() -> None:
    arn = "arn:aws:states:::dynamodb:query"
    text = one(Type="Task", Resource=arn, End=True)
    assert faults(text, is_known=lambda _: False) == [f"{SCHEMA}: {RESOURCE.format(arn)} at /States/X/Resource"]
    parse(text, is_known=lambda known: known == arn)


@pytest.mark.parametrize(
    ("arn", "kind", "type_", "name"),
    [
        (FUNCTION, "lambda", "", ""),
        (f"{FUNCTION}:live", "lambda", "", ""),
        (f"{FUNCTION}:$LATEST", "lambda", "", ""),
        ("arn:aws:states:us-east-1:000000000000:activity:a", "activity", "", ""),
        (SERVICE, "service", "sqs", "sendMessage"),
        (f"{SERVICE}.waitForTaskToken", "service", "sqs", "sendMessage.waitForTaskToken"),
        ("arn:aws:states:::states:startExecution.sync:2", "service", "states", "startExecution.sync:2"),
        ("arn:aws:states:::aws-sdk:dynamodb:getItem", "service", "aws-sdk:dynamodb", "getItem"),
    ],
)
def test_resources(arn: str, kind: str, type_: str, name: str) -> None:
    resource = parse_resource(arn)
    assert resource is not None
    assert (resource.kind, resource.type, resource.name) == (kind, type_, name)


@pytest.mark.parametrize(
    "arn", ["", "f", "arn:aws:states:::sqs", "arn:aws:states:::sqs:sendMessage.later", "arn:aws:s3:::b"]
)
def test_what_is_no_resource(arn: str) -> None:
    assert parse_resource(arn) is None


def test_a_whole_definition_is_read() -> None:
    inner = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": FUNCTION, "End": True}}}
    outer = {"StartAt": "U", "States": {"U": {"Type": "Task", "Resource": SERVICE, "End": True}}}
    text = machine(
        {
            "A": {"Type": "Parallel", "Branches": [inner, outer], "Next": "M"},
            "M": {"Type": "Map", "Iterator": {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}, "End": True},
        },
        Comment="all of it",
        Version="1.0",
        TimeoutSeconds=9,
    )
    definition = parse(text)
    assert (definition.comment, definition.timeout_s) == ("all of it", 9)
    assert [state.name for state in states_of(definition.machine)] == ["A", "T", "U", "M", "S"]
    assert [resource.arn for resource in resources_of(definition.machine)] == [FUNCTION, SERVICE]
    assert isinstance(definition.machine.states["A"], Parallel)
    assert isinstance(definition.machine.states["M"], Map)


def test_retriers_have_the_published_defaults() -> None:
    definition = parse(
        one(
            Type="Task",
            Resource=FUNCTION,
            End=True,
            Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["F"]}],
        )
    )
    state = definition.machine.states["X"]
    assert isinstance(state, Task)
    assert state.retry[0].attempts_max == 0
    second = state.retry[1]
    assert (second.interval_s, second.attempts_max, second.backoff_rate, second.jitter) == (1, 3, 2.0, "NONE")


def test_deep_nesting_is_a_fault_not_a_crash() -> None:
    text = '{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}'
    for depth in range(150):
        text = f'{{"StartAt": "P{depth}", "States": {{"P{depth}": {{"Type": "Parallel", "End": true, "Branches": [{text}]}}}}}}'
    assert "nested too deeply" in faults(text)[0]


MORE_FAULTS: list[tuple[str, list[str]]] = [
    ('{"StartAt": 1, "States": {"A": {"Type": "Pass", "End": true}}}', ["Expected value of type String at /StartAt"]),
    ('{"StartAt": "A", "States": []}', ["Expected value of type Object at /States"]),
    ('{"StartAt": "A", "States": {}}', ["Value cannot be empty at /States"]),
    (
        machine({"X": END}, QueryLanguage="SQL"),
        ["Value should be one of the following: [JSONPath, JSONata] at /QueryLanguage"],
    ),
    (machine({"X": END}, TimeoutSeconds=True), ["Expected value of type Integer at /TimeoutSeconds"]),
    (machine({"X": END}, TimeoutSeconds=10**9), ["Value is more than 99999999 at /TimeoutSeconds"]),
    (one(Type="Pass", End=False), ["Value must be true at /States/X/End"]),
    (
        one(Type="Pass", End=True, Next="X"),
        ["There should only be one of the following fields: [Next, End] at /States/X"],
    ),
    (
        one(Type="Wait", End=True, SecondsPath="x"),
        ["Value is not a valid JSONPath: a path starts with $ at /States/X/SecondsPath"],
    ),
    (one(Type="Wait", End=True, SecondsPath=1), ["Expected value of type String at /States/X/SecondsPath"]),
    (one(Type="Choice", Choices=1), ["Expected value of type Array at /States/X/Choices"]),
    (one(Type="Choice", Choices=[]), ["Value cannot be empty at /States/X/Choices"]),
    (one(Type="Choice", Choices=["a"]), ["Expected value of type Object at /States/X/Choices[0]"]),
    (one(Type="Choice"), ["These fields are required: [Choices] at /States/X"]),
    (
        one(Type="Choice", Choices=[{"Next": "X"}]),
        [
            "The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at /States/X/Choices[0]"
        ],
    ),
    (
        one(Type="Fail", Error="e", ErrorPath="$.e"),
        ["There should only be one of the following fields: [Error, ErrorPath] at /States/X"],
    ),
    (one(Type="Task", End=True, Resource=1), ["Expected value of type String at /States/X/Resource"]),
    (
        one(Type="Task", End=True, Resource=FUNCTION, TimeoutSeconds=1, TimeoutSecondsPath="$.t"),
        ["There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath] at /States/X"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Credentials=1),
        ["Expected value of type Object at /States/X/Credentials"],
    ),
    (one(Type="Task", End=True, Resource=FUNCTION, Retry=[1]), ["Expected value of type Object at /States/X/Retry[0]"]),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Retry=[{}]),
        ["These fields are required: [ErrorEquals] at /States/X/Retry[0]"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Retry=[{"ErrorEquals": [1]}]),
        ["Expected value of type String at /States/X/Retry[0]/ErrorEquals"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Retry=[{"ErrorEquals": []}]),
        ["Value cannot be empty at /States/X/Retry[0]/ErrorEquals"],
    ),
    (
        one(
            Type="Task",
            End=True,
            Resource=FUNCTION,
            Retry=[{"ErrorEquals": ["E"], "JitterStrategy": [], "BackoffRate": 0.5, "Next": "X"}],
        ),
        [
            "Field 'Next' is not supported at /States/X/Retry[0]",
            "Value is less than 1.0 at /States/X/Retry[0]/BackoffRate",
            "Value should be one of the following: [NONE, FULL] at /States/X/Retry[0]/JitterStrategy",
        ],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Retry=[{"ErrorEquals": ["E"], "BackoffRate": "x"}]),
        ["Expected value of type Number at /States/X/Retry[0]/BackoffRate"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Catch=[{"ErrorEquals": ["E"]}]),
        ["These fields are required: [Next] at /States/X/Catch[0]"],
    ),
    (
        one(Type="Task", End=True, Resource=FUNCTION, Catch=[{"ErrorEquals": ["E"], "Next": 1}]),
        ["Expected value of type String at /States/X/Catch[0]/Next"],
    ),
    (
        one(
            Type="Task",
            End=True,
            Resource=FUNCTION,
            Catch=[{"ErrorEquals": ["E"], "Next": "X", "ResultPath": "$.a[*]"}],
        ),
        ["Value is not a Reference Path: it must name one place in the input at /States/X/Catch[0]/ResultPath"],
    ),
    (one(Type="Parallel", End=True, Branches=[1]), ["Expected value of type Object at /States/X/Branches[0]"]),
    (
        one(Type="Map", End=True),
        ["This object should have only one of the following fields: [ItemProcessor, Iterator] at /States/X"],
    ),
    (
        one(
            Type="Map",
            End=True,
            ItemSelector={},
            Parameters={},
            MaxConcurrency=1,
            MaxConcurrencyPath="$.m",
            ItemProcessor={"StartAt": "A", "States": {"A": END}},
        ),
        [
            "There should only be one of the following fields: [ItemSelector, Parameters] at /States/X",
            "There should only be one of the following fields: [MaxConcurrency, MaxConcurrencyPath] at /States/X",
        ],
    ),
]


@pytest.mark.parametrize(("text", "expected"), MORE_FAULTS)
def test_more_faults_of_the_schema(text: str, expected: list[str]) -> None:
    assert faults(text) == [f"{SCHEMA}: {fault}" for fault in expected]


EVERYTHING: dict[str, Any] = {
    "StartAt": "P",
    "TimeoutSeconds": 9,
    "States": {
        "P": {"Type": "Pass", "Parameters": {"a.$": "$.b"}, "Result": 1, "ResultPath": "$.x", "Next": "C"},
        "C": {
            "Type": "Choice",
            "Choices": [{"And": [{"Variable": "$.a", "IsNull": True}], "Next": "W"}],
            "Default": "T",
        },
        "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "T"},
        "T": {
            "Type": "Task",
            "Resource": FUNCTION,
            "TimeoutSeconds": 9,
            "HeartbeatSecondsPath": "$.h",
            "Credentials": {"RoleArn.$": "$.role"},
            "Retry": [
                {
                    "ErrorEquals": ["E"],
                    "IntervalSeconds": 1,
                    "MaxAttempts": 1,
                    "BackoffRate": 1.5,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [{"ErrorEquals": ["E"], "ResultPath": "$.e", "Next": "F"}],
            "Next": "M",
        },
        "M": {
            "Type": "Map",
            "ItemsPath": "$.i",
            "ItemSelector": {"v.$": "$$.Map.Item.Value"},
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Succeed", "OutputPath": None}}},
            "Next": "L",
        },
        "L": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Fail", "ErrorPath": "$.e"}}}],
            "End": True,
        },
        "F": {"Type": "Fail", "Error": "E", "Cause": "C"},
    },
}


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, item in inner for place in places(item, (*here, key)))]


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    copy = value.copy()
    copy[place[0]] = replaced(value[place[0]], place[1:], by)
    return copy


@pytest.mark.parametrize(
    "by", [None, True, -1, 1.5, "x", "$.a[?(", "$", "", [], [1], {}, {"a.$": 1}, [[]], {"Next": {}}]
)
def test_whatever_stands_anywhere_in_a_definition_is_read_or_refused(by: Any) -> None:
    parse(dumps(EVERYTHING))
    refused = 0
    for place in places(EVERYTHING):
        try:
            parse(dumps(replaced(EVERYTHING, place, by)))
        except InvalidDefinition:
            refused += 1
    assert refused > 10


def test_a_state_has_a_short_name() -> None:
    name = "X" * 81
    fault = f"Invalid State name: State '{name}' exceeds the 80-character limit allowed by the service"
    assert faults(machine({name: END})) == [f"INVALID_STATE_NAME: {fault} at /States/{name}"]


def test_a_label_is_used_once() -> None:
    def distributed(name: str, **fields: Any) -> dict[str, Any]:
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        processor = {"ProcessorConfig": config, "StartAt": name, "States": {name: END}}
        return {"Type": "Map", "Label": "L", "ItemProcessor": processor, **fields}

    text = machine({"A": distributed("a", Next="B"), "B": distributed("b", End=True)})
    assert faults(text) == ["DUPLICATE_LABEL_NAME: Duplicate Label name: L at /States/B/Label"]


MAPS: list[tuple[dict[str, Any], str]] = [
    ({"Label": ""}, "INVALID_LABEL_NAME: Label cannot be empty at /States/M/Label"),
    (
        {"Label": "x" * 41},
        (
            f"INVALID_LABEL_NAME: Invalid Label name: Label '{'x' * 41}' exceeds the 40-character limit allowed by the service "
            "at /States/M/Label"
        ),
    ),
    (
        {"Label": "a b"},
        "INVALID_LABEL_NAME: Invalid Label name: Label 'a b' contains invalid characters at /States/M/Label",
    ),
    ({"ToleratedFailurePercentage": 101}, f"{SCHEMA}: Value is more than 100 at /States/M/ToleratedFailurePercentage"),
    (
        {"ToleratedFailureCount": 1, "ToleratedFailureCountPath": "$.n"},
        (
            f"{SCHEMA}: There should only be one of the following fields: [ToleratedFailureCount, ToleratedFailureCountPath] "
            "at /States/M"
        ),
    ),
    ({"ItemReader": {}}, f"{SCHEMA}: These fields are required: [Resource] at /States/M/ItemReader"),
    (
        {"ItemReader": {"Resource": "arn:aws:states:::s3:putObject"}},
        f"{SCHEMA}: The field 'Resource' does not match any of the allowed values at /States/M/ItemReader/Resource",
    ),
    (
        {"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "CSV"}}},
        f"{SCHEMA}: The field 'CSVHeaderLocation' is required at /States/M/ItemReader/ReaderConfig",
    ),
    (
        {
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"},
            }
        },
        f"{SCHEMA}: These fields are required: [CSVHeaders] at /States/M/ItemReader/ReaderConfig",
    ),
    (
        {
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON", "CSVHeaderLocation": "FIRST_ROW"},
            }
        },
        f"{SCHEMA}: Field 'CSVHeaderLocation' is not supported at /States/M/ItemReader/ReaderConfig",
    ),
    ({"ResultWriter": {}}, f"{SCHEMA}: Value cannot be empty at /States/M/ResultWriter"),
    (
        {"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject"}},
        f"{SCHEMA}: These fields are required: [Parameters] at /States/M/ResultWriter",
    ),
    (
        {"ItemBatcher": {"MaxItemsPerBatch": 0}},
        f"{SCHEMA}: Value is less than 1 at /States/M/ItemBatcher/MaxItemsPerBatch",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), MAPS)
def test_fields_of_a_distributed_map(fields: dict[str, Any], expected: str) -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "A", "States": {"A": END}}
    assert faults(machine({"M": {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}})) == [expected]


def test_an_express_machine_has_no_distributed_map() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "A",
        "States": {"A": END},
    }
    text = machine({"M": {"Type": "Map", "ItemProcessor": processor, "End": True}})
    told = "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
    assert faults(text, express=True) == [f"{SCHEMA}: {told} at /States/M/ItemProcessor/ProcessorConfig/Mode"]


def test_broken_json_is_told_with_its_place() -> None:
    text = '{\n "a": ]'
    place = f'[Source: (String)"{text}"; line: 2, column: 8]'
    reason = "Unexpected character (']' (code 93)): expected a valid value (JSON String, Number, Array, Object or token"
    assert faults(text) == [f"INVALID_JSON_DESCRIPTION: {reason} 'null', 'true' or 'false')\n at {place} at {place}"]
