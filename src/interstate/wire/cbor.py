"""CBOR, as far as the RPC v2 protocol needs it.

Written: whole numbers, doubles, texts, bytes, lists, maps, true, false, null, and instants as tag 1. Read: the same, half and
single floats, bignums, and parts of indefinite length, which some clients send. Other tags are looked through.

Source: RFC 8949, sections 3 and 3.4; https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html ("Shape serialization").
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from interstate.base.time import to_epoch_s
from interstate.wire.errors import SerializationException
from interstate.wire.reading import read_instant

_DEPTH_MAX = 64
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_INDEFINITE = 31
_BREAK = object()
_SIMPLES: dict[int, Any] = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (2, ">e"), 26: (4, ">f"), 27: (8, ">d")}
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_EPOCH_TAG, _BIGNUM_TAG, _NEGATIVE_BIGNUM_TAG = 1, 2, 3
_UINT64_MAX = (1 << 64) - 1


def cbor_bytes(value: Any) -> bytes:
    """A value as CBOR; members of maps that are None are left out."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


def _write(value: Any, out: bytearray) -> None:  # noqa: PLR0912, C901 a case for each type
    match value:
        case None:
            out.append(0xF6)
        case bool():
            out.append(0xF5 if value else 0xF4)
        case int():
            if value > _UINT64_MAX or value < -1 - _UINT64_MAX:
                _write(float(value), out)
            elif value >= 0:
                _head(_UNSIGNED, value, out)
            else:
                _head(_NEGATIVE, -1 - value, out)
        case float():
            out += b"\xfb" + struct.pack(">d", value)
        case str():
            encoded = value.encode("utf-8", "surrogatepass")
            _head(_TEXT, len(encoded), out)
            out += encoded
        case bytes() | bytearray() | memoryview():
            _head(_BYTES, len(value), out)
            out += value
        case datetime():
            _head(_TAG, _EPOCH_TAG, out)
            _write(float(to_epoch_s(value)), out)
        case Mapping():
            present = {key: item for key, item in value.items() if item is not None}
            _head(_MAP, len(present), out)
            for key, item in present.items():
                _write(key, out)
                _write(item, out)
        case Sequence():
            _head(_LIST, len(value), out)
            for item in value:
                _write(item, out)
        case _:
            raise TypeError(type(value).__name__)


def _head(major: int, argument: int, out: bytearray) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    for info, size in _SIZES.items():
        if argument < 1 << (8 * size):
            out.append(major << 5 | info)
            out += argument.to_bytes(size)
            return
    raise AssertionError(argument)


def read_cbor(body: bytes) -> Any:
    """The value of a body; instants are datetimes.

    Raises:
        SerializationException: it is not CBOR, or something follows it.
    """
    reader = _Reader(body)
    try:
        value = reader.value(0)
    except (IndexError, UnicodeDecodeError, struct.error):
        raise _broken() from None
    if value is _BREAK or reader.at != len(body):
        raise _broken()
    return value


def _broken() -> SerializationException:
    return SerializationException("Could not parse the request body into CBOR: it is not valid CBOR")


class _Reader:
    """Reads forward; what is announced longer than the body is refused before it is looked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth > _DEPTH_MAX:
            raise SerializationException("The request is nested too deeply")
        head = self._body[self.at]
        self.at += 1
        major, info = head >> 5, head & 31
        if major == _SIMPLE:
            return self._simple(info)
        if info == _INDEFINITE:
            return self._indefinite(major, depth)
        argument = self._argument(info)
        match major:
            case 0:
                return argument
            case 1:
                return -1 - argument
            case 2:
                return self._take(argument)
            case 3:
                return self._take(argument).decode()
            case 4:
                self._possible(argument)
                return [self._part(depth) for _ in range(argument)]
            case 5:
                self._possible(argument)
                return {self._key(depth): self._part(depth) for _ in range(argument)}
            case _:
                return self._tagged(argument, depth)

    def _simple(self, info: int) -> Any:
        if info == _INDEFINITE:
            return _BREAK
        if info in _FLOATS:
            size, form = _FLOATS[info]
            return struct.unpack(form, self._take(size))[0]
        if info not in _SIMPLES:
            raise _broken()
        return _SIMPLES[info]

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info not in _SIZES:
            raise _broken()
        return int.from_bytes(self._take(_SIZES[info]))

    def _take(self, count: int) -> bytes:
        self._possible(count)
        taken = self._body[self.at : self.at + count]
        self.at += count
        return taken

    def _possible(self, count: int) -> None:
        if count > len(self._body) - self.at:
            raise _broken()

    def _part(self, depth: int) -> Any:
        value = self.value(depth + 1)
        if value is _BREAK:
            raise _broken()
        return value

    def _key(self, depth: int) -> str:
        key = self._part(depth)
        if not isinstance(key, str):
            raise _broken()
        return key

    def _indefinite(self, major: int, depth: int) -> Any:
        parts: list[Any] = []
        while (part := self.value(depth + 1)) is not _BREAK:
            parts.append(part)
        match major:
            case 2 if all(isinstance(part, bytes) for part in parts):
                return b"".join(parts)
            case 3 if all(isinstance(part, str) for part in parts):
                return "".join(parts)
            case 4:
                return parts
            case 5 if len(parts) % 2 == 0 and all(isinstance(key, str) for key in parts[::2]):
                return dict(zip(parts[::2], parts[1::2], strict=True))
            case _:
                raise _broken()

    def _tagged(self, tag: int, depth: int) -> Any:
        value = self._part(depth)
        if tag == _EPOCH_TAG:
            instant = read_instant(value) if isinstance(value, int | float) else None
            if instant is None:
                raise _broken()
            return instant
        if tag in (_BIGNUM_TAG, _NEGATIVE_BIGNUM_TAG) and isinstance(value, bytes):
            number = int.from_bytes(value)
            return number if tag == _BIGNUM_TAG else -1 - number
        return value
