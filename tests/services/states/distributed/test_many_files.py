"""Items of many files (Athena manifests, the objects of a list), and of Parquet.

Sources: Developer Guide, ItemReader, "ManifestType", "Transformation", "InputType"; Athena User Guide, UNLOAD (its manifest lists
the URIs of data files, which are packed with GZIP by default).
"""

import gzip
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.services.states.distributed.test_map_runs import processor, put, ran

from interstate.core.items import packed, parquet
from interstate.core.items.reading import Unreadable
from interstate.runtime.testing import World
from interstate.store.records.s3 import BODIES
from interstate.store.tables import Select

ALL_BODIES = Select(BODIES, "id > 0", "id")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    yield world
    world.close()


def athena(**config: Any) -> dict[str, Any]:
    parameters = {"Bucket": "bucket", "Key": "query-manifest.csv"}
    config = {"ManifestType": "ATHENA_DATA", **config}
    return {"Resource": "arn:aws:states:::s3:getObject", "Parameters": parameters, "ReaderConfig": config}


def loading(prefix: str = "data/", **config: Any) -> dict[str, Any]:
    config = {"Transformation": "LOAD_AND_FLATTEN", **config}
    parameters = {"Bucket": "bucket", "Prefix": prefix}
    return {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": parameters, "ReaderConfig": config}


FILES: Any = {
    "JSONL": ([b'{"n":1}\n{"n":2}\n', b"", b'{"n":3}'], {"InputType": "JSONL"}, [{"n": 1}, {"n": 2}, {"n": 3}]),
    "JSON": ([b"[1, 2]", b"[]", b"[3]"], {"InputType": "JSON"}, [1, 2, 3]),
    "pointed at": ([b'{"a":[1]}', b'{"a":{"b":2}}'], {"InputType": "JSON", "ItemsPointer": "/a"},
                   [1, {"Key": "b", "Value": 2}]),
    "CSV, each with a header": ([b"a\n1\n2\n", b"b\n", b"b\n3\n"], {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                                [{"a": "1"}, {"a": "2"}, {"b": "3"}]),
    "CSV without headers": ([b"1,2\n", b"3,4\n"],
                            {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"]},
                            [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    "at most so many": ([b"[1, 2]", b"[3]", b"[4]"], {"InputType": "JSON", "MaxItems": 3}, [1, 2, 3]),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["athena", "list"])
@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("form", FILES)
def test_items_of_many_files_are_one_list(world: World, form: str, gzipped: bool, kind: str) -> None:
    bodies, config, expected = FILES[form]
    for number, body in enumerate(bodies):
        put(world, gzip.compress(body) if gzipped else body, f"data/{number}")
    put(world, b"", "data/")  # A folder, as the console makes them.
    put(world, b"".join(b"s3://bucket/data/%d\n" % number for number in range(len(bodies))), "query-manifest.csv")
    before = world.run(lambda work: len(work.select(ALL_BODIES, limit=99)))
    item_reader = athena(**config) if kind == "athena" else loading(**config)
    assert ran(world, {"ItemProcessor": processor(), "ItemReader": item_reader}, {}) == expected
    world.run_until_idle()
    assert world.run(lambda work: len(work.select(ALL_BODIES, limit=99))) == before


def of_file(**config: Any) -> dict[str, Any]:
    parameters = {"Bucket": "bucket", "Key": "file.gz", **config.pop("parameters", {})}
    return {"Resource": "arn:aws:states:::s3:getObject", "Parameters": parameters, "ReaderConfig": config}


@pytest.mark.parametrize("form", [form for form in FILES if form != "at most so many"])
def test_a_file_alone_may_be_packed_with_gzip(world: World, form: str) -> None:
    """Source: ItemReader, "InputType": "Input files support the following external compression types: GZIP, ZSTD"."""
    (body, *_), config, expected = FILES[form]
    first, second = body[: len(body) // 2], body[len(body) // 2 :]
    put(world, gzip.compress(first) + gzip.compress(second), "file.gz")  # Members, as tools write that append.
    before = world.run(lambda work: len(work.select(ALL_BODIES, limit=99)))
    found = ran(world, {"ItemProcessor": processor(), "ItemReader": of_file(**config)}, {})
    assert found
    assert found == expected[: len(found)]
    world.run_until_idle()
    assert world.run(lambda work: len(work.select(ALL_BODIES, limit=99))) == before


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (gzip.compress(b"[1]", mtime=0)[:-9], "The file is not a valid GZIP file."),
        (b"\x1f\x8bnot packed", "The file is not a valid GZIP file."),
    ],
)
def test_a_broken_packed_file_fails_the_reader(world: World, body: bytes, cause: str) -> None:
    put(world, body, "file.gz")
    state = {"ItemProcessor": processor(), "ItemReader": of_file(InputType="JSON")}
    assert ran(world, state, {}) == ("States.ItemReaderFailed", cause)


def test_zstd_without_pyarrow_says_what_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    put(world, b"\x28\xb5\x2f\xfd", "file.gz")
    state = {"ItemProcessor": processor(), "ItemReader": of_file(InputType="JSON")}
    assert ran(world, state, {}) == ("States.ItemReaderFailed", packed.MISSING)


def test_a_file_may_be_packed_with_zstd(world: World) -> None:
    arrow: Any = pytest.importorskip("pyarrow")
    put(world, arrow.compress(b"[1, 2]", codec="zstd", asbytes=True), "file.gz")
    assert ran(world, {"ItemProcessor": processor(), "ItemReader": of_file(InputType="JSON")}, {}) == [1, 2]


def test_files_that_unpack_to_too_much_are_refused() -> None:
    with pytest.raises(Unreadable, match="up to 1 MiB"):
        packed.unpacked(gzip.compress(bytes((1 << 20) + 1)), "GZIP", 1 << 20)


@pytest.mark.parametrize(
    ("parameters", "input_type", "expected"),
    [
        ({"ExpectedBucketOwner": "000000000000", "VersionId": "null"}, "JSON", [1]),
        ({"ExpectedBucketOwner": "111111111111"}, "JSON", "Error Code: AccessDenied"),
        ({"VersionId": "BcK42coT2jE1234VHLUvBV1yLNod2OEt"}, "JSON", "Error Code: NoSuchVersion"),
        ({"VersionId": "null"}, "PARQUET", "VersionId is not supported"),
    ],
)
def test_owner_and_version_are_looked_at(world: World, parameters: Any, input_type: str, expected: Any) -> None:
    put(world, b"[1]", "file.gz")
    state = {"ItemProcessor": processor(), "ItemReader": of_file(InputType=input_type, parameters=parameters)}
    found = ran(world, state, {})
    assert found == expected if isinstance(expected, list) else expected in found[1]


def test_batches_reach_from_file_to_file(world: World) -> None:
    for number in range(3):
        put(world, b"[1, 2, 3]", f"data/{number}")
    state = {
        "ItemProcessor": processor(),
        "ItemReader": loading(InputType="JSON"),
        "ItemBatcher": {"MaxItemsPerBatch": 4},
    }
    assert [len(batch["Items"]) for batch in ran(world, state, {})] == [4, 4, 1]


@pytest.mark.parametrize(
    ("manifest", "cause"),
    [(b"{}", "not that of an Athena query"), (b"s3://bucket/gone\n", "The specified key does not exist."), (b"", None)],
)
def test_what_is_no_manifest_of_athena_fails_the_reader(world: World, manifest: bytes, cause: str | None) -> None:
    put(world, manifest, "query-manifest.csv")
    found = ran(world, {"ItemProcessor": processor(), "ItemReader": athena(InputType="JSONL")}, {})
    if cause is None:
        assert found == []
    else:
        assert found[0] == "States.ItemReaderFailed"
        assert cause in found[1]


def test_what_is_loaded_must_have_a_type(world: World) -> None:
    error, cause = ran(world, {"ItemProcessor": processor(), "ItemReader": loading()}, {})
    assert (error, "needs the InputType" in cause) == ("States.ItemReaderFailed", True)


# Parquet -----------------------------------------------------------------------------------------------------------


def test_parquet_without_its_library_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    put(world, b"PAR1", "data/0")
    error, cause = ran(world, {"ItemProcessor": processor(), "ItemReader": loading(InputType="PARQUET")}, {})
    assert (error, cause) == ("States.ItemReaderFailed", parquet.MISSING)


def table() -> Any:
    arrow = pytest.importorskip("pyarrow")
    columns = {"n": [1, 2, None], "name": ["a", "b", "é"], "inner": [{"x": [1.5]}, None, {"x": []}]}
    return arrow.table(columns)


def parquet_file() -> bytes:
    made: Any = pytest.importorskip("pyarrow").BufferOutputStream()
    pytest.importorskip("pyarrow.parquet").write_table(table(), made)
    data: bytes = made.getvalue().to_pybytes()
    return data


ROWS = [
    {"n": 1, "name": "a", "inner": {"x": [1.5]}},
    {"n": 2, "name": "b", "inner": None},
    {"n": None, "name": "é", "inner": {"x": []}},
]


@pytest.mark.parametrize("kind", ["one", "athena", "list"])
def test_rows_of_parquet_are_items(world: World, kind: str) -> None:
    put(world, parquet_file(), "data/0")
    put(world, b"s3://bucket/data/0\n", "query-manifest.csv")
    one = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "bucket", "Key": "data/0"},
        "ReaderConfig": {"InputType": "PARQUET"},
    }
    readers = {"one": one, "athena": athena(InputType="PARQUET"), "list": loading(InputType="PARQUET")}
    assert ran(world, {"ItemProcessor": processor(), "ItemReader": readers[kind]}, {}) == ROWS


def test_an_inventory_of_parquet_is_read(world: World) -> None:
    put(world, parquet_file(), "data/0")
    manifest = {"fileFormat": "Parquet", "destinationBucket": "arn:aws:s3:::bucket", "files": [{"key": "data/0"}]}
    put(world, json.dumps(manifest).encode(), "manifest.json")
    item_reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "Parameters": {"Bucket": "bucket", "Key": "manifest.json"},
        "ReaderConfig": {"InputType": "MANIFEST"},
    }
    assert ran(world, {"ItemProcessor": processor(), "ItemReader": item_reader}, {}) == ROWS


def test_what_is_no_parquet_fails_the_reader(world: World) -> None:
    pytest.importorskip("pyarrow")
    put(world, b"PAR1 and nothing else", "data/0")
    error, cause = ran(world, {"ItemProcessor": processor(), "ItemReader": loading(InputType="PARQUET")}, {})
    assert (error, "not a valid Parquet file" in cause) == ("States.ItemReaderFailed", True)
