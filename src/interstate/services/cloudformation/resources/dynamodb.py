"""AWS::DynamoDB::Table"""

from typing import Any, Final

from interstate.core.templates.properties import BOOLEAN, INTEGER, TAGS, TEXT, TEXTS, Kind, Many, Members
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_KEYS: Final = Many(Members({"AttributeName": TEXT, "KeyType": TEXT}, frozenset({"AttributeName", "KeyType"})))
_PROJECTION: Final = Members({"NonKeyAttributes": TEXTS, "ProjectionType": TEXT})
_THROUGHPUT: Final = Members({"ReadCapacityUnits": INTEGER, "WriteCapacityUnits": INTEGER})
_INDEX: Final[dict[str, Kind]] = {"IndexName": TEXT, "KeySchema": _KEYS, "Projection": _PROJECTION}


def _stream(making: Making) -> dict[str, Any]:
    wanted = making.get("StreamSpecification")
    return {"StreamEnabled": True, **wanted} if wanted else {"StreamEnabled": False}


def _encryption(making: Making) -> dict[str, Any]:
    wanted = making.get("SSESpecification") or {"SSEEnabled": False}
    names = {"SSEEnabled": "Enabled", "SSEType": "SSEType", "KMSMasterKeyId": "KMSMasterKeyId"}
    return {names[name]: value for name, value in wanted.items()}


def _create(making: Making) -> Made:
    request = making.pick(
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "TableClass",
        "Tags",
    )
    request["TableName"] = making.name("TableName", 255)
    if making.get("StreamSpecification"):
        request["StreamSpecification"] = _stream(making)
    if making.get("SSESpecification"):
        request["SSESpecification"] = _encryption(making)
    making.call("dynamodb", "CreateTable", request)
    _put_time_to_live(making, request["TableName"])
    return _made(making, request["TableName"])


def _made(making: Making, name: str) -> Made:
    table = making.call("dynamodb", "DescribeTable", {"TableName": name})["Table"]
    attributes = {"Arn": table["TableArn"]}
    if table.get("LatestStreamArn"):
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Made(name, attributes)


def _put_time_to_live(making: Making, name: str) -> None:
    wanted = making.get("TimeToLiveSpecification")
    if wanted:
        making.call("dynamodb", "UpdateTimeToLive", {"TableName": name, "TimeToLiveSpecification": wanted})


def _update(making: Making, before: Before) -> Made:
    name = before.physical_id
    request = {
        member: making.get(member)
        for member in ("BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")
        if before.changed(making, member) and making.get(member) is not None
    }
    if before.changed(making, "StreamSpecification"):
        request["StreamSpecification"] = _stream(making)
    if before.changed(making, "SSESpecification"):
        request["SSESpecification"] = _encryption(making)
    if request:
        making.call("dynamodb", "UpdateTable", {"TableName": name, **request})
    for change in _index_changes(making, before):
        definitions = {"AttributeDefinitions": making.get("AttributeDefinitions")}
        making.call(
            "dynamodb", "UpdateTable", {"TableName": name, **definitions, "GlobalSecondaryIndexUpdates": [change]}
        )
    if before.changed(making, "TimeToLiveSpecification"):
        _change_time_to_live(making, before)
    _change_tags(making, before)
    return _made(making, name)


def _index_changes(making: Making, before: Before) -> list[dict[str, Any]]:
    """One change a call, as the API wants it; an index with another key is deleted and created."""
    old = {index["IndexName"]: index for index in before.properties.get("GlobalSecondaryIndexes", [])}
    new = {index["IndexName"]: index for index in making.get("GlobalSecondaryIndexes", [])}
    changes: list[dict[str, Any]] = []
    for name, index in old.items():
        if name not in new or _shape(index) != _shape(new[name]):
            changes.append({"Delete": {"IndexName": name}})
    for name, index in new.items():
        if name not in old or _shape(index) != _shape(old[name]):
            changes.append({"Create": index})
        elif index != old[name]:
            update = {"IndexName": name, "ProvisionedThroughput": index.get("ProvisionedThroughput")}
            changes.append({"Update": update})
    return changes


def _shape(index: dict[str, Any]) -> tuple[Any, Any]:
    return index["KeySchema"], index.get("Projection")


def _change_time_to_live(making: Making, before: Before) -> None:
    if making.get("TimeToLiveSpecification"):
        _put_time_to_live(making, before.physical_id)
        return
    old = {**before.properties["TimeToLiveSpecification"], "Enabled": False}
    making.call("dynamodb", "UpdateTimeToLive", {"TableName": before.physical_id, "TimeToLiveSpecification": old})


def _change_tags(making: Making, before: Before) -> None:
    tags, gone = tag_changes(making, before)
    arn = before.attributes["Arn"]
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        making.call("dynamodb", "TagResource", {"ResourceArn": arn, "Tags": listed})
    if gone:
        making.call("dynamodb", "UntagResource", {"ResourceArn": arn, "TagKeys": gone})


def _delete(making: Making, before: Before) -> None:
    making.call("dynamodb", "DeleteTable", {"TableName": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::DynamoDB::Table",
        properties=Members(
            {
                "AttributeDefinitions": Many(Members({"AttributeName": TEXT, "AttributeType": TEXT})),
                "BillingMode": TEXT,
                "DeletionProtectionEnabled": BOOLEAN,
                "GlobalSecondaryIndexes": Many(
                    Members({**_INDEX, "ProvisionedThroughput": _THROUGHPUT}, frozenset({"IndexName", "KeySchema"}))
                ),
                "KeySchema": _KEYS,
                "LocalSecondaryIndexes": Many(Members(_INDEX, frozenset({"IndexName", "KeySchema"}))),
                "ProvisionedThroughput": _THROUGHPUT,
                "SSESpecification": Members({"KMSMasterKeyId": TEXT, "SSEEnabled": BOOLEAN, "SSEType": TEXT}),
                "StreamSpecification": Members({"StreamViewType": TEXT}, frozenset({"StreamViewType"})),
                "TableClass": TEXT,
                "TableName": TEXT,
                "Tags": TAGS,
                "TimeToLiveSpecification": Members({"AttributeName": TEXT, "Enabled": BOOLEAN}),
            },
            frozenset({"KeySchema"}),
        ),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"KeySchema", "LocalSecondaryIndexes", "TableName"}),
        named_by="TableName",
        reference="the table's name",
        attributes=("Arn", "StreamArn"),
    ),
)
