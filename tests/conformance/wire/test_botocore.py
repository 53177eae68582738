"""Every operation of every served service, against botocore's own serializers and parsers.

What botocore's client writes, we must read as it was meant; what we write, botocore's client must read so. Values are
made from each shape by a fixed seed; constraints are taken off the models, since values at random break them.
Source: botocore.serialize, botocore.parsers.
"""

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import botocore.loaders
import botocore.parsers
import botocore.serialize
import msgspec
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel, ServiceModel

from interstate.services.tables import SERVICES
from interstate.wire.codec import Wire
from interstate.wire.messages import Request, Response
from interstate.wire.model import SERVED, Models, load
from interstate.wire.routing import Route

DEPTH_MAX = 3
TEXTS = ("a", "two words", 'tag <b> & "q"', "주문-7", "line\nline", "=?/+%", "null", "0")


@cache
def botocore_model(name: str) -> ServiceModel:
    return ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)


def operations(service: str) -> list[OperationModel]:
    """Without event streams, which are refused by name.

    Of S3, whose model needs handlers of the client's for much that is not here, those that are served.
    """
    model = botocore_model(service)
    here = {operation.name for known in SERVICES if known.name == "s3" for operation in known.operations}
    return [
        operation
        for name in model.operation_names
        if service != "s3" or name in here - {"GetBucketLocation"}  # Read by a handler of the client's, too.
        if not streams(operation := model.operation_model(name))
    ]


def check_each(service: str, check: Callable[[OperationModel], None]) -> None:
    """Tell all that fail, by name."""
    failures = []
    for operation in operations(service):
        try:
            check(operation)
        except Exception as error:  # noqa: BLE001 whatever it is, the others are checked too
            error.add_note(f"{service}.{operation.name}")
            failures.append(error)
    if failures:
        raise ExceptionGroup(service, failures)


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Wire:
    """The wire with models that have no constraints."""
    models = load(tmp_path_factory.mktemp("models"))
    bare = []
    for name in SERVED:
        model = models.service(name)
        shapes = {
            key: msgspec.structs.replace(shape, low=None, high=None, pattern="", enum=())
            for key, shape in model.shapes.items()
        }
        replaced = type(model)(model.metadata, model.operations, shapes)
        bare.append((model.metadata, msgspec.msgpack.encode(replaced)))
    return Wire(Models(bare))


class Values:
    """Makes a value of any shape."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def of(self, shape: Any, depth: int = 0) -> Any:
        match shape.type_name:
            case "structure":
                return self.structure(shape, depth)
            case "list":
                return [self.of(shape.member, depth + 1) for _ in range(self._random.randint(1, 2))]
            case "map":
                return {f"k{i}": self.of(shape.value, depth + 1) for i in range(self._random.randint(1, 2))}
            case "integer" | "long":
                return self._random.choice((0, 1, -5, 2_000_000_000))
            case "float" | "double":
                return self._random.choice((0.5, -2.0, 1e10))
            case "boolean":
                return self._random.random() < 0.5
            case "blob":
                return bytes(self._random.choices(range(32, 127), k=self._random.randint(1, 9)))
            case "timestamp":
                return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self._random.randint(0, 10**6))
            case _:
                return self._random.choice(TEXTS)

    def structure(self, shape: Any, depth: int) -> dict[str, Any]:
        made = {}
        for name, member in shape.members.items():
            nested = member.type_name in ("structure", "list", "map")
            if depth >= DEPTH_MAX and nested and name not in shape.required_members and not shape.is_tagged_union:
                continue
            made[name] = self._located(member, depth)
            if shape.is_tagged_union:
                break  # One member and no other.
        return made

    def _located(self, member: Any, depth: int) -> Any:
        location = member.serialization.get("location")
        if location in ("header", "uri") and member.type_name == "string":
            return "plain-text" if location == "header" else self._random.choice(("a b", "x:y/z", "주문"))
        if location == "statusCode":
            return 207
        return self.of(member, depth + 1)


def streams(operation: OperationModel) -> bool:
    return operation.has_event_stream_output or operation.has_event_stream_input


def request_of(service: str, written: Mapping[str, Any]) -> Request:
    body = written["body"]
    if isinstance(body, Mapping):
        body = urlencode(body).encode()
    if isinstance(body, str):
        body = body.encode()
    path, _, own = written["url_path"].partition("?")
    query = written.get("query_string") or {}
    pairs = [(name, item) for name, value in query.items() for item in (value if isinstance(value, list) else [value])]
    query_text = "&".join(filter(None, (own, urlencode(pairs, quote_via=quote))))
    headers = {str(name).lower().encode(): _bytes(value) for name, value in written["headers"].items()}
    model = botocore_model(service)
    headers[b"authorization"] = f"AWS4-HMAC-SHA256 Credential=a/b/us-east-1/{model.signing_name}/aws4_request".encode()
    if isinstance(written["body"], Mapping):
        headers[b"content-type"] = b"application/x-www-form-urlencoded; charset=utf-8"
    return Request(written["method"], path, query_text, headers, body or b"")


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize("service", SERVED)
def test_what_botocore_writes_is_read_as_it_was_meant(loose: Wire, service: str) -> None:
    metadata = botocore_model(service).metadata
    serializer = botocore.serialize.create_serializer(metadata["protocol"], include_validation=False)

    def check(operation: OperationModel) -> None:
        name = operation.name
        params = Values(f"{service}.{name}").of(operation.input_shape) if operation.input_shape else {}
        request = request_of(service, serializer.serialize_to_request(params, operation))
        route = loose.router.route(request)
        assert route.metadata.name == service
        assert loose.codec(service, route.operation).operation.uri == operation.http["requestUri"]
        if route.operation == name:
            if service == "s3" and "Expires" in params:
                params["Expires"] = format_datetime(params["Expires"], usegmt=True)  # Kept as it came, whatever it is.
            assert loose.decode(route, request) == params

    check_each(service, check)


@pytest.mark.parametrize("service", SERVED)
def test_what_we_answer_is_read_by_botocore_as_it_was_meant(loose: Wire, service: str) -> None:
    spoken = botocore_model(service).metadata["protocol"]
    protocol: Any = "cbor" if spoken.startswith("smithy") else spoken
    parser: Any = botocore.parsers.create_parser(spoken)

    def check(operation: OperationModel) -> None:
        name, shape = operation.name, operation.output_shape
        answer = Values(f"{service}.{name}").of(shape) if shape else None
        response = loose.encode(Route(loose.models.metadata[service], name, protocol), answer, b"request-1")
        parsed = parser.parse(_as_botocore_sees(response), shape)
        metadata = parsed.pop("ResponseMetadata", {})
        if protocol != "cbor" or shape:  # The parser of that protocol looks at no empty answer's headers.
            assert metadata["RequestId"] == "request-1"
        payload = shape and shape.serialization.get("payload")
        if payload and isinstance(parsed[payload], str):  # The parser leaves bodies to the client, as streams.
            parsed[payload] = parsed[payload].encode()
        assert _plain(parsed) == (answer or {})

    check_each(service, check)


def _as_botocore_sees(response: Response) -> dict[str, Any]:
    headers = HeadersDict({name.decode(): value.decode() for name, value in response.headers})
    return {"status_code": response.status, "headers": headers, "body": response.body}


def _plain(value: Any) -> Any:
    """botocore gives local time zones and stream bodies."""
    match value:
        case datetime():
            return value.astimezone(UTC)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value


def test_the_models_come_from_the_botocore_that_is_installed(tmp_path: Path) -> None:
    load(tmp_path)
    assert botocore.__version__ in next(tmp_path.iterdir()).name
