"""Capacity units: what reads and writes consume.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from collections.abc import Mapping

import msgspec

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024


def read_units(size: int, *, consistent: bool) -> float:
    """The units of one read of ``size`` bytes; an eventually consistent one costs half."""
    units = max(1, -(-size // READ_UNIT_BYTES))
    return units if consistent else units / 2


def write_units(before: int, after: int) -> int:
    """The units of replacing ``before`` bytes by ``after`` bytes; 0 stands for no item."""
    return max(1, -(-max(before, after) // WRITE_UNIT_BYTES))


class Consumed(msgspec.Struct, frozen=True):
    """The units that one table, and its indexes by name, spent on a request."""

    table: float = 0
    local_indexes: Mapping[str, float] = {}
    global_indexes: Mapping[str, float] = {}

    def total(self) -> float:
        """All units together."""
        return self.table + sum(self.local_indexes.values()) + sum(self.global_indexes.values())

    def plus(self, other: "Consumed") -> "Consumed":
        """Both together."""
        return Consumed(
            self.table + other.table,
            _added(self.local_indexes, other.local_indexes),
            _added(self.global_indexes, other.global_indexes),
        )

    def times(self, factor: int) -> "Consumed":
        """A transaction consumes double."""
        return Consumed(
            self.table * factor,
            {name: units * factor for name, units in self.local_indexes.items()},
            {name: units * factor for name, units in self.global_indexes.items()},
        )


def _added(one: Mapping[str, float], two: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0) + two.get(name, 0) for name in (*one, *(name for name in two if name not in one))}


def described(table_name: str, consumed: Consumed, wanted: str, kind: str | None = None) -> dict[str, object] | None:
    """``ConsumedCapacity`` as the request wants it: NONE, TOTAL or INDEXES.

    ``kind`` (``Read`` or ``Write``) names the units too, as answers of transactions do.
    """
    if wanted == "NONE":
        return None
    answer: dict[str, object] = {"TableName": table_name, **_units(consumed.total(), kind)}
    if wanted == "INDEXES":
        answer["Table"] = _units(consumed.table, kind)
        for name, units in (
            ("LocalSecondaryIndexes", consumed.local_indexes),
            ("GlobalSecondaryIndexes", consumed.global_indexes),
        ):
            if units:
                answer[name] = {index: _units(spent, kind) for index, spent in units.items()}
    return answer


def _units(units: float, kind: str | None) -> dict[str, float]:
    answer = {"CapacityUnits": float(units)}
    if kind is not None:
        answer[f"{kind}CapacityUnits"] = float(units)
    return answer
