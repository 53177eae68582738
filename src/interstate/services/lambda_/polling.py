"""Queues into functions: batches are claimed, handed over, and deleted when their function has handled them.

Theory of operation
-------------------
A step "lambda.poll" looks at a mapping's queue whenever a message becomes visible, a batching window ends, or a batch has
ended. One commit claims the messages, notes the batch and leaves the call; another takes the call's answer, deletes what
was handled, and looks again. What was not handled stays hidden until its visibility timeout is over and then counts
towards the queue's redrive policy. There are at most as many batches in hand as the mapping may have at once, which
``core.functions.scaling`` decides. A group of a FIFO queue is blocked by what is in flight of it: it has one batch in hand.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.json import dumps
from interstate.core.functions import event_source
from interstate.core.functions.recursion import is_loop, joined
from interstate.core.functions.retry import THROTTLED
from interstate.core.functions.scaling import (
    CONCURRENCY_FIRST,
    CONCURRENCY_LEAST,
    CONCURRENCY_MOST,
    Pace,
    is_crowded,
    throttled_wait,
)
from interstate.core.functions.tracing import lineage_of
from interstate.core.queues.message import Message, read_handle
from interstate.services.lambda_ import metrics, streams
from interstate.services.sqs import fifo
from interstate.services.sqs.locate import setting
from interstate.services.sqs.receive import claim, system_attributes
from interstate.services.sqs.stored import remove
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    BATCHES,
    BATCHES_IN_HAND,
    FUNCTIONS,
    MAPPINGS,
    PACES,
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
    streams.answer_wake(body, work)
    mapping = work.get(MAPPINGS, body.mapping)
    if mapping is not None and mapping.stream is not None:
        if mapping.enabled:
            streams.look(mapping, mapping.stream, work)
        return
    queue = work.get(QUEUES, mapping.source) if mapping is not None else None
    if mapping is None or queue is None or not mapping.enabled:
        return
    if not _visible(queue, 1, work):
        _calm(mapping, work)
        return
    pace = work.get(PACES, mapping.uuid) or Pace(mapping.uuid)
    in_hand = work.scalar(BATCHES_IN_HAND, mapping=mapping.uuid)
    if in_hand >= pace.limit(mapping.batches_max, mapping.batches_least):
        pace = _grow(mapping, pace, work)
    free = pace.limit(mapping.batches_max, mapping.batches_least) - in_hand
    for _ in range(min(free, ROUNDS_MAX)):
        if not _take(mapping, queue, work):
            return
        mapping = msgspec.structs.replace(mapping, window_until=None)
    if free > ROUNDS_MAX:
        work.later("lambda.poll", body)
    elif pace.look_at is None and pace.level < CONCURRENCY_MOST and _visible(queue, 1, work):
        _grow(mapping, pace, work)


def _visible(queue: Queue, limit: int, work: Work) -> Sequence[Message]:
    """What could be claimed now, in the order in which it would be."""
    if queue.is_fifo:
        return fifo.look(queue, limit, work)
    return work.select(VISIBLE, limit=limit, queue=queue.id, now=work.now)


def _grow(mapping: Mapping, pace: Pace, work: Work) -> Pace:
    """More messages wait than the mapping may take: it may take more when they still do at the next look."""
    most = mapping.batches_max
    if most is not None and pace.level >= most:
        return pace
    grown = pace.grown(work.now)
    if grown is not pace:
        work.put(PACES, grown)
        if grown.look_at is not None and grown.look_at != pace.look_at:
            work.later("lambda.poll", Poll(mapping.uuid), at=grown.look_at)
    return grown


def _calm(mapping: Mapping, work: Work) -> None:
    pace = work.get(PACES, mapping.uuid)
    if pace is None:
        return
    after = pace.calm()
    if after.look_at is not None and after.look_at <= work.now:
        after = msgspec.structs.replace(after, look_at=None)
    if after != pace:
        work.put(PACES, after)


def _take(mapping: Mapping, queue: Queue, work: Work) -> bool:
    """Hand over one batch; False when there is none (yet)."""
    visible = _visible(queue, mapping.batch_size, work)
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
    if not messages:  # All of them were too old or dead letters; there may be others behind them.
        work.later("lambda.poll", Poll(mapping.uuid))
        return False
    region = caller_of(queue.arn).region
    records = []
    messages, lineage = _outside_loops(mapping, messages, work)
    for message in messages:
        shown = event_source.sqs_record(message, system_attributes(message, fifo=queue.is_fifo), queue.arn, region)
        if event_source.wanted(mapping.filters, shown):
            records.append(shown)
        else:
            remove(queue, message, work)
    if records:
        _hand_over(mapping, records, lineage, work)
    return True


def _outside_loops(mapping: Mapping, messages: list[Message], work: Work) -> tuple[list[Message], str]:
    """The messages that do not go on with a loop, and the chain of calls that they tell of.

    Those that do stay hidden as after a failed call, and go the way of the queue's redrive policy.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    chains = [lineage_of((message.system_attributes or {}).get("AWSTraceHeader")) for message in messages]
    if not any(chains):
        return messages, ""
    function = work.get(FUNCTIONS, mapping.function)
    ends = function is not None and function.recursion == "Terminate"
    kept = [
        (message, chain)
        for message, chain in zip(messages, chains, strict=True)
        if not (ends and is_loop(chain, mapping.function))
    ]
    for _ in range(len(messages) - len(kept)):
        metrics.measure(work, mapping.function, "RecursiveInvocationsDropped")
    return [message for message, _ in kept], joined(chain for _, chain in kept)


def _gather(mapping: Mapping, work: Work) -> None:
    """Wait for more until the window ends; it begins with the first message."""
    if mapping.window_until is None:
        until = work.now + timedelta(seconds=mapping.window_s)
        work.put(MAPPINGS, msgspec.structs.replace(mapping, window_until=until))
        work.later("lambda.poll", Poll(mapping.uuid), at=until)


def _hand_over(mapping: Mapping, records: list[dict[str, Any]], lineage: str, work: Work) -> None:
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
            trace=f"Lineage={lineage}" if lineage else None,
            origin_data={"mapping": mapping.uuid, "queue": mapping.source, "handles": handles},
        ),
    )


def finish(body: Invocation, result: InvocationResult, work: Work) -> None:
    """Delete what the function has handled; the rest comes back by its visibility timeout."""
    uuid, handles = body.origin_data["mapping"], body.origin_data["handles"]
    queue = work.get(QUEUES, body.origin_data["queue"])
    mapping = work.get(MAPPINGS, uuid)
    batch = work.get(BATCHES, uuid, body.request_id)
    if mapping is not None:
        _adapt(mapping, batch, result, work)
    if result.refused in THROTTLED and batch is not None and queue is not None and _try_again(body, batch, queue, work):
        return
    work.delete(BATCHES, uuid, body.request_id)
    problem = _problem(result)
    handled = set(handles) if problem == SUCCEEDED else set()
    if handled and mapping is not None and mapping.report_items:
        try:
            handled -= event_source.failed_items(result.payload, handled)
        except event_source.BrokenReport:
            handled, problem = set(), "PROBLEM: Function response is not a valid batch response"
    if queue is not None:
        for message_id in handles:
            if message_id in handled:
                _delete(handles[message_id], queue, work)
    if mapping is not None:
        if mapping.result != problem:
            work.put(MAPPINGS, msgspec.structs.replace(mapping, result=problem))
        work.later("lambda.poll", Poll(uuid))


def _adapt(mapping: Mapping, batch: Batch | None, result: InvocationResult, work: Work) -> None:
    """Fewer batches at once after a failure, and when calls only wait in line for a worker."""
    ran = timedelta(milliseconds=result.duration_ms)
    crowded = batch is not None and batch.attempt == 1 and is_crowded(work.now - batch.since - 2 * ran)
    if result.ok and not crowded:
        return
    pace = work.get(PACES, mapping.uuid) or Pace(mapping.uuid)
    after = pace.slowed(work.now, least=CONCURRENCY_LEAST if not result.ok else CONCURRENCY_FIRST)
    if after != pace:
        work.put(PACES, after)


def _try_again(body: Invocation, batch: Batch, queue: Queue, work: Work) -> bool:
    """A throttled batch is tried again while its messages are still hidden; False when they will not be.

    Source: services-sqs-errorhandling.html ("continues to retry the message until the message's timestamp exceeds your
    queue's visibility timeout").
    """
    at = work.now + throttled_wait(body.attempt)
    if at >= batch.since + timedelta(seconds=setting(queue, "VisibilityTimeout")):
        return False
    work.put(BATCHES, msgspec.structs.replace(batch, attempt=body.attempt + 1))
    work.later("lambda.invoke", msgspec.structs.replace(body, attempt=body.attempt + 1), at=at)
    return True


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
