"""OpenAPI documents with API Gateway's extensions, read into routes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, BrokenJSON, JSONObject, loads
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.reader import read_yaml
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.integrations import check_integration
from interstate.services.apigateway.matching import METHODS
from interstate.store.records.apigateway import Cors, Integration

_EXTENSION: Final = "x-amazon-apigateway-"
_ANY: Final = f"{_EXTENSION}any-method"
_CORS: Final[Mapping[str, str]] = {
    "allowCredentials": "allow_credentials",
    "allowHeaders": "allow_headers",
    "allowMethods": "allow_methods",
    "allowOrigins": "allow_origins",
    "exposeHeaders": "expose_headers",
    "maxAge": "max_age",
}


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


def read_document(text: str, *, rest: bool) -> Document:
    """Read a document, JSON or YAML.

    Raises:
        BadRequestException: it is no OpenAPI document, or an integration cannot be used.
        NotImplementedHere: it asks for authorizers, VTL templates or another thing that Interstate does not have.
    """
    body = _parsed(text)
    info = body.get("info") or {}
    default = info.get("title", "")
    reader = _Reader(body, rest=rest)
    return Document(
        title=default or "api",
        description=str(info.get("description", "")),
        version=str(info.get("version", "")),
        routes=reader.routes(),
        cors=_cors(body.get(f"{_EXTENSION}cors")),
        tags=_tags(body.get("tags", [])),
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


def _cors(value: Any) -> Cors | None:
    if not isinstance(value, dict):
        return None
    found: dict[str, Any] = {_CORS[name]: item for name, item in value.items() if name in _CORS}
    for name in ("allow_headers", "allow_methods", "allow_origins", "expose_headers"):
        if isinstance(found.get(name), str):
            found[name] = [found[name]]
    if "max_age" in found:
        found["max_age"] = int(found["max_age"])
    return msgspec.convert(found, Cors, strict=False)


def _tags(value: Any) -> dict[str, str]:
    key = f"{_EXTENSION}tag-value"
    return {tag["name"]: str(tag[key]) for tag in value if isinstance(tag, dict) and key in tag}


class _Reader:
    """Reads the paths of one document, whose references it can follow."""

    def __init__(self, body: JSONObject, *, rest: bool) -> None:
        self.body = body
        self.rest = rest

    def routes(self) -> list[Imported]:
        if self.body.get("security"):
            raise NotImplementedHere("authorizers of APIs (security of the document)")
        found = []
        for path, methods in (self.body.get("paths") or {}).items():
            clean = path.strip("/") if path.strip("/") == "$default" else path
            for name, method in methods.items():
                found.extend(self.method(clean, name, method))
        return found

    def method(self, path: str, name: str, method: Any) -> list[Imported]:
        verb = "ANY" if name == _ANY else name.upper()
        if verb not in METHODS or not isinstance(method, dict):
            return []  # parameters, summary: what OpenAPI has beside methods
        where = f"{verb} {path}"
        if method.get("security"):
            raise NotImplementedHere(f"authorizers of APIs ({where})")
        integration = self.integration(method.get(f"{_EXTENSION}integration"), where)
        return [Imported(verb, path, integration, str(method.get("operationId", "")))]

    def integration(self, value: Any, where: str) -> Integration | None:
        if value is None:
            return None
        value = self.followed(value)
        kind = str(value.get("type", "")).upper()
        found = self.mock(value, where) if kind == "MOCK" else self.proxy(value, kind, where)
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

    def proxy(self, value: JSONObject, kind: str, where: str) -> Integration:
        if value.get("requestTemplates") or kind == "AWS":
            raise NotImplementedHere(f"VTL mapping templates ({where})")
        return Integration(
            type=kind,
            uri=str(value.get("uri", "")),
            subtype=str(value.get("integrationSubtype", "")),
            method=str(value.get("httpMethod", "")),
            payload_version=str(value.get("payloadFormatVersion", "1.0")),
            parameters={name: str(item) for name, item in (value.get("requestParameters") or {}).items()},
            credentials=str(value.get("credentials", "")),
            timeout_ms=int(value.get("timeoutInMillis", 29_000 if self.rest else 30_000)),
            description=str(value.get("description", "")),
        )

    def mock(self, value: JSONObject, where: str) -> Integration:
        """A fixed answer, as SAM writes one for OPTIONS; templates that compute are VTL."""
        templates = value.get("requestTemplates") or {}
        asked = _fixed(next(iter(templates.values()), '{"statusCode": 200}'), where)
        status = str(asked.get("statusCode", 200)) if isinstance(asked, dict) else "200"
        responses = value.get("responses") or {}
        chosen: JSONObject = responses.get(status) or responses.get("default") or next(iter(responses.values()), {})
        bodies = chosen.get("responseTemplates") or {}
        headers = {
            name.removeprefix("method.response.header."): str(item).strip("'")
            for name, item in (chosen.get("responseParameters") or {}).items()
        }
        body = next(iter(bodies.values()), "")
        if "$" in body or "#" in body:
            raise NotImplementedHere(f"VTL mapping templates ({where})")
        if bodies:
            headers.setdefault("content-type", next(iter(bodies)))
        return Integration(
            type="MOCK",
            mock_status=int(chosen.get("statusCode", status)),
            mock_headers=headers,
            mock_body=body.strip(),
        )


def _fixed(template: str, where: str) -> JSON:
    try:
        return loads(template)
    except BrokenJSON as error:
        raise NotImplementedHere(f"VTL mapping templates ({where})") from error
