"""What the Java SDK adds to the answers of optimized integrations: ``SdkHttpMetadata`` and ``SdkResponseMetadata``.

Nothing travels over HTTP here; the headers are those that the service would have sent.
Source: answers recorded from Step Functions.
"""

from collections.abc import Mapping
from datetime import datetime

from interstate.base.json import JSONObject

_JSON_1_0 = "application/x-amz-json-1.0"
CONTENT_TYPES: Mapping[str, str] = {
    "dynamodb": _JSON_1_0,
    "lambda": "application/json",
    "sns": "text/xml",
    "sqs": _JSON_1_0,
    "states": _JSON_1_0,
}


def sdk_metadata(
    service: str, request_id: str, length: int, now: datetime, headers: Mapping[str, str] | None = None
) -> JSONObject:
    """Both members, for an answer of ``length`` bytes."""
    sent = {
        **(headers or {}),
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": CONTENT_TYPES[service],
        "Date": f"{now:%a, %d %b %Y %H:%M:%S} GMT",
        "x-amzn-RequestId": request_id,
    }
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in sent.items()},
            "HttpHeaders": sent,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
