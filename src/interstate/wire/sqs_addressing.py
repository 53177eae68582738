"""Requests to a queue's own address, as the query protocol allows them.

``GET http://sqs.us-east-1.localhost:4566/000000000000/orders?Action=SendMessage&MessageBody=x`` needs neither a version
nor a signature: the address tells that it is SQS, and which queue. What concerns no queue is no action of such an
address.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests.html
"""

import re

from interstate.base.errors import ServiceError

_PATH = re.compile(r"/(?:queue/[a-z]{2,}(?:-[a-z]+)+-\d/)?\d{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?/?\Z")
_HOST = re.compile(r"(?:[a-z]{2,}(?:-[a-z]+)+-\d\.)?queue\..+\Z")
ELSEWHERE = frozenset({"CreateQueue", "ListQueues", "StartMessageMoveTask", "CancelMessageMoveTask"})
"""Actions that no queue's address has."""


class ActionNotHere(ServiceError):
    """No action of this name at a queue's address."""

    code = "InvalidAction"

    def __init__(self, action: str) -> None:
        super().__init__(f"The action {action} is not valid for this endpoint.")


class NothingAsked(ServiceError):
    """A queue's address without an action."""

    code = "UnknownOperationException"
    status = 404

    def __init__(self) -> None:
        super().__init__("")


def is_queue_path(path: str) -> bool:
    """``/000000000000/orders``, ``/queue/eu-west-1/000000000000/orders``."""
    return path.count("/") >= 2 and _PATH.match(path) is not None


def is_queue_host(host: str) -> bool:
    """``queue.localhost``, ``eu-west-1.queue.amazonaws.com``."""
    return "queue." in host and _HOST.match(host) is not None
