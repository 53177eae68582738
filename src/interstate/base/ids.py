"""Entropy as data: every id and every jitter comes from a seed and a counter (design, law 3)."""

from hashlib import blake2b
from struct import Struct

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHANUMERICS = "abcdefghijklmnopqrstuvwxyz0123456789"
_EIGHT_WORDS = Struct(">8Q")
_UUID_PARTS = Struct("8s4s4s4s12s")
_UUID_FREE = ~(0xF << 76 | 0xC << 60)
_UUID_MARKS = 4 << 76 | 8 << 60  # The version and the variant.


class Entropy:
    """A stream of values that the same seed repeats.

    One stands beside each call of a batch, so that a batch which is run again takes the same ids.
    """

    __slots__ = ("_counter", "_seed", "_words")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._counter = 0
        self._words: list[int] = []

    def bytes(self, count: int) -> bytes:
        """``count`` (1 to 64) bytes."""
        self._counter += 1
        return blake2b(self._counter.to_bytes(8), digest_size=count, key=self._seed).digest()

    def word(self) -> int:
        """64 bits; cheaper than ``bytes`` where many are drawn."""
        if not self._words:
            self._words.extend(_EIGHT_WORDS.unpack(self.bytes(64)))
        return self._words.pop()

    def seed(self) -> "Entropy":
        """A stream of its own, for a call inside this one."""
        return Entropy(self.bytes(16))

    def uuid(self) -> str:
        """A version 4 UUID as text."""
        number = int.from_bytes(self.bytes(16)) & _UUID_FREE | _UUID_MARKS
        return b"-".join(_UUID_PARTS.unpack(b"%032x" % number)).decode()

    def integer(self, bound: int) -> int:
        """A number from 0 to ``bound - 1``."""
        return int.from_bytes(self.bytes(16)) % bound

    def fraction(self) -> float:
        """A number from 0 (in) to 1 (out)."""
        return (int.from_bytes(self.bytes(8)) >> 11) / (1 << 53)

    def hex(self, digits: int) -> str:
        """``digits`` hexadecimal digits."""
        return self.bytes((digits + 1) // 2).hex()[:digits]

    def text(self, length: int, alphabet: str = _ALPHANUMERICS) -> str:
        """``length`` characters of ``alphabet``."""
        return "".join(alphabet[byte % len(alphabet)] for byte in self.bytes(length))

    def unique_id(self, prefix: str) -> str:
        """An IAM-like unique id: ``prefix`` and 17 letters and digits, upper case."""
        return prefix + self.text(17, _LETTERS + "234567")
