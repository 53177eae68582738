"""What names a key of KMS.

Source: EventBridge API Reference, CreateEventBus (KmsKeyIdentifier: the key's ARN, id, alias, or alias ARN).
"""

import re

_UUID = r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ALIAS = r"alias/[A-Za-z0-9/_-]{1,250}"
_KEY = re.compile(rf"({_UUID}|{_ALIAS}|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{{12}}:(key/{_UUID}|{_ALIAS}))", re.IGNORECASE)


def is_key(text: str) -> bool:
    """Whether a text names a key, wherever it may be."""
    return _KEY.fullmatch(text) is not None
