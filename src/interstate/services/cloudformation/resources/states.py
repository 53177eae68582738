"""AWS::StepFunctions::*"""

import re
from typing import Any, Final

from interstate.base.json import JSON
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    TAGS,
    TEXT,
    Many,
    Members,
    Named,
    document_text,
)
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_GROUP: Final = Members({"LogGroupArn": TEXT})
_SUBSTITUTION: Final = re.compile(r"\$\{([A-Za-z0-9_.:-]+)\}")


def camel(value: JSON) -> JSON:
    """The value with member names in camel case, as Step Functions' API writes what templates write in Pascal case."""
    match value:
        case dict():
            return {name[:1].lower() + name[1:]: camel(item) for name, item in value.items()}
        case list():
            return [camel(item) for item in value]
        case _:
            return value


def _definition(making: Making) -> str:
    """The definition's text with ``${name}`` replaced by what the template says for it.

    Raises:
        TemplateError: the template names no definition, or more than one.
    """
    given = [name for name in ("Definition", "DefinitionString", "DefinitionS3Location") if making.get(name)]
    if len(given) != 1:
        raise TemplateError("Specify exactly one of Definition, DefinitionString and DefinitionS3Location.")
    if given[0] == "DefinitionS3Location":
        raise TemplateError(
            "DefinitionS3Location names an object in S3, which Interstate does not have. Write the definition into the "
            "template, or deploy a template with a local path by interstate deploy."
        )
    text = document_text(making.get(given[0]))
    substitutions: dict[str, str] = making.get("DefinitionSubstitutions", {})

    def replaced(found: re.Match[str]) -> str:
        return substitutions.get(found[1], found[0])

    return _SUBSTITUTION.sub(replaced, text)


def _request(making: Making) -> dict[str, Any]:
    request: dict[str, Any] = {"definition": _definition(making), "roleArn": making.get("RoleArn")}
    for member in ("LoggingConfiguration", "TracingConfiguration", "EncryptionConfiguration"):
        if making.get(member):
            request[member[0].lower() + member[1:]] = camel(making.get(member))
    return request


def _made_machine(making: Making, arn: str) -> Made:
    described = making.call("stepfunctions", "DescribeStateMachine", {"stateMachineArn": arn})
    # The first revision has no id in descriptions; publishing calls it INITIAL.
    revision = described.get("revisionId", "INITIAL")
    return Made(arn, {"Arn": arn, "Name": arn.rsplit(":", 1)[-1], "StateMachineRevisionId": revision})


def _create_machine(making: Making) -> Made:
    request = {"name": making.name("StateMachineName", 80), **_request(making)}
    if making.get("StateMachineType"):
        request["type"] = making.get("StateMachineType")
    if making.get("Tags"):
        request["tags"] = camel(making.get("Tags"))
    arn = making.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    return _made_machine(making, arn)


def _standing_machine(making: Making) -> str | None:
    arn = making.caller.arn("states", f"stateMachine:{making.get('StateMachineName')}")
    return arn if making.has("stepfunctions", "DescribeStateMachine", {"stateMachineArn": arn}) else None


def _update_machine(making: Making, before: Before) -> Made:
    arn = before.physical_id
    request = _request(making)
    if before.properties.get("LoggingConfiguration"):
        request.setdefault("loggingConfiguration", {"level": "OFF"})
    if before.properties.get("TracingConfiguration"):
        request.setdefault("tracingConfiguration", {"enabled": False})
    making.call("stepfunctions", "UpdateStateMachine", {"stateMachineArn": arn, **request})
    tags, gone = tag_changes(making, before)
    if tags:
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        making.call("stepfunctions", "TagResource", {"resourceArn": arn, "tags": listed})
    if gone:
        making.call("stepfunctions", "UntagResource", {"resourceArn": arn, "tagKeys": gone})
    return _made_machine(making, arn)


def _delete_machine(making: Making, before: Before) -> None:
    making.call("stepfunctions", "DeleteStateMachine", {"stateMachineArn": before.physical_id})


def _create_version(making: Making) -> Made:
    request = making.pick(
        stateMachineArn="StateMachineArn", description="Description", revisionId="StateMachineRevisionId"
    )
    arn = making.call("stepfunctions", "PublishStateMachineVersion", request)["stateMachineVersionArn"]
    return Made(arn, {"Arn": arn})


def _delete_version(making: Making, before: Before) -> None:
    making.call("stepfunctions", "DeleteStateMachineVersion", {"stateMachineVersionArn": before.physical_id})


def _routing(making: Making) -> list[dict[str, Any]]:
    preference = making.get("DeploymentPreference")
    if preference is None:
        routing: list[dict[str, Any]] = camel(making.get("RoutingConfiguration", []))  # type: ignore[assignment]  # a list stays one
        return routing
    if preference.get("Type") != "ALL_AT_ONCE":
        raise TemplateError(
            f"Interstate shifts no traffic: DeploymentPreference {preference.get('Type')}; use ALL_AT_ONCE."
        )
    return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]


def _create_alias(making: Making) -> Made:
    request = {"name": making.name("Name", 80), "routingConfiguration": _routing(making)}
    request |= making.pick(description="Description")
    arn = making.call("stepfunctions", "CreateStateMachineAlias", request)["stateMachineAliasArn"]
    return Made(arn, {"Arn": arn})


def _update_alias(making: Making, before: Before) -> Made:
    request = {"stateMachineAliasArn": before.physical_id, "routingConfiguration": _routing(making)}
    making.call("stepfunctions", "UpdateStateMachineAlias", {**request, **making.pick(description="Description")})
    return Made(before.physical_id, {"Arn": before.physical_id})


def _delete_alias(making: Making, before: Before) -> None:
    making.call("stepfunctions", "DeleteStateMachineAlias", {"stateMachineAliasArn": before.physical_id})


TYPES: Final = (
    ResourceType(
        name="AWS::StepFunctions::StateMachine",
        properties=Members(
            {
                "Definition": DOCUMENT,
                "DefinitionS3Location": Members({"Bucket": TEXT, "Key": TEXT, "Version": TEXT}),
                "DefinitionString": DOCUMENT,
                "DefinitionSubstitutions": Named(TEXT),
                "EncryptionConfiguration": Members(
                    {"KmsDataKeyReusePeriodSeconds": INTEGER, "KmsKeyId": TEXT, "Type": TEXT}
                ),
                "LoggingConfiguration": Members(
                    {
                        "Destinations": Many(Members({"CloudWatchLogsLogGroup": _GROUP})),
                        "IncludeExecutionData": BOOLEAN,
                        "Level": TEXT,
                    }
                ),
                "RoleArn": TEXT,
                "StateMachineName": TEXT,
                "StateMachineType": TEXT,
                "Tags": TAGS,
                "TracingConfiguration": Members({"Enabled": BOOLEAN}),
            },
            frozenset({"RoleArn"}),
        ),
        create=_create_machine,
        update=_update_machine,
        delete=_delete_machine,
        replaced_by=frozenset({"StateMachineName", "StateMachineType"}),
        named_by="StateMachineName",
        standing=_standing_machine,
        reference="the machine's ARN",
        attributes=("Arn", "Name", "StateMachineRevisionId"),
    ),
    ResourceType(
        name="AWS::StepFunctions::StateMachineVersion",
        properties=Members(
            {"Description": TEXT, "StateMachineArn": TEXT, "StateMachineRevisionId": TEXT},
            frozenset({"StateMachineArn"}),
        ),
        create=_create_version,
        delete=_delete_version,
        reference="the version's ARN",
        attributes=("Arn",),
    ),
    ResourceType(
        name="AWS::StepFunctions::StateMachineAlias",
        properties=Members(
            {
                "DeploymentPreference": Members({"StateMachineVersionArn": TEXT, "Type": TEXT}),
                "Description": TEXT,
                "Name": TEXT,
                "RoutingConfiguration": Many(Members({"StateMachineVersionArn": TEXT, "Weight": INTEGER})),
            }
        ),
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        replaced_by=frozenset({"Name"}),
        named_by="Name",
        reference="the alias's ARN",
        attributes=("Arn",),
    ),
)
