"""The results of a Map Run: gathered into the Map's output, or written to S3.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from typing import Final, NamedTuple

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import ServiceError
from interstate.base.json import JSON, dumps, loads
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED, EXCEED_TOLERATED_FAILURE_THRESHOLD, StateFailed
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, MapRunSetup, MapWriting
from interstate.core.items.reading import Unreadable
from interstate.core.objects.checksums import etag_of
from interstate.services.s3 import bodies
from interstate.services.s3.locate import bucket_at
from interstate.services.s3.objects import save, second
from interstate.services.states.compiled import map_state
from interstate.services.states.distributed.inputs import Selecting, inputs
from interstate.services.states.distributed.items import items_from
from interstate.store.ports import Work
from interstate.store.records.map_runs import (
    MAP_SOURCES,
    RESULTS_OF_KIND,
    RESULTS_OF_RUN,
    MapResult,
    MapRun,
    Writing,
)
from interstate.store.records.s3 import Object
from interstate.store.records.states import EXECUTIONS, REVISIONS

PAGE: Final = 200
FILE_BYTES_MAX: Final = 5 << 30
"""What is longer goes on in the next file of its kind, ``FAILED_1``. Source: the page above; S3's own bound of one upload is the same."""
KINDS: Final = ("SUCCEEDED", "FAILED", "PENDING")


class WriterFailed(Exception):
    """The results cannot be written; ``str`` is the cause."""


class Gathered(NamedTuple):
    """The run as it is now, and the Map's output; ``again``: there are more pages to write."""

    run: MapRun
    output: str | None
    again: bool = False
    error: tuple[str, str] | None = None


def gather(run: MapRun, setup: MapRunSetup, work: Work) -> Gathered:
    """Bring the results where they belong: all at once into the output, or the next page to S3.

    Raises:
        WriterFailed: the bucket is not there.
    """
    if setup.writing is not None and setup.writing.bucket:
        return _written(run, setup.writing, work)
    if run.error is not None:
        return Gathered(run, None)
    flat = setup.writing is not None and setup.writing.transformation == "FLATTEN"
    lines = setup.writing is not None and setup.writing.output_type == "JSONL"
    texts: list[str] = []
    size, after = 2, 0
    while True:
        page = work.select(RESULTS_OF_RUN, limit=PAGE, run=run.id, after=after)
        for result in page:
            found = _flattened(result, flat=flat)
            texts += found
            size += sum(len(text) + 1 for text in found)
        if size > DATA_SIZE_MAX + len(texts):
            cause = (
                f"The state/task '{run.state}' returned a result with a size exceeding the maximum number of bytes "
                "service limit."
            )
            return Gathered(run, None, error=(DATA_LIMIT_EXCEEDED, cause))
        if len(page) < PAGE:
            break
        after = page[-1].child
    counts = run.counts
    tally = msgspec.structs.replace(
        counts,
        executions=msgspec.structs.replace(counts.executions, written=counts.executions.total),
        items=msgspec.structs.replace(counts.items, written=counts.items.total),
    )
    output = dumps("\n".join(texts)) if lines else f"[{','.join(texts)}]"
    return Gathered(msgspec.structs.replace(run, counts=tally), output)


def _flattened(result: MapResult, *, flat: bool) -> list[str]:
    if flat and result.kind == "SUCCEEDED":
        value = loads(result.text)
        if isinstance(value, list):
            return [dumps(item) for item in value]
    return [result.text]


# S3 ----------------------------------------------------------------------------------------------------------------


def _written(run: MapRun, writing: MapWriting, work: Work) -> Gathered:
    try:
        bucket = bucket_at(writing.bucket, work, caller_of(run.execution_arn).account)
    except ServiceError as error:
        raise WriterFailed(f"{error.message} (Service: Amazon S3; Error Code: {error.code})") from error
    at = run.writing
    folder = f"{writing.prefix.rstrip('/')}/" if writing.prefix else ""
    folder += run.arn.rpartition(":")[2]
    if at.kind:
        run = _write_page(run, writing, bucket.name, folder, work)
        return Gathered(run, None, again=True)
    manifest: JSON = {
        "DestinationBucket": bucket.name,
        "MapRunArn": run.arn,
        "ResultFiles": {
            kind: [{"Key": key, "Size": size} for of, key, size in at.files if of == kind]
            for kind in ("FAILED", "PENDING", "SUCCEEDED")
        },
    }
    key = f"{folder}/manifest.json"
    data = dumps(manifest).encode()
    _save((bucket.name, key), bodies.store(data, work), len(data), etag_of(data), work)
    counts = run.counts
    tally = msgspec.structs.replace(
        counts,
        executions=msgspec.structs.replace(counts.executions, written=counts.executions.total),
        items=msgspec.structs.replace(counts.items, written=counts.items.total),
    )
    run = msgspec.structs.replace(run, writing=msgspec.structs.replace(at, done=True))
    output: JSON = {"MapRunArn": run.arn, "ResultWriterDetails": {"Bucket": bucket.name, "Key": key}}
    return Gathered(msgspec.structs.replace(run, counts=tally), dumps(output))


def _write_page(run: MapRun, writing: MapWriting, bucket: str, folder: str, work: Work) -> MapRun:
    """The next page of results of the kind at hand; after its last, the file stands and the next kind's turn comes."""
    at = run.writing
    lines = writing.output_type == "JSONL"
    texts, at, more = _pending_page(run, work) if at.kind == "PENDING" else _result_page(run, writing, work)
    if texts:
        if at.body and at.size + sum(len(text.encode()) + 1 for text in texts) >= FILE_BYTES_MAX:
            at = _closed(at, writing, (bucket, folder), work)
        if not at.body:
            at = msgspec.structs.replace(at, body=bodies.begin(work))
        opening = "" if lines else "[" if at.size == 0 else ","
        data = (opening + ("\n" if lines else ",").join(texts) + ("\n" if lines else "")).encode()
        bodies.write(at.body, at.size, data, work)
        at = msgspec.structs.replace(at, size=at.size + len(data))
    if more:
        return msgspec.structs.replace(run, writing=at)
    if at.body:
        at = _closed(at, writing, (bucket, folder), work)
    following = KINDS.index(at.kind) + 1
    kind = KINDS[following] if following < len(KINDS) else ""
    return msgspec.structs.replace(run, writing=Writing(kind=kind, files=at.files))


def _closed(at: Writing, writing: MapWriting, place: tuple[str, str], work: Work) -> Writing:
    """The file at hand stands; the next one of its kind has the next number."""
    lines = writing.output_type == "JSONL"
    bucket, folder = place
    size = at.size
    if not lines:
        bodies.write(at.body, size, b"]", work)
        size += 1
    bodies.seal(at.body, size, work)
    number = sum(kind == at.kind for kind, _key, _size in at.files)
    key = f"{folder}/{at.kind}_{number}.{'jsonl' if lines else 'json'}"
    _save((bucket, key), at.body, size, f'"{work.entropy.hex(32)}-1"', work)
    return msgspec.structs.replace(at, body=0, size=0, files=[*at.files, (at.kind, key, size)])


Page = tuple[list[str], Writing, bool]
"""Texts, how far they have been read, and whether there are more."""


def _result_page(run: MapRun, writing: MapWriting, work: Work) -> Page:
    at = run.writing
    page = work.select(RESULTS_OF_KIND, limit=PAGE, run=run.id, kind=at.kind, after=at.after)
    flat = writing.transformation == "FLATTEN"
    texts = [text for result in page for text in _flattened(result, flat=flat)]
    after = page[-1].child if page else at.after
    return texts, msgspec.structs.replace(at, after=after), len(page) == PAGE


def _pending_page(run: MapRun, work: Work) -> Page:
    """The inputs of children that were not started because others failed the run, or because it was stopped.

    The run itself keeps its place for a redrive: here a second cursor goes on from there. Where the run failed because its items
    cannot be read or selected, none are told.
    """
    at = run.writing
    cursor = at.cursor
    if cursor is None:
        failed = run.status == "ABORTED" or run.error == EXCEED_TOLERATED_FAILURE_THRESHOLD
        if not failed or run.cursor.end:
            return [], at, False
        cursor = run.cursor
        if cursor.body:
            bodies.use(cursor.body, work)
    texts: list[str] = []
    more = True
    source, parent = work.get(MAP_SOURCES, run.id), work.get(EXECUTIONS, run.execution)
    assert source is not None, run
    assert parent is not None, run
    revision = work.get(REVISIONS, parent.revision)
    assert revision is not None, parent
    selecting = Selecting(map_state(revision, run.state), source.setup, work)
    steps = items_from(cursor, source.setup, caller_of(run.execution_arn), work)
    try:
        for text, _count, behind in inputs(steps, selecting, source.setup):
            cursor = behind
            if text is not None:
                texts.append(dumps({"Input": text, "InputDetails": {"Included": True}, "Status": "PENDING"}))
            if cursor.end or len(texts) >= PAGE or work.is_late:
                break
    except (Unreadable, StateFailed):
        more = False
    more = more and not cursor.end
    if not more and cursor.body:
        bodies.release(cursor.body, work)
    return texts, msgspec.structs.replace(at, cursor=cursor), more


def _save(place: tuple[str, str], body: int, size: int, etag: str, work: Work) -> None:
    headers = {"ContentType": "application/json"}
    save(Object(*place, body, size, etag, second(work.now), headers, {}, {}, {}), work)


def stop_writing(run: MapRun, work: Work) -> MapRun:
    """Let go of the items that were being told as PENDING."""
    cursor = run.writing.cursor
    if cursor is None:
        return run
    if cursor.body:
        bodies.release(cursor.body, work)
    return msgspec.structs.replace(run, writing=msgspec.structs.replace(run.writing, cursor=None))


def forget_page(run: int, work: Work) -> bool:
    """Forget a page of a run's results; tells whether there may be more."""
    return work.erase(RESULTS_OF_RUN, limit=PAGE, run=run, after=0) == PAGE
