"""DynamoDB's refusals, named as in its model.

Source: botocore's model dynamodb/2012-08-10; DynamoDB API Reference, Common Errors.
"""

from collections.abc import Sequence
from typing import Any

from interstate.base.errors import ServiceError, ValidationException
from interstate.core.tables.values import Item


class ResourceNotFoundException(ServiceError):
    """There is no such table, index or stream."""

    def __init__(self, what: str = "") -> None:
        super().__init__(f"Requested resource not found{': ' + what if what else ''}")


class TableMissing(ResourceNotFoundException):
    """Operations on tables name the table that is missing; operations on items do not."""

    code = "ResourceNotFoundException"

    def __init__(self, name: str) -> None:
        super().__init__(f"Table: {name} not found")


class ResourceInUseException(ServiceError):
    """The table exists, or is busy."""


class LimitExceededException(ServiceError):
    """An account's or a table's limit is reached."""


class ConditionalCheckFailedException(ServiceError):
    """The item is not as the condition wants it. ``item`` is shown when the request asked for it."""

    def __init__(self, item: Item | None = None) -> None:
        super().__init__("The conditional request failed", members={"Item": item} if item else None)
        self.item = item


class TransactionCanceledException(ServiceError):
    """One of a transaction's actions was refused; there is a reason for each of them."""

    def __init__(self, reasons: Sequence[dict[str, Any]]) -> None:
        codes = ", ".join(str(reason["Code"]) for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        super().__init__(message, members={"CancellationReasons": list(reasons)})


class IdempotentParameterMismatchException(ServiceError):
    """A transaction's token was used for another one."""

    def __init__(self) -> None:
        super().__init__(
            "An error occurred (IdempotentParameterMismatchException): The request uses the same client token as a "
            "previous, but non-identical request. Do not reuse a client token with different requests, unless the "
            "requests are identical"
        )


class InvalidTableName(ValidationException):
    """A name that no table can have."""

    code = "ValidationException"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


class TableNameLength(ValidationException):
    """A name that is too short or too long."""

    code = "ValidationException"

    def __init__(self) -> None:
        super().__init__("TableName must be at least 3 characters long and at most 255 characters long")
