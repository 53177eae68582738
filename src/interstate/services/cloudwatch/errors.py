"""CloudWatch's refusals.

Source: CloudWatch API Reference, "Common Errors" and the errors of each operation.
"""

from interstate.base.errors import ServiceError


class InvalidParameterValueException(ServiceError):
    """The value of a parameter is not one that it may have."""

    @classmethod
    def of(cls, name: str, value: object, more: str = "") -> "InvalidParameterValueException":
        """The value, and the parameter as the query protocol spells it."""
        return cls(f"The value {value} for parameter {name} is invalid.{more}")


class InvalidParameterCombinationException(ServiceError):
    """Parameters that do not go together."""


class MissingRequiredParameterException(ServiceError):
    """A parameter that is needed here is missing."""


class ValidationError(ServiceError):
    """Parameters that CloudWatch refuses, under the code of its query protocol."""


class ResourceNotFound(ServiceError):
    """There is no such alarm."""

    code = "ResourceNotFound"
    status = 404


class InvalidFormat(ServiceError):
    """A text that should be JSON is none."""


class InvalidNextToken(ServiceError):
    """The token is none of ours."""

    def __init__(self) -> None:
        super().__init__("The next token specified is invalid.")
