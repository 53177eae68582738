"""Requests as they reach a route, for tests."""

from datetime import UTC, datetime

from interstate.services.apigateway.exchange import Exchange
from interstate.store.records.apigateway import Api, Integration, Routed

NOW = datetime(2020, 3, 12, 19, 3, 58, 390000, tzinfo=UTC)


def exchange(
    *,
    kind: str = "HTTP",
    stage: str = "$default",
    route: str = "GET /orders/{id}",
    parameters: dict[str, str] | None = None,
    method: str = "GET",
    path: str = "/orders/7",
    query: str = "",
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    variables: dict[str, str] | None = None,
    integration: Integration | None = None,
) -> Exchange:
    verb, _, place = ("ANY", "", "$default") if route == "$default" else route.partition(" ")
    return Exchange(
        api=Api("abcdefghij", "123456789012/us-east-1", kind, "shop", NOW),
        stage=stage,
        variables=variables or {},
        route=Routed(verb, place, integration, "res123" if kind == "REST" else ""),
        parameters=parameters or {},
        method=method,
        path=path,
        query=query,
        headers=headers or [],
        body=body,
        source_ip="192.0.2.1",
        host="abcdefghij.execute-api.us-east-1.localhost",
        request_id="11111111-2222-4333-8444-555555555555",
        extended_id="JKJaXmPLvHcESHA=",
        now=NOW,
    )
