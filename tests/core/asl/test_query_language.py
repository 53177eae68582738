"""States of JSONata: their fields, what they may see, how they fail.

Causes, places and orders as recorded from Step Functions; refusals as answered by ValidateStateMachineDefinition.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from typing import Any

import pytest
from tests.core.asl.driving import Run
from tests.core.asl.test_parse import END, FUNCTION, faults, machine, one

from interstate.core.asl.vocabulary import TaskFailed, TaskSucceeded

JSONATA: dict[str, Any] = {"QueryLanguage": "JSONata"}
WHERE = "An error occurred while executing the state 'X' (entered at the event id #2). "


def run(fields: dict[str, Any], given: Any = None) -> Run:
    states = {"X": {"End": True, **fields}}
    return Run(states, given=given, top=JSONATA).start()


@pytest.mark.parametrize(
    ("fields", "given", "output"),
    [
        ({"Type": "Pass"}, {"a": 1}, {"a": 1}),
        (
            {"Type": "Pass", "Output": {"n": "{% $states.input.a + 1 %}", "l": ["{% 2 %}", "x"]}},
            {"a": 1},
            {"n": 2, "l": [2, "x"]},
        ),
        ({"Type": "Pass", "Output": "{% $states.context.State.Name %}"}, {}, "X"),
        ({"Type": "Pass", "Output": " {% no %} "}, {}, " {% no %} "),
        ({"Type": "Pass", "Output": None}, {}, None),
        ({"Type": "Pass", "Output": "{%$states.input%}"}, [1], [1]),
        ({"Type": "Wait", "Seconds": "{% $states.input.s %}", "Output": "{% 'done' %}"}, {"s": 1}, "done"),
        (
            {"Type": "Wait", "Timestamp": "{% $states.input.t %}"},
            {"t": "2016-03-14T01:59:00Z"},
            {"t": "2016-03-14T01:59:00Z"},
        ),
        (
            {
                "Type": "Parallel",
                "Branches": [machine_ := {"StartAt": "B", "States": {"B": END}}],
                "Output": "{% $states.result[0] %}",
            },
            {"a": 1},
            {"a": 1},
        ),
        (
            {"Type": "Parallel", "Arguments": {"b": "{% $states.input.a %}"}, "Branches": [machine_]},
            {"a": 1},
            [{"b": 1}],
        ),
        ({"Type": "Map", "Items": "{% $states.input.l %}", "ItemProcessor": machine_}, {"l": [1, 2]}, [1, 2]),
        (
            {"Type": "Map", "Items": [1, "{% $number('2') %}"], "MaxConcurrency": "{% 1 %}", "ItemProcessor": machine_},
            {},
            [1, 2],
        ),
        ({"Type": "Map", "ItemProcessor": machine_}, [3], [3]),
        (
            {
                "Type": "Map",
                "Items": "{% $states.input.l %}",
                "ItemSelector": {
                    "i": "{% $states.context.Map.Item.Value %}",
                    "n": "{% $states.context.Map.Item.Index %}",
                },
                "ItemProcessor": machine_,
                "Output": {"all": "{% $states.result %}"},
            },
            {"l": ["a"]},
            {"all": [{"i": "a", "n": 0}]},
        ),
    ],
)
def test_fields(fields: dict[str, Any], given: Any, output: Any) -> None:
    done = run(fields, given)
    while done.end is None:
        done.fire()
    assert done.output == output


def test_items_that_chance_brought_stay() -> None:
    """The items are evaluated once: what the first iterations and the last see is of one list."""
    items = "{% [$random(), $random(), $random()] %}"
    inner = {
        "StartAt": "B",
        "States": {"B": {"Type": "Pass", "Output": "{% $states.context.Map.Item.Value %}", "End": True}},
    }
    done = run({"Type": "Map", "Items": items, "MaxConcurrency": 1, "ItemProcessor": inner})
    seen = [event.data for event in done.history if event.type == "PassStateEntered"]
    assert [float(text or "") for text in seen] == done.output
    assert done.frames[0].variables == {}


def test_a_choice_goes_by_conditions() -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $states.input.n > 1 %}",
                    "Next": "A",
                    "Assign": {"who": "rule"},
                    "Output": {"was": "rule"},
                },
                {"Condition": False, "Next": "B"},
            ],
            "Default": "B",
            "Assign": {"who": "default"},
            "Output": {"was": "{% $states.input.n %}"},
        },
        "A": {"Type": "Pass", "Output": "{% [$who, $states.input.was] %}", "End": True},
        "B": {"Type": "Pass", "Output": "{% [$who, $states.input.was] %}", "End": True},
    }
    assert Run(states, given={"n": 2}, top=JSONATA).start().output == ["rule", "rule"]
    assert Run(states, given={"n": 1}, top=JSONATA).start().output == ["default", 1]


def test_a_fail_says_what_its_expressions_say() -> None:
    failed = Run(
        {"F": {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "plain"}}, given={"e": "E"}, top=JSONATA
    ).start()
    assert failed.failure == ("E", "plain")


def test_a_task_and_its_catcher() -> None:
    catch = [
        {
            "ErrorEquals": ["E"],
            "Next": "Z",
            "Assign": {"e": "{% $states.errorOutput.Error %}"},
            "Output": {"in": "{% $states.input %}", "error": "{% $states.errorOutput %}"},
        }
    ]
    task = {
        "Type": "Task",
        "Resource": FUNCTION,
        "Arguments": {"n": "{% $states.input.n %}"},
        "TimeoutSeconds": "{% $states.input.n * 10 %}",
        "Output": {"r": "{% $states.result.r %}"},
        "Catch": catch,
        "Next": "Z",
    }
    states = {"T": task, "Z": {"Type": "Pass", "End": True}}
    done = Run(states, given={"n": 3}, top=JSONATA).start()
    assert (done.tasks[0].input.value, done.tasks[0].timeout_s) == ({"n": 3}, 30)
    done.send(TaskSucceeded(1, '{"r":4}'))
    assert done.output == {"r": 4}
    failed = Run(states, given={"n": 3}, top=JSONATA).start()
    failed.send(TaskFailed(1, "E", "C"))
    assert failed.output == {"in": {"n": 3}, "error": {"Error": "E", "Cause": "C"}}


@pytest.mark.parametrize(
    ("fields", "given", "cause", "location"),
    [
        (
            {"Type": "Pass", "Output": {"a": [1, "{% $nothing %}"]}},
            {},
            "The JSONata expression '$nothing' specified for the field 'Output/a[1]' returned nothing (undefined).",
            "Output/a[1]",
        ),
        (
            {"Type": "Pass", "Assign": {"v": "{% $nothing %}"}},
            {},
            "The JSONata expression '$nothing' specified for the field 'Assign/v' returned nothing (undefined).",
            "Assign/v",
        ),
        (
            {"Type": "Pass", "Output": "{% $randomSeeded(1) %}"},
            {},
            (
                "The JSONata expression '$randomSeeded(1)' specified for the field 'Output' threw an error during evaluation. "
                "T1006: Attempted to invoke a non-function"
            ),
            "Output",
        ),
        (
            {"Type": "Pass", "Output": "{% [1..100000000] %}"},
            {},
            (
                "The JSONata expression '[1..100000000]' specified for the field 'Output' threw an error during evaluation: "
                "Expression evaluation memory limit exceeded: Check for excessive memory usage"
            ),
            "Output",
        ),
        (
            {"Type": "Map", "Items": "{% 'string' %}", "ItemProcessor": machine_},
            {},
            (
                "The JSONata expression ''string'' specified for the field 'Items' returned an unexpected result type. "
                "Expected 'array', but was 'string' for value: \"string\""
            ),
            "Items",
        ),
        (
            {"Type": "Map", "Items": "{% $fn := function($x){$x} %}", "ItemProcessor": machine_},
            {},
            "The JSONata expression '$fn := function($x){$x}' specified for the field 'Items' returned an unsupported result type.",
            "Items",
        ),
        (
            {"Type": "Map", "ItemProcessor": machine_},
            {"foo": "bar"},
            'Map state input must be an array but was: {"foo":"bar"}',
            None,
        ),
        (
            {"Type": "Wait", "Seconds": "{% 'x' %}"},
            {},
            (
                "The JSONata expression ''x'' specified for the field 'Seconds' returned an unexpected result type. "
                "Expected 'integer', but was 'string' for value: \"x\""
            ),
            "Seconds",
        ),
    ],
)
def test_what_cannot_be_evaluated_fails_the_state(
    fields: dict[str, Any], given: Any, cause: str, location: str | None
) -> None:
    failed = run(fields, given)
    assert failed.failure == ("States.QueryEvaluationError", WHERE + cause)
    event = next(event for event in failed.history if event.type == "EvaluationFailed")
    details = {"error": "States.QueryEvaluationError", "cause": WHERE + cause, "state": "X"}
    assert event.more == (details if location is None else {**details, "location": location})
    assert (event.id, event.previous) == (3, 0)  # It stands in place of the entry.


def test_a_timestamp_that_is_none_is_refused_by_the_entered_state() -> None:
    failed = run({"Type": "Wait", "Timestamp": "{% $states.input %}"}, "2016-12-05 21:29:29Z")
    told = "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: 2016-12-05 21:29:29Z"
    assert failed.failure == ("States.QueryEvaluationError", WHERE + told)
    assert failed.story[1:3] == ["2 <- 0 WaitStateEntered X", "3 <- 2 EvaluationFailed"]


def test_an_evaluation_that_fails_is_caught() -> None:
    states = {
        "X": {
            "Type": "Task",
            "Resource": FUNCTION,
            "Arguments": "{% $nothing %}",
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Z"}],
            "End": True,
        },
        "Z": END,
    }
    done = Run(states, top=JSONATA).start()
    assert done.output["Error"] == "States.QueryEvaluationError"
    assert done.types[1:4] == ["TaskStateEntered", "EvaluationFailed", "TaskStateExited"]


def test_states_of_both_languages_in_one_machine() -> None:
    states = {
        "A": {"Type": "Pass", "Result": {"x": 1}, "Assign": {"v.$": "$.x"}, "Next": "B"},
        "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Assign": {"w": "{% $v + 1 %}"}, "Next": "C"},
        "C": {"Type": "Pass", "Parameters": {"v.$": "$v", "w.$": "$w"}, "End": True},
    }
    assert Run(states).start().output == {"v": 1, "w": 2}


SCHEMA = "SCHEMA_VALIDATION_FAILED"
OTHER = "The QueryLanguage is set to '{}', but field '{}' is only supported for the '{}' QueryLanguage"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            one(Type="Pass", End=True, Output=1),
            f"{SCHEMA}: {OTHER.format('JSONPath', 'Output', 'JSONata')} at /States/X",
        ),
        (
            one(Type="Pass", End=True, InputPath="$.a", QueryLanguage="JSONata"),
            f"{SCHEMA}: {OTHER.format('JSONata', 'InputPath', 'JSONPath')} at /States/X",
        ),
        (
            machine({"X": {**END, "QueryLanguage": "JSONPath"}}, QueryLanguage="JSONata"),
            f"{SCHEMA}: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/X",
        ),
        (
            one(Type="Map", End=True, ItemProcessor={**machine_, "QueryLanguage": "JSONata"}),
            f"{SCHEMA}: Field 'QueryLanguage' is not supported at /States/X/ItemProcessor",
        ),
        (
            one(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% 1 + %}"),
            "INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/X/Output",
        ),
        (
            one(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% $$ %}"),
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported. at /States/X/Output",
        ),
        (
            one(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% $states.errorOutput %}"),
            "UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.errorOutput' does not exist. at /States/X/Output",
        ),
        (
            one(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% 1"),
            f"{SCHEMA}: JSONata string must start with {{% and end with %}} at /States/X/Output",
        ),
        (
            one(Type="Choice", Choices=[{"Condition": True, "Next": "X"}]),
            f"{SCHEMA}: {OTHER.format('JSONPath', 'Condition', 'JSONata')} at /States/X/Choices[0]",
        ),
        (
            one(Type="Pass", End=True, Assign={"1": 1}),
            f"{SCHEMA}: Invalid variable name: 1 at /States/X/Assign",
        ),
        (
            one(Type="Pass", End=True, Assign={"states": 1}),
            f"{SCHEMA}: Invalid variable name: states at /States/X/Assign",
        ),
    ],
)
def test_refusals(text: str, expected: str) -> None:
    assert faults(text) == [expected]


INPUTS: list[Any] = [
    {"a": {"b": [{"c": 1}, {"c": 2}], "d": None}, "e": "f"},
    {"a": [{"b": {"c": 1}}, {"b": 2}], "e": [1]},
    [{"a": {"b": 1}}, {"a": 2}],
    "text",
    {},
]


@pytest.mark.parametrize("given", INPUTS)
@pytest.mark.parametrize(
    "text",
    [
        "$states.input.a.b.c",
        "$states.input.a.b[0].c",
        "[$states.input.a, $states.input.a.b]",
        "$states.input.a.(b)",
        "$states.input.a.b.c.%",
        "$states.input.a ~> $type",
        "$states.input.a.*",
        "$states.input.**.c",
        "$states.input.a[0].b",
        "[$states.input.e & '', $states.input.a.b.c.d.e.f]",
        "$states.input.a.b{'c': $}",
    ],
)
def test_what_is_not_handed_over_is_not_missed(text: str, given: Any) -> None:
    """The same expression over the whole input, as a variable, gives the same."""
    pruned = run({"Type": "Pass", "Output": f"{{% {text} %}}"}, given)
    whole = run({"Type": "Pass", "Output": f"{{% ($whole := $states; {text.replace('$states', '$whole')}) %}}"}, given)
    assert pruned.end is not None
    assert whole.end is not None
    assert (pruned.end.status, pruned.end.output) == (whole.end.status, whole.end.output)


def test_a_result_that_is_not_there_yet_is_undefined() -> None:
    failed = run({"Type": "Pass", "Output": "{% $states.result %}"})
    told = "The JSONata expression '$states.result' specified for the field 'Output' returned nothing (undefined)."
    assert failed.failure == ("States.QueryEvaluationError", WHERE + told)
    unknown = one(Type="Pass", End=True, QueryLanguage="JSONata", Output="{% $states.results %}")
    assert faults(unknown) == [
        "UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.results' does not exist. at /States/X/Output"
    ]
