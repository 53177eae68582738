"""``interstate serve`` with plain options, read without the library that reads commands: importing it takes longer than a store.

What this does not know (help, another spelling, a value that is none) is left to the command itself, which reads it or says what
is wrong with it; so this may leave more to it than it must, but never reads what the command reads otherwise.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from interstate.config import DEFAULT_HOST, DEFAULT_PORT

_FLAGS = {"--memory": "memory", "--enforce-capacity": "enforce_capacity"}
_VALUES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "--port": ("port", int),
    "-p": ("port", int),
    "--host": ("host", str),
    "--data": ("data", Path),
    "--database": ("database", str),
    "--role": ("role", str),
    "--credentials": ("credentials", Path),
    "--clock": ("clock", str),
    "--workers": ("workers", int),
    "--mock-config": ("mock_config", Path),
    "--smtp": ("smtp", str),
    "--sms-gateway": ("sms_gateway", str),
    "--push-gateway": ("push_gateway", str),
    "--log-level": ("log_level", str),
}
_EVERY = {"--allow-host": "allow_host"}  # May be said more than once.
_ENVIRONMENT = ("SFN_MOCK_CONFIG",)
_DIGITS_MAX = 9

DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys([name for name, _ in _VALUES.values()]),
    **dict.fromkeys(_FLAGS.values(), False),
    **dict.fromkeys(_EVERY.values()),
    "port": DEFAULT_PORT,
    "host": DEFAULT_HOST,
    "role": "all",
    "log_level": "warning",
}


def options_of(arguments: Sequence[str]) -> dict[str, Any] | None:
    """The options of ``interstate serve``, by their names; None when the command itself is to read them."""
    if any(os.environ.get(name) for name in _ENVIRONMENT):
        return None
    found: dict[str, Any] = {}
    left = list(reversed(arguments))
    while left:
        option = left.pop()
        if option in _FLAGS:
            found[_FLAGS[option]] = True
            continue
        value = left.pop() if left else ""
        if not value or value.startswith("-"):
            return None
        if option in _EVERY:
            found.setdefault(_EVERY[option], []).append(value)
            continue
        if option not in _VALUES:
            return None
        name, kind = _VALUES[option]
        if name in found or (kind is int and not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX)):
            return None
        found[name] = kind(value)
    return {**DEFAULTS, **found}
