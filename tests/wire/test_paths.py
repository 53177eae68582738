import pytest

from interstate.wire.model import Models, OperationModel
from interstate.wire.paths import PathTable


def table(*templates: str) -> PathTable:
    return PathTable(OperationModel(name=template, method="GET", uri=template) for template in templates)


@pytest.mark.parametrize(
    ("path", "query", "operation", "labels"),
    [
        ("/things", "", "/things", {}),
        ("/things/", "", "/things", {}),
        ("/things/7", "", "/things/{id}", {"id": "7"}),
        ("/things/a%2Fb%20c", "", "/things/{id}", {"id": "a/b c"}),
        ("/things/special", "", "/things/special", {}),
        ("/things/7/tree/a/b/c", "", "/things/{id}/tree/{path+}", {"id": "7", "path": "a/b/c"}),
        ("/things/7", "mode=import&x=1", "/things/{id}?mode=import", {"id": "7"}),
        ("/things/7", "mode=other", "/things/{id}", {"id": "7"}),
    ],
)
def test_the_most_specific_template_wins(path: str, query: str, operation: str, labels: dict[str, str]) -> None:
    paths = table("/things", "/things/{id}", "/things/special", "/things/{id}/tree/{path+}", "/things/{id}?mode=import")
    found = paths.match("GET", path, query)
    assert found is not None
    assert (found.operation.name, found.labels) == (operation, labels)


@pytest.mark.parametrize(("method", "path"), [("POST", "/things"), ("GET", "/"), ("GET", "/things//x"), ("GET", "/no")])
def test_what_no_template_fits_is_not_found(method: str, path: str) -> None:
    assert table("/things", "/things/{id}/x").match(method, path, "") is None


@pytest.mark.parametrize("service", ["lambda", "apigateway", "apigatewayv2", "scheduler", "pipes", "schemas", "xray"])
def test_every_rest_operation_is_found_by_its_own_template(models: Models, service: str) -> None:
    operations = models.service(service).operations
    paths = PathTable(operations.values())
    for operation in operations.values():
        path, _, query = operation.uri.partition("?")
        found = paths.match(operation.method, path.replace("+}", "}").replace("{", "x").replace("}", ""), query)
        assert found is not None
        # A few operations share method and template; the models tell them apart by their input alone.
        assert (found.operation.method, found.operation.uri.partition("?")[0].replace("+", "")) == (
            operation.method,
            path.replace("+", ""),
        ) or found.operation.uri.count("{") <= operation.uri.count("{")
