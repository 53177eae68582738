import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.services.apigateway.matching import match
from interstate.store.records.apigateway import Routed


def routed(*keys: str) -> list[Routed]:
    pairs = [("ANY", "$default") if key == "$default" else tuple(key.split(" ")) for key in keys]
    return [Routed(method, path) for method, path in pairs]


# Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html (its example)
PETS = routed("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")
MATCHES = [
    (PETS, "GET", "/pets/dog/1", "/pets/dog/1", {}),
    (PETS, "GET", "/pets/dog/2", "/pets/dog/{id}", {"id": "2"}),
    (PETS, "GET", "/pets/cat/1", "/pets/{proxy+}", {"proxy": "cat/1"}),
    (PETS, "POST", "/test/5", "/{proxy+}", {"proxy": "test/5"}),
    (PETS, "GET", "/", "$default", {}),
    (routed("ANY /a", "GET /a"), "GET", "/a", "/a", {}),
    (routed("ANY /orders/{id}", "GET /{proxy+}"), "GET", "/orders/1", "/orders/{id}", {"id": "1"}),
    (routed("GET /{a}/{b}", "GET /x/{proxy+}"), "GET", "/x/y", "/x/{proxy+}", {"proxy": "y"}),
    (routed("GET /orders/{id}"), "GET", "/orders/a%20b%2Fc", "/orders/{id}", {"id": "a b/c"}),
    (routed("GET /bestellung/größe"), "GET", "/bestellung/gr%C3%B6%C3%9Fe", "/bestellung/größe", {}),
    (routed("GET /"), "GET", "/", "/", {}),
]


@pytest.mark.parametrize(("routes", "method", "path", "chosen", "parameters"), MATCHES)
def test_the_most_specific_route_is_taken(
    routes: list[Routed], method: str, path: str, chosen: str, parameters: dict[str, str]
) -> None:
    found = match(routes, method, path)
    assert found is not None
    assert (found.route.path, found.parameters) == (chosen, parameters)


def test_a_method_comes_before_any() -> None:
    found = match(routed("ANY /a", "GET /a"), "GET", "/a")
    assert found is not None
    assert found.route.method == "GET"


MISSES = [
    (routed("GET /a"), "POST", "/a"),
    (routed("GET /a"), "GET", "/a/"),
    (routed("GET /a"), "GET", "/a/b"),
    (routed("GET /a/{id}"), "GET", "/a/"),
    (routed("GET /a/{id}"), "GET", "/a"),
    (routed("GET /a/{proxy+}"), "GET", "/a"),
    (routed("GET /a/{proxy+}"), "GET", "/a/"),
    ([], "GET", "/"),
]


@pytest.mark.parametrize(("routes", "method", "path"), MISSES)
def test_without_a_route_nothing_is_taken(routes: list[Routed], method: str, path: str) -> None:
    assert match(routes, method, path) is None


SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}"])
PATHS = st.builds(
    lambda parts, greedy: "/" + "/".join([*parts, *(["{proxy+}"] if greedy else [])]),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.booleans(),
)


@given(
    paths=st.lists(PATHS, min_size=1, max_size=6, unique=True),
    asked=st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
)
def test_the_order_of_routes_does_not_matter(paths: list[str], asked: list[str]) -> None:
    routes = [Routed("GET", path) for path in paths]
    path = "/" + "/".join(asked)
    found, again = match(routes, "GET", path), match(list(reversed(routes)), "GET", path)
    assert (found is None) == (again is None)
    if found is not None and again is not None:
        shape = [part.startswith("{") for part in found.route.path.split("/")]
        assert shape == [part.startswith("{") for part in again.route.path.split("/")]
