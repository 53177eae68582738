"""Secrets of connections, encrypted before they reach the store.

Theory of operation
-------------------
AES-SIV (RFC 5297) with the connection's ARN and a nonce as associated data: a sealed text opens under its own ARN only, and
a batch that is decided again under the same nonce gives nothing away. The key is no part of the store: a server keeps it in
a file of its own beside the data (``runtime.api_destinations``), so a copy of the database alone opens nothing. Until a key is
given, a process has one of its own, and what it sealed dies with it: right for a server in memory, and for tests.
"""

import secrets

_NONCE_BYTES = 16
KEY_BYTES = 64


class Vault:
    """Seals and opens."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)

    def unlock(self, key: bytes) -> None:
        """Use this key from now on."""
        assert len(key) == KEY_BYTES, "an AES-SIV key of 512 bits"
        self._key = key

    def seal(self, plain: bytes, place: str, nonce: bytes) -> bytes:
        """Encrypt for ``place``; ``nonce`` comes from the call's entropy."""
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 only servers with connections need it

        nonce = nonce[:_NONCE_BYTES]
        return nonce + AESSIV(self._key).encrypt(plain, [place.encode(), nonce])

    def open(self, sealed: bytes, place: str) -> bytes | None:
        """Decrypt what was sealed for ``place``; None when it was sealed under another key, or for another place."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 see above
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415 see above

        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESSIV(self._key).decrypt(rest, [place.encode(), nonce])
        except (InvalidTag, ValueError):
            return None


_VAULT = Vault()  # One a process, like its key.


def vault() -> Vault:
    """The vault of this process."""
    return _VAULT
