"""How refusals of other services are told to Retry and Catch.

``DynamoDB.ConditionalCheckFailedException`` with "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; ...)"
for optimized integrations; ``DynamoDb.ConditionalCheckFailedException`` with "(Service: DynamoDb, Status Code: 400, ...)" for SDK
integrations. Errors that the service's model does not have share one name a service.

Source: answers recorded from Step Functions.
"""

import base64

from interstate.base.errors import ServiceError
from interstate.core.asl.definition import Resource
from interstate.services.states.integrations.outcome import Failed
from interstate.services.states.integrations.resources import SDK, speaker_of
from interstate.services.states.integrations.shapes import model_of


def _extended(request_id: str) -> str:
    """S3 answers with a second id, which looks like this."""
    return base64.b64encode(f"{request_id}:{request_id}".encode()[:56]).decode()


def told(error: ServiceError, resource: Resource, request_id: str) -> Failed:
    """A service's refusal as the failure of a Task."""
    speaker = speaker_of(resource)
    found = model_of(speaker.botocore).faults.get(error.code)
    if found is None:
        name, code, status = speaker.unmodelled, error.code, error.status
    else:
        shape, fault = found
        name = shape if shape.endswith("Exception") else f"{shape}Exception"
        code, status = fault.code or shape, fault.status
    if resource.type.startswith(SDK):
        more = f", Extended Request ID: {_extended(request_id)}" if speaker.botocore == "s3" else ""
        where = f"(Service: {speaker.service}, Status Code: {status}, Request ID: {request_id}{more})"
    else:
        where = (
            f"(Service: {speaker.service}; Status Code: {status}; Error Code: {code}; "
            f"Request ID: {request_id}; Proxy: null)"
        )
    return Failed(f"{speaker.prefix}.{name}", f"{error.message} {where}")
