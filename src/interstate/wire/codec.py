"""The whole of ``wire`` behind one door: recognize, decode, encode, refuse."""

from collections.abc import Mapping
from typing import Any, assert_never

from interstate.base.errors import ServiceError
from interstate.wire import query_json
from interstate.wire.messages import Request, Response
from interstate.wire.model import Models, ServiceModel
from interstate.wire.operation import OperationCodec, Params, ServiceParts
from interstate.wire.query_json import wants_json
from interstate.wire.refusals import (
    Refusal,
    refuse_cbor,
    refuse_json,
    refuse_query,
    refuse_rest_json,
    refuse_rest_xml,
)
from interstate.wire.routing import Protocol, Route, Router
from interstate.wire.s3_addressing import host_of
from interstate.wire.sqs_addressing import ActionNotHere, NothingAsked


class Wire:
    """The protocols of all known services.

    One instance serves a process; what it compiles on the way it keeps.
    """

    def __init__(self, models: Models) -> None:
        self.models = models
        self.router = Router(models)
        self._parts: dict[str, ServiceParts] = {}
        self._codecs: dict[tuple[str, str], OperationCodec] = {}

    def codec(self, service: str, operation: str) -> OperationCodec:
        """The codec of one operation; both names are botocore's.

        Raises:
            KeyError: the models do not have it.
        """
        key = (service, operation)
        found = self._codecs.get(key)
        if found is None:
            parts = self._parts.get(service)
            if parts is None:
                parts = self._parts[service] = ServiceParts(self.models.service(service))
            found = self._codecs[key] = OperationCodec(parts, parts.model.operations[operation])
        return found

    def check(self, service: str, operation: str, params: Mapping[str, Any]) -> Params:
        """Parameters of a call inside the process, checked as those of a call from outside.

        Operations that AWS does not have (``execute-api`` ``Invoke``) have no model and pass.

        Raises:
            ServiceError: the service's model refuses them.
        """
        if service not in self.models.metadata:
            return dict(params)
        return self.codec(service, operation).check(params)

    def decode(self, route: Route, request: Request) -> Params:
        """The parameters of a recognized request.

        Raises:
            ServiceError: the body cannot be read, or the model refuses it.
        """
        codec = self.codec(route.metadata.name, route.operation)
        match route.protocol:
            case "json":
                return codec.decode_json(request.body)
            case "query":
                return codec.decode_form(route.fields)
            case "rest-json":
                return codec.decode_rest(request, route.labels)
            case "rest-xml":
                return codec.decode_rest_xml(request, route.labels)
            case "cbor":
                return codec.decode_cbor(request.body)
            case never:
                assert_never(never)

    def encode(self, route: Route, answer: Mapping[str, Any] | None, request_id: bytes) -> Response:
        """An operation's answer, whose members stand under their API names."""
        codec = self.codec(route.metadata.name, route.operation)
        match route.protocol:
            case "json":
                return codec.encode_json(answer, request_id)
            case "query":
                return codec.encode_query(answer, request_id, as_json=route.as_json)
            case "rest-json":
                return codec.encode_rest(answer, request_id)
            case "rest-xml":
                return codec.encode_rest_xml(answer, request_id)
            case "cbor":
                return codec.encode_cbor(answer, request_id)
            case never:
                assert_never(never)

    def refuse(self, error: ServiceError, request: Request, route: Route | None, request_id: bytes) -> Response:
        """An error in the protocol of the request; of one that was not recognized, in the protocol that it looks like."""
        model: ServiceModel | None = None
        json_version = "1.0"
        if route is not None:
            protocol = route.protocol
            model = self.models.service(route.metadata.name)
            json_version = route.metadata.json_version
        elif isinstance(error, ActionNotHere | NothingAsked):
            protocol, model = "query", self.models.service("sqs")
        else:
            protocol = self._likely_protocol(request)
        refusal = Refusal(error, model)
        match protocol:
            case "json":
                return refuse_json(refusal, request_id, json_version)
            case "query":
                return (query_json.refuse if wants_json(request) else refuse_query)(refusal, request_id)
            case "rest-json":
                return refuse_rest_json(refusal, request_id)
            case "rest-xml":
                return refuse_rest_xml(refusal, request_id)
            case "cbor":
                return refuse_cbor(refusal, request_id)
            case never:
                assert_never(never)

    def _likely_protocol(self, request: Request) -> Protocol:
        if b"x-amz-target" in request.headers:
            return "json"
        if b"smithy-protocol" in request.headers:
            return "cbor"
        scope, _ = self.router.scope(request)
        if host_of(request.headers.get(b"host", b"")) is not None:
            return "rest-xml"
        for name in self.models.by_signing_name.get(scope.service, ()):
            match self.models.metadata[name].protocol:
                case "query" | "rest-json" | "rest-xml" as protocol:
                    return protocol
        form = request.header(b"content-type").startswith("application/x-www-form-urlencoded")
        return "query" if form or "Action=" in request.query else "rest-json"
