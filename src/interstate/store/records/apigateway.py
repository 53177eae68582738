"""APIs of both generations: HTTP APIs (apigatewayv2) and REST APIs (apigateway).

What is served is a *deployment*: the compiled routes of a moment. A stage names one. HTTP APIs' stages with automatic deployment
get a new one at each change.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.tables import Select, Table

HTTP = "HTTP"
REST = "REST"


class Cors(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an HTTP API answers to browsers from elsewhere."""

    allow_credentials: bool = False
    allow_headers: list[str] = []
    allow_methods: list[str] = []
    allow_origins: list[str] = []
    expose_headers: list[str] = []
    max_age: int | None = None


class IntegrationResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a custom integration's method answers where ``pattern`` matches; without a pattern, where none does."""

    status: int
    pattern: str = ""
    parameters: dict[str, str] = {}
    templates: dict[str, str] = {}


class Integration(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands behind a route. ``mock_*`` is the answer of a MOCK that was kept before MOCKs had ``responses``."""

    type: str  # AWS_PROXY, AWS or MOCK
    uri: str = ""
    subtype: str = ""
    method: str = ""
    payload_version: str = "1.0"
    parameters: dict[str, str] = {}
    credentials: str = ""
    timeout_ms: int = 30_000
    description: str = ""
    mock_status: int = 200
    mock_headers: dict[str, str] = {}
    mock_body: str = ""
    templates: dict[str, str] = {}  # A custom integration's requests, by content type.
    passthrough: str = "WHEN_NO_MATCH"
    responses: list[IntegrationResponse] = []


class Routed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A route as a deployment serves it. ``path`` is "$default" for an HTTP API's last resort."""

    method: str  # a method or ANY
    path: str
    integration: Integration | None = None
    resource: str = ""  # a REST API's resource id


class Api(msgspec.Struct, frozen=True):
    id: str
    scope: str  # account/region
    kind: str
    name: str
    created: datetime
    description: str = ""
    version: str = ""
    cors: Cors | None = None
    tags: dict[str, str] = {}
    disabled: bool = False  # DisableExecuteApiEndpoint
    settings: dict[str, Any] = {}  # Stored and described.


class Route(msgspec.Struct, frozen=True):
    """A route of an HTTP API: "GET /orders/{id}", "ANY /{proxy+}", "$default"."""

    api: str
    id: str
    key: str
    target: str = ""  # integrations/<id>
    operation: str = ""


class StoredIntegration(msgspec.Struct, frozen=True):
    """An integration of an HTTP API."""

    api: str
    id: str
    integration: Integration
    connection_type: str = "INTERNET"


class Resource(msgspec.Struct, frozen=True):
    """A path of a REST API."""

    api: str
    id: str
    path: str
    part: str = ""
    parent: str | None = None


class Method(msgspec.Struct, frozen=True):
    """A method of a REST API's resource."""

    api: str
    resource: str
    method: str
    integration: Integration | None = None
    settings: dict[str, Any] = {}


class Stage(msgspec.Struct, frozen=True):
    api: str
    name: str
    created: datetime
    updated: datetime
    deployment: str | None = None
    auto: bool = False
    variables: dict[str, str] = {}
    description: str = ""
    tags: dict[str, str] = {}
    settings: dict[str, Any] = {}


class Deployment(msgspec.Struct, frozen=True):
    api: str
    id: str
    created: datetime
    routes: list[Routed]
    description: str = ""
    auto: bool = False


APIS = Table("apigateway_apis", Api, ("id",), shared=True)
ROUTES = Table("apigateway_routes", Route, ("api", "id"), shared=True)
INTEGRATIONS = Table("apigateway_integrations", StoredIntegration, ("api", "id"), shared=True)
RESOURCES = Table("apigateway_resources", Resource, ("api", "id"), shared=True)
METHODS = Table("apigateway_methods", Method, ("api", "resource", "method"), shared=True)
STAGES = Table("apigateway_stages", Stage, ("api", "name"), shared=True)
DEPLOYMENTS = Table("apigateway_deployments", Deployment, ("api", "id"), shared=True)

APIS_OF_SCOPE = Select(APIS, "scope = :scope AND kind = :kind AND id > :after", "id")
ROUTES_OF_API = Select(ROUTES, "api = :api AND id > :after", "id")
INTEGRATIONS_OF_API = Select(INTEGRATIONS, "api = :api AND id > :after", "id")
RESOURCES_OF_API = Select(RESOURCES, "api = :api AND id > :after", "id")
METHODS_OF_API = Select(METHODS, "api = :api", "resource, method")
STAGES_OF_API = Select(STAGES, "api = :api AND name > :after", "name")
DEPLOYMENTS_OF_API = Select(DEPLOYMENTS, "api = :api AND id > :after", "id")
