"""Which service, operation and protocol a request means, and whose state it sees.

Theory of operation
-------------------
The JSON protocols name service and operation in ``X-Amz-Target``, which is looked up first. Everything else is recognized
by the signature's credential scope, then by the host's first label (``sqs.us-east-1.localhost``), then by the
``Version`` and ``Action`` of a query request, then by a path that only one REST service has.

The access key tells the account when it is one (12 digits); the credential scope tells the region.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal
from urllib.parse import unquote

import msgspec

from interstate.base.arn import DEFAULT_ACCOUNT, DEFAULT_REGION, Caller
from interstate.wire.errors import InvalidAction, MethodNotAllowed, UnknownOperationException, UnknownService
from interstate.wire.form import fields
from interstate.wire.messages import Request
from interstate.wire.model import Metadata, Models
from interstate.wire.paths import PathTable
from interstate.wire.query_json import wants_json
from interstate.wire.s3_addressing import S3Operations, host_of
from interstate.wire.sqs_addressing import ELSEWHERE, ActionNotHere, NothingAsked, is_queue_host, is_queue_path

Protocol = Literal["json", "query", "rest-json", "rest-xml", "cbor"]

_CALLERS_MAX = 4096  # Credential scopes remembered; a test suite has a handful.


class Route(msgspec.Struct, frozen=True):
    """What a request means. ``labels`` are a REST path's, ``fields`` a query request's.

    ``as_json``: the answer of a query request is to be JSON instead of XML.
    """

    metadata: Metadata
    operation: str
    protocol: Protocol
    labels: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}
    as_json: bool = False


class Scope(msgspec.Struct, frozen=True):
    """A signature's credential scope: who signed, for where and what."""

    access_key: str
    region: str
    service: str


NOBODY = Scope("", "", "")


class Router:
    """Recognizes requests by the models of all known services."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._targets: dict[bytes, Route] = {}
        self._scopes: dict[bytes, tuple[Scope, Caller]] = {}
        self._signers: dict[bytes, tuple[Scope, Caller]] = {}  # By the first part of an Authorization header.
        self._paths: dict[str, PathTable] = {}
        self._s3: S3Operations | None = None

    # Who ----------------------------------------------------------------------------------------------------------

    def scope(self, request: Request) -> tuple[Scope, Caller]:
        """The credential scope and the caller that it makes; the defaults where the request is not signed."""
        # The credential stands in the header's first part with nearly every client: then no other part matters.
        first = request.headers.get(b"authorization", b"").partition(b",")[0]
        known = self._signers.get(first)
        if known is None:
            known = self._scope(credential(request))
            if b"Credential=" in first:
                if len(self._signers) >= _CALLERS_MAX:
                    self._signers.clear()
                self._signers[first] = known
        return known

    def _scope(self, text: bytes) -> tuple[Scope, Caller]:
        known = self._scopes.get(text)
        if known is None:
            scope = parse_scope(text)
            known = scope, caller_of_scope(scope)
            if len(self._scopes) >= _CALLERS_MAX:
                self._scopes.clear()
            self._scopes[text] = known
        return known

    # What ---------------------------------------------------------------------------------------------------------

    def route(self, request: Request) -> Route:
        """The operation that a request means.

        Raises:
            UnknownService: nothing tells the service.
            UnknownOperationException: a JSON or REST service lacks the operation.
            InvalidAction: a query service lacks the operation.
        """
        target = request.headers.get(b"x-amz-target")
        if target is not None:
            return self._targets.get(target) or self._by_target(target)
        if b"smithy-protocol" in request.headers:
            return self._by_rpc_path(request)
        scope, _ = self.scope(request)
        names = self._models.by_signing_name.get(scope.service, ()) or self._by_host(request)
        if not names and is_queue_path(request.path):
            names = ("sqs",)
        if not names:
            return self._by_content(request, scope)
        return self._among(names, request)

    def _by_target(self, target: bytes) -> Route:
        text = target.decode("latin-1")
        prefix, _, operation = text.rpartition(".")
        name = self._models.by_target_prefix.get(prefix)
        if name is None:
            raise UnknownOperationException(text)
        model = self._models.service(name)
        if operation not in model.operations:
            raise UnknownOperationException(text)
        route = Route(model.metadata, operation, "json")
        self._targets[target] = route  # Bounded by the operations of all models.
        return route

    def _by_rpc_path(self, request: Request) -> Route:
        """``/service/GraniteServiceVersion20100801/operation/PutMetricData``."""
        match request.path.strip("/").split("/"):
            case ["service", prefix, "operation", operation]:
                name = self._models.by_target_prefix.get(prefix)
                if name is not None and operation in self._models.service(name).operations:
                    return Route(self._models.metadata[name], operation, "cbor")
        raise UnknownOperationException(request.path)

    def _by_host(self, request: Request) -> tuple[str, ...]:
        """``sqs.us-east-1.localhost``, ``dynamodb.eu-west-1.amazonaws.com``."""
        if host_of(request.headers.get(b"host", b"")) is not None:
            return ("s3",)
        host = request.header(b"host").partition(":")[0]
        labels = host.split(".")
        if len(labels) < 2:
            return ()
        if is_queue_host(host):
            return ("sqs",)
        return self._by_endpoint_prefix.get(labels[0], ())

    @cached_property
    def _by_endpoint_prefix(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for entry in self._models.metadata.values():
            found[entry.endpoint_prefix] = (*found.get(entry.endpoint_prefix, ()), entry.name)
        return found

    def _among(self, names: tuple[str, ...], request: Request) -> Route:
        """The operation of one of a few services that share a signing name."""
        for name in names:
            metadata = self._models.metadata[name]
            if name == "s3":
                return self._by_s3_address(metadata, request)
            match metadata.protocol:
                case "rest-json" | "rest-xml" as protocol:
                    if route := self._by_path(metadata, request, protocol):
                        return route
                case _:
                    if route := self._by_action(metadata, request):
                        return route
        raise UnknownOperationException(f"{request.method} {request.path}")

    def _by_s3_address(self, metadata: Metadata, request: Request) -> Route:
        if self._s3 is None:
            self._s3 = S3Operations(self._models.service("s3"))
        found = self._s3.match(request)
        if found is None:
            raise MethodNotAllowed(request.method)
        return Route(metadata, found.operation, "rest-xml", found.labels)

    def _by_path(
        self, metadata: Metadata, request: Request, protocol: Literal["rest-json", "rest-xml"]
    ) -> Route | None:
        table = self._paths.get(metadata.name)
        if table is None:
            table = self._paths[metadata.name] = PathTable(self._models.service(metadata.name).operations.values())
        found = table.match(request.method, request.path, request.query)
        return Route(metadata, found.operation.name, protocol, found.labels) if found else None

    def _by_action(self, metadata: Metadata, request: Request) -> Route | None:
        """A query request; JSON services without a target are not recognized, except SQS, which still speaks query."""
        if metadata.protocol != "query" and not metadata.query_compatible:
            return None
        found = _form(request)
        action = found.get("Action", "")
        if metadata.name == "sqs" and is_queue_path(request.path):
            if not action:
                raise NothingAsked
            if action in ELSEWHERE or action not in self._models.service("sqs").operations:
                raise ActionNotHere(action)
        if action not in self._models.service(metadata.name).operations:
            raise InvalidAction(action, found.get("Version", ""))
        return Route(metadata, action, "query", {}, _with_queue_url(metadata, found, request), wants_json(request))

    def _by_content(self, request: Request, scope: Scope) -> Route:
        found = _form(request)
        if "Action" in found:
            for metadata in self._models.metadata.values():
                if metadata.api_version == found.get("Version") and (route := self._by_action(metadata, request)):
                    return route
        for metadata in self._models.metadata.values():
            if metadata.protocol == "rest-json" and (route := self._by_path(metadata, request, "rest-json")):
                return route
        facts = f"signed for {scope.service!r}" if scope.service else f"{request.method} {unquote(request.path)}"
        raise UnknownService(facts)


def _form(request: Request) -> dict[str, str]:
    """A query request's fields: those of its body, else of its address."""
    if request.body and request.headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        return fields(request.body)
    return fields(request.query.encode()) if request.query else {}


def _with_queue_url(metadata: Metadata, found: dict[str, str], request: Request) -> dict[str, str]:
    """Older SQS clients name the queue by posting to its address."""
    if metadata.name != "sqs" or "QueueUrl" in found or request.path.count("/") < 2:
        return found
    return {**found, "QueueUrl": f"http://{request.header(b'host')}{request.path}"}


# Credential scopes ---------------------------------------------------------------------------------------------------


def credential(request: Request) -> bytes:
    """``AKIDEXAMPLE/20261121/us-east-1/sqs/aws4_request`` of a header or a presigned address; empty when unsigned."""
    authorization = request.headers.get(b"authorization")
    if authorization is not None:
        start = authorization.find(b"Credential=")
        if start < 0:
            return b""
        end = authorization.find(b",", start)
        return authorization[start + 11 : end if end > 0 else None].strip()
    if "X-Amz-Credential=" in request.query:
        return fields(request.query.encode()).get("X-Amz-Credential", "").encode()
    if "AWSAccessKeyId=" in request.query and "Signature=" in request.query:  # S3's presigned addresses of old.
        key = fields(request.query.encode()).get("AWSAccessKeyId", "")
        return f"{key}/0/{DEFAULT_REGION}/s3/aws4_request".encode()
    return b""


def parse_scope(text: bytes) -> Scope:
    """Read ``key/date/region/service/aws4_request``; a key may hold slashes."""
    parts = text.decode("latin-1").rsplit("/", 4)
    if len(parts) != 5 or not parts[0]:
        return NOBODY
    return Scope(parts[0], parts[2], parts[3])


def caller_of_scope(scope: Scope) -> Caller:
    """The account that the access key names, in the scope's region."""
    key = scope.access_key
    account = key if len(key) == 12 and key.isascii() and key.isdigit() else DEFAULT_ACCOUNT
    return Caller(account, scope.region or DEFAULT_REGION, key or "test")
