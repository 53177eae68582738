"""The way into a queue for services inside: typed messages, many at once, without an address, a request or an overlay.

It is SendMessage in all that a queue or its readers can see: the policy is asked, ids and contents are checked, whoever waits
is woken, metrics are counted, and rules for faults hit it.
"""

from collections.abc import Sequence

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.queues.errors import QueueDoesNotExist
from interstate.core.queues.message import Message
from interstate.services.sqs.locate import check_access
from interstate.services.sqs.sending import Outgoing, check_ids, take_all
from interstate.store.ports import Work
from interstate.store.records.sqs import QUEUES


def deliver_all(arn: str, outgoing: Sequence[Outgoing], work: Work, caller: Caller) -> list[str | ServiceError]:
    """Send messages (at least one) to the queue of an ARN; tells the id of each, or why the queue does not take it.

    Raises:
        ServiceError: the queue takes none of them: there is no such queue, its policy does not let ``caller``, or a rule for
            faults says so.
    """
    work.disturb("sqs", "SendMessage", {"QueueUrl": arn})
    queue = work.get(QUEUES, arn)
    if queue is None:
        raise QueueDoesNotExist
    check_access(queue, "SendMessage", work, caller)
    refused: dict[int, ServiceError] = {}
    for at, each in enumerate(outgoing):
        try:
            check_ids(queue, each)
        except ServiceError as error:
            refused[at] = error
    if refused:
        outgoing = [each for at, each in enumerate(outgoing) if at not in refused]
    sent: list[Message | ServiceError] = take_all(queue, outgoing, work, caller)
    for at, refusal in refused.items():
        sent.insert(at, refusal)
    return [one.message_id if isinstance(one, Message) else one for one in sent]


def deliver(arn: str, outgoing: Outgoing, work: Work, caller: Caller) -> str:
    """Send one message to the queue of an ARN; tells its id.

    Raises:
        ServiceError: the queue does not take it.
    """
    (sent,) = deliver_all(arn, (outgoing,), work, caller)
    if isinstance(sent, ServiceError):
        raise sent
    return sent
