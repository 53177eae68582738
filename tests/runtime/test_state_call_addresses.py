from urllib.parse import urlsplit

import pytest

from interstate.runtime.state_calls import reached

HERE = "http://127.0.0.1:4599"
EU, US = "abc.execute-api.eu-west-1.localhost:4599", "abc.execute-api.us-east-1.localhost:4599"

REACHED = [
    ("https://abc.execute-api.eu-west-1.amazonaws.com/v1/a?b=c", f"{HERE}/v1/a?b=c", EU),
    ("http://abc.execute-api.localhost:4599", f"{HERE}/", US),
    ("http://localhost:4599/restapis/abc/v1/a%20b?c=d", f"{HERE}/v1/a%20b?c=d", US),
    ("http://localhost:4600/restapis/abc/v1/a", "http://localhost:4600/restapis/abc/v1/a", None),
    ("https://example.com/restapis/abc/v1", "https://example.com/restapis/abc/v1", None),
    ("http://[broken", "http://[broken", None),
]


@pytest.mark.parametrize(("url", "target", "host"), REACHED)
def test_an_api_of_this_server_is_reached_here(url: str, target: str, host: str | None) -> None:
    assert reached(url, urlsplit(HERE)) == (target, host)
