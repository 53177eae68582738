"""What DynamoDB tells of an account.

Source: DynamoDB API Reference, DescribeLimits, DescribeContinuousBackups, UpdateContinuousBackups.
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.services.dynamodb.errors import TableMissing
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.tables import TableRequest
from interstate.store.ports import Work

ACCOUNT_UNITS_MAX = 80_000
TABLE_UNITS_MAX = 40_000
"""Source: DynamoDB quotas, throughput default quotas (us-east-1)."""


_NO_BACKUPS: dict[str, Any] = {
    "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "DISABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    }
}


class DescribeLimits(msgspec.Struct, frozen=True, rename="pascal"):
    pass


class RecoverySpecification(msgspec.Struct, frozen=True, rename="pascal"):
    point_in_time_recovery_enabled: bool


class UpdateContinuousBackups(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    point_in_time_recovery_specification: RecoverySpecification


class TableNotFoundException(ServiceError):
    """Backups name a missing table by an error of their own."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Table not found: {name}")


def describe_limits(_request: DescribeLimits, _work: Work) -> dict[str, Any]:
    """AWS's default quotas; nothing here throttles."""
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS_MAX,
        "TableMaxReadCapacityUnits": TABLE_UNITS_MAX,
        "TableMaxWriteCapacityUnits": TABLE_UNITS_MAX,
    }


def describe_continuous_backups(request: TableRequest, work: Work) -> dict[str, Any]:
    """Interstate makes none, and says so.

    Raises:
        TableNotFoundException: there is no such table.
    """
    _check_table(request.table_name, work)
    return _NO_BACKUPS


def update_continuous_backups(request: UpdateContinuousBackups, work: Work) -> dict[str, Any]:
    """Point-in-time recovery can be turned off only: it is never on.

    Raises:
        TableNotFoundException: there is no such table.
        NotImplementedHere: it would be turned on.
    """
    _check_table(request.table_name, work)
    if request.point_in_time_recovery_specification.point_in_time_recovery_enabled:
        raise NotImplementedHere("DynamoDB's point-in-time recovery")
    return _NO_BACKUPS


def _check_table(name: str, work: Work) -> None:
    try:
        described_table(name, work)
    except TableMissing as error:
        raise TableNotFoundException(name) from error
