"""Files that are packed. GZIP is Python's own; ZSTD is read with pyarrow, which is not installed with Interstate itself.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html ("InputType": GZIP, ZSTD)
"""

from importlib import import_module
from typing import Any, Final
from zlib import decompressobj
from zlib import error as zlib_error

from interstate.core.items.reading import Unreadable

_MAGIC: Final = {b"\x1f\x8b": "GZIP", b"\x28\xb5\x2f\xfd": "ZSTD"}
MISSING: Final = "Interstate reads ZSTD files with pyarrow: run `make parquet`, or install interstate[parquet]."


def packed_as(beginning: bytes) -> str | None:
    """How a file is packed that begins so; its name does not matter."""
    return next((form for magic, form in _MAGIC.items() if beginning.startswith(magic)), None)


def unpacked(data: bytes, form: str, most: int) -> bytes:
    """The bytes of a packed file.

    Raises:
        Unreadable: it is broken, it has more than ``most`` bytes, or pyarrow is not installed.
    """
    plain = _gzip(data, most) if form == "GZIP" else _zstd(data, most)
    if len(plain) > most:
        raise Unreadable(f"Interstate unpacks files up to {most >> 20} MiB.")
    return plain


def _gzip(data: bytes, most: int) -> bytes:
    plain = b""
    while data and len(plain) <= most:  # A GZIP file may have several members.
        member = decompressobj(31)
        try:
            plain += member.decompress(data, most + 1 - len(plain))
        except zlib_error:
            raise Unreadable("The file is not a valid GZIP file.") from None
        if not member.eof and len(plain) <= most:
            raise Unreadable("The file is not a valid GZIP file.")
        data = member.unused_data
    return plain


def _zstd(data: bytes, most: int) -> bytes:
    try:
        arrow: Any = import_module("pyarrow")
    except ImportError:
        raise Unreadable(MISSING) from None
    try:
        plain: bytes = arrow.CompressedInputStream(arrow.BufferReader(data), "zstd").read(most + 1)
    except (arrow.ArrowException, OSError):
        raise Unreadable("The file is not a valid ZSTD file.") from None
    return plain
