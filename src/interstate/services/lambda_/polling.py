"""Queues into functions: batches are claimed, handed over, and deleted when their function has handled them.

Theory of operation
-------------------
A step "lambda.poll" looks at a mapping's queue whenever a message becomes visible, a batching window ends, or a batch has
ended. One commit claims the messages, notes the batch and leaves the call; another takes the call's answer, deletes what
was handled, and looks again. What was not handled stays hidden until its visibility timeout is over and then counts
towards the queue's redrive policy. There are at most as many batches in hand as the mapping may have at once.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.core.functions import event_source
from interstate.core.queues.message import Message, read_handle
from interstate.services.lambda_ import streams
from interstate.services.sqs.locate import setting
from interstate.services.sqs.receive import claim, system_attributes
from interstate.services.sqs.stored import remove
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    BATCHES,
    BATCHES_IN_HAND,
    MAPPINGS,
    Batch,
    Invocation,
    InvocationResult,
    Mapping,
    Poll,
)
from interstate.store.records.sqs import MESSAGES, QUEUES, VISIBLE, Queue

ORIGIN = "lambda.mapping"
ROUNDS_MAX = 20  # Batches that one step takes; the rest is taken by the steps that their ends leave.
SUCCEEDED = "OK"


def poll(body: Poll, work: Work) -> None:
    """Hand over as many batches as there are, and as the mapping may have at once."""
    mapping = work.get(MAPPINGS, body.mapping)
    if mapping is not None and mapping.stream is not None:
        if mapping.enabled:
            streams.look(mapping, mapping.stream, work)
        return
    queue = work.get(QUEUES, mapping.source) if mapping is not None else None
    if mapping is None or queue is None or not mapping.enabled:
        return
    if not work.select(VISIBLE, limit=1, queue=queue.id, now=work.now):
        return
    limit = mapping.concurrency_max or event_source.CONCURRENCY_DEFAULT
    free = limit - work.scalar(BATCHES_IN_HAND, mapping=mapping.uuid)
    for _ in range(min(free, ROUNDS_MAX)):
        if not _take(mapping, queue, work):
            break
        mapping = msgspec.structs.replace(mapping, window_until=None)


def _take(mapping: Mapping, queue: Queue, work: Work) -> bool:
    """Hand over one batch; False when there is none (yet)."""
    visible = work.select(VISIBLE, limit=mapping.batch_size, queue=queue.id, now=work.now)
    if not visible:
        return False
    fits = event_source.fitting(visible)
    if mapping.window_s and not event_source.goes_out(
        len(visible), fits, mapping.batch_size, mapping.window_until, work.now
    ):
        _gather(mapping, work)
        return False
    messages = claim(work, queue, fits, timedelta(seconds=setting(queue, "VisibilityTimeout")))
    if mapping.window_until is not None:
        work.put(MAPPINGS, msgspec.structs.replace(mapping, window_until=None))
    region = caller_of(queue.arn).region
    records = []
    for message in messages:
        shown = event_source.sqs_record(message, system_attributes(message, fifo=queue.is_fifo), queue.arn, region)
        if event_source.wanted(mapping.filters, shown):
            records.append(shown)
        else:
            remove(queue, message, work)
    if records:
        _hand_over(mapping, records, work)
    return bool(messages)


def _gather(mapping: Mapping, work: Work) -> None:
    """Wait for more until the window ends; it begins with the first message."""
    if mapping.window_until is None:
        until = work.now + timedelta(seconds=mapping.window_s)
        work.put(MAPPINGS, msgspec.structs.replace(mapping, window_until=until))
        work.later("lambda.poll", Poll(mapping.uuid), at=until)


def _hand_over(mapping: Mapping, records: list[dict[str, Any]], work: Work) -> None:
    request_id = work.entropy.uuid()
    work.put(BATCHES, Batch(mapping.uuid, request_id, work.now))
    handles = {record["messageId"]: record["receiptHandle"] for record in records}
    work.later(
        "lambda.invoke",
        Invocation(
            request_id=request_id,
            function=mapping.function,
            qualifier=mapping.qualifier,
            payload=dumps({"Records": records}),
            origin=ORIGIN,
            origin_data={"mapping": mapping.uuid, "queue": mapping.source, "handles": handles},
        ),
    )


def finish(body: Invocation, result: InvocationResult, work: Work) -> None:
    """Delete what the function has handled; the rest comes back by its visibility timeout."""
    uuid, handles = body.origin_data["mapping"], body.origin_data["handles"]
    work.delete(BATCHES, uuid, body.request_id)
    mapping = work.get(MAPPINGS, uuid)
    problem = _problem(result)
    handled = set(handles) if problem == SUCCEEDED else set()
    if handled and mapping is not None and mapping.report_items:
        try:
            handled -= event_source.failed_items(result.payload, handled)
        except event_source.BrokenReport:
            handled, problem = set(), "PROBLEM: Function response is not a valid batch response"
    queue = work.get(QUEUES, body.origin_data["queue"])
    if queue is not None:
        for message_id in handles:
            if message_id in handled:
                _delete(handles[message_id], queue, work)
    if mapping is not None:
        if mapping.result != problem:
            work.put(MAPPINGS, msgspec.structs.replace(mapping, result=problem))
        work.later("lambda.poll", Poll(uuid))


def _problem(result: InvocationResult) -> str:
    if result.refused is not None:
        return f"PROBLEM: {result.refused}"
    return SUCCEEDED if result.ok else "PROBLEM: Function call failed"


def _delete(handle: str, queue: Queue, work: Work) -> None:
    """Delete a message that is still ours: one that came back and was received again belongs to its new receiver."""
    row, receipt = read_handle(handle, queue.id)
    message: Message | None = work.get(MESSAGES, row)
    if message is not None and message.is_held_by(receipt) and message.queue_id == queue.id:
        remove(queue, message, work)
