"""Host and Origin: who may speak to this server through a browser or a name (design, law 10).

A page of any site can make a browser send requests to a server on the same machine; a name that an attacker controls may
point to 127.0.0.1. So only known names are answered, and pages of other origins are refused.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

# Some operations put a word before the host, even before localhost, e.g. StartSyncExecution ("sync-").
# Source: hostPrefix in botocore's models of Step Functions and CloudWatch Logs.
_HOST_PREFIXES = ("sync-", "data-", "streaming-")
_KNOWN_MAX = 4096


class Guard:
    """Remembers what it decided; there are few names."""

    def __init__(self, bound: str, allowed: Iterable[str] = ()) -> None:
        """Allow loopback, ``*.localhost``, the ``bound`` address, and ``allowed`` names (``.example.org``: all below it)."""
        self._names = {bound.strip("[]").lower(), *(name.lower() for name in allowed if not name.startswith("."))}
        self._names.discard("0.0.0.0")  # noqa: S104 - taken out, not bound
        self._suffixes = (".localhost", *(name.lower() for name in allowed if name.startswith(".")))
        self._hosts: dict[bytes, bool] = {}
        self._origins: dict[bytes, bool] = {}

    def host_allowed(self, host: bytes) -> bool:
        """Whether a Host header names this server."""
        known = self._hosts.get(host)
        if known is None:
            known = _remember(self._hosts, host, allowed=self._allows(_host_name("//" + host.decode("latin-1"))))
        return known

    def origin_allowed(self, origin: bytes) -> bool:
        """Whether a page of this Origin may call."""
        known = self._origins.get(origin)
        if known is None:
            known = _remember(self._origins, origin, allowed=self._allows(_host_name(origin.decode("latin-1"))))
        return known

    def _allows(self, name: str | None) -> bool:
        if not name:
            return False
        for prefix in ("", *_HOST_PREFIXES):
            rest = name.removeprefix(prefix)
            if name.startswith(prefix) and (rest in self._names or rest.endswith(self._suffixes) or is_loopback(rest)):
                return True
        return False


def _remember(known: dict[bytes, bool], name: bytes, *, allowed: bool) -> bool:
    if len(known) >= _KNOWN_MAX:
        known.clear()
    known[name] = allowed
    return allowed


def _host_name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
