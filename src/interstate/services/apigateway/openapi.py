"""OpenAPI documents with API Gateway's extensions, read into routes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from typing import Any, Final, TypeVar

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, BrokenJSON, JSONObject, loads
from interstate.base.numbers import whole_number
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.intrinsics import as_text
from interstate.core.templates.reader import read_yaml
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.integrations import check_integration, check_rest_integration
from interstate.services.apigateway.matching import DEFAULT, METHODS
from interstate.store.records.apigateway import Cors, Integration, IntegrationResponse

_EXTENSION: Final = "x-amazon-apigateway-"
_ANY: Final = f"{_EXTENSION}any-method"


_TIMEOUT_MS: Final = {True: 29_000, False: 30_000}  # REST APIs, HTTP APIs
Text = str | int | float | bool
T = TypeVar("T")


class Imported(msgspec.Struct, frozen=True):
    """One method of one path."""

    method: str
    path: str
    integration: Integration | None
    operation: str = ""


class Document(msgspec.Struct, frozen=True):
    """What an import takes from a document."""

    title: str
    description: str
    version: str
    routes: list[Imported]
    cors: Cors | None
    tags: dict[str, str]


# The document's own parts, as far as they mean something here; documents may write numbers for texts.


class _Info(msgspec.Struct, frozen=True):
    title: Text = "api"
    description: Text = ""
    version: Text = ""


class _Cors(msgspec.Struct, frozen=True, rename="camel"):
    allow_credentials: bool = False
    allow_headers: list[str] | str = []
    allow_methods: list[str] | str = []
    allow_origins: list[str] | str = []
    expose_headers: list[str] | str = []
    max_age: int | None = None


class _Tag(msgspec.Struct, frozen=True):
    name: str
    value: Text | None = msgspec.field(name="x-amazon-apigateway-tag-value", default=None)


class _Document(msgspec.Struct, frozen=True):
    info: _Info = _Info()
    paths: dict[str, dict[str, Any]] = {}
    security: list[Any] = []
    tags: list[_Tag] = []
    cors: _Cors | None = msgspec.field(name="x-amazon-apigateway-cors", default=None)


class _Method(msgspec.Struct, frozen=True, rename="camel"):
    security: list[Any] = []
    operation_id: str = ""
    integration: dict[str, Any] | None = msgspec.field(name="x-amazon-apigateway-integration", default=None)


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    status_code: Text = "200"
    response_parameters: dict[str, str] = {}
    response_templates: dict[str, str] = {}


class _Integration(msgspec.Struct, frozen=True, rename="camel"):
    type: str
    uri: str = ""
    integration_subtype: str = ""
    http_method: str = ""
    payload_format_version: Text = "1.0"
    connection_type: str = "INTERNET"
    credentials: str = ""
    request_parameters: dict[str, Text] = {}
    request_templates: dict[str, str] = {}
    passthrough_behavior: str = "WHEN_NO_MATCH"
    timeout_in_millis: int | None = None
    description: str = ""
    responses: dict[str, _Answer] = {}


def _read(value: Any, type_: type[T], where: str) -> T:
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequestException(
            f"Unable to parse API definition because of a malformed integration or document ({where}): {error}"
        ) from error


def read_document(text: str, *, rest: bool) -> Document:
    """Read a document, JSON or YAML.

    Raises:
        BadRequestException: it is no OpenAPI document, or an integration cannot be used.
        NotImplementedHere: it asks for authorizers or another thing that Interstate does not have.
    """
    body = _parsed(text)
    document = _read(body, _Document, "document")
    if document.security:
        raise NotImplementedHere("authorizers of APIs (security of the document)")
    return Document(
        title=_text(document.info.title) or "api",
        description=_text(document.info.description),
        version=_text(document.info.version),
        routes=_Reader(body, rest=rest).routes(document.paths),
        cors=None if document.cors is None else _cors(document.cors),
        tags={tag.name: _text(tag.value) for tag in document.tags if tag.value is not None},
    )


def _parsed(text: str) -> JSONObject:
    try:
        value: JSON = loads(text) if text.lstrip()[:1] == "{" else read_yaml(text)
    except (BrokenJSON, TemplateError) as error:
        raise BadRequestException(
            f"Unable to parse API definition because of a malformed integration or document: {error}"
        ) from error
    if not isinstance(value, dict) or not ("openapi" in value or "swagger" in value):
        raise BadRequestException("Invalid OpenAPI input.")
    return value


def _text(value: Text) -> str:
    return as_text(value) or ""


def _cors(cors: _Cors) -> Cors:
    return Cors(
        allow_credentials=cors.allow_credentials,
        allow_headers=_list(cors.allow_headers),
        allow_methods=_list(cors.allow_methods),
        allow_origins=_list(cors.allow_origins),
        expose_headers=_list(cors.expose_headers),
        max_age=cors.max_age,
    )


def _list(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) else value


class _Reader:
    """Reads the paths of one document, whose references it can follow."""

    def __init__(self, body: JSONObject, *, rest: bool) -> None:
        self.body = body
        self.rest = rest

    def routes(self, paths: dict[str, dict[str, Any]]) -> list[Imported]:
        found = []
        for path, methods in paths.items():
            clean = DEFAULT if path.strip("/") == DEFAULT else path
            if clean != DEFAULT and not clean.startswith("/"):
                raise BadRequestException(f"Invalid resource path specified: {path}")
            for name, method in methods.items():
                verb = "ANY" if name == _ANY else name.upper()
                if verb in METHODS:  # parameters, summary: what OpenAPI has beside methods
                    found.append(self.method(clean, verb, method))
        return found

    def method(self, path: str, verb: str, value: Any) -> Imported:
        where = f"{verb} {path}"
        method = _read(value, _Method, where)
        if method.security:
            raise NotImplementedHere(f"authorizers of APIs ({where})")
        integration = None if method.integration is None else self.integration(method.integration, where)
        return Imported(verb, path, integration, method.operation_id)

    def integration(self, value: JSONObject, where: str) -> Integration:
        found = self.kept(_read(self.followed(value), _Integration, where), where)
        if self.rest or found.type == "MOCK":
            check_rest_integration(found, where)
        else:
            check_integration(found, where)
        return found

    def followed(self, value: JSONObject) -> JSONObject:
        reference = value.get("$ref")
        if reference is None:
            return value
        found: Any = self.body
        for part in str(reference).removeprefix("#/").split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise BadRequestException(f"Unable to resolve reference {reference}")
        return found

    def kept(self, read: _Integration, where: str) -> Integration:
        if read.connection_type.upper() != "INTERNET":
            raise NotImplementedHere(f"VPC links ({where})")
        return Integration(
            type=read.type.upper(),
            uri=read.uri,
            subtype=read.integration_subtype,
            method=read.http_method,
            payload_version=_text(read.payload_format_version),
            parameters={name: _text(item) for name, item in read.request_parameters.items()},
            credentials=read.credentials,
            timeout_ms=read.timeout_in_millis or _TIMEOUT_MS[self.rest],
            description=read.description,
            templates=read.request_templates,
            passthrough=read.passthrough_behavior.upper(),
            responses=[_response(pattern, answer, where) for pattern, answer in read.responses.items()],
        )


def _response(pattern: str, answer: _Answer, where: str) -> IntegrationResponse:
    """An integration response: its key is the pattern, or "default"."""
    status = whole_number(_text(answer.status_code))
    if status is None or not 100 <= status <= 599:
        raise BadRequestException(f"Invalid status code {answer.status_code} ({where})")
    return IntegrationResponse(
        status, "" if pattern == "default" else pattern, answer.response_parameters, answer.response_templates
    )
