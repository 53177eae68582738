"""Which door a request comes to: AWS's APIs, an API of API Gateway, a function's URL, or our own controls.

Addresses of APIs and function URLs (the region may be left out):

* ``{apiId}.execute-api.{region}.localhost:4566/{stage and path}``
* ``localhost:4566/_apis/{apiId}/{stage and path}``, where names below localhost do not resolve
* ``{urlId}.lambda-url.{region}.localhost:4566/{path}``

Addresses that stand in SNS's messages are opened without a signature:

* ``localhost:4566/SimpleNotificationService-{digest}.pem``
* ``localhost:4566/?Action=ConfirmSubscription&...``, ``?Action=Unsubscribe&...``

So are those under which GetFunction shows code, which carry a signature of their own:

* ``localhost:4566/_lambda-code/{digest}.zip?Expires=...&Signature=...``
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION, Caller

_CONTROL = "/_interstate"
_APIS = "/_apis/"
_SERVICES = {"execute-api": "ApiId", "lambda-url": "UrlId"}
_IDS = {**_SERVICES, "sns-certificate": "Name", "sns-link": "Name", "lambda-code": "Name"}
_CERTIFICATE = "/SimpleNotificationService-"
_CODE = "/_lambda-code/"
_LINKS = ("Action=ConfirmSubscription&", "Action=Unsubscribe&")


class Door(msgspec.Struct, frozen=True):
    """An internal operation ``Invoke`` of ``service`` for the API or function URL ``id``."""

    service: str
    id: str
    region: str
    path: str


def is_control(path: str) -> bool:
    """The path is one of our own controls."""
    return path.startswith(_CONTROL) and (len(path) == len(_CONTROL) or path[len(_CONTROL)] == "/")


def door_of(host: bytes, path: str) -> Door | None:
    """The API or function URL that an address means; None for AWS's APIs."""
    if path.startswith(_APIS):
        api, slash, rest = path[len(_APIS) :].partition("/")
        return Door("execute-api", api, DEFAULT_REGION, slash + rest or "/") if api else None
    if b".execute-api." not in host and b".lambda-url." not in host:
        return None
    labels = host.decode("latin-1").partition(":")[0].lower().split(".")
    if len(labels) < 3 or labels[1] not in _SERVICES:
        return None
    region = labels[2] if len(labels) > 3 else DEFAULT_REGION
    return Door(labels[1], labels[0], region, path)


def notification_door(path: str, query: str) -> Door | None:
    """The certificate or link of SNS, or the code of a function, that an unsigned GET opens; None for everything else."""
    if path.startswith(_CERTIFICATE):
        return Door("sns-certificate", path[1:], DEFAULT_REGION, path)
    if path.startswith(_CODE):
        return Door("lambda-code", path[len(_CODE) :], DEFAULT_REGION, path)
    if path == "/" and query.startswith(_LINKS):
        return Door("sns-link", "", DEFAULT_REGION, path)
    return None


def invocation(
    door: Door,
    *,
    method: str,
    query: str,
    headers: Sequence[tuple[bytes, bytes]],
    body: bytes,
    source_ip: str,
    host: bytes,
) -> tuple[Mapping[str, Any], Caller]:
    """The parameters of ``Invoke`` and its caller.

    The answer is ``{"StatusCode": 200, "Headers": [["name", "value"]], "Body": b""}``.
    """
    params = {
        _IDS[door.service]: door.id,
        "Method": method,
        "Path": door.path,
        "RawQuery": query,
        "Headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in headers],
        "Body": body,
        "SourceIp": source_ip,
        "Host": host.decode("latin-1"),
    }
    return params, Caller(DEFAULT_ACCOUNT, door.region)
