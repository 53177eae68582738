"""Streams of tables into functions: read in order, tried again, cut in two, given up.

Theory of operation
-------------------
A write that leaves a record wakes the mappings of its stream (``dynamodb/consumers``) with a step "lambda.poll", at most one of which is due
for a mapping. The step hands each lane that has nothing under way its next part (``core/functions/stream_source``); one
commit notes the part and leaves the call, another takes the call's answer, moves the lane on, and looks again. A crash
in between repeats the call under the same request id.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.base.time import to_millis
from interstate.core.functions import stream_source
from interstate.core.functions.event_source import PAYLOAD_BYTES_MAX, BrokenReport, wanted
from interstate.services.dynamodb.streams import described_record, sequence_number, shard_id
from interstate.services.lambda_ import metrics
from interstate.services.lambda_.asynchronous import put_object, send_text
from interstate.store.ports import FOLLOW_AGAIN, Work
from interstate.store.records.dynamodb import ITEM_STREAMS, RECORDS_AFTER, ItemStream, StreamRecord
from interstate.store.records.lambda_ import (
    LANES,
    LANES_OF_MAPPING,
    LATEST,
    MAPPINGS,
    WAKES,
    WAKES_OF_MAPPING,
    Invocation,
    InvocationResult,
    Lane,
    Mapping,
    Part,
    Poll,
    StreamSettings,
)

ORIGIN = "lambda.stream"
LANES_MAX = 10  # Source: CreateEventSourceMapping, ParallelizationFactor.
PAGE = 100
SCANNED_MAX = 10_000  # Records that one look at a lane reads; those of other lanes and those that no filter wants, too.
NODES_MAX = 256  # Numbers of nodes that share a store.
ROUNDS_MAX = 20  # Parts of one lane that a step finds empty, one after another.


def answer_wake(body: Poll, work: Work) -> None:
    """From here on another look is due for what a node writes; what it wrote before, this one sees.

    A node that writes holds its row until its commit: who answers its wake in its place waits for that.
    """
    if body.woken is not None:
        wake = work.get(WAKES, body.mapping, body.woken)
        if wake is not None and wake.awake:
            work.put(WAKES, msgspec.structs.replace(wake, awake=False))


def look(mapping: Mapping, settings: StreamSettings, work: Work) -> None:
    """Hand every lane that rests its next part."""
    stream = work.get(ITEM_STREAMS, mapping.source)
    lanes = work.select(LANES_OF_MAPPING, limit=LANES_MAX, mapping=mapping.uuid)
    if stream is None:
        return
    reader = _Reader(mapping, settings, stream, work)
    for lane in lanes:
        if not lane.busy:
            reader.feed(lane)
    if lanes and work.withheld:
        _look_again(mapping, work)


def _look_again(mapping: Mapping, work: Work) -> None:
    """Another node has records in hand that may have lower numbers: nobody tells when it is done."""
    first = work.get(LANES, mapping.uuid, 0)
    if first is not None and (first.look_at is None or first.look_at <= work.now):
        at = work.now + FOLLOW_AGAIN
        work.put(LANES, msgspec.structs.replace(first, look_at=at))
        work.later("lambda.poll", Poll(mapping.uuid), at=at)


class _Reader:
    """A mapping's look at its stream."""

    def __init__(self, mapping: Mapping, settings: StreamSettings, stream: ItemStream, work: Work) -> None:
        self._mapping = mapping
        self._settings = settings
        self._stream = stream
        self._work = work

    def feed(self, lane: Lane) -> None:
        """Call the function with the lane's next part, if there is one and it is time."""
        for _ in range(ROUNDS_MAX):
            part = lane.pending[0] if lane.pending else None
            if part is None:
                lane, part = self._next_part(lane)
                if part is None:
                    return
            if part.ready is not None and part.ready > self._work.now:
                return
            records = self._read(lane.lane, part.after, part.last)
            records = self._without_old(part, records)
            if records or (lane.window is not None and part.after == part.last):
                self._call(lane, records)
                return
            lane = _done(lane, part)
            self._work.put(LANES, lane)
        self._work.later("lambda.poll", Poll(self._mapping.uuid))

    # Parts --------------------------------------------------------------------------------------------------------

    def _next_part(self, lane: Lane) -> tuple[Lane, Part | None]:
        """The next batch as a part, or None when there is none (yet)."""
        records, scanned, full = self._batch(lane)
        work, settings = self._work, self._settings
        if settings.tumbling_s:
            lane, records, closes = self._in_window(lane, records)
            if closes:
                part = Part(lane.after, lane.after, 0)
                return self._kept(lane, part), part
            if records:
                scanned = scanned if records[-1].id == scanned else max(records[-1].id, lane.after)
        if not records:
            if scanned > lane.after:  # Only what nobody wants.
                lane = msgspec.structs.replace(lane, after=scanned)
                work.put(LANES, lane)
            return lane, None
        if self._mapping.window_s and not full and (lane.until is None or lane.until > work.now):
            if lane.until is None:
                until = work.now + timedelta(seconds=self._mapping.window_s)
                lane = msgspec.structs.replace(lane, until=until)
                work.put(LANES, lane)
                work.later("lambda.poll", Poll(self._mapping.uuid), at=until)
            return lane, None
        part = Part(lane.after, scanned, 0)
        return self._kept(lane, part), part

    def _kept(self, lane: Lane, part: Part) -> Lane:
        lane = msgspec.structs.replace(lane, pending=[part], until=None)
        self._work.put(LANES, lane)
        return lane

    def _in_window(self, lane: Lane, records: list[StreamRecord]) -> tuple[Lane, list[StreamRecord], bool]:
        """The records of the window that is open, and whether it is over and has none left."""
        size_s, work = self._settings.tumbling_s, self._work
        if lane.window is None:
            if not records:
                return lane, records, False
            lane = msgspec.structs.replace(lane, window=stream_source.window_start(records[0].at, size_s), state={})
            assert lane.window is not None
            work.put(LANES, lane)
            work.later("lambda.poll", Poll(self._mapping.uuid), at=lane.window + timedelta(seconds=size_s))
        assert lane.window is not None
        end = lane.window + timedelta(seconds=size_s)
        inside = [record for record in records if record.at < end]
        return lane, inside, not inside and work.now >= end

    # Records ------------------------------------------------------------------------------------------------------

    def _batch(self, lane: Lane) -> tuple[list[StreamRecord], int, bool]:
        """New records of a lane, the number up to which was read, and whether no more fit."""
        found: list[StreamRecord] = []
        after, scanned, size = lane.after, 0, 0
        while scanned < SCANNED_MAX:
            page = self._work.select(RECORDS_AFTER, limit=PAGE, stream=self._stream.id, after=after)
            for record in page:
                if self._is_wanted(record, lane.lane):
                    size += 2 * record.size + 512
                    if found and size > PAYLOAD_BYTES_MAX:
                        return found, after, True
                    found.append(record)
                after = record.id
                if len(found) >= self._mapping.batch_size:
                    return found, after, True
            scanned += len(page)
            if len(page) < PAGE:
                break
        return found, after, False

    def _read(self, lane: int, after: int, last: int) -> list[StreamRecord]:
        """The records of a part that are still there."""
        found: list[StreamRecord] = []
        while after < last:
            page = self._work.select(RECORDS_AFTER, limit=PAGE, stream=self._stream.id, after=after)
            found += [record for record in page if record.id <= last and self._is_wanted(record, lane)]
            if len(page) < PAGE:
                break
            after = page[-1].id
        return found

    def _is_wanted(self, record: StreamRecord, lane: int) -> bool:
        if stream_source.lane_of(record.keys, self._settings.lanes) != lane:
            return False
        return not self._mapping.filters or wanted(self._mapping.filters, self._shown(record))

    def _without_old(self, part: Part, records: list[StreamRecord]) -> list[StreamRecord]:
        """Give up what is older than the mapping wants."""
        if self._settings.age_s_max < 0 or not records:
            return records
        since = self._work.now - timedelta(seconds=self._settings.age_s_max)
        old = [record for record in records if record.at < since]
        if old:
            give_up(self._mapping, self._stream, old, _Failure("", "RecordAgeExceeded", part.attempts), self._work)
        return records[len(old) :]

    def _shown(self, record: StreamRecord) -> dict[str, Any]:
        return function_record(record, self._stream)

    # The call -----------------------------------------------------------------------------------------------------

    def _call(self, lane: Lane, records: list[StreamRecord]) -> None:
        mapping, work = self._mapping, self._work
        request_id = work.entropy.uuid()
        payload: dict[str, Any] = {"Records": [self._shown(record) for record in records]}
        if self._settings.tumbling_s and lane.window is not None:
            payload |= stream_source.window_members(
                lane.window, self._settings.tumbling_s, lane.state, final=not records, early=False
            )
            payload |= {"shardId": shard_id(self._stream), "eventSourceARN": self._stream.arn}
        work.put(LANES, msgspec.structs.replace(lane, busy=True, until=None))
        if records:
            # Another node may have written the record by a clock that is a little ahead of this one's.
            age_ms = max(0.0, (work.now - records[-1].at).total_seconds() * 1000)
            metrics.measure(work, mapping.function, "IteratorAge", age_ms, "Milliseconds")
        work.later(
            "lambda.invoke",
            Invocation(
                request_id=request_id,
                function=mapping.function,
                qualifier=mapping.qualifier,
                payload=dumps(payload),
                origin=ORIGIN,
                origin_data={"mapping": mapping.uuid, "lane": lane.lane, "numbers": [record.id for record in records]},
            ),
        )


def function_record(record: StreamRecord, stream: ItemStream) -> dict[str, Any]:
    """A record as a function sees it: JSON, with its instant as seconds and binary values in base64."""
    shown = described_record(record, stream)
    change = {**shown["dynamodb"], "ApproximateCreationDateTime": to_millis(record.at) // 1000}
    built: dict[str, Any] = msgspec.to_builtins({**shown, "dynamodb": change, "eventSourceARN": stream.arn})
    if "userIdentity" in built:
        built["userIdentity"] = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    return built


# The end of a call ------------------------------------------------------------------------------------------------


class _Failure(msgspec.Struct, frozen=True):
    """Why records are given up."""

    request_id: str
    condition: str
    attempts: int
    executed_version: str = LATEST
    function_error: str | None = None


def finish(body: Invocation, result: InvocationResult, work: Work) -> None:
    """Move the lane on, or have its part tried again."""
    uuid, number = body.origin_data["mapping"], body.origin_data["lane"]
    lane, mapping = work.get(LANES, uuid, number), work.get(MAPPINGS, uuid)
    if lane is None or mapping is None or mapping.stream is None or not lane.pending:
        return
    lane, problem, wake_at = _decided(lane, mapping, body, result, work)
    work.put(LANES, msgspec.structs.replace(lane, busy=False))
    if mapping.result != problem:
        work.put(MAPPINGS, msgspec.structs.replace(mapping, result=problem))
    if (
        result.refused != "ResourceNotFoundException"
    ):  # Without its function a mapping stands still until it is updated.
        work.later("lambda.poll", Poll(uuid), at=wake_at)


def _decided(
    lane: Lane, mapping: Mapping, body: Invocation, result: InvocationResult, work: Work
) -> tuple[Lane, str, datetime | None]:
    """The lane after a call, how it went, and when to look again."""
    assert mapping.stream is not None
    numbers: list[int] = body.origin_data["numbers"]
    part, failed_from = lane.pending[0], None
    if result.ok:
        try:
            failed_from = _reported(mapping, numbers, result)
        except BrokenReport:
            failed_from = -1
        if failed_from is None:
            return _with_state(_done(lane, part), mapping.stream, numbers, result), "OK", None
    problem = "PROBLEM: Function call failed" if result.refused is None else f"PROBLEM: {result.refused}"
    if result.refused is not None:
        ready = work.now + stream_source.wait_after(part.attempts + 1)
        again = msgspec.structs.replace(part, ready=ready)
        return msgspec.structs.replace(lane, pending=[again, *lane.pending[1:]]), problem, ready
    if failed_from is not None and failed_from > 0:
        part = msgspec.structs.replace(part, after=failed_from - 1)
        lane = msgspec.structs.replace(lane, after=part.after)
        numbers = [number for number in numbers if number >= failed_from]
    attempts = part.attempts + 1
    ready = work.now + stream_source.wait_after(attempts)
    retries = mapping.stream.retries_max
    if mapping.stream.bisect and len(numbers) > 1 and failed_from in (None, -1):
        middle, _ = stream_source.halves(numbers)
        parts = [Part(part.after, middle, part.attempts, ready), Part(middle, part.last, part.attempts)]
    elif 0 <= retries < attempts:
        failure = _Failure(
            body.request_id, "RetryAttemptsExhausted", attempts, result.executed_version, result.function_error
        )
        _give_up_part(mapping, numbers, failure, work)
        return _done(lane, part), problem, None
    else:
        parts = [Part(part.after, part.last, attempts, ready)]
    return msgspec.structs.replace(lane, pending=[*parts, *lane.pending[1:]]), problem, ready


def _reported(mapping: Mapping, numbers: list[int], result: InvocationResult) -> int | None:
    """The first record that the function reports as failed; None when it reports none."""
    if not mapping.report_items or not numbers:
        return None
    by_text = {sequence_number(number): number for number in numbers}
    found = stream_source.first_failed(result.payload, by_text.keys())
    return None if found is None else by_text[found]


def _done(lane: Lane, part: Part) -> Lane:
    return msgspec.structs.replace(lane, after=max(lane.after, part.last), pending=lane.pending[1:])


def _with_state(lane: Lane, settings: StreamSettings, numbers: list[int], result: InvocationResult) -> Lane:
    """A tumbling window goes on with what the function answered, or ends with its last call."""
    if not settings.tumbling_s:
        return lane
    if not numbers:
        return msgspec.structs.replace(lane, window=None, state={})
    state = stream_source.state_of(result.payload)
    if len(dumps(state)) > stream_source.STATE_BYTES_MAX:  # The window ends early: what comes begins another one.
        return msgspec.structs.replace(lane, window=None, state={})
    return msgspec.structs.replace(lane, state=state)


def _give_up_part(mapping: Mapping, numbers: Sequence[int], failure: _Failure, work: Work) -> None:
    assert mapping.stream is not None
    stream = work.get(ITEM_STREAMS, mapping.source)
    if stream is None or not numbers:
        return
    wanted_numbers, records, after = set(numbers), [], numbers[0] - 1
    while after < numbers[-1]:
        page = work.select(RECORDS_AFTER, limit=PAGE, stream=stream.id, after=after)
        records += [record for record in page if record.id in wanted_numbers]
        if len(page) < PAGE:
            break
        after = page[-1].id
    if records:
        give_up(mapping, stream, records, failure, work)


def give_up(
    mapping: Mapping, stream: ItemStream, records: Sequence[StreamRecord], failure: _Failure, work: Work
) -> None:
    """Tell the destination of records that no call will have; one that refuses loses the word, as on AWS."""
    if mapping.stream is None or mapping.stream.on_failure is None:
        return
    document = stream_source.failure_record(
        request_id=failure.request_id or work.entropy.uuid(),
        function_arn=f"{mapping.function}:{mapping.qualifier}" if mapping.qualifier else mapping.function,
        condition=failure.condition,
        attempts=failure.attempts,
        executed_version=failure.executed_version,
        function_error=failure.function_error,
        batch=stream_source.batch_info(
            shard_id(stream),
            [sequence_number(record.id) for record in records],
            records[0].at,
            records[-1].at,
            stream.arn,
        ),
        at=work.now,
    )
    target = mapping.stream.on_failure
    try:
        if ":s3:" in target:  # A bucket gets the records as well.
            payload = dumps({"Records": [function_record(record, stream) for record in records]})
            key = f"aws/lambda/{mapping.uuid}/{shard_id(stream)}"
            put_object(target, key, dumps({**document, "payload": payload}), work)
        else:
            send_text(target, dumps(document), work)
    except ServiceError:
        metrics.measure(work, mapping.function, "DestinationDeliveryFailures")


def start(mapping: Mapping, settings: StreamSettings, first: int, work: Work) -> None:
    """The lanes of a new mapping, all at the place where it begins."""
    for number in range(settings.lanes):
        work.put(LANES, Lane(mapping.uuid, number, first))


def stop(mapping: Mapping, work: Work) -> None:
    """Forget the lanes of a mapping, and who has woken it."""
    for lane in work.select(LANES_OF_MAPPING, limit=LANES_MAX, mapping=mapping.uuid):
        work.delete(LANES, lane.mapping, lane.lane)
    for wake in work.select(WAKES_OF_MAPPING, limit=NODES_MAX, mapping=mapping.uuid):
        work.delete(WAKES, wake.mapping, wake.node)
