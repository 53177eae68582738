"""Refusals of queues, named as in the service model, worded as AWS answers.

Source: SQS API Reference, and the messages that AWS's endpoints return (user threads, recorded answers).
"""

from interstate.base.errors import ServiceError

_NO_HANDLE = 'The input receipt handle "{}" is not a valid receipt handle.'


class QueueDoesNotExist(ServiceError):
    """No queue of the caller has this URL."""

    def __init__(self, message: str = "The specified queue does not exist.") -> None:
        super().__init__(message)


class QueueNotForYou(QueueDoesNotExist):
    """Another account has no such queue, or does not share it.

    Source: https://github.com/fluent/fluent-plugin-s3/issues/342 (GetQueueUrl with an owner).
    """

    code = "QueueDoesNotExist"

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist or you do not have access to it.")


class QueueNameExists(ServiceError):
    """A queue of this name has other attributes."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"A queue already exists with the same name and a different value for attribute {attribute}")
        self.attribute = attribute


class InvalidParameterValue(ServiceError):
    """A parameter's value is outside of what SQS takes. (A common error: the model has no shape for it.)"""

    code = "InvalidParameterValue"

    @classmethod
    def without_type(cls, attribute: str) -> "InvalidParameterValue":
        """A message attribute that does not say of which type it is.

        Source: https://github.com/aws/aws-sdk-java/issues/1692 (the service's answer).
        """
        return cls(f"The message attribute '{attribute}' must contain non-empty message attribute type.")


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

    def __init__(self, size_bytes_max: int, *, in_batch: bool = False) -> None:
        fault = "cannot be validated" if in_batch else "are invalid"
        super().__init__(
            f"One or more parameters {fault}. Reason: Message must be shorter than {size_bytes_max} bytes."
        )


class ReceiptHandleIsInvalid(ServiceError):
    """This queue never gave out the handle: it is none at all, or another queue's.

    Source: https://github.com/aws/aws-sdk-java-v2/issues/3101 (the service's answer to another queue's handle).
    """

    def __init__(self, receipt_handle: str, *, of_another_queue: bool = False) -> None:
        text = 'The receipt handle "{}" is not valid for this queue.' if of_another_queue else _NO_HANDLE
        super().__init__(text.format(receipt_handle))
        self.receipt_handle = receipt_handle


class ListsNotSupported(ServiceError):
    """A message attribute has a list of values: "Not implemented. Reserved for future use".

    Source: SQS API Reference, MessageAttributeValue; the service's answer, as told in
    https://github.com/ruby-shoryuken/shoryuken/issues/769
    """

    code = "UnsupportedOperation"

    def __init__(self, operation: str) -> None:
        super().__init__(f"Message attribute list values in {operation} operation are not supported.")


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


class QueueDeletedRecently(ServiceError):
    """The name was given up less than a minute ago."""

    def __init__(self) -> None:
        super().__init__(
            "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        )


class OverLimit(ServiceError):
    """As many messages are in flight, or actions in a statement, as may be."""


class AccessDenied(ServiceError):
    """The queue's policy does not let the caller do this. (A common error: the model has no shape for it.)"""

    code = "AccessDenied"
    status = 403

    def __init__(self, principal: str, action: str, arn: str, *, denied: bool = False) -> None:
        reason = (
            "with an explicit deny in a resource-based policy"
            if denied
            else f"because no resource-based policy allows the sqs:{action.lower()} action"
        )
        super().__init__(
            f"User: {principal} is not authorized to perform: sqs:{action.lower()} on resource: {arn} {reason}"
        )


class InvalidAddress(ServiceError):
    """A text that is no queue's URL."""

    def __init__(self, address: str) -> None:
        super().__init__(f"The address {address} is not valid for this endpoint.")


class ResourceNotFoundException(ServiceError):
    """A queue or a task that a move names is not there."""


class ReceiptHandleExpired(InvalidParameterValue):
    """A FIFO queue takes a receipt while its message is in flight only."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
        )


class MessageIsGone(InvalidParameterValue):
    """The message was deleted, so its visibility cannot be changed."""

    def __init__(self, receipt_handle: str) -> None:
        super().__init__(
            f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist "
            "or is not available for visibility timeout change."
        )


class NotForThisQueueType(InvalidParameterValue):
    """A parameter of standard queues given to a FIFO queue, or the other way round.

    Source for entries of batches: https://github.com/aws/aws-sdk-js/issues/3187 (the service's answer).
    """

    def __init__(self, name: str, value: object, *, in_batch: bool = False) -> None:
        reason = "The request include parameter that is not valid for this queue type"
        super().__init__(reason if in_batch else f"Value {value} for parameter {name} is invalid. Reason: {reason}.")


class AttemptIsOver(InvalidParameterValue):
    """A receive cannot be tried again: one of its messages was touched since.

    Source: https://github.com/awslabs/amazon-sqs-java-messaging-lib/issues/213 (the service's answer).
    """

    def __init__(self, attempt_id: str) -> None:
        super().__init__(
            f"Value {attempt_id} for parameter ReceiveRequestAttemptId is invalid. Reason: The receiveRequestAttemptId "
            "is not valid anymore since the receive call is not retryable."
        )
