"""Refusals of queues, named as in the service model, worded as AWS answers.

Source: SQS API Reference, and the messages that AWS's endpoints return (user threads, recorded answers).
"""

from interstate.base.errors import ServiceError


class QueueDoesNotExist(ServiceError):
    """No queue of the caller has this URL."""

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist.")


class QueueNameExists(ServiceError):
    """A queue of this name has other attributes."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"A queue already exists with the same name and a different value for attribute {attribute}")
        self.attribute = attribute


class InvalidParameterValue(ServiceError):
    """A parameter's value is outside of what SQS takes. (A common error: the model has no shape for it.)"""

    code = "InvalidParameterValue"


class MissingParameter(ServiceError):
    """A parameter that must be there is not. (A common error.)"""

    code = "MissingParameter"

    def __init__(self, name: str) -> None:
        super().__init__(f"The request must contain the parameter {name}.")


class InvalidAttributeName(ServiceError):
    """No queue attribute has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown Attribute {name}.")


class InvalidAttributeValue(ServiceError):
    """A queue attribute cannot have this value."""

    def __init__(self, name: str, value: str = "") -> None:
        super().__init__(f"Invalid value for the parameter {name}." + (f" Reason: {value}" if value else ""))


class InvalidMessageContents(ServiceError):
    """The body has characters that XML 1.0 does not know."""

    def __init__(self) -> None:
        super().__init__(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
        )


class MessageTooLong(InvalidParameterValue):
    """One message is longer than the queue allows."""

    def __init__(self, size_bytes_max: int) -> None:
        super().__init__(
            f"One or more parameters are invalid. Reason: Message must be shorter than {size_bytes_max} bytes."
        )


class ReceiptHandleIsInvalid(ServiceError):
    """This queue never gave out the handle."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(f'The input receipt handle "{receipt_handle}" is not a valid receipt handle.')
        self.receipt_handle = receipt_handle


class MessageNotInflight(ServiceError):
    """The message is visible again, so its visibility cannot be changed."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist "
            "or is not available for visibility timeout change."
        )
        self.receipt_handle = receipt_handle


class EmptyBatchRequest(ServiceError):
    """A batch without entries."""

    def __init__(self, entry: str) -> None:
        super().__init__(f"There should be at least one {entry} in the request.")


class TooManyEntriesInBatchRequest(ServiceError):
    """More than ten entries."""

    def __init__(self, count: int) -> None:
        super().__init__(f"Maximum number of entries per request are 10. You have sent {count}.")


class BatchEntryIdsNotDistinct(ServiceError):
    """Two entries have one id."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"Id {entry_id} repeated.")


class InvalidBatchEntryId(ServiceError):
    """An id that is not 1 to 80 letters, digits, hyphens and underscores."""

    def __init__(self) -> None:
        super().__init__(
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
        )


class BatchRequestTooLong(ServiceError):
    """The entries together are longer than a request may be."""

    def __init__(self, size_bytes: int, size_bytes_max: int) -> None:
        super().__init__(
            f"Batch requests cannot be longer than {size_bytes_max} bytes. You have sent {size_bytes} bytes."
        )


class PurgeQueueInProgress(ServiceError):
    """A queue is purged at most once in 60 seconds."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.")
