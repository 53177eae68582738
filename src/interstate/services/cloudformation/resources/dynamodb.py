"""AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable.

Source: CloudFormation User Guide, AWS::DynamoDB::Table, AWS::DynamoDB::GlobalTable.
"""

from typing import Any, Final

from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    TAGS,
    TEXT,
    TEXTS,
    Kind,
    Many,
    Members,
    document_text,
)
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_KEYS: Final = Many(Members({"AttributeName": TEXT, "KeyType": TEXT}, frozenset({"AttributeName", "KeyType"})))
_PROJECTION: Final = Members({"NonKeyAttributes": TEXTS, "ProjectionType": TEXT})
_THROUGHPUT: Final = Members({"ReadCapacityUnits": INTEGER, "WriteCapacityUnits": INTEGER})
_ON_DEMAND: Final = Members({"MaxReadRequestUnits": INTEGER, "MaxWriteRequestUnits": INTEGER})
_WARM: Final = Members({"ReadUnitsPerSecond": INTEGER, "WriteUnitsPerSecond": INTEGER})
_INSIGHTS: Final = Members({"Enabled": BOOLEAN, "Mode": TEXT}, frozenset({"Enabled"}))
_POLICY: Final = Members({"PolicyDocument": DOCUMENT}, frozenset({"PolicyDocument"}))
_RECOVERY: Final = Members({"PointInTimeRecoveryEnabled": BOOLEAN, "RecoveryPeriodInDays": INTEGER})
_CHANGED_IN_PLACE = (
    "BillingMode",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "TableClass",
    "WarmThroughput",
)
_INDEX: Final[dict[str, Kind]] = {"IndexName": TEXT, "KeySchema": _KEYS, "Projection": _PROJECTION}


def _stream(making: Making) -> dict[str, Any]:
    wanted = making.get("StreamSpecification")
    return {"StreamEnabled": True, "StreamViewType": wanted["StreamViewType"]} if wanted else {"StreamEnabled": False}


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
        "OnDemandThroughput",
        "ProvisionedThroughput",
        "TableClass",
        "Tags",
        "WarmThroughput",
    )
    if "GlobalSecondaryIndexes" in request:
        request["GlobalSecondaryIndexes"] = list(map(_plain, request["GlobalSecondaryIndexes"]))
    request["TableName"] = making.name("TableName", 255)
    if making.get("StreamSpecification"):
        request["StreamSpecification"] = _stream(making)
    if making.get("SSESpecification"):
        request["SSESpecification"] = _encryption(making)
    if making.get("ResourcePolicy"):
        request["ResourcePolicy"] = document_text(making.get("ResourcePolicy")["PolicyDocument"])
    name = request["TableName"]
    making.call("dynamodb", "CreateTable", request)
    _put_time_to_live(making, name)
    _put_recovery(making, name)
    _put_insights(making, name)
    _put_stream_policy(making, name)
    return _made(making, name)


def _put_stream_policy(making: Making, name: str) -> None:
    wanted = (making.get("StreamSpecification") or {}).get("ResourcePolicy")
    if wanted:
        arn = making.call("dynamodb", "DescribeTable", {"TableName": name})["Table"]["LatestStreamArn"]
        policy = document_text(wanted["PolicyDocument"])
        making.call("dynamodb", "PutResourcePolicy", {"ResourceArn": arn, "Policy": policy})


def _put_recovery(making: Making, name: str) -> None:
    wanted = making.get("PointInTimeRecoverySpecification")
    if wanted is not None:
        specification = {"PointInTimeRecoveryEnabled": False, **wanted}
        request = {"TableName": name, "PointInTimeRecoverySpecification": specification}
        making.call("dynamodb", "UpdateContinuousBackups", request)


def _put_insights(making: Making, name: str) -> None:
    wanted = [(None, making.get("ContributorInsightsSpecification"))]
    wanted += [
        (index["IndexName"], index.get("ContributorInsightsSpecification"))
        for index in making.get("GlobalSecondaryIndexes", ())
    ]
    for index_name, one in wanted:
        if one is None:
            continue
        request = {"TableName": name, "ContributorInsightsAction": "ENABLE" if one["Enabled"] else "DISABLE"}
        if index_name is not None:
            request["IndexName"] = index_name
        if one.get("Mode"):
            request["ContributorInsightsMode"] = one["Mode"]
        making.call("dynamodb", "UpdateContributorInsights", request)


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
        for member in _CHANGED_IN_PLACE
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
    if before.changed(making, "PointInTimeRecoverySpecification"):
        _change_recovery(making, name)
    if before.changed(making, "ContributorInsightsSpecification"):
        _put_insights(making, name)
    if before.changed(making, "ResourcePolicy"):
        _change_policy(making, before)
    _change_tags(making, before)
    return _made(making, name)


def _change_recovery(making: Making, name: str) -> None:
    if making.get("PointInTimeRecoverySpecification") is not None:
        _put_recovery(making, name)
        return
    off = {"TableName": name, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
    making.call("dynamodb", "UpdateContinuousBackups", off)


def _change_policy(making: Making, before: Before) -> None:
    arn, wanted = before.attributes["Arn"], making.get("ResourcePolicy")
    if wanted:
        policy = document_text(wanted["PolicyDocument"])
        making.call("dynamodb", "PutResourcePolicy", {"ResourceArn": arn, "Policy": policy})
    else:
        making.call("dynamodb", "DeleteResourcePolicy", {"ResourceArn": arn})


def _index_changes(making: Making, before: Before) -> list[dict[str, Any]]:
    """One change a call, as the API wants it; an index with another key is deleted and created."""
    old = {index["IndexName"]: _plain(index) for index in before.properties.get("GlobalSecondaryIndexes", [])}
    new = {index["IndexName"]: _plain(index) for index in making.get("GlobalSecondaryIndexes", [])}
    changes: list[dict[str, Any]] = []
    for name, index in old.items():
        if name not in new or _shape(index) != _shape(new[name]):
            changes.append({"Delete": {"IndexName": name}})
    for name, index in new.items():
        if name not in old or _shape(index) != _shape(old[name]):
            changes.append({"Create": index})
        elif index != old[name]:
            members = ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
            update = {member: index[member] for member in members if index.get(member) != old[name].get(member)}
            if update:
                changes.append({"Update": {"IndexName": name, **update}})
    return changes


def _plain(index: dict[str, Any]) -> dict[str, Any]:
    """An index as CreateTable takes it."""
    return {name: value for name, value in index.items() if name != "ContributorInsightsSpecification"}


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


# AWS::DynamoDB::GlobalTable ------------------------------------------------------------------------------------------

_SCALING: Final = Members(
    {
        "MaxCapacity": INTEGER,
        "MinCapacity": INTEGER,
        "SeedCapacity": INTEGER,
        "TargetTrackingScalingPolicyConfiguration": DOCUMENT,
    }
)
_READS: Final = Members({"ReadCapacityAutoScalingSettings": _SCALING, "ReadCapacityUnits": INTEGER})
_WRITES: Final = Members({"WriteCapacityAutoScalingSettings": _SCALING})
_MAX_READS: Final = Members({"MaxReadRequestUnits": INTEGER})
_MAX_WRITES: Final = Members({"MaxWriteRequestUnits": INTEGER})
_REPLICA: Final = Members(
    {
        "ContributorInsightsSpecification": _INSIGHTS,
        "DeletionProtectionEnabled": BOOLEAN,
        "GlobalSecondaryIndexes": Many(
            Members(
                {
                    "ContributorInsightsSpecification": _INSIGHTS,
                    "IndexName": TEXT,
                    "ReadOnDemandThroughputSettings": _MAX_READS,
                    "ReadProvisionedThroughputSettings": _READS,
                },
                frozenset({"IndexName"}),
            )
        ),
        "PointInTimeRecoverySpecification": _RECOVERY,
        "ReadOnDemandThroughputSettings": _MAX_READS,
        "ReadProvisionedThroughputSettings": _READS,
        "Region": TEXT,
        "ResourcePolicy": _POLICY,
        "SSESpecification": Members({"KMSMasterKeyId": TEXT}, frozenset({"KMSMasterKeyId"})),
        "TableClass": TEXT,
        "Tags": TAGS,
    },
    frozenset({"Region"}),
)


def _units(reads: dict[str, Any] | None, writes: dict[str, Any] | None) -> dict[str, int]:
    """Provisioned units; where they would be scaled, what scaling begins with."""
    read, write = reads or {}, (writes or {}).get("WriteCapacityAutoScalingSettings", {})
    scaled = read.get("ReadCapacityAutoScalingSettings", {})
    begin = read.get("ReadCapacityUnits") or scaled.get("SeedCapacity") or scaled.get("MinCapacity", 1)
    return {"ReadCapacityUnits": begin, "WriteCapacityUnits": write.get("SeedCapacity") or write.get("MinCapacity", 1)}


def _as_table(making: Making) -> Making:
    """The properties of the region's own replica, as AWS::DynamoDB::Table has them."""
    own = _own_replica(making)
    given = making.properties
    properties = {name: given[name] for name in _SHARED if name in given}
    properties |= {name: own[name] for name in _OWN if name in own}
    provisioned = given.get("BillingMode", "PAY_PER_REQUEST") == "PROVISIONED"
    properties["BillingMode"] = "PROVISIONED" if provisioned else "PAY_PER_REQUEST"
    indexes_of_replica = {index["IndexName"]: index for index in own.get("GlobalSecondaryIndexes", [])}
    indexes = []
    for index in given.get("GlobalSecondaryIndexes", []):
        plain = {
            name: index[name] for name in ("IndexName", "KeySchema", "Projection", "WarmThroughput") if name in index
        }
        if provisioned:
            reads = indexes_of_replica.get(index["IndexName"], {}).get("ReadProvisionedThroughputSettings")
            plain["ProvisionedThroughput"] = _units(reads, index.get("WriteProvisionedThroughputSettings"))
        indexes.append(plain)
    if indexes:
        properties["GlobalSecondaryIndexes"] = indexes
    if provisioned:
        reads = own.get("ReadProvisionedThroughputSettings")
        properties["ProvisionedThroughput"] = _units(reads, given.get("WriteProvisionedThroughputSettings"))
    bounds = {**own.get("ReadOnDemandThroughputSettings", {}), **given.get("WriteOnDemandThroughputSettings", {})}
    if bounds and not provisioned:
        properties["OnDemandThroughput"] = bounds
    encryption = given.get("SSESpecification")
    if encryption:
        properties["SSESpecification"] = {**encryption, **own.get("SSESpecification", {})}
    return Making(making.work, making.stack_name, making.stack_arn, making.logical_id, properties)


_SHARED = (
    "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "StreamSpecification", "TableName",
    "TimeToLiveSpecification", "WarmThroughput",
)  # fmt: skip
_OWN = (
    "ContributorInsightsSpecification", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification",
    "ResourcePolicy", "TableClass", "Tags",
)  # fmt: skip


def _own_replica(making: Making) -> dict[str, Any]:
    found: list[dict[str, Any]] = [one for one in making.get("Replicas", []) if one["Region"] == making.caller.region]
    return found[0] if found else {}


def _others(making: Making, properties: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["Region"]: one for one in properties.get("Replicas", []) if one["Region"] != making.caller.region}


def _create_global(making: Making) -> Made:
    made = _create(_as_table(making))
    for region in _others(making, making.properties):
        _replicate(making, made.physical_id, {"Create": {"RegionName": region}})
    return _made_global(making, made.physical_id)


def _replicate(making: Making, name: str, update: dict[str, Any]) -> None:
    making.call("dynamodb", "UpdateTable", {"TableName": name, "ReplicaUpdates": [update]})


def _made_global(making: Making, name: str) -> Made:
    table = making.call("dynamodb", "DescribeTable", {"TableName": name})["Table"]
    attributes = {"Arn": table["TableArn"], "TableId": table["TableId"]}
    if table.get("LatestStreamArn"):
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Made(name, attributes)


def _update_global(making: Making, before: Before) -> Made:
    then = Making(making.work, making.stack_name, making.stack_arn, making.logical_id, before.properties)
    old, new = _as_table(then), _as_table(making)
    _update(new, Before(before.physical_id, before.reference, old.properties, before.attributes))
    had, has = _others(making, before.properties), _others(making, making.properties)
    for region in had.keys() - has.keys():
        _replicate(making, before.physical_id, {"Delete": {"RegionName": region}})
    for region in has.keys() - had.keys():
        _replicate(making, before.physical_id, {"Create": {"RegionName": region}})
    return _made_global(making, before.physical_id)


def _delete_global(making: Making, before: Before) -> None:
    for region in _others(making, before.properties):
        _replicate(making, before.physical_id, {"Delete": {"RegionName": region}})
    _delete(making, before)


TYPES: Final = (
    ResourceType(
        name="AWS::DynamoDB::Table",
        properties=Members(
            {
                "AttributeDefinitions": Many(Members({"AttributeName": TEXT, "AttributeType": TEXT})),
                "BillingMode": TEXT,
                "ContributorInsightsSpecification": _INSIGHTS,
                "DeletionProtectionEnabled": BOOLEAN,
                "GlobalSecondaryIndexes": Many(
                    Members(
                        {
                            **_INDEX,
                            "ContributorInsightsSpecification": _INSIGHTS,
                            "OnDemandThroughput": _ON_DEMAND,
                            "ProvisionedThroughput": _THROUGHPUT,
                            "WarmThroughput": _WARM,
                        },
                        frozenset({"IndexName", "KeySchema"}),
                    )
                ),
                "KeySchema": _KEYS,
                "LocalSecondaryIndexes": Many(Members(_INDEX, frozenset({"IndexName", "KeySchema"}))),
                "OnDemandThroughput": _ON_DEMAND,
                "PointInTimeRecoverySpecification": _RECOVERY,
                "ProvisionedThroughput": _THROUGHPUT,
                "ResourcePolicy": _POLICY,
                "SSESpecification": Members({"KMSMasterKeyId": TEXT, "SSEEnabled": BOOLEAN, "SSEType": TEXT}),
                "StreamSpecification": Members(
                    {"ResourcePolicy": _POLICY, "StreamViewType": TEXT}, frozenset({"StreamViewType"})
                ),
                "TableClass": TEXT,
                "TableName": TEXT,
                "Tags": TAGS,
                "TimeToLiveSpecification": Members({"AttributeName": TEXT, "Enabled": BOOLEAN}),
                "WarmThroughput": _WARM,
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
    ResourceType(
        name="AWS::DynamoDB::GlobalTable",
        properties=Members(
            {
                "AttributeDefinitions": Many(Members({"AttributeName": TEXT, "AttributeType": TEXT})),
                "BillingMode": TEXT,
                "GlobalSecondaryIndexes": Many(
                    Members(
                        {
                            **_INDEX,
                            "WarmThroughput": _WARM,
                            "WriteOnDemandThroughputSettings": _MAX_WRITES,
                            "WriteProvisionedThroughputSettings": _WRITES,
                        },
                        frozenset({"IndexName", "KeySchema"}),
                    )
                ),
                "KeySchema": _KEYS,
                "LocalSecondaryIndexes": Many(Members(_INDEX, frozenset({"IndexName", "KeySchema"}))),
                "Replicas": Many(_REPLICA),
                "SSESpecification": Members({"SSEEnabled": BOOLEAN, "SSEType": TEXT}),
                "StreamSpecification": Members({"StreamViewType": TEXT}, frozenset({"StreamViewType"})),
                "TableName": TEXT,
                "TimeToLiveSpecification": Members({"AttributeName": TEXT, "Enabled": BOOLEAN}),
                "WarmThroughput": _WARM,
                "WriteOnDemandThroughputSettings": _MAX_WRITES,
                "WriteProvisionedThroughputSettings": _WRITES,
            },
            frozenset({"AttributeDefinitions", "KeySchema", "Replicas"}),
        ),
        create=_create_global,
        update=_update_global,
        delete=_delete_global,
        replaced_by=frozenset({"KeySchema", "LocalSecondaryIndexes", "TableName"}),
        named_by="TableName",
        reference="the table's name",
        attributes=("Arn", "StreamArn", "TableId"),
        remark="Settings of a replica apply in the stack's own region; capacity is not scaled.",
    ),
)
