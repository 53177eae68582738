import pytest

from interstate.http.guard import Guard

GUARD = Guard("192.168.1.5", ("api.example.org", ".dev.example.org"))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:4566", True),
        ("LOCALHOST:4566", True),
        ("127.0.0.1:4566", True),
        ("127.8.8.8", True),
        ("[::1]:4566", True),
        ("sqs.us-east-1.localhost:4566", True),
        ("sync-localhost:4566", True),
        ("sync-127.0.0.1:4566", True),
        ("192.168.1.5:4566", True),
        ("api.example.org", True),
        ("a.dev.example.org", True),
        ("dev.example.org", False),
        ("192.168.1.6", False),
        ("0.0.0.0:4566", False),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("evil-localhost", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("[", False),
        ("", False),
    ],
)
def test_only_names_of_this_server_are_answered(host: str, allowed: bool) -> None:
    assert GUARD.host_allowed(host.encode()) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("https://app.localhost", True),
        ("http://127.0.0.1:8080", True),
        ("https://api.example.org", True),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("file://", False),
    ],
)
def test_pages_of_other_origins_are_refused(origin: str, allowed: bool) -> None:
    assert GUARD.origin_allowed(origin.encode()) is allowed


def test_listening_on_every_address_does_not_allow_its_placeholder() -> None:
    assert not Guard("0.0.0.0").host_allowed(b"0.0.0.0")
