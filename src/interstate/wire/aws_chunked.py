r"""The content coding ``aws-chunked``: bodies that SDKs send in signed or checksummed chunks, with trailers.

    10000;chunk-signature=ad80c730...\r\n
    <65536 bytes>\r\n
    0;chunk-signature=b6c6ea8a...\r\n
    x-amz-checksum-crc32:sOO8/Q==\r\n
    \r\n

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from collections.abc import Mapping

from interstate.base.errors import ServiceError

STREAMING = "STREAMING-"
"""What ``x-amz-content-sha256`` begins with for such bodies."""


class IncompleteBody(ServiceError):
    """The chunks end before they said they would, or are no chunks."""

    def __init__(self) -> None:
        super().__init__("The request body terminated unexpectedly", code="IncompleteBody")


def is_chunked(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body comes in chunks of this coding."""
    return headers.get(b"x-amz-content-sha256", b"").startswith(STREAMING.encode()) or (
        b"aws-chunked" in headers.get(b"content-encoding", b"")
    )


def decoded(body: bytes, headers: Mapping[bytes, bytes]) -> tuple[bytes, dict[bytes, bytes]]:
    """The content, and the headers with the trailers in place and without the coding.

    Raises:
        IncompleteBody: the body is not so coded.
    """
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise IncompleteBody
        size = _size(body[at:end])
        at = end + 2
        if size == 0:
            break
        parts.append(body[at : at + size])
        if len(parts[-1]) != size or body[at + size : at + size + 2] != b"\r\n":
            raise IncompleteBody
        at += size + 2
    content = b"".join(parts)
    expected = headers.get(b"x-amz-decoded-content-length")
    if expected is not None and expected != str(len(content)).encode():
        raise IncompleteBody
    return content, {**_without_coding(headers), **_trailers(body[at:])}


def _size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise IncompleteBody from None


def _trailers(text: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in text.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and name.lower().startswith(b"x-amz-checksum-"):
            found[name.strip().lower()] = value.strip()
    return found


def _without_coding(headers: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """S3 does not store the coding: ``aws-chunked,gzip`` is kept as ``gzip``."""
    codings = [part.strip() for part in headers.get(b"content-encoding", b"").split(b",")]
    left = b",".join(part for part in codings if part and part != b"aws-chunked")
    rest = {name: value for name, value in headers.items() if name != b"content-encoding"}
    return {**rest, b"content-encoding": left} if left else rest
