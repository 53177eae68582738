"""What SQS's models no longer say about its older query protocol.

SQS moved to JSON in 2023 and its model lost the names of form fields and XML elements, result wrappers and error codes.
Older SDKs still speak the query protocol, and newer ones still show its error codes (``x-amzn-query-error``), so they
are kept here as data.

Source: the query examples of the SQS API Reference (version 2012-11-05), each operation's "Examples" and "Errors";
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-api-responses.html for the header.
"""

from collections.abc import Mapping

from interstate.base.errors import ServiceError
from interstate.core.queues.errors import EmptyBatchRequest, InvalidParameterValue, MissingParameter

XML_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"

# The name of a list's elements, by the list's shape. All of SQS's lists are flat: ``AttributeName.1=All``.
ELEMENTS: Mapping[str, str] = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}

# The name under which a map stands, and of its keys and values: ``Attribute.1.Name=DelaySeconds``.
MAPS: Mapping[str, tuple[str, str, str]] = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}

_PREFIX = "AWS.SimpleQueueService."

# Error shapes whose query code differs from their name, and HTTP statuses other than 400.
CODES: Mapping[str, tuple[str, int]] = {
    "BatchEntryIdsNotDistinct": (_PREFIX + "BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": (_PREFIX + "BatchRequestTooLong", 400),
    "EmptyBatchRequest": (_PREFIX + "EmptyBatchRequest", 400),
    "InvalidBatchEntryId": (_PREFIX + "InvalidBatchEntryId", 400),
    "KmsAccessDenied": ("KMS.AccessDeniedException", 400),
    "KmsDisabled": ("KMS.DisabledException", 400),
    "KmsInvalidKeyUsage": ("KMS.InvalidKeyUsageException", 400),
    "KmsInvalidState": ("KMS.InvalidStateException", 400),
    "KmsNotFound": ("KMS.NotFoundException", 400),
    "KmsOptInRequired": ("KMS.OptInRequired", 403),
    "KmsThrottled": ("KMS.ThrottlingException", 400),
    "MessageNotInflight": (_PREFIX + "MessageNotInflight", 400),
    "OverLimit": ("", 403),
    "PurgeQueueInProgress": (_PREFIX + "PurgeQueueInProgress", 403),
    "QueueDeletedRecently": (_PREFIX + "QueueDeletedRecently", 400),
    "QueueDoesNotExist": (_PREFIX + "NonExistentQueue", 400),
    "QueueNameExists": ("QueueAlreadyExists", 400),
    "RequestThrottled": ("", 403),
    "ResourceNotFoundException": ("", 404),
    "TooManyEntriesInBatchRequest": (_PREFIX + "TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": (_PREFIX + "UnsupportedOperation", 400),
}

# Codes that the model has no shape for: the names under which the JSON protocol tells them.
# Source: recorded answers of SQS's JSON protocol (``__type`` beside ``x-amzn-query-error``).
JSON_NAMES: Mapping[str, str] = {
    "AccessDenied": "AccessDeniedException",
    "InvalidParameterValue": "InvalidParameterValueException",
    "MissingParameter": "MissingRequiredParameterException",
}

# Where the query protocol words an error otherwise. Source: SQS API Reference, Common Errors; recorded answers.
QUERY_MESSAGES: Mapping[str, str] = {
    "The specified queue does not exist.": "The specified queue does not exist for this wsdl version.",
}

# Members that are missing, under the names by which SQS asks for them, in both protocols.
# Source: https://github.com/pulumi/pulumi-aws/issues/5959 (SetQueueAttributes without attributes, over JSON),
# https://github.com/aws/aws-sdk-js-v3/issues/5478 (DeleteMessage without a receipt handle, over JSON).
_ASKED_FOR: Mapping[tuple[str, str], str] = {
    ("SetQueueAttributes", "Attributes"): "Attribute.Name",
    ("DeleteMessage", "ReceiptHandle"): "MessageHandle",
}


def missing(operation: str, steps: tuple[str | int, ...]) -> ServiceError | None:
    """How SQS refuses a call for a member that is missing at the end of ``steps``; None: by the member's own name.

    Source: https://github.com/aws/aws-sdk-js/issues/2388 (``DeleteMessageBatchRequestEntry.1.Id``),
    https://github.com/aws/aws-sdk-php/issues/630 (a batch whose entries stand under another name),
    https://github.com/aws/aws-sdk-java/issues/1692 (an attribute without a type).
    """
    match steps:
        case ("Entries",):
            return EmptyBatchRequest(f"{operation}RequestEntry")
        case ("Entries", int() as number, str() as name):
            return MissingParameter(f"{operation}RequestEntry.{number}.{name}")
        case (*_, str() as attribute, "DataType"):
            return InvalidParameterValue.without_type(attribute.removesuffix(".member"))
        case (str() as name,) if (operation, name) in _ASKED_FOR:
            return MissingParameter(_ASKED_FOR[operation, name])
    return None
