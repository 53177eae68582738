"""What targets get. Source: recorded deliveries in tests/aws/services/events/test_events_inputs.snapshot.json of
github.com/localstack/localstack; https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.json import dumps, loads
from interstate.core.events.envelope import envelope
from interstate.core.events.paths import MISSING, InvalidPath, parse_path, read_path
from interstate.core.events.transform import Context, InvalidInput, Transformer, broken_paths, faults, part, render

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DETAIL = {
    "command": "update-account",
    "payload": {"acc_id": "0a78", "sf_id": "baz"},
    "severity": ["HIGH"],
    "states": ["ACTIVE", "INACTIVE"],
    "valid": True,
    "count": 3,
    "said": 'he said "yes"',
    "items": [{"id": 1}, {"id": 2}],
}
EVENT = envelope(
    event_id="e-1",
    detail_type="Account Changed",
    source="core",
    account="111122223333",
    time=AT,
    region="us-east-1",
    resources=["arn:x"],
    detail=DETAIL,
)
CONTEXT = Context("arn:aws:events:us-east-1:111122223333:rule/bus/r", "r", AT)
PATHS = {
    "userId": "$.detail.payload.acc_id",
    "payload": "$.detail.payload",
    "one": "$.detail.severity",
    "many": "$.detail.states",
    "valid": "$.detail.valid",
    "count": "$.detail.count",
    "missing": "$.detail.nothing",
    "type": "$.detail-type",
    "said": "$.detail.said",
}

RENDERED = [
    # Text templates: values as they are, quotes dropped, nothing for a missing value.
    ('"Event of <type> type, <missing>"', '"Event of Account Changed type, "'),
    ('"{[/special start <type>"', '"{[/special start Account Changed"'),
    ('"<one> single <many> multiple"', '"[HIGH] single [ACTIVE,INACTIVE] multiple"'),
    ('"Payload of <payload> with <userId> and <userId>"', '"Payload of {acc_id:0a78,sf_id:baz} with 0a78 and 0a78"'),
    ('"Command is <valid>!"', '"Command is true!"'),
    ('"<one>"\n"<userId> id"', '"[HIGH]"\n"0a78 id"'),
    # JSON templates: a JSON value outside of quotes, text inside.
    ('{"id" : <userId>}', '{"id" : "0a78"}'),
    ('{"id" : "<userId>"}', '{"id" : "0a78"}'),
    (
        '{"path": "users/<userId>/x/<userId>", "b": <payload>}',
        '{"path": "users/0a78/x/0a78", "b": {"acc_id":"0a78","sf_id":"baz"}}',
    ),
    ('{"a": [<userId>, "fixed"], "b": <many>}', '{"a": ["0a78", "fixed"], "b": ["ACTIVE","INACTIVE"]}'),
    ('{"a": <missing>, "b": "<missing>"}', '{"a": "", "b": ""}'),
    (
        '{"a": <count>, "b": <valid>, "c": "<count> of \\"x\\" <userId>"}',
        '{"a": 3, "b": true, "c": "3 of \\"x\\" 0a78"}',
    ),
    ('{"a": "<said>", "b": <said>}', '{"a": "he said \\"yes\\"", "b": "he said \\"yes\\""}'),
    ("<payload>", '{"acc_id":"0a78","sf_id":"baz"}'),
    # Reserved names.
    (
        '"<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>"',
        '"arn:aws:events:us-east-1:111122223333:rule/bus/r r 2026-01-02T03:04:05Z"',
    ),
    ('{"e": <aws.events.event.json>}', '{"e": ' + dumps(EVENT) + "}"),
]


@pytest.mark.parametrize(("template", "expected"), RENDERED, ids=[row[0] for row in RENDERED])
def test_a_template_is_filled(template: str, expected: str) -> None:
    assert render(Transformer(template, PATHS), EVENT, CONTEXT) == expected


def test_the_event_without_detail_has_its_type_in_camel_case() -> None:
    rendered: Any = loads(render(Transformer('{"e": <aws.events.event>}'), EVENT, CONTEXT))
    expected = {key: value for key, value in EVENT.items() if key not in ("detail", "detail-type")}
    assert rendered["e"] == {**expected, "detailType": "Account Changed"}


BROKEN = ['{"a": "<payload>"}', '{"a": "users/<many>"}', "<one> single list item", '{"a": 1']


@pytest.mark.parametrize("template", BROKEN)
def test_a_result_that_is_not_json_is_never_delivered(template: str) -> None:
    with pytest.raises(InvalidInput):
        render(Transformer(template, PATHS), EVENT, CONTEXT)


def test_faults_name_unknown_and_reserved_variables() -> None:
    transformer = Transformer('"<type> <other>"', {"type": "$.detail-type", "aws.events.x": "$.id"})
    assert faults(transformer) == [
        "contains invalid placeholder other.",
        "contains the reserved variable name aws.events.x.",
    ]
    assert faults(Transformer('"<aws.events.rule-name>"')) == []


def test_a_variable_that_nothing_stands_for_is_missing() -> None:
    assert render(Transformer('"[<gone>]"'), EVENT, CONTEXT) == '"[]"'


PARTS: list[tuple[str, Any]] = [
    ("$", EVENT),
    ("$.detail.payload.sf_id", "baz"),
    ("$.detail.items[1].id", 2),
    ("$.detail.items[*].id", [1, 2]),
    ("$.detail.payload.*", ["0a78", "baz"]),
    ("$.detail.items[9]", None),
    ("$.detail.command.deeper", None),
    ("$.detail.states.name", None),
    ("$.detail[0]", None),
    ("$.nothing[*]", []),
]


@pytest.mark.parametrize(("path", "expected"), PARTS, ids=[row[0] for row in PARTS])
def test_an_input_path_selects(path: str, expected: Any) -> None:
    assert loads(part(path, EVENT)) == expected


@pytest.mark.parametrize("path", ["", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[-1]", "$['a']", "$.a b"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidPath):
        parse_path(path)
    assert broken_paths(Transformer("", {"x": path})) == [path]


NAMES = st.text("abcXYZ019_-/", min_size=1, max_size=4)


@given(st.lists(NAMES | st.integers(0, 3), max_size=5), st.integers())
def test_a_path_finds_what_was_put_there(steps: list[str | int], value: int) -> None:
    event: Any = value
    for step in reversed(steps):
        event = {step: event} if isinstance(step, str) else [*[0] * step, event]
    path = "$" + "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in steps)
    assert read_path(path, event) == value
    assert read_path(path + ".gone", event) is MISSING
