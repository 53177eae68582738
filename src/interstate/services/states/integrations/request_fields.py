"""Which fields the parameters of ``http:invoke`` and ``apigateway:invoke`` may have."""

from collections.abc import Mapping

HTTP, API_GATEWAY = "http", "apigateway"
FIELDS: Mapping[str, frozenset[str]] = {
    HTTP: frozenset(
        {
            "ApiEndpoint",
            "Method",
            "Authentication",
            "InvocationConfig",
            "Headers",
            "QueryParameters",
            "RequestBody",
            "Transform",
        }
    ),
    API_GATEWAY: frozenset(
        {
            "ApiEndpoint",
            "Method",
            "Headers",
            "Stage",
            "Path",
            "QueryParameters",
            "RequestBody",
            "AllowNullValues",
            "AuthType",
        }
    ),
}
"""What the parameters of either may hold."""
