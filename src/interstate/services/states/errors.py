"""Refusals of Step Functions, named as in the service model, worded as the service answers.

Source: botocore's model stepfunctions/2016-11-23; messages as recorded from the service.
"""

from collections.abc import Sequence

from interstate.base.errors import ServiceError


class ActivityAlreadyExists(ServiceError):
    """An activity of this name is encrypted in another way."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Activity Already Exists: '{arn}'")


class ExecutionLimitExceeded(ServiceError):
    """The region has as many open Standard executions as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "The maximum number of running executions has been reached. Running executions must end or be stopped before a new "
            "execution can be started."
        )


class ActivityLimitExceeded(ServiceError):
    """The region has as many activities as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "The maximum number of activities has been reached. Existing activities must be deleted before a new activity "
            "can be created."
        )


class ActivityDoesNotExist(ServiceError):
    """No activity has this ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Activity Does Not Exist: '{arn}'")


class ConflictException(ServiceError):
    """The change collides with what is there; ``message`` says with what."""


class ExecutionAlreadyExists(ServiceError):
    """The name was used within the last 90 days, for another input, or for an execution that has ended."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Execution Already Exists: '{arn}'")


class ExecutionDoesNotExist(ServiceError):
    """No execution has this ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Execution Does Not Exist: '{arn}'")


class ExecutionNotRedrivable(ServiceError):
    """It runs, it succeeded, or it is too old or too long; the message is the ``redriveStatusReason``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class InvalidArn(ServiceError):
    """The text is no ARN, or not one of the kind that the operation takes."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Arn: '{reason}'")

    @classmethod
    def prefix(cls, text: str) -> "InvalidArn":
        """The text is no ARN at all."""
        return cls(f"Invalid ARN prefix: {text}")

    @classmethod
    def kind(cls, kind: str) -> "InvalidArn":
        """An ARN of another kind of resource."""
        return cls(f"Resource type not valid in this context: {kind}")


class InvalidDefinition(ServiceError):
    """The definition is not the Amazon States Language; all its faults are told, with their places."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(f"Invalid State Machine Definition: '{', '.join(faults)}'")


class InvalidEncryptionConfiguration(ServiceError):
    """Key and type of an encryption configuration contradict each other."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Encryption Configuration: {reason}")


class InvalidExecutionInput(ServiceError):
    """The input is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid State Machine Execution Input: '{reason}'")


class InvalidLoggingConfiguration(ServiceError):
    """Logging needs exactly one log group, which must exist."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Logging Configuration: {reason}")


class InvalidName(ServiceError):
    """The name has characters that names must not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Invalid Name: '{name}'")


class InvalidOutput(ServiceError):
    """The output of a task is not JSON."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Output: '{reason}'")


class InvalidToken(ServiceError):
    """A page token or a task token that this service never gave out."""

    def __init__(self) -> None:
        super().__init__("Invalid Token: 'Invalid token'")


class MissingRequiredParameter(ServiceError):
    """An update without any change."""

    def __init__(self) -> None:
        super().__init__(
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"
        )


class ResourceNotFound(ServiceError):
    """What should be tagged, or an alias, is not there."""

    def __init__(self, arn: str | None = None) -> None:
        super().__init__(
            f"Resource not found: '{arn}'" if arn else "Request references a resource that does not exist."
        )


class ServiceQuotaExceededException(ServiceError):
    """A machine has as many versions or aliases as it may have."""

    def __init__(self, what: str, most: int) -> None:
        super().__init__(f"The maximum number of {what} of a state machine has been reached: {most}")


class StateMachineLimitExceeded(ServiceError):
    """The region has as many state machines as it may have."""

    def __init__(self) -> None:
        super().__init__(
            "The maximum number of state machines has been reached. Existing state machines must be deleted before a new "
            "state machine can be created."
        )


class StateMachineAlreadyExists(ServiceError):
    """A state machine of this name has another definition or configuration."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"State Machine Already Exists: '{arn}'")


class StateMachineDeleting(ServiceError):
    """The state machine waits for its last execution to end; then it is gone."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"State Machine is being deleted: '{arn}'")


class StateMachineDoesNotExist(ServiceError):
    """No state machine, version or alias has this ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"State Machine Does Not Exist: '{arn}'")


class StateMachineTypeNotSupported(ServiceError):
    """The operation is for the other type: Standard or Express."""

    def __init__(self) -> None:
        super().__init__("This operation is not supported by this type of state machine")


class TaskTimedOut(ServiceError):
    """The task of a token is over: answered before, timed out, or its execution has ended."""

    def __init__(self) -> None:
        super().__init__("Task Timed Out: 'Provided task does not exist anymore'")


class TooManyTags(ServiceError):
    """A resource has at most 50 tags."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Tags per resource exceeded limit for resource: '{arn}'")


class ValidationException(ServiceError):
    """Input that the rules of the operation refuse; ``message`` says which."""


def check_size(name: str, text: str, size_max: int) -> None:
    """Refuse a member that is longer than so many bytes of UTF-8. How many characters it may have is looked at before.

    Source: API Reference: "Length constraints apply to the payload size, and are expressed as bytes in UTF-8 encoding".

    Raises:
        ValidationException: it is.
    """
    if len(text) * 4 > size_max and len(text.encode("utf-8", "surrogatepass")) > size_max:
        raise ValidationException(
            f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {size_max}"
        )
