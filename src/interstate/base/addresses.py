"""Addresses below ``localhost`` that a server gives what lives in it: queues, APIs, function URLs.

On AWS they are fixed names. Here a port stands in them, and a server may listen at another one after its next start; so whatever is stored
has the standard port, and whoever is shown an address, or is given one, gets the port by which the server is reached.
"""

import re

STANDARD_PORT = 4566

_NAME = (
    r"(http://(?:sqs\.[a-z0-9-]+|(?:[a-z0-9-]+\.)?queue|[a-z0-9-]+\.(?:execute-api|lambda-url)\.[a-z0-9-]+)\.localhost)"
)
_OURS = re.compile(rf"{_NAME}:{STANDARD_PORT}(?![0-9])", re.IGNORECASE)
_AT_ANY_PORT = re.compile(rf"{_NAME}(?::[0-9]+)?(?=[/?#]|\Z)", re.IGNORECASE)
_MARK = f".localhost:{STANDARD_PORT}"


def at_host(text: str, host: str) -> str:
    """The text with the port of ``host`` (as of a Host header or an endpoint) in each address of ours; any other stays.

    A host without a port is reached at the scheme's own; without a host the text stays.
    """
    if _MARK not in text or not host:
        return text
    port = host.rpartition("]")[2].rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
    return _OURS.sub(rf"\g<1>:{port}" if port else r"\g<1>", text)


def as_stored(address: str) -> str:
    """An address as it is stored, whatever port somebody was shown in it."""
    return _AT_ANY_PORT.sub(rf"\g<1>:{STANDARD_PORT}", address)
