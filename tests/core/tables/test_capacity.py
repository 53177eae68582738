"""Source: DynamoDB Developer Guide, Read and write operations (4 KB reads, 1 KB writes, transactions double)."""

import pytest

from interstate.core.tables.capacity import Consumed, described, read_units, write_units


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [(0, True, 1), (0, False, 0.5), (4096, True, 1), (4097, True, 2), (4097, False, 1), (1_048_576, False, 128)],
)
def test_reads_count_4_kb(size: int, consistent: bool, units: float) -> None:
    assert read_units(size, consistent=consistent) == units


@pytest.mark.parametrize(
    ("before", "after", "units"), [(0, 0, 1), (0, 1024, 1), (0, 1025, 2), (3000, 10, 3), (10, 3000, 3)]
)
def test_writes_count_1_kb_of_the_larger_item(before: int, after: int, units: int) -> None:
    assert write_units(before, after) == units


ONE = Consumed(1, {"local": 2}, {"a": 3})
TWO = Consumed(0.5, {}, {"a": 1, "b": 4})


def test_units_add_up() -> None:
    both = ONE.plus(TWO)
    assert both == Consumed(1.5, {"local": 2}, {"a": 4, "b": 4})
    assert both.total() == 11.5
    assert ONE.times(2) == Consumed(2, {"local": 4}, {"a": 6})


def test_units_are_described_as_they_are_wanted() -> None:
    assert described("t", ONE, "NONE") is None
    assert described("t", ONE, "TOTAL") == {"TableName": "t", "CapacityUnits": 6.0}
    assert described("t", ONE, "INDEXES") == {
        "TableName": "t",
        "CapacityUnits": 6.0,
        "Table": {"CapacityUnits": 1.0},
        "LocalSecondaryIndexes": {"local": {"CapacityUnits": 2.0}},
        "GlobalSecondaryIndexes": {"a": {"CapacityUnits": 3.0}},
    }
    assert described("t", Consumed(2), "INDEXES", "Write") == {
        "TableName": "t",
        "CapacityUnits": 2.0,
        "WriteCapacityUnits": 2.0,
        "Table": {"CapacityUnits": 2.0, "WriteCapacityUnits": 2.0},
    }
