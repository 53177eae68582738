"""Headers that a REST API's endpoint adds to answers, spelled as AWS spells them.

An edge-optimized API, which is what an API is unless it says otherwise, is answered through CloudFront, and shows it.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-endpoint-types.html; answers of
``apigateway:invoke`` recorded from Step Functions.
"""

from hashlib import sha256

from interstate.services.apigateway.exchange import Exchange

_PLACE = "IAD89-P1"


def headers_of(exchange: Exchange, status: int) -> list[tuple[str, str]]:
    """The headers of one answer."""
    headers = [("x-amzn-RequestId", exchange.request_id), ("x-amz-apigw-id", exchange.extended_id)]
    integration = exchange.route.integration
    if integration is not None and integration.type != "MOCK":
        headers.append(("X-Amzn-Trace-Id", exchange.trace))
    if exchange.api.settings.get("endpointConfiguration", {}).get("types", ["EDGE"]) == ["EDGE"]:
        mark = sha256(exchange.request_id.encode()).hexdigest()
        headers += [
            ("X-Cache", "Error from cloudfront" if status >= 400 else "Miss from cloudfront"),
            ("Via", f"1.1 {mark[:32]}.cloudfront.net (CloudFront)"),
            ("X-Amz-Cf-Pop", _PLACE),
            ("X-Amz-Cf-Id", f"{mark[8:63]}="),
        ]
    return headers
