"""What DynamoDB tells of an account.

Source: DynamoDB API Reference, DescribeLimits, DescribeContinuousBackups.
"""

from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.services.dynamodb.errors import TableMissing
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.tables import TableRequest
from interstate.store.ports import Work

ACCOUNT_UNITS_MAX = 80_000
TABLE_UNITS_MAX = 40_000
"""Source: DynamoDB quotas, throughput default quotas (us-east-1)."""


class DescribeLimits(msgspec.Struct, frozen=True, rename="pascal"):
    pass


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
    try:
        described_table(request.table_name, work)
    except TableMissing as error:
        raise TableNotFoundException(request.table_name) from error
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "DISABLED",
            "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
        }
    }
