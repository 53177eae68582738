import pytest
from tests.services.apigateway.exchanges import exchange

from interstate.base.json import JSON
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.mapping import resolve_parameter

EXCHANGE = exchange(
    parameters={"id": "7"},
    query="q=1&q=2",
    headers=[("X-Tenant", "t1")],
    body=b'{"order": {"id": "o-1", "items": [{"sku": "a"}], "total": 3}}',
    variables={"queue": "orders"},
)

RESOLVED: list[tuple[str, JSON]] = [
    ("static", "static"),
    ("$request.body.order.id", "o-1"),
    ("$request.body.order.items[0].sku", "a"),
    ("$request.body.order.total", 3),
    ("$request.body.order.items", [{"sku": "a"}]),
    ("$request.body", '{"order": {"id": "o-1", "items": [{"sku": "a"}], "total": 3}}'),
    ("$request.path.id", "7"),
    ("$request.path", "/orders/7"),
    ("$request.querystring.q", "1,2"),
    ("$request.header.x-tenant", "t1"),
    ("$context.requestId", "JKJaXmPLvHcESHA="),
    ("$context.identity.sourceIp", "192.0.2.1"),
    ("$stageVariables.queue", "orders"),
    ("${request.path.id}", "7"),
    ("order-${request.path.id}-${context.stage}", "order-7-$default"),
    ("total ${request.body.order.total}", "total 3"),
]


@pytest.mark.parametrize(("source", "expected"), RESOLVED)
def test_parameters_are_taken_from_the_request(source: str, expected: JSON) -> None:
    assert resolve_parameter("P", source, EXCHANGE) == expected


@pytest.mark.parametrize(
    "source",
    [
        "$request.body.gone",
        "$request.body.order.items[3]",
        "$request.header.gone",
        "$request.querystring.gone",
        "$request.path.gone",
        "$request.cookie.x",
        "$context.gone",
        "$stageVariables.gone",
        "${elsewhere.x}",
    ],
)
def test_what_the_request_lacks_is_a_bad_request(source: str) -> None:
    with pytest.raises(BadRequestException) as refused:
        resolve_parameter("Detail", source, EXCHANGE)
    assert refused.value.message == (
        f"Unable to resolve property Detail from source {{{source}}}. "
        "Please make sure that the value for this property is specified in the request."
    )


def test_a_body_that_is_no_json_has_no_parts() -> None:
    with pytest.raises(BadRequestException):
        resolve_parameter("P", "$request.body.a", exchange(body=b"{"))
