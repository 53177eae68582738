"""Signature Version 4, verified: who sent a request, and that nobody changed it.

Only asked for with a credentials file, that is, when the server listens beyond loopback. The signature of a header and of a
presigned address are verified; the body's hash is computed here, never believed.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from configparser import ConfigParser, Error
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from interstate.base.arn import DEFAULT_ACCOUNT
from interstate.base.errors import ServiceError
from interstate.wire.messages import Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW_MAX = timedelta(minutes=15)
_PRESIGNED_MAX_S = 604_800  # Seven days.
_SECONDS = re.compile(r"[0-9]{1,7}\Z")
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Credential(NamedTuple):
    """One access key: its secret and whose it is."""

    access_key: str
    secret: str
    account: str


class SignatureRefused(ServiceError):
    """A request whose sender is not who it says, or unknown.

    JSON and REST services name it otherwise than query services do.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html and the answers of JSON services
    """

    status = 403

    def __init__(self, message: str, code: str, query_code: str) -> None:
        super().__init__(message, code=code)
        self.query_code = query_code


def _no_token() -> SignatureRefused:
    return SignatureRefused(
        "Missing Authentication Token", "MissingAuthenticationTokenException", "MissingAuthenticationToken"
    )


def _incomplete(what: str) -> SignatureRefused:
    return SignatureRefused(
        f"Authorization header requires {what}.", "IncompleteSignatureException", "IncompleteSignature"
    )


def _unknown_key() -> SignatureRefused:
    return SignatureRefused(
        "The security token included in the request is invalid.", "UnrecognizedClientException", "InvalidClientTokenId"
    )


def _mismatch(message: str) -> SignatureRefused:
    return SignatureRefused(message, "InvalidSignatureException", "SignatureDoesNotMatch")


class _Signed(NamedTuple):
    """What a request says about its own signature."""

    access_key: str
    scope: tuple[str, str, str]  # date, region, service
    at: str
    headers: Sequence[str]
    signature: str
    payload_hash: str
    query: Sequence[tuple[str, str]]
    valid_for: timedelta | None  # of a presigned address


def read_credentials(text: str) -> Mapping[str, Credential]:
    """Access keys of a file in the format of ``~/.aws/credentials``, any profile.

    ``aws_account_id`` beside a key tells its account; without it, it is the default account.

    Raises:
        ValueError: the text is no such file, or names no key.
    """
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except Error as error:
        msg = f"not a credentials file: {error.message}"
        raise ValueError(msg) from error
    found: dict[str, Credential] = {}
    for name in parser.sections():
        profile = parser[name]
        key, secret = profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")
        if not key or not secret:
            msg = f"profile {name!r} lacks aws_access_key_id or aws_secret_access_key"
            raise ValueError(msg)
        found[key] = Credential(key, secret, profile.get("aws_account_id") or DEFAULT_ACCOUNT)
    if not found:
        msg = "the credentials file names no key"
        raise ValueError(msg)
    return found


def verify(request: Request, credentials: Mapping[str, Credential], now: datetime) -> Credential:
    """The credential with which the request was signed.

    Args:
        request: the whole request.
        credentials: the keys that may call.
        now: real time, not business time: clients sign with their own clock.

    Raises:
        SignatureRefused: unsigned, unknown key, wrong signature, or signed too long ago.
    """
    signed = _signed(request)
    credential = credentials.get(signed.access_key)
    if credential is None:
        raise _unknown_key()
    _in_time(signed, now)
    if "host" not in signed.headers:
        raise _mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    expected = signature_of(_string_to_sign(request, signed), credential.secret, signed.scope)
    if not hmac.compare_digest(expected.encode(), signed.signature.encode()):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
    return credential


def _signed(request: Request) -> _Signed:
    authorization = request.header(b"authorization")
    if authorization:
        return _from_header(request, authorization)
    if "X-Amz-Signature=" in request.query:
        return _from_query(request)
    raise _no_token()


def _from_header(request: Request, authorization: str) -> _Signed:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != _ALGORITHM:
        raise _incomplete(f"the algorithm {_ALGORITHM}")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parts.get(name):
            raise _incomplete(f"'{name}' parameter")
    at = request.header(b"x-amz-date")
    if not at:
        raise _incomplete("existence of either a 'X-Amz-Date' or a 'Date' header")
    key, scope = _scope(parts["Credential"])
    claimed = request.header(b"x-amz-content-sha256")
    # Of a body in chunks the first signature covers the headers; those of its chunks are not verified.
    unhashed = claimed == _UNSIGNED or (scope[2] == "s3" and claimed.startswith("STREAMING-"))
    payload_hash = claimed if unhashed else sha256(request.body).hexdigest()
    query = parse_qsl(request.query, keep_blank_values=True)
    return _Signed(key, scope, at, parts["SignedHeaders"].split(";"), parts["Signature"], payload_hash, query, None)


def _from_query(request: Request) -> _Signed:
    query = parse_qsl(request.query, keep_blank_values=True)
    found = dict(query)
    for name in ("X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"):
        if not found.get(name):
            raise _incomplete(f"'{name}' parameter")
    if found.get("X-Amz-Algorithm") != _ALGORITHM or not _SECONDS.match(found["X-Amz-Expires"]):
        raise _incomplete(f"the algorithm {_ALGORITHM} and a number of seconds in 'X-Amz-Expires'")
    key, scope = _scope(found["X-Amz-Credential"])
    return _Signed(
        key,
        scope,
        found["X-Amz-Date"],
        found["X-Amz-SignedHeaders"].split(";"),
        found["X-Amz-Signature"],
        _UNSIGNED if scope[2] == "s3" else sha256(request.body).hexdigest(),
        [(name, value) for name, value in query if name != "X-Amz-Signature"],
        timedelta(seconds=min(int(found["X-Amz-Expires"]), _PRESIGNED_MAX_S)),
    )


def _scope(text: str) -> tuple[str, tuple[str, str, str]]:
    parts = text.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _incomplete("a 'Credential' of the form key/date/region/service/aws4_request")
    return parts[0], (parts[1], parts[2], parts[3])


def _in_time(signed: _Signed, now: datetime) -> None:
    try:
        at = datetime.strptime(signed.at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete("a date of the form YYYYMMDD'T'HHMMSS'Z'") from None
    if signed.scope[0] != signed.at[:8]:
        raise _mismatch(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {signed.at}.")
    if at > now + _SKEW_MAX:
        raise _mismatch(f"Signature not yet current: {signed.at} is still later than {now:%Y%m%dT%H%M%SZ}")
    if at + (signed.valid_for or _SKEW_MAX) < now:
        raise _mismatch(f"Signature expired: {signed.at} is now earlier than {now:%Y%m%dT%H%M%SZ}")


def _string_to_sign(request: Request, signed: _Signed) -> str:
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(request.path, signed.scope[2]),
            "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in signed.query)),
            *(f"{name}:{' '.join(request.header(name.encode()).split())}" for name in signed.headers),
            "",
            ";".join(signed.headers),
            signed.payload_hash,
        )
    )
    scope = "/".join((*signed.scope, "aws4_request"))
    return "\n".join((_ALGORITHM, signed.at, scope, sha256(canonical.encode()).hexdigest()))


def _canonical_path(path: str, service: str) -> str:
    """The path as it came (encoded once), without dots and double slashes, encoded once more; S3's as it is."""
    if service == "s3":
        return quote(unquote(path), safe="/-_.~")
    normal = normpath(path) if path else "/"
    normal = "/" + normal.lstrip("/")
    if path.endswith("/") and normal != "/":
        normal += "/"
    return quote(normal, safe="/-_.~")


def signature_of(string_to_sign: str, secret: str, scope: tuple[str, str, str]) -> str:
    """The signature that this secret makes."""
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, string_to_sign.encode(), "sha256").hex()
