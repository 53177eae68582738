"""What SNS refuses, in its words.

Source: botocore's model sns/2010-03-31 for the names; the messages are those of the service.
"""

from interstate.base.errors import ServiceError


class NotFoundException(ServiceError):
    """The topic or subscription is not there."""

    status = 404

    def __init__(self, what: str = "Topic") -> None:
        super().__init__(f"{what} does not exist")


class ResourceNotFoundException(ServiceError):
    """Tags of a topic that is not there."""

    status = 404

    def __init__(self) -> None:
        super().__init__("Resource does not exist")


class InvalidParameterException(ServiceError):
    """A parameter that SNS does not take: ``Invalid parameter: <what>``."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Invalid parameter: {what}")


class InvalidParameterValueException(ServiceError):
    """A message attribute that SNS does not take."""


class EmptyBatchRequestException(ServiceError):
    """A batch without entries."""

    def __init__(self) -> None:
        super().__init__("The batch request doesn't contain any entries.")


class TooManyEntriesInBatchRequestException(ServiceError):
    """A batch of more than ten entries."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"The batch request contains more entries than permissible (maximum is 10, this one has {count})."
        )


class BatchEntryIdsNotDistinctException(ServiceError):
    """Two entries of a batch have one id."""

    def __init__(self) -> None:
        super().__init__("Two or more batch entries in the request have the same Id.")


class InvalidBatchEntryIdException(ServiceError):
    """An entry's id is none."""

    def __init__(self) -> None:
        super().__init__(
            "The Id of a batch entry in a batch request can only contain alphanumeric characters, hyphens and "
            "underscores. It can be at most 80 letters long."
        )


class BatchRequestTooLongException(ServiceError):
    """The entries of a batch are too long together."""

    def __init__(self, size_bytes_max: int) -> None:
        super().__init__(
            f"The length of all the batch messages put together is more than the limit of {size_bytes_max} bytes."
        )
