"""AWS::Lambda::Function: code and configuration. What hangs on functions is in ``lambda_further``."""

from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from interstate.core.templates.properties import (
    BOOLEAN,
    INTEGER,
    TAGS,
    TEXT,
    TEXTS,
    Many,
    Members,
    Named,
)
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    tag_changes,
    tag_map,
)

# What UpdateFunctionConfiguration takes, with what a property that is taken away goes back to.
_CONFIGURATION: Final[dict[str, Any]] = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "Handler": None,
    "KMSKeyArn": "",
    "Layers": [],
    "LoggingConfig": None,
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_CONFIGURATION_RENAMED: Final = {"KMSKeyArn": "KmsKeyArn"}


def _property(member: str) -> str:
    return _CONFIGURATION_RENAMED.get(member, member)


def _code(making: Making) -> dict[str, Any]:
    """The code as the API takes it; text that stands in the template becomes an archive of one file."""
    code = dict(making.get("Code"))
    if "ZipFile" in code:
        code["ZipFile"] = _archive(str(code["ZipFile"]), str(making.get("Runtime", "")))
    return code


def _archive(source: str, runtime: str) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        # A fixed date: the same text is the same archive, with the same digest.
        archive.writestr(ZipInfo("index.js" if runtime.startswith("nodejs") else "index.py"), source)
    return buffer.getvalue()


def _create(making: Making) -> Made:
    name = making.name("FunctionName", 64)
    request = {
        member: making.get(_property(member)) for member in _CONFIGURATION if making.get(_property(member)) is not None
    }
    request |= making.pick("Architectures", "PackageType")
    request |= {"FunctionName": name, "Code": _code(making)}
    if making.get("Tags"):
        request["Tags"] = tag_map(making.get("Tags"))
    arn = making.call("lambda", "CreateFunction", request)["FunctionArn"]
    if making.get("ReservedConcurrentExecutions") is not None:
        _put_concurrency(making, name)
    return Made(name, {"Arn": arn})


def _put_concurrency(making: Making, name: str) -> None:
    wanted = making.get("ReservedConcurrentExecutions")
    if wanted is None:
        making.call("lambda", "DeleteFunctionConcurrency", {"FunctionName": name})
    else:
        request = {"FunctionName": name, "ReservedConcurrentExecutions": wanted}
        making.call("lambda", "PutFunctionConcurrency", request)


def _update(making: Making, before: Before) -> Made:
    name = before.physical_id
    if before.changed(making, "Code", "Architectures"):
        request = {"FunctionName": name, **_code(making), **making.pick("Architectures")}
        making.call("lambda", "UpdateFunctionCode", request)
    changed = {
        member: making.get(_property(member), default)
        for member, default in _CONFIGURATION.items()
        if before.changed(making, _property(member))
    }
    if changed:
        making.call("lambda", "UpdateFunctionConfiguration", {"FunctionName": name, **changed})
    if before.changed(making, "ReservedConcurrentExecutions"):
        _put_concurrency(making, name)
    tags, gone = tag_changes(making, before)
    if tags:
        making.call("lambda", "TagResource", {"Resource": before.attributes["Arn"], "Tags": tags})
    if gone:
        making.call("lambda", "UntagResource", {"Resource": before.attributes["Arn"], "TagKeys": gone})
    return Made(name, before.attributes)


def _delete(making: Making, before: Before) -> None:
    making.call("lambda", "DeleteFunction", {"FunctionName": before.physical_id})


FUNCTION: Final = ResourceType(
    name="AWS::Lambda::Function",
    properties=Members(
        {
            "Architectures": TEXTS,
            "Code": Members(
                {"S3Bucket": TEXT, "S3Key": TEXT, "S3ObjectVersion": TEXT, "ZipFile": TEXT},
            ),
            "DeadLetterConfig": Members({"TargetArn": TEXT}),
            "Description": TEXT,
            "Environment": Members({"Variables": Named(TEXT)}),
            "EphemeralStorage": Members({"Size": INTEGER}),
            "FileSystemConfigs": Many(Members({"Arn": TEXT, "LocalMountPath": TEXT})),
            "FunctionName": TEXT,
            "Handler": TEXT,
            "KmsKeyArn": TEXT,
            "Layers": TEXTS,
            "LoggingConfig": Members(
                {"ApplicationLogLevel": TEXT, "LogFormat": TEXT, "LogGroup": TEXT, "SystemLogLevel": TEXT}
            ),
            "MemorySize": INTEGER,
            "PackageType": TEXT,
            "ReservedConcurrentExecutions": INTEGER,
            "Role": TEXT,
            "Runtime": TEXT,
            "SnapStart": Members({"ApplyOn": TEXT}),
            "Tags": TAGS,
            "Timeout": INTEGER,
            "TracingConfig": Members({"Mode": TEXT}),
            "VpcConfig": Members({"Ipv6AllowedForDualStack": BOOLEAN, "SecurityGroupIds": TEXTS, "SubnetIds": TEXTS}),
        },
        frozenset({"Code", "Role"}),
    ),
    create=_create,
    update=_update,
    delete=_delete,
    replaced_by=frozenset({"FunctionName", "PackageType"}),
    named_by="FunctionName",
    reference="the function's name",
    attributes=("Arn",),
    remark="Code: a folder beside the template (`interstate deploy`) or text in the template.",
)
