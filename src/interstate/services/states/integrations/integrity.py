"""The checksum that the SDK behind a Task adds to what it sends to S3, as every AWS SDK does unless it is told not to.

Reads get no checksum: Step Functions' client does not ask for one (answers recorded from Step Functions).

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html (WHEN_SUPPORTED is the default, with CRC32)
"""

from typing import Any, Final

_SENDS: Final = frozenset({"PutObject", "UploadPart"})


def protect(operation: str, request: dict[str, Any]) -> None:
    """Ask for a CRC32 where bytes are sent and their caller named no checksum."""
    named = "ContentMD5" in request or any(name.startswith("Checksum") for name in request)
    if operation in _SENDS and not named:
        request["ChecksumAlgorithm"] = "CRC32"
