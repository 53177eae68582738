"""The operators of the pattern language, one module each.

Each is a frozen value with ``holds(leaf)``, and a ``read_...`` that takes its tokens from a pattern. What an operator does
not say something about, it does not match: prefix, wildcard, cidr hold for texts only, numeric for numbers only.
``exists: false`` is no operator on a value and lives in ``Field.absent``.
"""

from interstate.core.patterns.operators.anything_but import AnythingBut, AnythingButMatching
from interstate.core.patterns.operators.cidr import Cidr
from interstate.core.patterns.operators.equals_ignore_case import EqualsIgnoreCase
from interstate.core.patterns.operators.exists import Exists
from interstate.core.patterns.operators.numeric import Numeric
from interstate.core.patterns.operators.prefix import Prefix, PrefixIgnoreCase
from interstate.core.patterns.operators.suffix import Suffix, SuffixIgnoreCase
from interstate.core.patterns.operators.wildcard import Wildcard

Operator = (
    AnythingBut
    | AnythingButMatching
    | Cidr
    | EqualsIgnoreCase
    | Exists
    | Numeric
    | Prefix
    | PrefixIgnoreCase
    | Suffix
    | SuffixIgnoreCase
    | Wildcard
)

__all__ = [
    "AnythingBut",
    "AnythingButMatching",
    "Cidr",
    "EqualsIgnoreCase",
    "Exists",
    "Numeric",
    "Operator",
    "Prefix",
    "PrefixIgnoreCase",
    "Suffix",
    "SuffixIgnoreCase",
    "Wildcard",
]
