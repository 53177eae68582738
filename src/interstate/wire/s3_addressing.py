"""How S3 requests name a bucket, a key and an operation.

A bucket stands in the host (``bucket.s3.localhost``, ``bucket.s3.eu-west-1.amazonaws.com``) or is the first segment of the path. The
rest of the path is the key, byte for byte: slashes at its ends and doubled ones belong to it. Which operation is meant
depends on the method, on how deep the address goes, and on query parameters and headers: of all operations whose demands
are met, the one that demands most.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and the ``http`` bindings of botocore's model.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from interstate.base.arn import DEFAULT_REGION
from interstate.wire.messages import Request
from interstate.wire.model import OperationModel, ServiceModel

_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.(?:localhost|amazonaws\.com)\Z",
    re.IGNORECASE,
)
_SERVICE, _BUCKET, _KEY = 0, 1, 2


class Host(NamedTuple):
    """What the name of a host tells: ``bucket`` is "" where the path tells it."""

    bucket: str
    region: str


class Address(NamedTuple):
    """An operation and its labels."""

    operation: str
    labels: Mapping[str, str]


class _Candidate(NamedTuple):
    name: str
    query: Mapping[str, str]  # Demanded, with these values.
    named: frozenset[str]  # Query parameters that must be there.
    headers: frozenset[bytes]  # Headers that must be there.

    @property
    def weight(self) -> int:
        return len(self.query) + len(self.named) + len(self.headers)


def host_of(host: bytes) -> Host | None:
    """The bucket and region of a host that is S3's; None for any other."""
    if b"s3" not in host:
        return None
    found = _HOST.match(host.decode("latin-1").rpartition(":")[0] or host.decode("latin-1"))
    if found is None:
        return None
    return Host((found["bucket"] or "").lower(), found["region"] or DEFAULT_REGION)


class S3Operations:
    """The operations of S3's model, by method and depth of address."""

    def __init__(self, model: ServiceModel) -> None:
        self._candidates: dict[tuple[str, int], list[_Candidate]] = {}
        for operation in model.operations.values():
            found = _candidate(operation, model)
            if found is None:
                continue
            depth, candidate = found
            self._candidates.setdefault((operation.method, depth), []).append(candidate)
        for candidates in self._candidates.values():
            candidates.sort(key=lambda candidate: -candidate.weight)

    def match(self, request: Request) -> Address | None:
        """The operation that a request means; None when no method of S3 is like it."""
        host = host_of(request.headers.get(b"host", b""))
        bucket, key = _split(request.path, host.bucket if host else "")
        labels = {name: value for name, value in (("Bucket", bucket), ("Key", key)) if value}
        depth = _KEY if key else _BUCKET if bucket else _SERVICE
        query = dict(parse_qsl(request.query, keep_blank_values=True)) if request.query else {}
        for candidate in self._candidates.get((request.method, depth), ()):
            if (
                candidate.query.items() <= query.items()
                and candidate.named <= query.keys()
                and candidate.headers <= request.headers.keys()
            ):
                return Address(candidate.name, labels)
        return None


def _split(path: str, bucket: str) -> tuple[str, str]:
    rest = path[1:]
    if not bucket:
        bucket, _, rest = rest.partition("/")
    return unquote(bucket), unquote(rest)


def _candidate(operation: OperationModel, model: ServiceModel) -> tuple[int, _Candidate] | None:
    path, _, query = operation.uri.partition("?")
    depth = _KEY if "{Key+}" in path else _BUCKET if "{Bucket}" in path else _SERVICE
    if not (path.startswith("/{Bucket}") or path == "/"):  # Object Lambda's answer has an address of its own.
        return None
    demanded = {name: value for name, value in parse_qsl(query, keep_blank_values=True) if name != "x-id"}
    required = _required(operation, model)
    named = frozenset(member.wire for member in required if member.location == "querystring")
    headers = frozenset(member.wire.lower().encode() for member in required if member.location == "header")
    # Without a body's headers a request is still recognized: what lacks is refused by name later.
    headers &= {b"x-amz-copy-source"}
    return depth, _Candidate(operation.name, demanded, named, headers)


def _required(operation: OperationModel, model: ServiceModel) -> Iterable[Any]:
    if not operation.input:
        return ()
    shape = model.shapes[operation.input]
    return [member for member in shape.members if member.name in shape.required and member.location]
