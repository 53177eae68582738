from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from interstate.wire.messages import Request
from interstate.wire.signature import SignatureRefused, read_credentials, verify

FILE = """
[default]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
aws_account_id = 123456789012
[other]
aws_access_key_id = AKIDOTHER
aws_secret_access_key = s%cret
"""
CREDENTIALS = read_credentials(FILE)
SIGNER = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def signed(url: str, body: bytes = b"{}", method: str = "POST", *, presigned: bool = False) -> Request:
    """A request as botocore signs it, now. An address is signed without a body."""
    body = b"" if presigned else body
    wanted = AWSRequest(method=method, url=url, data=body, headers={"X-Amz-Target": "AmazonSQS.SendMessage"})
    auth = SigV4QueryAuth if presigned else SigV4Auth
    auth(SIGNER, "sqs", "us-east-1").add_auth(wanted)
    prepared = wanted.prepare()
    address = urlsplit(prepared.url)
    headers = {
        name.lower().encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in prepared.headers.items()
    }
    headers[b"host"] = address.netloc.encode()
    return Request(method, address.path, address.query, headers, body)


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - botocore signs with the real time


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4566/",
        "http://localhost:4566",
        "http://localhost:4566/000000000000/queue",
        "http://localhost:4566/2015-03-31/functions/arn%3Aaws%3Alambda/invocations?Qualifier=a%20b",
        "http://localhost:4566/a/../b//c/?z=1&a=2&a=1&empty=",
        "http://sqs.us-east-1.localhost:4566/%EC%A3%BC%EB%AC%B8?name=%EC%A3%BC",
    ],
)
def test_what_botocore_signs_is_verified(url: str, presigned: bool) -> None:
    request = signed(url, presigned=presigned)
    assert verify(request, CREDENTIALS, real_now()).account == "123456789012"


def changed(request: Request, **changes: object) -> Request:
    fields = {name: getattr(request, name) for name in ("method", "path", "query", "headers", "body")}
    return Request(**{**fields, **changes})


CHANGES = [
    {"method": "GET"},
    {"path": "/other"},
    {"query": "a=1"},
    {"body": b'{"a":1}'},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_request_changed_on_its_way_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify(changed(signed("http://localhost/"), **change), CREDENTIALS, real_now())
    assert refused.value.code == "InvalidSignatureException"


def test_a_signed_header_changed_on_its_way_is_refused() -> None:
    request = signed("http://localhost/")
    headers = {**request.headers, b"x-amz-target": b"AmazonSQS.DeleteQueue"}
    with pytest.raises(SignatureRefused, match="does not match the signature"):
        verify(changed(request, headers=headers), CREDENTIALS, real_now())


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_old_or_future_signature_is_refused(hours: int) -> None:
    with pytest.raises(SignatureRefused, match=r"Signature (expired|not yet current)"):
        verify(signed("http://localhost/"), CREDENTIALS, real_now() + timedelta(hours=hours))


def test_a_presigned_address_lives_as_long_as_it_says() -> None:
    request = signed("http://localhost/", presigned=True)
    verify(request, CREDENTIALS, real_now() + timedelta(minutes=50))
    with pytest.raises(SignatureRefused, match="Signature expired"):
        verify(request, CREDENTIALS, real_now() + timedelta(minutes=70))


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (b"", "MissingAuthenticationTokenException"),
        (b"Basic dXNlcjpwYXNz", "IncompleteSignatureException"),
        (b"AWS4-HMAC-SHA256 Credential=a/b", "IncompleteSignatureException"),
        (b"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0", "IncompleteSignatureException"),
        (
            b"AWS4-HMAC-SHA256 Credential=NOBODY/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            "UnrecognizedClientException",
        ),
        (
            b"AWS4-HMAC-SHA256 Credential=AKIDOTHER/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            "InvalidSignatureException",
        ),
    ],
)
def test_a_request_without_a_good_signature_is_refused(authorization: bytes, code: str) -> None:
    headers = {b"host": b"localhost", b"x-amz-date": b"20261121T000000Z"}
    if authorization:
        headers[b"authorization"] = authorization
    with pytest.raises(SignatureRefused) as refused:
        verify(Request("POST", "/", "", headers, b""), CREDENTIALS, real_now())
    assert (refused.value.code, refused.value.status) == (code, 403)


@pytest.mark.parametrize("text", ["", "nonsense", "[a]\naws_access_key_id = k\n", "[a]\n[a]\n"])
def test_a_file_without_keys_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"credentials file|lacks"):
        read_credentials(text)


def test_a_key_without_account_belongs_to_the_default_account() -> None:
    assert CREDENTIALS["AKIDOTHER"].account == "000000000000"
    assert CREDENTIALS["AKIDOTHER"].secret == "s%cret"


@pytest.mark.parametrize("expires", ["", "-1", "soon", "\u0661", "9" * 5000])
def test_a_presigned_address_says_how_long_it_lives(expires: str) -> None:
    query = signed("http://localhost/", presigned=True).query.replace("X-Amz-Expires=3600", f"X-Amz-Expires={expires}")
    with pytest.raises(SignatureRefused) as refused:
        verify(changed(signed("http://localhost/", presigned=True), query=query), CREDENTIALS, real_now())
    assert refused.value.code == "IncompleteSignatureException"
