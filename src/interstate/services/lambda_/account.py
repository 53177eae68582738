"""What an account may have, and what it has.

Source: Lambda API Reference, GetAccountSettings.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.code import STORAGE_BYTES_MAX, UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX, code_bytes
from interstate.services.lambda_.concurrency import ACCOUNT_CONCURRENCY
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTION_COUNT, RESERVED_CONCURRENCY

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LIMITS = {
    "TotalCodeSize": STORAGE_BYTES_MAX,
    "CodeSizeUnzipped": UNZIPPED_BYTES_MAX,
    "CodeSizeZipped": ZIPPED_BYTES_MAX,
    "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
}


class Nothing(msgspec.Struct, frozen=True):
    pass


def get_account_settings(_request: Nothing, work: Work) -> dict[str, Any]:
    """Limits as AWS sets them at first, and how much of them is used."""
    scope = f"{work.caller.account}/{work.caller.region}"
    unreserved = ACCOUNT_CONCURRENCY - work.scalar(RESERVED_CONCURRENCY, scope=scope)
    return {
        "AccountLimit": {**_LIMITS, "UnreservedConcurrentExecutions": unreserved},
        "AccountUsage": {
            "TotalCodeSize": code_bytes(work),
            "FunctionCount": work.scalar(FUNCTION_COUNT, scope=scope),
        },
    }
