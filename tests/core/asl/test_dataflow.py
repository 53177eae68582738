"""How data flows through a state. Sources: https://states-language.net/#filters; causes as recorded from Step Functions."""

import copy
from typing import Any

import pytest

from interstate.base.ids import Entropy
from interstate.base.json import dumps
from interstate.core.asl.context import Surroundings
from interstate.core.asl.dataflow import (
    PASS_THROUGH,
    compile_dataflow,
    compile_expression,
    compile_selector,
    compile_template,
)
from interstate.core.asl.errors import (
    INTRINSIC_FAILURE,
    RESULT_PATH_MATCH_FAILURE,
    RUNTIME,
    InvalidField,
    StateFailed,
)

RAW: Any = {"order": {"id": "o-1", "items": [1, 2]}, "note": "hi"}

# state, result of its work (None: the effective input), effective input, output
FLOWS: list[tuple[Any, Any, Any, Any]] = [
    ({}, None, RAW, RAW),
    ({"InputPath": "$.order"}, None, RAW["order"], RAW["order"]),
    ({"InputPath": None}, None, {}, {}),
    ({"InputPath": "$$.Execution"}, None, {"Name": "run-1"}, {"Name": "run-1"}),
    ({"OutputPath": "$.order.items"}, None, RAW, [1, 2]),
    ({"OutputPath": None}, None, RAW, {}),
    ({"OutputPath": "$$.Task.Token"}, None, RAW, "t"),
    ({"ResultPath": None}, "result", RAW, RAW),
    ({"ResultPath": "$"}, "result", RAW, "result"),
    ({"ResultPath": "$.order.paid"}, True, RAW, {"order": {"id": "o-1", "items": [1, 2], "paid": True}, "note": "hi"}),
    (
        {"InputPath": "$.order", "ResultPath": "$.note"},
        None,
        RAW["order"],
        {"order": RAW["order"], "note": RAW["order"]},
    ),
    ({"ResultSelector": {"n.$": "$.Payload.n", "who": "me"}}, {"Payload": {"n": 1}}, RAW, {"n": 1, "who": "me"}),
    ({"Parameters": {"a": {"b": ["x", 1]}}}, None, {"a": {"b": ["x", 1]}}, {"a": {"b": ["x", 1]}}),
    ({"Parameters": [1]}, None, [1], [1]),
    (
        {
            "InputPath": "$.order",
            "Parameters": {
                "id.$": "$.id",
                "deep": {"token.$": "$$.Task.Token", "list": [{"first.$": "$.items[0]"}, "literal"]},
                "text.$": "States.Format('{} {}', $.id, $$.Execution.Name)",
                "all.$": "$",
            },
            "ResultPath": "$.result",
            "OutputPath": "$.result",
        },
        None,
        {
            "id": "o-1",
            "deep": {"token": "t", "list": [{"first": 1}, "literal"]},
            "text": "o-1 run-1",
            "all": RAW["order"],
        },
        {
            "id": "o-1",
            "deep": {"token": "t", "list": [{"first": 1}, "literal"]},
            "text": "o-1 run-1",
            "all": RAW["order"],
        },
    ),
]


@pytest.mark.parametrize(("state", "result", "effective", "output"), FLOWS, ids=[str(row[0])[:60] for row in FLOWS])
def test_data_flows_through_the_fields_of_a_state(state: Any, result: Any, effective: Any, output: Any) -> None:
    before = copy.deepcopy(RAW)
    flow, context, entropy = (
        compile_dataflow(state, "/States/S"),
        Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}),
        Entropy(b"seed"),
    )
    data = flow.effective_input(RAW, context, entropy)
    assert data == effective
    assert flow.output(RAW, data if result is None else result, context, entropy) == output
    assert before == RAW


def test_a_state_without_fields_costs_nothing() -> None:
    assert (
        compile_dataflow({"Type": "Pass", "InputPath": "$", "OutputPath": "$", "ResultPath": "$"}, "") is PASS_THROUGH
    )
    assert compile_selector("$", "") is None


FAILURES = [
    ({"InputPath": "$.no"}, RUNTIME, "Invalid path '$.no' : No results for path: $['no']"),
    ({"OutputPath": "$.no.such"}, RUNTIME, "Invalid path '$.no.such' : Missing property in path $['no']"),
    (
        {"Parameters": {"value.$": "$.no"}},
        RUNTIME,
        f"The JSONPath '$.no' specified for the field 'value.$' could not be found in the input '{dumps(RAW)}'",
    ),
    (
        {"Parameters": {"deep": {"value.$": "$$.Execution.no"}}},
        RUNTIME,
        f"The JSONPath '$$.Execution.no' specified for the field 'value.$' could not be found in the input '{dumps(RAW)}'",
    ),
    (
        {"Parameters": {"value.$": "States.ArrayLength($.note)"}},
        INTRINSIC_FAILURE,
        "The function 'States.ArrayLength($.note)' had the following error: The first argument must be an array",
    ),
    (
        {"ResultPath": "$.note.x"},
        RESULT_PATH_MATCH_FAILURE,
        'Unable to apply ReferencePath $.note.x to input {"order":{"id":"o-1","items":[1,2]},"note":"hi"}',
    ),
]


@pytest.mark.parametrize(("state", "error", "cause"), FAILURES)
def test_a_path_that_leads_nowhere_fails_the_state(state: Any, error: str, cause: str) -> None:
    flow, context, entropy = (
        compile_dataflow(state, "/States/S"),
        Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}),
        Entropy(b"seed"),
    )
    with pytest.raises(StateFailed) as caught:
        flow.output(RAW, flow.effective_input(RAW, context, entropy), context, entropy)
    assert (caught.value.error, caught.value.cause) == (error, cause)


def test_an_expression_names_its_field() -> None:
    expression = compile_expression("$.ErrorX", "ErrorPath", "/States/fail/ErrorPath")
    with pytest.raises(StateFailed) as caught:
        expression.evaluate({}, Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}), Entropy(b""))
    assert (
        caught.value.cause
        == "The JSONPath '$.ErrorX' specified for the field 'ErrorPath' could not be found in the input '{}'"
    )
    assert (
        compile_expression("States.Format('{}', 1)", "ErrorPath", "").evaluate(
            {}, Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}), Entropy(b"")
        )
        == "1"
    )


MUST = "must be a valid JSONPath or a valid intrinsic function call"
REFUSED = [
    ({"Parameters": {"value.$": 1}}, f"The value for the field 'value.$' {MUST}", "/States/S/Parameters"),
    ({"Parameters": {"value.$": "plain"}}, f"The value for the field 'value.$' {MUST}", "/States/S/Parameters"),
    (
        {"ResultSelector": {"a": [{"b.$": "$["}]}},
        f"The value for the field 'b.$' {MUST}",
        "/States/S/ResultSelector/a[0]",
    ),
    (
        {"Parameters": {"parsed.$": r"States.StringToJson('{\"text\":\"An\"}')"}},
        f"The value for the field 'parsed.$' {MUST}",
        "/States/S/Parameters",
    ),
    (
        {"Parameters": {"a": 1, "a.$": "$"}},
        "The field 'a' is given twice, as itself and as 'a.$'",
        "/States/S/Parameters",
    ),
    ({"InputPath": "x"}, "Value is not a valid JSONPath: a path starts with $", "/States/S/InputPath"),
    ({"OutputPath": 1}, "Expected value of type String", "/States/S/OutputPath"),
    (
        {"ResultPath": "$.a[*]"},
        "Value is not a Reference Path: it must name one place in the input",
        "/States/S/ResultPath",
    ),
    (
        {"ResultPath": "$$.Task"},
        "Value is not a Reference Path: it must name one place in the input",
        "/States/S/ResultPath",
    ),
]


@pytest.mark.parametrize(("state", "message", "place"), REFUSED)
def test_fields_that_mean_nothing_are_refused_with_their_place(state: Any, message: str, place: str) -> None:
    with pytest.raises(InvalidField) as caught:
        compile_dataflow(state, "/States/S")
    assert (caught.value.message, caught.value.place) == (message, place)


def test_values_of_one_template_come_from_one_stream() -> None:
    template = compile_template({"a.$": "States.UUID()", "b.$": "States.UUID()"}, "")
    first: Any = template.evaluate(
        {}, Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}), Entropy(b"1")
    )
    assert first["a"] != first["b"]
    assert (
        template.evaluate({}, Surroundings({"Execution": {"Name": "run-1"}, "Task": {"Token": "t"}}), Entropy(b"1"))
        == first
    )
