"""Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html."""

from datetime import UTC, datetime

import msgspec

from interstate.core.asl.context import Context, ExecutionFacts, MapItem

AT = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
FACTS = ExecutionFacts("arn:e", "e", {"x": 1}, "arn:role", AT, "arn:m", "m")


def test_a_context_shows_execution_machine_and_state() -> None:
    assert Context(FACTS, "S", AT).value() == {
        "Execution": {
            "Id": "arn:e",
            "Input": {"x": 1},
            "StartTime": "2026-11-21T09:00:00.123Z",
            "Name": "e",
            "RoleArn": "arn:role",
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": "arn:m", "Name": "m"},
        "State": {"Name": "S", "EnteredTime": "2026-11-21T09:00:00.123Z"},
    }


def test_token_item_and_retries_show_only_where_there_are_any() -> None:
    value = Context(FACTS, "S", AT, retry_count=2, task_token="t", item=MapItem(3, None)).value()
    assert isinstance(value, dict)
    assert value["State"]["RetryCount"] == 2
    assert value["Task"] == {"Token": "t"}
    assert value["Map"] == {"Item": {"Index": 3, "Value": None}}


def test_an_express_execution_shows_no_redrives() -> None:
    value = Context(msgspec.structs.replace(FACTS, redrive_count=None), "S", AT).value()
    assert isinstance(value, dict)
    assert "RedriveCount" not in value["Execution"]
