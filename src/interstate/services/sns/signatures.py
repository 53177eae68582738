"""Signatures of notifications: one key and one self-signed certificate an instance, kept with its data.

The key is made when the first document is signed. Signing is deterministic (PKCS #1 v1.5), so a batch that is run again
signs alike; a text that goes to many subscribers is signed once. What goes to a queue is signed when it is
read (``services/signing.py``).

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from interstate.core.topics.envelope import Stamp
from interstate.services.doors import Response
from interstate.services.signing import KEY_BITS, OWN, PLACE, signature
from interstate.store.ports import Work
from interstate.store.records.sns import GATEWAYS, SIGNING_KEYS, Gateways, SigningKey

# Wide, since business time may stand anywhere.
_NOT_BEFORE, _NOT_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
PREFIX = "SimpleNotificationService-"


class CertificateRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """A request that came through the certificate's door."""

    name: str


def gateways(work: Work) -> Gateways:
    """How this server is reached, and what leaves it."""
    return work.get(GATEWAYS, OWN) or Gateways()


def stamp(text: str, version: str, work: Work) -> Stamp:
    """The signature of a text, with SHA-1 (version 1) or SHA-256 (version 2)."""
    key = _key(work)
    return Stamp(
        signature(key.private_key, text, version), _certificate_name(key.certificate), gateways(work).address, version
    )


def _key(work: Work) -> SigningKey:
    key = work.get(SIGNING_KEYS, OWN)
    if key is None:
        private_key, certificate = new_key()
        key = SigningKey(OWN, private_key, certificate)
        work.put(SIGNING_KEYS, key)
    return key


def open_stamp(version: str, work: Work) -> Stamp:
    """A stamp whose signature is made when the document is read; the key is there from now on."""
    return _open_stamp(_key(work).certificate, gateways(work).address, version)


@lru_cache(maxsize=64)
def _open_stamp(certificate: bytes, address: str, version: str) -> Stamp:
    return Stamp(PLACE, _certificate_name(certificate), address, version)


def read_certificate(request: CertificateRequest, work: Work) -> dict[str, Any]:
    """The certificate under its address; 404 for any other name."""
    key = work.get(SIGNING_KEYS, OWN)
    if key is None or request.name != _certificate_name(key.certificate):
        return Response(404, [("content-type", "text/plain")], b"There is no such certificate.\n").answer()
    headers = [("content-type", "application/x-pem-file"), ("cache-control", "max-age=86400")]
    return Response(200, headers, key.certificate).answer()


@lru_cache(maxsize=16)
def _certificate_name(certificate: bytes) -> str:
    return f"{PREFIX}{sha256(certificate).hexdigest()[:32]}.pem"


def new_key() -> tuple[bytes, bytes]:
    """A private key and its certificate, both PEM."""
    from cryptography import x509  # noqa: PLC0415 as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 as above
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 as above

    key = rsa.generate_private_key(65537, KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, plain, serialization.NoEncryption()), certificate.public_bytes(pem)
