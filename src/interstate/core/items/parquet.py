"""The rows of a Parquet file as JSON Lines. Parquet is read with pyarrow, which is not installed with Interstate itself.

How Step Functions writes values that JSON has no word for is not published; here instants and dates are ISO 8601, decimals are
numbers, bytes are Base64.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from math import isfinite
from typing import Any, Final

from interstate.base.json import JSON, dumps_bytes
from interstate.core.items.reading import Unreadable

ROWS_AT_ONCE: Final = 1_000
MISSING: Final = "Interstate reads Parquet files with pyarrow: run `make parquet`, or install interstate[parquet]."


def parquet_lines(data: bytes) -> Iterator[bytes]:
    """Some rows at a time, each a line.

    Raises:
        Unreadable: it is no Parquet file, or pyarrow is not installed.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise Unreadable(MISSING) from None
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data))
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
            yield b"".join(dumps_bytes(_json(row)) + b"\n" for row in batch.to_pylist())
    except (arrow.ArrowException, OSError) as error:
        raise Unreadable(f"The file is not a valid Parquet file: {error}") from None


def _json(value: Any) -> JSON:
    match value:
        case dict():
            return {str(name): _json(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_json(inner) for inner in value]
        case bytes():
            return b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case float() if not isfinite(value):
            return None
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
