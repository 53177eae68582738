"""Refusals that belong to the protocols themselves, worded as AWS's front doors word them."""

from collections.abc import Sequence

from interstate.base.errors import ServiceError


class SerializationException(ServiceError):
    """The body is not JSON, or a value has the wrong type.

    Source: answers of DynamoDB and Step Functions to such bodies, e.g. "STRING_VALUE cannot be converted to Integer".
    """


class UnknownOperationException(ServiceError):
    """A JSON request names no operation, or one that the service does not have."""

    def __init__(self, target: str) -> None:
        super().__init__(f"Unknown operation: {target}" if target else "The request names no operation.")


class MethodNotAllowed(ServiceError):
    """S3 has nothing at this address for this method.

    Source: S3 API Reference, "Error responses".
    """

    status = 405

    def __init__(self, method: str) -> None:
        super().__init__("The specified method is not allowed against this resource.", members={"Method": method})


class InvalidAction(ServiceError):
    """A query request names an operation that the service does not have.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
    """

    def __init__(self, action: str, version: str) -> None:
        super().__init__(f"Could not find operation {action} for version {version or 'NO_VERSION_SPECIFIED'}")


class UnknownService(ServiceError):
    """Nothing in the request tells a service that we know."""

    code = "UnknownService"
    status = 404

    def __init__(self, facts: str) -> None:
        super().__init__(
            f"Interstate does not know which service this request is for: {facts}. "
            "A request is recognized by its signature's credential scope, its X-Amz-Target header, or its Action."
        )


class MissingParameter(ServiceError):
    """SQS: a member that the operation needs is missing.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"The request must contain the parameter {name}.")


class ConstraintsFailed(ServiceError):
    """Values that the service's model refuses, all of them at once.

    The JSON and REST services call it ValidationException, the query services ValidationError.
    """

    def __init__(self, problems: Sequence[str], code: str) -> None:
        count = len(problems)
        noun = "error" if count == 1 else "errors"
        super().__init__(f"{count} validation {noun} detected: {'; '.join(problems)}", code=code)


class MalformedInput(ServiceError):
    """A form field whose text is no value of its type."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"Value for parameter {name} is not {expected}.")


class RequestTooLarge(ServiceError):
    """The body is larger than the server reads."""

    code = "RequestEntityTooLargeException"
    status = 413

    def __init__(self, size_bytes_max: int) -> None:
        super().__init__(f"Request must be smaller than {size_bytes_max} bytes.")
