"""Shards of a stream, and their lineage.

A shard is a range of record numbers. The open one is closed when it is four hours old and holds records; the next one is its
child. A shard is forgotten when its child is a day old: then nothing is left of it.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec

from interstate.store.ports import Work
from interstate.store.records.dynamodb import RECORDS_AFTER, STREAM_RECORDS, ItemStream, ShardStart

SHARD_LIFE = timedelta(hours=4)
RETENTION = timedelta(hours=24)


class Shard(msgspec.Struct, frozen=True):
    """The records whose numbers lie between ``first`` and ``last`` (None: it is open). ``parent`` is its ``first``."""

    first: int
    last: int | None
    at: datetime
    parent: int | None = None


def shards_of(stream: ItemStream) -> list[Shard]:
    """A stream's shards, oldest first."""
    starts = (ShardStart(stream.first, stream.created), *stream.shards)
    ends = (*(start.first for start in stream.shards), stream.last)
    parents = (None, *(start.first for start in starts[:-1]))
    return [Shard(start.first, end, start.at, parent) for start, end, parent in zip(starts, ends, parents, strict=True)]


def shard_name(stream: ItemStream, first: int) -> str:
    """The name of the shard that begins behind a number."""
    digest = blake2b(f"{stream.arn}/{first}".encode(), digest_size=4).hexdigest()
    return f"shardId-{first:020d}-{digest}"


def rolled(stream: ItemStream, work: Work) -> ItemStream:
    """The stream with a new shard where the open one is old and has records, without shards that are empty for good."""
    if stream.disabled is not None:
        return stream
    newest = shards_of(stream)[-1]
    if work.now - newest.at >= SHARD_LIFE:
        page = work.select(RECORDS_AFTER, limit=1, stream=stream.id, after=newest.first)
        if page:
            start = ShardStart(work.next_id(STREAM_RECORDS), work.now)
            stream = msgspec.structs.replace(stream, shards=(*stream.shards, start))
    while stream.shards and work.now - stream.shards[0].at > RETENTION:
        oldest = stream.shards[0]
        stream = msgspec.structs.replace(stream, first=oldest.first, shards=stream.shards[1:])
    return stream
