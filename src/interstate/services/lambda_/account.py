"""What an account may have, and what it has.

Source: Lambda API Reference, GetAccountSettings.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.concurrency import ACCOUNT_CONCURRENCY
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTION_COUNT, RESERVED_CONCURRENCY, TOTAL_CODE_SIZE, TOTAL_LAYER_SIZE

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LIMITS = {
    "TotalCodeSize": 80_530_636_800,
    "CodeSizeUnzipped": 262_144_000,
    "CodeSizeZipped": 52_428_800,
    "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
}


class Nothing(msgspec.Struct, frozen=True):
    pass


def get_account_settings(_request: Nothing, work: Work) -> dict[str, Any]:
    """Limits as AWS sets them at first, and how much of them is used."""
    scope = f"{work.caller.account}/{work.caller.region}"
    unreserved = ACCOUNT_CONCURRENCY - work.scalar(RESERVED_CONCURRENCY, scope=scope)
    arns = f"arn:aws:lambda:{work.caller.region}:{work.caller.account}:function:"
    return {
        "AccountLimit": {**_LIMITS, "UnreservedConcurrentExecutions": unreserved},
        "AccountUsage": {
            "TotalCodeSize": work.scalar(TOTAL_CODE_SIZE, first=arns, last=arns + "~")
            + work.scalar(TOTAL_LAYER_SIZE, scope=scope),
            "FunctionCount": work.scalar(FUNCTION_COUNT, scope=scope),
        },
    }
