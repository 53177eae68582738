"""The child process that packages and transforms templates: orders on stdin, an answer for each on stdout, until stdin ends.

A child, because aws-sam-translator takes half a second to import and computes in Python: the server's loop must not wait for it.
An order and an answer are JSON, each behind its size (``framed``):

    {"path": "/app/template.yaml" or null, "template": {...} or null, "parameters": {...}, "region": "us-east-1"}
    {"original": {...}, "template": {...}} or {"error": "...", "code": "ValidationError"}
"""

import gc
import os
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject
from interstate.core.templates.reader import read_template
from interstate.runtime.packaging import packaged, plain, warm

SIZE_BYTES = 8


class Order(msgspec.Struct, frozen=True):
    """What to do: the template of a file with what lies beside it, or a template as it is."""

    region: str
    path: str | None = None
    template: JSONObject | None = None
    parameters: dict[str, str] = {}


class Result(msgspec.Struct, frozen=True):
    """The template before and after its transforms, or why there is none."""

    original: JSONObject | None = None
    template: JSONObject | None = None
    error: str | None = None
    code: str | None = None
    source: JSONObject | None = None  # As it stands on disk, for those who watch its paths.


def carry_out(order: Order) -> Result:
    """Package and transform; refusals are answers."""
    try:
        source = None if order.path is None else read_template(Path(order.path).read_text("utf-8"))
        original = order.template if source is None else packaged(source, Path(order.path or ""))
        assert original is not None
        working = msgspec.json.decode(msgspec.json.encode(original), type=JSONObject)  # The translator works in place.
        template = plain(working, order.parameters, order.region)
    except ServiceError as error:
        return Result(error=error.message, code=error.code)
    except (OSError, UnicodeDecodeError) as error:
        return Result(error=str(error), code="ValidationError")
    return Result(original, template, source=source)


def framed(body: bytes) -> bytes:
    """The body behind its size."""
    return len(body).to_bytes(SIZE_BYTES) + body


def answer_all(orders: BinaryIO, answers: BinaryIO) -> None:
    """Answer each order, until there are no more.

    An order leaves some 100,000 objects, and none of them is garbage before its answer: it is looked for when the answer is given.
    """
    gc.disable()
    while len(size := orders.read(SIZE_BYTES)) == SIZE_BYTES:
        order = msgspec.json.decode(orders.read(int.from_bytes(size)), type=Order)
        answers.write(framed(msgspec.json.encode(carry_out(order))))
        answers.flush()
        gc.collect()


def main() -> None:
    """A child that was started ahead of its first order makes its imports meanwhile."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # What a library prints is no answer.
        if "warm" in sys.argv[1:]:
            warm()
        answer_all(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
