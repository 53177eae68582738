"""Signatures of SNS's notifications, made at once or when a document is read.

A signature costs more than all else of a publish, and is a pure function of the document and the instance's key. So what
goes to a queue is written with an open place as long as the signature; whoever reads the message gets it filled
(``services/sqs/seals.py``). Signing is deterministic (PKCS #1 v1.5): a text that is signed twice has one signature.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from base64 import b64encode
from functools import lru_cache
from typing import Any

from interstate.base.json import loads
from interstate.core.topics.envelope import signed_text_of
from interstate.store.ports import Work
from interstate.store.records.sns import SIGNING_KEYS

OWN = "own"
KEY_BITS = 2048
PLACE = b64encode(bytes(KEY_BITS // 8)).decode()
"""Stands where a signature will."""


def filled(document: str, version: str, work: Work) -> str:
    """A notification's document with its signature, with SHA-1 (version 1) or SHA-256 (version 2).

    What a publisher wrote cannot be taken for the place: its quotation marks are escaped.
    """
    key = work.get(SIGNING_KEYS, OWN)
    assert key is not None, "a document was left unsigned before there was a key"
    members = loads(document)
    assert isinstance(members, dict)
    signed = signature(key.private_key, signed_text_of(members), version)
    return document.replace(f'"Signature" : "{PLACE}"', f'"Signature" : "{signed}"', 1)


@lru_cache(maxsize=2048)
def signature(private_key: bytes, text: str, version: str) -> str:
    """The signature of a text; of one that goes to many readers, made once."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 loaded when the first document is signed
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 as above

    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 version 1 is SHA-1, as published
    return b64encode(_loaded(private_key).sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()


@lru_cache(maxsize=16)
def _loaded(private_key: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 as above

    return load_pem_private_key(private_key, None)
