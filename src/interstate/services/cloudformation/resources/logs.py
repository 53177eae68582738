"""AWS::Logs::LogGroup"""

from typing import Any, Final

from interstate.core.templates.properties import INTEGER, TAGS, TEXT, Members
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    tag_changes,
    tag_map,
)


def _made(making: Making, name: str) -> Made:
    return Made(name, {"Arn": making.caller.arn("logs", f"log-group:{name}:*")})


def _create(making: Making) -> Made:
    name = making.name("LogGroupName", 512)
    request: dict[str, Any] = making.pick(kmsKeyId="KmsKeyId", logGroupClass="LogGroupClass")
    if making.get("Tags"):
        request["tags"] = tag_map(making.get("Tags"))
    making.call("logs", "CreateLogGroup", {"logGroupName": name, **request})
    if making.get("RetentionInDays") is not None:
        retention = {"logGroupName": name, "retentionInDays": making.get("RetentionInDays")}
        making.call("logs", "PutRetentionPolicy", retention)
    return _made(making, name)


def _update(making: Making, before: Before) -> Made:
    name = before.physical_id
    if before.changed(making, "RetentionInDays"):
        if making.get("RetentionInDays") is None:
            making.call("logs", "DeleteRetentionPolicy", {"logGroupName": name})
        else:
            retention = {"logGroupName": name, "retentionInDays": making.get("RetentionInDays")}
            making.call("logs", "PutRetentionPolicy", retention)
    tags, gone = tag_changes(making, before)
    arn = before.attributes["Arn"].removesuffix(":*")
    if tags:
        making.call("logs", "TagResource", {"resourceArn": arn, "tags": tags})
    if gone:
        making.call("logs", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    return _made(making, name)


def _delete(making: Making, before: Before) -> None:
    making.call("logs", "DeleteLogGroup", {"logGroupName": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::Logs::LogGroup",
        properties=Members(
            {"KmsKeyId": TEXT, "LogGroupClass": TEXT, "LogGroupName": TEXT, "RetentionInDays": INTEGER, "Tags": TAGS}
        ),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"KmsKeyId", "LogGroupClass", "LogGroupName"}),
        named_by="LogGroupName",
        reference="the group's name",
        attributes=("Arn",),
    ),
)
