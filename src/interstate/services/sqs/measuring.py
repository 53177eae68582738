"""What a queue holds, as metrics of a minute: how many messages, and how old the oldest one is.

Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS" (units, and: a message of a standard queue that was
received three times or more is left out of the age of the oldest until it is gone; active queues report every minute).

What differs from AWS: a dead letter is as old as when it was sent at first; queues that hold nothing report nothing, after one zero.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from interstate.base.arn import caller_of
from interstate.services.sqs.locate import retention
from interstate.store.ports import Work
from interstate.store.records.sqs import COUNT_DELAYED, COUNT_EXPIRED, COUNT_IN_FLIGHT, DEPTH, MESSAGES, QUEUES, Queue
from interstate.store.tables import Scalar, Select

PAGE = 25
"""Queues of one look: everybody else has a turn between two."""
TRIES_MAX = 3
_ALWAYS = 2**31
_ALL_QUEUES = Select(QUEUES, "arn > :after", "arn")
# Of those that were received often, some stand at the begin: a bounded number is passed over.
_OLDEST = Scalar(
    "SELECT min(sent_at) FROM (SELECT sent_at, receive_count FROM messages WHERE queue_id = :queue AND sent_at >= :since "
    "ORDER BY sent_at LIMIT 1000) AS oldest WHERE receive_count < :tries",
    (MESSAGES,),
)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def measure_page(after: str, before: Collection[str], work: Work) -> tuple[str, list[str]]:
    """Measure the next queues: where to go on ("": that was all), and which of them hold something.

    ``before``: those that held something at the last look; of these also nothing is reported.
    """
    page = work.select(_ALL_QUEUES, limit=PAGE, after=after)
    holding = [queue.arn for queue in page if _measured(queue, work, always=queue.arn in before)]
    return page[-1].arn if len(page) == PAGE else "", holding


def _measured(queue: Queue, work: Work, *, always: bool) -> bool:
    depth = work.scalar(DEPTH, queue=queue.id)
    if depth <= 0 and not always:
        return False
    since = work.now - retention(queue)
    delayed = work.scalar(COUNT_DELAYED, queue=queue.id, now=work.now)
    in_flight = work.scalar(COUNT_IN_FLIGHT, queue=queue.id, now=work.now)
    expired = work.scalar(COUNT_EXPIRED, queue=queue.id, now=work.now, since=since)
    tries = _ALWAYS if queue.is_fifo else TRIES_MAX
    oldest_us = work.scalar(_OLDEST, queue=queue.id, since=since, tries=tries)
    age_s = (work.now - (_EPOCH + timedelta(microseconds=oldest_us))).total_seconds() if oldest_us else 0.0
    for name, value, unit in (
        ("ApproximateAgeOfOldestMessage", max(0.0, float(int(age_s))), "Seconds"),
        ("ApproximateNumberOfMessagesVisible", float(max(0, depth - delayed - in_flight - expired)), "Count"),
        ("ApproximateNumberOfMessagesNotVisible", float(in_flight), "Count"),
        ("ApproximateNumberOfMessagesDelayed", float(delayed), "Count"),
    ):
        work.measure("AWS/SQS", name, (("QueueName", queue.name),), value, unit, caller=caller_of(queue.arn))
    return depth > 0
