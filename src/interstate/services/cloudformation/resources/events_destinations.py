"""AWS::Events::Connection, AWS::Events::ApiDestination, AWS::Events::Endpoint"""

from typing import Any, Final

from interstate.core.templates.properties import BOOLEAN, INTEGER, TEXT, Many, Members
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType

_PARAMETER: Final = Many(Members({"IsValueSecret": BOOLEAN, "Key": TEXT, "Value": TEXT}, frozenset({"Key", "Value"})))
_HTTP: Final = Members(
    {"BodyParameters": _PARAMETER, "HeaderParameters": _PARAMETER, "QueryStringParameters": _PARAMETER}
)
_AUTH: Final = Members(
    {
        "ApiKeyAuthParameters": Members({"ApiKeyName": TEXT, "ApiKeyValue": TEXT}),
        "BasicAuthParameters": Members({"Password": TEXT, "Username": TEXT}),
        "InvocationHttpParameters": _HTTP,
        "OAuthParameters": Members(
            {
                "AuthorizationEndpoint": TEXT,
                "ClientParameters": Members({"ClientID": TEXT, "ClientSecret": TEXT}),
                "HttpMethod": TEXT,
                "OAuthHttpParameters": _HTTP,
            }
        ),
    }
)
_FAILOVER: Final = Members({"Primary": Members({"HealthCheck": TEXT}), "Secondary": Members({"Route": TEXT})})


def _connection_request(making: Making, name: str) -> dict[str, Any]:
    return {"Name": name, **making.pick("AuthorizationType", "AuthParameters", "Description", "KmsKeyIdentifier")}


def _connection(making: Making, name: str, arn: str) -> Made:
    described = making.call("events", "DescribeConnection", {"Name": name})
    return Made(name, {"Arn": arn, "SecretArn": described["SecretArn"]})


def _create_connection(making: Making) -> Made:
    name = making.name("Name", 64)
    arn = making.call("events", "CreateConnection", _connection_request(making, name))["ConnectionArn"]
    return _connection(making, name, arn)


def _update_connection(making: Making, before: Before) -> Made:
    name = before.physical_id
    arn = making.call("events", "UpdateConnection", _connection_request(making, name))["ConnectionArn"]
    return _connection(making, name, arn)


def _delete_connection(making: Making, before: Before) -> None:
    making.call("events", "DeleteConnection", {"Name": before.physical_id})


def _destination_request(making: Making, name: str) -> dict[str, Any]:
    members = ("ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond")
    return {"Name": name, **making.pick(*members)}


def _destination(name: str, arn: str) -> Made:
    return Made(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]})


def _create_destination(making: Making) -> Made:
    name = making.name("Name", 64)
    request = _destination_request(making, name)
    return _destination(name, making.call("events", "CreateApiDestination", request)["ApiDestinationArn"])


def _update_destination(making: Making, before: Before) -> Made:
    request = _destination_request(making, before.physical_id)
    arn = making.call("events", "UpdateApiDestination", request)["ApiDestinationArn"]
    return _destination(before.physical_id, arn)


def _delete_destination(making: Making, before: Before) -> None:
    making.call("events", "DeleteApiDestination", {"Name": before.physical_id})


def _endpoint_request(making: Making, name: str) -> dict[str, Any]:
    members = ("Description", "EventBuses", "ReplicationConfig", "RoleArn", "RoutingConfig")
    return {"Name": name, **making.pick(*members)}


def _endpoint(making: Making, name: str) -> Made:
    described = making.call("events", "DescribeEndpoint", {"Name": name})
    return Made(name, {member: described[member] for member in ("Arn", "EndpointId", "EndpointUrl", "State")})


def _create_endpoint(making: Making) -> Made:
    name = making.name("Name", 64)
    making.call("events", "CreateEndpoint", _endpoint_request(making, name))
    return _endpoint(making, name)


def _update_endpoint(making: Making, before: Before) -> Made:
    making.call("events", "UpdateEndpoint", _endpoint_request(making, before.physical_id))
    return _endpoint(making, before.physical_id)


def _delete_endpoint(making: Making, before: Before) -> None:
    making.call("events", "DeleteEndpoint", {"Name": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::Events::Connection",
        properties=Members(
            {
                "AuthorizationType": TEXT,
                "AuthParameters": _AUTH,
                "Description": TEXT,
                "KmsKeyIdentifier": TEXT,
                "Name": TEXT,
            },
            frozenset({"AuthorizationType", "AuthParameters"}),
        ),
        create=_create_connection,
        update=_update_connection,
        delete=_delete_connection,
        replaced_by=frozenset({"Name"}),
        named_by="Name",
        reference="the connection's name",
        attributes=("Arn", "SecretArn"),
    ),
    ResourceType(
        name="AWS::Events::ApiDestination",
        properties=Members(
            {
                "ConnectionArn": TEXT,
                "Description": TEXT,
                "HttpMethod": TEXT,
                "InvocationEndpoint": TEXT,
                "InvocationRateLimitPerSecond": INTEGER,
                "Name": TEXT,
            },
            frozenset({"ConnectionArn", "HttpMethod", "InvocationEndpoint"}),
        ),
        create=_create_destination,
        update=_update_destination,
        delete=_delete_destination,
        replaced_by=frozenset({"Name"}),
        named_by="Name",
        reference="the API destination's name",
        attributes=("Arn", "ArnForPolicy"),
    ),
    ResourceType(
        name="AWS::Events::Endpoint",
        properties=Members(
            {
                "Description": TEXT,
                "EventBuses": Many(Members({"EventBusArn": TEXT}, frozenset({"EventBusArn"}))),
                "Name": TEXT,
                "ReplicationConfig": Members({"State": TEXT}),
                "RoleArn": TEXT,
                "RoutingConfig": Members({"FailoverConfig": _FAILOVER}),
            },
            frozenset({"EventBuses", "RoutingConfig"}),
        ),
        create=_create_endpoint,
        update=_update_endpoint,
        delete=_delete_endpoint,
        replaced_by=frozenset({"Name"}),
        named_by="Name",
        reference="the endpoint's name",
        attributes=("Arn", "EndpointId", "EndpointUrl", "State"),
    ),
)
