"""``{"cidr": "10.0.0.0/24"}``: texts that are an IP address of a network, IPv4 or IPv6.

A plain text in a pattern that is an IPv6 address matches every way to write that address.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (IP address matching);
CIDR of github.com/aws/event-ruler for what is refused and how.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NoReturn

import msgspec

from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens

_LOOKS_LIKE_V4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_LOOKS_LIKE_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_V6_BITS = 128


class Cidr(msgspec.Struct, frozen=True):
    """The addresses of ``bits`` bits from ``lowest`` to ``highest``."""

    bits: int
    lowest: int
    highest: int

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that is an address of the network."""
        if type(leaf) is not str:
            return False
        address = address_of(leaf)
        return (
            address is not None and address.max_prefixlen == self.bits and self.lowest <= int(address) <= self.highest
        )


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is."""
    if not (_LOOKS_LIKE_V4.fullmatch(text) or _LOOKS_LIKE_V6.fullmatch(text)):
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def exactly(text: str) -> Cidr | None:
    """The address that a text is, as a network of its own, when it is an IPv6 address."""
    address = address_of(text)
    if address is None or address.version == 4:  # An IPv4 address is written in one way only.
        return None
    return Cidr(_V6_BITS, int(address), int(address))


def network_of(text: str) -> Cidr:
    """The network ``address/mask bits``.

    Raises:
        PatternError: the text is none. AWS names no place for these.
    """
    parts = text.split("/")
    if len(parts) != 2:
        _refuse("Malformed CIDR, one '/' required")
    try:
        mask_bits = int(parts[1])
    except ValueError:
        _refuse("Malformed CIDR, mask bits must be an integer")
    if mask_bits < 0:
        _refuse("Malformed CIDR, mask bits must not be negative")
    address = address_of(parts[0])
    if address is None:
        looks = _LOOKS_LIKE_V4.fullmatch(parts[0]) or _LOOKS_LIKE_V6.fullmatch(parts[0])
        _refuse(f"{'Invalid' if looks else 'Nonstandard'} IP address: {parts[0]}")
    bits = address.max_prefixlen
    if mask_bits >= bits:
        _refuse(f"IPv{address.version} mask bits must be < {bits}")
    span = 1 << (bits - mask_bits)
    lowest = int(address) & ~(span - 1)
    return Cidr(bits, lowest, lowest + span - 1)


def _refuse(reason: str) -> NoReturn:
    raise PatternError(reason)


def read_cidr(tokens: Tokens) -> Cidr:
    """Read what follows the name ``cidr``."""
    if tokens.next().kind != "string":
        tokens.refuse("prefix match pattern must be a string")  # AWS's own slip, recorded so.
    network = network_of(tokens.text())
    end_of_expression(tokens)
    return network
