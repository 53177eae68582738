"""Distributed Map, by calls: children, items, batches, results, thresholds, and a crash before every commit.

Sources: Step Functions Developer Guide, "Using Map state in Distributed mode" and its pages on ItemReader, ItemBatcher,
ResultWriter, tolerated failures; API Reference, DescribeMapRun; causes as recorded from Step Functions.
"""

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash, World
from interstate.services.states.distributed import results
from interstate.store.records.map_runs import RUNS_OF_EXECUTION

ROLE = "arn:aws:iam::000000000000:role/r"
PASS = {"Type": "Pass", "End": True}
FAIL = {"Type": "Fail", "Error": "E", "Cause": "C"}


def processor(kind: str = "STANDARD", state: Any = None) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {"ProcessorConfig": config, "StartAt": "Inner", "States": {"Inner": state or PASS}}


def reader(**config: Any) -> dict[str, Any]:
    parameters = {"Bucket": "bucket", "Key": "file"}
    return {"Resource": "arn:aws:states:::s3:getObject", "Parameters": parameters, "ReaderConfig": config}


def started(world: World, state: dict[str, Any], given: Any = None) -> str:
    definition = {"StartAt": "Map", "States": {"Map": {"Type": "Map", "End": True, **state}}}
    name = f"m{world.commits}"
    machine = world.call(
        "stepfunctions",
        "CreateStateMachine",
        {"name": name, "definition": json.dumps(definition), "roleArn": ROLE},
    )["stateMachineArn"]
    request = {"stateMachineArn": machine, "input": json.dumps(given), "name": "run"}
    arn: str = world.call("stepfunctions", "StartExecution", request)["executionArn"]
    world.run_due()
    return arn


def described(world: World, arn: str) -> Any:
    return world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})


def ran(world: World, state: dict[str, Any], given: Any = None) -> Any:
    found = described(world, started(world, state, given))
    return json.loads(found["output"]) if found["status"] == "SUCCEEDED" else (found["error"], found["cause"])


def map_run(world: World, arn: str) -> Any:
    listed = world.call("stepfunctions", "ListMapRuns", {"executionArn": arn})["mapRuns"]
    return world.call("stepfunctions", "DescribeMapRun", {"mapRunArn": listed[-1]["mapRunArn"]})


def put(world: World, body: bytes, key: str = "file") -> None:
    world.call("s3", "PutObject", {"Bucket": "bucket", "Key": key, "Body": body})


def got(world: World, key: str) -> Any:
    return json.loads(world.call("s3", "GetObject", {"Bucket": "bucket", "Key": key})["Body"])


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.work_s = 60.0  # How far a slice comes must not depend on the machine's speed.
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    yield world
    world.close()


CSV = b'h1,h2\n1,"a\nb"\n3\n'
ROWS = [{"h1": "1", "h2": "a\nb"}, {"h1": "3", "h2": ""}]


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
@pytest.mark.parametrize(
    ("body", "config", "expected"),
    [
        (CSV, {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, ROWS),
        (CSV, {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "MaxItems": 1}, ROWS[:1]),
        (b"1|2\n", {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"],
                    "CSVDelimiter": "PIPE"}, [{"a": "1", "b": "2"}]),
        (b"h\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, []),
        (b' [1, {"a": [2]} ,"x"]', {"InputType": "JSON"}, [1, {"a": [2]}, "x"]),
        (b"[]", {"InputType": "JSON"}, []),
        (b'{"a": {"b": [1, 2]}}', {"InputType": "JSON", "ItemsPointer": "/a/b"}, [1, 2]),
        (b'{"a": {"b": {"x": 1, "y": []}}}', {"InputType": "JSON", "ItemsPointer": "/a/b"},
         [{"Key": "x", "Value": 1}, {"Key": "y", "Value": []}]),
        (b'{"a": {}}', {"InputType": "JSON", "ItemsPointer": "/a"}, []),
        (b'{"a":1}\n2\n', {"InputType": "JSONL"}, [{"a": 1}, 2]),
    ],
)  # fmt: skip
def test_items_come_from_s3(world: World, kind: str, body: bytes, config: Any, expected: Any) -> None:
    put(world, body)
    assert ran(world, {"ItemProcessor": processor(kind), "ItemReader": reader(**config)}, {}) == expected


@pytest.mark.parametrize(
    ("body", "config", "cause"),
    [
        (
            b"a,a\n1,2\n",
            {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "CSV headers cannot contain duplicates.",
        ),
        (b'{"a":1}', {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        (b"[1]", {"InputType": "JSON", "MaxItemsPath": "$.most"}, "field MaxItems must be positive"),
    ],
)
def test_items_that_cannot_be_read_fail_the_run(world: World, body: bytes, config: Any, cause: str) -> None:
    put(world, body)
    arn = started(world, {"ItemProcessor": processor(), "ItemReader": reader(**config)}, {"most": -1})
    found = described(world, arn)
    assert (found["error"], found["cause"]) == ("States.ItemReaderFailed", cause)
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": arn})["events"]
    assert [(event["type"], event["previousEventId"]) for event in events][2:] == [
        ("MapStateStarted", 2),
        ("MapRunStarted", 3),
        ("MapRunFailed", 4),
        ("MapStateFailed", 5),
        ("ExecutionFailed", 6),
    ]


SELECTED = {
    "key": "$$.Map.Item.Key",
    "value": "$$.Map.Item.Value",
    "at": "$$.Map.Item.Index",
    "of": "$$.Map.Item.Source",
}
OBJECT = {"web": {"port": 80}, "db": 1}
PAIRS = [{"Key": "web", "Value": {"port": 80}}, {"Key": "db", "Value": 1}]
CHOSEN = [
    {"key": "web", "value": {"port": 80}, "at": 0, "of": "STATE_DATA"},
    {"key": "db", "value": 1, "at": 1, "of": "STATE_DATA"},
]


@pytest.mark.parametrize("selected", [True, False])
@pytest.mark.parametrize("jsonata", [True, False])
def test_the_members_of_an_object_are_items(world: World, jsonata: bool, selected: bool) -> None:
    """Source: Developer Guide, ItemsPath: "an iteration for each key-value pair"; context object: Key and Source."""
    state: dict[str, Any] = {"ItemProcessor": processor()}
    if jsonata:
        state |= {"QueryLanguage": "JSONata", "Items": "{% $states.input.servers %}"}
        selector = {name: f"{{% $states.context{path[2:]} %}}" for name, path in SELECTED.items()}
    else:
        state["ItemsPath"] = "$.servers"
        selector = {f"{name}.$": path for name, path in SELECTED.items()}
    if selected:
        state["ItemSelector"] = selector
    assert ran(world, state, {"servers": OBJECT}) == (CHOSEN if selected else PAIRS)


def test_members_of_an_object_go_in_batches(world: World) -> None:
    state = {"ItemProcessor": processor(), "ItemsPath": "$", "ItemBatcher": {"MaxItemsPerBatch": 2}}
    assert ran(world, state, OBJECT) == [{"Items": PAIRS}]


def test_an_object_in_a_file_tells_its_names_and_where_it_lies(world: World) -> None:
    put(world, b'{"a": {"x": 1}}')
    selector = {f"{name}.$": path for name, path in SELECTED.items()}
    config = {"InputType": "JSON", "ItemsPointer": "/a"}
    state = {"ItemProcessor": processor(), "ItemReader": reader(**config), "ItemSelector": selector}
    assert ran(world, state, {}) == [{"key": "x", "value": 1, "at": 0, "of": "S3://bucket/file"}]


def test_an_inventory_is_read_file_by_file(world: World) -> None:
    put(world, gzip.compress(b'"b","k1"\n"b","k2"\n'), "data/1.csv.gz")
    put(world, b'"b","k3"\n', "data/2.csv")
    files = [{"key": "data/1.csv.gz"}, {"key": "data/2.csv"}]
    manifest = {"destinationBucket": "arn:aws:s3:::bucket", "fileFormat": "CSV", "fileSchema": "Bucket, Key"}
    put(world, json.dumps({**manifest, "files": files}).encode())
    state = {"ItemProcessor": processor(), "ItemReader": reader(InputType="MANIFEST"), "MaxConcurrency": 1}
    assert ran(world, state, {}) == [{"Bucket": "b", "Key": f"k{number}"} for number in (1, 2, 3)]


def test_a_listing_is_an_item_a_key(world: World) -> None:
    for key in ("a/1", "b/1", "b/2"):
        put(world, b"xy", key)
    reading = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "bucket", "Prefix": "b/"}}
    selector = {"key.$": "$$.Map.Item.Value.Key", "size.$": "$$.Map.Item.Value.Size", "at.$": "$$.Map.Item.Index"}
    assert ran(world, {"ItemProcessor": processor(), "ItemReader": reading, "ItemSelector": selector}, {}) == [
        {"key": "b/1", "size": 2, "at": 0},
        {"key": "b/2", "size": 2, "at": 1},
    ]


def test_items_go_in_batches(world: World) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"from.$": "$.who"}}
    arn = started(
        world,
        {"ItemProcessor": processor(), "ItemsPath": "$.items", "ItemBatcher": batcher},
        {"who": "me", "items": [1, 2, 3]},
    )
    assert json.loads(described(world, arn)["output"]) == [
        {"BatchInput": {"from": "me"}, "Items": [1, 2]},
        {"BatchInput": {"from": "me"}, "Items": [3]},
    ]
    run = map_run(world, arn)
    assert (run["itemCounts"]["succeeded"], run["executionCounts"]["succeeded"]) == (3, 2)


def test_batches_keep_to_their_bytes(world: World) -> None:
    batches = ran(world, {"ItemProcessor": processor(), "ItemBatcher": {"MaxInputBytesPerBatch": 40}}, ["x" * 10] * 5)
    assert [len(batch["Items"]) for batch in batches] == [2, 2, 1]
    assert all(len(json.dumps(batch, separators=(",", ":"))) <= 40 for batch in batches)


def test_results_are_written_to_s3(world: World) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "jobs"}}
    output = ran(world, {"ItemProcessor": processor(), "Label": "Mine", "ResultWriter": writer}, ["a", "b"])
    run_id = output["MapRunArn"].rpartition(":")[2]
    assert "/Mine:" in output["MapRunArn"]
    assert output["ResultWriterDetails"] == {"Bucket": "bucket", "Key": f"jobs/{run_id}/manifest.json"}
    manifest = got(world, f"jobs/{run_id}/manifest.json")
    assert manifest["ResultFiles"]["FAILED"] == []
    results = got(world, manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])
    assert [(result["Input"], result["Output"], result["Status"]) for result in results] == [
        ('"a"', '"a"', "SUCCEEDED"),
        ('"b"', '"b"', "SUCCEEDED"),
    ]


def test_a_bucket_that_is_not_there_fails_the_writer(world: World) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "no-such", "Prefix": ""}}
    error, _ = ran(world, {"ItemProcessor": processor(), "ResultWriter": writer}, ["a"])
    assert error == "States.ResultWriterFailed"


@pytest.mark.parametrize(
    ("tolerated", "failures", "succeeds"),
    [
        ({}, 1, False),
        ({"ToleratedFailureCount": 2}, 2, True),
        ({"ToleratedFailureCount": 1}, 2, False),
        ({"ToleratedFailurePercentage": 50}, 2, True),
        ({"ToleratedFailurePercentage": 49}, 2, False),
        ({"ToleratedFailureCount": 4, "ToleratedFailurePercentage": 10}, 1, False),
    ],
)
def test_so_many_failures_are_tolerated(world: World, tolerated: Any, failures: int, succeeds: bool) -> None:
    states = {
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": failures, "Next": "No"}],
                  "Default": "Yes"},
        "No": FAIL,
        "Yes": PASS,
    }  # fmt: skip
    inner = {**processor(), "StartAt": "Which", "States": states}
    arn = started(world, {"ItemProcessor": inner, **tolerated}, [0, 1, 2, 3])
    found = described(world, arn)
    assert (found["status"] == "SUCCEEDED") is succeeds
    if not succeeds:
        assert found["error"] == "States.ExceedToleratedFailureThreshold"
    assert map_run(world, arn)["status"] == ("SUCCEEDED" if succeeds else "FAILED")


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("1.5", None),
        (100, None),
        (-1, "ToleratedFailurePercentage must be between 0 and 100."),
        ("x", 'The ToleratedFailurePercentagePath field refers to value "x" which is not a valid float: $.most'),
    ],
)
def test_a_percentage_may_come_as_text(world: World, value: Any, cause: str | None) -> None:
    state = {"ItemProcessor": processor(), "ItemsPath": "$.items", "ToleratedFailurePercentagePath": "$.most"}
    output = ran(world, state, {"items": [1], "most": value})
    assert output == [1] if cause is None else output[1].endswith(cause)


WAITING = {"Type": "Wait", "Seconds": 60, "End": True}


def test_only_so_many_children_run_at_once(world: World) -> None:
    arn = started(world, {"ItemProcessor": processor(state=WAITING), "MaxConcurrency": 3}, list(range(7)))
    run = map_run(world, arn)
    assert run["executionCounts"]["running"] == 3
    listed = world.call("stepfunctions", "ListExecutions", {"mapRunArn": run["mapRunArn"], "statusFilter": "RUNNING"})
    assert len(listed["executions"]) == 3
    child = listed["executions"][0]["executionArn"]
    assert described(world, child)["mapRunArn"] == run["mapRunArn"]
    world.call("stepfunctions", "UpdateMapRun", {"mapRunArn": run["mapRunArn"], "maxConcurrency": 5})
    world.run_due()
    assert map_run(world, arn)["executionCounts"]["running"] == 5
    world.advance(timedelta(seconds=130))
    assert json.loads(described(world, arn)["output"]) == list(range(7))
    with pytest.raises(ServiceError):
        world.call("stepfunctions", "UpdateMapRun", {"mapRunArn": run["mapRunArn"], "maxConcurrency": 5})


def test_stopping_an_execution_aborts_its_children(world: World) -> None:
    arn = started(world, {"ItemProcessor": processor(state=WAITING)}, list(range(120)))
    world.call("stepfunctions", "StopExecution", {"executionArn": arn})
    world.run_due()
    run = map_run(world, arn)
    assert (run["status"], run["itemCounts"]["aborted"], run["itemCounts"]["running"]) == ("ABORTED", 120, 0)


def test_what_is_being_read_stays_as_it_was(world: World) -> None:
    put(world, b"h\n1\n2\n3\n")
    state = {
        "ItemProcessor": processor(state=WAITING),
        "MaxConcurrency": 1,
        "ItemReader": reader(InputType="CSV", CSVHeaderLocation="FIRST_ROW"),
    }
    arn = started(world, state, {})
    put(world, b"something else")
    world.advance(timedelta(minutes=5))
    assert json.loads(described(world, arn)["output"]) == [{"h": "1"}, {"h": "2"}, {"h": "3"}]


def test_a_run_is_forgotten_with_its_execution(world: World) -> None:
    arn = started(world, {"ItemProcessor": processor("EXPRESS")}, [1, 2])
    run = map_run(world, arn)["mapRunArn"]
    world.advance(timedelta(days=92))
    for operation, request in (("DescribeExecution", {"executionArn": arn}), ("DescribeMapRun", {"mapRunArn": run})):
        with pytest.raises(ServiceError):
            world.call("stepfunctions", operation, request)
    assert world.run(lambda work: work.select(RUNS_OF_EXECUTION, limit=9, execution=1, after=0)) == []


# Crashes -----------------------------------------------------------------------------------------------------------

CRASHING = {
    "ItemProcessor": processor(state={"Type": "Wait", "Seconds": 1, "End": True}),
    "MaxConcurrency": 2,
    "ItemReader": reader(InputType="JSON"),
    "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "r"}},
}


def outcome(world: World, arn: str) -> Any:
    run = map_run(world, arn)
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": arn})["events"]
    manifest = got(world, json.loads(described(world, arn)["output"])["ResultWriterDetails"]["Key"])
    results = got(world, manifest["ResultFiles"]["SUCCEEDED"][0]["Key"])
    return [event["type"] for event in events], run["itemCounts"], [result["Output"] for result in results]


def prepared(directory: Path) -> World:
    world = World(directory=directory)
    world.work_s = 60.0
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    put(world, b"[1, 2, 3]")
    return world


def test_a_crash_before_any_commit_changes_nothing(tmp_path: Path) -> None:
    calm = prepared(tmp_path / "calm")
    arn = started(calm, CRASHING, {})
    begun = calm.commits
    calm.run_until_idle()
    commits = calm.commits
    expected = outcome(calm, arn)
    calm.close()
    assert expected[2] == ["1", "2", "3"]
    uncrashed = 0
    for crash_at in range(begun + 1, commits + 1):
        world = prepared(tmp_path / f"crash{crash_at}")
        arn = started(world, CRASHING, {})
        world.crash_before_commit = crash_at
        with suppress(Crash):  # Steps share commits by time: a quicker run has fewer.
            world.run_until_idle()
            uncrashed += 1
        world = world.restart()
        world.run_until_idle()
        assert outcome(world, arn) == expected
        world.close()
    assert uncrashed <= (commits - begun) // 2


# What was not started ----------------------------------------------------------------------------------------------


def failing_first(world: World, **fields: Any) -> tuple[str, Any]:
    """A run that its first child fails, and its manifest."""
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "p"}}
    if "WriterConfig" in fields:
        writer["WriterConfig"] = fields.pop("WriterConfig")
    given = fields.pop("given", None)
    arn = started(
        world, {"ItemProcessor": processor(state=FAIL), "MaxConcurrency": 1, "ResultWriter": writer, **fields}, given
    )
    assert described(world, arn)["error"] == "States.ExceedToleratedFailureThreshold"
    run_id = map_run(world, arn)["mapRunArn"].rpartition(":")[2]
    return arn, got(world, f"p/{run_id}/manifest.json")["ResultFiles"]


def test_children_that_were_not_started_are_told_as_pending(world: World) -> None:
    """Source: Developer Guide, ResultWriter: PENDING_n.json has the children that were not started because the run failed."""
    arn, files = failing_first(world, given=list(range(5)))
    assert list(files) == ["FAILED", "PENDING", "SUCCEEDED"]
    assert files["SUCCEEDED"] == []
    (file,) = files["PENDING"]
    assert file["Key"].endswith("/PENDING_0.json")
    told = got(world, file["Key"])
    assert [(one["Input"], one["Status"]) for one in told] == [(str(n), "PENDING") for n in (1, 2, 3, 4)]
    assert [one["Input"] for one in got(world, files["FAILED"][0]["Key"])] == ["0"]
    counts = map_run(world, arn)
    for name in ("itemCounts", "executionCounts"):
        assert (counts[name]["pending"], counts[name]["failed"], counts[name]["total"]) == (4, 1, 5)


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "p"}}


def test_a_run_that_is_stopped_writes_what_became_of_its_children(world: World) -> None:
    """Source: the same page: "because the Map Run failed or aborted"."""
    once = {"StartAt": "Which", "States": {
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 2, "Next": "Yes"}], "Default": "Long"},
        "Yes": PASS, "Long": WAITING,
    }}  # fmt: skip
    state = {"ItemProcessor": {**processor(), **once}, "MaxConcurrency": 2, "ResultWriter": WRITER}
    arn = started(world, state, list(range(8)))
    world.call("stepfunctions", "StopExecution", {"executionArn": arn})
    world.run_until_idle()
    run = map_run(world, arn)
    counts = run["executionCounts"]
    assert (run["status"], counts["succeeded"], counts["aborted"], counts["resultsWritten"]) == ("ABORTED", 2, 2, 4)
    files = got(world, f"p/{run['mapRunArn'].rpartition(':')[2]}/manifest.json")["ResultFiles"]
    told = {
        kind: [(one["Input"], one["Status"]) for file in files[kind] for one in got(world, file["Key"])]
        for kind in files
    }
    assert told["SUCCEEDED"] == [("0", "SUCCEEDED"), ("1", "SUCCEEDED")]
    assert told["FAILED"] == [("2", "ABORTED"), ("3", "ABORTED")]
    assert told["PENDING"] == [(str(n), "PENDING") for n in (4, 5, 6, 7)]


def test_a_run_that_is_stopped_when_its_bucket_is_gone_ends(world: World) -> None:
    arn = started(world, {"ItemProcessor": processor(state=WAITING), "ResultWriter": WRITER}, [1, 2])
    world.call("s3", "DeleteBucket", {"Bucket": "bucket"})
    world.call("stepfunctions", "StopExecution", {"executionArn": arn})
    world.run_until_idle()
    assert map_run(world, arn)["status"] == "ABORTED"


@pytest.mark.parametrize("form", ["JSON", "JSONL"])
def test_results_go_on_in_another_file_when_one_is_full(
    world: World, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Source: the same page: the numbers of files begin with 0. A page of results is the least that a file holds."""
    monkeypatch.setattr(results, "FILE_BYTES_MAX", 200_000)
    writer = {**WRITER, "WriterConfig": {"Transformation": "COMPACT", "OutputType": form}}
    items = [f"{n:03}{'x' * 500}" for n in range(450)]
    output = ran(world, {"ItemProcessor": processor("EXPRESS"), "ResultWriter": writer}, items)
    files = got(world, output["ResultWriterDetails"]["Key"])["ResultFiles"]["SUCCEEDED"]
    suffix = form.lower()
    folder = output["ResultWriterDetails"]["Key"].rpartition("/")[0]
    assert [file["Key"] for file in files] == [f"{folder}/SUCCEEDED_{n}.{suffix}" for n in range(len(files))]
    assert len(files) > 1
    bodies = [world.call("s3", "GetObject", {"Bucket": "bucket", "Key": file["Key"]})["Body"] for file in files]
    assert [len(body) for body in bodies] == [file["Size"] for file in files]
    assert all(len(body) < 200_000 for body in bodies)
    found = [
        json.loads(body) if form == "JSON" else [json.loads(line) for line in body.splitlines()] for body in bodies
    ]
    assert [item for part in found for item in part] == items


@pytest.mark.parametrize("count", [1, 200, 201, 430])
def test_pending_children_go_page_by_page(world: World, count: int) -> None:
    _arn, files = failing_first(world, given=list(range(count + 1)), ItemSelector={"n.$": "$$.Map.Item.Value"})
    told = got(world, files["PENDING"][0]["Key"])
    assert [json.loads(one["Input"])["n"] for one in told] == list(range(1, count + 1))


def test_pending_items_of_a_file_go_in_their_batches_and_the_redriven_run_still_has_them(world: World) -> None:
    body = "".join(f'{{"n":{n}}}\n' for n in range(7)).encode()
    put(world, body)
    arn, files = failing_first(
        world,
        ItemReader=reader(InputType="JSONL"),
        ItemBatcher={"MaxItemsPerBatch": 3},
    )
    told = got(world, files["PENDING"][0]["Key"])
    assert [[item["n"] for item in json.loads(one["Input"])["Items"]] for one in told] == [[3, 4, 5], [6]]
    put(world, b"another")
    world.call("stepfunctions", "RedriveExecution", {"executionArn": arn})
    world.run_due()
    run = map_run(world, arn)
    assert (run["status"], run["redriveCount"]) == ("FAILED", 1)
    again = got(world, f"p/{run['mapRunArn'].rpartition(':')[2]}/manifest.json")["ResultFiles"]
    assert [json.loads(one["Input"]) for one in got(world, again["PENDING"][0]["Key"])] == [
        json.loads(one["Input"]) for one in told
    ]


def test_pending_items_of_an_inventory_stay_for_a_redrive(world: World) -> None:
    manifest = {"destinationBucket": "arn:aws:s3:::bucket", "fileFormat": "CSV", "fileSchema": "Bucket, Key"}
    names = ["one.csv", "two.csv.gz", "three.csv"]
    put(world, json.dumps({**manifest, "files": [{"key": name} for name in names]}).encode())
    rows = [b'"b","1"\n"b","2"\n', gzip.compress(b'"b","3"\n'), b'"b","4"\n']
    for name, body in zip(names, rows, strict=True):
        put(world, body, name)
    arn, files = failing_first(world, ItemReader=reader(InputType="MANIFEST"))
    (key,) = [file["Key"] for file in files["PENDING"]]
    assert [json.loads(one["Input"])["Key"] for one in got(world, key)] == ["2", "3", "4"]
    put(world, b"gone", "one.csv")
    world.call("stepfunctions", "RedriveExecution", {"executionArn": arn})
    world.run_due()
    assert map_run(world, arn)["redriveCount"] == 1
    assert [json.loads(one["Input"])["Key"] for one in got(world, key)] == ["2", "3", "4"]


def test_where_items_cannot_be_read_none_is_pending(world: World) -> None:
    put(world, b'{"n":1}\n{"n":2}\nbroken\n')
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "bucket", "Prefix": "p"}}
    state = {"ItemProcessor": processor(), "ItemReader": reader(InputType="JSONL"), "ResultWriter": writer}
    arn = started(world, state)
    assert described(world, arn)["error"] == "States.ItemReaderFailed"
    run_id = map_run(world, arn)["mapRunArn"].rpartition(":")[2]
    assert got(world, f"p/{run_id}/manifest.json")["ResultFiles"]["PENDING"] == []


def test_what_waits_for_its_turn_is_counted_as_pending(world: World) -> None:
    """Source: API Reference, MapRunItemCounts, MapRunExecutionCounts."""
    state = {"ItemProcessor": processor(state=WAITING), "MaxConcurrency": 2, "ItemBatcher": {"MaxItemsPerBatch": 2}}
    arn = started(world, state, list(range(9)))
    run = map_run(world, arn)
    none = {"succeeded": 0, "failed": 0, "timedOut": 0, "aborted": 0, "resultsWritten": 0}
    assert run["itemCounts"] == {"pending": 5, "running": 4, "total": 9, **none}
    assert run["executionCounts"] == {"pending": 3, "running": 2, "total": 5, **none}
    world.advance(timedelta(minutes=10))
    run = map_run(world, arn)
    assert (run["itemCounts"]["pending"], run["itemCounts"]["total"], run["itemCounts"]["succeeded"]) == (0, 9, 9)
