"""The child process that packages and transforms templates: one JSON request on stdin, one JSON answer on stdout.

A child, because aws-sam-translator takes half a second to import and computes in Python: the server's loop must not wait for it.

    {"path": "/app/template.yaml" or null, "template": {...} or null, "parameters": {...}, "region": "us-east-1"}
    {"original": {...}, "template": {...}} or {"error": "...", "code": "ValidationError"}
"""

import sys
from pathlib import Path

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject
from interstate.core.templates.reader import read_template
from interstate.runtime.packaging import package, plain, warm


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
        original = order.template if order.path is None else package(Path(order.path))
        assert original is not None
        kept = msgspec.json.encode(original)  # The translator works in place.
        template = plain(original, order.parameters, order.region)
    except ServiceError as error:
        return Result(error=error.message, code=error.code)
    except (OSError, UnicodeDecodeError) as error:
        return Result(error=str(error), code="ValidationError")
    return Result(msgspec.json.decode(kept), template, source=source)


def main() -> None:
    """Answer the one request; a child that was started ahead of it makes its imports meanwhile."""
    if "warm" in sys.argv[1:]:
        warm()
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(order)))


if __name__ == "__main__":
    main()
