"""AWS::Events::*"""

from typing import Any, Final

from interstate.base.errors import ServiceError
from interstate.core.templates.properties import (
    DOCUMENT,
    INTEGER,
    TAGS,
    TEXT,
    TEXTS,
    Many,
    Members,
    Named,
    document_text,
)
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_DEAD_LETTERS: Final = Members({"Arn": TEXT})
_TARGET: Final = Members(
    {
        "Arn": TEXT,
        "DeadLetterConfig": _DEAD_LETTERS,
        "HttpParameters": Members(
            {
                "HeaderParameters": Named(TEXT),
                "PathParameterValues": TEXTS,
                "QueryStringParameters": Named(TEXT),
            }
        ),
        "Id": TEXT,
        "Input": TEXT,
        "InputPath": TEXT,
        "InputTransformer": Members(
            {"InputPathsMap": Named(TEXT), "InputTemplate": TEXT}, frozenset({"InputTemplate"})
        ),
        "RetryPolicy": Members({"MaximumEventAgeInSeconds": INTEGER, "MaximumRetryAttempts": INTEGER}),
        "RoleArn": TEXT,
        "SqsParameters": Members({"MessageGroupId": TEXT}),
    },
    frozenset({"Arn", "Id"}),
)


def _tag(making: Making, before: Before, arn: str) -> None:
    tags, gone = tag_changes(making, before)
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        making.call("events", "TagResource", {"ResourceARN": arn, "Tags": listed})
    if gone:
        making.call("events", "UntagResource", {"ResourceARN": arn, "TagKeys": gone})


class TargetRefused(ServiceError):
    """PutTargets answers refusals as values; a stack needs all of its targets."""

    code = "ValidationException"

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"Target {target}: {reason}")


# Buses ------------------------------------------------------------------------------------------------------------

_BUS_OPTIONS: Final = ("DeadLetterConfig", "Description", "KmsKeyIdentifier", "LogConfig")


def _create_bus(making: Making) -> Made:
    name = str(making.get("Name"))
    request = making.pick("EventSourceName", "Tags", *_BUS_OPTIONS)
    arn = making.call("events", "CreateEventBus", {"Name": name, **request})["EventBusArn"]
    _put_bus_policy_text(making, name)
    return Made(name, {"Arn": arn, "Name": name})


def _put_bus_policy_text(making: Making, name: str) -> None:
    if making.get("Policy"):
        request = {"EventBusName": name, "Policy": document_text(making.get("Policy"))}
        making.call("events", "PutPermission", request)


def _update_bus(making: Making, before: Before) -> Made:
    name = before.physical_id
    if before.changed(making, *_BUS_OPTIONS):
        making.call("events", "UpdateEventBus", {"Name": name, **making.pick(*_BUS_OPTIONS)})
    if before.changed(making, "Policy"):
        if making.get("Policy"):
            _put_bus_policy_text(making, name)
        else:
            making.call("events", "RemovePermission", {"EventBusName": name, "RemoveAllPermissions": True})
    _tag(making, before, before.attributes["Arn"])
    return Made(name, before.attributes)


def _delete_bus(making: Making, before: Before) -> None:
    making.call("events", "DeleteEventBus", {"Name": before.physical_id})


def _put_bus_policy(making: Making) -> Made:
    bus, statement = making.get("EventBusName", "default"), making.get("StatementId")
    request: dict[str, Any] = {"EventBusName": bus, "StatementId": statement}
    if making.get("Statement"):
        document = {"Version": "2012-10-17", "Statement": [{"Sid": statement, **making.get("Statement")}]}
        request = {"EventBusName": bus, "Policy": document_text(document)}
    else:
        request |= making.pick("Action", "Condition", "Principal")
    making.call("events", "PutPermission", request)
    return Made(f"{bus}|{statement}")


def _update_bus_policy(making: Making, before: Before) -> Made:
    del before
    return _put_bus_policy(making)


def _delete_bus_policy(making: Making, before: Before) -> None:
    bus, _, statement = before.physical_id.partition("|")
    making.call("events", "RemovePermission", {"EventBusName": bus, "StatementId": statement})


# Rules ------------------------------------------------------------------------------------------------------------


def _put_rule(making: Making, name: str) -> Made:
    bus = making.get("EventBusName", "default")
    request = making.pick("Description", "RoleArn", "ScheduleExpression", "State", "EventBusName")
    if making.get("EventPattern"):
        request["EventPattern"] = document_text(making.get("EventPattern"))
    arn = making.call("events", "PutRule", {"Name": name, **request})["RuleArn"]
    targets = making.get("Targets", [])
    if targets:
        answer = making.call("events", "PutTargets", {"Rule": name, "EventBusName": bus, "Targets": targets})
        _refuse_failed(answer)
    return Made(_rule_id(bus, name), {"Arn": arn})


def _refuse_failed(answer: Any) -> None:
    for entry in answer.get("FailedEntries", []):
        raise TargetRefused(entry["TargetId"], entry["ErrorMessage"])


def _create_rule(making: Making) -> Made:
    made = _put_rule(making, making.name("Name", 64))
    if making.get("Tags"):
        making.call("events", "TagResource", {"ResourceARN": made.attributes["Arn"], "Tags": making.get("Tags")})
    return made


def _standing_rule(making: Making) -> str | None:
    name, bus = making.get("Name"), making.get("EventBusName", "default")
    return _rule_id(bus, name) if making.has("events", "DescribeRule", {"Name": name, "EventBusName": bus}) else None


def _rule_id(bus: str, name: str) -> str:
    bus_name = bus.rsplit("/", 1)[-1]
    return name if bus_name == "default" else f"{bus_name}|{name}"


def _update_rule(making: Making, before: Before) -> Made:
    name = before.physical_id.rsplit("|", 1)[-1]
    kept = {target["Id"] for target in making.get("Targets", [])}
    gone = [target["Id"] for target in before.properties.get("Targets", []) if target["Id"] not in kept]
    _remove_targets(making, before, gone)
    made = _put_rule(making, name)
    _tag(making, before, before.attributes["Arn"])
    return made


def _remove_targets(making: Making, before: Before, ids: list[str]) -> None:
    if ids:
        bus = before.properties.get("EventBusName", "default")
        name = before.physical_id.rsplit("|", 1)[-1]
        making.call("events", "RemoveTargets", {"Rule": name, "EventBusName": bus, "Ids": ids})


def _delete_rule(making: Making, before: Before) -> None:
    _remove_targets(making, before, [target["Id"] for target in before.properties.get("Targets", [])])
    bus = before.properties.get("EventBusName", "default")
    making.call("events", "DeleteRule", {"Name": before.physical_id.rsplit("|", 1)[-1], "EventBusName": bus})


# Archives ---------------------------------------------------------------------------


def _archive_request(making: Making) -> dict[str, Any]:
    request = making.pick("Description", "KmsKeyIdentifier", "RetentionDays")
    if making.get("EventPattern"):
        request["EventPattern"] = document_text(making.get("EventPattern"))
    return request


def _create_archive(making: Making) -> Made:
    name = making.name("ArchiveName", 48)
    request = {"ArchiveName": name, "EventSourceArn": making.get("SourceArn"), **_archive_request(making)}
    arn = making.call("events", "CreateArchive", request)["ArchiveArn"]
    return Made(name, {"Arn": arn, "ArchiveName": name})


def _update_archive(making: Making, before: Before) -> Made:
    making.call("events", "UpdateArchive", {"ArchiveName": before.physical_id, **_archive_request(making)})
    return Made(before.physical_id, before.attributes)


def _delete_archive(making: Making, before: Before) -> None:
    making.call("events", "DeleteArchive", {"ArchiveName": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::Events::EventBus",
        properties=Members(
            {
                "DeadLetterConfig": _DEAD_LETTERS,
                "Description": TEXT,
                "EventSourceName": TEXT,
                "KmsKeyIdentifier": TEXT,
                "LogConfig": Members({"IncludeDetail": TEXT, "Level": TEXT}),
                "Name": TEXT,
                "Policy": DOCUMENT,
                "Tags": TAGS,
            },
            frozenset({"Name"}),
        ),
        create=_create_bus,
        update=_update_bus,
        delete=_delete_bus,
        replaced_by=frozenset({"EventSourceName", "Name"}),
        named_by="Name",
        reference="the bus's name",
        attributes=("Arn", "Name"),
    ),
    ResourceType(
        name="AWS::Events::EventBusPolicy",
        properties=Members(
            {
                "Action": TEXT,
                "Condition": Members({"Key": TEXT, "Type": TEXT, "Value": TEXT}),
                "EventBusName": TEXT,
                "Principal": TEXT,
                "Statement": DOCUMENT,
                "StatementId": TEXT,
            },
            frozenset({"StatementId"}),
        ),
        create=_put_bus_policy,
        update=_update_bus_policy,
        delete=_delete_bus_policy,
        replaced_by=frozenset({"EventBusName", "StatementId"}),
        reference="bus|statement",
    ),
    ResourceType(
        name="AWS::Events::Rule",
        properties=Members(
            {
                "Description": TEXT,
                "EventBusName": TEXT,
                "EventPattern": DOCUMENT,
                "Name": TEXT,
                "RoleArn": TEXT,
                "ScheduleExpression": TEXT,
                "State": TEXT,
                "Tags": TAGS,
                "Targets": Many(_TARGET),
            }
        ),
        create=_create_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaced_by=frozenset({"EventBusName", "Name"}),
        named_by="Name",
        standing=_standing_rule,
        reference="the rule's name, on a custom bus bus|rule",
        attributes=("Arn",),
    ),
    ResourceType(
        name="AWS::Events::Archive",
        properties=Members(
            {
                "ArchiveName": TEXT,
                "Description": TEXT,
                "EventPattern": DOCUMENT,
                "KmsKeyIdentifier": TEXT,
                "RetentionDays": INTEGER,
                "SourceArn": TEXT,
            },
            frozenset({"SourceArn"}),
        ),
        create=_create_archive,
        update=_update_archive,
        delete=_delete_archive,
        replaced_by=frozenset({"ArchiveName", "SourceArn"}),
        named_by="ArchiveName",
        reference="the archive's name",
        attributes=("Arn", "ArchiveName"),
    ),
)
