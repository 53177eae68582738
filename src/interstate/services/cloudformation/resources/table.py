"""Every resource type that Interstate has, by name."""

from collections.abc import Mapping
from typing import Final

from interstate.services.cloudformation.resources import (
    apigateway,
    apigatewayv2,
    cloudwatch,
    dynamodb,
    events,
    events_destinations,
    iam,
    kms,
    lambda_further,
    lambda_sources,
    logs,
    s3,
    sns,
    sqs,
    states,
)
from interstate.services.cloudformation.resources.resource import ResourceType

TYPES: Final[Mapping[str, ResourceType]] = {
    row.name: row
    for rows in (
        apigateway.TYPES,
        apigatewayv2.TYPES,
        cloudwatch.TYPES,
        dynamodb.TYPES,
        events.TYPES,
        events_destinations.TYPES,
        iam.TYPES,
        kms.TYPES,
        lambda_further.TYPES,
        lambda_sources.TYPES,
        logs.TYPES,
        s3.TYPES,
        sns.TYPES,
        sqs.TYPES,
        states.TYPES,
    )
    for row in rows
}


def replaced_by(type_: str) -> frozenset[str]:
    """The properties of a type whose change makes a new resource."""
    return TYPES[type_].replacing
