"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html; refusals as recorded in
tests/aws/services/events/test_events.snapshot.json of github.com/localstack/localstack."""

from datetime import UTC, datetime
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.core.events.envelope import Entry, Fault, envelope, fit, read_detail, replayed, size_bytes

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
EVENT = envelope(
    event_id="e",
    detail_type="t",
    source="s",
    account="1",
    time=AT,
    region="r",
    resources=["x"],
    detail={"a": 1},
)


def test_an_event_has_awss_keys_in_awss_order() -> None:
    assert list(EVENT.items()) == [
        ("version", "0"),
        ("id", "e"),
        ("detail-type", "t"),
        ("source", "s"),
        ("account", "1"),
        ("time", "2026-01-02T03:04:05Z"),
        ("region", "r"),
        ("resources", ["x"]),
        ("detail", {"a": 1}),
    ]


def test_a_replayed_event_names_its_replay_after_the_region() -> None:
    copy = replayed(EVENT, "again")
    assert list(copy)[6:8] == ["region", "replay-name"]
    assert {key: value for key, value in copy.items() if key != "replay-name"} == EVENT
    assert "replay-name" not in EVENT


WHOLE: dict[str, Any] = {"source": "s", "detail_type": "t", "detail": "{}"}
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"source": None}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
    ({"source": ""}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
    (
        {"detail_type": None},
        "InvalidArgument",
        "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
    ),
    ({"detail": None}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
    ({"detail": "event 1"}, "MalformedDetail", "Detail is malformed."),
    ({"detail": "[1]"}, "MalformedDetail", "Detail is malformed."),
    ({"detail": '{"a": NaN}'}, "MalformedDetail", "Detail is malformed."),
    ({"detail": '{"a":' * 501 + "1" + "}" * 501}, "MalformedDetail", "Detail is malformed."),
    ({"source": "aws.s3"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
]


@pytest.mark.parametrize(("members", "code", "message"), FAULTS, ids=lambda value: str(value)[:40])
def test_what_an_entry_must_have(members: dict[str, Any], code: str, message: str) -> None:
    assert read_detail(Entry(**{**WHOLE, **members})) == Fault(code, message)


def test_a_detail_is_read() -> None:
    assert read_detail(Entry(**{**WHOLE, "detail": '{"a": [1]}'})) == {"a": [1]}
    wide = {"a": [[number] for number in range(600)]}
    assert read_detail(Entry(**{**WHOLE, "detail": dumps(wide)})) == wide


# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html, "Calculating entry sizes"
SIZES: list[tuple[dict[str, Any], int]] = [
    ({}, 4),
    ({"time": AT}, 18),
    ({"resources": ["abc", "서"]}, 10),
    ({"detail": None, "source": None}, 1),
]


@pytest.mark.parametrize(("members", "expected"), SIZES, ids=str)
def test_what_an_entry_counts(members: dict[str, Any], expected: int) -> None:
    assert size_bytes(Entry(**{**WHOLE, **members})) == expected


@pytest.mark.parametrize(
    ("detail", "expected"), [("x" * 98, True), ("x" * 99, False), ("서" * 32, True), ("서" * 33, False)]
)
def test_what_fits(detail: str, expected: bool) -> None:
    assert fit([Entry(**{**WHOLE, "detail": detail})], 100) is expected
