"""What we frame, AWS's own client reads."""

from typing import Any

from botocore.eventstream import EventStreamBuffer

from interstate.wire.event_stream import event_stream


def test_botocore_reads_the_frames() -> None:
    events: list[dict[str, Any]] = [
        {"PayloadChunk": {"Payload": b"\x00one"}},
        {"PayloadChunk": {"Payload": b"two"}},
        {"InvokeComplete": {"ErrorCode": "x"}},
    ]
    buffer = EventStreamBuffer()
    buffer.add_data(event_stream(events))
    frames: list[Any] = list(buffer)
    read = [(frame.headers[":event-type"], frame.headers[":content-type"], frame.payload) for frame in frames]
    assert read == [
        ("PayloadChunk", "application/octet-stream", b"\x00one"),
        ("PayloadChunk", "application/octet-stream", b"two"),
        ("InvokeComplete", "application/json", b'{"ErrorCode":"x"}'),
    ]
