"""AWS::KMS::*: opaque. A key has an id and an ARN that tables and queues can name; nothing is encrypted with it."""

from typing import Final

from interstate.core.templates.properties import BOOLEAN, DOCUMENT, INTEGER, TAGS, TEXT, Members
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    nothing_to_delete,
)


def _create_key(making: Making) -> Made:
    key_id = making.work.entropy.uuid()
    return Made(key_id, {"Arn": making.caller.arn("kms", f"key/{key_id}"), "KeyId": key_id})


def _keep_key(_making: Making, before: Before) -> Made:
    return Made(before.physical_id, before.attributes)


def _create_alias(making: Making) -> Made:
    return Made(str(making.get("AliasName")))


def _keep_alias(_making: Making, before: Before) -> Made:
    return Made(before.physical_id)


TYPES: Final = (
    ResourceType(
        name="AWS::KMS::Key",
        properties=Members(
            {
                "Description": TEXT,
                "EnableKeyRotation": BOOLEAN,
                "Enabled": BOOLEAN,
                "KeyPolicy": DOCUMENT,
                "KeySpec": TEXT,
                "KeyUsage": TEXT,
                "MultiRegion": BOOLEAN,
                "PendingWindowInDays": INTEGER,
                "RotationPeriodInDays": INTEGER,
                "Tags": TAGS,
            }
        ),
        create=_create_key,
        update=_keep_key,
        delete=nothing_to_delete,
        replaced_by=frozenset({"KeySpec", "KeyUsage", "MultiRegion"}),
        reference="the key's id",
        attributes=("Arn", "KeyId"),
        remark="Opaque: it has an id and an ARN that others can name; nothing is encrypted with it, and KMS's API is not here.",
    ),
    ResourceType(
        name="AWS::KMS::Alias",
        properties=Members({"AliasName": TEXT, "TargetKeyId": TEXT}, frozenset({"AliasName", "TargetKeyId"})),
        create=_create_alias,
        update=_keep_alias,
        delete=nothing_to_delete,
        replaced_by=frozenset({"AliasName"}),
        named_by="AliasName",
        reference="the alias's name",
        remark="Opaque, as keys are.",
    ),
)
