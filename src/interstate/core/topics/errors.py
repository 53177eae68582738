"""What SNS refuses, in its words.

Source: botocore's model sns/2010-03-31 for the names and the batch errors' words; the messages are those of the service.
"""

from interstate.base.errors import ServiceError


class NotFoundException(ServiceError):
    """The topic, subscription, application or endpoint is not there."""

    status = 404

    def __init__(self, what: str = "Topic") -> None:
        super().__init__(f"{what} does not exist")


class ResourceNotFoundException(ServiceError):
    """Tags of a topic that is not there, or a number that the sandbox does not know."""

    status = 404

    def __init__(self, what: str = "Resource") -> None:
        super().__init__(f"{what} does not exist")


class InvalidParameterException(ServiceError):
    """A parameter that SNS does not take: ``Invalid parameter: <what>``."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Invalid parameter: {what}")


class InvalidParameterValueException(ServiceError):
    """A message attribute that SNS does not take."""


class InvalidStateException(ServiceError):
    """What the topic is now does not allow it."""


class TagLimitExceededException(ServiceError):
    """A topic would have more than 50 tags."""

    def __init__(self) -> None:
        super().__init__("Could not complete request: tag quota of per resource exceeded")


class AuthorizationErrorException(ServiceError):
    """The resource's policy does not let the caller do it."""

    status = 403

    def __init__(self, principal: str, action: str, resource: str) -> None:
        super().__init__(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} because no "
            f"resource-based policy allows the {action} action"
        )


class EndpointDisabledException(ServiceError):
    """A push endpoint whose ``Enabled`` is false."""

    def __init__(self) -> None:
        super().__init__("Endpoint is disabled")


class PlatformApplicationDisabledException(ServiceError):
    """A push application whose ``Enabled`` is false."""

    def __init__(self) -> None:
        super().__init__("Platform application is disabled")


class ReplayLimitExceededException(ServiceError):
    """A replay runs for this subscription already."""

    status = 403

    def __init__(self) -> None:
        super().__init__("A replay is already running for this subscription")


class FilterPolicyLimitExceededException(ServiceError):
    """The topic has too many filter policies."""

    status = 403


class OptedOutException(ServiceError):
    """The number wants no short messages."""

    def __init__(self, number: str) -> None:
        super().__init__(f"The phone number {number} is opted out")


class VerificationException(ServiceError):
    """The one-time password is not the one that was sent."""

    def __init__(self) -> None:
        super().__init__(
            "Verification failed: the one-time password is not valid", members={"Status": "VerificationFailed"}
        )


class EmptyBatchRequestException(ServiceError):
    """A batch without entries."""

    def __init__(self) -> None:
        super().__init__("The batch request doesn't contain any entries.")


class TooManyEntriesInBatchRequestException(ServiceError):
    """A batch of more than ten entries."""

    def __init__(self) -> None:
        super().__init__("The batch request contains more entries than permissible.")


class BatchEntryIdsNotDistinctException(ServiceError):
    """Two entries of a batch have one id."""

    def __init__(self) -> None:
        super().__init__("Two or more batch entries in the request have the same Id.")


class InvalidBatchEntryIdException(ServiceError):
    """An entry's id is none."""

    def __init__(self) -> None:
        super().__init__("The Id of a batch entry in a batch request doesn't abide by the specification.")


class BatchRequestTooLongException(ServiceError):
    """The entries of a batch are too long together."""

    def __init__(self) -> None:
        super().__init__("The length of all the batch messages put together is more than the limit.")
