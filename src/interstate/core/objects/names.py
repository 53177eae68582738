"""Names of buckets and keys.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, .../object-keys.html
"""

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

KEY_BYTES_MAX: Final = 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_bucket_name(name: str) -> bool:
    """Whether a new bucket may have this name. (``amzn-s3-demo-`` is AWS's for its documentation; here anybody may.)"""
    if not _BUCKET.match(name) or ".." in name or ".-" in name or "-." in name:
        return False
    if name.startswith(_PREFIXES[:2]) or name.endswith(_SUFFIXES):
        return False
    try:
        IPv4Address(name)
    except AddressValueError:
        return True
    return False


def is_key(key: str) -> bool:
    """Whether an object may have this key."""
    return len(key) <= KEY_BYTES_MAX and len(key.encode("utf-8", "surrogatepass")) <= KEY_BYTES_MAX


def after_prefix(prefix: str) -> str | None:
    """The least text above all that begin with ``prefix``, in the order of UTF-8; None when there is none."""
    while prefix:
        code = ord(prefix[-1])
        if code < 0x10FFFF:
            following = 0xE000 if code + 1 == 0xD800 else code + 1  # Surrogates are no characters.
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None
