"""Checksums of objects: those that are verified here, and how they are told for uploads in parts.

CRC32, SHA1, SHA256 (and MD5, the entity tag) are computed; CRC32C and CRC64NVME are taken as the client gives them: there is no
fast implementation in the standard library.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import hashlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Final

VERIFIED: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4),
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
ALGORITHMS: Final = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def member(algorithm: str) -> str:
    """``ChecksumCRC32``: the API's member of an algorithm."""
    return f"Checksum{algorithm}"


def md5(data: bytes) -> bytes:
    """The digest of which entity tags are made."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def etag_of(data: bytes) -> str:
    """The entity tag of an object that was put whole."""
    return f'"{md5(data).hex()}"'


def etag_of_parts(etags: Iterable[str]) -> str:
    """The entity tag of an object that was uploaded in parts: the digest of the parts' digests, and their number."""
    digests = [bytes.fromhex(etag.strip('"')) for etag in etags]
    return f'"{md5(b"".join(digests)).hex()}-{len(digests)}"'


def computed(algorithm: str, data: bytes) -> str | None:
    """The checksum as text; None when this algorithm is not computed here."""
    compute = VERIFIED.get(algorithm)
    return None if compute is None else b64encode(compute(data)).decode()


def of_parts(algorithm: str, checksums: Iterable[str]) -> str | None:
    """The composite checksum of an object in parts: the checksum of the parts' checksums, and their number."""
    digests = [b64decode(checksum) for checksum in checksums]
    composite = computed(algorithm, b"".join(digests))
    return None if composite is None else f"{composite}-{len(digests)}"
