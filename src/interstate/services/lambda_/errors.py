"""Refusals of Lambda, worded as it words them.

Source: botocore's model lambda/2015-03-31; the service's answers.
"""

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError, ValidationException

_USER = {"Type": "User"}


class LambdaError(ServiceError):
    """A refusal with the member ``Type`` that all of Lambda's errors have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, members=_USER)


class ResourceNotFoundException(LambdaError):
    """No such function, version, alias, mapping, layer or policy."""


class ResourceConflictException(LambdaError):
    """The name is taken, or the resource is in use."""


class InvalidParameterValueException(LambdaError):
    """A value that Lambda refuses."""


class InvalidRequestContentException(LambdaError):
    """The payload is not JSON."""


class RequestTooLargeException(LambdaError):
    """The payload is larger than the way of calling allows."""

    def __init__(self, size_bytes_max: int) -> None:
        super().__init__(f"Request must be smaller than {size_bytes_max} bytes for the InvokeFunction operation")


class RequestEntityTooLargeException(LambdaError):
    """The request carries more than the operation takes; the model has no such shape."""

    status = 413


class RecursiveInvocationException(ServiceError):
    """The call would go on with a loop."""

    def __init__(self) -> None:
        super().__init__(
            "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your "
            "function's invocation."
        )


class TooManyRequestsException(ServiceError):
    """More calls at once than the function, or the account, may have."""

    def __init__(self, reason: str = "ReservedFunctionConcurrentInvocationLimitExceeded") -> None:
        super().__init__("Rate Exceeded.", members={"Reason": reason, **_USER})


class ResourceInUseException(LambdaError):
    """The mapping is at work."""


class AccessDeniedException(ServiceError):
    """The policy of the function does not let this caller do this."""

    status = 403

    def __init__(self, action: str, resource: str, caller: Caller) -> None:
        who = "User" if caller.service else f"User: arn:aws:iam::{caller.account}:root"
        super().__init__(
            f"{who} is not authorized to perform: {action} on resource: {resource} because no resource-based policy "
            f"allows the {action} action"
        )


class PlainInvalidParameterValue(ServiceError):
    """A value that Lambda refuses without saying whose fault it is: concurrency limits are answered so."""

    code = "InvalidParameterValueException"


class PlainNotFound(ServiceError):
    """No such code signing configuration; answered without the member ``Type``."""

    code = "ResourceNotFoundException"


class CodeSigningConfigNotFoundException(LambdaError):
    """There is no such code signing configuration."""


class ServiceException(ServiceError):
    """A call could not be carried out, through no fault of the caller's."""

    def __init__(self, message: str) -> None:
        super().__init__(message, members={"Type": "Service"})


class PreconditionFailedException(LambdaError):
    """Somebody else has changed the resource meanwhile."""

    def __init__(self, api: str = "GetFunction/GetAlias") -> None:
        super().__init__(
            f"The Revision Id provided does not match the latest Revision Id. Call the {api} API to retrieve the latest "
            "Revision Id"
        )


class PolicyLengthExceededException(LambdaError):
    """The policy would be longer than a function's policy may be."""

    def __init__(self, size: int, size_max: int) -> None:
        super().__init__(f"The final policy size ({size}) is bigger than the limit ({size_max}).")


class CodeStorageExceededException(LambdaError):
    """The account has no room for more code.

    Source: Lambda API Reference, CreateFunction ("Your Amazon Web Services account has exceeded its maximum total code size").
    """

    def __init__(self) -> None:
        super().__init__("Code storage limit exceeded.")


class ProvisionedConcurrencyConfigNotFoundException(LambdaError):
    """The version or alias has no provisioned concurrency."""

    def __init__(self) -> None:
        super().__init__("No Provisioned Concurrency Config found for this function")


def function_not_found(arn: str, qualifier: str | None = None) -> ResourceNotFoundException:
    """No such function, version or alias."""
    return ResourceNotFoundException(f"Function not found: {arn}{f':{qualifier}' if qualifier else ''}")


def invalid(value: object, member: str, constraint: str) -> ServiceError:
    """A value that the model would let pass and the service refuses in the model's words."""
    return ValidationException(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    )
