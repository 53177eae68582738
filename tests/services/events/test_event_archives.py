"""Archives and replays. Words as recorded in tests/aws/services/events/test_archive_and_replay.snapshot.json of
github.com/localstack/localstack."""

from datetime import timedelta
from typing import Any

import pytest

from interstate.store.records.events import ARCHIVED
from interstate.store.tables import Scalar

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/default"
ARCHIVE = "arn:aws:events:us-east-1:000000000000:archive/"
REPLAY = "arn:aws:events:us-east-1:000000000000:replay/"
PATTERN = '{"detail":{"n":[1]}}'


def span(bench: Any, name: str, **by: float) -> dict[str, Any]:
    """A replay of everything between the beginning and so much after now."""
    return {
        "ReplayName": name,
        "EventSourceArn": ARCHIVE + "a",
        "EventStartTime": bench.world.now - timedelta(days=100),
        "EventEndTime": bench.world.now + timedelta(**by),
        "Destination": {"Arn": BUS},
    }


def archived(bench: Any) -> int:
    count: int = bench.world.run(lambda work: work.scalar(Scalar("SELECT count(*) FROM events_archived", (ARCHIVED,))))
    return count


def test_an_archive_is_made_described_listed_changed_and_deleted(bench: Any) -> None:
    answer = bench(
        "CreateArchive", ArchiveName="a", EventSourceArn=BUS, Description="d", RetentionDays=1, EventPattern=PATTERN
    )
    assert answer == {"ArchiveArn": ARCHIVE + "a", "CreationTime": bench.world.now, "State": "ENABLED"}
    listed = {
        "ArchiveName": "a",
        "EventSourceArn": BUS,
        "State": "ENABLED",
        "RetentionDays": 1,
        "SizeBytes": 0,
        "EventCount": 0,
        "CreationTime": bench.world.now,
    }
    described = {**listed, "ArchiveArn": ARCHIVE + "a", "Description": "d", "EventPattern": PATTERN}
    assert bench("DescribeArchive", ArchiveName="a") == described
    assert bench("ListArchives", NamePrefix="a") == {"Archives": [listed]}
    assert bench("ListArchives", EventSourceArn=BUS) == {"Archives": [listed]}
    assert bench("ListArchives", State="DISABLED") == {"Archives": []}
    assert bench("UpdateArchive", ArchiveName="a", RetentionDays=2) == answer
    assert bench("DescribeArchive", ArchiveName="a")["RetentionDays"] == 2
    assert bench("DeleteArchive", ArchiveName="a") == {}
    assert bench("ListArchives") == {"Archives": []}


def test_an_archive_keeps_what_its_pattern_wants(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="some", EventSourceArn=BUS, EventPattern=PATTERN)
    bench("CreateArchive", ArchiveName="all", EventSourceArn=BUS)
    bench.put('{"n":1}')
    bench.put('{"n":2}')
    counts = {row["ArchiveName"]: row["EventCount"] for row in bench("ListArchives")["Archives"]}
    assert counts == {"all": 2, "some": 1}
    # "shop", "Order Placed" and the detail, and 14 bytes for the time.
    assert bench("DescribeArchive", ArchiveName="some")["SizeBytes"] == 4 + 12 + 7 + 14


def test_retention_forgets(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS, RetentionDays=1)
    bench("CreateArchive", ArchiveName="for-ever", EventSourceArn=BUS)
    bench.put()
    bench.advance(hours=20)
    bench.put()
    bench.advance(hours=10)
    assert bench("DescribeArchive", ArchiveName="a")["EventCount"] == 1
    bench.advance(days=30)
    assert bench("DescribeArchive", ArchiveName="a")["EventCount"] == 0
    assert bench("DescribeArchive", ArchiveName="a")["SizeBytes"] == 0
    assert bench("DescribeArchive", ArchiveName="for-ever")["EventCount"] == 2
    assert bench.world.next_due() is None


def test_a_deleted_archive_takes_its_events_along(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    bench("CreateArchive", ArchiveName="b", EventSourceArn=BUS)
    bench.put()
    bench("DeleteArchive", ArchiveName="a")
    bench.world.run_due()
    assert archived(bench) == 1
    bench.put()
    assert archived(bench) == 2


def test_a_replay_sends_events_again_and_says_so(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    bench.rule("r", bench.queue("q"))
    for number in range(120):  # More than two pages.
        bench.put(f'{{"n":{number}}}')
    first = bench.events("q")
    answer = bench("StartReplay", **span(bench, "again", seconds=1))
    assert answer == {"ReplayArn": REPLAY + "again", "State": "STARTING", "ReplayStartTime": bench.world.now}
    second = bench.events("q")
    assert [event["detail"]["n"] for event in second] == list(range(120))
    assert {event.pop("replay-name") for event in second} == {"again"}
    assert second == first
    described = bench("DescribeReplay", ReplayName="again")
    assert described["State"] == "COMPLETED"
    assert described["EventLastReplayedTime"] == bench.world.now
    assert described["Destination"] == {"Arn": BUS}
    assert bench("DescribeArchive", ArchiveName="a")["EventCount"] == 120
    assert [row["ReplayName"] for row in bench("ListReplays", State="COMPLETED")["Replays"]] == ["again"]


def test_a_replay_takes_a_span_of_time_and_chosen_rules(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    chosen = bench.rule("chosen", bench.queue("one"))
    bench.rule("other", bench.queue("two"))
    start = bench.world.now
    for _ in range(3):
        bench.put()
        bench.advance(minutes=1)
    bench.messages("one")
    bench.messages("two")
    request = {
        **span(bench, "x", days=0),
        "EventStartTime": start + timedelta(minutes=1),
        "EventEndTime": start + timedelta(minutes=2),
        "Destination": {"Arn": BUS, "FilterArns": [chosen]},
    }
    bench("StartReplay", **request)
    assert [event["time"] for event in bench.events("one")] == ["2026-01-01T00:01:00Z"]
    assert bench.messages("two") == []


def test_a_replay_takes_pages_of_one_second_and_goes_on(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    start = bench.world.now
    entry = {"Source": "shop", "DetailType": "x", "Detail": "{}"}
    accepted = []
    for at in (start, start + timedelta(seconds=1)):
        for _ in range(13):
            answer = bench("PutEvents", Entries=[{**entry, "Time": at}] * 10)
            accepted += [one["EventId"] for one in answer["Entries"]]
    bench.rule("r", bench.queue("q"))
    bench("StartReplay", **{**span(bench, "p", days=1), "EventStartTime": start})
    bench.advance(minutes=1)
    assert sorted(event["id"] for event in bench.events("q")) == sorted(accepted)
    assert bench("DescribeReplay", ReplayName="p")["State"] == "COMPLETED"


def test_a_replay_of_nothing_is_complete(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    bench("StartReplay", **span(bench, "x", days=1))
    bench.world.run_due()
    described = bench("DescribeReplay", ReplayName="x")
    assert described["State"] == "COMPLETED"
    assert "EventLastReplayedTime" not in described


def test_a_replay_is_cancelled(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)

    def start_and_cancel(work: Any) -> Any:
        work.call("events", "StartReplay", span(bench, "x", days=1))
        return work.call("events", "CancelReplay", {"ReplayName": "x"})

    assert bench.world.run(start_and_cancel) == {"ReplayArn": REPLAY + "x", "State": "CANCELLING"}
    bench.world.run_due()
    assert bench("DescribeReplay", ReplayName="x")["State"] == "CANCELLED"
    assert bench.error("CancelReplay", ReplayName="x")[0] == "IllegalStatusException"


def test_a_replay_whose_archive_is_deleted_fails(bench: Any) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)

    def start_and_delete(work: Any) -> None:
        work.call("events", "StartReplay", span(bench, "x", days=1))
        work.call("events", "DeleteArchive", {"ArchiveName": "a"})

    bench.world.run(start_and_delete)
    bench.world.run_due()
    described = bench("DescribeReplay", ReplayName="x")
    assert (described["State"], "deleted" in described["StateReason"]) == ("FAILED", True)


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "CreateArchive",
        {"ArchiveName": "a", "EventSourceArn": BUS},
        "ResourceAlreadyExistsException",
        "Archive a already exists.",
    ),
    (
        "CreateArchive",
        {"ArchiveName": "b", "EventSourceArn": BUS.replace("default", "x")},
        "ResourceNotFoundException",
        "Event bus x does not exist.",
    ),
    ("DescribeArchive", {"ArchiveName": "x"}, "ResourceNotFoundException", "Archive x does not exist."),
    ("DeleteArchive", {"ArchiveName": "x"}, "ResourceNotFoundException", "Archive x does not exist."),
    (
        "UpdateArchive",
        {"ArchiveName": "x"},
        "ValidationException",
        "At least one of EventPattern, RetentionDays or Description must be provided.",
    ),
    (
        "ListArchives",
        {"EventSourceArn": BUS.replace("default", "x")},
        "ResourceNotFoundException",
        "Event bus x does not exist.",
    ),
    (
        "ListArchives",
        {"NamePrefix": "a", "State": "ENABLED"},
        "ValidationException",
        "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
    ),
    (
        "ListReplays",
        {"NamePrefix": "a", "State": "RUNNING"},
        "ValidationException",
        "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.",
    ),
    ("DescribeReplay", {"ReplayName": "x"}, "ResourceNotFoundException", "Replay x does not exist."),
    ("StartReplay", {"ReplayName": "done"}, "ResourceAlreadyExistsException", "Replay done already exists."),
    (
        "StartReplay",
        {"EventSourceArn": ARCHIVE + "x"},
        "ValidationException",
        "Parameter EventSourceArn is not valid. Reason: Archive x does not exist.",
    ),
    (
        "StartReplay",
        {"Destination": {"Arn": BUS.replace("default", "x")}},
        "ResourceNotFoundException",
        "Event bus x does not exist.",
    ),
    (
        "StartReplay",
        {"Destination": {"Arn": BUS.replace("default", "other")}},
        "ValidationException",
        "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
    ),
    (
        "StartReplay",
        {"EventEndTime": None},
        "ValidationException",
        "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.",
    ),
]


@pytest.mark.parametrize(("operation", "members", "code", "message"), REFUSED, ids=str)
def test_what_is_refused(bench: Any, operation: str, members: dict[str, Any], code: str, message: str) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS)
    bench("CreateEventBus", Name="other")
    bench("StartReplay", **span(bench, "done", days=1))
    bench.world.run_due()
    request = members
    if operation == "StartReplay":
        request = {**span(bench, "new", days=1), **members}
        request["EventEndTime"] = request["EventEndTime"] or request["EventStartTime"]
    assert bench.error(operation, **request) == (code, message)


def test_patterns_and_counts_of_archives_are_bounded(bench: Any) -> None:
    assert (
        bench.error("CreateArchive", ArchiveName="x", EventSourceArn=BUS, EventPattern="{}")[0]
        == "InvalidEventPatternException"
    )
    for number in range(10):
        bench("CreateArchive", ArchiveName=f"a{number}", EventSourceArn=BUS)
    assert bench.error("CreateArchive", ArchiveName="b", EventSourceArn=BUS)[0] == "LimitExceededException"
    code = bench.error("UpdateArchive", ArchiveName="a1", EventPattern="{}")[0]
    assert code == "InvalidEventPatternException"
