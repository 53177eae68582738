"""What is stored has the standard port; what is shown has the port by which the server is reached."""

import pytest

from interstate.base.addresses import as_stored, at_host

QUEUE = "http://sqs.us-east-1.localhost{}/000000000000/orders"
API = "http://a1b2c3.execute-api.eu-west-1.localhost{}/prod/orders?x=1"
URL = "http://abc123.lambda-url.us-east-1.localhost{}/"


@pytest.mark.parametrize("address", [QUEUE, API, URL, "http://eu-west-1.queue.localhost{}/000000000000/orders"])
@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1:4577", ":4577"),
        ("localhost:4566", ":4566"),
        ("[::1]:4577", ":4577"),
        ("sqs.us-east-1.localhost:80", ":80"),
        ("localhost", ""),
        ("[::1]", ""),
        ("", ":4566"),
    ],
)
def test_an_address_of_ours_has_the_port_of_whoever_asks(address: str, host: str, port: str) -> None:
    assert at_host(address.format(":4566"), host) == address.format(port)


def test_every_address_in_a_text_is_changed() -> None:
    text = '{"queue": "' + QUEUE.format(":4566") + '", "api": "' + API.format(":4566") + '"}'
    assert at_host(text, "localhost:1") == text.replace(":4566", ":1")


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:4566/000000000000/orders",
        "http://127.0.0.1:4566",
        "http://sqs.us-east-1.localhost:45660/000000000000/orders",
        "https://sqs.us-east-1.amazonaws.com/000000000000/orders",
        "http://database.localhost:4566/",
        "4566",
    ],
)
def test_whatever_is_not_ours_stays(text: str) -> None:
    assert at_host(text, "localhost:4577") == text


@pytest.mark.parametrize("port", [":4577", ":80", "", ":4566"])
@pytest.mark.parametrize("address", [QUEUE, API, URL])
def test_an_address_that_was_shown_is_found_again(address: str, port: str) -> None:
    assert as_stored(address.format(port)) == address.format(":4566")


def test_what_is_not_ours_is_stored_as_it_is() -> None:
    assert as_stored("orders-table") == "orders-table"
    assert as_stored("http://127.0.0.1:4577/000000000000/orders") == "http://127.0.0.1:4577/000000000000/orders"
