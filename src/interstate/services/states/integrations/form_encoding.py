"""JSON objects as URL-encoded forms, in the styles that an HTTP Task knows.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html#url-encode-request-body (ArrayFormat: INDICES
``array[0]=a``, REPEAT ``array=a&array=b``, COMMAS ``array=a,b``, BRACKETS ``array[]=a``, NONE: as JSON text).
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote_plus

from interstate.base.json import JSON, dumps


def form_encoded(body: Mapping[str, JSON], style: str) -> str:
    """The object as a form; inner objects are ``outer[inner]=...``."""
    pairs = (pair for name, value in body.items() for pair in _pairs(name, value, style))
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def _pairs(name: str, value: JSON, style: str) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for inner, item in value.items():
                yield from _pairs(f"{name}[{inner}]", item, style)
        case list() if style == "COMMAS":
            yield name, ",".join(_text(item) for item in value)
        case list() if style == "NONE":
            yield name, dumps(value)
        case list():
            for index, item in enumerate(value):
                suffix = {"INDICES": f"[{index}]", "BRACKETS": "[]"}.get(style, "")
                yield from _pairs(f"{name}{suffix}", item, style)
        case _:
            yield name, _text(value)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else dumps(value)
