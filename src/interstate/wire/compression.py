"""Requests whose bodies were compressed: clients of CloudWatch do so with large PutMetricData calls.

Source: https://smithy.io/2.0/spec/behavior-traits.html (requestCompression).
"""

import zlib

import msgspec

from interstate.wire.errors import RequestTooLarge, SerializationException
from interstate.wire.messages import Request

BODY_BYTES_MAX = 4_194_304  # PutMetricData takes 1 MB.
_GZIP = 31  # zlib's window for gzip's own header.


def unpacked(request: Request) -> Request:
    """The request with its body as it was before.

    Raises:
        SerializationException: the body is not gzip.
        RequestTooLarge: it would be too large.
    """
    if request.headers.get(b"content-encoding") != b"gzip":
        return request
    unpacker = zlib.decompressobj(_GZIP)
    try:
        body = unpacker.decompress(request.body, BODY_BYTES_MAX)
    except zlib.error as error:
        raise SerializationException(f"Could not decompress the request body: {error}") from None
    if unpacker.unconsumed_tail:
        raise RequestTooLarge(BODY_BYTES_MAX)
    if not unpacker.eof:
        raise SerializationException("Could not decompress the request body: it is not complete")
    return msgspec.structs.replace(request, body=body)
