"""Service models: what botocore publishes about each API, reduced to what a server needs.

Theory of operation
-------------------
botocore ships one JSON file a service. They are read once per version of botocore, without importing it, and kept in a
cache file of a few hundred kilobytes whose header names the services and whose bodies are decoded one by one, when a
service is first spoken to. A cache that is missing, unreadable or of another version is compiled again; one that cannot
be written costs only time.

Services in ``NAMES_ONLY`` keep their operations' names and paths without shapes: enough to refuse a call by its name.
"""

import gzip
import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import msgspec
import orjson

from interstate.wire import sqs_query

SERVED = (
    "sqs", "sns", "stepfunctions", "events", "lambda", "dynamodb", "dynamodbstreams", "logs", "sts", "iam",
    "cloudformation", "apigateway", "apigatewayv2", "s3", "cloudwatch",
)  # fmt: skip
NAMES_ONLY = (
    "ssm", "kms", "secretsmanager", "scheduler", "pipes", "schemas", "xray", "eventbridgev2",
)  # fmt: skip

_FORMAT = 5  # Raised when the structs or the services change.
_VERSION = re.compile(r"^__version__ = '([^']+)'", re.MULTILINE)


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A reference to a shape: a structure's member, a list's element, a map's key or value."""

    name: str
    shape: str
    wire: str  # The name in JSON and in rest bindings.
    query: str  # The name in form bodies and XML; differs for SQS, whose models forgot it.
    location: str = ""  # "" (body), uri, querystring, header, headers, statusCode
    timestamp_format: str = ""


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """How an error travels: its code where it is not the shape's name, its HTTP status, whose fault it is."""

    code: str = ""
    status: int = 400
    sender: bool = True


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """One shape. ``kind`` is the model's type; the other fields are set where that type has them."""

    kind: str
    members: tuple[Member, ...] = ()
    required: tuple[str, ...] = ()
    element: Member | None = None  # of a list, or a map's value
    key: Member | None = None
    low: float | None = None
    high: float | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()
    flattened: bool = False
    payload: str = ""
    timestamp_format: str = ""
    fault: Fault | None = None
    sensitive: bool = False  # Messages do not tell its value.


class OperationModel(msgspec.Struct, frozen=True, array_like=True):
    """One operation and its HTTP binding."""

    name: str
    input: str = ""
    output: str = ""
    method: str = "POST"
    uri: str = "/"
    status: int = 200
    wrapper: str = ""


class Metadata(msgspec.Struct, frozen=True, array_like=True):
    """What a request is recognized by."""

    name: str
    protocol: str
    json_version: str
    target_prefix: str
    api_version: str
    signing_name: str
    endpoint_prefix: str
    full_name: str
    xml_namespace: str
    query_compatible: bool
    names_only: bool


class ServiceModel(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """One service: operations and shapes by name."""

    metadata: Metadata
    operations: dict[str, OperationModel]
    shapes: dict[str, Shape]

    @cached_property
    def faults(self) -> Mapping[str, tuple[str, Fault]]:
        """Error shapes by their name and by their wire code: (shape's name, how it travels)."""
        named = {name: (name, shape.fault) for name, shape in self.shapes.items() if shape.fault is not None}
        coded = {fault.code: (name, fault) for name, fault in named.values() if fault.code}
        return {**coded, **named}


class _Cache(msgspec.Struct, array_like=True):
    format: int
    botocore: str
    services: list[tuple[Metadata, msgspec.Raw]]


class Models:
    """The models of all known services, each decoded when it is first asked for."""

    def __init__(self, services: Iterable[tuple[Metadata, bytes]]) -> None:
        self.metadata: dict[str, Metadata] = {}
        self._encoded: dict[str, bytes] = {}
        self._decoded: dict[str, ServiceModel] = {}
        for metadata, body in services:
            self.metadata[metadata.name] = metadata
            self._encoded[metadata.name] = body

    def service(self, name: str) -> ServiceModel:
        """The model of one service; ``name`` is botocore's.

        Raises:
            KeyError: no such service is known.
        """
        model = self._decoded.get(name)
        if model is None:
            model = msgspec.msgpack.decode(self._encoded[name], type=ServiceModel)
            self._decoded[name] = model
        return model

    @cached_property
    def by_target_prefix(self) -> Mapping[str, str]:
        """Services of the JSON protocols by the word before the dot in X-Amz-Target."""
        return {entry.target_prefix: entry.name for entry in self.metadata.values() if entry.target_prefix}

    @cached_property
    def by_signing_name(self) -> Mapping[str, tuple[str, ...]]:
        """Services by the service in a credential scope; a few share one."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.metadata.values():
            found[entry.signing_name] = (*found.get(entry.signing_name, ()), entry.name)
        return found


def load(cache: Path | None = None) -> Models:
    """The models of the botocore that is installed.

    Args:
        cache: the folder of the cache file; by default ``$INTERSTATE_CACHE``, else a folder of the user's cache.
    """
    package = _package()
    version = _version(package)
    path = (cache or _cache_folder()) / f"models-{version}-{_FORMAT}.msgpack"
    found = _read(path, version)
    if found is None:
        found = compile_models(package / "data", version)
        _write(path, found)
    return Models((metadata, bytes(body)) for metadata, body in found.services)


def _package() -> Path:
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _version(package: Path) -> str:
    found = _VERSION.search((package / "__init__.py").read_text())
    return found[1] if found else "unknown"


def _cache_folder() -> Path:
    if folder := os.environ.get("INTERSTATE_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "interstate"


def _read(path: Path, version: str) -> _Cache | None:
    try:
        found = msgspec.msgpack.decode(path.read_bytes(), type=_Cache)
    except (OSError, msgspec.DecodeError):
        return None
    return found if (found.format, found.botocore) == (_FORMAT, version) else None


def _write(path: Path, cache: _Cache) -> None:
    """Replace the file in one move, so that a reader beside us never sees half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.msgpack.encode(cache))
        Path(file.name).replace(path)
    except OSError:
        return


# Compiling ---------------------------------------------------------------------------------------------------------


def compile_models(data: Path, version: str) -> _Cache:
    """Reduce botocore's files to the structs of this module."""
    services: list[tuple[Metadata, msgspec.Raw]] = []
    for name in (*SERVED, *NAMES_ONLY):
        model = compile_service(name, _service_file(data / name), names_only=name in NAMES_ONLY)
        services.append((model.metadata, msgspec.Raw(msgspec.msgpack.encode(model))))
    return _Cache(_FORMAT, version, services)


def _service_file(folder: Path) -> dict[str, Any]:
    """The newest version of a service, plain or compressed."""
    newest = max(path for path in folder.iterdir() if path.is_dir())
    packed = newest / "service-2.json.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (newest / "service-2.json").read_bytes()
    model: dict[str, Any] = orjson.loads(content)
    return model


def compile_service(name: str, source: Mapping[str, Any], *, names_only: bool = False) -> ServiceModel:
    """Reduce one service's file."""
    head = source["metadata"]
    metadata = Metadata(
        name=name,
        protocol=head["protocol"],
        json_version=head.get("jsonVersion", "1.0"),
        target_prefix=head.get("targetPrefix", ""),
        api_version=head["apiVersion"],
        signing_name=head.get("signingName", head["endpointPrefix"]),
        endpoint_prefix=head["endpointPrefix"],
        full_name=head.get("serviceAbbreviation", head["serviceFullName"]),
        xml_namespace=head.get("xmlNamespace", ""),
        query_compatible="awsQueryCompatible" in head,
        names_only=names_only,
    )
    operations = {key: _operation(entry) for key, entry in source["operations"].items()}
    shapes = {} if names_only else {key: _shape(key, entry) for key, entry in source["shapes"].items()}
    model = ServiceModel(metadata, operations, shapes)
    return _with_sqs_query(model) if name == "sqs" else model


def _with_sqs_query(model: ServiceModel) -> ServiceModel:
    """Put back what the query protocol needs."""
    replace = msgspec.structs.replace

    def named(member: Member) -> Member:
        return replace(member, query=sqs_query.MAPS[member.shape][0]) if member.shape in sqs_query.MAPS else member

    shapes: dict[str, Shape] = {}
    for name, shape in model.shapes.items():
        if (element := sqs_query.ELEMENTS.get(name)) and shape.element:
            shape = replace(shape, element=replace(shape.element, query=element))
        elif (entry := sqs_query.MAPS.get(name)) and shape.element and shape.key:
            shape = replace(
                shape, key=replace(shape.key, query=entry[1]), element=replace(shape.element, query=entry[2])
            )
        elif shape.fault and name in sqs_query.CODES:
            code, status = sqs_query.CODES[name]
            shape = replace(shape, fault=Fault(code, status, sender=True))
        else:
            shape = replace(shape, members=tuple(named(member) for member in shape.members))
        shapes[name] = shape
    operations = {
        name: replace(operation, wrapper=f"{name}Result" if operation.output else "")
        for name, operation in model.operations.items()
    }
    return ServiceModel(replace(model.metadata, xml_namespace=sqs_query.XML_NAMESPACE), operations, shapes)


def _operation(entry: Mapping[str, Any]) -> OperationModel:
    http = entry.get("http", {})
    return OperationModel(
        name=entry["name"],
        input=entry.get("input", {}).get("shape", ""),
        output=entry.get("output", {}).get("shape", ""),
        method=http.get("method", "POST"),
        uri=http.get("requestUri", "/"),
        status=http.get("responseCode", 200),
        wrapper=entry.get("output", {}).get("resultWrapper", ""),
    )


def _shape(name: str, entry: Mapping[str, Any]) -> Shape:
    element = entry.get("member") or entry.get("value")
    return Shape(
        kind=entry["type"],
        members=tuple(_member(key, member) for key, member in entry.get("members", {}).items()),
        required=tuple(entry.get("required", ())),
        element=_member("member" if "member" in entry else "value", element) if element else None,
        key=_member("key", entry["key"]) if "key" in entry else None,
        low=entry.get("min"),
        high=entry.get("max"),
        pattern=entry.get("pattern", ""),
        enum=tuple(entry.get("enum", ())),
        flattened=entry.get("flattened", False),
        payload=entry.get("payload", ""),
        timestamp_format=entry.get("timestampFormat", ""),
        fault=_fault(name, entry) if entry.get("exception") else None,
        sensitive=entry.get("sensitive", False),
    )


def _member(name: str, entry: Mapping[str, Any]) -> Member:
    wire = entry.get("locationName", name)
    return Member(
        name=name,
        shape=entry["shape"],
        wire=wire,
        query=wire,
        location=entry.get("location", ""),
        timestamp_format=entry.get("timestampFormat", ""),
    )


def _fault(name: str, entry: Mapping[str, Any]) -> Fault:
    error = entry.get("error", {})
    code = error.get("code", "")
    server = bool(entry.get("fault"))
    return Fault(
        code="" if code == name else code,
        status=error.get("httpStatusCode", 500 if server else 400),
        sender=error.get("senderFault", not server),
    )
