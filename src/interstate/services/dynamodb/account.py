"""What DynamoDB tells of an account and of itself.

Source: DynamoDB API Reference, DescribeLimits, DescribeEndpoints.
"""

from typing import Any

import msgspec

from interstate.store.ports import Work

ACCOUNT_UNITS_MAX = 80_000
TABLE_UNITS_MAX = 40_000
"""Source: DynamoDB quotas, throughput default quotas (us-east-1)."""
ENDPOINT_MINUTES = 1440


class Nothing(msgspec.Struct, frozen=True, rename="pascal"):
    pass


def describe_limits(_request: Nothing, _work: Work) -> dict[str, Any]:
    """AWS's default quotas."""
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS_MAX,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS_MAX,
        "TableMaxReadCapacityUnits": TABLE_UNITS_MAX,
        "TableMaxWriteCapacityUnits": TABLE_UNITS_MAX,
    }


def describe_endpoints(_request: Nothing, work: Work) -> dict[str, Any]:
    """The region's endpoint under its name on AWS; clients that were given another one do not ask."""
    address = f"dynamodb.{work.caller.region}.amazonaws.com"
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": ENDPOINT_MINUTES}]}
