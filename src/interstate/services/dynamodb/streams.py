"""Streams: what happened to a table's items, in order, for a day.

Theory of operation
-------------------
A stream has one open shard; every four hours in which something happened it is closed, and a child goes on (``shards``).
Its records are written in the transaction of the write that they tell, so that none is lost and
none tells what did not happen; their numbers grow with the commits. An iterator is a place behind a record: it names the
stream, the number, and when it was given. A stream that was turned off is read until its last record is a day old; one
due row a stream trims it every hour and never pulls the clock.

Source: DynamoDB Streams API Reference.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import ServiceError, ValidationException
from interstate.base.time import to_iso
from interstate.core.tables.schema import KeySchema, Stream
from interstate.services.dynamodb import shards
from interstate.services.dynamodb.errors import ResourceNotFoundException
from interstate.services.dynamodb.policy_documents import check
from interstate.services.dynamodb.stream_policies import stream_policy
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ITEM_STREAMS,
    ITEM_TABLE_IDS,
    RECORDS_AFTER,
    RECORDS_BACKWARDS,
    RECORDS_UP_TO,
    STREAM_RECORDS,
    STREAMS_OF_SCOPE,
    STREAMS_OF_TABLE,
    ItemStream,
    ItemTableId,
    StreamRecord,
    decode_item,
)

RETENTION = timedelta(hours=24)
ITERATOR_LIFE = timedelta(minutes=15)
RECORDS_MAX = 1000
ANSWER_BYTES_MAX = 1024 * 1024
"""Source: DynamoDB Streams API Reference, GetRecords, GetShardIterator."""
TRIM_EVERY = timedelta(hours=1)
TRIM_MAX = 100
LIST_MAX = 100
_STEP = 50
_NUMBER_BASE = 10**20  # Sequence numbers have at least 21 digits.


class ListStreams(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str | None = None
    limit: int = LIST_MAX
    exclusive_start_stream_arn: str = ""


class ShardFilter(msgspec.Struct, frozen=True, rename="pascal"):
    type: str | None = None
    shard_id: str | None = None


class DescribeStream(msgspec.Struct, frozen=True, rename="pascal"):
    stream_arn: str
    limit: int = LIST_MAX
    exclusive_start_shard_id: str | None = None
    shard_filter: ShardFilter | None = None


class GetShardIterator(msgspec.Struct, frozen=True, rename="pascal"):
    stream_arn: str
    shard_id: str
    shard_iterator_type: str
    sequence_number: str | None = None
    timestamp: datetime | None = None


class GetRecords(msgspec.Struct, frozen=True, rename="pascal"):
    shard_iterator: str
    limit: int = RECORDS_MAX


class Trim(msgspec.Struct, frozen=True):
    """Forget what a stream has kept for a day."""

    arn: str


class Iterator(msgspec.Struct, frozen=True, array_like=True):
    """A place in a shard: behind the record of this number. ``shard`` is the number before the shard's first record."""

    arn: str
    after: int
    given: datetime
    shard: int


class ExpiredIteratorException(ServiceError):
    """An iterator is good for 15 minutes."""

    def __init__(self) -> None:
        super().__init__("Iterator expired")


class TrimmedDataAccessException(ServiceError):
    """The record that was asked for is older than a day."""

    def __init__(self) -> None:
        super().__init__("The operation attempted to read past the oldest stream record in a shard.")


# A table's stream --------------------------------------------------------------------------------------------------


def turn_on(arn: str, name: str, key: KeySchema, view: str | None, work: Work) -> Stream:
    """A new stream of a table.

    Raises:
        ValidationException: the view is missing.
    """
    if view is None:
        raise ValidationException(
            "One or more parameter values were invalid: StreamViewType must be specified when the stream is enabled"
        )
    label = _label(arn, work)
    stream_arn = f"{arn}/stream/{label}"
    number = work.next_id(ITEM_TABLE_IDS)
    work.put(ITEM_TABLE_IDS, ItemTableId(number, stream_arn))
    place = caller_of(arn)
    scope = f"{place.account}/{place.region}"
    first = work.next_id(STREAM_RECORDS)
    work.put(ITEM_STREAMS, ItemStream(stream_arn, number, scope, name, label, view, key, work.now, first))
    work.later("dynamodb.trim", Trim(stream_arn), at=work.now + TRIM_EVERY)
    return Stream(number, stream_arn, label, view, enabled=True)


def _label(arn: str, work: Work) -> str:
    """The instant of the stream's beginning; a later one where a standing clock gave it away already."""
    at = work.now
    while work.get(ITEM_STREAMS, f"{arn}/stream/{_instant(at)}") is not None:
        at += timedelta(milliseconds=1)
    return _instant(at)


def _instant(at: datetime) -> str:
    return to_iso(at).removesuffix("Z")


def turn_off(stream: Stream, work: Work) -> Stream:
    """End a table's stream; it is read for another day."""
    known = work.get(ITEM_STREAMS, stream.arn)
    assert known is not None
    last = work.next_id(STREAM_RECORDS)
    work.put(ITEM_STREAMS, msgspec.structs.replace(known, last=last, disabled=work.now))
    work.wake(f"dynamodb-stream:{stream.arn}")
    return msgspec.structs.replace(stream, enabled=False)


def trim(body: Trim, work: Work) -> None:
    """Forget a bounded number of old records; and the stream, when it was turned off and is empty."""
    stream = work.get(ITEM_STREAMS, body.arn)
    if stream is None:
        return
    until = work.now - RETENTION
    oldest = work.select(RECORDS_AFTER, limit=TRIM_MAX, stream=stream.id, after=0)
    old = [record for record in oldest if record.at < until]
    if old:
        work.erase(RECORDS_UP_TO, limit=TRIM_MAX, stream=stream.id, up_to=old[-1].id)
    if len(old) == TRIM_MAX:
        work.later("dynamodb.trim", body)
    elif stream.disabled is not None and stream.disabled < until:
        work.delete(ITEM_STREAMS, stream.arn)
        work.delete(ITEM_TABLE_IDS, stream.id)
    else:
        work.put(ITEM_STREAMS, shards.rolled(stream, work))
        work.later("dynamodb.trim", body, at=work.now + TRIM_EVERY)


# Operations --------------------------------------------------------------------------------------------------------


def list_streams(request: ListStreams, work: Work) -> dict[str, Any]:
    """The streams of a table, or of all, those that were turned off too."""
    scope = f"{work.caller.account}/{work.caller.region}"
    limit, start = min(request.limit, LIST_MAX), request.exclusive_start_stream_arn
    if request.table_name is not None:  # Perhaps of a table that is gone: its stream is read for another day.
        name = request.table_name.rpartition("/")[2]
        found = work.select(STREAMS_OF_TABLE, limit=limit + 1, scope=scope, name=name, after=start)
    else:
        name = _table_name(start)
        found = work.select(STREAMS_OF_SCOPE, limit=limit + 1, scope=scope, name=name, after=start)
    answer: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream.arn, "TableName": stream.table_name, "StreamLabel": stream.label}
            for stream in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["LastEvaluatedStreamArn"] = found[limit - 1].arn
    return answer


def _table_name(stream_arn: str) -> str:
    parsed = parse_arn(stream_arn)
    return "" if parsed is None else parsed.resource.split("/")[1] if "/" in parsed.resource else ""


def describe_stream(request: DescribeStream, work: Work) -> dict[str, Any]:
    """A stream and its shards, oldest first, page by page.

    Raises:
        ResourceNotFoundException: there is no such stream.
    """
    stream = _stream(request.stream_arn, work, "DescribeStream")
    listed = _filtered(shards.shards_of(stream), request, stream)
    limit = min(request.limit, LIST_MAX)
    schema = [{"AttributeName": stream.key.partition.name, "KeyType": "HASH"}]
    if stream.key.sort is not None:
        schema.append({"AttributeName": stream.key.sort.name, "KeyType": "RANGE"})
    answer = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.disabled is None else "DISABLED",
        "StreamViewType": stream.view,
        "CreationRequestDateTime": stream.created,
        "TableName": stream.table_name,
        "KeySchema": schema,
        "Shards": [_shown(shard, stream) for shard in listed[:limit]],
    }
    if len(listed) > limit:
        answer["LastEvaluatedShardId"] = shards.shard_name(stream, listed[limit - 1].first)
    return {"StreamDescription": answer}


def _filtered(found: list[shards.Shard], request: DescribeStream, stream: ItemStream) -> list[shards.Shard]:
    start, wanted = request.exclusive_start_shard_id, request.shard_filter
    if start is not None:
        places = [place for place, one in enumerate(found) if shards.shard_name(stream, one.first) == start]
        found = found[places[0] + 1 :] if places else []
    if wanted is not None:
        if wanted.type != "CHILD_SHARDS" or wanted.shard_id is None:
            raise ValidationException("ShardFilter needs the Type CHILD_SHARDS and a ShardId")
        found = [
            one for one in found if one.parent is not None and shards.shard_name(stream, one.parent) == wanted.shard_id
        ]
    return found


def _shown(shard: shards.Shard, stream: ItemStream) -> dict[str, Any]:
    numbers = {"StartingSequenceNumber": sequence_number(shard.first)}
    if shard.last is not None:
        numbers["EndingSequenceNumber"] = sequence_number(shard.last)
    answer: dict[str, Any] = {"ShardId": shards.shard_name(stream, shard.first), "SequenceNumberRange": numbers}
    if shard.parent is not None:
        answer["ParentShardId"] = shards.shard_name(stream, shard.parent)
    return answer


def _stream(arn: str, work: Work, action: str) -> ItemStream:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "dynamodb" or "/stream/" not in parsed.resource:
        raise ValidationException(f"Invalid StreamArn: {arn}")
    stream = work.get(ITEM_STREAMS, arn)
    check(stream_policy(arn, work), f"dynamodb:{action}", arn, work)
    if stream is None or parsed.region != work.caller.region:
        raise ResourceNotFoundException(f"Stream: {arn} not found")
    return stream


def shard_id(stream: ItemStream) -> str:
    """The name of a stream's newest shard."""
    return shards.shard_name(stream, shards.shards_of(stream)[-1].first)


def sequence_number(number: int) -> str:
    """A record's number as the API shows it."""
    return str(_NUMBER_BASE + number)


def get_shard_iterator(request: GetShardIterator, work: Work) -> dict[str, Any]:
    """A place in the shard from which to read.

    Raises:
        ResourceNotFoundException: there is no such stream or shard.
        TrimmedDataAccessException: the record is older than a day.
        ValidationException: a sequence number or a timestamp is missing, or none.
    """
    stream = _stream(request.stream_arn, work, "GetShardIterator")
    shard = next(
        (one for one in shards.shards_of(stream) if shards.shard_name(stream, one.first) == request.shard_id), None
    )
    if shard is None:
        raise ResourceNotFoundException(f"Shard: {request.shard_id} in Stream: {stream.arn} not found")
    match request.shard_iterator_type:
        case "TRIM_HORIZON":
            after = shard.first
        case "LATEST":
            newest = work.select(RECORDS_BACKWARDS, limit=1, stream=stream.id, below=work.horizon())
            after = max(newest[0].id if newest else shard.first, shard.first)
        case "AT_SEQUENCE_NUMBER":
            after = _number(request, stream, work) - 1
        case "AFTER_SEQUENCE_NUMBER":
            after = _number(request, stream, work)
        case _:
            after = max(_before_instant(request, stream, work), shard.first)
    return {"ShardIterator": _iterator_text(Iterator(stream.arn, after, work.now, shard.first))}


def _before_instant(request: GetShardIterator, stream: ItemStream, work: Work) -> int:
    """The number of the last record from before the request's instant: numbers and instants grow together."""
    at = request.timestamp
    if at is None:
        raise ValidationException("Timestamp is required for this ShardIteratorType")
    if at > work.now:
        raise ValidationException("Timestamp must not be in the future")
    newest = work.select(RECORDS_BACKWARDS, limit=1, stream=stream.id, below=work.horizon())
    low, high = stream.first, newest[0].id if newest else stream.first
    while low < high:
        middle = (low + high) // 2
        found = work.select(RECORDS_AFTER, limit=1, stream=stream.id, after=middle)
        if found and found[0].at < at:
            low = found[0].id
        else:
            high = middle
    return low


def _number(request: GetShardIterator, stream: ItemStream, work: Work) -> int:
    text = request.sequence_number
    if text is None or not text.isdecimal() or not _NUMBER_BASE <= int(text[:40]) < _NUMBER_BASE + (1 << 63):
        raise ValidationException(
            f"Invalid SequenceNumber: {text}"
            if text is not None
            else "SequenceNumber is required for this ShardIteratorType"
        )
    number = int(text) - _NUMBER_BASE
    oldest = work.select(RECORDS_AFTER, limit=1, stream=stream.id, after=0)
    starts = {shard.first for shard in shards.shards_of(stream)}
    if oldest and number < oldest[0].id and number not in starts:
        raise TrimmedDataAccessException
    return number


def _iterator_text(iterator: Iterator) -> str:
    return f"{iterator.arn}|1|{urlsafe_b64encode(msgspec.msgpack.encode(iterator)).decode()}"


def _iterator_of(text: str) -> Iterator:
    try:
        return msgspec.msgpack.decode(urlsafe_b64decode(text.rpartition("|")[2]), type=Iterator)
    except (ValueError, msgspec.DecodeError) as error:
        raise ValidationException("Invalid ShardIterator") from error


def get_records(request: GetRecords, work: Work) -> dict[str, Any]:
    """The next records; an open shard always gives a next iterator, a closed one until its end.

    Raises:
        ExpiredIteratorException: the iterator is more than 15 minutes old.
        ResourceNotFoundException: the stream is gone.
        ValidationException: the iterator is none, or the limit too high.
    """
    if request.limit > RECORDS_MAX:
        raise ValidationException(
            f"1 validation error detected: Value '{request.limit}' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000"
        )
    iterator = _iterator_of(request.shard_iterator)
    if work.now > iterator.given + ITERATOR_LIFE:
        raise ExpiredIteratorException
    stream = _stream(iterator.arn, work, "GetRecords")
    last = next((one.last for one in shards.shards_of(stream) if one.first == iterator.shard), None)
    page, ended = _page(stream, iterator.after, request.limit, work)
    records = page if last is None else [record for record in page if record.id < last]
    # A closed shard ends when no other node can still be writing one of its records.
    ended = len(records) < len(page) or (ended and (last is None or work.horizon() >= last))
    answer: dict[str, Any] = {"Records": [described_record(record, stream) for record in records]}
    if last is None or not ended:
        after = records[-1].id if records else iterator.after
        answer["NextShardIterator"] = _iterator_text(Iterator(stream.arn, after, work.now, iterator.shard))
    return answer


def _page(stream: ItemStream, after: int, limit: int, work: Work) -> tuple[list[StreamRecord], bool]:
    """Records up to the limit or 1 MB, and whether nothing follows them now."""
    records: list[StreamRecord] = []
    size = 0
    while len(records) < limit and size < ANSWER_BYTES_MAX:
        step = min(_STEP, limit - len(records))
        found = work.select(RECORDS_AFTER, limit=step, stream=stream.id, after=after)
        for record in found:
            if size + record.size > ANSWER_BYTES_MAX and records:
                return records, False
            records.append(record)
            size += record.size
        if len(found) < step:
            return records, True
        after = found[-1].id
    return records, False


def described_record(record: StreamRecord, stream: ItemStream) -> dict[str, Any]:
    """A record as GetRecords shows it."""
    parsed = parse_arn(stream.arn)
    assert parsed is not None
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": record.at.replace(microsecond=0),
        "Keys": decode_item(record.keys),
        "SequenceNumber": sequence_number(record.id),
        "SizeBytes": record.size,
        "StreamViewType": stream.view,
    }
    if record.new is not None:
        change["NewImage"] = decode_item(record.new)
    if record.old is not None:
        change["OldImage"] = decode_item(record.old)
    answer: dict[str, Any] = {
        "eventID": blake2b(f"{stream.arn}/{record.id}".encode(), digest_size=16).hexdigest(),
        "eventName": record.event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": parsed.region,
        "dynamodb": change,
    }
    if record.expired:
        answer["userIdentity"] = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    return answer
