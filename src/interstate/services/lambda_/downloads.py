"""Addresses from which the code of functions and layers can be downloaded: for ten minutes, by whoever has one.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html ("a link to download the deployment package that's
valid for 10 minutes")
"""

import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec

from interstate.base.numbers import whole_number
from interstate.services.doors import Response
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, CODE_KEYS, CodeKey

PATH = "/_lambda-code/"
VALID = timedelta(minutes=10)
_OWN = "own"
_DEFAULT_HOST = "localhost:4566"


class Download(msgspec.Struct, frozen=True, rename="pascal"):
    """A request that came through the door of code."""

    name: str
    raw_query: str = ""


def location(place: str, work: Work) -> str:
    """The address of code that is kept as a zip; of a folder, its path."""
    kind, _, rest = place.partition(":")
    if kind == "dir":
        return rest
    key = work.get(CODE_KEYS, _OWN)
    if key is None:
        key = CodeKey(_OWN, work.entropy.hex(32))
        work.put(CODE_KEYS, key)
    name, expires = f"{rest}.zip", int((work.now + VALID).timestamp())
    host = work.caller.host or _DEFAULT_HOST
    return f"http://{host}{PATH}{name}?Expires={expires}&Signature={_signature(key, name, expires)}"


def _signature(key: CodeKey, name: str, expires: int) -> str:
    return hmac.digest(key.secret.encode(), f"{name}\n{expires}".encode(), "sha256").hex()


def download(request: Download, work: Work) -> dict[str, Any]:
    """The zip under its address; 403 when the address is not ours, was changed, or is too old."""
    query = parse_qs(request.raw_query)
    expires = whole_number(query.get("Expires", [""])[0])
    key = work.get(CODE_KEYS, _OWN)
    if key is None or expires is None or expires < work.now.timestamp():
        return _refused("Request has expired")
    if not hmac.compare_digest(_signature(key, request.name, expires), query.get("Signature", [""])[0]):
        return _refused("The signature does not match")
    code = work.get(CODE, request.name.removesuffix(".zip"))
    if code is None:
        return _answer(404, "text/plain", b"There is no such code any more.\n")
    return _answer(200, "application/zip", code.content)


def _refused(why: str) -> dict[str, Any]:
    return _answer(403, "text/plain", f"{why}.\n".encode())


def _answer(status: int, kind: str, body: bytes) -> dict[str, Any]:
    return Response(status, [("content-type", kind)], body).answer()
