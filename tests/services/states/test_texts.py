"""Long texts of executions lie in rows of their own: read by the steps that need them, gone with what they belong to."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.services.states.executing import execution, frames, history, start, world

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import World
from interstate.services.states import executor
from interstate.services.states.retention import KEPT
from interstate.services.states.texts import INLINE_MAX, input_of
from interstate.services.tables import SERVICES as ALL_SERVICES
from interstate.store.records.states import TEXTS, VARIABLES_OF_FRAME, Text
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.tables import Select

ALL = Select(TEXTS, "id > 0", "id")
LONG = "x" * 100_000
DAY = {"Type": "Wait", "Seconds": 86_400}


def texts(w: World) -> list[Text]:
    found: list[Text] = w.run(lambda work: work.select(ALL, limit=1000))
    return found


def padded(length: int) -> dict[str, str]:
    """An input of so many characters of JSON."""
    return {"pad": "x" * (length - len(dumps({"pad": ""})))}


class Reads:
    """The texts that are read, and the rows that are written, from here on."""

    def __init__(self, w: World) -> None:
        if not isinstance(w.store, SqliteStore):
            pytest.skip("counts what the embedded store reads")
        self._rows: Any = w.store.rows
        self.texts = 0
        self.written = 0
        setattr(w.store, "rows", self)  # noqa: B010 the port has it for reading only

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def fetch(self, table: Any, keys: Any) -> Any:
        found = self._rows.fetch(table, keys)
        self.texts += len(found) if table is TEXTS else 0
        return found

    def write(self, table: Any, changes: Any) -> None:
        self.written += len(changes) if table is TEXTS else 0
        self._rows.write(table, changes)


@pytest.mark.parametrize(("length", "apart"), [(INLINE_MAX, False), (INLINE_MAX + 1, True)])
def test_a_text_lies_apart_when_it_is_longer_than_its_row_has_room_for(length: int, apart: bool) -> None:
    w = world()
    number = start(w, {"Rest": {**DAY, "End": True}}, padded(length))
    row, (frame,) = execution(w, number), frames(w, number)
    assert (row.input == "", row.input_at > 0) == (apart, apart)
    assert (frame.data == "", frame.data_at) == (apart, row.input_at)
    assert w.run(lambda work: input_of(row, work)) == dumps(padded(length))
    assert len(texts(w)) == apart


def test_an_input_that_is_still_a_frames_data_is_stored_once() -> None:
    w = world()
    start(w, {"Rest": {**DAY, "Next": "More"}, "More": {**DAY, "End": True}}, {"pad": LONG})
    assert len(texts(w)) == 1
    w.advance(timedelta(days=1))
    assert len(texts(w)) == 1


def test_data_that_changed_take_the_place_of_those_before() -> None:
    w = world()
    states = {
        "One": {"Type": "Pass", "Parameters": {"one.$": "$.pad"}, "Next": "Rest"},
        "Rest": {**DAY, "Next": "Two"},
        "Two": {"Type": "Pass", "Parameters": {"two.$": "$.one"}, "Next": "Again"},
        "Again": {**DAY, "End": True},
    }
    number = start(w, states, {"pad": LONG})
    for name in ("one", "two"):
        given, data = texts(w)
        assert (loads(given.text), loads(data.text)) == ({"pad": LONG}, {name: LONG})
        w.advance(timedelta(days=1))
    assert loads(execution(w, number).output or "") == {"two": LONG}
    assert [text.text for text in texts(w)] == [dumps({"pad": LONG})]


def test_a_step_of_an_inner_frame_reads_no_text_of_the_frames_around_it() -> None:
    w = world()
    wait = {"Type": "Wait", "SecondsPath": "$", "Next": "Then"}
    inner = {"StartAt": "Rest", "States": {"Rest": wait, "Then": {"Type": "Pass", "Result": 1, "End": True}}}
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True}
    number = start(w, {"Each": each}, {"pad": LONG, "items": list(range(1, 30))})
    reads = Reads(w)
    for _ in range(28):
        w.advance(timedelta(seconds=1))
    assert (reads.texts, reads.written) == (0, 0)
    w.advance(timedelta(seconds=1))
    assert loads(execution(w, number).output or "") == [1] * 29


ITERATIONS = 400


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_an_iteration_that_begins_does_not_read_all_items(language: str) -> None:
    w = world()
    rest = {"Type": "Wait", "Seconds": 1, "End": True}
    given = {"ItemsPath": "$.items"} if language == "JSONPath" else {"Items": "{% $states.input.items %}"}
    each = {"Type": "Map", **given, "ItemProcessor": {"StartAt": "Rest", "States": {"Rest": rest}}, "End": True}
    items = [{"n": n, "pad": "x" * 20} for n in range(ITERATIONS)]
    number = start(
        w, {"Each": {**each, "MaxConcurrency": 20}}, {"items": items}, QueryLanguage=language, kind="EXPRESS"
    )
    reads = Reads(w)
    for _ in range(ITERATIONS // 20):
        w.advance(timedelta(seconds=1))
    assert loads(execution(w, number).output or "") == items
    assert 0 < reads.texts < ITERATIONS // 20


def test_a_map_that_is_tried_again_goes_over_what_its_items_are_now() -> None:
    w = world()
    state = {
        "Type": "Map",
        "Items": "{% [1..400].($string($) & 'x' & $string($states.context.State.RetryCount) & $pad('', 20, 'x')) %}",
        "MaxConcurrency": 1,
        "ItemProcessor": {
            "StartAt": "Look",
            "States": {
                "Look": {
                    "Type": "Choice",
                    "Choices": [{"Condition": "{% $contains($states.input, '50x0') %}", "Next": "No"}],
                    "Default": "Yes",
                },
                "No": {"Type": "Fail", "Error": "No"},
                "Yes": {"Type": "Pass", "End": True},
            },
        },
        "Retry": [{"ErrorEquals": ["No"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "End": True,
    }
    number = start(w, {"Each": state}, QueryLanguage="JSONata", kind="EXPRESS")
    w.advance(timedelta(seconds=2))
    assert loads(execution(w, number).output or "") == [f"{n}x1{'x' * 20}" for n in range(1, 401)]


def test_a_long_variable_is_written_when_it_is_assigned_and_read_when_it_is_looked_at() -> None:
    w = world()
    states = {
        "Keep": {"Type": "Pass", "Assign": {"kept": "{% $states.input.pad %}", "n": 0}, "Output": 1, "Next": "Rest"},
        "Rest": {**DAY, "Assign": {"n": "{% $n + 1 %}"}, "Next": "Enough"},
        "Enough": {"Type": "Choice", "Choices": [{"Condition": "{% $n = 3 %}", "Next": "Tell"}], "Default": "Rest"},
        "Tell": {"Type": "Pass", "Output": "{% $length($kept) %}", "Next": "Drop"},
        "Drop": {"Type": "Pass", "Assign": {"kept": "{% $n %}"}, "Next": "Last"},
        "Last": {**DAY, "End": True},
    }
    number = start(w, states, {"pad": LONG}, QueryLanguage="JSONata")
    rows = w.run(lambda work: work.select(VARIABLES_OF_FRAME, limit=9, execution=number, frame=0, after=""))
    assert [(row.name, row.value == "", row.size) for row in rows] == [("kept", True, len(LONG) + 2), ("n", False, 0)]
    reads = Reads(w)
    for _ in range(2):
        w.advance(timedelta(days=1))
    assert (reads.texts, reads.written) == (0, 0)
    w.advance(timedelta(days=1))
    assert reads.texts == 1
    assert len(texts(w)) == 1  # The input's: the variable is short now.
    w.advance(timedelta(days=1))
    assert execution(w, number).output == str(len(LONG))


def test_branches_that_were_given_long_data_have_it_when_the_frame_above_is_gone_on(tmp_path: Path) -> None:
    w = world(directory=tmp_path)
    tell = {"Type": "Pass", "Parameters": {"n.$": "States.ArrayLength($.items)"}, "End": True}
    branch = {"StartAt": "Rest", "States": {"Rest": {**DAY, "Next": "Tell"}, "Tell": tell}}
    items = list(range(3_000))
    number = start(
        w, {"Fork": {"Type": "Parallel", "Branches": [branch, rename(branch)], "End": True}}, {"items": items}
    )
    w = w.restart()
    w.advance(timedelta(days=1))
    assert loads(execution(w, number).output or "") == [{"n": 3_000}] * 2
    assert len(texts(w)) == 1


def rename(branch: dict[str, Any]) -> dict[str, Any]:
    rest, tell = branch["States"].values()
    return {"StartAt": "Rest2", "States": {"Rest2": {**rest, "Next": "Tell2"}, "Tell2": tell}}


@pytest.mark.parametrize("end", ["succeeds", "fails", "stops"])
def test_nothing_but_the_input_stays_when_an_execution_ends(end: str) -> None:
    w = world()
    last = {"Type": "Fail"} if end == "fails" else {"Type": "Succeed"}
    states = {
        "Keep": {"Type": "Pass", "Assign": {"kept.$": "$.other"}, "Parameters": {"other.$": "$.pad"}, "Next": "Rest"},
        "Rest": {**DAY, "Next": "Last"},
        "Last": last,
    }
    number = start(w, states, {"pad": LONG})
    assert len(texts(w)) == 3
    if end == "stops":
        row = execution(w, number)
        w.run(lambda work: executor.stop(row, None, None, work))
    else:
        w.advance(timedelta(days=1))
    assert execution(w, number).status != "RUNNING"
    assert [text.id for text in texts(w)] == [execution(w, number).input_at]


def test_the_input_goes_when_the_execution_is_forgotten() -> None:
    w = world()
    start(w, {"One": {"Type": "Succeed"}}, {"pad": LONG})
    w.advance(KEPT["STANDARD"] + timedelta(days=2))
    assert texts(w) == []


def test_a_start_is_the_same_again_when_its_long_input_is_the_same() -> None:
    w = World(ALL_SERVICES)
    definition = dumps({"StartAt": "Rest", "States": {"Rest": {**DAY, "End": True}}})
    told = {"name": "m", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/r"}
    machine = w.call("stepfunctions", "CreateStateMachine", told)["stateMachineArn"]
    first = {"stateMachineArn": machine, "name": "e", "input": dumps({"pad": LONG})}
    begun = w.call("stepfunctions", "StartExecution", first)
    assert w.call("stepfunctions", "StartExecution", first) == begun
    with pytest.raises(ServiceError, match="Execution Already Exists"):
        w.call("stepfunctions", "StartExecution", {**first, "input": dumps({"pad": LONG + "x"})})
    described = w.call("stepfunctions", "DescribeExecution", {"executionArn": begun["executionArn"]})
    assert described["input"] == first["input"]


def test_the_history_tells_a_long_input_as_it_was_given(tmp_path: Path) -> None:
    w = world(directory=tmp_path)
    number = start(w, {"Rest": {**DAY, "Next": "One"}, "One": {"Type": "Succeed"}}, {"pad": LONG})
    w = w.restart()
    w.advance(timedelta(days=1))
    told = [event.data for event in history(w, number) if event.type in {"ExecutionStarted", "SucceedStateEntered"}]
    assert told == [dumps({"pad": LONG})] * 2
