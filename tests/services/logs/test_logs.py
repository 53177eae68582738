from datetime import timedelta

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.base.time import to_millis
from interstate.runtime.testing import World
from interstate.services.logs import SERVICE
from interstate.services.logs.filter_pattern import parse_filter_pattern
from interstate.services.logs.groups import SWEEP_MAX
from interstate.services.logs.streams import write

GROUP = "/aws/lambda/Pay"


@pytest.fixture
def world() -> World:
    world = World([SERVICE])
    world.call("logs", "CreateLogGroup", {"logGroupName": GROUP})
    world.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": "s"})
    return world


def put(world: World, *messages: str, stream: str = "s") -> None:
    now = to_millis(world.now)
    events = [{"timestamp": now + index, "message": message} for index, message in enumerate(messages)]
    world.call("logs", "PutLogEvents", {"logGroupName": GROUP, "logStreamName": stream, "logEvents": events})


def get(world: World, **parameters: object) -> tuple[list[str], str, str]:
    answer = world.call("logs", "GetLogEvents", {"logGroupName": GROUP, "logStreamName": "s", **parameters})
    return [event["message"] for event in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]


def find(world: World, **parameters: object) -> list[str]:
    answer = world.call("logs", "FilterLogEvents", {"logGroupName": GROUP, **parameters})
    return [event["message"] for event in answer["events"]]


def test_what_was_put_is_read_in_order(world: World) -> None:
    put(world, "a", "b")
    put(world, "c")
    assert sorted(get(world)[0]) == ["a", "b", "c"]
    assert find(world) == get(world)[0]


def test_a_stream_is_paged_from_its_head_to_its_end_and_back(world: World) -> None:
    for start in range(7):
        put(world, f"m{start}")
        world.now += timedelta(seconds=1)
    seen, token = [], ""
    while True:
        page, forward, _ = get(world, startFromHead=True, limit=3, **({"nextToken": token} if token else {}))
        if forward == token:
            break
        seen += page
        token = forward
    assert seen == [f"m{n}" for n in range(7)]
    page, _, back = get(world, limit=3)
    assert page == ["m4", "m5", "m6"]
    page, _, back = get(world, limit=3, nextToken=back)
    assert page == ["m1", "m2", "m3"]
    page, _, back = get(world, limit=3, nextToken=back)
    assert page == ["m0"]
    assert get(world, limit=3, nextToken=back)[::2] == ([], back)


def test_a_reader_at_the_end_sees_what_comes_later(world: World) -> None:
    put(world, "a")
    _, forward, _ = get(world, startFromHead=True)
    world.now += timedelta(seconds=1)
    put(world, "b")
    assert get(world, nextToken=forward)[0] == ["b"]


def test_a_span_of_time_has_its_beginning_and_not_its_end(world: World) -> None:
    now = to_millis(world.now)
    put(world, "a", "b", "c")
    assert get(world, startTime=now + 1, endTime=now + 2)[0] == ["b"]
    assert find(world, startTime=now + 1, endTime=now + 2) == ["b", "c"]


# Pattern, and which of the messages it finds.
# Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForUnstructuredLogs.html
MESSAGES = ["[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", "[INFO] 주문 out of stock"]
PATTERNS = [
    ("", [0, 1, 2]),
    ("ERROR", [0, 1]),
    ("error", []),
    ("ERROR BAD", [0]),
    ("ERROR -BAD", [1]),
    ("-ERROR", [2]),
    ("?BAD ?INFO", [0, 2]),
    ('"out of stock"', [2]),
    ('"of out"', []),
    ("주문", [2]),
]


@pytest.mark.parametrize(("pattern", "found"), PATTERNS, ids=[row[0] for row in PATTERNS])
def test_a_filter_pattern_finds_its_events(world: World, pattern: str, found: list[int]) -> None:
    put(world, *MESSAGES)
    assert find(world, filterPattern=pattern) == [MESSAGES[index] for index in found]


@pytest.mark.parametrize("pattern", ['{ $.level = "ERROR" }', "[ip, user]", "%[0-9]+%"])
def test_other_patterns_are_refused_by_name(pattern: str) -> None:
    with pytest.raises(NotImplementedHere):
        parse_filter_pattern(pattern)


def test_a_filter_goes_through_streams_and_pages(world: World) -> None:
    world.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": "t"})
    for number in range(6):
        put(world, f"m{number}", stream="s" if number % 2 else "t")
        world.now += timedelta(seconds=1)
    first = world.call("logs", "FilterLogEvents", {"logGroupName": GROUP, "limit": 4})
    rest = world.call("logs", "FilterLogEvents", {"logGroupName": GROUP, "nextToken": first["nextToken"]})
    assert [event["message"] for event in first["events"] + rest["events"]] == [f"m{n}" for n in range(6)]
    assert len({event["eventId"] for event in first["events"] + rest["events"]}) == 6
    assert find(world, logStreamNames=["t"]) == ["m0", "m2", "m4"]
    assert find(world, logStreamNamePrefix="s") == ["m1", "m3", "m5"]


def test_streams_are_listed_by_name_and_by_their_last_event(world: World) -> None:
    for name in ("b", "a"):
        world.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": name})
        put(world, "x", stream=name)
        world.now += timedelta(seconds=1)

    def listed(**parameters: object) -> list[str]:
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = world.call(
                "logs", "DescribeLogStreams", {"logGroupName": GROUP, "limit": 1, **parameters, **token}
            )
            names += [stream["logStreamName"] for stream in answer["logStreams"]]
            if "nextToken" not in answer:
                return names
            token = {"nextToken": answer["nextToken"]}

    assert listed() == ["a", "b", "s"]
    assert listed(descending=True) == ["s", "b", "a"]
    assert listed(orderBy="LastEventTime", descending=True) == ["a", "b", "s"]
    assert listed(orderBy="LastEventTime") == ["s", "b", "a"]
    assert listed(logStreamNamePrefix="b") == ["b"]


def test_groups_are_listed_by_prefix_in_pages(world: World) -> None:
    for name in ("/aws/lambda/Other", "/orders"):
        world.call("logs", "CreateLogGroup", {"logGroupName": name})
    answer = world.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": "/aws/lambda/", "limit": 1})
    assert [group["logGroupName"] for group in answer["logGroups"]] == ["/aws/lambda/Other"]
    answer = world.call(
        "logs",
        "DescribeLogGroups",
        {"logGroupNamePrefix": "/aws/lambda/", "limit": 1, "nextToken": answer["nextToken"]},
    )
    assert [group["logGroupName"] for group in answer["logGroups"]] == [GROUP]
    assert "nextToken" not in answer


def test_retention_drops_what_is_too_old_and_no_more(world: World) -> None:
    world.call("logs", "PutRetentionPolicy", {"logGroupName": GROUP, "retentionInDays": 3})
    for number in range(SWEEP_MAX + 10):
        put(world, f"old{number}")
    world.advance(timedelta(days=2))
    put(world, "young")
    world.advance(timedelta(days=2))
    assert find(world) == ["young"]
    assert world.call("logs", "DescribeLogGroups")["logGroups"][0]["storedBytes"] == len("young") + 26
    world.call("logs", "DeleteRetentionPolicy", {"logGroupName": GROUP})
    world.advance(timedelta(days=30))
    assert find(world) == ["young"]


def test_a_new_group_of_an_old_name_starts_empty(world: World) -> None:
    put(world, "secret")
    world.call("logs", "DeleteLogGroup", {"logGroupName": GROUP})
    world.call("logs", "CreateLogGroup", {"logGroupName": GROUP})
    assert find(world) == []
    world.run_due()
    assert world.call("logs", "DescribeLogStreams", {"logGroupName": GROUP})["logStreams"] == []


def test_a_new_stream_of_an_old_name_starts_empty(world: World) -> None:
    put(world, "old")
    world.call("logs", "DeleteLogStream", {"logGroupName": GROUP, "logStreamName": "s"})
    world.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": "s"})
    world.run_due()
    put(world, "new")
    assert get(world)[0] == ["new"]


def test_services_write_without_making_group_and_stream_first() -> None:
    world = World([SERVICE])
    world.run(lambda work: write(work, Caller(), GROUP, "s", [(1, "a"), (2, "b")]))
    world.run(lambda work: write(work, Caller(), GROUP, "s", [(3, "c")]))
    assert find(world) == ["a", "b", "c"]


def test_what_is_too_old_or_too_new_is_told(world: World) -> None:
    now = to_millis(world.now)
    events = [{"timestamp": now + offset, "message": "x"} for offset in (0, 3 * 3_600_000)]
    answer = world.call("logs", "PutLogEvents", {"logGroupName": GROUP, "logStreamName": "s", "logEvents": events})
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    old = [{"timestamp": now - 15 * 86_400_000, "message": "x"}]
    answer = world.call("logs", "PutLogEvents", {"logGroupName": GROUP, "logStreamName": "s", "logEvents": old})
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    assert get(world)[0] == ["x"]


# Operation, request, code, message.
REFUSALS = [
    ("CreateLogGroup", {"logGroupName": GROUP}, "ResourceAlreadyExistsException", "The specified log group already exists"),
    ("DeleteLogGroup", {"logGroupName": "no"}, "ResourceNotFoundException", "The specified log group does not exist."),
    ("CreateLogStream", {"logGroupName": GROUP, "logStreamName": "s"}, "ResourceAlreadyExistsException",
     "The specified log stream already exists"),
    ("CreateLogStream", {"logGroupName": GROUP, "logStreamName": "a:b"}, "InvalidParameterException", None),
    ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "no"}, "ResourceNotFoundException",
     "The specified log stream does not exist."),
    ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "s", "nextToken": "f/x"}, "InvalidParameterException",
     "The specified nextToken is invalid."),
    ("PutRetentionPolicy", {"logGroupName": GROUP, "retentionInDays": 2}, "InvalidParameterException", None),
    ("PutLogEvents", {"logGroupName": GROUP, "logStreamName": "s",
                      "logEvents": [{"timestamp": 2, "message": "a"}, {"timestamp": 1, "message": "b"}]},
     "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order."),
    ("ListTagsForResource", {"resourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}, "InvalidParameterException", None),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_have_the_code_and_words_of_aws(
    world: World, operation: str, request_: dict[str, object], code: str, message: str | None
) -> None:
    with pytest.raises(ServiceError) as refused:
        world.call("logs", operation, request_)
    assert refused.value.code == code
    assert message is None or refused.value.message == message


def test_tags_are_kept_in_both_forms(world: World) -> None:
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"
    world.call("logs", "TagResource", {"resourceArn": f"{arn}:*", "tags": {"a": "1"}})
    world.call("logs", "TagLogGroup", {"logGroupName": GROUP, "tags": {"b": "2"}})
    world.call("logs", "UntagResource", {"resourceArn": arn, "tagKeys": ["a"]})
    assert world.call("logs", "ListTagsForResource", {"resourceArn": arn}) == {"tags": {"b": "2"}}
    world.call("logs", "UntagLogGroup", {"logGroupName": GROUP, "tags": ["b"]})
    assert world.call("logs", "ListTagsLogGroup", {"logGroupName": GROUP}) == {"tags": {}}
