"""What requests spend: counted as CloudWatch metrics always, and held to what is provisioned where that is asked for.

Theory of operation
-------------------
Off by default, nothing is ever throttled. ``enforcing`` makes a service that throttles: its operations run with a work
that knows it, and those that only read elsewhere write here, because they take from a bucket. Each table and global
index has one bucket of read and one of write units. A bucket fills with the provisioned units a second of business time
and holds 300 seconds of them; a request is let through while anything is left, and may leave a debt that the next ones
wait for.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

from interstate.base.errors import ServiceError
from interstate.core.tables.capacity import Consumed
from interstate.core.tables.schema import Index, OnDemand, TableDefinition
from interstate.services.operation import Operation, Outcome, Service
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_THROUGHPUTS, ItemTable, ItemThroughput

NAMESPACE = "AWS/DynamoDB"
BURST_SECONDS = 300
ON_DEMAND_BURST_SECONDS = 1
Kind = Literal["Read", "Write"]

_METRICS: dict[Kind, str] = {"Read": "ConsumedReadCapacityUnits", "Write": "ConsumedWriteCapacityUnits"}


class ProvisionedThroughputExceededException(ServiceError):
    """More units were asked for than are provisioned."""

    def __init__(self, *, of_index: bool) -> None:
        if of_index:
            super().__init__(
                "The level of configured provisioned throughput for one or more global secondary indexes of the table "
                "was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary "
                "indexes with the UpdateTable API"
            )
        else:
            super().__init__(
                "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
                "provisioning level with the UpdateTable API."
            )


class ThrottlingException(ServiceError):
    """More units were asked for than the bound of what is paid per request."""

    def __init__(self) -> None:
        super().__init__("Throughput exceeds the maximum OnDemandThroughput configured on table or index")


THROTTLED = (ProvisionedThroughputExceededException, ThrottlingException)


def spend(table: ItemTable, consumed: Consumed, kind: Kind, work: Work) -> None:
    """Count the units that a request spends; where throughput is enforced, take them.

    Raises:
        ProvisionedThroughputExceededException: nothing is left of what is provisioned.
        ThrottlingException: nothing is left of the bound of what is paid per request.
    """
    name = _METRICS[kind]
    of_table = consumed.table
    if consumed.local_indexes:
        of_table += sum(consumed.local_indexes.values())
    if of_table:
        work.measure(NAMESPACE, name, (("TableName", table.name),), of_table)
    for index, units in consumed.global_indexes.items():
        work.measure(NAMESPACE, name, (("GlobalSecondaryIndexName", index), ("TableName", table.name)), units)
    if isinstance(work, Enforcing):
        _take(table, of_table, consumed, kind, work)


def refused(table_name: str, metric: str, work: Work) -> None:
    """Count a request that was refused."""
    work.measure(NAMESPACE, metric, (("TableName", table_name.rpartition("/")[2]),))


# Enforcement -------------------------------------------------------------------------------------------------------


class Enforcing:
    """A work whose operations are held to what is provisioned."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)


def enforcing(services: Iterable[Service]) -> tuple[Service, ...]:
    """The services, with a DynamoDB that throttles."""
    return tuple(_enforcing(service) if service.name == "dynamodb" else service for service in services)


def _enforcing(service: Service) -> Service:
    operations = tuple(
        Operation(row.name, row.request, _held(row.handle), keys=row.keys, reads=row.reads and row.name not in _TAKING)
        for row in service.operations
    )
    return Service(service.name, operations, service.steps, service.effects, service.notes)


_TAKING = frozenset(("BatchGetItem", "ExecuteStatement", "GetItem", "Query", "Scan", "TransactGetItems"))


def _held(handle: Callable[[Any, Work], Outcome]) -> Callable[[Any, Work], Outcome]:
    return lambda request, work: handle(request, cast("Work", Enforcing(work)))


def _take(table: ItemTable, of_table: float, consumed: Consumed, kind: Kind, work: Work) -> None:
    definition = table.definition
    if of_table:
        _take_from(definition, definition, of_table, kind, table, work)
    for name, units in consumed.global_indexes.items():
        index = definition.index(name)
        assert index is not None
        _take_from(index, definition, units, kind, table, work)


def _rate(one: TableDefinition | Index, definition: TableDefinition, kind: Kind) -> float | None:
    """Units a second; None: as many as are asked for."""
    if definition.paid_per_request:
        bounds = one.on_demand or OnDemand()
        return bounds.read if kind == "Read" else bounds.write
    return one.throughput.read if kind == "Read" else one.throughput.write


def _take_from(  # noqa: PLR0917 one bucket's facts
    one: TableDefinition | Index, definition: TableDefinition, units: float, kind: Kind, table: ItemTable, work: Work
) -> None:
    rates = {each: _rate(one, definition, each) for each in ("Read", "Write")}
    rate = rates[kind]
    if rate is None or rate < 0:
        return
    burst = ON_DEMAND_BURST_SECONDS if definition.paid_per_request else BURST_SECONDS
    known = work.get(ITEM_THROUGHPUTS, one.id)
    elapsed = 0.0 if known is None else (work.now - known.at).total_seconds()
    left = {
        each: _filled(None if known is None else before, each_rate, elapsed, burst)
        for each, each_rate, before in (
            ("Read", rates["Read"], known.read if known else 0.0),
            ("Write", rates["Write"], known.write if known else 0.0),
        )
    }
    if left[kind] <= 0:
        refused(table.name, f"{kind}ThrottleEvents", work)
        refused(table.name, "ThrottledRequests", work)
        if definition.paid_per_request:
            raise ThrottlingException
        raise ProvisionedThroughputExceededException(of_index=isinstance(one, Index))
    left[kind] -= units
    work.put(ITEM_THROUGHPUTS, ItemThroughput(one.id, left["Read"], left["Write"], work.now))


def _filled(before: float | None, rate: float | None, elapsed: float, burst: int) -> float:
    if rate is None or rate < 0:
        return 0.0
    most = rate * burst
    return most if before is None else min(most, before + rate * elapsed)


# Errors ------------------------------------------------------------------------------------------------------------

_COUNTED = {"ConditionalCheckFailedException": "ConditionalCheckFailedRequests"}
_USER_ERRORS = frozenset(("ValidationException", "ResourceNotFoundException", "AccessDeniedException"))


def counted(operation: Operation[Any]) -> Operation[Any]:
    """The operation, with its refusals counted as metrics."""
    handle = operation.handle

    def counting(request: Any, work: Work) -> Outcome:
        try:
            return handle(request, work)
        except ServiceError as error:
            metric = _COUNTED.get(error.code)
            name = getattr(request, "table_name", None)
            if metric is not None and name is not None:
                refused(name, metric, work)
            elif error.code in _USER_ERRORS:
                work.measure(NAMESPACE, "UserErrors")
            raise

    return Operation(operation.name, operation.request, counting, keys=operation.keys, reads=operation.reads)
